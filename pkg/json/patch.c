/* Merge patch (RFC 7386) and JSON patch (RFC 6902), each on a copy. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "json/json.h"
#include "json/pointer.h"

/* --- merge patch --- */

static void merge_into(struct json_object *target, const struct json_object *patch);

static bool merge_member(void *arg, const char *name, const struct json_object *value)
{
    struct json_object *target = arg;
    if (value == NULL) {
        json_del(target, name);
    } else if (json_is_object(value)) {
        merge_into(json_ensure_object(target, name), value);
    } else {
        json_set_take(target, name, json_copy(value));
    }
    return true;
}

static void merge_into(struct json_object *target, const struct json_object *patch)
{
    json_each(patch, merge_member, target);
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

/* --- JSON patch --- */

enum op {
    OP_TEST,
    OP_ADD,
    OP_REPLACE,
    OP_REMOVE,
};

struct step {
    enum op op;
    const char *op_name;
    const char *pointer;
    const struct json_object *value; /* NULL is null: whether it is there was checked */
};

/* Where a pointer leads: a member of an object or an element of an array, there or not. */
struct place {
    struct json_object *parent; /* NULL: there is nothing that could hold it */
    char *name;
    size_t index; /* in an array; its length: behind the end */
    bool exists;
    struct json_object *value; /* NULL also for null */
};

static void place_finish(struct place *place)
{
    free(place->name);
}

DEFINE_AUTO_FINISH(place, struct place, place_finish)

static bool has_member(const struct json_object *object, const char *name)
{
    return json_object_object_get_ex(object, name, NULL) != 0;
}

static int read_step(const struct json_object *json, struct step *ret_step, struct err *err)
{
    static const char *const names[] = {
        [OP_TEST] = "test", [OP_ADD] = "add", [OP_REPLACE] = "replace", [OP_REMOVE] = "remove"};
    const char *name = json_str(json_member(json, "op"));
    const char *pointer = json_str(json_member(json, "path"));
    if (name == NULL || pointer == NULL) {
        return err_set(err, ERR_INVALID, "no object with \"op\" and \"path\"");
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) != 0) {
            continue;
        }
        if (i != OP_REMOVE && !has_member(json, "value")) {
            return err_set(err, ERR_INVALID, "%s %s: no value given", name, pointer);
        }
        *ret_step = (struct step){(enum op)i, name, pointer, json_member(json, "value")};
        return 0;
    }
    return err_set(err, ERR_INVALID, "operation \"%s\" is not supported", name);
}

static void find_in(struct json_object *parent, struct place *place)
{
    if (json_is_object(parent)) {
        place->parent = parent;
        place->exists = json_object_object_get_ex(parent, place->name, &place->value) != 0;
    } else if (json_is_array(parent)) {
        size_t len = json_array_len(parent);
        if (strcmp(place->name, "-") == 0) {
            place->index = len;
        } else if (pointer_index(place->name, &place->index) < 0 || place->index > len) {
            return;
        }
        place->parent = parent;
        place->exists = place->index < len;
        place->value = json_object_array_get_idx(parent, place->index);
    }
}

static int find_place(struct json_object *doc, const char *pointer, struct place *place,
                      struct err *err)
{
    const char *last = strrchr(pointer, '/');
    if (pointer[0] != '/') {
        return err_set(err, ERR_INVALID, "no JSON pointer: \"%s\"", pointer);
    }
    place->name = xstrdup(last + 1);
    if (!pointer_unescape(place->name)) {
        return err_set(err, ERR_INVALID, "bad escape in JSON pointer \"%s\"", pointer);
    }
    /* json_get() has no word for the member "" of the document, "" is the document itself */
    AUTO_FREE char *path =
        last == pointer ? xstrdup("") : xstrndup(pointer + 1, (size_t)(last - pointer) - 1);
    bool below_empty = last != pointer && *path == '\0';
    find_in(
        (struct json_object *)(uintptr_t)(below_empty ? json_member(doc, "") : json_get(doc, path)),
        place);
    return 0;
}

static void put_element(struct json_object *array, size_t index, struct json_object *value)
{
    if (json_object_array_put_idx(array, index, value) < 0) {
        abort();
    }
}

static void insert_element(struct json_object *array, size_t index, struct json_object *value)
{
    size_t len = json_array_len(array);
    json_append_take(array, NULL);
    for (size_t i = len; i > index; i--) {
        put_element(array, i, json_ref(json_array_at(array, i - 1)));
    }
    put_element(array, index, value);
}

static void apply_change(const struct place *place, const struct step *step)
{
    bool in_array = json_is_array(place->parent);
    if (step->op == OP_REMOVE) {
        if (in_array) {
            json_object_array_del_idx(place->parent, place->index, 1);
        } else {
            json_del(place->parent, place->name);
        }
    } else if (!in_array) {
        json_set_take(place->parent, place->name, json_copy(step->value));
    } else if (step->op == OP_ADD) {
        insert_element(place->parent, place->index, json_copy(step->value));
    } else {
        put_element(place->parent, place->index, json_copy(step->value));
    }
}

/*
 * Whatever is not there fails a test of it, of null too (RFC 6902 section 4.6). The API server's
 * library lets null stand for absent; nothing here may depend on that.
 */
static int check_test(const struct step *step, bool exists, const struct json_object *value,
                      struct err *err)
{
    if (!exists) {
        return err_set(err, ERR_CONFLICT, "test %s: nothing is there", step->pointer);
    }
    return json_same(value, step->value)
               ? 0
               : err_set(err, ERR_CONFLICT, "test %s: another value is there", step->pointer);
}

static int apply_to_document(struct json_object **doc, const struct step *step, struct err *err)
{
    if (step->op == OP_TEST) {
        return check_test(step, true, *doc, err);
    }
    if (step->op == OP_REMOVE) {
        return err_set(err, ERR_INVALID, "remove: the whole document cannot be removed");
    }
    json_unref(*doc);
    *doc = json_copy(step->value);
    return 0;
}

static int apply_step(struct json_object **doc, const struct json_object *json, struct err *err)
{
    AUTO(place) struct place place = {0};
    struct step step;
    if (read_step(json, &step, err) < 0) {
        return -1;
    }
    if (*step.pointer == '\0') {
        return apply_to_document(doc, &step, err);
    }
    if (find_place(*doc, step.pointer, &place, err) < 0) {
        return -1;
    }
    if (step.op == OP_TEST) {
        return check_test(&step, place.exists, place.value, err);
    }
    if (place.parent == NULL || (step.op != OP_ADD && !place.exists)) {
        return err_set(err, ERR_INVALID, "%s %s: nothing is there", step.op_name, step.pointer);
    }
    apply_change(&place, &step);
    return 0;
}

int json_json_patch(const struct json_object *doc, const struct json_object *patch,
                    struct json_object **ret_doc, struct err *err)
{
    if (!json_is_array(patch)) {
        return err_set(err, ERR_INVALID, "JSON patch is no array but %s", json_type_word(patch));
    }
    AUTO(json) struct json_object *copy = json_copy(doc);
    for (size_t i = 0; i < json_array_len(patch); i++) {
        if (apply_step(&copy, json_array_at(patch, i), err) < 0) {
            return err_wrap(err, "JSON patch step %zu", i);
        }
    }
    *ret_doc = take_ptr(copy);
    return 0;
}
