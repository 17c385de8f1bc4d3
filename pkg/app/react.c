#include "app/private.h"
#include "base/log.h"

enum {
    LEASES_AGAIN_MS = 5000,
};

void steward_say_problems(struct steward *steward)
{
    if (!steward_leads(steward)) {
        return;
    }
    const struct policy *policy = &cluster_world(steward->cluster)->policy;
    static char said[] = "said";
    struct strmap now = STRMAP_INIT(NULL);
    for (size_t i = 0; i < policy->problems_len; i++) {
        if (strmap_get(&steward->problems, policy->problems[i]) == NULL) {
            steward_say(steward, STEWARD_CONFIG_KEY, true, "InvalidConfiguration",
                        policy->problems[i]);
        }
        strmap_set(&now, policy->problems[i], said);
    }
    strmap_finish(&steward->problems);
    steward->problems = now;
}

void steward_enqueue_all(struct steward *steward)
{
    const struct world *world = cluster_world(steward->cluster);
    for (size_t i = 0; i < adjustments_len; i++) {
        if (policy_mode(&world->policy, adjustments[i]) == MODE_IGNORE) {
            engine_forget(steward->engine, adjustments[i]->id);
        }
        engine_enqueue(steward->engine, adjustments[i]->id);
    }
}

void steward_changed(void *arg, enum input input)
{
    struct steward *steward = arg;
    struct world *world = cluster_world(steward->cluster);
    if (steward->stopping) {
        return;
    }
    if (input == INPUT_CONFIG && store_synced(world->stores[INPUT_CONFIG])) {
        world_read_policy(world);
        steward_say_problems(steward);
        if (steward->intent != NULL) {
            intent_impose(steward->intent, &world->policy);
            engine_enqueue(steward->engine, STEWARD_CONFIG_KEY);
        }
        cluster_follow(steward->cluster, world_wanted_inputs(world));
        steward_enqueue_all(steward);
        return;
    }
    if (input == INPUT_STATE && steward->intent != NULL) {
        engine_enqueue(steward->engine, STEWARD_CONFIG_KEY);
    }
    for (size_t i = 0; i < adjustments_len; i++) {
        if ((adjustments[i]->inputs & INPUT_BIT(input)) != 0) {
            engine_enqueue(steward->engine, adjustments[i]->id);
        }
    }
}

void steward_leases_read(void *arg, const struct err *err)
{
    struct steward *steward = arg;
    if (steward->stopping) {
        return;
    }
    if (err != NULL) {
        LOG_WARN("cannot read the node Leases, again soon", "error", err->text);
        loop_timer_arm(steward->leases, LEASES_AGAIN_MS);
        for (size_t i = 0; i < adjustments_len; i++) {
            if (steward->waiting[i]) { /* to say so; it still waits */
                engine_enqueue(steward->engine, adjustments[i]->id);
            }
        }
        return;
    }
    steward_enqueue_marked(steward, steward->waiting);
}

void steward_leases_again(void *arg)
{
    struct steward *steward = arg;
    cluster_read_leases(steward->cluster);
}
