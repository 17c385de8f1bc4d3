#include "app/vitals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/inputs.h"
#include "app/readiness.h"
#include "base/alloc.h"
#include "serve/process_stats.h"
#include "serve/server.h"

enum family {
    RECONCILES,
    RECONCILE_SECONDS,
    QUEUE_DEPTH,
    QUEUE_ADDS,
    QUEUE_RETRIES,
    REQUESTS,
    REQUEST_SECONDS,
    LEADER,
    CPU_SECONDS,
    RESIDENT_BYTES,
    VIRTUAL_BYTES,
    OPEN_FDS,
    MAX_FDS,
    START_SECONDS,
    BUILD,
    STATE,
    MODE,
    SAID,
    LISTS,
    WATCHES,
    WATCH_EVENTS,
    VERIFIED_AGE,
    EVENTS_DROPPED,
    SERVER_UP,
    FAMILIES
};

static const struct metric_family families[FAMILIES] = {
    [RECONCILES] = {"controller_runtime_reconcile_total",
                    "Reconciles, by result.",
                    METRIC_COUNTER,
                    {"controller", "result"}},
    [RECONCILE_SECONDS] = {"controller_runtime_reconcile_time_seconds",
                           "Time of a reconcile, its writes included.",
                           METRIC_HISTOGRAM,
                           {"controller"}},
    [QUEUE_DEPTH] = {"workqueue_depth",
                     "Keys that are ready and not taken yet.",
                     METRIC_GAUGE,
                     {"name"}},
    [QUEUE_ADDS] = {"workqueue_adds_total", "Keys that became ready.", METRIC_COUNTER, {"name"}},
    [QUEUE_RETRIES] = {"workqueue_retries_total",
                       "Keys that failed and come back.",
                       METRIC_COUNTER,
                       {"name"}},
    [REQUESTS] = {"rest_client_requests_total",
                  "Requests to the API server; code \"<error>\" for those without an answer.",
                  METRIC_COUNTER,
                  {"code", "method", "host"}},
    [REQUEST_SECONDS] = {"rest_client_request_duration_seconds",
                         "Time of requests to the API server.",
                         METRIC_HISTOGRAM,
                         {"verb", "host"}},
    [LEADER] = {"leader_election_master_status", "1: this replica acts.", METRIC_GAUGE, {"name"}},
    [CPU_SECONDS] = {"process_cpu_seconds_total", "CPU time of the process.", METRIC_COUNTER, {0}},
    [RESIDENT_BYTES] = {"process_resident_memory_bytes", "Resident memory.", METRIC_GAUGE, {0}},
    [VIRTUAL_BYTES] = {"process_virtual_memory_bytes", "Virtual memory.", METRIC_GAUGE, {0}},
    [OPEN_FDS] = {"process_open_fds", "Open file descriptors.", METRIC_GAUGE, {0}},
    [MAX_FDS] = {"process_max_fds", "File descriptors that may be open.", METRIC_GAUGE, {0}},
    [START_SECONDS] = {"process_start_time_seconds",
                       "Start of the process, unix time.",
                       METRIC_GAUGE,
                       {0}},
    [BUILD] = {"yurt_steward_build_info", "1, with the version.", METRIC_GAUGE, {"version"}},
    [STATE] = {"yurt_steward_adjustment_state",
               "1 for the state that the adjustment is in.",
               METRIC_GAUGE,
               {"adjustment", "state"}},
    [MODE] = {"yurt_steward_adjustment_mode",
              "1 for the mode that the ConfigMap asks for.",
              METRIC_GAUGE,
              {"adjustment", "mode"}},
    [SAID] = {"yurt_steward_said_total",
              "What was said, by the reasons of Events: Repaired is a drift put right, Contended a "
              "budget spent.",
              METRIC_COUNTER,
              {"adjustment", "reason"}},
    [LISTS] = {"yurt_steward_lists_total",
               "Lists made, streamed ones included.",
               METRIC_COUNTER,
               {"input"}},
    [WATCHES] = {"yurt_steward_watches_total", "Watches opened.", METRIC_COUNTER, {"input"}},
    [WATCH_EVENTS] = {"yurt_steward_watch_events_total",
                      "Events of watches.",
                      METRIC_COUNTER,
                      {"input"}},
    [VERIFIED_AGE] = {"yurt_steward_verified_age_seconds",
                      "Time since the API server last confirmed what is held of the input.",
                      METRIC_GAUGE,
                      {"input"}},
    [EVENTS_DROPPED] = {"yurt_steward_events_dropped_total",
                        "Events that were not sent: limits, or refused.",
                        METRIC_COUNTER,
                        {0}},
    [SERVER_UP] = {"yurt_steward_api_server_up",
                   "1: the API server is reachable.",
                   METRIC_GAUGE,
                   {0}},
};

