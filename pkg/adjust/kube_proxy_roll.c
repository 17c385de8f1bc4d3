#include "adjust/kube_proxy_roll.h"

#include <string.h>

#include "adjust/liveness.h"
#include "adjust/names.h"
#include "kube/pod.h"

enum {
    POD_START_MS = 3 * 60 * 1000, /* a new pod that is not Ready by then has failed */
    RECHECK_MS = 15 * 1000,
    SERVER_TICK_MS = 1000, /* the resolution of the server's times */
};

/* The roll as it stands, counted over the pods of the DaemonSet. */
struct roll {
    size_t live;               /* pods on live nodes */
    size_t stale;              /* to be replaced, on live nodes */
    size_t offline;            /* to be replaced, on offline nodes */
    size_t proven;             /* new, and Ready for as long as the soak, on live nodes */
    size_t missing;            /* pods that the DaemonSet wants and that are not there */
    const struct pod *waiting; /* a new or ending pod on a live node that is not proven yet */
    int64_t soak_left_ms;      /* until the last of the Ready ones is proven */
    struct names offline_nodes;
};

static bool is_stale(const struct pod *pod, const struct roll_window *window)
{
    return pod->object.created_ms >= window->from_ms && pod->object.created_ms <= window->to_ms;
}

static bool is_ours(const struct pod *pod, const struct object *daemonset)
{
    return !pod->ended && pod->owner_uid != NULL && strcmp(pod->owner_uid, daemonset->uid) == 0;
}

static void count_fresh(struct roll *roll, const struct pod *pod, int64_t soak_ms, int64_t now_ms)
{
    int64_t left = soak_ms - (now_ms - pod->object.seen_ms);
    if (pod->ready && left <= 0) {
        roll->proven++;
    } else if (pod->ready) {
        roll->soak_left_ms = left > roll->soak_left_ms ? left : roll->soak_left_ms;
    } else if (roll->waiting == NULL || pod->object.seen_ms < roll->waiting->object.seen_ms) {
        roll->waiting = pod;
    }
}

static void count_pod(const struct snapshot *seen, const struct roll_window *window,
                      const struct pod *pod, int64_t soak_ms, int64_t now_ms, struct roll *roll)
{
    const struct node *node = liveness_find(seen, pod->node);
    bool stale = is_stale(pod, window);
    if (pod->node == NULL && !stale) { /* just made, to be bound in a moment: its wave is open */
        roll->waiting = roll->waiting != NULL ? roll->waiting : pod;
        return;
    }
    if (node == NULL || !liveness_node(seen, node)) {
        if (stale) {
            roll->offline++;
            names_add(&roll->offline_nodes, pod->node != NULL ? pod->node : "(not bound)");
        }
        return;
    }
    roll->live++;
    if (pod->object.deleting) {
        roll->waiting = roll->waiting != NULL ? roll->waiting : pod;
    } else if (stale) {
        roll->stale++;
    } else {
        count_fresh(roll, pod, soak_ms, now_ms);
    }
}

static void count(const struct snapshot *seen, const struct policy *policy,
                  const struct object *daemonset, const struct roll_window *window, int64_t now_ms,
                  struct roll *roll)
{
    const struct store *pods = seen->stores[INPUT_PROXY_PODS];
    int64_t soak_ms = policy_duration_ms(policy, "kube-proxy-kubeconfig.soak");
    int64_t present = 0;
    for (size_t i = 0; i < store_len(pods); i++) {
        const struct pod *pod = pod_of(store_at(pods, i));
        if (is_ours(pod, daemonset)) {
            present++;
            count_pod(seen, window, pod, soak_ms, now_ms, roll);
        }
    }
    int64_t wanted = json_get_int(daemonset->body, "status/desiredNumberScheduled", 0);
    roll->missing = wanted > present ? (size_t)(wanted - present) : 0;
}

static void delete_pod(const struct pod *pod, bool canary, struct plan *plan)
{
    struct json_object *body = json_new_object();
    json_set_str(body, "apiVersion", "v1");
    json_set_str(body, "kind", "DeleteOptions");
    json_set_str(json_ensure_object(body, "preconditions"), "uid", pod->object.uid);
    struct action *action =
        plan_add_take(plan, ACTION_DELETE, &resource_pod, pod->object.ns, pod->object.name, body);
    if (action != NULL) {
        action->input = INPUT_PROXY_PODS;
        action_reason(action, "PodReplaced",
                      "replace pod %s on node %s%s: it was started with "
                      "another kube-proxy configuration",
                      pod->object.name, pod->node, canary ? " (canary)" : "");
    }
}

