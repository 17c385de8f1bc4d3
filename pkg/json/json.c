#include "json/json.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "json/pointer.h"

/* json-c's readers take non-const objects though they change nothing. */
static struct json_object *loose(const struct json_object *value)
{
    return (struct json_object *)(uintptr_t)value;
}

struct json_object *json_ref(const struct json_object *value)
{
    return json_object_get(loose(value));
}

void json_unref(struct json_object *value)
{
    json_object_put(value);
}

const struct json_object *json_member(const struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    if (!json_is_object(object) || !json_object_object_get_ex(object, name, &value)) {
        return NULL;
    }
    return value;
}

static const struct json_object *step_into(const struct json_object *at, const char *name)
{
    size_t index;
    if (!json_is_array(at)) {
        return json_member(at, name);
    }
    return pointer_index(name, &index) == 0 ? json_array_at(at, index) : NULL;
}

const struct json_object *json_get(const struct json_object *doc, const char *path)
{
    const struct json_object *at = doc;
    const char *segment = path;
    bool more = *path != '\0';
    while (at != NULL && more) {
        size_t len = strcspn(segment, "/");
        AUTO_FREE char *name = xstrndup(segment, len);
        if (!pointer_unescape(name)) {
            return NULL;
        }
        at = step_into(at, name);
        more = segment[len] == '/';
        segment += len + 1;
    }
    return at;
}

const char *json_str(const struct json_object *value)
{
    if (!json_is_string(value)) {
        return NULL;
    }
    const char *text = json_object_get_string(loose(value));
    size_t len = (size_t)json_object_get_string_len(value);
    return strlen(text) == len ? text : NULL;
}

const char *json_get_str(const struct json_object *doc, const char *path)
{
    return json_str(json_get(doc, path));
}

const char *json_get_str_len(const struct json_object *doc, const char *path, size_t *ret_len)
{
    const struct json_object *value = json_get(doc, path);
    if (!json_is_string(value)) {
        return NULL;
    }
    *ret_len = (size_t)json_object_get_string_len(value);
    return json_object_get_string(loose(value));
}

const char *json_get_str_or(const struct json_object *doc, const char *path, const char *def)
{
    const char *value = json_get_str(doc, path);
    return value != NULL ? value : def;
}

bool json_get_bool(const struct json_object *doc, const char *path, bool def)
{
    const struct json_object *value = json_get(doc, path);
    return json_object_is_type(value, json_type_boolean) ? json_object_get_boolean(value) : def;
}

int64_t json_get_int(const struct json_object *doc, const char *path, int64_t def)
{
    const struct json_object *value = json_get(doc, path);
    return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : def;
}

bool json_is_object(const struct json_object *value)
{
    return json_object_is_type(value, json_type_object);
}

bool json_is_array(const struct json_object *value)
{
    return json_object_is_type(value, json_type_array);
}

bool json_is_string(const struct json_object *value)
{
    return json_object_is_type(value, json_type_string);
}

bool json_is_null(const struct json_object *value)
{
    return value == NULL;
}

const char *json_type_word(const struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        return "null";
    case json_type_boolean:
        return "boolean";
    case json_type_double:
    case json_type_int:
        return "number";
    case json_type_object:
        return "object";
    case json_type_array:
        return "array";
    case json_type_string:
        return "string";
    }
    return "unknown";
}

size_t json_array_len(const struct json_object *array)
{
    return json_is_array(array) ? json_object_array_length(array) : 0;
}

const struct json_object *json_array_at(const struct json_object *array, size_t index)
{
    return index < json_array_len(array) ? json_object_array_get_idx(array, index) : NULL;
}

size_t json_object_len(const struct json_object *object)
{
    return json_is_object(object) ? (size_t)json_object_object_length(object) : 0;
}

bool json_same(const struct json_object *a, const struct json_object *b)
{
    return json_object_equal(loose(a), loose(b)) != 0;
}

void json_each(const struct json_object *object,
               bool (*visit)(void *arg, const char *name, const struct json_object *value),
               void *arg)
{
    if (!json_is_object(object)) {
        return;
    }
    struct json_object_iter at;
    json_object_object_foreachC(loose(object), at)
    {
        if (!visit(arg, at.key, at.val)) {
            return;
        }
    }
}

static struct json_object *check(struct json_object *value)
{
    if (value == NULL) {
        abort();
    }
    return value;
}

struct json_object *json_new_object(void)
{
    return check(json_object_new_object());
}

struct json_object *json_new_array(void)
{
    return check(json_object_new_array());
}

struct json_object *json_new_str(const char *value)
{
    return check(json_object_new_string(value));
}

struct json_object *json_new_str_len(const char *value, size_t len)
{
    return check(json_object_new_string_len(value, (int)len));
}

struct json_object *json_new_int(int64_t value)
{
    return check(json_object_new_int64(value));
}

struct json_object *json_new_bool(bool value)
{
    return check(json_object_new_boolean(value));
}

struct json_object *json_copy(const struct json_object *value)
{
    struct json_object *copy = NULL;
    if (value != NULL && json_object_deep_copy(loose(value), &copy, NULL) < 0) {
        abort();
    }
    return copy;
}

void json_set_take(struct json_object *object, const char *name, struct json_object *value)
{
    if (json_object_object_add(object, name, value) < 0) {
        abort();
    }
}

void json_set(struct json_object *object, const char *name, const struct json_object *value)
{
    json_set_take(object, name, json_ref(value));
}

void json_set_str(struct json_object *object, const char *name, const char *value)
{
    json_set_take(object, name, value != NULL ? json_new_str(value) : NULL);
}

void json_set_int(struct json_object *object, const char *name, int64_t value)
{
    json_set_take(object, name, json_new_int(value));
}

void json_set_bool(struct json_object *object, const char *name, bool value)
{
    json_set_take(object, name, json_new_bool(value));
}

void json_del(struct json_object *object, const char *name)
{
    json_object_object_del(object, name);
}

void json_append_take(struct json_object *array, struct json_object *value)
{
    if (json_object_array_add(array, value) < 0) {
        abort();
    }
}

struct json_object *json_ensure_object(struct json_object *object, const char *name)
{
    struct json_object *child = NULL;
    if (json_object_object_get_ex(object, name, &child) && json_is_object(child)) {
        return child;
    }
    child = json_new_object();
    json_set_take(object, name, child);
    return child;
}

static char *to_text(const struct json_object *value, int flags)
{
    const char *text = json_object_to_json_string_ext(loose(value), flags);
    if (text == NULL) {
        abort();
    }
    return xstrdup(text);
}

char *json_text(const struct json_object *value)
{
    return to_text(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

char *json_text_pretty(const struct json_object *value)
{
    return to_text(value, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                              JSON_C_TO_STRING_NOSLASHESCAPE);
}
