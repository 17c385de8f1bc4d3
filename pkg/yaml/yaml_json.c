/* Located trees into JSON values. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "yaml/yaml.h"
#include "yaml/yaml_reader.h"
#include "yaml/yaml_scalar.h"
#include "json/json.h"

struct source {
    const char *text;
    size_t len;
    struct err *err;
    bool refused; /* it could be read, but not as JSON */
};

static int convert(struct source *source, const struct yaml_node *node,
                   struct json_object **ret_value);

static int PRINTF_LIKE(3, 4)
    fail_at(struct source *source, const struct yaml_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO_FREE char *message = xvasprintf(format, args);
    va_end(args);
    source->refused = true;
    return yaml_err_at(source->err, source->text, source->len, node->start, "%s", message);
}

static int resolve(struct source *source, const struct yaml_node *node,
                   struct yaml_scalar *ret_scalar)
{
    struct err err;
    if (yaml_scalar_resolve(node, ret_scalar, &err) < 0) {
        return fail_at(source, node, "%s", err.text);
    }
    return 0;
}

/* A number by its text: json.h has no builder for doubles and large naturals. */
static struct json_object *number(const char *text)
{
    struct json_object *value;
    if (json_parse(text, strlen(text), &value, NULL) < 0) {
        abort();
    }
    return value;
}

static struct json_object *from_float(double value)
{
    char text[YAML_FLOAT_SIZE];
    /* Go's JSON encoder writes whole numbers without a fraction, so 1.0 is read as 1 */
    if (value == trunc(value) && fabs(value) < 0x1p63) {
        return json_new_int((int64_t)value);
    }
    yaml_float_text(value, false, text);
    return number(text);
}

static int from_scalar(struct source *source, const struct yaml_node *node,
                       struct json_object **ret_value)
{
    struct yaml_scalar scalar;
    if (resolve(source, node, &scalar) < 0) {
        return -1;
    }
    char text[YAML_FLOAT_SIZE];
    switch (scalar.type) {
    case YAML_TYPE_NULL:
        *ret_value = NULL;
        break;
    case YAML_TYPE_BOOL:
        *ret_value = json_new_bool(scalar.boolean);
        break;
    case YAML_TYPE_INT:
        *ret_value = json_new_int(scalar.integer);
        break;
    case YAML_TYPE_UINT:
        snprintf(text, sizeof(text), "%llu", (unsigned long long)scalar.natural);
        *ret_value = number(text);
        break;
    case YAML_TYPE_FLOAT:
        if (!isfinite(scalar.number)) {
            return fail_at(source, node, "%s is not possible in JSON", node->value);
        }
        *ret_value = from_float(scalar.number);
        break;
    case YAML_TYPE_STRING:
        *ret_value = json_new_str_len(node->value, node->value_len);
        break;
    }
    return 0;
}

static int key_text(struct source *source, const struct yaml_node *node, char **ret_key)
{
    struct yaml_scalar scalar;
    char text[YAML_FLOAT_SIZE];
    if (node->kind != YAML_KIND_SCALAR) {
        return fail_at(source, node, "a key must be a scalar");
    }
    if (resolve(source, node, &scalar) < 0) {
        return -1;
    }
    switch (scalar.type) {
    case YAML_TYPE_NULL:
    case YAML_TYPE_UINT:
        return fail_at(source, node, "a key must not be %s",
                       scalar.type == YAML_TYPE_NULL ? "null" : "a number above 2^63 - 1");
    case YAML_TYPE_BOOL:
        *ret_key = xstrdup(scalar.boolean ? "true" : "false");
        return 0;
    case YAML_TYPE_INT:
        *ret_key = xasprintf("%lld", (long long)scalar.integer);
        return 0;
    case YAML_TYPE_FLOAT:
        yaml_float_text(scalar.number, true, text); /* single precision: so sigs.k8s.io/yaml */
        *ret_key = xstrdup(text);
        return 0;
    case YAML_TYPE_STRING:
        break;
    }
    if (strlen(node->value) != node->value_len) {
        return fail_at(source, node, "a key must not hold NUL");
    }
    *ret_key = xstrdup(node->value);
    return 0;
}

static bool known_tag(const struct yaml_node *node, const char *known)
{
    return node->tag == NULL || strcmp(node->tag, "!") == 0 || strcmp(node->tag, known) == 0;
}

static int fill_object(struct source *source, const struct yaml_node *map,
                       struct json_object *object);

