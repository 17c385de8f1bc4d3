#include "json/pointer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "json/json.h"

bool pointer_unescape(char *segment)
{
    char *out = segment;
    for (const char *in = segment; *in != '\0'; in++) {
        if (*in != '~') {
            *out++ = *in;
            continue;
        }
        in++;
        if (*in != '0' && *in != '1') {
            return false;
        }
        *out++ = *in == '1' ? '/' : '~';
    }
    *out = '\0';
    return true;
}

int pointer_index(const char *segment, size_t *ret_index)
{
    size_t figures = strspn(segment, "0123456789");
    if (figures == 0 || segment[figures] != '\0' || (segment[0] == '0' && figures > 1)) {
        return -1;
    }
    errno = 0;
    unsigned long index = strtoul(segment, NULL, 10);
    if (errno != 0) {
        return -1;
    }
    *ret_index = index;
    return 0;
}

char *json_pointer_escape(const char *name)
{
    char *out = xmalloc(strlen(name) * 2 + 1);
    char *end = out;
    for (; *name != '\0'; name++) {
        if (*name == '~' || *name == '/') {
            *end++ = '~';
            *end++ = *name == '~' ? '0' : '1';
        } else {
            *end++ = *name;
        }
    }
    *end = '\0';
    return out;
}
