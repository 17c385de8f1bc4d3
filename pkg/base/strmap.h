/*
 * A map from strings to pointers, kept sorted by key (strcmp order).
 *
 * Walking it by index is in key order, so whatever is made from it is deterministic. Look-up is
 * a binary search, insertion moves pointers: right for up to some ten thousand entries. Keys
 * are copied, unless the map borrows them: then each belongs to the value that came with it. Values
 * are owned by the map when it has a `destroy` function, else borrowed.
 */
#ifndef BASE_STRMAP_H
#define BASE_STRMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct strmap_entry {
    char *key;
    void *value;
};

struct strmap {
    struct strmap_entry *entries; /* sorted by key, keys unique */
    size_t len;
    size_t capacity;
    void (*destroy)(void *value); /* NULL: values are borrowed */
    bool borrows_keys;
};

#define STRMAP_INIT(destroy_value) ((struct strmap){.destroy = (destroy_value)})

void strmap_init(struct strmap *map, void (*destroy)(void *value));
void strmap_finish(struct strmap *map);
void strmap_clear(struct strmap *map);
/* The value, or NULL when the key is absent. */
void *strmap_get(const struct strmap *map, const char *key);
/* Sets the value; a value that was there is destroyed. */
void strmap_set(struct strmap *map, const char *key, void *value);
/* Removes the key and destroys its value; an absent key is no error. */
void strmap_remove(struct strmap *map, const char *key);

DEFINE_AUTO_FINISH(strmap, struct strmap, strmap_finish)

#endif
