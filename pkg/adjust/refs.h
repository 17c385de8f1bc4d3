/*
 * A set of borrowed objects, told apart by their address: filled, sealed, then asked.
 *
 * Cheaper than a set of names where a cluster has thousands of pods: nothing is copied.
 */
#ifndef ADJUST_REFS_H
#define ADJUST_REFS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct refs {
    const void **items;
    size_t len;
    size_t capacity;
};

#define REFS_INIT ((struct refs){0})

void refs_add(struct refs *refs, const void *item);
/* Each item once, in an order that refs_has() can search; between the last add and the first ask.
 */
void refs_seal(struct refs *refs);
bool refs_has(const struct refs *refs, const void *item);
void refs_finish(struct refs *refs);
DEFINE_AUTO_FINISH(refs, struct refs, refs_finish)

#endif
