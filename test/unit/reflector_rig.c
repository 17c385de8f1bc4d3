#include "unit/reflector_rig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/resource.h"
#include "unit/fakepeer.h"

enum {
    LIMIT_MS = 60000,
    TICK_MS = 10, /* what the peer says changes without an event on the loop */
};

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

void rig_begin_on(struct reflector_rig *f, struct loop *loop, const char *name)
{
    *f = (struct reflector_rig){0};
    kube_rig_start_on(&f->kube, loop, name);
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

static void tick(void *arg)
{
    struct loop_timer **timer = arg;
    loop_timer_arm(*timer, TICK_MS);
}

static bool run_until(struct reflector_rig *f, bool (*holds)(void *arg), void *arg)
{
    struct loop_timer *timer = NULL;
    timer = loop_timer_create(f->kube.loop, tick, &timer);
    loop_timer_arm(timer, TICK_MS);
    bool good = kube_rig_until(&f->kube, LIMIT_MS, holds, arg) >= 0;
    loop_timer_destroy(timer);
    return good;
}

void rig_await(struct reflector_rig *f, bool (*holds)(void *arg), void *arg, const char *what)
{
    ck_assert_msg(run_until(f, holds, arg), "%s: %s never came true", f->kube.name, what);
}

/* --- conditions --- */

bool rig_is_watching(void *arg)
{
    return rig_health(arg).watching && store_synced(((const struct reflector_rig *)arg)->store);
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

bool rig_has_error(void *arg)
{
    return rig_health(arg).last_error.kind != ERR_NONE;
}

bool rig_has_log(void *arg)
{
    const struct reflector_rig *f = arg;
    AUTO_FREE char *log = fakepeer_ask("peek %s", f->kube.name);
    return strcmp(log, f->wanted_log) == 0;
}

bool rig_is_lost(void *arg)
{
    const struct reflector_rig *f = arg;
    return f->kube.losses > f->kube.recoveries;
}

/* --- waits --- */

void rig_await_watching(struct reflector_rig *f)
{
    rig_await(f, rig_is_watching, f, "watching");
}

void rig_await_value(struct reflector_rig *f, const char *name, const char *value)
{
    f->wanted_name = name;
    f->wanted_value = value;
    rig_await(f, rig_has_value, f, value != NULL ? value : "gone");
}

void rig_await_log(struct reflector_rig *f, const char *wanted)
{
    f->wanted_log = wanted;
    bool good = run_until(f, rig_has_log, f);
    AUTO_FREE char *log = fakepeer_ask("peek %s", f->kube.name);
    ck_assert_msg(good, "%s: wanted %s, got %s", f->kube.name, wanted, log);
}

void rig_stop_server(struct reflector_rig *f)
{
    rig_tell("stop %s", f->kube.name);
    kube_client_suspect(f->kube.client);
    rig_await(f, rig_is_lost, f, "the loss");
    ck_assert(!kube_client_up(f->kube.client));
}

struct reflector_health rig_health(const struct reflector_rig *f)
{
    struct reflector_health health;
    reflector_health(f->reflector, &health);
    return health;
}
