#include "app/status.h"

#include <stdlib.h>
#include <string.h>

#include "adjust/liveness.h"
#include "app/show.h"
#include "base/alloc.h"
#include "base/timefmt.h"
#include "kube/managed_fields.h"
#include "kube/node.h"
#include "kube/pod.h"

static const char manager[] = "yurt-steward";

static void set_time(struct json_object *row, const char *name, int64_t wall_ms)
{
    char stamp[TIMEFMT_SIZE];
    if (wall_ms > 0) {
        timefmt_rfc3339(wall_ms, stamp);
        json_set_str(row, name, stamp);
    }
}

/* --- the operator's Events --- */

/* When it was last seen: of a series, its last one. */
static int64_t event_time(const struct json_object *event)
{
    static const char *const paths[] = {"series/lastObservedTime", "eventTime",
                                        "deprecatedLastTimestamp"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        int64_t when;
        const char *text = json_get_str(event, paths[i]);
        if (text != NULL && timefmt_parse(text, &when) == 0) {
            return when;
        }
    }
    return 0;
}

/* The newest Event with that reason about what the adjustment changes; NULL: none is left. */
static const struct json_object *newest_event(const struct json_object *events,
                                              const struct adjustment *adjustment, const char *name,
                                              const char *reason)
{
    const struct json_object *newest = NULL;
    for (size_t i = 0; i < json_array_len(events); i++) {
        const struct json_object *event = json_array_at(events, i);
        if (strcmp(json_get_str_or(event, "reason", ""), reason) == 0 &&
            strcmp(json_get_str_or(event, "regarding/kind", ""),
                   adjustment->target_resource->kind) == 0 &&
            strcmp(json_get_str_or(event, "regarding/name", ""), name) == 0 &&
            (newest == NULL || event_time(event) > event_time(newest))) {
            newest = event;
        }
    }
    return newest;
}

/* --- adjustments --- */

/* The newest of our own entries in managedFields: when we last changed the object. 0: never. */
static int64_t last_write(const struct object *object)
{
    const struct json_object *entries = json_get(object->body, "metadata/managedFields");
    int64_t newest = 0;
    for (size_t i = 0; i < json_array_len(entries); i++) {
        const struct json_object *entry = json_array_at(entries, i);
        int64_t when;
        if (strcmp(json_get_str_or(entry, "manager", ""), manager) == 0 &&
            timefmt_parse(json_get_str_or(entry, "time", ""), &when) == 0 && when > newest) {
            newest = when;
        }
    }
    return newest;
}

static const struct note *first_held(const struct plan *plan)
{
    for (size_t i = 0; i < plan->notes_len; i++) {
        if (plan->notes[i].held) {
            return &plan->notes[i];
        }
    }
    return NULL;
}

static const char *state_word(enum mode mode, const struct plan *plan)
{
    return mode == MODE_OBSERVE && plan->actions_len > 0 ? "Drift" : plan_state_word(plan->state);
}

/* What holds it, or else the next thing it will do, or else the first thing to know. */
static void add_message(struct json_object *row, const struct plan *plan)
{
    const struct note *held = first_held(plan);
    if (held != NULL) {
        json_set_str(row, "heldBy", held->reason);
        json_set_str(row, "message", held->message);
    } else if (plan->actions_len > 0) {
        json_set_str(row, "message", plan->actions[0].reason);
    } else if (plan->notes_len > 0) {
        json_set_str(row, "message", plan->notes[0].message);
    }
}

static void add_history(struct json_object *row, const struct adjustment *adjustment,
                        const struct object *target, const struct plan *plan,
                        const struct json_object *events)
{
    static const char marker[] = "; undone by ";
    const char *name = target != NULL ? target->name : adjustment->target_name;
    const struct note *held = first_held(plan);
    const struct json_object *since = newest_event(
        events, adjustment, name, held != NULL ? held->reason : plan_state_word(plan->state));
    const struct json_object *repaired = newest_event(events, adjustment, name, "Repaired");
    const char *undone = strstr(json_get_str_or(repaired, "note", ""), marker);
    if (held == NULL && plan->state == PLAN_IN_FORCE && target != NULL && last_write(target) > 0) {
        set_time(row, "since", last_write(target));
    } else if (since != NULL) {
        set_time(row, "since", event_time(since));
    }
    if (undone != NULL) {
        json_set_str(row, "undoneBy", undone + strlen(marker));
        set_time(row, "undoneAt", event_time(repaired));
    }
}

