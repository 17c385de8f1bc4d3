#include "kube/der.h"

/* Reads tag and length; false when the value does not fit. */
static bool read_head(const struct der *from, unsigned *ret_tag, size_t *ret_head, size_t *ret_len)
{
    if (from->len < 2) {
        return false;
    }
    size_t head = 2;
    size_t len = from->at[1];
    if (len >= 0x80) {
        size_t figures = len & 0x7f;
        if (figures == 0 || figures > 4 || from->len < head + figures) {
            return false;
        }
        len = 0;
        for (size_t i = 0; i < figures; i++) {
            len = len << 8 | from->at[head + i];
        }
        head += figures;
    }
    if (len > from->len - head) {
        return false;
    }
    *ret_tag = from->at[0];
    *ret_head = head;
    *ret_len = len;
    return true;
}

bool der_is_complete(const void *data, size_t len)
{
    struct der from = {.at = data, .len = len};
    unsigned tag;
    size_t head;
    size_t content;
    return read_head(&from, &tag, &head, &content) && head + content == len;
}

bool der_take(struct der *from, enum der_tag tag, struct der *ret_content)
{
    unsigned found;
    size_t head;
    size_t len;
    if (!read_head(from, &found, &head, &len) || found != (unsigned)tag) {
        return false;
    }
    if (ret_content != NULL) {
        *ret_content = (struct der){.at = from->at + head, .len = len};
    }
    from->at += head + len;
    from->len -= head + len;
    return true;
}

void der_skip_optional(struct der *from, enum der_tag tag)
{
    (void)der_take(from, tag, NULL);
}
