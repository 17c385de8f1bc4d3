/*
 * Documents one after the other as located trees; what yaml_tree_parse and yaml_to_json share.
 *
 * Private to pkg/yaml. The reader and the trees borrow the text.
 */
#ifndef YAML_YAML_READER_H
#define YAML_YAML_READER_H

#include "yaml/yaml_arena.h"
#include "yaml/yaml_tree.h"

struct yaml_tree {
    struct yaml_arena arena;
    const struct yaml_node *root;
    size_t end;
};

struct yaml_reader;

/* Checks size, NUL bytes and encoding. Places as in yaml_tree_parse. */
int yaml_reader_create(const char *text, size_t len, struct yaml_reader **ret_reader,
                       struct yaml_place *ret_place, struct err *err) MUST_CHECK;
void yaml_reader_destroy(struct yaml_reader *reader);
DEFINE_AUTO_DESTROY(yaml_reader, struct yaml_reader, yaml_reader_destroy)

/* The next document; NULL when there is none left. The limits are for all documents together. */
int yaml_reader_next(struct yaml_reader *reader, struct yaml_tree **ret_tree,
                     struct yaml_place *ret_place, struct err *err) MUST_CHECK;

/* Sets "line L, column C: <formatted>" for the byte at `offset`. Returns -1. */
int yaml_err_at(struct err *err, const char *text, size_t len, size_t offset, const char *format,
                ...) PRINTF_LIKE(5, 6);

#endif
