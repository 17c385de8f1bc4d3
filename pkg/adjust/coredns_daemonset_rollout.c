#include "adjust/coredns_daemonset_rollout.h"

#include <string.h>

#include "adjust/liveness.h"
#include "base/alloc.h"
#include "kube/pod.h"
#include "kube/workload.h"

enum {
    RECHECK_MS = 15 * 1000,     /* Leases are not watched: look again while nodes wait */
    STALLED_MS = 3 * 60 * 1000, /* without any progress for so long, it is said */
};

/* The DNS pods of one node. */
struct node_pods {
    const struct pod *current; /* of the DaemonSet as it is now */
    bool old;                  /* the DaemonSet has one of an earlier template */
    bool deployed;             /* a Ready one that is not of the DaemonSet */
};

/*
 * A pod's label and the DaemonSet's annotation tell which template it was made from. The
 * controller writes both, though the API has called them deprecated since 1.8
 * (kubernetes pkg/controller/daemon, GetTemplateGeneration).
 */
static bool is_current(const struct pod *pod, const struct object *daemonset)
{
    const char *generation = json_get_str(
        daemonset->body, "metadata/annotations/deprecated.daemonset.template.generation");
    return generation == NULL || pod->generation == NULL ||
           strcmp(generation, pod->generation) == 0;
}

/* DNS pods in the order of their nodes: borrowed, so that thousands cost a pointer each. */
struct by_node {
    const struct pod **pods;
    size_t len;
};

static int compare_nodes(const void *a, const void *b)
{
    const struct pod *const *left = a;
    const struct pod *const *right = b;
    return strcmp((*left)->node, (*right)->node);
}

static void sort_pods(const struct snapshot *seen, struct by_node *ret_sorted)
{
    const struct store *store = seen->stores[INPUT_DNS_PODS];
    *ret_sorted = (struct by_node){xcalloc(store_len(store) + 1, sizeof(*ret_sorted->pods)), 0};
    for (size_t i = 0; i < store_len(store); i++) {
        const struct pod *pod = pod_of(store_at(store, i));
        if (pod->node != NULL && !pod->ended && !pod->object.deleting) {
            ret_sorted->pods[ret_sorted->len++] = pod;
        }
    }
    qsort(ret_sorted->pods, ret_sorted->len, sizeof(*ret_sorted->pods), compare_nodes);
}

