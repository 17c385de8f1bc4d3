#include "unit/cluster_fixture.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/inputs.h"
#include "base/alloc.h"
#include "base/timefmt.h"
#include "unit/unit.h"

enum {
    POD_END_MS = 5000,    /* how long a deleted pod takes to end, */
    POD_START_MS = 10000, /* and a new one to be Ready */
};

static struct json_object *parse(const char *text)
{
    struct json_object *json = NULL;
    struct err err = {0};
    ck_assert_msg(json_parse(text, strlen(text), &json, &err) == 0, "%s: %s", err.text, text);
    return json;
}

static char *key_of(const struct json_object *object)
{
    return xasprintf("%s/%s/%s", json_get_str_or(object, "kind", ""),
                     json_get_str_or(object, "metadata/namespace", ""),
                     json_get_str_or(object, "metadata/name", ""));
}

/* Shows the object to the stores that watch it. */
static void show(struct cluster *cluster, const struct json_object *object, bool gone)
{
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        struct input_watch watch;
        struct object *projected = NULL;
        struct err err = {0};
        if (!input_takes(input, &cluster->world.policy, object)) {
            continue;
        }
        input_watch(input, &cluster->world.policy, &watch);
        ck_assert_msg(watch.spec.project(object, &projected, &err) == 0, "%s", err.text);
        if (gone) {
            store_remove(cluster->world.stores[input], projected->ns, projected->name,
                         projected->resource_version);
            object_unref(projected);
        } else {
            store_put_take(cluster->world.stores[input], projected, cluster->now_ms);
        }
    }
}

static void put_take(struct cluster *cluster, struct json_object *object)
{
    AUTO_FREE char *key = key_of(object);
    AUTO_FREE char *version = xasprintf("%" PRId64, ++cluster->version);
    struct json_object *metadata = json_ensure_object(object, "metadata");
    json_set_str(metadata, "resourceVersion", version);
    if (json_get_str(metadata, "uid") == NULL) {
        AUTO_FREE char *uid = xasprintf("uid-of-%s", json_get_str_or(metadata, "name", ""));
        json_set_str(metadata, "uid", uid);
    }
    json_set_take(cluster->objects, key, object);
    AUTO(json) struct json_object *shown = json_copy(object);
    show(cluster, shown, false);
}

static void init_world(struct cluster *cluster)
{
    world_init(&cluster->world, NULL, NULL);
    cluster->world.can_read_leases = true;
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        store_replace_take(cluster->world.stores[input], store_list_create(), "1", true,
                           cluster->now_ms);
    }
}

void cluster_init(struct cluster *cluster)
{
    *cluster = (struct cluster){.objects = json_new_object(), .now_ms = 1000000, .version = 100000};
    ck_assert_int_eq(timefmt_parse("2026-11-24T08:00:00Z", &cluster->wall_ms), 0);
    init_world(cluster);
}

void cluster_finish(struct cluster *cluster)
{
    world_finish(&cluster->world);
    json_unref(cluster->objects);
}

static bool show_again(void *arg, const char *key, const struct json_object *object)
{
    (void)key;
    AUTO(json) struct json_object *shown = json_copy(object);
    show(arg, shown, false);
    return true;
}

void cluster_restart(struct cluster *cluster)
{
    world_finish(&cluster->world);
    init_world(cluster);
    json_each(cluster->objects, show_again, cluster);
    world_read_policy(&cluster->world);
}

void cluster_pass(struct cluster *cluster, int64_t ms)
{
    cluster->wall_ms += ms;
    cluster->now_ms += ms;
}

void cluster_load(struct cluster *cluster, const char *path)
{
    AUTO_FREE char *text = unit_read_file(path, NULL);
    put_take(cluster, parse(text));
}

void cluster_put(struct cluster *cluster, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO_FREE char *text = xvasprintf(format, args);
    va_end(args);
    put_take(cluster, parse(text));
}

const struct json_object *cluster_get(const struct cluster *cluster, const char *key)
{
    return json_member(cluster->objects, key);
}

