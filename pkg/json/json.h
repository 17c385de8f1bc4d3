/*
 * JSON over json-c: bounded parsing, typed getters by path, builders, text.
 *
 * Nobody else calls json-c's mutators. Values are reference counted by json-c: a getter borrows
 * from its document, json_ref() takes a reference, json_unref() (NULL is fine) drops one. What a
 * builder is given with _take is owned by the builder from then on.
 *
 * A path is names divided by '/', where '~1' stands for '/' and '~0' for '~' within a name, and a
 * number indexes an array (RFC 6901 without the leading '/'): "metadata/annotations/a~1b". "" is
 * the document itself, "a/" the member with the empty name in "a".
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <json-c/json_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"

enum {
    JSON_DEPTH_MAX = 64,
};

/*
 * Parses one JSON value from exactly `len` bytes. Refuses (ERR_INVALID, with the byte offset) NUL
 * bytes, invalid UTF-8, objects and arrays nested over JSON_DEPTH_MAX, NUL in a name, anything
 * behind the value, and what RFC 8259 does not allow. Of a repeated name the last one counts.
 */
int json_parse(const char *text, size_t len, struct json_object **ret_value,
               struct err *err) MUST_CHECK;

struct json_object *json_ref(const struct json_object *value);
void json_unref(struct json_object *value);
DEFINE_AUTO_DESTROY(json, struct json_object, json_unref)

/* Getters. NULL documents and absent or null members give NULL or the stated default. */
const struct json_object *json_get(const struct json_object *doc, const char *path);
/* The string at the path, NULL when absent, not a string, or a string that holds a NUL (\u0000):
 * json_get_str_len gives that too. */
const char *json_get_str(const struct json_object *doc, const char *path);
const char *json_get_str_len(const struct json_object *doc, const char *path, size_t *ret_len);
/* As json_get_str, with a default. */
const char *json_get_str_or(const struct json_object *doc, const char *path, const char *def);
bool json_get_bool(const struct json_object *doc, const char *path, bool def);
int64_t json_get_int(const struct json_object *doc, const char *path, int64_t def);
/* The member of an object by its exact name, which is not read as a path; NULL when absent. */
const struct json_object *json_member(const struct json_object *object, const char *name);

bool json_is_object(const struct json_object *value);
bool json_is_array(const struct json_object *value);
bool json_is_string(const struct json_object *value);
bool json_is_null(const struct json_object *value);
/* "null", "boolean", "number", "string", "array", "object", for messages. */
const char *json_type_word(const struct json_object *value);
/* The string itself, NULL when the value is not one or holds a NUL. */
const char *json_str(const struct json_object *value);
size_t json_array_len(const struct json_object *array);
const struct json_object *json_array_at(const struct json_object *array, size_t index);
size_t json_object_len(const struct json_object *object);
bool json_same(const struct json_object *a, const struct json_object *b);

/* Walks the members of an object in document order; stops when `visit` returns false. */
void json_each(const struct json_object *object,
               bool (*visit)(void *arg, const char *name, const struct json_object *value),
               void *arg);

/* Builders. */
struct json_object *json_new_object(void);
struct json_object *json_new_array(void);
struct json_object *json_new_str(const char *value);
struct json_object *json_new_str_len(const char *value, size_t len);
struct json_object *json_new_int(int64_t value);
struct json_object *json_new_bool(bool value);
/* A copy that shares nothing with the original. */
struct json_object *json_copy(const struct json_object *value);
/* Setters replace. A NULL value sets JSON null. */
void json_set_take(struct json_object *object, const char *name, struct json_object *value);
void json_set(struct json_object *object, const char *name, const struct json_object *value);
void json_set_str(struct json_object *object, const char *name, const char *value);
void json_set_int(struct json_object *object, const char *name, int64_t value);
void json_set_bool(struct json_object *object, const char *name, bool value);
void json_del(struct json_object *object, const char *name);
void json_append_take(struct json_object *array, struct json_object *value);
/* The object at `name`, made when absent or not an object. Borrowed, for further setting. */
struct json_object *json_ensure_object(struct json_object *object, const char *name);

/* One line, no spaces. Owned by the caller (free). */
char *json_text(const struct json_object *value);
/* Indented by two spaces. Owned by the caller (free). */
char *json_text_pretty(const struct json_object *value);

/* Escapes a name for a JSON pointer or a path (RFC 6901 section 3). Owned by the caller. */
char *json_pointer_escape(const char *name);

/*
 * Applies a merge patch (RFC 7386) to a copy of `doc`; `doc` may be NULL. Owned by the caller.
 */
struct json_object *json_merge_patch(const struct json_object *doc,
                                     const struct json_object *patch);
/*
 * Applies a JSON patch (RFC 6902) with the operations test, add, replace, remove to a copy. A test
 * that fails, also because nothing is at its path: ERR_CONFLICT; for the others a path that is not
 * there, a malformed patch or another operation: ERR_INVALID.
 */
int json_json_patch(const struct json_object *doc, const struct json_object *patch,
                    struct json_object **ret_doc, struct err *err) MUST_CHECK;

#endif
