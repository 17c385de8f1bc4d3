/*
 * service-topology: the annotation by which yurthub shows a node only the DNS endpoints of its own
 * pool (section 4.1 of the source document).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adjust/adjust.h"
#include "adjust/coredns_fallback.h"
#include "adjust/policy.h"
#include "adjust/topology_gate.h"
#include "base/alloc.h"
#include "kube/managed_fields.h"
#include "kube/slice.h"

#define TOPOLOGY "openyurt.io/topologyKeys"
#define TRIGGER "openyurt.io/update-trigger"
#define FIELD "metadata/annotations/openyurt.io~1topologyKeys"

static const char record_key[] = "service-topology";

enum {
    /* How long yurt-manager has to push the change to open watches before we do it. */
    TRIGGER_WAIT_MS = 3000
};

static const struct policy_option options[] = {
    /* the values that yurthub's filter knows; it matches them exactly */
    {"service-topology.value", OPTION_WORD,
     "openyurt.io/nodepool|kubernetes.io/hostname|kubernetes.io/zone", "openyurt.io/nodepool"},
    {"service-topology.gate", OPTION_WORD, "Wait|Skip", "Wait"},
    {NULL, OPTION_WORD, NULL, NULL},
};

/*
 * What was there before, from the state ConfigMap. It also has the resourceVersion that the Service
 * had when it was recorded: while that is still the same, nothing was written yet.
 */
struct record {
    struct json_object *json; /* NULL: none for this Service */
    bool other;               /* there is one, for a Service that is gone */
};

static struct record read_record(const struct snapshot *seen, const char *uid)
{
    size_t len = 0;
    const char *text = snapshot_record(seen, record_key, &len);
    struct json_object *json = NULL;
    if (text == NULL || json_parse(text, len, &json, NULL) < 0) {
        return (struct record){NULL, text != NULL};
    }
    if (strcmp(json_get_str_or(json, "uid", ""), uid) != 0) {
        json_unref(json);
        return (struct record){NULL, true};
    }
    return (struct record){json, false};
}

static void write_record_take(struct plan *plan, const struct snapshot *seen,
                              struct json_object *record, const char *reason)
{
    struct json_object *data = json_new_object();
    AUTO_FREE char *text = record != NULL ? json_text(record) : NULL;
    json_set_str(data, record_key, text);
    json_unref(record);
    plan_record_take(plan, seen, data, reason);
}

/* Sets (NULL: removes) one annotation, only on the object as it was seen. */
static struct action *annotate(struct plan *plan, const struct kube_resource *resource,
                               const struct object *object, const char *name, const char *value)
{
    struct json_object *body = json_new_object();
    struct json_object *metadata = json_ensure_object(body, "metadata");
    if (*object->uid != '\0') { /* a dump may have neither */
        json_set_str(metadata, "resourceVersion", object->resource_version);
        json_set_str(metadata, "uid", object->uid);
    }
    json_set_str(json_ensure_object(metadata, "annotations"), name, value);
    struct action *action =
        plan_add_take(plan, ACTION_PATCH, resource, object->ns, object->name, body);
    if (action != NULL) {
        action->patch_type = PATCH_MERGE;
    }
    return action;
}

/*
 * Open kube-proxy watches behind yurthub learn of a changed annotation by an update-trigger on the
 * EndpointSlices. Where no yurt-manager sets it, we do. Returns true when all have one. One of the
 * same second as the change does not count: it may have been set just before it.
 */
static bool push_to_watches(const struct snapshot *seen, const struct object *service,
                            int64_t since_ms, int64_t now_ms, struct plan *plan)
{
    const struct store *slices = seen->stores[INPUT_DNS_SLICES];
    int64_t since_s = since_ms / 1000;
    int64_t wait = TRIGGER_WAIT_MS - (now_ms - service->seen_ms);
    int64_t now_s = seen->wall_ms / 1000;
    char value[32];
    bool all = true;
    snprintf(value, sizeof(value), "%" PRId64, now_s > since_s ? now_s : since_s + 1);
    for (size_t i = 0; i < store_len(slices); i++) {
        const struct slice *slice = slice_of(store_at(slices, i));
        if (slice->update_trigger_s > since_s || slice->object.deleting) {
            continue;
        }
        all = false;
        if (wait <= 0) {
            struct action *action =
                annotate(plan, &resource_endpointslice, &slice->object, TRIGGER, value);
            action_reason(action, NULL,
                          "push the changed topology to open watches: no " TRIGGER
                          " since it changed");
            if (action != NULL) {
                action->input = INPUT_DNS_SLICES;
            }
        }
    }
    if (!all && plan->state != PLAN_HELD) {
        plan->state = PLAN_CHANGING;
    }
    if (!all && wait > 0) {
        plan_requeue(plan, wait);
    }
    return all;
}