static const char queue_name[] = "yurt-steward";

struct vitals {
    struct metrics metrics;
    char *server;
    bool known[POLICY_ADJUSTMENTS_MAX]; /* by index in the table of adjustments */
    enum plan_state states[POLICY_ADJUSTMENTS_MAX];
};

size_t vitals_families(const struct metric_family **ret_families)
{
    *ret_families = families;
    return FAMILIES;
}

/* What is known beforehand starts at 0. */
static void preset(struct metrics *metrics, const char *version)
{
    static const char *const results[] = {"success", "error", "requeue_after"};
    static const char *const reasons[] = {"Repaired", "Enforced", "Contended", "WriteFailed"};
    for (size_t i = 0; i < adjustments_len; i++) {
        const char *id = adjustments[i]->id;
        for (size_t k = 0; k < ARRAY_LEN(results); k++) {
            metrics_add(metrics, RECONCILES, (const char *const[]){id, results[k]}, 0);
        }
        for (size_t k = 0; k < ARRAY_LEN(reasons); k++) {
            metrics_add(metrics, SAID, (const char *const[]){id, reasons[k]}, 0);
        }
    }
    metrics_set(metrics, BUILD, &version, 1);
}

struct vitals *vitals_create(const char *version, const char *server)
{
    struct vitals *vitals = xcalloc(1, sizeof(*vitals));
    metrics_init(&vitals->metrics, families, FAMILIES);
    vitals->server = xstrdup(server);
    preset(&vitals->metrics, version);
    return vitals;
}

void vitals_destroy(struct vitals *vitals)
{
    if (vitals == NULL) {
        return;
    }
    metrics_finish(&vitals->metrics);
    free(vitals->server);
    free(vitals);
}

/* --- counting --- */

void vitals_request(struct vitals *vitals, const char *method, int http_status, int64_t duration_ms)
{
    char code[16] = "<error>";
    if (vitals == NULL) {
        return;
    }
    if (http_status > 0) {
        snprintf(code, sizeof(code), "%d", http_status);
    }
    metrics_add(&vitals->metrics, REQUESTS, (const char *const[]){code, method, vitals->server}, 1);
    metrics_observe(&vitals->metrics, REQUEST_SECONDS,
                    (const char *const[]){method, vitals->server}, (double)duration_ms / 1000.0);
}

void vitals_reconciled(struct vitals *vitals, const char *key, const char *result,
                       int64_t duration_ms)
{
    if (vitals == NULL) {
        return;
    }
    metrics_add(&vitals->metrics, RECONCILES, (const char *const[]){key, result}, 1);
    metrics_observe(&vitals->metrics, RECONCILE_SECONDS, &key, (double)duration_ms / 1000.0);
}

void vitals_said(struct vitals *vitals, const char *key, const char *reason)
{
    if (vitals != NULL) {
        metrics_add(&vitals->metrics, SAID, (const char *const[]){key, reason}, 1);
    }
}

void vitals_state(struct vitals *vitals, const char *key, enum plan_state state)
{
    for (size_t i = 0; vitals != NULL && i < adjustments_len; i++) {
        if (strcmp(adjustments[i]->id, key) == 0) {
            vitals->known[i] = true;
            vitals->states[i] = state;
        }
    }
}