void cluster_merge(struct cluster *cluster, const char *key, const char *patch)
{
    AUTO(json) struct json_object *change = parse(patch);
    ck_assert_ptr_nonnull(cluster_get(cluster, key));
    put_take(cluster, json_merge_patch(cluster_get(cluster, key), change));
}

void cluster_delete(struct cluster *cluster, const char *key)
{
    ck_assert_ptr_nonnull(cluster_get(cluster, key));
    AUTO(json) struct json_object *last = json_copy(cluster_get(cluster, key));
    json_del(cluster->objects, key);
    show(cluster, last, true);
}

void cluster_lease(struct cluster *cluster, const char *node, int64_t age_ms)
{
    char stamp[TIMEFMT_SIZE];
    timefmt_micro(cluster->wall_ms - age_ms, stamp);
    AUTO_FREE char *text =
        xasprintf("{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"renewTime\":\"%s\"}}", node, stamp);
    AUTO(json) struct json_object *lease = parse(text);
    world_add_lease(&cluster->world, lease);
}

void cluster_node(struct cluster *cluster, const char *name, const char *pool)
{
    AUTO_FREE char *label = pool != NULL ? xasprintf("\"apps.openyurt.io/nodepool\":\"%s\","
                                                     "\"openyurt.io/is-edge-worker\":\"true\"",
                                                     pool)
                                         : xstrdup("");
    cluster_put(cluster,
                "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"%s\","
                "\"labels\":{%s}},\"status\":{\"conditions\":[{\"type\":\"Ready\","
                "\"status\":\"True\"}]}}",
                name, label);
    cluster_lease(cluster, name, 5000);
}

static void put_pod(struct cluster *cluster, const char *name, const char *app, const char *node,
                    const char *owner_uid, bool ready, int64_t age_ms)
{
    char stamp[TIMEFMT_SIZE];
    timefmt_rfc3339(cluster->wall_ms - age_ms, stamp);
    cluster_put(
        cluster,
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\",\"namespace\":"
        "\"kube-system\",\"labels\":{\"k8s-app\":\"%s\"},\"creationTimestamp\":\"%s\","
        "\"ownerReferences\":[{\"controller\":true,\"uid\":\"%s\"}]},\"spec\":{\"nodeName\":"
        "\"%s\"},\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\","
        "\"status\":\"%s\"}]}}",
        name, app, stamp, owner_uid, node, ready ? "True" : "False");
}

void cluster_pod(struct cluster *cluster, const char *app, const char *node, const char *owner_uid,
                 bool ready, int64_t age_ms)
{
    AUTO_FREE char *name = xasprintf("%s-%s", app, node);
    put_pod(cluster, name, app, node, owner_uid, ready, age_ms);
}

void cluster_state(struct cluster *cluster, const char *data)
{
    cluster_put(cluster,
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"namespace\":"
                "\"kube-system\",\"name\":\"yurt-steward-state\"},\"data\":%s}",
                data);
}

void cluster_policy(struct cluster *cluster, const char *data)
{
    cluster_put(cluster,
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"namespace\":"
                "\"kube-system\",\"name\":\"yurt-steward\"},\"data\":%s}",
                data);
    world_read_policy(&cluster->world);
    ck_assert_uint_eq(cluster->world.policy.problems_len, 0);
}

void cluster_read_leases(struct cluster *cluster)
{
    cluster->world.leases_read = true;
    cluster->world.leases_read_ms = cluster->now_ms;
}

void cluster_plan(const struct cluster *cluster, const char *id, bool revert, struct plan *ret_plan)
{
    const struct adjustment *adjustment = adjustment_find(id);
    struct snapshot seen;
    ck_assert_ptr_nonnull(adjustment);
    world_snapshot(&cluster->world, cluster->wall_ms, &seen);
    adjustment_plan(adjustment, revert, &seen, &cluster->world.policy, cluster->now_ms, ret_plan);
}

/* --- the API server --- */

static int conflict(struct err *err, const char *what)
{
    return err_set(err, ERR_CONFLICT, "precondition: %s", what);
}

