#include "kube/reflector_intake.h"

#include "base/alloc.h"
#include "base/log.h"

void reflector_intake_init(struct reflector_intake *intake, struct store *store, const char *kind,
                           object_project_fn *project)
{
    *intake = (struct reflector_intake){
        .store = store, .kind = kind, .project = project, .collected = store_list_create()};
}

void reflector_intake_finish(struct reflector_intake *intake)
{
    store_list_destroy(intake->collected);
}

/* Whose names are wrongly typed, too, is one object without a name. */
static const char *ns_of(const struct json_object *json)
{
    return json_get_str_or(json, "metadata/namespace", "");
}

static const char *name_of(const struct json_object *json)
{
    return json_get_str_or(json, "metadata/name", "");
}

/* The projection; NULL when it has none, which `ret_err` tells. */
static struct object *read_object(const struct reflector_intake *intake,
                                  const struct json_object *json, struct err *ret_err)
{
    struct object *object = NULL;
    const char *ns = ns_of(json);
    if (intake->project(json, &object, ret_err) != 0) {
        err_wrap(ret_err, "%s %s%s%s cannot be read", intake->kind, ns, *ns != '\0' ? "/" : "",
                 name_of(json));
        LOG_DEBUG("object left out", "error", ret_err->text);
        return NULL;
    }
    return object;
}

void reflector_intake_begin(struct reflector_intake *intake)
{
    store_list_destroy(intake->collected);
    intake->collected = store_list_create();
}

void reflector_intake_collect(struct reflector_intake *intake, const struct json_object *json,
                              bool deleted)
{
    if (deleted) {
        store_list_remove(intake->collected, ns_of(json), name_of(json));
        return;
    }
    struct err err;
    struct object *object = read_object(intake, json, &err);
    if (object != NULL) {
        store_list_add_take(intake->collected, object);
    } else {
        store_list_add_unreadable(intake->collected, ns_of(json), name_of(json), err.text);
    }
}

void reflector_intake_commit(struct reflector_intake *intake, const char *version, bool rewind,
                             int64_t now_ms)
{
    struct store_list *list = intake->collected;
    intake->collected = store_list_create();
    store_replace_take(intake->store, list, version, rewind, now_ms);
}

void reflector_intake_apply(struct reflector_intake *intake, const struct json_object *json,
                            bool deleted, int64_t now_ms)
{
    if (deleted) {
        store_remove(intake->store, ns_of(json), name_of(json),
                     json_get_str_or(json, "metadata/resourceVersion", ""));
        return;
    }
    struct err err;
    struct object *object = read_object(intake, json, &err);
    if (object != NULL) {
        store_put_take(intake->store, object, now_ms);
    } else {
        store_put_unreadable(intake->store, ns_of(json), name_of(json), err.text);
    }
}

void reflector_intake_health(const struct reflector_intake *intake, struct err *ret_err)
{
    const char *why;
    *ret_err = (struct err){0};
    if (store_unreadable(intake->store, &why) != 0) {
        err_fill(ret_err, ERR_INVALID, "%s", why);
    }
}
