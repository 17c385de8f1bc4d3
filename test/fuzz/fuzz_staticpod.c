/*
 * The edit of static pod manifests: it changes the target only, judged by reading both texts as
 * JSON and by their bytes; editing again changes nothing.
 *
 * The input is taken as it is, and as what follows the head of a container's command.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "fuzz/fuzzing.h"
#include "staticpod/staticpod_edit.h"
#include "staticpod/staticpod_flags.h"
#include "staticpod/staticpod_names.h"
#include "yaml/yaml.h"
#include "json/json.h"

#define POD "apiVersion: v1\nkind: Pod\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- as JSON --- */

/* The first document without what may be edited, whatever container that is in. */
static struct json_object *without_target(const char *text, size_t len)
{
    AUTO(json) struct json_object *documents = NULL;
    struct json_object *rest = NULL;
    fuzz_require(yaml_to_json(text, len, &documents, NULL) == 0);
    AUTO(json) struct json_object *patch = json_new_array();
    AUTO(json) struct json_object *document = json_copy(json_array_at(documents, 0));
    struct json_object *spec = json_ensure_object(document, "spec");
    json_del(spec, "dnsPolicy");
    json_del(spec, "dnsConfig");
    size_t count = json_array_len(json_member(spec, "containers"));
    for (size_t i = 0; i < 2 * count; i++) {
        struct json_object *operation = json_new_object();
        AUTO_FREE char *path =
            xasprintf("/spec/containers/%zu/%s", i / 2, i % 2 == 0 ? "command" : "args");
        json_set_str(operation, "op", "add");
        json_set_str(operation, "path", path);
        json_set_take(operation, "value", NULL);
        json_append_take(patch, operation);
    }
    fuzz_require(json_json_patch(document, patch, &rest, NULL) == 0);
    return rest;
}

static bool is_target(const char *word)
{
    return strstr(word, "controllers") != NULL || strstr(word, "kubelet") != NULL;
}

/* As many words as there must be: one is changed, or one is added, or some are removed. */
static void check_count(const struct staticpod_manifest *was, const struct staticpod_manifest *is,
                        const struct staticpod_wanted *wanted)
{
    AUTO(staticpod_flags) struct staticpod_flags flags = {0};
    AUTO(staticpod_refusal) struct staticpod_refusal refusal = {0};
    if (wanted->no_certificate_authority) {
        fuzz_require(is->words_len < was->words_len);
        return;
    }
    fuzz_require(!wanted->nodelifecycle_off ||
                 staticpod_flags_find(was, "controllers", &flags, &refusal) == 0);
    bool added = wanted->nodelifecycle_off && flags.len == 0;
    fuzz_require(is->words_len == was->words_len + added);
}

/* The words in front of and behind the changed ones are the same. */
static void check_words(const struct staticpod_manifest *was, const struct staticpod_manifest *is)
{
    size_t front = 0;
    size_t back = 0;
    fuzz_require(is->container_index == was->container_index && is->first_flag == was->first_flag);
    while (front < was->words_len && front < is->words_len &&
           strcmp(was->words[front].value, is->words[front].value) == 0) {
        front++;
    }
    while (front + back < was->words_len && front + back < is->words_len &&
           strcmp(was->words[was->words_len - 1 - back].value,
                  is->words[is->words_len - 1 - back].value) == 0) {
        back++;
    }
    size_t kept = front;
    for (size_t i = front; i + back < was->words_len; i++) {
        bool same =
            kept + back < is->words_len && strcmp(was->words[i].value, is->words[kept].value) == 0;
        bool value = i > 0 && is_target(was->words[i - 1].value);
        fuzz_require(same || value || is_target(was->words[i].value));
        kept += same;
    }
}

/* --- as bytes --- */

static bool is_subsequence(const char *part, size_t part_len, const char *whole, size_t len)
{
    size_t at = 0;
    for (size_t i = 0; i < len && at < part_len; i++) {
        at += part[at] == whole[i];
    }
    return at == part_len;
}

/* Whether one stretch of bytes within a line is all that was replaced. */
static bool differs_in_a_line(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t front = 0;
    size_t back = 0;
    size_t shorter = a_len < b_len ? a_len : b_len;
    while (front < shorter && a[front] == b[front]) {
        front++;
    }
    while (back < shorter - front && a[a_len - 1 - back] == b[b_len - 1 - back]) {
        back++;
    }
    return memchr(a + front, '\n', a_len - front - back) == NULL;
}

