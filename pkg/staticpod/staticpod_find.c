#include "staticpod/staticpod_find.h"

#include <string.h>

#include "base/alloc.h"

/* Whether it is worth a closer look. */
static bool is_about(const struct manifest_text *manifest, const char *component)
{
    return strncmp(manifest->name, component, strlen(component)) == 0 ||
           (manifest->text != NULL &&
            memmem(manifest->text, manifest->len, component, strlen(component)) != NULL);
}

static void look_at(const struct manifest_text *manifest, const struct staticpod_wanted *wanted,
                    struct staticpod_found *found)
{
    AUTO(staticpod_edit) struct staticpod_edit edit = {.outcome = STATICPOD_REFUSED};
    if (manifest->text == NULL) {
        edit.refusal.message = xstrdup("not a regular file");
    } else {
        staticpod_edit(manifest->text, manifest->len, wanted, &edit);
    }
    if (edit.refusal.unrelated) {
        return;
    }
    if (found->manifest == NULL) {
        found->manifest = manifest;
        found->edit = edit;
        edit = (struct staticpod_edit){0};
    } else if (found->other == NULL) {
        found->other = manifest;
    }
}

void staticpod_find(const struct manifest_text *list, size_t len,
                    const struct staticpod_wanted *wanted, struct staticpod_found *ret_found)
{
    const char *component = staticpod_component_name(wanted->component);
    *ret_found = (struct staticpod_found){0};
    for (size_t i = 0; i < len; i++) {
        if (is_about(&list[i], component)) {
            look_at(&list[i], wanted, ret_found);
        }
    }
}

void staticpod_found_finish(struct staticpod_found *found)
{
    staticpod_edit_finish(&found->edit);
}
