/* Merge patch (RFC 7386) and JSON patch (RFC 6902), each on a copy. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "json/json.h"

static void merge_into(struct json_object *target, const struct json_object *patch);

struct merge {
    struct json_object *target;
};

static bool merge_member(void *arg, const char *name, const struct json_object *value)
{
    struct merge *merge = arg;
    if (value == NULL) {
        json_del(merge->target, name);
    } else if (json_is_object(value)) {
        merge_into(json_ensure_object(merge->target, name), value);
    } else {
        json_set_take(merge->target, name, json_copy(value));
    }
    return true;
}

static void merge_into(struct json_object *target, const struct json_object *patch)
{
    struct merge merge = {target};
    json_each(patch, merge_member, &merge);
}

struct json_object *json_merge_patch(const struct json_object *doc, const struct json_object *patch)
{
    if (!json_is_object(patch)) {
        return json_copy(patch);
    }
    struct json_object *result = json_is_object(doc) ? json_copy(doc) : json_new_object();
    merge_into(result, patch);
    return result;
}

/* Splits a pointer into the path of the parent (json_get syntax) and the last name, unescaped. */
static int split_pointer(const char *pointer, char **ret_parent, char **ret_name, struct err *err)
{
    const char *last = strrchr(pointer, '/');
    if (pointer[0] != '/' || last == NULL) {
        return err_set(err, ERR_INVALID, "not a JSON pointer to a member: \"%s\"", pointer);
    }
    *ret_parent = last == pointer ? xstrdup("") : xstrndup(pointer + 1, (size_t)(last - pointer) - 1);
    char *name = xstrdup(last + 1);
    char *out = name;
    for (const char *in = name; *in != '\0'; in++) {
        *out++ = in[0] == '~' && (in[1] == '0' || in[1] == '1') ? (*++in == '1' ? '/' : '~') : *in;
    }
    *out = '\0';
    *ret_name = name;
    return 0;
}

static int apply_change(struct json_object *parent, const char *name, const char *op,
                        const struct json_object *value, struct err *err)
{
    const struct json_object *old = json_member(parent, name);
    bool present = old != NULL || json_is_object(parent);
    if (strcmp(op, "add") == 0) {
        json_set_take(parent, name, json_copy(value));
        return 0;
    }
    if (!present || (old == NULL && strcmp(op, "test") != 0)) {
        return err_set(err, ERR_INVALID, "%s: \"%s\" is not there", op, name);
    }
    if (strcmp(op, "replace") == 0) {
        json_set_take(parent, name, json_copy(value));
    } else if (strcmp(op, "remove") == 0) {
        json_del(parent, name);
    } else if (strcmp(op, "test") != 0) {
        return err_set(err, ERR_INVALID, "operation \"%s\" is not supported", op);
    } else if (!json_same(old, value)) {
        return err_set(err, ERR_CONFLICT, "test of \"%s\" failed", name);
    }
    return 0;
}

static int apply_one(struct json_object *doc, const struct json_object *step, struct err *err)
{
    const char *pointer = json_get_str_or(step, "path", "");
    const char *op = json_get_str_or(step, "op", "");
    AUTO_FREE char *parent_path = NULL;
    AUTO_FREE char *name = NULL;
    if (split_pointer(pointer, &parent_path, &name, err) < 0) {
        return -1;
    }
    struct json_object *parent = (struct json_object *)(uintptr_t)json_get(doc, parent_path);
    if (!json_is_object(parent)) {
        return err_set(err, ERR_INVALID, "%s %s: no object there", op, pointer);
    }
    return apply_change(parent, name, op, json_member(step, "value"), err);
}

int json_json_patch(const struct json_object *doc, const struct json_object *patch,
                    struct json_object **ret_doc, struct err *err)
{
    AUTO(json) struct json_object *copy = json_copy(doc);
    for (size_t i = 0; i < json_array_len(patch); i++) {
        if (apply_one(copy, json_array_at(patch, i), err) < 0) {
            return err_wrap(err, "JSON patch step %zu", i);
        }
    }
    *ret_doc = take_ptr(copy);
    return 0;
}