static bool has(const char *text, size_t len, const char *word)
{
    return memmem(text, len, word, strlen(word)) != NULL;
}

static void check_bytes(const char *text, size_t len, const struct staticpod_wanted *wanted,
                        const struct staticpod_edit *edit)
{
    if (wanted->nodelifecycle_off || wanted->hostname_first) {
        fuzz_require(differs_in_a_line(text, len, edit->text, edit->len));
    } else if (wanted->no_certificate_authority) {
        fuzz_require(is_subsequence(edit->text, edit->len, text, len));
    } else if (!has(text, len, "dns") && !has(text, len, "\\")) {
        fuzz_require(is_subsequence(text, len, edit->text, edit->len));
    }
}

/* --- */

static void check_edited(const char *text, size_t len, const struct staticpod_wanted *wanted,
                         const struct staticpod_edit *edit)
{
    AUTO(staticpod_refusal) struct staticpod_refusal refusal = {0};
    AUTO(staticpod_manifest) struct staticpod_manifest was;
    AUTO(staticpod_manifest) struct staticpod_manifest is;
    AUTO(json) struct json_object *rest_was = without_target(text, len);
    AUTO(json) struct json_object *rest_is = without_target(edit->text, edit->len);
    fuzz_require(json_same(rest_was, rest_is));
    fuzz_require(staticpod_manifest_read(text, len, wanted->component, &was, &refusal) == 0);
    fuzz_require(staticpod_manifest_read(edit->text, edit->len, wanted->component, &is, &refusal) ==
                 0);
    check_words(&was, &is);
    check_count(&was, &is, wanted);
    check_bytes(text, len, wanted, edit);
    fuzz_require(edit->changes.len > 0);
    fuzz_require(staticpod_edit_as_wanted(edit->text, edit->len, wanted));
}

static void check_text(const char *text, size_t len, const struct staticpod_wanted *wanted)
{
    AUTO(staticpod_edit) struct staticpod_edit edit;
    switch (staticpod_edit(text, len, wanted, &edit)) {
    case STATICPOD_AS_WANTED:
        fuzz_require(edit.text == NULL && edit.changes.len == 0);
        break;
    case STATICPOD_REFUSED:
        fuzz_require(edit.refusal.message != NULL && edit.text == NULL && edit.changes.len == 0);
        break;
    case STATICPOD_EDITED:
        check_edited(text, len, wanted, &edit);
        break;
    }
}

static void check_names(const uint8_t *data, size_t size)
{
    static const char text[] = POD "spec: {containers: [{command: [kube-apiserver]}]}\n";
    AUTO(staticpod_manifest) struct staticpod_manifest manifest;
    AUTO(staticpod_refusal) struct staticpod_refusal refusal = {0};
    AUTO(staticpod_names) struct staticpod_names names = {0};
    struct err err;
    fuzz_require(
        staticpod_manifest_read(text, strlen(text), STATICPOD_APISERVER, &manifest, &refusal) == 0);
    if (staticpod_names_in_file(&manifest, "f", (const char *)data, size, &names, &err) < 0) {
        fuzz_require(err.kind == ERR_INVALID);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct staticpod_wanted wanted[] = {
        {.component = STATICPOD_CONTROLLER_MANAGER, .nodelifecycle_off = true},
        {.component = STATICPOD_APISERVER, .hostname_first = true},
        {.component = STATICPOD_APISERVER, .no_certificate_authority = true},
        {.component = STATICPOD_APISERVER, .nameserver = "1.2.3.4", .names_allowed = true},
    };
    static const struct {
        const char *text;
        bool serves[2]; /* which component it is a manifest of, by enum staticpod_component */
    } heads[] = {
        {"", {true, true}},
        {POD "spec:\n  containers:\n  - command:\n    - kube-apiserver\n", {false, true}},
        {POD "spec:\n  containers:\n  - command:\n    - kube-controller-manager\n", {true, false}},
        {"# {\n{apiVersion: v1, kind: Pod, spec: {containers: [{command: [kube-apiserver,",
         {false, true}},
        {"# {\n{apiVersion: v1, kind: Pod, spec: {containers: [{command: ["
         "kube-controller-manager,",
         {true, false}},
    };
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        size_t len;
        AUTO_FREE char *text = fuzz_join(heads[i].text, data, size, &len);
        for (size_t j = 0; j < ARRAY_LEN(wanted); j++) {
            if (heads[i].serves[wanted[j].component]) {
                check_text(text, len, &wanted[j]);
            }
        }
    }
    check_names(data, size);
    return 0;
}
