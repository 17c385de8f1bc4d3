#include "app/vitals.h"

#include <stdlib.h>
#include <string.h>

#include "app/inputs.h"
#include "app/readiness.h"
#include "base/alloc.h"
#include "serve/process_metrics.h"
#include "serve/server.h"

enum family {
    RECONCILES,
    RECONCILE_SECONDS,
    QUEUE_DEPTH,
    QUEUE_ADDS,
    QUEUE_RETRIES,
    STATE,
    MODE,
    SAID,
    LISTS,
    WATCHES,
    WATCH_EVENTS,
    VERIFIED_AGE,
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
};

static const char queue_name[] = "yurt-steward";

struct vitals {
    struct process_metrics process;
    struct metrics metrics;             /* of what it does */
    bool known[POLICY_ADJUSTMENTS_MAX]; /* by index in the table of adjustments */
    enum plan_state states[POLICY_ADJUSTMENTS_MAX];
};

/* What is known beforehand starts at 0. */
static void preset(struct metrics *metrics)
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
}

struct vitals *vitals_create(const char *version, const char *server)
{
    struct vitals *vitals = xcalloc(1, sizeof(*vitals));
    process_metrics_init(&vitals->process, version, server);
    metrics_init(&vitals->metrics, families, FAMILIES);
    preset(&vitals->metrics);
    return vitals;
}

void vitals_destroy(struct vitals *vitals)
{
    if (vitals == NULL) {
        return;
    }
    metrics_finish(&vitals->metrics);
    process_metrics_finish(&vitals->process);
    free(vitals);
}

/* --- counting --- */

void vitals_request(struct vitals *vitals, const char *method, int http_status, int64_t duration_ms)
{
    if (vitals != NULL) {
        process_metrics_request(&vitals->process, method, http_status, duration_ms);
    }
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

static void collect(struct vitals *vitals, const struct vitals_now *now)
{
    struct metrics *metrics = &vitals->metrics;
    const char *name = queue_name;
    metrics_set(metrics, QUEUE_DEPTH, &name, (double)now->queue_depth);
    metrics_set(metrics, QUEUE_ADDS, &name, (double)now->queue_adds);
    metrics_set(metrics, QUEUE_RETRIES, &name, (double)now->queue_retries);
    collect_states(vitals, now);
    collect_inputs(metrics, now);
    collect_modes(metrics, &cluster_world(now->cluster)->policy);
}

void vitals_answer(struct vitals *vitals, const struct vitals_now *now, const char *path,
                   bool verbose, struct server_answer *ret_answer)
{
    if (strcmp(path, "/metrics") == 0) {
        const struct process_metrics_now process = {
            .lease = queue_name,
            .leads = now->leads,
            .server_up = kube_client_up(cluster_client(now->cluster)),
            .events_dropped = now->events_dropped,
        };
        collect(vitals, now);
        ret_answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_render(&vitals->metrics, &ret_answer->body);
        process_metrics_render(&vitals->process, &process, &ret_answer->body);
        return;
    }
    ret_answer->status =
        readiness_answer(now->cluster, now->now_ms, path, verbose, &ret_answer->body);
}
