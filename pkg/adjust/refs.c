#include "adjust/refs.h"

#include <stdint.h>

#include "base/alloc.h"

void refs_add(struct refs *refs, const void *item)
{
    if (refs->len == refs->capacity) {
        refs->capacity = refs->capacity != 0 ? refs->capacity * 2 : 16;
        refs->items = xreallocarray(refs->items, refs->capacity, sizeof(*refs->items));
    }
    refs->items[refs->len++] = item;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) * (const void *const *)a;
    uintptr_t right = (uintptr_t) * (const void *const *)b;
    return (left > right) - (left < right);
}

void refs_seal(struct refs *refs)
{
    size_t kept = 0;
    if (refs->len == 0) {
        return;
    }
    qsort(refs->items, refs->len, sizeof(*refs->items), by_address);
    for (size_t i = 0; i < refs->len; i++) {
        if (kept == 0 || refs->items[i] != refs->items[kept - 1]) {
            refs->items[kept++] = refs->items[i];
        }
    }
    refs->len = kept;
}

bool refs_has(const struct refs *refs, const void *item)
{
    return refs->len > 0 &&
           bsearch(&item, refs->items, refs->len, sizeof(*refs->items), by_address) != NULL;
}

void refs_finish(struct refs *refs)
{
    free(refs->items);
    *refs = REFS_INIT;
}
