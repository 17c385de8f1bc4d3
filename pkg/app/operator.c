#include "app/operator.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/private.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    RIVAL_LOOK_MS = 250,
};

static char *host_name(void)
{
    char host[65] = "unknown";
    gethostname(host, sizeof(host) - 1);
    return xstrdup(host);
}

/* About the ConfigMap, as what is blind may concern several adjustments. */
static void say_blindness(void *arg, bool warning, const char *reason, const char *message)
{
    steward_say(arg, STEWARD_CONFIG_KEY, warning, reason, message);
}

static void gained(void *arg)
{
    struct steward *steward = arg;
    cluster_watches_anew(steward->cluster);
    steward->blindness = blindness_create(steward->loop, steward->cluster, say_blindness, steward);
    steward_say_problems(steward);
    steward_enqueue_all(steward);
    engine_resume(steward->engine);
}

/* Nothing is sent from now on (steward_leads); what was said is said again when it leads again. */
static void lost(void *arg)
{
    struct steward *steward = arg;
    engine_withdraw(steward->engine);
    blindness_destroy(take_ptr(steward->blindness));
    for (size_t i = 0; i < adjustments_len; i++) {
        engine_forget(steward->engine, adjustments[i]->id);
    }
    strmap_clear(&steward->problems);
}

/* As client-go has it: the host, so that people can tell, and something no other process has. */
static char *elector_identity(void)
{
    char uuid[40] = "";
    FILE *file = fopen("/proc/sys/kernel/random/uuid", "re");
    if (file == NULL || fscanf(file, "%36s", uuid) != 1) {
        snprintf(uuid, sizeof(uuid), "%ld-%lld", (long)getpid(), (long long)clock_wall_ms());
    }
    if (file != NULL) {
        fclose(file);
    }
    AUTO_FREE char *host = host_name();
    return xasprintf("%s_%s", host, uuid);
}

static void take_part(struct steward *steward)
{
    const struct elector_ops ops = {gained, lost, steward};
    AUTO_FREE char *identity = elector_identity();
    steward->elector = elector_create(steward->loop, cluster_client(steward->cluster),
                                      "yurt-steward", identity, &ops);
}

static void ready(void *arg, const struct err *err)
{
    struct steward *steward = arg;
    if (err != NULL) {
        LOG_ERROR("no credentials", "error", err->text);
        steward->status = 1;
        loop_stop(steward->loop);
        return;
    }
    if (steward->options.elects) {
        take_part(steward);
    } else {
        gained(steward);
    }
    cluster_follow(steward->cluster, INPUT_BIT(INPUT_CONFIG) | INPUT_BIT(INPUT_STATE));
}

static void told_to_stop(void *arg, int signum)
{
    struct steward *steward = arg;
    if (steward->stopping) {
        _exit(1);
    }
    LOG_INFO("stopping; a second signal leaves at once", "signal",
             signum == SIGTERM ? "SIGTERM" : "SIGINT");
    if (steward->intent != NULL) {
        steward->status = 1; /* it was not yet as was asked */
    }
    steward_stop(steward);
}

/* What is asked for once is not done beside an operator that is alive. */
static void look_for_rival(void *arg)
{
    struct steward *steward = arg;
    const char *rival = steward->elector != NULL ? elector_rival(steward->elector) : NULL;
    if (steward->stopping) {
        return;
    }
    if (rival == NULL) {
        loop_timer_arm(steward->rival, RIVAL_LOOK_MS);
        return;
    }
    LOG_ERROR("another yurt-steward acts on this cluster and holds the Lease "
              "kube-system/yurt-steward: nothing is written beside it. Set the modes that it shall "
              "keep, with `kubectl -n kube-system patch configmap yurt-steward --type merge -p "
              "'{\"data\":{\"ADJUSTMENT\":\"MODE\"}}'`, or stop it first",
              "holder", rival);
    steward->status = 2;
    steward_stop(steward);
}

/* What was asked for once did not come true in time; why stands in the log. */
static void limit_reached(void *arg)
{
    struct steward *steward = arg;
    const struct policy *policy = &cluster_world(steward->cluster)->policy;
    if (!steward_leads(steward)) {
        LOG_ERROR("the Lease kube-system/yurt-steward could not be had in time", "holder",
                  steward->elector != NULL ? elector_holder(steward->elector) : "");
    }
    for (size_t i = 0; i < adjustments_len; i++) {
        if (policy_mode(policy, adjustments[i]) != MODE_IGNORE &&
            (steward->settled & 1U << i) == 0) {
            LOG_ERROR("not done in time", "adjustment", adjustments[i]->id);
        }
    }
    steward->status = 1;
    steward_stop(steward);
}

/* A closed terminal is no reason to leave kube-system unattended. */
static void ignore_hangup(void *arg, int signum)
{
    (void)arg;
    (void)signum;
    LOG_INFO("hang-up ignored", "signal", "SIGHUP");
}