static const struct object *find_service(const struct snapshot *seen, const struct policy *policy,
                                         struct plan *plan)
{
    const struct object *service = snapshot_only(seen, INPUT_DNS_SERVICE);
    if (service == NULL) {
        plan_hold(plan, true, "ServiceMissing",
                  "Service kube-system/%s does not exist; waiting for it (dns-service.name says "
                  "which it is)",
                  policy_value(policy, "dns-service.name"));
        return NULL;
    }
    return service;
}

static void describe(struct action *action, const char *event, const char *value,
                     const char *current)
{
    if (action == NULL) {
        return;
    }
    action->input = INPUT_DNS_SERVICE;
    if (value == NULL) {
        action_reason(action, event, "remove annotation " TOPOLOGY " (was \"%s\")",
                      current != NULL ? current : "");
    } else if (current == NULL) {
        action_reason(action, event, "set annotation " TOPOLOGY "=%s (was absent)", value);
    } else {
        action_reason(action, event, "set annotation " TOPOLOGY "=%s (was \"%s\")", value, current);
    }
}

/* Revert was begun and taken back: the next one must not find its old mark. */
static void take_up_again(const struct snapshot *seen, const struct object *service,
                          const struct record *record, struct plan *plan)
{
    struct json_object *again = json_copy(record->json);
    json_del(again, "revertingSince");
    json_set_str(again, "resourceVersion", service->resource_version);
    write_record_take(plan, seen, again, "take up the adjustment again");
    plan->state = PLAN_CHANGING;
}

/* Whether we wrote the annotation as it is, and when. */
static bool is_ours(const struct object *service, int64_t *ret_since_ms)
{
    struct field_owner owner;
    bool owned = managed_fields_owner(service->body, FIELD, &owner);
    *ret_since_ms = owner.time_ms;
    return owned && strcmp(owner.manager, "yurt-steward") == 0;
}

/*
 * Whether somebody undid what we wrote. Not so when we did not come to write it (the record was
 * all), nor when the annotation is still ours and another value is asked for.
 */
static bool was_undone(const struct object *service, const struct json_object *record)
{
    const char *recorded_at = json_get_str_or(record, "resourceVersion", "");
    int64_t unused;
    return strcmp(recorded_at, service->resource_version) != 0 && !is_ours(service, &unused);
}

static void set_annotation(const struct snapshot *seen, const struct object *service,
                           const char *value, struct plan *plan)
{
    const char *current = json_get_str(service->body, FIELD);
    struct record record = read_record(seen, service->uid);
    bool known = record.json != NULL && json_member(record.json, "revertingSince") == NULL;
    bool repair = known && was_undone(service, record.json);
    if (record.json == NULL) {
        struct json_object *fresh = json_new_object();
        json_set_str(fresh, "uid", service->uid);
        json_set_str(fresh, "before", current);
        json_set_str(fresh, "resourceVersion", service->resource_version);
        write_record_take(plan, seen, fresh, "record the annotation as it was");
    } else if (!known) {
        take_up_again(seen, service, &record, plan);
    }
    json_unref(record.json);
    struct action *action = annotate(plan, &resource_service, service, TOPOLOGY, value);
    describe(action, repair ? "Repaired" : "Enforced", value, current);
    if (action != NULL && repair) {
        action->field = xstrdup(FIELD);
    }
    plan->state = PLAN_CHANGING;
}

