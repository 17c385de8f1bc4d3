#include <string.h>

#include "base/alloc.h"
#include "http/http.h"

static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

char *http_escape(const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *escaped = xmalloc(3 * strlen(text) + 1);
    char *out = escaped;
    for (; *text != '\0'; text++) {
        if (unreserved(*text)) {
            *out++ = *text;
            continue;
        }
        unsigned char byte = (unsigned char)*text;
        *out++ = '%';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    *out = '\0';
    return escaped;
}
