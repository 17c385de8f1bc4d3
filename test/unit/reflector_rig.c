#include "unit/reflector_rig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "kube/resource.h"
#include "unit/fakepeer.h"

static void on_changed(void *arg)
{
    struct reflector_rig *f = arg;
    f->changes++;
}

/* As object_project_whole, but for objects whose value is "unreadable". */
static int project(const struct json_object *json, struct object **ret_object, struct err *err)
{
    if (strcmp(json_get_str_or(json, "data/value", ""), "unreadable") == 0) {
        return err_set(err, ERR_INVALID, "data.value is unreadable");
    }
    return object_project_whole(json, ret_object, err);
}

void rig_begin(struct reflector_rig *f, const char *name)
{
    *f = (struct reflector_rig){0};
    kube_rig_start(&f->kube, name);
    f->store = store_create(on_changed, f);
}

void rig_reflect(struct reflector_rig *f, const char *name, bool list_only)
{
    const struct reflector_spec spec = {.resource = &resource_configmap,
                                        .ns = "default",
                                        .name = name,
                                        .project = project,
                                        .list_only = list_only};
    f->reflector = reflector_create(f->kube.loop, f->kube.client, &spec, f->store);
}

void rig_end(struct reflector_rig *f)
{
    reflector_destroy(f->reflector);
    store_destroy(f->store);
    kube_rig_finish(&f->kube);
}

bool rig_is_watching(void *arg)
{
    const struct reflector_rig *f = arg;
    struct reflector_health health;
    reflector_health(f->reflector, &health);
    return health.watching && store_synced(f->store);
}

bool rig_has_value(void *arg)
{
    const struct reflector_rig *f = arg;
    const struct object *object = store_get(f->store, "default", f->wanted_name);
    if (object == NULL || f->wanted_value == NULL) {
        return (object == NULL) == (f->wanted_value == NULL);
    }
    return strcmp(json_get_str_or(object->body, "data/value", ""), f->wanted_value) == 0;
}

void rig_await_watching(struct reflector_rig *f)
{
    struct reflector_health health;
    bool good = kube_rig_until(&f->kube, RIG_LIMIT_MS, rig_is_watching, f) >= 0;
    reflector_health(f->reflector, &health);
    ck_assert_msg(good, "not watching: %s", health.last_error.text);
}

int64_t rig_await_value(struct reflector_rig *f, const char *name, const char *value)
{
    f->wanted_name = name;
    f->wanted_value = value;
    int64_t took_ms = kube_rig_until(&f->kube, RIG_LIMIT_MS, rig_has_value, f);
    ck_assert_msg(took_ms >= 0, "%s is not %s", name, value != NULL ? value : "gone");
    return took_ms;
}

void rig_expect_log(const struct reflector_rig *f, const char *wanted)
{
    char *log = fakepeer_ask("log %s", f->kube.name);
    ck_assert_str_eq(log, wanted);
    free(log);
}

struct reflector_health rig_health(const struct reflector_rig *f)
{
    struct reflector_health health;
    reflector_health(f->reflector, &health);
    return health;
}
