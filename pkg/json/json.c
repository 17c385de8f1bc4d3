#include "json/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

/* json-c's readers take non-const objects though they change nothing. */
static struct json_object *loose(const struct json_object *value)
{
    return (struct json_object *)(uintptr_t)value;
}

static int check_bytes(const char *text, size_t len, struct err *err)
{
    const char *nul = memchr(text, '\0', len);
    if (nul != NULL) {
        return err_set(err, ERR_INVALID, "NUL byte at offset %zu", (size_t)(nul - text));
    }
    size_t bad;
    if (!utf8_valid(text, len, &bad)) {
        return err_set(err, ERR_INVALID, "invalid UTF-8 at offset %zu", bad);
    }
    if (len > INT32_MAX) {
        return err_set(err, ERR_INVALID, "document too large");
    }
    return 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int json_parse(const char *text, size_t len, struct json_object **ret_value, struct err *err)
{
    if (check_bytes(text, len, err) < 0) {
        return -1;
    }
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    if (tokener == NULL) {
        abort();
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    struct json_object *value = json_tokener_parse_ex(tokener, text, (int)len);
    if (json_tokener_get_error(tokener) == json_tokener_continue) {
        /* a bare number ends only at a byte that cannot belong to it */
        value = json_tokener_parse_ex(tokener, " ", 1);
    }
    enum json_tokener_error status = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (status != json_tokener_success) {
        return err_set(err, ERR_INVALID, "%s at offset %zu",
                       status == json_tokener_continue ? "JSON ends too early"
                                                       : json_tokener_error_desc(status),
                       end < len ? end : len);
    }
    for (size_t i = end; i < len; i++) {
        if (!is_space(text[i])) {
            json_object_put(value);
            return err_set(err, ERR_INVALID, "unexpected data behind the value at offset %zu", i);
        }
    }
    *ret_value = value;
    return 0;
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

/* Copies one path segment with its escapes resolved; false when it does not fit. */
static bool unescape(const char *segment, size_t len, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char c = segment[i];
        if (c == '~' && i + 1 < len) {
            c = segment[++i] == '1' ? '/' : '~';
        }
        if (used + 1 >= size) {
            return false;
        }
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

static const struct json_object *step(const struct json_object *at, const char *name)
{
    if (json_is_array(at)) {
        char *end;
        errno = 0;
        unsigned long index = strtoul(name, &end, 10);
        return *name != '\0' && *end == '\0' && errno == 0 ? json_array_at(at, index) : NULL;
    }
    return json_member(at, name);
}

const struct json_object *json_get(const struct json_object *doc, const char *path)
{
    const struct json_object *at = doc;
    const char *segment = path;
    while (at != NULL && *segment != '\0') {
        size_t len = strcspn(segment, "/");
        char name[512];
        if (!unescape(segment, len, name, sizeof(name))) {
            return NULL;
        }
        at = step(at, name);
        segment += len;
        if (*segment == '/') {
            segment++;
        }
    }
    return at;
}

const char *json_str(const struct json_object *value)
{
    return json_is_string(value) ? json_object_get_string(loose(value)) : NULL;
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

char *json_pointer_escape(const char *name)
{
    char *out = xmalloc(strlen(name) * 2 + 1);
    char *end = out;
    for (; *name != '\0'; name++) {
        if (*name == '~' || *name == '/') {
            *end++ = '~';
            *end++ = *name == '~' ? '0' : '1';
        } else {
            *end++ = *name;
        }
    }
    *end = '\0';
    return out;
}
