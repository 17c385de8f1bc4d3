/*
 * The operator's metrics and probes: what is counted, what is healthy, and the server that tells.
 *
 * /livez and /healthz: the loop runs. /readyz: every object that is watched was verified lately and
 * the API server answers; each check has a path of its own, and ?verbose lists them. /metrics: the
 * ecosystem's names and ours (README).
 */
#ifndef APP_VITALS_H
#define APP_VITALS_H

#include "app/cluster.h"
#include "control/plan.h"

struct steward;
struct vitals;

/* `version` and `server` (host of the API server) are labels. */
struct vitals *vitals_create(const char *version, const char *server);
void vitals_destroy(struct vitals *vitals);

/* Counting; a NULL vitals counts nothing. */
void vitals_request(struct vitals *vitals, const char *method, int http_status,
                    int64_t duration_ms);
void vitals_reconciled(struct vitals *vitals, const char *key, const char *result,
                       int64_t duration_ms);
void vitals_said(struct vitals *vitals, const char *key, const char *reason);
void vitals_state(struct vitals *vitals, const char *key, enum plan_state state);

/* What is told of at the moment of asking. */
struct vitals_now {
    struct cluster *cluster;
    bool leads;
    size_t queue_depth;
    uint64_t queue_adds;
    uint64_t queue_retries;
    uint64_t events_dropped;
    int64_t now_ms;
};

/* The answer to a request for `path`; also 404. */
struct server_answer;
void vitals_answer(struct vitals *vitals, const struct vitals_now *now, const char *path,
                   bool verbose, struct server_answer *ret_answer);

#endif
