/*
 * coredns-deployment: the cluster's own CoreDNS at 0 replicas, once the DaemonSet carries DNS in
 * every live pool (section 4.3 of the source document).
 *
 * The order is: record, DaemonSet, gate, annotation, soak, gate again, zero. From the annotation on
 * it keeps watching, and falls back when a live pool stays without DNS. The Deployment is never
 * deleted: kubeadm keeps 0 replicas, but makes a Deployment that is gone anew with 2.
 */
#include <inttypes.h>
#include <string.h>

#include "adjust/adjust.h"
#include "adjust/coredns_fallback.h"
#include "adjust/coredns_record.h"
#include "adjust/coredns_room.h"
#include "adjust/coredns_workload.h"
#include "adjust/dns_gate.h"
#include "adjust/names.h"
#include "adjust/policy.h"
#include "base/alloc.h"
#include "base/attr.h"
#include "base/timefmt.h"
#include "kube/managed_fields.h"

#define DEPLOYMENT "Deployment kube-system/coredns"
#define REPLICAS "spec/replicas"
#define TOPOLOGY "metadata/annotations/openyurt.io~1topologyKeys"

enum {
    SOAK_MAX_MS = 60 * 60 * 1000, /* how long fallbacks may make it */
};

static const struct policy_option options[] = {
    {"coredns-deployment.gate", OPTION_WORD, "Wait|Skip", "Wait"},
    {"coredns-deployment.ready", OPTION_PERCENT, "1% to 100%", "90%"},
    {"coredns-deployment.soak", OPTION_DURATION, "a duration such as 60s", "60s"},
    {"coredns-deployment.grace", OPTION_DURATION, "a duration such as 30s", "30s"},
    {NULL, OPTION_WORD, NULL, NULL},
};

/* What one reconcile works with. */
struct cut {
    const struct snapshot *seen;
    const struct policy *policy;
    int64_t now_ms;
    const struct object *deployment;
    int64_t replicas;
    struct coredns_record record;
    struct plan *plan;
};

static const struct object *find_deployment(const struct snapshot *seen)
{
    const struct object *deployment = snapshot_only(seen, INPUT_DNS_DEPLOYMENT);
    return deployment != NULL && !deployment->deleting ? deployment : NULL;
}

static int64_t record_before(const struct cut *cut)
{
    return json_get_int(cut->record.was, "before", 0);
}

static void write_record(struct cut *cut)
{
    static const char reason[] = "record what was there and how far the cut-over is";
    if (coredns_record_write(&cut->record, cut->seen, reason, cut->plan) &&
        cut->plan->state == PLAN_IN_FORCE) {
        cut->plan->state = PLAN_CHANGING;
    }
}

static void add_step(struct json_object *patch, const char *op, const char *path,
                     struct json_object *value)
{
    struct json_object *step = json_new_object();
    json_set_str(step, "op", op);
    json_set_str(step, "path", path);
    json_set_take(step, "value", value);
    json_append_take(patch, step);
}

/* Only on the Deployment, and from the number, that was seen. */
static struct action *scale(struct cut *cut, int64_t to, const char *event)
{
    const struct object *deployment = cut->deployment;
    struct json_object *patch = json_new_array();
    if (*deployment->uid != '\0') { /* a dump may have none */
        add_step(patch, "test", "/metadata/uid", json_new_str(deployment->uid));
    }
    if (json_get(deployment->body, "metadata/generation") != NULL) {
        /* a write that was held up on its way must not undo what came after it */
        add_step(patch, "test", "/metadata/generation",
                 json_new_int(json_get_int(deployment->body, "metadata/generation", 0)));
    }
    add_step(patch, "test", "/" REPLICAS, json_new_int(cut->replicas));
    add_step(patch, "replace", "/" REPLICAS, json_new_int(to));
    struct action *action = plan_add_take(cut->plan, ACTION_PATCH, &resource_deployment,
                                          deployment->ns, deployment->name, patch);
    if (action != NULL) {
        action->patch_type = PATCH_JSON;
        action->input = INPUT_DNS_DEPLOYMENT;
    }
    action_reason(action, event, "scale " DEPLOYMENT " from %" PRId64 " to %" PRId64 " replicas",
                  cut->replicas, to);
    cut->plan->state = PLAN_CHANGING;
    return action;
}

/* Longer with each fallback, up to an hour; one that is configured longer stays. */
static int64_t soak_ms(const struct cut *cut)
{
    int64_t soak = policy_duration_ms(cut->policy, "coredns-deployment.soak");
    int64_t fallbacks = json_get_int(cut->record.now, "fallbacks", 0);
    for (; fallbacks > 0 && soak < SOAK_MAX_MS; fallbacks--) {
        soak = soak * 2 < SOAK_MAX_MS ? soak * 2 : SOAK_MAX_MS;
    }
    return soak;
}

