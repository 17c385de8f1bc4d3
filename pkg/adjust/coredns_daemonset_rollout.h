/*
 * How far the pods of the CoreDNS DaemonSet are, node by node. Pure.
 */
#ifndef ADJUST_COREDNS_DAEMONSET_ROLLOUT_H
#define ADJUST_COREDNS_DAEMONSET_ROLLOUT_H

#include "adjust/names.h"
#include "control/plan.h"

/* Of the Linux nodes outside host-network pools. */
struct coredns_rollout {
    size_t nodes;
    size_t offline; /* not live, whatever runs there */
    size_t old;     /* live, with a pod of an earlier template */
    size_t waiting; /* live, without a Ready pod of the current template, or with an old one yet */
    struct names without;       /* those that wait, by name */
    struct names failing;       /* of these, the ones that say why: "edge-1 (pool a): …" */
    struct names offline_nodes; /* offline, with a pod yet to be updated or started */
    struct names kept_out;      /* served by the Deployment, which lets no other pod in */
};

/*
 * Counts. `exact`: by Leases that were read lately (liveness.h); otherwise by the nodes' Ready
 * condition, which may be stale, but only in calling a dead node alive. `kept_out`: whether the
 * Deployment's pods keep others of their kind from their node. The result is to be finished.
 */
void coredns_rollout_count(const struct snapshot *seen, const struct object *daemonset, bool exact,
                           bool kept_out, struct coredns_rollout *ret_rollout);
void coredns_rollout_finish(struct coredns_rollout *rollout);
DEFINE_AUTO_FINISH(coredns_rollout, struct coredns_rollout, coredns_rollout_finish)

/* Says what there is to say; the plan is changing while live nodes wait. */
void coredns_rollout_report(const struct object *daemonset, struct coredns_rollout *rollout,
                            int64_t now_ms, struct plan *plan);

#endif
