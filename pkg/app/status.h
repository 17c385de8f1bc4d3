/*
 * What the cluster looks like to the operator: each adjustment's state, and what serves DNS in each
 * pool. Pure: from a world and the operator's Events as the API server lists them.
 */
#ifndef APP_STATUS_H
#define APP_STATUS_H

#include <stdio.h>

#include "app/world.h"

/* The inputs (INPUT_BITs) that it needs beside those of the adjustments. */
#define STATUS_INPUTS                                                                              \
    (INPUT_BIT(INPUT_CONFIG) | INPUT_BIT(INPUT_STATE) | INPUT_BIT(INPUT_NODES) |                   \
     INPUT_BIT(INPUT_DNS_PODS))

/*
 * {"adjustments":[{"adjustment","mode","state","since","heldBy","undoneBy","undoneAt","message"}…],
 *  "pools":[{"pool","nodes","live","daemonSetPods","deploymentPods"}…]}; what is not known is
 * absent. `events` is an array of events.k8s.io Events (NULL: none). Owned by the caller.
 */
struct json_object *status_json(const struct world *world, const struct json_object *events,
                                int64_t wall_ms, int64_t now_ms);
/* That document as two tables; ages are counted from wall_ms. */
void status_table(FILE *out, const struct json_object *status, int64_t wall_ms);

#endif