/* --- pools without DNS --- */

static void fall_back(struct cut *cut, const char *pools)
{
    struct json_object *record = cut->record.now;
    json_del(record, "dark");
    json_del(record, "cut");
    json_del(record, "gateSince");
    json_set_int(record, "fallbacks", json_get_int(record, "fallbacks", 0) + 1);
    json_set_str(json_ensure_object(record, "fallback"), "pools", pools);
    write_record(cut);
    if (cut->replicas == 0) {
        scale(cut, record_before(cut), "Restored");
    }
}

/* A pool may be without for a moment when its only pod is replaced. */
static void warn_of_dark(struct cut *cut, bool due, struct names *dark, const char *outlook)
{
    int64_t grace_ms = policy_duration_ms(cut->policy, "coredns-deployment.grace");
    cut->plan->state = cut->plan->state == PLAN_HELD ? PLAN_HELD : PLAN_CHANGING;
    plan_warn_after(cut->plan, due ? 0 : grace_ms, "PoolsWithoutDNS",
                    "live pools without a ready DNS endpoint: %s; %s", names_text(dark), outlook);
}

/* Whether service-topology takes the annotation away on a fallback. */
static bool annotation_is_ours(const struct cut *cut)
{
    size_t len;
    return policy_mode(cut->policy, &adjust_service_topology) == MODE_ENFORCE &&
           snapshot_record(cut->seen, adjust_service_topology.id, &len) != NULL;
}

/*
 * The annotation is there before the cut, and yurthub shows a pool nothing of what the Deployment
 * serves: one that loses its own servers has none until the annotation is gone.
 */
static void watch_annotated(struct cut *cut)
{
    AUTO(names) struct names dark = NAMES_INIT;
    enum coredns_watch watch = COREDNS_WATCH_LIT;
    if (coredns_topology_filters(cut->seen)) {
        watch =
            coredns_watch(cut->seen, cut->policy, cut->record.now, cut->now_ms, cut->plan, &dark);
    } else {
        json_del(cut->record.now, "dark");
    }
    if (watch == COREDNS_WATCH_UNKNOWN) {
        return;
    }
    bool ours = annotation_is_ours(cut);
    if (watch == COREDNS_WATCH_DUE && ours) {
        fall_back(cut, names_text(&dark));
        return;
    }
    if (watch != COREDNS_WATCH_LIT) {
        warn_of_dark(cut, watch == COREDNS_WATCH_DUE, &dark,
                     ours ? "if that lasts, annotation openyurt.io/topologyKeys is taken away"
                          : "annotation openyurt.io/topologyKeys, which service-topology may not "
                            "take away, shows them no others");
    }
    write_record(cut);
}

/* --- to zero --- */

/* Whether service-topology's annotation is there; it is not waited for where that may not set it.
 */
static bool topology_allows(struct cut *cut)
{
    const struct object *service = snapshot_only(cut->seen, INPUT_DNS_SERVICE);
    const char *wanted = policy_value(cut->policy, "service-topology.value");
    const char *current = service != NULL ? json_get_str(service->body, TOPOLOGY) : NULL;
    if (policy_mode(cut->policy, &adjust_service_topology) != MODE_ENFORCE) {
        plan_note(cut->plan, false, "TopologyNotEnforced",
                  "service-topology is not on Enforce: the cut-over does not wait for its "
                  "annotation");
        return true;
    }
    if (current != NULL && strcmp(current, wanted) == 0) {
        return true;
    }
    plan_hold(cut->plan, false, "WaitingForTopology",
              "the gate is open; the soak begins when service-topology has set "
              "openyurt.io/topologyKeys=%s",
              wanted);
    return false;
}

static void cut_now(struct cut *cut, bool repair)
{
    write_record(cut);
    struct action *action = scale(cut, 0, repair ? "Repaired" : "Enforced");
    if (action != NULL && repair) {
        action->field = xstrdup(REPLICAS);
    }
}

/* Whether the gate has been open for long enough, as far as the record goes. */
static bool soaked(struct cut *cut)
{
    int64_t soak = soak_ms(cut);
    int64_t left_ms = soak - coredns_record_since(cut->record.now, "gateSince", cut->seen->wall_ms);
    int64_t watched_ms = cut->now_ms - cut->seen->watching_since_ms;
    if (soak - watched_ms > left_ms) {
        left_ms = soak - watched_ms; /* the gate counts only while somebody looked at it */
    }
    if (left_ms > 0) {
        plan_requeue(cut->plan, left_ms);
    }
    return left_ms <= 0;
}