static struct json_object *adjustment_row(const struct world *world,
                                          const struct adjustment *adjustment,
                                          const struct json_object *events, int64_t wall_ms,
                                          int64_t now_ms)
{
    struct json_object *row = json_new_object();
    enum mode mode = policy_mode(&world->policy, adjustment);
    json_set_str(row, "adjustment", adjustment->id);
    json_set_str(row, "mode", mode_word(mode));
    if (mode == MODE_IGNORE) {
        json_set_str(row, "state", "Ignored");
        return row;
    }
    AUTO(plan) struct plan plan = {0};
    world_plan(world, adjustment, wall_ms, now_ms, &plan);
    json_set_str(row, "state", state_word(mode, &plan));
    add_message(row, &plan);
    add_history(row, adjustment, store_only(world->stores[adjustment->target]), &plan, events);
    return row;
}

/* --- pools --- */

struct pool {
    int64_t nodes;
    int64_t live;
    int64_t daemonset_pods;
    int64_t deployment_pods;
};

static struct pool *pool_of(struct strmap *pools, const struct node *node)
{
    const char *name = node->pool != NULL ? node->pool : "";
    struct pool *pool = strmap_get(pools, name);
    if (pool == NULL) {
        pool = xcalloc(1, sizeof(*pool));
        strmap_set(pools, name, pool);
    }
    return pool;
}

static void count_pods(const struct snapshot *seen, struct strmap *pools)
{
    const struct store *pods = seen->stores[INPUT_DNS_PODS];
    for (size_t i = 0; i < store_len(pods); i++) {
        const struct pod *pod = pod_of(store_at(pods, i));
        const struct node *node = liveness_find(seen, pod->node);
        if (node == NULL || !pod->ready || pod->object.deleting || !liveness_node(seen, node)) {
            continue;
        }
        bool daemonset = pod->owner_kind != NULL && strcmp(pod->owner_kind, "DaemonSet") == 0;
        struct pool *pool = pool_of(pools, node);
        pool->daemonset_pods += daemonset;
        pool->deployment_pods += !daemonset;
    }
}

static struct json_object *pools_json(const struct snapshot *seen)
{
    AUTO(strmap) struct strmap pools = STRMAP_INIT(free);
    struct json_object *rows = json_new_array();
    const struct store *nodes = seen->stores[INPUT_NODES];
    for (size_t i = 0; i < store_len(nodes); i++) {
        const struct node *node = node_of(store_at(nodes, i));
        struct pool *pool = pool_of(&pools, node);
        pool->nodes++;
        pool->live += liveness_node(seen, node);
    }
    count_pods(seen, &pools);
    for (size_t i = 0; i < pools.len; i++) {
        const struct pool *pool = pools.entries[i].value;
        struct json_object *row = json_new_object();
        json_set_str(row, "pool", pools.entries[i].key);
        json_set_int(row, "nodes", pool->nodes);
        json_set_int(row, "live", pool->live);
        json_set_int(row, "daemonSetPods", pool->daemonset_pods);
        json_set_int(row, "deploymentPods", pool->deployment_pods);
        json_append_take(rows, row);
    }
    return rows;
}

struct json_object *status_json(const struct world *world, const struct look_rest *rest,
                                int64_t wall_ms, int64_t now_ms)
{
    struct json_object *nodes = json_new_array();
    struct json_object *doc = json_new_object();
    struct json_object *rows = json_new_array();
    struct snapshot seen;
    world_snapshot(world, wall_ms, &seen);
    for (size_t i = 0; i < adjustments_len; i++) {
        json_append_take(rows,
                         adjustment_row(world, adjustments[i], rest->events, wall_ms, now_ms));
    }
    json_set_take(doc, "adjustments", rows);
    json_set_take(doc, "pools", pools_json(&seen));
    status_add_nodes(nodes, rest->nodes);
    json_set_take(doc, "controlPlaneNodes", nodes);
    return doc;
}
