#include "kube/reflector_intake.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

static void drop_object(void *object)
{
    object_unref(object);
}

void reflector_intake_init(struct reflector_intake *intake, struct store *store, const char *kind,
                           object_project_fn *project)
{
    *intake = (struct reflector_intake){.store = store, .kind = kind, .project = project};
    strmap_init(&intake->collected, drop_object);
}

void reflector_intake_finish(struct reflector_intake *intake)
{
    strmap_finish(&intake->collected);
    free(intake->unreadable_key);
}

static char *key_of(const struct json_object *json)
{
    return xasprintf("%s/%s", json_get_str_or(json, "metadata/namespace", ""),
                     json_get_str_or(json, "metadata/name", ""));
}

static void note_unreadable(struct reflector_intake *intake, const char *key, const struct err *err)
{
    intake->unreadable = *err;
    err_wrap(&intake->unreadable, "%s %s is left out", intake->kind, key);
    xstr_replace(&intake->unreadable_key, key);
    LOG_DEBUG("object left out", "error", intake->unreadable.text);
}

static void forget_unreadable(struct reflector_intake *intake)
{
    intake->unreadable = (struct err){0};
    xstr_replace(&intake->unreadable_key, NULL);
}

static void note_readable(struct reflector_intake *intake, const char *key)
{
    if (intake->unreadable_key != NULL && strcmp(intake->unreadable_key, key) == 0) {
        forget_unreadable(intake);
    }
}

/* The projection; NULL when it has none, which is noted. */
static struct object *read_object(struct reflector_intake *intake, const struct json_object *json,
                                  const char *key)
{
    struct object *object = NULL;
    struct err err;
    if (intake->project(json, &object, &err) != 0) {
        note_unreadable(intake, key, &err);
        return NULL;
    }
    note_readable(intake, key);
    return object;
}

void reflector_intake_begin(struct reflector_intake *intake)
{
    strmap_clear(&intake->collected);
    forget_unreadable(intake);
}

void reflector_intake_collect(struct reflector_intake *intake, const struct json_object *json,
                              bool deleted)
{
    AUTO_FREE char *key = key_of(json);
    struct object *object = deleted ? NULL : read_object(intake, json, key);
    if (object != NULL) {
        strmap_set(&intake->collected, key, object);
    } else {
        strmap_remove(&intake->collected, key);
    }
}

void reflector_intake_commit(struct reflector_intake *intake, const char *version, bool rewind,
                             int64_t now_ms)
{
    struct store_list *list = store_list_create();
    for (size_t i = 0; i < intake->collected.len; i++) {
        store_list_add_take(list, object_ref(intake->collected.entries[i].value));
    }
    strmap_finish(&intake->collected);
    strmap_init(&intake->collected, drop_object);
    store_replace_take(intake->store, list, version, rewind, now_ms);
}

/* A deletion needs the metadata only: it counts even when the object cannot be projected. */
static void remove_object(struct reflector_intake *intake, const struct json_object *json,
                          const char *key)
{
    AUTO(object) struct object *last = NULL;
    struct err err;
    if (object_create(json, sizeof(struct object), &last, &err) != 0) {
        note_unreadable(intake, key, &err);
        return;
    }
    note_readable(intake, key);
    store_remove(intake->store, last);
}

void reflector_intake_apply(struct reflector_intake *intake, const struct json_object *json,
                            bool deleted, int64_t now_ms)
{
    AUTO_FREE char *key = key_of(json);
    if (deleted) {
        remove_object(intake, json, key);
        return;
    }
    struct object *object = read_object(intake, json, key);
    if (object != NULL) {
        store_put_take(intake->store, object, now_ms);
    }
}