static void keep(const struct snapshot *seen, const struct object *service, int64_t now_ms,
                 struct plan *plan)
{
    struct record record = read_record(seen, service->uid);
    int64_t since_ms;
    if (record.json != NULL && json_member(record.json, "revertingSince") != NULL) {
        take_up_again(seen, service, &record, plan);
    }
    json_unref(record.json);
    if (is_ours(service, &since_ms)) {
        push_to_watches(seen, service, since_ms, now_ms, plan);
    }
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Puts the annotation back as it was and has open watches told; true once both are done. */
static bool restore(const struct snapshot *seen, const struct object *service,
                    const struct json_object *record, int64_t now_ms, struct plan *plan)
{
    const char *before = json_get_str(record, "before");
    const char *current = json_get_str(service->body, FIELD);
    int64_t since_s = json_get_int(record, "revertingSince", 0);
    if (same(before, current)) {
        return since_s == 0 || push_to_watches(seen, service, since_s * 1000, now_ms, plan);
    }
    if (since_s == 0) {
        struct json_object *marked = json_copy(record);
        json_set_int(marked, "revertingSince", seen->wall_ms / 1000);
        write_record_take(plan, seen, marked, "record that the annotation is being put back");
    }
    describe(annotate(plan, &resource_service, service, TOPOLOGY, before), "Reverted", before,
             current);
    plan->state = PLAN_CHANGING;
    return false;
}

/*
 * coredns-deployment fell back: once the Deployment serves, our annotation goes, so that a pool
 * without a DNS endpoint of its own finds those. It stays away until the fallback is over.
 */
static bool step_aside(const struct snapshot *seen, const struct policy *policy,
                       const struct object *service, int64_t now_ms, struct plan *plan)
{
    enum coredns_fallback fallback = coredns_fallback_state(seen);
    if (fallback == COREDNS_FALLBACK_NONE) {
        return false;
    }
    plan_hold(plan, false, "FellBack", "coredns-deployment fell back: annotation " TOPOLOGY " %s",
              fallback == COREDNS_FALLBACK_SERVED
                  ? "is not set before its gate was open for long enough"
                  : "is taken away once Deployment kube-system/coredns has an available pod");
    if (policy_mode(policy, &adjust_coredns_deployment) != MODE_ENFORCE) {
        plan_note(plan, true, "FallbackLeft",
                  "coredns-deployment is on %s, so its fallback does not end by itself: Enforce "
                  "goes on with it, Revert forgets it",
                  mode_word(policy_mode(policy, &adjust_coredns_deployment)));
    }
    struct record record = read_record(seen, service->uid);
    int64_t unused;
    bool ours = is_ours(service, &unused) ||
                same(json_get_str(record.json, "before"), json_get_str(service->body, FIELD));
    if (fallback == COREDNS_FALLBACK_SERVED && record.json != NULL && ours) {
        restore(seen, service, record.json, now_ms, plan);
    }
    json_unref(record.json);
    return true;
}

static void enforce(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                    struct plan *ret_plan)
{
    const struct object *service = find_service(seen, policy, ret_plan);
    if (service == NULL || step_aside(seen, policy, service, now_ms, ret_plan)) {
        return;
    }
    const char *value = policy_value(policy, "service-topology.value");
    const char *current = json_get_str(service->body, FIELD);
    if (current != NULL && strcmp(current, value) == 0) {
        keep(seen, service, now_ms, ret_plan);
        return;
    }
    if (!topology_endpoints_safe(seen, ret_plan)) {
        return;
    }
    if (policy_is(policy, "service-topology.gate", "Wait") &&
        !topology_gate_open(seen, policy, now_ms, ret_plan)) {
        return;
    }
    set_annotation(seen, service, value, ret_plan);
}

static void revert(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                   struct plan *ret_plan)
{
    (void)policy;
    const struct object *service = snapshot_only(seen, INPUT_DNS_SERVICE);
    struct record record = read_record(seen, service != NULL ? service->uid : "");
    if (record.json != NULL && service != NULL) {
        if (restore(seen, service, record.json, now_ms, ret_plan)) {
            write_record_take(ret_plan, seen, NULL, "the annotation is as it was: drop the record");
            ret_plan->state = PLAN_CHANGING;
        }
    } else if (record.other) {
        write_record_take(ret_plan, seen, NULL, "the Service that was changed is gone");
        ret_plan->state = PLAN_CHANGING;
    } else {
        ret_plan->state = PLAN_REVERTED;
    }
    json_unref(record.json);
}

const struct adjustment adjust_service_topology = {
    .id = "service-topology",
    .inputs = INPUT_BIT(INPUT_STATE) | INPUT_BIT(INPUT_DNS_SERVICE) | INPUT_BIT(INPUT_DNS_SLICES) |
              INPUT_BIT(INPUT_DNS_PODS) | INPUT_BIT(INPUT_DNS_DEPLOYMENT) | INPUT_BIT(INPUT_NODES),
    .target = INPUT_DNS_SERVICE,
    .target_resource = &resource_service,
    .target_name = "kube-dns",
    .options = options,
    .enforce = enforce,
    .revert = revert,
};
