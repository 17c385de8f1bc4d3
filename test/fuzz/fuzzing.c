#include "fuzz/fuzzing.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void fuzz_require(int condition)
{
    if (!condition) {
        abort();
    }
}

char *fuzz_join(const char *head, const uint8_t *data, size_t size, size_t *ret_len)
{
    size_t head_len = strlen(head);
    char *text = xmalloc(head_len + size + (head_len + size == 0));
    memcpy(text, head, head_len);
    if (size != 0) {
        memcpy(text + head_len, data, size);
    }
    *ret_len = head_len + size;
    return text;
}
