/*
 * The metrics that every process of ours has: the process, its requests to the API server, its
 * Lease, its Events. Told beside those of what it does, under the ecosystem's names.
 */
#ifndef SERVE_PROCESS_METRICS_H
#define SERVE_PROCESS_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "serve/metrics.h"

struct process_metrics {
    struct metrics metrics;
    char *server;
};

/* `version` and `server` (host of the API server) are labels. */
void process_metrics_init(struct process_metrics *process, const char *version, const char *server);
void process_metrics_finish(struct process_metrics *process);
DEFINE_AUTO_FINISH(process_metrics, struct process_metrics, process_metrics_finish)

/* One request's end; status 0: without an answer. */
void process_metrics_request(struct process_metrics *process, const char *method, int http_status,
                             int64_t duration_ms);

/* What is told of at the moment of asking; the kernel's figures are read then. */
struct process_metrics_now {
    const char *lease; /* the label of leader_election_master_status */
    bool leads;
    bool server_up;
    uint64_t events_dropped;
};

void process_metrics_render(struct process_metrics *process, const struct process_metrics_now *now,
                            struct buf *text);

#endif