/* The gate is open. Once it was soaked, somebody who undoes the cut does not make it soak again. */
static void cut_when_soaked(struct cut *cut, bool repair, bool asking)
{
    if (!repair && !topology_allows(cut)) {
        json_del(cut->record.now, "gateSince");
    } else if (repair || soaked(cut)) {
        if (!asking) {
            cut_now(cut, repair);
            return;
        }
        cut->plan->state = PLAN_CHANGING; /* "gate again": by what the servers say now */
    } else {
        cut->plan->state = PLAN_CHANGING;
    }
    write_record(cut);
}

static void cut_over(struct cut *cut)
{
    struct json_object *record = cut->record.now;
    json_del(record, "reverting");
    bool repair = json_get_bool(record, "cut", false);
    if (!repair) {
        json_set_int(record, "before", cut->replicas);
    }
    if (policy_is(cut->policy, "coredns-deployment.gate", "Skip")) {
        json_del(record, "dark");
        cut_now(cut, repair);
        return;
    }
    switch (dns_gate_look(cut->seen, cut->policy, cut->now_ms, cut->plan)) {
    case DNS_GATE_UNKNOWN:
        if (!cut->plan->wants_leases) {
            watch_annotated(cut); /* they can't be read */
        }
        break;
    case DNS_GATE_CLOSED:
        json_del(record, "gateSince");
        watch_annotated(cut);
        break;
    case DNS_GATE_ASKING:
        json_del(record, "dark");
        write_record(cut);
        break;
    case DNS_GATE_ASKING_AGAIN:
        json_del(record, "dark");
        cut_when_soaked(cut, repair, true);
        break;
    case DNS_GATE_OPEN:
        json_del(record, "dark");
        cut_when_soaked(cut, repair, false);
        break;
    }
}

/* --- at zero --- */

static void keep(struct cut *cut)
{
    AUTO(names) struct names dark = NAMES_INIT;
    bool ours = record_before(cut) > 0;
    json_del(cut->record.now, "reverting");
    json_del(cut->record.now, "gateSince");
    if (ours) {
        json_set_bool(cut->record.now, "cut", true);
    }
    enum coredns_watch watch =
        coredns_watch(cut->seen, cut->policy, cut->record.now, cut->now_ms, cut->plan, &dark);
    if (watch == COREDNS_WATCH_DUE && ours) {
        fall_back(cut, names_text(&dark));
        return;
    }
    if (watch == COREDNS_WATCH_DARK || watch == COREDNS_WATCH_DUE) {
        warn_of_dark(cut, watch == COREDNS_WATCH_DUE, &dark,
                     ours
                         ? "if that lasts, the Deployment is put back"
                         : "the Deployment was at 0 replicas before, there is nothing to put back");
    }
    if (watch != COREDNS_WATCH_UNKNOWN && cut->record.was != NULL) {
        write_record(cut);
    }
}

/* --- fallen back --- */

static void say_fallen(struct cut *cut)
{
    char soak[TIMEFMT_SIZE];
    timefmt_duration(soak_ms(cut), soak);
    plan_hold(cut->plan, true, "FellBack",
              "no DNS endpoint was ready for too long in %s: the Deployment's replicas and then "
              "service-topology's annotation are put back as they were, the DaemonSet stays; the "
              "next cut-over begins when the gate was open for %s",
              json_get_str_or(cut->record.was, "fallback/pools", ""), soak);
}

/* Puts the replicas back, within its budget when it was somebody else who scaled to 0. */
static void scale_back(struct cut *cut, const char *event)
{
    struct field_owner owner;
    bool ours = !managed_fields_owner(cut->deployment->body, REPLICAS, &owner) ||
                strcmp(owner.manager, "yurt-steward") == 0;
    struct action *action = scale(cut, record_before(cut), ours ? event : "Repaired");
    if (action != NULL && !ours) {
        action->field = xstrdup(REPLICAS);
    }
}

