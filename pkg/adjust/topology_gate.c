#include "adjust/topology_gate.h"

#include "adjust/dns_places.h"
#include "adjust/endpoints.h"
#include "adjust/liveness.h"
#include "adjust/names.h"
#include "kube/slice.h"

enum {
    RECHECK_MS = 15 * 1000, /* Leases are not watched: look again while held */
    STEADY_MS = 10 * 1000,
    LASTS_MS = 3 * 60 * 1000, /* for nodes to pull CoreDNS: longer is worth a warning */
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

/*
 * How long a pod has to have been as it is. Once the annotation is there, a pool lives by its own
 * pods: one of a new DaemonSet that is Ready for a moment between two crashes must not count. Where
 * the soak before the cut-over is shorter, that will do here too. Who only looks once can't tell.
 */
static int64_t steady_ms(const struct snapshot *seen, const struct policy *policy, bool coming)
{
    int64_t soak_ms = policy_duration_ms(policy, "coredns-deployment.soak");
    if (!coming || seen->watching_since_ms == 0) {
        return 0;
    }
    return soak_ms < STEADY_MS ? soak_ms : STEADY_MS;
}

/* The places (pools, and nodes) that have a serving endpoint which was as it is before `until`. */
static void collect_served(const struct snapshot *seen, int64_t until_ms, struct strmap *pools,
                           struct strmap *nodes)
{
    static char yes[] = "yes";
    const struct store *pods = seen->stores[INPUT_DNS_PODS];
    AUTO(refs) struct refs endpoints = REFS_INIT;
    endpoints_collect(seen, &endpoints);
    for (size_t i = 0; i < store_len(pods); i++) {
        const struct pod *pod = pod_of(store_at(pods, i));
        const struct node *node = endpoints_node(seen, &endpoints, pod);
        if (node == NULL || pod->object.seen_ms > until_ms) {
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

/*
 * Names what has no endpoint. Where the DaemonSet is to bring them (`coming`) that is no cause for
 * alarm, until it lasts.
 */
static void hold_for(struct names *names, bool coming, const char *reason, const char *what,
                     struct plan *plan)
{
    if (names->count == 0) {
        return;
    }
    if (coming) {
        plan_hold(plan, false, "WaitingForDaemonSet",
                  "not every live pool or node has had a ready DNS endpoint for some seconds: "
                  "waiting for "
                  "coredns-daemonset, which brings them");
        plan_warn_after(plan, LASTS_MS, reason, "%s: %s", what, names_text(names));
    } else {
        plan_hold(plan, true, reason, "%s: %s", what, names_text(names));
    }
}

static bool report(struct unserved *unserved, bool per_node, bool coming, struct plan *plan)
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
    if (per_node) {
        hold_for(&unserved->nodes, coming, "NodesWithoutDNS",
                 "live nodes without a ready DNS endpoint of their own", plan);
    } else if (unserved->nodes.count > 0) {
        plan_warn_after(plan, coming ? LASTS_MS : 0, "PoollessNodesWithoutDNS",
                        "live nodes in no pool and without a ready DNS endpoint of their own: %s; "
                        "behind yurthub they will have no DNS endpoint",
                        names_text(&unserved->nodes));
    }
    hold_for(&pools, coming, "PoolsWithoutDNS", "live pools without a ready DNS endpoint", plan);
    return plan->state != PLAN_HELD;
}

bool topology_gate_open(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                        struct plan *plan)
{
    bool per_node = policy_is(policy, "service-topology.value", "kubernetes.io/hostname");
    bool coming = policy_mode(policy, &adjust_coredns_daemonset) == MODE_ENFORCE;
    int64_t steady = steady_ms(seen, policy, coming);
    if (!liveness_known(seen, now_ms, plan)) {
        return false;
    }
    AUTO(strmap) struct strmap pools = STRMAP_INIT(NULL);
    AUTO(strmap) struct strmap nodes = STRMAP_INIT(NULL);
    struct unserved unserved = {.pools = STRMAP_INIT(NULL), .nodes = NAMES_INIT};
    collect_served(seen, now_ms - steady, &pools, &nodes);
    collect_unserved(seen, per_node, &pools, &nodes, &unserved);
    bool open = report(&unserved, per_node, coming, plan);
    strmap_finish(&unserved.pools);
    names_finish(&unserved.nodes);
    if (!open) {
        plan_requeue(plan, RECHECK_MS);
    }
    if (!open && steady > 0) {
        plan_requeue(plan, steady);
    }
    return open;
}
