#include "node/tally.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "serve/process_stats.h"

enum family {
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
    EVENTS_DROPPED,
    SERVER_UP,
    FAMILIES
};

/* The operator's names where it is the same. */
static const struct metric_family families[FAMILIES] = {
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
    [STATE] = {"yurt_steward_manifest_state",
               "1 for the state that the static pod's manifest is in.",
               METRIC_GAUGE,
               {"manifest", "state"}},
    [MODE] = {"yurt_steward_manifest_mode",
              "1 for the mode that the ConfigMap asks for.",
              METRIC_GAUGE,
              {"manifest", "mode"}},
    [SAID] = {"yurt_steward_manifest_said_total",
              "What was said of a manifest, by the reasons of Events: RolledBack is a change that "
              "did not work.",
              METRIC_COUNTER,
              {"manifest", "reason"}},
    [EVENTS_DROPPED] = {"yurt_steward_events_dropped_total",
                        "Events that were not sent: limits, or refused.",
                        METRIC_COUNTER,
                        {0}},
    [SERVER_UP] = {"yurt_steward_api_server_up",
                   "1: the API server is reachable.",
                   METRIC_GAUGE,
                   {0}},
};

struct tally {
    struct metrics metrics;
    char *server;
};

size_t tally_families(const struct metric_family **ret_families)
{
    *ret_families = families;
    return FAMILIES;
}

struct tally *tally_create(const char *version, const char *server)
{
    static const char *const manifests[] = {"kube-controller-manager", "kube-apiserver"};
    static const char *const reasons[] = {"Written", "Committed", "RolledBack", "Reverted"};
    struct tally *tally = xcalloc(1, sizeof(*tally));
    metrics_init(&tally->metrics, families, FAMILIES);
    tally->server = xstrdup(server);
    metrics_set(&tally->metrics, BUILD, &version, 1);
    for (size_t i = 0; i < ARRAY_LEN(manifests); i++) {
        for (size_t k = 0; k < ARRAY_LEN(reasons); k++) {
            metrics_add(&tally->metrics, SAID, (const char *const[]){manifests[i], reasons[k]}, 0);
        }
    }
    return tally;
}

void tally_destroy(struct tally *tally)
{
    if (tally != NULL) {
        metrics_finish(&tally->metrics);
        free(tally->server);
        free(tally);
    }
}

void tally_request(struct tally *tally, const char *method, int http_status, int64_t duration_ms)
{
    char code[16] = "<error>";
    if (tally == NULL) {
        return;
    }
    if (http_status > 0) {
        snprintf(code, sizeof(code), "%d", http_status);
    }
    metrics_add(&tally->metrics, REQUESTS, (const char *const[]){code, method, tally->server}, 1);
    metrics_observe(&tally->metrics, REQUEST_SECONDS, (const char *const[]){method, tally->server},
                    (double)duration_ms / 1000.0);
}

void tally_said(struct tally *tally, const char *manifest, const char *reason)
{
    if (tally != NULL) {
        metrics_add(&tally->metrics, SAID, (const char *const[]){manifest, reason}, 1);
    }
}

void tally_stands(struct tally *tally, const char *manifest, enum standing_state state,
                  enum mode mode)
{
    if (tally == NULL) {
        return;
    }
    for (enum standing_state at = 0; at < STANDING_STATES; at++) {
        metrics_set(&tally->metrics, STATE, (const char *const[]){manifest, standing_word(at)},
                    at == state);
    }
    for (enum mode at = MODE_OBSERVE; at <= MODE_IGNORE; at++) {
        metrics_set(&tally->metrics, MODE, (const char *const[]){manifest, mode_word(at)},
                    at == mode);
    }
}

void tally_render(struct tally *tally, const struct tally_now *now, struct buf *text)
{
    static const char *const lease = "yurt-steward-node";
    struct metrics *metrics = &tally->metrics;
    struct process_stats stats;
    process_stats_read(&stats);
    metrics_set(metrics, LEADER, &lease, now->has_lease);
    metrics_set(metrics, EVENTS_DROPPED, NULL, (double)now->events_dropped);
    metrics_set(metrics, SERVER_UP, NULL, now->server_up);
    metrics_set(metrics, CPU_SECONDS, NULL, stats.cpu_seconds);
    metrics_set(metrics, RESIDENT_BYTES, NULL, stats.resident_bytes);
    metrics_set(metrics, VIRTUAL_BYTES, NULL, stats.virtual_bytes);
    metrics_set(metrics, OPEN_FDS, NULL, stats.open_fds);
    metrics_set(metrics, MAX_FDS, NULL, stats.max_fds);
    metrics_set(metrics, START_SECONDS, NULL, stats.start_seconds);
    metrics_render(metrics, text);
}
