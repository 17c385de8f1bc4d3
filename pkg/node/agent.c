#include "node/agent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "base/version.h"
#include "node/private.h"
#include "json/json.h"

enum {
    SETTLE_MS = 100, /* after a hint: who writes a file writes more than once */
    DRAIN_MS = 5000, /* for the Events that are queued when we are told to stop */
    STOP_MS = 15000, /* for all of the stop */
};

/* --- what wakes it --- */

static void want_turn(void *arg)
{
    struct agent *agent = arg;
    loop_deferred_schedule(agent->turn);
}

static void want_turn_soon(void *arg)
{
    struct agent *agent = arg;
    loop_timer_arm(agent->wake, SETTLE_MS);
}

static void configured(void *arg)
{
    struct agent *agent = arg;
    const struct object *object = store_only(agent->store);
    if (store_synced(agent->store)) {
        policy_read(&agent->policy, object != NULL ? object->body : NULL);
        say_problems(agent);
        want_turn(agent);
    }
}

static void looked_around(void *arg, const struct err *err)
{
    struct agent *agent = arg;
    agent->blind = err != NULL;
    if (err != NULL) {
        agent->blind_err = *err;
        agent->blind_ms = loop_now_ms(agent->loop);
    }
    want_turn(agent);
}

static void reached(void *arg)
{
    struct agent *agent = arg;
    agent->blind = false; /* it is read anew, not held against the server that is back */
    want_turn(agent);
}

/* What the agent before this one said is not said again. */
static void loaded(void *arg)
{
    struct agent *agent = arg;
    for (size_t i = 0; i < AGENT_WARDS; i++) {
        struct standing *standing = &agent->wards[i].standing;
        const struct json_object *before = report_before(agent->report, agent->wards[i].name);
        int64_t since_ms;
        if (standing->state == STANDING_UNKNOWN && before != NULL &&
            timefmt_parse(json_get_str_or(before, "since", ""), &since_ms) == 0) {
            standing_set(standing, standing_parse(json_get_str_or(before, "state", "")),
                         json_get_str_or(before, "reason", ""), "%s",
                         json_get_str_or(before, "message", ""));
            standing->since_ms = since_ms;
        }
    }
    want_turn(agent);
}

static void permit_changed(void *arg)
{
    struct agent *agent = arg;
    if (agent->stopping) {
        agent_stop(agent);
    } else {
        want_turn(agent);
    }
}

/* --- stopping --- */

static void drained(void *arg)
{
    struct agent *agent = arg;
    loop_stop(agent->loop);
}

static void stop_too_late(void *arg)
{
    struct agent *agent = arg;
    LOG_ERROR("the stop took too long, leaving", "limitMs", "15000");
    loop_stop(agent->loop);
}

/*
 * A change that is under way is the next start's to finish: the Lease is kept from other nodes for
 * as long as it runs on by itself.
 */
void agent_stop(struct agent *agent)
{
    if (!agent->stopping) {
        agent->stopping = true;
        loop_timer_arm(agent->hurry, STOP_MS);
        reflector_destroy(take_ptr(agent->reflector));
        if (!agent_is_changing(agent)) {
            permit_want(agent->permit, false);
        }
    }
    if (!permit_is_busy(agent->permit) && !agent->draining) {
        agent->draining = true;
        event_recorder_drain(agent->recorder, DRAIN_MS, drained, agent);
    }
}

static void told_to_stop(void *arg, int signum)
{
    struct agent *agent = arg;
    if (agent->stopping) {
        _exit(1);
    }
    LOG_INFO("stopping; a second signal leaves at once", "signal",
             signum == SIGTERM ? "SIGTERM" : "SIGINT");
    if (agent->options.once) {
        agent->status = AGENT_LEFT;
    }
    agent_stop(agent);
}

/* A closed terminal is no reason to leave a change half verified. */
static void ignore_hangup(void *arg, int signum)
{
    (void)arg;
    (void)signum;
    LOG_INFO("hang-up ignored", "signal", "SIGHUP");
}

/* --- probes and metrics --- */

static bool is_ready(const struct agent *agent)
{
    struct reflector_health health = {0};
    if (agent->reflector != NULL) {
        reflector_health(agent->reflector, &health);
    }
    return health.synced && kube_client_up(agent->client) && !agent->blind;
}

