#include "app/operator.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/asker.h"
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

struct steward {
    struct loop *loop;
    struct cluster *cluster;
    struct engine *engine;
    struct event_recorder *recorder;
    struct asker *asker;
    struct loop_signal *terminate;
    struct loop_signal *interrupt;
    struct loop_signal *hangup;
    struct loop_timer *hurry;             /* the stop takes too long */
    struct loop_timer *leases;            /* the Leases could not be read: again */
    struct strmap problems;               /* what was said of the ConfigMap */
    bool waiting[POLICY_ADJUSTMENTS_MAX]; /* adjustments that wait for the Leases */
    bool asked[POLICY_ADJUSTMENTS_MAX];   /* adjustments that wait for answers of DNS servers */
    bool stopping;
    int status;
};

/* --- saying --- */

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
                                       : config_key;
    event->uid = object != NULL ? object->uid : "";
    event->api_version = resource->version; /* both targets are of the core group */
}

static void say(void *arg, const char *key, bool warning, const char *reason, const char *message)
{
    struct steward *steward = arg;
    struct event event = {
        .warning = warning, .reason = reason, .action = "Reconcile", .note = message};
    describe_target(steward, key, &event);
    event_record(steward->recorder, &event);
    LOG_AT(warning ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, message, "adjustment", key, "reason", reason);
}

/* --- what the engine asks --- */

