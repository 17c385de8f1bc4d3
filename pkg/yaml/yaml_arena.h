/*
 * Memory for the nodes and strings of one tree, given back all at once.
 */
#ifndef YAML_YAML_ARENA_H
#define YAML_YAML_ARENA_H

#include <stddef.h>

struct yaml_chunk;

struct yaml_arena {
    struct yaml_chunk *chunks; /* the newest first; pieces come from that one */
};

/* Zeroed and aligned for any object. */
void *yaml_arena_alloc(struct yaml_arena *arena, size_t size);
/* A copy of `len` bytes with a NUL behind them. */
char *yaml_arena_copy(struct yaml_arena *arena, const void *data, size_t len);
void yaml_arena_finish(struct yaml_arena *arena);

#endif
