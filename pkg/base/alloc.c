#include "base/alloc.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *memory)
{
    if (memory == NULL) {
        fputs("yurt-steward: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *xmalloc(size_t size)
{
    return check(malloc(size != 0 ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return check(calloc(count != 0 ? count : 1, size != 0 ? size : 1));
}

void *xreallocarray(void *old, size_t count, size_t size)
{
    return check(reallocarray(old, count != 0 ? count : 1, size != 0 ? size : 1));
}

char *xstrdup(const char *string)
{
    return string != NULL ? check(strdup(string)) : NULL;
}

char *xstrndup(const char *string, size_t max)
{
    return check(strndup(string, max));
}

char *xmemdup(const void *data, size_t len)
{
    char *copy = xmalloc(len + 1);
    if (len != 0) {
        memcpy(copy, data, len);
    }
    copy[len] = '\0';
    return copy;
}

char *xvasprintf(const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
    }
    return check(text);
}

char *xasprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    return text;
}

void memory_tidy(void)
{
    malloc_trim(0);
}

void xstr_replace(char **slot, const char *value)
{
    char *copy = xstrdup(value);
    free(*slot);
    *slot = copy;
}
