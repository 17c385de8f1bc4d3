#include "node/lineage.h"

#include <string.h>

#include "node/facts.h"
#include "json/json.h"

enum {
    EDIT_FIRST = 1,  /* nodelifecycle off; Hostname first */
    EDIT_SECOND = 2, /* no --kubelet-certificate-authority */
    EDIT_DNS = 4,
};

/* Those of the edits that are in `set`; the nameserver is the file's own. */
static struct staticpod_wanted edits(const struct staticpod_wanted *wanted, unsigned set,
                                     const char *nameserver)
{
    bool first = (set & EDIT_FIRST) != 0;
    bool apiserver = wanted->component == STATICPOD_APISERVER;
    return (struct staticpod_wanted){
        .component = wanted->component,
        .nodelifecycle_off = !apiserver && first,
        .hostname_first = apiserver && first,
        .no_certificate_authority = apiserver && (set & EDIT_SECOND) != 0,
        .nameserver = apiserver && (set & EDIT_DNS) != 0 ? nameserver : NULL,
        .cluster_domain = wanted->cluster_domain,
        .names_allowed = true, /* asked before it was written */
    };
}

static bool gives(const struct manifest_content *original, const struct manifest_content *file,
                  const struct staticpod_wanted *wanted)
{
    AUTO(staticpod_edit) struct staticpod_edit edit;
    staticpod_edit(original->bytes, original->len, wanted, &edit);
    return edit.outcome == STATICPOD_EDITED && edit.len == file->len &&
           memcmp(edit.text, file->bytes, file->len) == 0;
}

bool lineage_is_ours(const struct manifest_content *original, const struct manifest_content *file,
                     const struct staticpod_wanted *wanted)
{
    AUTO(facts) struct facts facts = {0};
    unsigned all = wanted->component == STATICPOD_APISERVER
                       ? (unsigned)(EDIT_FIRST | EDIT_SECOND | EDIT_DNS)
                       : (unsigned)EDIT_FIRST;
    if (manifest_content_same(original, file)) {
        return true;
    }
    if (!facts_read(file->bytes, file->len, wanted->component, &facts)) {
        return false;
    }
    const char *nameserver = json_get_str(facts.document, "spec/dnsConfig/nameservers/0");
    for (unsigned set = 1; set <= all; set++) {
        struct staticpod_wanted some = edits(wanted, set, nameserver);
        if (((set & EDIT_DNS) == 0 || nameserver != NULL) && gives(original, file, &some)) {
            return true;
        }
    }
    return false;
}

static bool has(const struct manifest_content *content, const struct staticpod_wanted *wanted)
{
    return staticpod_edit_as_wanted(content->bytes, content->len, wanted);
}

/* Whether one of the wanted edits is in the file that was not in the original. */
static bool bears_ours(const struct manifest_content *original, const struct manifest_content *file,
                       const struct staticpod_wanted *wanted)
{
    static const unsigned sets[] = {EDIT_FIRST, EDIT_SECOND, EDIT_DNS};
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        struct staticpod_wanted one = edits(wanted, sets[i], wanted->nameserver);
        bool any = one.nodelifecycle_off || one.hostname_first || one.no_certificate_authority ||
                   one.nameserver != NULL;
        if (any && has(file, &one) && !has(original, &one)) {
            return true;
        }
    }
    return false;
}

bool lineage_is_new_original(const struct manifest_content *original,
                             const struct manifest_content *file,
                             const struct staticpod_wanted *wanted)
{
    AUTO(facts) struct facts before = {0};
    AUTO(facts) struct facts now = {0};
    if (lineage_is_ours(original, file, wanted)) {
        return false;
    }
    bool read = facts_read(original->bytes, original->len, wanted->component, &before) &&
                facts_read(file->bytes, file->len, wanted->component, &now);
    return read && (strcmp(before.image, now.image) != 0 || !bears_ours(original, file, wanted));
}