/* The index of the first pod on the node, or of where it would be. */
static size_t find_first(const struct by_node *sorted, const char *node)
{
    size_t from = 0;
    size_t to = sorted->len;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(sorted->pods[middle]->node, node) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static struct node_pods find_pods(const struct by_node *sorted, const char *node,
                                  const struct object *daemonset)
{
    struct node_pods found = {0};
    for (size_t i = find_first(sorted, node);
         i < sorted->len && strcmp(sorted->pods[i]->node, node) == 0; i++) {
        const struct pod *pod = sorted->pods[i];
        if (pod->owner_uid == NULL || strcmp(pod->owner_uid, daemonset->uid) != 0) {
            found.deployed = found.deployed || pod->ready;
        } else if (is_current(pod, daemonset)) {
            found.current = pod;
        } else {
            found.old = true;
        }
    }
    return found;
}

static void add_failing(struct names *failing, const struct node *node, const struct pod *pod)
{
    AUTO_FREE char *text =
        node->pool != NULL
            ? xasprintf("%s (pool %s): %s", node->object.name, node->pool, pod->trouble)
            : xasprintf("%s: %s", node->object.name, pod->trouble);
    names_add(failing, text);
}

static void count_live(const struct node *node, const struct node_pods *pods, bool kept_out,
                       struct coredns_rollout *rollout)
{
    rollout->old += pods->old ? 1 : 0;
    if (pods->current != NULL && pods->current->ready && !pods->old) {
        return;
    }
    if (kept_out && pods->current == NULL && !pods->old && pods->deployed) {
        names_add(&rollout->kept_out, node->object.name);
        return;
    }
    rollout->waiting++;
    names_add(&rollout->without, node->object.name);
    if (pods->current != NULL && !pods->current->ready && pods->current->trouble != NULL) {
        add_failing(&rollout->failing, node, pods->current);
    }
}

/* On an offline node: a pod of the current template that was never started, or is not there yet.
 * One that ran before only waits for its node, as the node's other pods do. */
static bool is_pending(const struct node_pods *pods)
{
    return pods->current != NULL ? pods->current->ip == NULL : pods->old;
}

/* All that the DaemonSet's controller wants is there, also where it wants none on some node. */
static bool all_done(const struct object *daemonset)
{
    int64_t wanted = json_get_int(daemonset->body, "status/desiredNumberScheduled", 0);
    return workload_observed(daemonset) && wanted > 0 &&
           json_get_int(daemonset->body, "status/updatedNumberScheduled", 0) == wanted &&
           json_get_int(daemonset->body, "status/numberAvailable", 0) == wanted;
}

void coredns_rollout_count(const struct snapshot *seen, const struct object *daemonset, bool exact,
                           bool kept_out, struct coredns_rollout *ret_rollout)
{
    struct by_node sorted;
    const struct store *nodes = seen->stores[INPUT_NODES];
    *ret_rollout = (struct coredns_rollout){.without = NAMES_INIT,
                                            .failing = NAMES_INIT,
                                            .offline_nodes = NAMES_INIT,
                                            .kept_out = NAMES_INIT};
    sort_pods(seen, &sorted);
    for (size_t i = 0; i < store_len(nodes); i++) {
        const struct node *node = node_of(store_at(nodes, i));
        if (!node->linux || node->host_network_pool) {
            continue;
        }
        const struct node_pods pods = find_pods(&sorted, node->object.name, daemonset);
        ret_rollout->nodes++;
        if (exact ? liveness_node(seen, node) : node->ready) {
            count_live(node, &pods, kept_out, ret_rollout);
            continue;
        }
        ret_rollout->offline++;
        if (is_pending(&pods)) {
            names_add(&ret_rollout->offline_nodes, node->object.name);
        }
    }
    free(sorted.pods);
    ret_rollout->waiting = all_done(daemonset) ? 0 : ret_rollout->waiting;
}

void coredns_rollout_finish(struct coredns_rollout *rollout)
{
    names_finish(&rollout->without);
    names_finish(&rollout->failing);
    names_finish(&rollout->offline_nodes);
    names_finish(&rollout->kept_out);
}

static void report_waiting(const struct object *daemonset, struct coredns_rollout *rollout,
                           int64_t now_ms, struct plan *plan)
{
    if (rollout->failing.count > 0) {
        plan_note(plan, true, "PodsFailing",
                  "CoreDNS pods of DaemonSet kube-system/coredns do not start on live nodes: %s",
                  names_text(&rollout->failing));
    } else if (now_ms - daemonset->seen_ms >= STALLED_MS) {
        plan_note(
            plan, true, "RolloutStalled",
            "live nodes without a Ready pod of DaemonSet kube-system/coredns as it is now, or "
            "with an older one beside it, and no progress for %d minutes: %s",
            STALLED_MS / 60000, names_text(&rollout->without));
    }
    plan->state = PLAN_CHANGING;
    plan_requeue(plan, RECHECK_MS);
}

void coredns_rollout_report(const struct object *daemonset, struct coredns_rollout *rollout,
                            int64_t now_ms, struct plan *plan)
{
    if (rollout->waiting > 0) {
        report_waiting(daemonset, rollout, now_ms, plan);
    }
    if (rollout->kept_out.count > 0) {
        plan_note(plan, false, "NodesKeptByDeployment",
                  "the required podAntiAffinity of Deployment kube-system/coredns keeps the "
                  "DaemonSet's pods from nodes that its own serve, until it is at zero: %s",
                  names_text(&rollout->kept_out));
    }
    if (rollout->offline_nodes.count > 0) {
        plan_note(plan, false, "OfflineNodesPending",
                  "offline nodes get their CoreDNS pod when they are back: %s",
                  names_text(&rollout->offline_nodes));
    }
}
