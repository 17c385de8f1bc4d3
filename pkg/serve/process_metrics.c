#include "serve/process_metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
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
    EVENTS_DROPPED,
    SERVER_UP,
    FAMILIES
};

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
    [EVENTS_DROPPED] = {"yurt_steward_events_dropped_total",
                        "Events that were not sent: limits, or refused.",
                        METRIC_COUNTER,
                        {0}},
    [SERVER_UP] = {"yurt_steward_api_server_up",
                   "1: the API server is reachable.",
                   METRIC_GAUGE,
                   {0}},
};

void process_metrics_init(struct process_metrics *process, const char *version, const char *server)
{
    metrics_init(&process->metrics, families, FAMILIES);
    metrics_set(&process->metrics, BUILD, &version, 1);
    process->server = xstrdup(server);
}

void process_metrics_finish(struct process_metrics *process)
{
    metrics_finish(&process->metrics);
    free(process->server);
}

void process_metrics_request(struct process_metrics *process, const char *method, int http_status,
                             int64_t duration_ms)
{
    char code[16] = "<error>";
    if (http_status > 0) {
        snprintf(code, sizeof(code), "%d", http_status);
    }
    metrics_add(&process->metrics, REQUESTS, (const char *const[]){code, method, process->server},
                1);
    metrics_observe(&process->metrics, REQUEST_SECONDS,
                    (const char *const[]){method, process->server}, (double)duration_ms / 1000.0);
}

void process_metrics_render(struct process_metrics *process, const struct process_metrics_now *now,
                            struct buf *text)
{
    struct metrics *metrics = &process->metrics;
    struct process_stats stats;
    process_stats_read(&stats);
    metrics_set(metrics, LEADER, &now->lease, now->leads);
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
