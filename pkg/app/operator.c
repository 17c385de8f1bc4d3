#include "app/operator.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cluster.h"
#include "app/inputs.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/engine.h"
#include "kube/event_recorder.h"

enum {
    DRAIN_MS = 5000, /* for the Events that are queued when we are told to stop */
    STOP_MS = 25000, /* for all of the stop; a pod has 30 s */
    LEASES_AGAIN_MS = 5000,
};

/* The key of the ConfigMap itself, beside the adjustments' ids. */
static const char config_key[] = "yurt-steward";

struct operator
{
    struct loop *loop;
    struct cluster *cluster;
    struct engine *engine;
    struct event_recorder *recorder;
    struct loop_signal *terminate;
    struct loop_signal *interrupt;
    struct loop_signal *hangup;
    struct loop_timer *hurry;             /* the stop takes too long */
    struct loop_timer *leases;            /* the Leases could not be read: again */
    struct strmap problems;               /* what was said of the ConfigMap */
    bool waiting[POLICY_ADJUSTMENTS_MAX]; /* adjustments that wait for the Leases */
    bool stopping;
    int status;
};

/* --- saying --- */

/* What an Event of this key is about. */
static void describe_target(struct operator* operator, const char * key, struct event *event)
{
    const struct adjustment *adjustment = adjustment_find(key);
    enum input input = adjustment != NULL ? adjustment->target : INPUT_CONFIG;
    const struct world *world = cluster_world(operator->cluster);
    const struct object *object = store_only(world->stores[input]);
    const struct kube_resource *resource =
        adjustment != NULL ? adjustment->target_resource : &resource_configmap;
    event->kind = resource->kind;
    event->ns = "kube-system";
    event->name = object != NULL       ? object->name
                  : adjustment != NULL ? adjustment->target_name
                                       : config_key;
    event->uid = object != NULL ? object->uid : "";
    event->api_version = resource->version; /* both targets are of the core group */
}

static void say(void *arg, const char *key, bool warning, const char *reason, const char *message)
{
    struct operator* operator= arg;
    struct event event = {
        .warning = warning, .reason = reason, .action = "Reconcile", .note = message};
    describe_target(operator, key, &event);
    event_record(operator->recorder, &event);
    LOG_AT(warning ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, message, "adjustment", key, "reason", reason);
}

/* --- what the engine asks --- */

static enum engine_leave plan_key(void *arg, const char *key, int64_t now_ms, struct plan *ret_plan)
{
    struct operator* operator= arg;
    const struct world *world = cluster_world(operator->cluster);
    const struct adjustment *adjustment = adjustment_find(key);
    enum mode mode = policy_mode(&world->policy, adjustment);
    struct snapshot seen;
    if (mode == MODE_IGNORE || !world_synced(world, INPUT_BIT(INPUT_CONFIG)) ||
        !world_synced(world, adjustment->inputs)) {
        return ENGINE_SKIP;
    }
    world_snapshot(world, clock_wall_ms(), &seen);
    if (mode == MODE_REVERT) {
        adjustment->revert(&seen, &world->policy, now_ms, ret_plan);
        return ENGINE_WRITE;
    }
    adjustment->enforce(&seen, &world->policy, now_ms, ret_plan);
    return mode == MODE_ENFORCE ? ENGINE_WRITE : ENGINE_OBSERVE;
}

static const struct object *find_target(void *arg, const struct action *action)
{
    struct operator* operator= arg;
    const struct world *world = cluster_world(operator->cluster);
    return action->input == INPUT_NONE
               ? NULL
               : store_get(world->stores[action->input], action->ns, action->name);
}

static void written(void *arg, const struct action *action, const struct json_object *json)
{
    struct operator* operator= arg;
    cluster_written(operator->cluster, action->input, json);
}

static void read_leases(void *arg, const char *key)
{
    struct operator* operator= arg;
    for (size_t i = 0; i < adjustments_len; i++) {
        if (strcmp(adjustments[i]->id, key) == 0) {
            operator->waiting[i] = true;
        }
    }
    if (!loop_timer_armed(operator->leases)) {
        cluster_read_leases(operator->cluster);
    }
}

static struct contention_budget budget(void *arg)
{
    struct operator* operator= arg;
    struct contention_budget value = {0};
    const struct world *world = cluster_world(operator->cluster);
    if (contention_budget_parse(policy_value(&world->policy, "contention.budget"), &value) < 0) {
        abort(); /* the policy holds checked values only */
    }
    return value;
}

/* --- what the cluster says --- */

static void say_problems(struct operator* operator)
{
    const struct policy *policy = &cluster_world(operator->cluster)->policy;
    static char said[] = "said";
    struct strmap now = STRMAP_INIT(NULL);
    for (size_t i = 0; i < policy->problems_len; i++) {
        if (strmap_get(&operator->problems, policy->problems[i]) == NULL) {
            say(operator, config_key, true, "InvalidConfiguration", policy->problems[i]);
        }
        strmap_set(&now, policy->problems[i], said);
    }
    strmap_finish(&operator->problems);
    operator->problems = now;
}

static void enqueue_all(struct operator* operator)
{
    const struct world *world = cluster_world(operator->cluster);
    for (size_t i = 0; i < adjustments_len; i++) {
        if (policy_mode(&world->policy, adjustments[i]) == MODE_IGNORE) {
            engine_forget(operator->engine, adjustments[i]->id);
        }
        engine_enqueue(operator->engine, adjustments[i]->id);
    }
}

