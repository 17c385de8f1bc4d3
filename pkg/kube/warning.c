#include "kube/warning.h"

#include <string.h>

#include "base/alloc.h"

enum {
    SEEN_MAX = 64,
    TEXT_MAX = 1024,
};

void warnings_init(struct warnings *warnings)
{
    strmap_init(&warnings->seen, NULL);
}

void warnings_finish(struct warnings *warnings)
{
    strmap_finish(&warnings->seen);
}

/* The quoted string of RFC 7234 section 5.5, without its quotes and escapes; NULL: there is none.
 */
static char *parse(const char *header)
{
    const char *from = strncmp(header, "299 ", 4) == 0 ? strchr(header, '"') : NULL;
    if (from == NULL) {
        return NULL;
    }
    char *text = xmalloc(TEXT_MAX);
    size_t len = 0;
    for (const char *at = from + 1; *at != '\0' && *at != '"' && len < TEXT_MAX - 1; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        }
        text[len++] = *at;
    }
    text[len] = '\0';
    return text;
}

char *warnings_take_new(struct warnings *warnings, const char *header)
{
    AUTO_FREE char *text = header != NULL ? parse(header) : NULL;
    if (text == NULL || strmap_get(&warnings->seen, text) != NULL) {
        return NULL;
    }
    if (warnings->seen.len >= SEEN_MAX) {
        strmap_clear(&warnings->seen);
    }
    strmap_set(&warnings->seen, text, warnings);
    return take_ptr(text);
}
