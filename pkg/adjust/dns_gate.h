/*
 * The gate before the cut-over: would every live pool still have a DNS server of its own if the
 * CoreDNS Deployment were gone now?
 *
 * A condition that does not hold has a note of its own that names the pools or nodes. Nodes that
 * are offline are named and never block.
 */
#ifndef ADJUST_DNS_GATE_H
#define ADJUST_DNS_GATE_H

#include "adjust/policy.h"
#include "control/plan.h"
#include "control/snapshot.h"

enum dns_gate {
    DNS_GATE_UNKNOWN,      /* the plan wants the Leases, nothing was decided */
    DNS_GATE_CLOSED,       /* the plan holds */
    DNS_GATE_ASKING,       /* all else holds, and servers that were never asked are being asked */
    DNS_GATE_ASKING_AGAIN, /* open by what the servers said before; they are asked again */
    DNS_GATE_OPEN,
};

enum dns_gate dns_gate_look(const struct snapshot *seen, const struct policy *policy,
                            int64_t now_ms, struct plan *plan);

#endif
