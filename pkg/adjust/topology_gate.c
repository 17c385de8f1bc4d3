#include "adjust/topology_gate.h"

#include "adjust/dns_places.h"
#include "adjust/endpoints.h"
#include "adjust/liveness.h"
#include "adjust/names.h"
#include "kube/slice.h"

enum {
    RECHECK_MS = 15 * 1000 /* Leases are not watched: look again while held */
};

bool topology_endpoints_safe(const struct snapshot *seen, struct plan *plan)
{
    const struct store *slices = seen->stores[INPUT_DNS_SLICES];
    for (size_t i = 0; i < store_len(slices); i++) {
        const struct slice *slice = slice_of(store_at(slices, i));
        for (size_t k = 0; k < slice->len; k++) {
            if (slice->endpoints[k].node == NULL) {
                plan_hold(plan, true, "EndpointWithoutNode",
                          "endpoint %s in EndpointSlice %s has no nodeName, on which yurthub up "
                          "to 1.7.0 panics (openyurt #2593); waiting until it has one or is gone",
                          slice->endpoints[k].address, slice->object.name);
                return false;
            }
        }
    }
    return true;
}

/* The places (pools, and nodes) that have a serving endpoint. */
static void collect_served(const struct snapshot *seen, struct strmap *pools, struct strmap *nodes)
{
    static char yes[] = "yes";
    const struct store *pods = seen->stores[INPUT_DNS_PODS];
    AUTO(refs) struct refs endpoints = REFS_INIT;
    endpoints_collect(seen, &endpoints);
    for (size_t i = 0; i < store_len(pods); i++) {
        const struct node *node = endpoints_node(seen, &endpoints, pod_of(store_at(pods, i)));
        if (node == NULL) {
            continue;
        }
        strmap_set(nodes, node->object.name, yes);
        if (node->pool != NULL) {
            strmap_set(pools, node->pool, yes);
        }
    }
}

struct unserved {
    struct strmap pools; /* each once */
    struct names nodes;  /* of no pool, or every node when per_node */
    size_t live;
};

static void collect_unserved(const struct snapshot *seen, bool per_node,
                             const struct strmap *served_pools, const struct strmap *served_nodes,
                             struct unserved *ret)
{
    static char yes[] = "yes";
    const struct store *nodes = seen->stores[INPUT_NODES];
    for (size_t i = 0; i < store_len(nodes); i++) {
        const struct node *node = node_of(store_at(nodes, i));
        if (!dns_node_counts(node) || !liveness_node(seen, node)) {
            continue;
        }
        ret->live++;
        bool own = strmap_get(served_nodes, node->object.name) != NULL;
        if ((per_node || node->pool == NULL) && !own) {
            names_add(&ret->nodes, node->object.name);
        } else if (!per_node && node->pool != NULL &&
                   strmap_get(served_pools, node->pool) == NULL) {
            strmap_set(&ret->pools, node->pool, yes);
        }
    }
}

static bool report(struct unserved *unserved, bool per_node, struct plan *plan)
{
    if (unserved->live == 0) {
        plan_hold(plan, true, "NoLiveNodes",
                  "no Linux node is Ready with a fresh Lease, so it can't be told which pools have "
                  "DNS; service-topology.gate: Skip annotates at once");
        return false;
    }
    AUTO(names) struct names pools = NAMES_INIT;
    for (size_t i = 0; i < unserved->pools.len; i++) {
        names_add(&pools, unserved->pools.entries[i].key);
    }
    if (unserved->nodes.count > 0 && per_node) {
        plan_hold(plan, true, "NodesWithoutDNS",
                  "live nodes without a ready DNS endpoint of their own: %s",
                  names_text(&unserved->nodes));
    } else if (unserved->nodes.count > 0) {
        plan_note(plan, true, "PoollessNodesWithoutDNS",
                  "live nodes in no pool and without a ready DNS endpoint of their own: %s; behind "
                  "yurthub they will have no DNS endpoint",
                  names_text(&unserved->nodes));
    }
    if (unserved->pools.len > 0) {
        plan_hold(plan, true, "PoolsWithoutDNS", "live pools without a ready DNS endpoint: %s",
                  names_text(&pools));
    }
    return plan->state != PLAN_HELD;
}

bool topology_gate_open(const struct snapshot *seen, bool per_node, int64_t now_ms,
                        struct plan *plan)
{
    if (!liveness_known(seen, now_ms, plan)) {
        return false;
    }
    AUTO(strmap) struct strmap pools = STRMAP_INIT(NULL);
    AUTO(strmap) struct strmap nodes = STRMAP_INIT(NULL);
    struct unserved unserved = {.pools = STRMAP_INIT(NULL), .nodes = NAMES_INIT};
    collect_served(seen, &pools, &nodes);
    collect_unserved(seen, per_node, &pools, &nodes, &unserved);
    bool open = report(&unserved, per_node, plan);
    strmap_finish(&unserved.pools);
    names_finish(&unserved.nodes);
    if (!open) {
        plan_requeue(plan, RECHECK_MS);
    }
    return open;
}
