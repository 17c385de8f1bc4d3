#include "yaml/yaml_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "yaml/yaml_reader.h"

int yaml_tree_parse(const char *text, size_t len, struct yaml_tree **ret_tree,
                    struct yaml_place *ret_place, struct err *err)
{
    AUTO(yaml_reader) struct yaml_reader *reader = NULL;
    struct yaml_tree *tree;
    if (yaml_reader_create(text, len, &reader, ret_place, err) < 0 ||
        yaml_reader_next(reader, &tree, ret_place, err) < 0) {
        return -1;
    }
    if (tree == NULL) {
        tree = xcalloc(1, sizeof(*tree));
        tree->end = len;
    }
    *ret_tree = tree;
    return 0;
}

void yaml_tree_destroy(struct yaml_tree *tree)
{
    if (tree != NULL) {
        yaml_arena_finish(&tree->arena);
        free(tree);
    }
}

const struct yaml_node *yaml_tree_root(const struct yaml_tree *tree)
{
    return tree->root;
}

size_t yaml_tree_end(const struct yaml_tree *tree)
{
    return tree->end;
}

const struct yaml_node *yaml_node_follow(const struct yaml_node *node)
{
    return node->kind == YAML_KIND_ALIAS ? node->target : node;
}

const struct yaml_node *yaml_map_key(const struct yaml_node *map, size_t pair)
{
    return map->items[2 * pair];
}

const struct yaml_node *yaml_map_value(const struct yaml_node *map, size_t pair)
{
    return map->items[2 * pair + 1];
}

static bool has_text(const struct yaml_node *node, const char *text, size_t len)
{
    return node->kind == YAML_KIND_SCALAR && node->value_len == len &&
           memcmp(node->value, text, len) == 0;
}

size_t yaml_map_find(const struct yaml_node *map, const char *key, size_t from)
{
    size_t len = strlen(key);
    for (size_t i = from; i < map->count; i++) {
        if (has_text(yaml_node_follow(yaml_map_key(map, i)), key, len)) {
            return i;
        }
    }
    return map->count;
}

bool yaml_map_is_merge(const struct yaml_node *map, size_t pair)
{
    const struct yaml_node *key = yaml_map_key(map, pair);
    return has_text(key, "<<", 2) &&
           (key->implicit ||
            (key->tag != NULL && strcmp(key->tag, "tag:yaml.org,2002:merge") == 0));
}

static bool all_maps(const struct yaml_node *sequence)
{
    for (size_t i = 0; i < sequence->count; i++) {
        if (yaml_node_follow(sequence->items[i])->kind != YAML_KIND_MAP) {
            return false;
        }
    }
    return true;
}

int yaml_map_merge_count(const struct yaml_node *map, size_t pair, size_t *ret_count)
{
    const struct yaml_node *value = yaml_map_value(map, pair);
    if (yaml_node_follow(value)->kind == YAML_KIND_MAP) {
        *ret_count = 1;
        return 0;
    }
    if (value->kind != YAML_KIND_SEQ || !all_maps(value)) {
        return -1;
    }
    *ret_count = value->count;
    return 0;
}

const struct yaml_node *yaml_map_merge_at(const struct yaml_node *map, size_t pair, size_t index)
{
    const struct yaml_node *value = yaml_map_value(map, pair);
    return yaml_node_follow(value->kind == YAML_KIND_SEQ ? value->items[index] : value);
}

static bool same_string(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool yaml_node_same(const struct yaml_node *a, const struct yaml_node *b)
{
    if (a->kind != b->kind || a->style != b->style || a->implicit != b->implicit ||
        a->count != b->count || a->value_len != b->value_len || !same_string(a->tag, b->tag) ||
        !same_string(a->anchor, b->anchor)) {
        return false;
    }
    if (a->value_len != 0 && memcmp(a->value, b->value, a->value_len) != 0) {
        return false;
    }
    size_t items = a->kind == YAML_KIND_MAP ? 2 * a->count : a->count;
    for (size_t i = 0; i < items; i++) {
        if (!yaml_node_same(a->items[i], b->items[i])) {
            return false;
        }
    }
    return true;
}
