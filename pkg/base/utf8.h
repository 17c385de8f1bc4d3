/*
 * UTF-8 as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the valid sequence at the start of `text`, or 0 when there is none. */
size_t utf8_sequence_len(const char *text, size_t len);
/* Whether all of it is valid; ret_bad (may be NULL) is the offset of the first bad byte. */
bool utf8_valid(const char *text, size_t len, size_t *ret_bad);
/* The largest n <= max such that the first n bytes end on a sequence boundary. */
size_t utf8_cut(const char *text, size_t len, size_t max);

#endif
