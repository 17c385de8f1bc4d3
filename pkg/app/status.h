/*
 * What the cluster looks like to the operator: each adjustment's state, what serves DNS in each
 * pool, and how the manifests on control-plane nodes stand. Pure: from a world, the operator's
 * Events as the API server lists them, and what the agents on nodes report.
 */
#ifndef APP_STATUS_H
#define APP_STATUS_H

#include <stdio.h>

#include "app/look.h"
#include "app/world.h"

/* The inputs (INPUT_BITs) that it needs beside those of the adjustments. */
#define STATUS_INPUTS                                                                              \
    (INPUT_BIT(INPUT_CONFIG) | INPUT_BIT(INPUT_STATE) | INPUT_BIT(INPUT_NODES) |                   \
     INPUT_BIT(INPUT_DNS_PODS))

/*
 * {"adjustments":[{"adjustment","mode","state","since","heldBy","undoneBy","undoneAt","message"}…],
 *  "pools":[{"pool","nodes","live","daemonSetPods","deploymentPods"}…],
 *  "controlPlaneNodes":[{"node","agent","manifest","mode","state","since","reason","message"}…]};
 * what is not known is absent. Owned by the caller.
 */
struct json_object *status_json(const struct world *world, const struct look_rest *rest,
                                int64_t wall_ms, int64_t now_ms);
/* Appends the rows of the agents' ConfigMap; what can't be read of it has one that says so. */
void status_add_nodes(struct json_object *rows, const struct json_object *configmap);
/* That document as tables; ages are counted from wall_ms. */
void status_table(FILE *out, const struct json_object *status, int64_t wall_ms);

#endif
