/*
 * Taking the DaemonSet away, at Revert: only when nobody is left without DNS by it.
 */
#include <string.h>

#include "adjust/coredns_daemonset_parts.h"
#include "adjust/coredns_room.h"
#include "adjust/coredns_workload.h"
#include "adjust/endpoints.h"
#include "adjust/liveness.h"
#include "base/alloc.h"
#include "base/attr.h"
#include "kube/pod.h"
#include "kube/resource.h"

enum {
    RECHECK_MS = 15 * 1000, /* Leases are not watched: look again while held */
    KNOWN_MS = 10 * 1000,   /* until every kube-proxy knows a new endpoint */
};

/*
 * How long until a Ready pod of somebody else's on a live node has been that for long enough:
 * kube-proxy on every node has to know its endpoint before the others go. 0: it has; -1: there is
 * none.
 */
static int64_t served_in_ms(const struct snapshot *seen, const struct object *live, int64_t now_ms)
{
    const struct store *pods = seen->stores[INPUT_DNS_PODS];
    AUTO(refs) struct refs endpoints = REFS_INIT;
    int64_t least = -1;
    endpoints_collect(seen, &endpoints);
    for (size_t i = 0; i < store_len(pods); i++) {
        const struct pod *pod = pod_of(store_at(pods, i));
        bool own = pod->owner_uid != NULL && strcmp(pod->owner_uid, live->uid) == 0;
        if (own || pod->ended || endpoints_node(seen, &endpoints, pod) == NULL) {
            continue;
        }
        int64_t left = pod->object.seen_ms + KNOWN_MS - now_ms;
        left = left > 0 ? left : 0;
        least = least < 0 || left < least ? left : least;
    }
    return least;
}

static bool deployment_serves(const struct snapshot *seen, const struct object *live,
                              int64_t now_ms, struct plan *plan)
{
    const struct object *deployment = snapshot_only(seen, INPUT_DNS_DEPLOYMENT);
    if (deployment == NULL) {
        plan_hold(plan, true, "WaitingForDeployment",
                  "DaemonSet kube-system/coredns is not deleted: there is no Deployment "
                  "kube-system/coredns to serve DNS in its stead; make one, or delete the "
                  "DaemonSet by hand");
        return false;
    }
    if ((seen->blind & (INPUT_BIT(INPUT_DNS_PODS) | INPUT_BIT(INPUT_DNS_SLICES) |
                        INPUT_BIT(INPUT_NODES) | INPUT_BIT(INPUT_DNS_DEPLOYMENT))) != 0) {
        plan_hold(plan, true, "Blind",
                  "DaemonSet kube-system/coredns is not deleted while what serves DNS can't be "
                  "watched (see the Events of ConfigMap kube-system/yurt-steward)");
        plan_requeue(plan, RECHECK_MS);
        return false;
    }
    int64_t wait = -1;
    if (coredns_deployment_available(deployment)) {
        if (!liveness_known(seen, now_ms, plan)) {
            return false;
        }
        wait = served_in_ms(seen, live, now_ms);
    }
    if (wait == 0) {
        return true;
    }
    AUTO_FREE char *advice = coredns_room_advice(seen, deployment);
    plan_hold(plan, false, "WaitingForDeployment",
              "DaemonSet kube-system/coredns is deleted once Deployment kube-system/coredns has "
              "enough available pods on live nodes%s",
              advice);
    plan_requeue(plan, wait > 0 ? wait : RECHECK_MS);
    return false;
}

/*
 * While the annotation is there, yurthub shows a pool its own endpoints only, and most pools have
 * none but the DaemonSet's.
 */
static bool topology_lets_go(const struct snapshot *seen, struct plan *plan)
{
    const struct object *service = snapshot_only(seen, INPUT_DNS_SERVICE);
    if (service == NULL ||
        json_get_str(service->body, "metadata/annotations/openyurt.io~1topologyKeys") == NULL) {
        return true;
    }
    plan_hold(plan, false, "WaitingForTopology",
              "DaemonSet kube-system/coredns is deleted once annotation openyurt.io/topologyKeys "
              "is gone from Service kube-system/%s: with it, pools without a pod of the "
              "Deployment would have no DNS",
              service->name);
    return false;
}

bool coredns_others_reverted(const struct snapshot *seen, struct plan *plan)
{
    static const struct {
        const char *id;
        const char *reason;
    } others[] = {{"coredns-deployment", "WaitingForDeployment"},
                  {"service-topology", "WaitingForTopology"}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        size_t len;
        if (snapshot_record(seen, others[i].id, &len) != NULL) {
            plan_hold(plan, false, others[i].reason,
                      "DaemonSet kube-system/coredns stays as it is until %s, which relies on it, "
                      "is put back: set that to Revert too",
                      others[i].id);
            return false;
        }
    }
    return true;
}

void coredns_daemonset_remove(const struct snapshot *seen, const struct object *live,
                              int64_t now_ms, struct plan *plan)
{
    if (!coredns_others_reverted(seen, plan) || !topology_lets_go(seen, plan) ||
        !deployment_serves(seen, live, now_ms, plan)) {
        return;
    }
    struct json_object *body = json_new_object();
    json_set_str(body, "apiVersion", "v1");
    json_set_str(body, "kind", "DeleteOptions");
    json_set_str(json_ensure_object(body, "preconditions"), "uid", live->uid);
    struct action *action =
        plan_add_take(plan, ACTION_DELETE, &resource_daemonset, live->ns, live->name, body);
    if (action != NULL) {
        action->input = INPUT_DNS_DAEMONSET;
    }
    action_reason(action, "Reverted",
                  "delete DaemonSet kube-system/coredns: Deployment kube-system/coredns serves");
    plan->state = PLAN_CHANGING;
}