static void stay_back(struct cut *cut)
{
    struct json_object *record = cut->record.now;
    say_fallen(cut);
    if (cut->replicas == 0) {
        scale_back(cut, "Restored");
        return;
    }
    if (!coredns_deployment_serves(cut->deployment)) {
        plan_note(cut->plan, false, "WaitingForDeployment",
                  "no pod of " DEPLOYMENT " is available yet; then service-topology takes its "
                  "annotation away");
    }
    switch (dns_gate_look(cut->seen, cut->policy, cut->now_ms, cut->plan)) {
    case DNS_GATE_UNKNOWN:
    case DNS_GATE_ASKING:
        break;
    case DNS_GATE_CLOSED:
        json_del(record, "gateSince");
        write_record(cut);
        break;
    case DNS_GATE_ASKING_AGAIN:
    case DNS_GATE_OPEN:
        if (soaked(cut)) {
            json_del(record, "fallback");
            json_del(record, "gateSince");
            cut->plan->state = PLAN_CHANGING;
        }
        write_record(cut);
        break;
    }
}

static void enforce(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                    struct plan *ret_plan)
{
    const struct object *deployment = find_deployment(seen);
    if (deployment == NULL) {
        ret_plan->state = PLAN_NOT_APPLICABLE;
        plan_note(ret_plan, false, "NotApplicable", "there is no " DEPLOYMENT);
        return;
    }
    struct cut cut = {.seen = seen,
                      .policy = policy,
                      .now_ms = now_ms,
                      .deployment = deployment,
                      .replicas = json_get_int(deployment->body, REPLICAS, 1),
                      .plan = ret_plan};
    coredns_record_read(seen, deployment, &cut.record);
    if (json_member(cut.record.was, "fallback") != NULL) {
        stay_back(&cut);
    } else if (cut.replicas == 0) {
        keep(&cut);
    } else {
        cut_over(&cut);
    }
    coredns_record_finish(&cut.record);
}

/* --- back --- */

static void put_back(struct cut *cut)
{
    static const char *const ours[] = {"cut", "gateSince", "dark", "fallback"};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        json_del(cut->record.now, ours[i]);
    }
    json_set_bool(cut->record.now, "reverting", true);
    write_record(cut);
    scale_back(cut, "Reverted");
}

/* The replicas are not ours any more: forget them once the Deployment serves. */
static void finish_revert(struct cut *cut)
{
    const struct json_object *was = cut->record.was;
    bool touched = json_get_bool(was, "cut", false) || json_get_bool(was, "reverting", false) ||
                   json_member(was, "fallback") != NULL;
    if (touched && cut->replicas != record_before(cut)) {
        plan_note(cut->plan, false, "ReplicasChanged",
                  DEPLOYMENT " has %" PRId64 " replicas by other hands; they are left as they are, "
                             "and not set to the %" PRId64 " that were recorded",
                  cut->replicas, record_before(cut));
    }
    if (touched && cut->replicas > 0 && !coredns_deployment_available(cut->deployment)) {
        cut->plan->state = PLAN_CHANGING;
        AUTO_FREE char *advice = coredns_room_advice(cut->seen, cut->deployment);
        plan_note(cut->plan, false, "WaitingForDeployment",
                  DEPLOYMENT " has not enough available pods yet; its record is kept until it "
                             "has%s",
                  advice);
        return;
    }
    coredns_record_drop(cut->seen, "the replicas are as they were: drop the record", cut->plan);
}

static void revert(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                   struct plan *ret_plan)
{
    struct cut cut = {.seen = seen,
                      .policy = policy,
                      .now_ms = now_ms,
                      .deployment = find_deployment(seen),
                      .plan = ret_plan};
    coredns_record_read(seen, cut.deployment, &cut.record);
    if (cut.record.was == NULL) {
        ret_plan->state = PLAN_REVERTED;
        if (cut.record.other) {
            coredns_record_drop(seen, "the Deployment that was changed is gone", ret_plan);
        }
    } else {
        cut.replicas = json_get_int(cut.deployment->body, REPLICAS, 1);
        if (cut.replicas == 0 && record_before(&cut) > 0) {
            put_back(&cut);
        } else {
            finish_revert(&cut);
        }
    }
    coredns_record_finish(&cut.record);
}

const struct adjustment adjust_coredns_deployment = {
    .id = "coredns-deployment",
    .inputs = INPUT_BIT(INPUT_STATE) | INPUT_BIT(INPUT_DNS_SERVICE) | INPUT_BIT(INPUT_DNS_SLICES) |
              INPUT_BIT(INPUT_DNS_PODS) | INPUT_BIT(INPUT_DNS_DEPLOYMENT) |
              INPUT_BIT(INPUT_DNS_DAEMONSET) | INPUT_BIT(INPUT_NODES),
    .target = INPUT_DNS_DEPLOYMENT,
    .target_resource = &resource_deployment,
    .target_name = "coredns",
    .options = options,
    .enforce = enforce,
    .revert = revert,
};