static void answer(void *arg, const char *path, bool verbose, struct server_answer *ret_answer)
{
    struct agent *agent = arg;
    (void)verbose;
    if (strcmp(path, "/metrics") == 0) {
        const struct process_metrics_now now = {
            .lease = PERMIT_LEASE,
            .leads = permit_held(agent->permit),
            .server_up = kube_client_up(agent->client),
            .events_dropped = event_recorder_dropped(agent->recorder),
        };
        ret_answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
        tally_render(agent->tally, &now, &ret_answer->body);
    } else if (strcmp(path, "/livez") == 0 || strcmp(path, "/healthz") == 0) {
        buf_puts(&ret_answer->body, "ok");
    } else if (strcmp(path, "/readyz") != 0) {
        ret_answer->status = 404;
        buf_puts(&ret_answer->body, "404 page not found\n");
    } else if (is_ready(agent)) {
        buf_puts(&ret_answer->body, "ok");
    } else {
        ret_answer->status = 500;
        buf_printf(&ret_answer->body, "not ready: %s\n",
                   agent->blind ? agent->blind_err.text
                                : "the API server is not reachable, or the ConfigMap not read");
    }
}

static void count_request(void *arg, const char *method, const char *path, int http_status,
                          int64_t duration_ms)
{
    struct agent *agent = arg;
    (void)path;
    tally_request(agent->tally, method, http_status, duration_ms);
}

static void warned(void *arg, const char *text)
{
    (void)arg;
    LOG_WARN("the API server warns", "warning", text);
}

static void server_lost(void *arg, const char *why)
{
    (void)arg;
    LOG_WARN("API server not reachable, probing", "error", why);
}

static void server_recovered(void *arg, int64_t down_ms)
{
    AUTO_FREE char *down = xasprintf("%lld", (long long)down_ms);
    LOG_INFO("API server reachable again", "downMs", down);
    reached(arg);
}

/* --- putting it together --- */

static void ward_happened(void *arg, bool warning, const char *reason, const char *message);

/* Each ward's functions are given this. */
struct charge {
    struct agent *agent;
    struct ward *ward;
};

static void ward_wants_turn(void *arg)
{
    struct charge *charge = arg;
    want_turn(charge->agent);
}

static void ward_happened(void *arg, bool warning, const char *reason, const char *message)
{
    struct charge *charge = arg;
    say_of_ward(charge->agent, charge->ward, warning, reason, message);
}

static void start_wards(struct agent *agent, struct charge charges[AGENT_WARDS])
{
    const struct ward_place place = {
        .files = &agent->files,
        .manifests = agent->options.manifests,
        .journals = agent->options.journals,
        .node = agent->options.node,
    };
    for (size_t i = 0; i < AGENT_WARDS; i++) {
        charges[i] = (struct charge){agent, &agent->wards[i]};
        const struct ward_ops ops = {ward_wants_turn, ward_happened, &charges[i]};
        ward_init(&agent->wards[i], agent->loop, agent->client, (enum staticpod_component)i, &place,
                  &ops);
    }
}

/* The node, so that people can tell, and something no other process has. */
static char *permit_identity(const struct agent *agent)
{
    char uuid[40] = "";
    FILE *file = fopen("/proc/sys/kernel/random/uuid", "re");
    if (file == NULL || fscanf(file, "%36s", uuid) != 1) {
        snprintf(uuid, sizeof(uuid), "%ld-%lld", (long)getpid(), (long long)clock_wall_ms());
    }
    if (file != NULL) {
        fclose(file);
    }
    return xasprintf("%s_%s", agent->options.node, uuid);
}

static void ready(void *arg, const struct err *err)
{
    static const struct reflector_spec spec = {.resource = &resource_configmap,
                                               .ns = "kube-system",
                                               .name = "yurt-steward",
                                               .project = object_project_whole};
    struct agent *agent = arg;
    if (err != NULL) {
        LOG_ERROR("no credentials", "error", err->text);
    }
    agent->reflector = reflector_create(agent->loop, agent->client, &spec, agent->store);
    agent->report = report_create(agent->loop, agent->client, agent->options.node, loaded, agent);
    want_turn(agent);
}

