/*
 * YAML: every span of a located tree holds what its node says, and every document that is read
 * as JSON is the same after it was written as YAML and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "fuzz/fuzzing.h"
#include "yaml/yaml.h"
#include "yaml/yaml_tree.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_scalar(const char *text, const struct yaml_node *node)
{
    size_t len = node->end - node->start;
    if (node->anchor != NULL || node->tag != NULL) {
        return;
    }
    if (node->style == YAML_STYLE_PLAIN && memchr(text + node->start, '\n', len) == NULL &&
        memchr(text + node->start, '\r', len) == NULL &&
        memchr(text + node->start, '\xc2', len) == NULL &&
        memchr(text + node->start, '\xe2', len) == NULL) {
        fuzz_require(len == node->value_len && memcmp(text + node->start, node->value, len) == 0);
    }
    static const char first[] = {[YAML_STYLE_SINGLE] = '\'',
                                 [YAML_STYLE_DOUBLE] = '"',
                                 [YAML_STYLE_LITERAL] = '|',
                                 [YAML_STYLE_FOLDED] = '>'};
    if (node->style != YAML_STYLE_PLAIN) {
        fuzz_require(len != 0 && text[node->start] == first[node->style]);
    }
    if (node->style == YAML_STYLE_SINGLE || node->style == YAML_STYLE_DOUBLE) {
        fuzz_require(len >= 2 && text[node->end - 1] == first[node->style]);
    }
}

static void check_node(const char *text, size_t size, const struct yaml_node *node)
{
    fuzz_require(node->start <= node->end && node->end <= size);
    if (node->kind == YAML_KIND_SCALAR) {
        check_scalar(text, node);
    } else if (node->kind == YAML_KIND_ALIAS) {
        fuzz_require(text[node->start] == '*' && node->target->referenced);
        fuzz_require(node->target->kind != YAML_KIND_ALIAS && node->target->end <= node->start);
    } else if (node->style == YAML_STYLE_FLOW) {
        char last = text[node->end - 1];
        fuzz_require(last == '}' || last == ']' || node->count == 1); /* [a: b] holds a map */
    }
    size_t items = node->kind == YAML_KIND_MAP ? 2 * node->count : node->count;
    for (size_t i = 0; i < items; i++) {
        fuzz_require(node->items[i]->start >= node->start && node->items[i]->end <= node->end);
        fuzz_require(i == 0 || node->items[i]->start >= node->items[i - 1]->end);
        check_node(text, size, node->items[i]);
    }
}

static int check_tree(const char *text, size_t size)
{
    AUTO(yaml_tree) struct yaml_tree *tree = NULL;
    struct yaml_place place = {0};
    struct err err = {0};
    if (yaml_tree_parse(text, size, &tree, &place, &err) < 0) {
        fuzz_require(err.kind == ERR_INVALID && err.text[0] != '\0');
        return -1;
    }
    fuzz_require(yaml_tree_end(tree) <= size);
    if (yaml_tree_root(tree) != NULL) {
        check_node(text, yaml_tree_end(tree), yaml_tree_root(tree));
    }
    return 0;
}

static void check_round_trip(const struct json_object *value)
{
    AUTO_FREE char *text = yaml_emit(value);
    AUTO(json) struct json_object *again = NULL;
    fuzz_require(yaml_to_json(text, strlen(text), &again, NULL) == 0);
    fuzz_require(json_array_len(again) == 1 && json_same(value, json_array_at(again, 0)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = xmalloc(size != 0 ? size : 1); /* no NUL behind it: overruns show */
    AUTO(json) struct json_object *documents = NULL;
    struct err err;
    if (size != 0) {
        memcpy(text, data, size);
    }
    int readable = check_tree(text, size);
    /* what only json_parse reads may hold 1.0, which YAML gives back as 1 */
    if (yaml_to_json(text, size, &documents, &err) == 0 && readable == 0) {
        for (size_t i = 0; i < json_array_len(documents); i++) {
            check_round_trip(json_array_at(documents, i));
        }
    }
    return 0;
}
