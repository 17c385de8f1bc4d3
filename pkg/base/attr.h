/*
 * Compiler attributes used in public declarations.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

/* The caller must look at the result: it says whether the call failed. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* printf-style format in argument `fmt`, its values from argument `args` on. */
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
