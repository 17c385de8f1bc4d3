/*
 * Edits of a text as replaced byte spans: whatever is not in a span stays as it is.
 *
 * Lines here end at LF, CR LF or a lone CR, or with the text. Pure functions; the text is borrowed.
 */
#ifndef YAML_YAML_EDIT_H
#define YAML_YAML_EDIT_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

struct yaml_edit {
    size_t start;
    size_t end;              /* equal to start: an insertion */
    const char *replacement; /* borrowed */
};

/*
 * Applies all edits at once; their offsets are those of the given text. They must be in ascending
 * order and not overlap; insertions at one place are made in their order. ERR_INVALID for other
 * edits, and when the result would be longer than `limit`. The result is owned by the caller
 * (free), NUL-terminated, and may hold what the text held.
 */
int yaml_edit_apply(const char *text, size_t len, const struct yaml_edit *edits, size_t count,
                    size_t limit, char **ret_text, size_t *ret_len, struct err *err) MUST_CHECK;

/* Where the line begins that holds the byte at `offset`; a line break belongs to its line. */
size_t yaml_line_start(const char *text, size_t len, size_t offset);
/* Where it ends, without its line break. */
size_t yaml_line_end(const char *text, size_t len, size_t offset);
/* Where the line behind it begins; `len` when there is none. */
size_t yaml_line_next(const char *text, size_t len, size_t offset);

/* The value as a single-quoted scalar; one line only, of characters that print. */
char *yaml_quote_single(const char *value);

#endif