static int merge(struct source *source, const struct yaml_node *map, size_t pair,
                 struct json_object *object)
{
    size_t count;
    if (yaml_map_merge_count(map, pair, &count) < 0) {
        return fail_at(source, yaml_map_value(map, pair),
                       "a merge key wants a map or a sequence of maps");
    }
    for (size_t i = count; i > 0; i--) { /* the first of a sequence wins */
        if (fill_object(source, yaml_map_merge_at(map, pair, i - 1), object) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool has_merge(const struct yaml_node *map)
{
    for (size_t i = 0; i < map->count; i++) {
        if (yaml_map_is_merge(map, i)) {
            return true;
        }
    }
    return false;
}

/* Adds a name to the ones seen in a map; false when it was there. */
static bool add_name(struct json_object *names, const char *name)
{
    size_t before = json_object_len(names);
    json_set_take(names, name, NULL);
    return json_object_len(names) > before;
}

static int add_pair(struct source *source, const struct yaml_node *map, size_t pair,
                    struct json_object *object, struct json_object *names)
{
    const struct yaml_node *key = yaml_map_key(map, pair);
    AUTO_FREE char *name = NULL;
    struct json_object *value;
    if (key_text(source, yaml_node_follow(key), &name) < 0) {
        return -1;
    }
    if (!add_name(names, name)) {
        return fail_at(source, key, "key \"%.64s\" is there already", name);
    }
    if (convert(source, yaml_map_value(map, pair), &value) < 0) {
        return -1;
    }
    json_set_take(object, name, value);
    return 0;
}

/* Adds what is in the map to an object that may hold merged members, which it replaces. */
static int fill_object(struct source *source, const struct yaml_node *map,
                       struct json_object *object)
{
    bool apart = json_object_len(object) != 0 || has_merge(map);
    AUTO(json) struct json_object *names = apart ? json_new_object() : json_ref(object);
    if (!known_tag(map, "tag:yaml.org,2002:map")) {
        return fail_at(source, map, "the tag %.64s is not for a map", map->tag);
    }
    for (size_t i = 0; i < map->count; i++) {
        int status = yaml_map_is_merge(map, i) ? merge(source, map, i, object)
                                               : add_pair(source, map, i, object, names);
        if (status < 0) {
            return -1;
        }
    }
    return 0;
}

static int from_map(struct source *source, const struct yaml_node *map,
                    struct json_object **ret_value)
{
    AUTO(json) struct json_object *object = json_new_object();
    if (fill_object(source, map, object) < 0) {
        return -1;
    }
    *ret_value = take_ptr(object);
    return 0;
}

static int from_seq(struct source *source, const struct yaml_node *seq,
                    struct json_object **ret_value)
{
    AUTO(json) struct json_object *array = json_new_array();
    if (!known_tag(seq, "tag:yaml.org,2002:seq")) {
        return fail_at(source, seq, "the tag %.64s is not for a sequence", seq->tag);
    }
    for (size_t i = 0; i < seq->count; i++) {
        struct json_object *value;
        if (convert(source, seq->items[i], &value) < 0) {
            return -1;
        }
        json_append_take(array, value);
    }
    *ret_value = take_ptr(array);
    return 0;
}

/* No limit on the depth here: the tree's covers aliases too. */
static int convert(struct source *source, const struct yaml_node *node,
                   struct json_object **ret_value)
{
    const struct yaml_node *at = yaml_node_follow(node);
    switch (at->kind) {
    case YAML_KIND_MAP:
        return from_map(source, at, ret_value);
    case YAML_KIND_SEQ:
        return from_seq(source, at, ret_value);
    default:
        return from_scalar(source, at, ret_value);
    }
}

static int read_all(struct source *source, struct json_object *documents)
{
    AUTO(yaml_reader) struct yaml_reader *reader = NULL;
    if (yaml_reader_create(source->text, source->len, &reader, NULL, source->err) < 0) {
        return -1;
    }
    for (;;) {
        AUTO(yaml_tree) struct yaml_tree *tree = NULL;
        if (yaml_reader_next(reader, &tree, NULL, source->err) < 0) {
            return -1;
        }
        if (tree == NULL) {
            return 0;
        }
        struct json_object *value;
        if (convert(source, yaml_tree_root(tree), &value) < 0) {
            return -1;
        }
        json_append_take(documents, value);
    }
}

/*
 * Not all of JSON is YAML 1.1: libyaml knows no surrogate pairs ("\ud83d\ude00"), no DEL in a
 * string and no key over 1,024 characters. kubectl takes a text that begins with a brace for JSON.
 */
static bool read_as_json(const struct source *source, struct json_object **ret_documents)
{
    size_t start = 0;
    while (start < source->len && strchr(" \t\r\n", source->text[start]) != NULL) {
        start++;
    }
    struct json_object *value;
    if (source->refused || start == source->len || source->len > YAML_TEXT_MAX ||
        strchr("{[", source->text[start]) == NULL ||
        json_parse(source->text, source->len, &value, NULL) < 0) {
        return false;
    }
    *ret_documents = json_new_array();
    json_append_take(*ret_documents, value);
    return true;
}

int yaml_to_json(const char *text, size_t len, struct json_object **ret_documents, struct err *err)
{
    struct source source = {.text = text, .len = len, .err = err};
    AUTO(json) struct json_object *documents = json_new_array();
    if (read_all(&source, documents) < 0) {
        return read_as_json(&source, ret_documents) ? 0 : -1;
    }
    *ret_documents = take_ptr(documents);
    return 0;
}
