#include "adjust/liveness.h"

enum {
    LEASES_FRESH_MS = 10 * 1000, /* how long one reading of the Leases serves decisions */
    LEASES_AGAIN_MS = 15 * 1000, /* an unreadable answer is known at the latest by then */
    LEASE_ALIVE_MS = 50 * 1000,  /* node-monitor-grace-period of kube-controller-manager */
};

bool liveness_known(const struct snapshot *seen, int64_t now_ms, struct plan *plan)
{
    if (!seen->can_read_leases ||
        (seen->leases != NULL && now_ms - seen->leases_read_ms <= LEASES_FRESH_MS)) {
        return true;
    }
    if (seen->leases_unreadable) {
        plan_hold(plan, true, "LeasesUnreadable",
                  "the node Leases in namespace kube-node-lease can't be read, so it can't be told "
                  "which nodes are alive; the log says why");
        plan_requeue(plan, LEASES_AGAIN_MS);
        return false;
    }
    plan->wants_leases = true;
    plan->state = PLAN_CHANGING;
    return false;
}

bool liveness_node(const struct snapshot *seen, const struct node *node)
{
    if (!node->ready || !seen->leases_known || seen->leases == NULL) {
        return node->ready;
    }
    const struct node_lease *lease = strmap_get(seen->leases, node->object.name);
    return lease != NULL && seen->wall_ms - lease->alive_ms <= LEASE_ALIVE_MS;
}

const struct node *liveness_find(const struct snapshot *seen, const char *name)
{
    const struct store *nodes = seen->stores[INPUT_NODES];
    const struct object *object = nodes != NULL && name != NULL ? store_get(nodes, "", name) : NULL;
    return object != NULL ? node_of(object) : NULL;
}