static void start(struct agent *agent)
{
    struct loop *loop = agent->loop;
    AUTO_FREE char *instance = xasprintf("yurt-steward-%s", agent->options.node);
    AUTO_FREE char *identity = permit_identity(agent);
    agent->started_ms = loop_now_ms(loop);
    agent->store = store_create(configured, agent);
    agent->sight = sight_create(loop, agent->client, agent->options.node, looked_around, agent);
    agent->permit = permit_create(loop, agent->client, identity, permit_changed, agent);
    agent->recorder = event_recorder_create(loop, agent->client, instance);
    agent->turn = loop_deferred_create(loop, agent_turn, agent);
    agent->wake = loop_timer_create(loop, agent_turn, agent);
    agent->hurry = loop_timer_create(loop, stop_too_late, agent);
    agent->terminate = loop_signal_create(loop, SIGTERM, told_to_stop, agent);
    agent->interrupt = loop_signal_create(loop, SIGINT, told_to_stop, agent);
    agent->hangup = loop_signal_create(loop, SIGHUP, ignore_hangup, agent);
    kube_client_start(agent->client, ready, agent);
}

static void finish(struct agent *agent)
{
    server_destroy(agent->server);
    kube_cancel(agent->client, agent->advice_request);
    report_destroy(agent->report);
    reflector_destroy(agent->reflector);
    sight_destroy(agent->sight);
    permit_destroy(agent->permit);
    event_recorder_destroy(agent->recorder);
    for (size_t i = 0; i < AGENT_WARDS; i++) {
        ward_finish(&agent->wards[i]);
    }
    kube_client_destroy(agent->client);
    store_destroy(agent->store);
    dir_watch_destroy(agent->watch);
    loop_deferred_destroy(agent->turn);
    loop_timer_destroy(agent->wake);
    loop_timer_destroy(agent->hurry);
    loop_signal_destroy(agent->terminate);
    loop_signal_destroy(agent->interrupt);
    loop_signal_destroy(agent->hangup);
    tally_destroy(agent->tally);
    precondition_dns_finish(&agent->dns);
    policy_finish(&agent->policy);
    strmap_finish(&agent->problems);
    free(agent->advised);
}

static int start_server(struct agent *agent, const struct kube_config *config, struct err *err)
{
    if (agent->options.listen == NULL) {
        return 0;
    }
    const char *host = strstr(config->server, "://");
    agent->tally = tally_create(YURT_STEWARD_VERSION, host != NULL ? host + 3 : config->server);
    return server_create(agent->loop, agent->options.listen, answer, agent, &agent->server, err);
}

static int run(struct agent *agent, const struct kube_config *config, struct err *err)
{
    struct charge charges[AGENT_WARDS];
    start_wards(agent, charges);
    start(agent);
    if (dir_watch_create(agent->loop, agent->options.manifests, want_turn_soon, agent,
                         &agent->watch, err) < 0) {
        LOG_WARN("changes of files are noticed at the next look only", "error", err->text);
    }
    int result = start_server(agent, config, err);
    if (result == 0) {
        LOG_INFO("started", "version", YURT_STEWARD_VERSION, "server", config->server, "node",
                 agent->options.node, "manifests", agent->options.manifests);
        loop_run(agent->loop);
        LOG_INFO("stopped", "node", agent->options.node);
    }
    finish(agent);
    return result;
}

int agent_run(const struct kube_config *config, const struct agent_options *options)
{
    struct agent agent = {
        .options = *options,
        .files = {.ops = &file_ops_kernel, .owner = geteuid()},
        .problems = STRMAP_INIT(NULL),
    };
    const struct kube_client_observer observer = {
        .request = count_request,
        .warning = warned,
        .lost = server_lost,
        .recovered = server_recovered,
        .arg = &agent,
    };
    struct err err;
    agent.loop = loop_create();
    policy_init(&agent.policy);
    int result = kube_client_create(agent.loop, config, USER_AGENT, &observer, &agent.client, &err);
    if (result < 0) {
        policy_finish(&agent.policy);
    } else {
        result = run(&agent, config, &err);
    }
    if (result < 0) {
        LOG_ERROR("cannot start", "error", err.text);
        agent.status = AGENT_FAILED;
    }
    loop_destroy(agent.loop);
    return agent.status;
}