/* Pods that are Ready go first: one that already failed must not count as a failed wave. */
static void delete_wave(const struct snapshot *seen, const struct object *daemonset,
                        const struct roll_window *window, size_t most, bool canary,
                        struct plan *plan)
{
    const struct store *pods = seen->stores[INPUT_PROXY_PODS];
    for (int want_ready = 1; want_ready >= 0; want_ready--) {
        for (size_t i = 0; i < store_len(pods) && most > 0; i++) {
            const struct pod *pod = pod_of(store_at(pods, i));
            const struct node *node = liveness_find(seen, pod->node);
            if (is_ours(pod, daemonset) && !pod->object.deleting && is_stale(pod, window) &&
                node != NULL && liveness_node(seen, node) && pod->ready == (want_ready == 1)) {
                delete_pod(pod, canary, plan);
                most--;
            }
        }
    }
}

/* Whether the last wave is still under way or has failed; then nothing more is deleted. */
static bool wave_open(const struct roll *roll, int64_t now_ms, struct plan *plan)
{
    const struct pod *waiting = roll->waiting;
    if (waiting != NULL && now_ms - waiting->object.seen_ms >= POD_START_MS) {
        plan_hold(plan, true, "RollStopped",
                  "pod %s on node %s is not Ready %d minutes after it was replaced; no more "
                  "kube-proxy pods are replaced until it is",
                  waiting->object.name, waiting->node != NULL ? waiting->node : "(none)",
                  POD_START_MS / 60000);
        plan_requeue(plan, RECHECK_MS);
        return true;
    }
    if (waiting != NULL || roll->missing > 0 || roll->soak_left_ms > 0) {
        plan->state = PLAN_CHANGING;
        plan_requeue(plan, roll->soak_left_ms > 0 ? roll->soak_left_ms : RECHECK_MS);
        return true;
    }
    return false;
}

static void plan_wave(const struct snapshot *seen, const struct policy *policy,
                      const struct object *daemonset, const struct roll_window *window,
                      const struct roll *roll, struct plan *plan)
{
    bool canary = roll->proven == 0;
    size_t share = roll->live * (size_t)policy_percent(policy, "kube-proxy-kubeconfig.wave") / 100;
    size_t most = canary || share == 0 ? 1 : share;
    delete_wave(seen, daemonset, window, most < PLAN_ACTIONS_MAX ? most : PLAN_ACTIONS_MAX, canary,
                plan);
    plan->state = PLAN_CHANGING;
}

/*
 * The server's times have whole seconds: a pod made in the second of the edit can't be told from
 * one made before it, and would be replaced twice. So nothing is deleted within that second.
 */
static bool edit_is_now(const struct snapshot *seen, const struct roll_window *window,
                        struct plan *plan)
{
    int64_t since_ms = seen->wall_ms - window->to_ms;
    if (since_ms < 0 || since_ms >= SERVER_TICK_MS) {
        return false;
    }
    plan->state = PLAN_CHANGING;
    plan_requeue(plan, SERVER_TICK_MS - since_ms);
    return true;
}

static bool any_stale(const struct snapshot *seen, const struct object *daemonset,
                      const struct roll_window *window)
{
    const struct store *pods = seen->stores[INPUT_PROXY_PODS];
    for (size_t i = 0; i < store_len(pods); i++) {
        const struct pod *pod = pod_of(store_at(pods, i));
        if (is_ours(pod, daemonset) && is_stale(pod, window)) {
            return true;
        }
    }
    return false;
}

size_t kube_proxy_roll(const struct snapshot *seen, const struct policy *policy,
                       const struct roll_window *window, int64_t now_ms, struct plan *plan)
{
    const struct object *daemonset = snapshot_only(seen, INPUT_PROXY_DAEMONSET);
    if (daemonset == NULL || !any_stale(seen, daemonset, window)) {
        return 0;
    }
    if (!liveness_known(seen, now_ms, plan)) {
        return 1;
    }
    struct roll roll = {.offline_nodes = NAMES_INIT};
    count(seen, policy, daemonset, window, now_ms, &roll);
    size_t left = roll.stale + roll.offline;
    if (roll.stale > 0 && !edit_is_now(seen, window, plan) && !wave_open(&roll, now_ms, plan)) {
        plan_wave(seen, policy, daemonset, window, &roll, plan);
    }
    if (roll.offline > 0) {
        plan_note(plan, false, "OfflineNodesPending",
                  "kube-proxy pods on offline nodes are replaced when these are back: %s",
                  names_text(&roll.offline_nodes));
        plan_requeue(plan, RECHECK_MS);
    }
    names_finish(&roll.offline_nodes);
    return left;
}
