/*
 * The gate of service-topology: would every live pool (or node) still find a DNS endpoint once
 * yurthub shows it only its own?
 */
#ifndef ADJUST_TOPOLOGY_GATE_H
#define ADJUST_TOPOLOGY_GATE_H

#include "adjust/policy.h"
#include "control/plan.h"

/* Returns true when it is open; otherwise the plan holds, or asks for Leases. With the value
 * kubernetes.io/hostname every node is on its own. */
bool topology_gate_open(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                        struct plan *plan);
/* An endpoint without nodeName makes yurthub up to 1.7.0 panic (openyurt #2593); holds then. */
bool topology_endpoints_safe(const struct snapshot *seen, struct plan *plan);

#endif
