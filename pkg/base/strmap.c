#include "base/strmap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Where the key is (true), or where it would be inserted (false). */
static bool find(const struct strmap *map, const char *key, size_t *ret_index)
{
    size_t low = 0;
    size_t high = map->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(map->entries[middle].key, key);
        if (order == 0) {
            *ret_index = middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_index = low;
    return false;
}

static void drop_value(const struct strmap *map, void *value)
{
    if (map->destroy != NULL && value != NULL) {
        map->destroy(value);
    }
}

static void drop_key(const struct strmap *map, char *key)
{
    if (!map->borrows_keys) {
        free(key);
    }
}

static char *take_key(const struct strmap *map, const char *key)
{
    return map->borrows_keys ? (char *)(uintptr_t)key : xstrdup(key);
}

void strmap_init(struct strmap *map, void (*destroy)(void *value))
{
    *map = STRMAP_INIT(destroy);
}

void strmap_clear(struct strmap *map)
{
    for (size_t i = 0; i < map->len; i++) {
        drop_key(map, map->entries[i].key);
        drop_value(map, map->entries[i].value);
    }
    map->len = 0;
}

void strmap_finish(struct strmap *map)
{
    strmap_clear(map);
    free(take_ptr(map->entries));
    map->capacity = 0;
}

void *strmap_get(const struct strmap *map, const char *key)
{
    size_t index;
    return find(map, key, &index) ? map->entries[index].value : NULL;
}

void strmap_set(struct strmap *map, const char *key, void *value)
{
    size_t index;
    if (find(map, key, &index)) {
        void *old = map->entries[index].value;
        map->entries[index].value = value;
        if (map->borrows_keys) {
            map->entries[index].key = take_key(map, key);
        }
        if (old != value) {
            drop_value(map, old);
        }
        return;
    }
    if (map->len == map->capacity) {
        map->capacity = map->capacity != 0 ? map->capacity * 2 : 8;
        map->entries = xreallocarray(map->entries, map->capacity, sizeof(*map->entries));
    }
    memmove(map->entries + index + 1, map->entries + index,
            (map->len - index) * sizeof(*map->entries));
    map->entries[index] = (struct strmap_entry){.key = take_key(map, key), .value = value};
    map->len++;
}

void strmap_remove(struct strmap *map, const char *key)
{
    size_t index;
    if (!find(map, key, &index)) {
        return;
    }
    struct strmap_entry gone = map->entries[index];
    map->len--;
    memmove(map->entries + index, map->entries + index + 1,
            (map->len - index) * sizeof(*map->entries));
    drop_key(map, gone.key);
    drop_value(map, gone.value);
}