/* --- telling --- */

/* What is ignored, or left to another replica, has no state here. */
static void collect_states(struct vitals *vitals, const struct vitals_now *now)
{
    const struct policy *policy = &cluster_world(now->cluster)->policy;
    metrics_clear(&vitals->metrics, STATE);
    for (size_t i = 0; i < adjustments_len; i++) {
        const struct adjustment *adjustment = adjustments[i];
        vitals->known[i] =
            vitals->known[i] && now->leads && policy_mode(policy, adjustment) != MODE_IGNORE;
        for (enum plan_state at = PLAN_IN_FORCE; vitals->known[i] && at <= PLAN_REVERTED; at++) {
            metrics_set(&vitals->metrics, STATE,
                        (const char *const[]){adjustment->id, plan_state_word(at)},
                        at == vitals->states[i]);
        }
    }
}

static void collect_inputs(struct metrics *metrics, const struct vitals_now *now)
{
    metrics_clear(metrics, VERIFIED_AGE); /* what is not watched any more has none */
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        struct reflector_health health;
        const char *name = input_name(input);
        if (!cluster_health(now->cluster, input, &health)) {
            continue;
        }
        metrics_set(metrics, LISTS, &name, (double)health.lists);
        metrics_set(metrics, WATCHES, &name, (double)health.watches);
        metrics_set(metrics, WATCH_EVENTS, &name, (double)health.events);
        if (health.verified_ms > 0) {
            metrics_set(metrics, VERIFIED_AGE, &name,
                        (double)(now->now_ms - health.verified_ms) / 1000.0);
        }
    }
}

static void collect_modes(struct metrics *metrics, const struct policy *policy)
{
    for (size_t i = 0; i < adjustments_len; i++) {
        for (enum mode mode = MODE_OBSERVE; mode <= MODE_IGNORE; mode++) {
            metrics_set(metrics, MODE, (const char *const[]){adjustments[i]->id, mode_word(mode)},
                        policy_mode(policy, adjustments[i]) == mode);
        }
    }
}

static void collect_process(struct metrics *metrics)
{
    struct process_stats stats;
    process_stats_read(&stats);
    metrics_set(metrics, CPU_SECONDS, NULL, stats.cpu_seconds);
    metrics_set(metrics, RESIDENT_BYTES, NULL, stats.resident_bytes);
    metrics_set(metrics, VIRTUAL_BYTES, NULL, stats.virtual_bytes);
    metrics_set(metrics, OPEN_FDS, NULL, stats.open_fds);
    metrics_set(metrics, MAX_FDS, NULL, stats.max_fds);
    metrics_set(metrics, START_SECONDS, NULL, stats.start_seconds);
}

static void collect(struct vitals *vitals, const struct vitals_now *now)
{
    struct metrics *metrics = &vitals->metrics;
    const char *name = queue_name;
    metrics_set(metrics, QUEUE_DEPTH, &name, (double)now->queue_depth);
    metrics_set(metrics, QUEUE_ADDS, &name, (double)now->queue_adds);
    metrics_set(metrics, QUEUE_RETRIES, &name, (double)now->queue_retries);
    metrics_set(metrics, LEADER, &name, now->leads);
    metrics_set(metrics, EVENTS_DROPPED, NULL, (double)now->events_dropped);
    metrics_set(metrics, SERVER_UP, NULL, kube_client_up(cluster_client(now->cluster)));
    collect_states(vitals, now);
    collect_inputs(metrics, now);
    collect_modes(metrics, &cluster_world(now->cluster)->policy);
    collect_process(metrics);
}

void vitals_answer(struct vitals *vitals, const struct vitals_now *now, const char *path,
                   bool verbose, struct server_answer *ret_answer)
{
    if (strcmp(path, "/metrics") == 0) {
        collect(vitals, now);
        ret_answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_render(&vitals->metrics, &ret_answer->body);
        return;
    }
    ret_answer->status =
        readiness_answer(now->cluster, now->now_ms, path, verbose, &ret_answer->body);
}