static enum engine_leave plan_key(void *arg, const char *key, int64_t now_ms, struct plan *ret_plan)
{
    struct steward *steward = arg;
    const struct world *world = cluster_world(steward->cluster);
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
static void enqueue_marked(struct steward *steward, bool marks[POLICY_ADJUSTMENTS_MAX])
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

static void dns_answered(void *arg)
{
    struct steward *steward = arg;
    if (!steward->stopping) {
        enqueue_marked(steward, steward->asked);
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

/* --- what the cluster says --- */

static void say_problems(struct steward *steward)
{
    const struct policy *policy = &cluster_world(steward->cluster)->policy;
    static char said[] = "said";
    struct strmap now = STRMAP_INIT(NULL);
    for (size_t i = 0; i < policy->problems_len; i++) {
        if (strmap_get(&steward->problems, policy->problems[i]) == NULL) {
            say(steward, config_key, true, "InvalidConfiguration", policy->problems[i]);
        }
        strmap_set(&now, policy->problems[i], said);
    }
    strmap_finish(&steward->problems);
    steward->problems = now;
}

static void enqueue_all(struct steward *steward)
{
    const struct world *world = cluster_world(steward->cluster);
    for (size_t i = 0; i < adjustments_len; i++) {
        if (policy_mode(&world->policy, adjustments[i]) == MODE_IGNORE) {
            engine_forget(steward->engine, adjustments[i]->id);
        }
        engine_enqueue(steward->engine, adjustments[i]->id);
    }
}

static void changed(void *arg, enum input input)
{
    struct steward *steward = arg;
    struct world *world = cluster_world(steward->cluster);
    if (steward->stopping) {
        return;
    }
    if (input == INPUT_CONFIG && store_synced(world->stores[INPUT_CONFIG])) {
        world_read_policy(world);
        say_problems(steward);
        cluster_follow(steward->cluster, world_wanted_inputs(world));
        enqueue_all(steward);
        return;
    }
    for (size_t i = 0; i < adjustments_len; i++) {
        if ((adjustments[i]->inputs & INPUT_BIT(input)) != 0) {
            engine_enqueue(steward->engine, adjustments[i]->id);
        }
    }
}

static void leases_read(void *arg, const struct err *err)
{
    struct steward *steward = arg;
    if (steward->stopping) {
        return;
    }
    if (err != NULL) {
        LOG_WARN("cannot read the node Leases, again soon", "error", err->text);
        loop_timer_arm(steward->leases, LEASES_AGAIN_MS);
        return;
    }
    enqueue_marked(steward, steward->waiting);
}

static void leases_again(void *arg)
{
    struct steward *steward = arg;
    cluster_read_leases(steward->cluster);
}

/* --- start and stop --- */

static void ready(void *arg, const struct err *err)
{
    struct steward *steward = arg;
    if (err != NULL) {
        LOG_ERROR("no credentials", "error", err->text);
        steward->status = 1;
        loop_stop(steward->loop);
        return;
    }
    cluster_follow(steward->cluster, INPUT_BIT(INPUT_CONFIG) | INPUT_BIT(INPUT_STATE));
}

static void drained(void *arg)
{
    struct steward *steward = arg;
    loop_stop(steward->loop);
}

static void writes_done(void *arg)
{
    struct steward *steward = arg;
    cluster_follow(steward->cluster, 0);
    event_recorder_drain(steward->recorder, DRAIN_MS, drained, steward);
}

static void too_late(void *arg)
{
    struct steward *steward = arg;
    LOG_ERROR("the stop took too long, leaving", "limitMs", "25000");
    steward->status = 1;
    loop_stop(steward->loop);
}

static void stop(void *arg, int signum)
{
    struct steward *steward = arg;
    if (steward->stopping) {
        _exit(1);
    }
    LOG_INFO("stopping; a second signal leaves at once", "signal",
             signum == SIGTERM ? "SIGTERM" : "SIGINT");
    steward->stopping = true;
    loop_timer_arm(steward->hurry, STOP_MS);
    engine_stop(steward->engine, writes_done, steward);
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

static void start(struct steward *steward)
{
    const struct engine_ops ops = {
        .plan = plan_key,
        .say = say,
        .target = find_target,
        .written = written,
        .read_leases = read_leases,
        .ask_dns = ask_dns,
        .no_apply = no_apply,
        .budget = budget,
        .arg = steward,
    };
    AUTO_FREE char *instance = instance_name();
    struct kube_client *client = cluster_client(steward->cluster);
    steward->engine = engine_create(steward->loop, client, &ops);
    struct world *world = cluster_world(steward->cluster);
    world->can_ask_dns = true;
    steward->asker = asker_create(steward->loop, &world->dns, dns_answered, steward);
    steward->recorder = event_recorder_create(steward->loop, client, instance);
    steward->terminate = loop_signal_create(steward->loop, SIGTERM, stop, steward);
    steward->interrupt = loop_signal_create(steward->loop, SIGINT, stop, steward);
    steward->hangup = loop_signal_create(steward->loop, SIGHUP, ignore_hangup, steward);
    steward->hurry = loop_timer_create(steward->loop, too_late, steward);
    steward->leases = loop_timer_create(steward->loop, leases_again, steward);
    kube_client_start(client, ready, steward);
}

static void finish(struct steward *steward)
{
    engine_destroy(steward->engine);
    event_recorder_destroy(steward->recorder);
    asker_destroy(steward->asker);
    cluster_destroy(steward->cluster);
    loop_signal_destroy(steward->terminate);
    loop_signal_destroy(steward->interrupt);
    loop_signal_destroy(steward->hangup);
    loop_timer_destroy(steward->hurry);
    loop_timer_destroy(steward->leases);
    loop_destroy(steward->loop);
    strmap_finish(&steward->problems);
}

int operator_run(const struct kube_config *config)
{
    struct steward steward = {.problems = STRMAP_INIT(NULL)};
    const struct cluster_ops ops = {changed, leases_read, &steward};
    struct err err;
    steward.loop = loop_create();
    if (cluster_create(steward.loop, config, &ops, &steward.cluster, &err) < 0) {
        fprintf(stderr, "yurt-steward run: %s\n", err.text);
        loop_destroy(steward.loop);
        return 2;
    }
    start(&steward);
    LOG_INFO("started", "version", YURT_STEWARD_VERSION, "server", config->server, "config",
             config->source);
    loop_run(steward.loop);
    LOG_INFO("stopped", "status", steward.status == 0 ? "0" : "1");
    finish(&steward);
    return steward.status;
}
