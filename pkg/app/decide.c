#include <stdlib.h>
#include <string.h>

#include "app/private.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    STALE_AGAIN_MS = 50, /* lists take a few milliseconds, this is seldom needed twice */
};

/* What an Event of this key is about. */
static void describe_target(struct steward *steward, const char *key, struct event *event)
{
    const struct adjustment *adjustment = adjustment_find(key);
    enum input input = adjustment != NULL ? adjustment->target : INPUT_CONFIG;
    const struct world *world = cluster_world(steward->cluster);
    const struct object *object = store_only(world->stores[input]);
    const struct kube_resource *resource =
        adjustment != NULL ? adjustment->target_resource : &resource_configmap;
    event->kind = resource->kind;
    event->ns = "kube-system";
    event->name = object != NULL       ? object->name
                  : adjustment != NULL ? adjustment->target_name
                                       : STEWARD_CONFIG_KEY;
    event->uid = object != NULL ? object->uid : "";
}

void steward_say(void *arg, const char *key, bool warning, const char *reason, const char *message)
{
    struct steward *steward = arg;
    const struct adjustment *adjustment = adjustment_find(key);
    AUTO_FREE char *version =
        kube_api_version(adjustment != NULL ? adjustment->target_resource : &resource_configmap);
    struct event event = {.warning = warning,
                          .reason = reason,
                          .action = "Reconcile",
                          .note = message,
                          .api_version = version};
    describe_target(steward, key, &event);
    event_record(steward->recorder, &event);
    vitals_said(steward->vitals, key, reason);
    LOG_AT(warning ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, message, "adjustment", key, "reason", reason);
}

static enum engine_leave plan_key(void *arg, const char *key, int64_t now_ms, struct plan *ret_plan)
{
    struct steward *steward = arg;
    const struct world *world = cluster_world(steward->cluster);
    const struct adjustment *adjustment = adjustment_find(key);
    int64_t wall_ms = clock_wall_ms();
    if (!world_synced(world, INPUT_BIT(INPUT_CONFIG) | INPUT_BIT(INPUT_STATE))) {
        return ENGINE_SKIP;
    }
    if (adjustment == NULL) {
        struct snapshot seen;
        world_snapshot(world, wall_ms, &seen);
        intent_plan_modes(steward->intent, &seen, ret_plan);
        return ENGINE_WRITE;
    }
    enum mode mode = policy_mode(&world->policy, adjustment);
    if (mode == MODE_IGNORE || !world_synced(world, adjustment->inputs)) {
        return ENGINE_SKIP;
    }
    if (cluster_stale(steward->cluster, adjustment->inputs | INPUT_BIT(INPUT_CONFIG))) {
        /* half of the world as it is, half as it was: in a moment all of it is here */
        plan_requeue(ret_plan, STALE_AGAIN_MS);
        return ENGINE_SKIP;
    }
    cluster_look_for_blindness(steward->cluster);
    world_plan(world, adjustment, wall_ms, now_ms, ret_plan);
    return mode == MODE_OBSERVE ? ENGINE_OBSERVE : ENGINE_WRITE;
}

static const struct object *find_target(void *arg, const struct action *action)
{
    struct steward *steward = arg;
    const struct world *world = cluster_world(steward->cluster);
    return action->input == INPUT_NONE
               ? NULL
               : store_get(world->stores[action->input], action->ns, action->name);
}

static void written(void *arg, const struct action *action, const struct json_object *json)
{
    struct steward *steward = arg;
    cluster_written(steward->cluster, action->input, json);
}

static void mark(bool marks[POLICY_ADJUSTMENTS_MAX], const char *key)
{
    for (size_t i = 0; i < adjustments_len; i++) {
        if (strcmp(adjustments[i]->id, key) == 0) {
            marks[i] = true;
        }
    }
}

/* Those that waited are reconciled. */
void steward_enqueue_marked(struct steward *steward, bool marks[POLICY_ADJUSTMENTS_MAX])
{
    for (size_t i = 0; i < adjustments_len; i++) {
        if (marks[i]) {
            marks[i] = false;
            engine_enqueue(steward->engine, adjustments[i]->id);
        }
    }
}

static void ask_dns(void *arg, const char *key, const struct plan *plan)
{
    struct steward *steward = arg;
    const struct policy *policy = &cluster_world(steward->cluster)->policy;
    mark(steward->asked, key);
    asker_ask(steward->asker, plan, policy_value(policy, "dns-service.probe"));
}

void steward_dns_answered(void *arg)
{
    struct steward *steward = arg;
    if (!steward->stopping) {
        steward_enqueue_marked(steward, steward->asked);
    }
}

static void no_apply(void *arg)
{
    struct steward *steward = arg;
    LOG_WARN("no server-side apply; objects are replaced instead", "httpStatus", "415");
    cluster_world(steward->cluster)->lacks_apply = true;
}

static void read_leases(void *arg, const char *key)
{
    struct steward *steward = arg;
    mark(steward->waiting, key);
    if (!loop_timer_armed(steward->leases)) {
        cluster_read_leases(steward->cluster);
    }
}

static struct contention_budget budget(void *arg)
{
    struct steward *steward = arg;
    struct contention_budget value = {0};
    const struct world *world = cluster_world(steward->cluster);
    if (contention_budget_parse(policy_value(&world->policy, "contention.budget"), &value) < 0) {
        abort(); /* the policy holds checked values only */
    }
    return value;
}

bool steward_leads(const struct steward *steward)
{
    return steward->options.elects ? steward->elector != NULL && elector_leads(steward->elector)
                                   : true;
}

static int64_t may_write_ms(void *arg)
{
    const struct steward *steward = arg;
    if (!steward->options.elects) {
        return INT64_MAX;
    }
    return steward->elector != NULL ? elector_left_ms(steward->elector) : 0;
}

static void finished(void *arg, const char *key, const char *result, int64_t duration_ms)
{
    struct steward *steward = arg;
    vitals_reconciled(steward->vitals, key, result, duration_ms);
}

/* Whether the plan leaves nothing to wait for. */
static bool is_settled(const struct plan *plan)
{
    return plan->actions_len == 0 &&
           (plan->state == PLAN_IN_FORCE || plan->state == PLAN_REVERTED ||
            plan->state == PLAN_NOT_APPLICABLE);
}

static void reconciled(void *arg, const char *key, const struct plan *plan)
{
    struct steward *steward = arg;
    const struct policy *policy = &cluster_world(steward->cluster)->policy;
    bool all = true;
    vitals_state(steward->vitals, key, plan->state);
    if (steward->intent == NULL) {
        return;
    }
    for (size_t i = 0; i < adjustments_len; i++) {
        if (strcmp(adjustments[i]->id, key) == 0) {
            unsigned bit = 1U << i;
            steward->settled = is_settled(plan) ? steward->settled | bit : steward->settled & ~bit;
        }
        all = all && (policy_mode(policy, adjustments[i]) == MODE_IGNORE ||
                      (steward->settled & 1U << i) != 0);
    }
    if (all) {
        steward_stop(steward);
    }
}

void steward_engine_ops(struct steward *steward, struct engine_ops *ret_ops)
{
    *ret_ops = (struct engine_ops){
        .plan = plan_key,
        .say = steward_say,
        .target = find_target,
        .written = written,
        .read_leases = read_leases,
        .ask_dns = ask_dns,
        .no_apply = no_apply,
        .budget = budget,
        .finished = finished,
        .may_write_ms = may_write_ms,
        .reconciled = reconciled,
        .arg = steward,
    };
}