/* Names us as the owner of the field that was written, as the API server does. */
static void own(const struct cluster *cluster, struct json_object *object)
{
    const char *kind = json_get_str_or(object, "kind", "");
    const char *fields =
        strcmp(kind, "Service") == 0
            ? "{\"f:metadata\":{\"f:annotations\":{\"f:openyurt.io/topologyKeys\":{}}}}"
        : strcmp(kind, "Deployment") == 0 ? "{\"f:spec\":{\"f:replicas\":{}}}"
                                          : "{\"f:data\":{\"f:config.conf\":{}}}";
    char stamp[TIMEFMT_SIZE];
    timefmt_rfc3339(cluster->wall_ms, stamp);
    AUTO_FREE char *text = xasprintf(
        "{\"manager\":\"yurt-steward\",\"operation\":\"Update\",\"time\":\"%s\",\"fieldsV1\":%s}",
        stamp, fields);
    struct json_object *entries = json_new_array();
    const struct json_object *old = json_get(object, "metadata/managedFields");
    for (size_t i = 0; i < json_array_len(old); i++) {
        const struct json_object *entry = json_array_at(old, i);
        if (strcmp(json_get_str_or(entry, "manager", ""), "yurt-steward") != 0) {
            json_append_take(entries, json_ref(entry));
        }
    }
    json_append_take(entries, parse(text));
    json_set_take(json_ensure_object(object, "metadata"), "managedFields", entries);
}

static int patch(struct cluster *cluster, const char *key, const struct action *action,
                 struct err *err)
{
    const struct json_object *old = cluster_get(cluster, key);
    struct json_object *changed = NULL;
    if (old == NULL && action->patch_type == PATCH_APPLY &&
        json_get_str(action->body, "metadata/uid") == NULL) {
        put_take(cluster, json_copy(action->body));
        return 0;
    }
    if (old == NULL) {
        return err_set(err, ERR_NOT_FOUND, "%s", key);
    }
    if (action->patch_type == PATCH_JSON) {
        if (json_json_patch(old, action->body, &changed, err) < 0) {
            return -1;
        }
    } else {
        const char *version = json_get_str(action->body, "metadata/resourceVersion");
        const char *uid = json_get_str(action->body, "metadata/uid");
        if (version != NULL &&
            strcmp(version, json_get_str_or(old, "metadata/resourceVersion", "")) != 0) {
            return conflict(err, "resourceVersion");
        }
        if (uid != NULL && strcmp(uid, json_get_str_or(old, "metadata/uid", "")) != 0) {
            return conflict(err, "uid");
        }
        changed = json_merge_patch(old, action->body);
    }
    own(cluster, changed);
    put_take(cluster, changed);
    return 0;
}

/* As the API server does for a pod that has a grace period. */
static void mark_deleted(struct cluster *cluster, const char *key)
{
    char stamp[TIMEFMT_SIZE];
    timefmt_rfc3339(cluster->wall_ms, stamp);
    AUTO_FREE char *patch = xasprintf("{\"metadata\":{\"deletionTimestamp\":\"%s\"}}", stamp);
    cluster_merge(cluster, key, patch);
}

/* The DaemonSet controller makes a new pod for one that has ended. */
static void replace_pod(struct cluster *cluster, const char *key, const struct json_object *old)
{
    AUTO_FREE char *name = xasprintf("kube-proxy-%05" PRId64, cluster->version);
    cluster_delete(cluster, key);
    put_pod(cluster, name, "kube-proxy", json_get_str_or(old, "spec/nodeName", ""),
            json_get_str_or(old, "metadata/ownerReferences/0/uid", ""), false, 0);
}

static bool is_past(const struct cluster *cluster, const struct json_object *object,
                    const char *path, int64_t ms)
{
    int64_t when;
    const char *stamp = json_get_str(object, path);
    return stamp != NULL && timefmt_parse(stamp, &when) == 0 && cluster->wall_ms - when >= ms;
}

static bool run_pod(void *arg, const char *key, const struct json_object *object)
{
    struct cluster *cluster = arg;
    if (strncmp(key, "Pod/kube-system/kube-proxy-", 27) != 0) {
        return true;
    }
    if (is_past(cluster, object, "metadata/deletionTimestamp", POD_END_MS)) {
        replace_pod(cluster, key, object);
    } else if (is_past(cluster, object, "metadata/creationTimestamp", POD_START_MS) &&
               strcmp(json_get_str_or(object, "status/conditions/0/status", ""), "True") != 0) {
        cluster_merge(cluster, key,
                      "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}");
    }
    return true;
}

