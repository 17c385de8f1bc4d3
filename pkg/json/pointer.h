/*
 * The parts of a JSON pointer (RFC 6901). For this package only; others use json_get().
 */
#ifndef JSON_POINTER_H
#define JSON_POINTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* Resolves ~0 and ~1 in place; false when another escape is in it. */
bool pointer_unescape(char *segment) MUST_CHECK;
/* An array index: digits without a leading zero. 0, or -1 when it is none. */
int pointer_index(const char *segment, size_t *ret_index) MUST_CHECK;

#endif
