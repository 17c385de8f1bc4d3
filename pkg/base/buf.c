#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void buf_init(struct buf *buf, size_t limit)
{
    *buf = BUF_INIT(limit);
}

void buf_finish(struct buf *buf)
{
    if (buf != NULL) {
        free(buf->data);
        *buf = BUF_INIT(buf->limit);
    }
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->overflow = false;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

void buf_shrink(struct buf *buf)
{
    buf_finish(buf);
}

static void reserve(struct buf *buf, size_t wanted)
{
    if (wanted < buf->capacity) {
        return;
    }
    size_t capacity = buf->capacity != 0 ? buf->capacity : 64;
    while (capacity <= wanted) {
        capacity *= 2;
    }
    if (capacity > buf->limit) { /* wanted <= limit: this is still enough */
        capacity = buf->limit + 1;
    }
    buf->data = xreallocarray(buf->data, capacity, 1);
    buf->capacity = capacity;
}

int buf_append(struct buf *buf, const void *data, size_t len)
{
    if (buf->overflow || len > buf->limit - buf->len) {
        buf->overflow = true;
        return -1;
    }
    reserve(buf, buf->len + len);
    if (len != 0) {
        memcpy(buf->data + buf->len, data, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int buf_puts(struct buf *buf, const char *string)
{
    return buf_append(buf, string, strlen(string));
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO_FREE char *text = xvasprintf(format, args);
    va_end(args);
    return buf_puts(buf, text);
}

void buf_drop_front(struct buf *buf, size_t len)
{
    if (len >= buf->len) {
        buf_reset(buf);
        return;
    }
    memmove(buf->data, buf->data + len, buf->len - len + 1);
    buf->len -= len;
}

const char *buf_str(const struct buf *buf)
{
    return buf->data != NULL ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
    char *text = buf->data != NULL ? buf->data : xstrdup("");
    *buf = BUF_INIT(buf->limit);
    return text;
}