static void start(struct steward *steward)
{
    AUTO_FREE char *host = host_name();
    AUTO_FREE char *instance = xasprintf("yurt-steward-%s", host);
    struct kube_client *client = cluster_client(steward->cluster);
    struct engine_ops ops;
    steward_engine_ops(steward, &ops);
    steward->engine = engine_create(steward->loop, client, &ops);
    struct world *world = cluster_world(steward->cluster);
    world->can_ask_dns = true;
    steward->asker = asker_create(steward->loop, &world->dns, steward_dns_answered, steward);
    steward->recorder = event_recorder_create(steward->loop, client, instance);
    steward->terminate = loop_signal_create(steward->loop, SIGTERM, told_to_stop, steward);
    steward->interrupt = loop_signal_create(steward->loop, SIGINT, told_to_stop, steward);
    steward->hangup = loop_signal_create(steward->loop, SIGHUP, ignore_hangup, steward);
    steward->hurry = loop_timer_create(steward->loop, steward_stop_too_late, steward);
    steward->leases = loop_timer_create(steward->loop, steward_leases_again, steward);
    steward->limit = loop_timer_create(steward->loop, limit_reached, steward);
    steward->rival = loop_timer_create(steward->loop, look_for_rival, steward);
    kube_client_start(client, ready, steward);
}

static void finish(struct steward *steward)
{
    server_destroy(steward->server);
    engine_destroy(steward->engine);
    elector_destroy(steward->elector);
    blindness_destroy(steward->blindness);
    event_recorder_destroy(steward->recorder);
    asker_destroy(steward->asker);
    cluster_destroy(steward->cluster);
    vitals_destroy(steward->vitals);
    loop_signal_destroy(steward->terminate);
    loop_signal_destroy(steward->interrupt);
    loop_signal_destroy(steward->hangup);
    loop_timer_destroy(steward->hurry);
    loop_timer_destroy(steward->leases);
    loop_timer_destroy(steward->limit);
    loop_timer_destroy(steward->rival);
    loop_destroy(steward->loop);
    strmap_finish(&steward->problems);
}

static void count_request(void *arg, const char *method, int http_status, int64_t duration_ms)
{
    struct steward *steward = arg;
    vitals_request(steward->vitals, method, http_status, duration_ms);
}

static void answer(void *arg, const char *path, bool verbose, struct server_answer *ret_answer)
{
    struct steward *steward = arg;
    struct workqueue_stats queue;
    engine_queue_stats(steward->engine, &queue);
    const struct vitals_now now = {
        .cluster = steward->cluster,
        .leads = steward_leads(steward),
        .queue_depth = queue.depth,
        .queue_adds = queue.adds,
        .queue_retries = queue.retries,
        .events_dropped = event_recorder_dropped(steward->recorder),
        .now_ms = loop_now_ms(steward->loop),
    };
    vitals_answer(steward->vitals, &now, path, verbose, ret_answer);
}

/* Probes and metrics, before anything is known: a replica that can't list must say so. */
static int start_server(struct steward *steward, const struct kube_config *config, struct err *err)
{
    if (steward->options.listen == NULL) {
        return 0;
    }
    const char *host = strstr(config->server, "://");
    steward->vitals = vitals_create(YURT_STEWARD_VERSION, host != NULL ? host + 3 : config->server);
    return server_create(steward->loop, steward->options.listen, answer, steward, &steward->server,
                         err);
}

static int run(struct steward *steward, const struct kube_config *config, int64_t limit_ms)
{
    const struct cluster_ops ops = {steward_changed, steward_leases_read, count_request, steward};
    struct err err;
    steward->loop = loop_create();
    if (cluster_create(steward->loop, config, &ops, &steward->cluster, &err) < 0) {
        LOG_ERROR("cannot use this configuration", "error", err.text);
        loop_destroy(steward->loop);
        return 2;
    }
    start(steward);
    if (start_server(steward, config, &err) < 0) {
        LOG_ERROR("no probes and metrics", "error", err.text);
        finish(steward);
        return 2;
    }
    if (steward->intent != NULL) {
        loop_timer_arm(steward->limit, limit_ms);
        loop_timer_arm(steward->rival, RIVAL_LOOK_MS);
    }
    LOG_INFO("started", "version", YURT_STEWARD_VERSION, "server", config->server, "config",
             config->source);
    loop_run(steward->loop);
    AUTO_FREE char *status = xasprintf("%d", steward->status);
    LOG_INFO("stopped", "status", status);
    finish(steward);
    return steward->status;
}

int operator_run(const struct kube_config *config, const struct operator_options *options)
{
    struct steward steward = {.problems = STRMAP_INIT(NULL), .options = *options};
    return run(&steward, config, 0);
}

int operator_run_once(const struct kube_config *config, const struct intent *intent,
                      int64_t limit_ms)
{
    struct steward steward = {
        .problems = STRMAP_INIT(NULL), .intent = intent, .options = {.elects = true}};
    return run(&steward, config, limit_ms);
}