static void changed(void *arg, enum input input)
{
    struct operator* operator= arg;
    struct world *world = cluster_world(operator->cluster);
    if (operator->stopping) {
        return;
    }
    if (input == INPUT_CONFIG && store_synced(world->stores[INPUT_CONFIG])) {
        world_read_policy(world);
        say_problems(operator);
        cluster_follow(operator->cluster, world_wanted_inputs(world));
        enqueue_all(operator);
        return;
    }
    for (size_t i = 0; i < adjustments_len; i++) {
        if ((adjustments[i]->inputs & INPUT_BIT(input)) != 0) {
            engine_enqueue(operator->engine, adjustments[i]->id);
        }
    }
}

static void leases_read(void *arg, const struct err *err)
{
    struct operator* operator= arg;
    if (operator->stopping) {
        return;
    }
    if (err != NULL) {
        LOG_WARN("cannot read the node Leases, again soon", "error", err->text);
        loop_timer_arm(operator->leases, LEASES_AGAIN_MS);
        return;
    }
    for (size_t i = 0; i < adjustments_len; i++) {
        if (operator->waiting[i]) {
            operator->waiting[i] = false;
            engine_enqueue(operator->engine, adjustments[i]->id);
        }
    }
}

static void leases_again(void *arg)
{
    struct operator* operator= arg;
    cluster_read_leases(operator->cluster);
}

/* --- start and stop --- */

static void ready(void *arg, const struct err *err)
{
    struct operator* operator= arg;
    if (err != NULL) {
        LOG_ERROR("no credentials", "error", err->text);
        operator->status = 1;
        loop_stop(operator->loop);
        return;
    }
    cluster_follow(operator->cluster, INPUT_BIT(INPUT_CONFIG) | INPUT_BIT(INPUT_STATE));
}

static void drained(void *arg)
{
    struct operator* operator= arg;
    loop_stop(operator->loop);
}

static void writes_done(void *arg)
{
    struct operator* operator= arg;
    cluster_follow(operator->cluster, 0);
    event_recorder_drain(operator->recorder, DRAIN_MS, drained, operator);
}

static void too_late(void *arg)
{
    struct operator* operator= arg;
    LOG_ERROR("the stop took too long, leaving", "limitMs", "25000");
    operator->status = 1;
    loop_stop(operator->loop);
}

static void stop(void *arg, int signum)
{
    struct operator* operator= arg;
    if (operator->stopping) {
        _exit(1);
    }
    LOG_INFO("stopping; a second signal leaves at once", "signal",
             signum == SIGTERM ? "SIGTERM" : "SIGINT");
    operator->stopping = true;
    loop_timer_arm(operator->hurry, STOP_MS);
    engine_stop(operator->engine, writes_done, operator);
}

/* A closed terminal is no reason to leave kube-system unattended. */
static void ignore_hangup(void *arg, int signum)
{
    (void)arg;
    (void)signum;
    LOG_INFO("hang-up ignored", "signal", "SIGHUP");
}

static char *instance_name(void)
{
    char host[65] = "unknown";
    gethostname(host, sizeof(host) - 1);
    return xasprintf("yurt-steward-%.64s", host);
}

static void start(struct operator* operator)
{
    const struct engine_ops ops = {.plan = plan_key,
                                   .say = say,
                                   .target = find_target,
                                   .written = written,
                                   .read_leases = read_leases,
                                   .budget = budget,
                                   .arg = operator, };
    AUTO_FREE char *instance = instance_name();
    struct kube_client *client = cluster_client(operator->cluster);
    operator->engine = engine_create(operator->loop, client, &ops);
    operator->recorder = event_recorder_create(operator->loop, client, instance);
    operator->terminate = loop_signal_create(operator->loop, SIGTERM, stop, operator);
    operator->interrupt = loop_signal_create(operator->loop, SIGINT, stop, operator);
    operator->hangup = loop_signal_create(operator->loop, SIGHUP, ignore_hangup, operator);
    operator->hurry = loop_timer_create(operator->loop, too_late, operator);
    operator->leases = loop_timer_create(operator->loop, leases_again, operator);
    kube_client_start(client, ready, operator);
}

static void finish(struct operator* operator)
{
    engine_destroy(operator->engine);
    event_recorder_destroy(operator->recorder);
    cluster_destroy(operator->cluster);
    loop_signal_destroy(operator->terminate);
    loop_signal_destroy(operator->interrupt);
    loop_signal_destroy(operator->hangup);
    loop_timer_destroy(operator->hurry);
    loop_timer_destroy(operator->leases);
    loop_destroy(operator->loop);
    strmap_finish(&operator->problems);
}

int operator_run(const struct kube_config *config)
{
    struct operator operator= {.problems = STRMAP_INIT(NULL)};
    const struct cluster_ops ops = {changed, leases_read, &operator};
    struct err err;
    operator.loop = loop_create();
    if (cluster_create(operator.loop, config, &ops, &operator.cluster, &err) < 0) {
        fprintf(stderr, "yurt-steward run: %s\n", err.text);
        loop_destroy(operator.loop);
        return 2;
    }
    start(&operator);
    LOG_INFO("started", "version", YURT_STEWARD_VERSION, "server", config->server, "config",
             config->source);
    loop_run(operator.loop);
    LOG_INFO("stopped", "status", operator.status == 0 ? "0" : "1");
    finish(&operator);
    return operator.status;
}
