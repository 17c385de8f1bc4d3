#include "yaml/yaml_arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
    CHUNK_SIZE = 8192,
};

struct yaml_chunk {
    struct yaml_chunk *next;
    size_t used;
    size_t size;
    max_align_t data[];
};

static size_t aligned(size_t size)
{
    size_t unit = sizeof(max_align_t);
    return (size + unit - 1) / unit * unit;
}

static void add_chunk(struct yaml_arena *arena, size_t size)
{
    struct yaml_chunk *chunk = xcalloc(1, sizeof(*chunk) + size);
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
}

void *yaml_arena_alloc(struct yaml_arena *arena, size_t size)
{
    size_t wanted = aligned(size);
    if (arena->chunks == NULL || wanted > arena->chunks->size - arena->chunks->used) {
        add_chunk(arena, wanted > CHUNK_SIZE ? wanted : CHUNK_SIZE);
    }
    struct yaml_chunk *chunk = arena->chunks;
    void *piece = (char *)chunk->data + chunk->used;
    chunk->used += wanted;
    return piece;
}

char *yaml_arena_copy(struct yaml_arena *arena, const void *data, size_t len)
{
    char *copy = yaml_arena_alloc(arena, len + 1);
    if (len != 0) {
        memcpy(copy, data, len);
    }
    return copy;
}

void yaml_arena_finish(struct yaml_arena *arena)
{
    while (arena->chunks != NULL) {
        struct yaml_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
}
