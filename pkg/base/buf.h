/*
 * A growing byte buffer with a limit given at construction.
 *
 * The content is always NUL-terminated behind `len`, so that text in it can be used as a C
 * string; NUL bytes within are kept. Going over the limit appends nothing of that piece, latches
 * `overflow`, and later appends fail too: a caller may append in a row and ask once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/cleanup.h"

struct buf {
    char *data; /* NULL while nothing was appended; use buf_str() for a C string */
    size_t len;
    size_t capacity;
    size_t limit; /* the most bytes `len` may reach */
    bool overflow;
};

#define BUF_INIT(max) ((struct buf){.limit = (max)})

void buf_init(struct buf *buf, size_t limit);
void buf_finish(struct buf *buf);
/* Empties it, keeps the memory and the limit, clears `overflow`. */
void buf_reset(struct buf *buf);
/* Empties it and gives the memory back. */
void buf_shrink(struct buf *buf);
/* Returns 0, or -1 when the limit is exceeded (nothing of this piece is appended). */
int buf_append(struct buf *buf, const void *data, size_t len);
int buf_puts(struct buf *buf, const char *string);
int buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* Drops the first `len` bytes. */
void buf_drop_front(struct buf *buf, size_t len);
/* The content as a C string, "" when empty; borrowed. */
const char *buf_str(const struct buf *buf);
/* Hands the content over as a C string (never NULL) and empties the buffer. */
char *buf_take(struct buf *buf);

DEFINE_AUTO_FINISH(buf, struct buf, buf_finish)

#endif
