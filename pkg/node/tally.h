/*
 * The agent's metrics: what is counted, and how the manifests stand.
 */
#ifndef NODE_TALLY_H
#define NODE_TALLY_H

#include "adjust/policy.h"
#include "node/standing.h"
#include "serve/process_metrics.h"

struct tally;

/* `version` and `server` (host of the API server) are labels. */
struct tally *tally_create(const char *version, const char *server);
void tally_destroy(struct tally *tally);

/* Counting; a NULL tally counts nothing. */
void tally_request(struct tally *tally, const char *method, int http_status, int64_t duration_ms);
void tally_said(struct tally *tally, const char *manifest, const char *reason);
void tally_stands(struct tally *tally, const char *manifest, enum standing_state state,
                  enum mode mode);

/* Everything, for /metrics. */
void tally_render(struct tally *tally, const struct process_metrics_now *now, struct buf *text);

#endif
