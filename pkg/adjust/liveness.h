/*
 * Which nodes are alive: Ready, and their Lease in kube-node-lease renewed lately (the Ready
 * condition alone goes stale once nodelifecycle is off).
 */
#ifndef ADJUST_LIVENESS_H
#define ADJUST_LIVENESS_H

#include "control/plan.h"
#include "control/snapshot.h"
#include "kube/node.h"

/*
 * Whether the Leases in the snapshot are fresh enough to decide by. When not, the plan asks for
 * them and the caller returns: it runs again when they are there.
 */
bool liveness_known(const struct snapshot *seen, int64_t now_ms, struct plan *plan);
bool liveness_node(const struct snapshot *seen, const struct node *node);
/* The node of that name; NULL when there is none. */
const struct node *liveness_find(const struct snapshot *seen, const char *name);

#endif
