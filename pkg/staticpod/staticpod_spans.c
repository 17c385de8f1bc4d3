#include "staticpod/staticpod_spans.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "staticpod/staticpod_manifest.h"
#include "yaml/yaml_edit.h"

void staticpod_spans_add_take(struct staticpod_spans *spans, size_t start, size_t end,
                              char *replacement)
{
    spans->list = xreallocarray(spans->list, spans->len + 1, sizeof(*spans->list));
    size_t at = spans->len++;
    for (; at > 0 && spans->list[at - 1].start > start; at--) {
        spans->list[at] = spans->list[at - 1];
    }
    spans->list[at] =
        (struct staticpod_span){.start = start, .end = end, .replacement = replacement};
}

int staticpod_spans_apply(const struct staticpod_spans *spans, const char *text, size_t len,
                          char **ret_text, size_t *ret_len, struct err *err)
{
    AUTO_FREE struct yaml_edit *edits = xcalloc(spans->len + 1, sizeof(*edits));
    for (size_t i = 0; i < spans->len; i++) {
        edits[i] = (struct yaml_edit){.start = spans->list[i].start,
                                      .end = spans->list[i].end,
                                      .replacement = spans->list[i].replacement};
    }
    return yaml_edit_apply(text, len, edits, spans->len, STATICPOD_TEXT_MAX, ret_text, ret_len,
                           err);
}

void staticpod_spans_finish(struct staticpod_spans *spans)
{
    for (size_t i = 0; i < spans->len; i++) {
        free(spans->list[i].replacement);
    }
    free(spans->list);
    *spans = (struct staticpod_spans){0};
}
