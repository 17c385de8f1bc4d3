#include "yaml/yaml_edit.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"

int yaml_edit_apply(const char *text, size_t len, const struct yaml_edit *edits, size_t count,
                    size_t limit, char **ret_text, size_t *ret_len, struct err *err)
{
    AUTO(buf) struct buf out = BUF_INIT(limit);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (edits[i].start < at || edits[i].end < edits[i].start || edits[i].end > len) {
            return err_set(err, ERR_INVALID, "edit %zu (bytes %zu to %zu) does not fit", i,
                           edits[i].start, edits[i].end);
        }
        buf_append(&out, text + at, edits[i].start - at);
        buf_puts(&out, edits[i].replacement);
        at = edits[i].end;
    }
    buf_append(&out, text + at, len - at);
    if (out.overflow) {
        return err_set(err, ERR_INVALID, "the edited text is longer than %zu bytes", limit);
    }
    *ret_len = out.len;
    *ret_text = buf_take(&out);
    return 0;
}

/* Whether the byte at `offset` is the second one of CR LF. */
static bool in_crlf(const char *text, size_t len, size_t offset)
{
    return offset > 0 && offset < len && text[offset] == '\n' && text[offset - 1] == '\r';
}

size_t yaml_line_start(const char *text, size_t len, size_t offset)
{
    size_t at = in_crlf(text, len, offset) ? offset - 1 : offset;
    while (at > 0 && text[at - 1] != '\n' && text[at - 1] != '\r') {
        at--;
    }
    return at;
}

size_t yaml_line_end(const char *text, size_t len, size_t offset)
{
    size_t at = offset;
    if (in_crlf(text, len, offset)) {
        return at - 1;
    }
    while (at < len && text[at] != '\n' && text[at] != '\r') {
        at++;
    }
    return at;
}

size_t yaml_line_next(const char *text, size_t len, size_t offset)
{
    size_t at = yaml_line_end(text, len, offset);
    if (at < len && text[at] == '\r') {
        at++;
        return at < len && text[at] == '\n' ? at + 1 : at;
    }
    return at < len ? at + 1 : len;
}

char *yaml_quote_single(const char *value)
{
    AUTO(buf) struct buf out = BUF_INIT(2 * strlen(value) + 2);
    buf_puts(&out, "'");
    for (; *value != '\0'; value++) {
        buf_puts(&out, *value == '\'' ? "'" : "");
        buf_append(&out, value, 1);
    }
    buf_puts(&out, "'");
    return buf_take(&out);
}