void cluster_run_pods(struct cluster *cluster)
{
    AUTO(json) struct json_object *objects = json_copy(cluster->objects);
    json_each(objects, run_pod, cluster);
}

int cluster_apply(struct cluster *cluster, const struct action *action, struct err *err)
{
    AUTO_FREE char *key = xasprintf("%s/%s/%s", action->resource->kind, action->ns, action->name);
    const struct json_object *old = cluster_get(cluster, key);
    switch (action->verb) {
    case ACTION_CREATE:
        if (old != NULL) {
            return conflict(err, "exists");
        }
        put_take(cluster, json_copy(action->body));
        return 0;
    case ACTION_PATCH:
        return patch(cluster, key, action, err);
    case ACTION_DELETE:
        if (old == NULL || strcmp(json_get_str_or(old, "metadata/uid", ""),
                                  json_get_str_or(action->body, "preconditions/uid", "")) != 0) {
            return conflict(err, "uid");
        }
        mark_deleted(cluster, key);
        return 0;
    case ACTION_REPLACE:
        if (old == NULL ||
            strcmp(json_get_str_or(old, "metadata/resourceVersion", ""),
                   json_get_str_or(action->body, "metadata/resourceVersion", "")) != 0) {
            return conflict(err, "resourceVersion");
        }
        put_take(cluster, json_copy(action->body));
        return 0;
    }
    return conflict(err, "verb");
}

/* --- text --- */

static void render_action(struct buf *text, const struct action *action)
{
    AUTO_FREE char *body = json_text_pretty(action->body);
    buf_printf(text, "%s %s %s/%s/%s%s%s\n", action_verb_word(action->verb),
               patch_type_word(action->patch_type), action->resource->kind, action->ns,
               action->name, action->field != NULL ? " repairs " : "",
               action->field != NULL ? action->field : "");
    buf_printf(text, "# %s: %s\n%s\n", action->event != NULL ? action->event : "(no event)",
               action->reason, body);
}

void cluster_render(struct buf *text, const char *heading, const struct plan *plan)
{
    buf_printf(text, "=== %s\n%s%s", heading, plan_state_word(plan->state),
               plan->wants_leases ? ", wants leases" : "");
    if (plan->requeue_ms != 0) {
        buf_printf(text, ", again in %" PRId64 " ms", plan->requeue_ms);
    }
    for (size_t i = 0; i < plan->dns_len; i++) {
        buf_printf(text, ", asks %s", plan->dns[i]);
    }
    buf_puts(text, "\n");
    for (size_t i = 0; i < plan->notes_len; i++) {
        const struct note *note = &plan->notes[i];
        buf_printf(text, "%s%s %s", note->warning ? "Warning" : "Normal", note->held ? " held" : "",
                   note->reason);
        if (note->after_ms > 0) {
            buf_printf(text, " (if it is there for %" PRId64 " ms)", note->after_ms);
        }
        buf_printf(text, ": %s\n", note->message);
    }
    for (size_t i = 0; i < plan->actions_len; i++) {
        render_action(text, &plan->actions[i]);
    }
}

void cluster_case(struct cluster *cluster, struct buf *text, const char *heading, const char *id,
                  bool revert)
{
    AUTO(plan) struct plan plan = {0};
    cluster_plan(cluster, id, revert, &plan);
    cluster_render(text, heading, &plan);
}

void cluster_golden(const char *id, void (*good)(struct cluster *cluster),
                    const struct cluster_row *rows, size_t len, const char *golden)
{
    AUTO(buf) struct buf text = BUF_INIT(1 << 20);
    for (size_t i = 0; i < len; i++) {
        struct cluster cluster;
        good(&cluster);
        rows[i].change(&cluster);
        cluster_case(&cluster, &text, rows[i].name, id, rows[i].revert);
        cluster_finish(&cluster);
    }
    unit_golden(golden, buf_str(&text));
}
