/*
 * The bytes that an edit replaces, collected in any order and applied at once.
 *
 * Owns the replacements. Offsets are those of the text before the edit; spans must not overlap.
 */
#ifndef STATICPOD_STATICPOD_SPANS_H
#define STATICPOD_STATICPOD_SPANS_H

#include <stddef.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"

struct staticpod_span {
    size_t start;
    size_t end; /* equal to start: an insertion */
    char *replacement;
};

struct staticpod_spans {
    struct staticpod_span *list;
    size_t len;
};

void staticpod_spans_add_take(struct staticpod_spans *spans, size_t start, size_t end,
                              char *replacement);
/* The edited text, owned by the caller (free). */
int staticpod_spans_apply(const struct staticpod_spans *spans, const char *text, size_t len,
                          char **ret_text, size_t *ret_len, struct err *err) MUST_CHECK;
void staticpod_spans_finish(struct staticpod_spans *spans);
DEFINE_AUTO_FINISH(staticpod_spans, struct staticpod_spans, staticpod_spans_finish)

#endif
