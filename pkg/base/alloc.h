/*
 * Allocation that cannot fail.
 *
 * Out of memory ends the process (abort): the pod restarts, every input is bounded and
 * everything the operator does is level-triggered, so nothing is lost by it. Callers therefore
 * never check for NULL. Results are released with free().
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"

void *xmalloc(size_t size);
/* Zeroed memory for `count` elements of `size` bytes; a product that overflows aborts. */
void *xcalloc(size_t count, size_t size);
/* Resizes to `count` elements of `size` bytes; a product that overflows aborts. */
void *xreallocarray(void *old, size_t count, size_t size);
/* Copies a string; NULL gives NULL. */
char *xstrdup(const char *string);
char *xstrndup(const char *string, size_t max);
char *xmemdup(const void *data, size_t len);
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2);
char *xvasprintf(const char *format, va_list args) PRINTF_LIKE(1, 0);

/*
 * Replaces the string that `slot` owns by a copy of `value` (NULL: by NULL).
 */
void xstr_replace(char **slot, const char *value);

/* Gives free memory back to the system, that between pieces in use too; takes milliseconds. */
void memory_tidy(void);

#endif
