#include "adjust/kube_proxy_roll.h"

#include <stdlib.h>
#include <string.h>

#include "adjust/liveness.h"
#include "adjust/names.h"
#include "base/alloc.h"
#include "kube/pod.h"

enum {
    POD_START_MS = 3 * 60 * 1000, /* a new pod that is not Ready by then has failed */
    POD_END_MS = 3 * 60 * 1000,   /* a deleted pod that is still there then is stuck */
    RECHECK_MS = 15 * 1000,
    SERVER_TICK_MS = 1000, /* the resolution of the server's times */
};

/* The roll as it stands, counted over the pods of the DaemonSet. */
struct roll {
    size_t live;               /* pods on live nodes */
    size_t stale;              /* to be replaced, on live nodes */
    size_t proven;             /* new, and Ready for as long as the soak, on live nodes */
    size_t missing;            /* live nodes that the DaemonSet wants a pod on and that have none */
    const struct pod *waiting; /* the pod that has been new or ending longest, on a live node */
    int64_t soak_ms;
    int64_t soak_left_ms;       /* until the last of the Ready ones is proven */
    int64_t moved_ms;           /* when a new pod last changed, or the record; monotonic */
    struct names offline_nodes; /* of pods to be replaced */
    struct names bare_nodes;    /* live ones without a pod, when some are missing */
};

#define ROLL_INIT ((struct roll){.offline_nodes = NAMES_INIT, .bare_nodes = NAMES_INIT})

static void roll_finish(struct roll *roll)
{
    names_finish(&roll->offline_nodes);
    names_finish(&roll->bare_nodes);
}
DEFINE_AUTO_FINISH(roll, struct roll, roll_finish)

static bool is_stale(const struct pod *pod, const struct roll_window *window)
{
    return pod->object.created_ms >= window->from_ms && pod->object.created_ms <= window->to_ms;
}

static bool is_ours(const struct pod *pod, const struct object *daemonset)
{
    return !pod->ended && pod->owner_uid != NULL && strcmp(pod->owner_uid, daemonset->uid) == 0;
}

/* --- counting --- */

static void count_waiting(struct roll *roll, const struct pod *pod)
{
    if (roll->waiting == NULL || pod->object.seen_ms < roll->waiting->object.seen_ms) {
        roll->waiting = pod;
    }
}

static void count_fresh(struct roll *roll, const struct pod *pod, int64_t now_ms)
{
    int64_t left = roll->soak_ms - (now_ms - pod->object.seen_ms);
    if (!pod->ready) {
        count_waiting(roll, pod);
    } else if (left <= 0) {
        roll->proven++;
    } else {
        roll->soak_left_ms = left > roll->soak_left_ms ? left : roll->soak_left_ms;
    }
    if (pod->object.seen_ms > roll->moved_ms) {
        roll->moved_ms = pod->object.seen_ms;
    }
}

static void count_pod(const struct snapshot *seen, const struct roll_window *window,
                      const struct pod *pod, int64_t now_ms, struct roll *roll)
{
    const struct node *node = liveness_find(seen, pod->node);
    bool stale = is_stale(pod, window);
    if (pod->node == NULL && !stale) { /* just made, to be bound in a moment: its wave is open */
        count_waiting(roll, pod);
    } else if (node == NULL || !liveness_node(seen, node)) {
        if (stale) {
            names_add(&roll->offline_nodes, pod->node != NULL ? pod->node : "(not bound)");
        }
    } else {
        roll->live++;
        if (pod->object.deleting) {
            count_waiting(roll, pod);
        } else if (stale) {
            roll->stale++;
        } else {
            count_fresh(roll, pod, now_ms);
        }
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * Live nodes without a pod. Which nodes the DaemonSet selects only its controller knows; what it
 * wants and does not have is `lacking` in all.
 */
static void count_missing(const struct snapshot *seen, const char **occupied, size_t len,
                          size_t lacking, struct roll *roll)
{
    const struct store *nodes = seen->stores[INPUT_NODES];
    qsort(occupied, len, sizeof(*occupied), compare_names);
    for (size_t i = 0; i < store_len(nodes); i++) {
        const struct node *node = node_of(store_at(nodes, i));
        const char *name = node->object.name;
        if (node->linux && !node->host_network_pool && liveness_node(seen, node) &&
            bsearch(&name, occupied, len, sizeof(*occupied), compare_names) == NULL) {
            names_add(&roll->bare_nodes, name);
        }
    }
    roll->missing = roll->bare_nodes.count < lacking ? roll->bare_nodes.count : lacking;
}

static void count(const struct snapshot *seen, const struct policy *policy,
                  const struct object *daemonset, const struct roll_window *window, int64_t now_ms,
                  struct roll *roll)
{
    const struct store *pods = seen->stores[INPUT_PROXY_PODS];
    const struct object *state = snapshot_only(seen, INPUT_STATE);
    AUTO_FREE const char **occupied = xcalloc(store_len(pods) + 1, sizeof(*occupied));
    size_t occupied_len = 0;
    size_t present = 0;
    roll->soak_ms = policy_duration_ms(policy, "kube-proxy-kubeconfig.soak");
    roll->moved_ms = state != NULL ? state->seen_ms : 0;
    for (size_t i = 0; i < store_len(pods); i++) {
        const struct pod *pod = pod_of(store_at(pods, i));
        if (!is_ours(pod, daemonset)) {
            continue;
        }
        /* one whose node is gone is in nobody's place */
        present += pod->node == NULL || liveness_find(seen, pod->node) != NULL;
        if (pod->node != NULL) {
            occupied[occupied_len++] = pod->node;
        }
        count_pod(seen, window, pod, now_ms, roll);
    }
    int64_t wanted = json_get_int(daemonset->body, "status/desiredNumberScheduled", 0);
    if (wanted > (int64_t)present) {
        count_missing(seen, occupied, occupied_len, (size_t)wanted - present, roll);
    }
}

/* --- deleting --- */

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

void kube_proxy_roll_wave(const struct snapshot *seen, const struct policy *policy,
                          const struct roll_window *window, int64_t now_ms, struct plan *plan)
{
    const struct object *daemonset = snapshot_only(seen, INPUT_PROXY_DAEMONSET);
    AUTO(roll) struct roll roll = ROLL_INIT;
    count(seen, policy, daemonset, window, now_ms, &roll);
    bool canary = roll.proven == 0;
    size_t share = roll.live * (size_t)policy_percent(policy, "kube-proxy-kubeconfig.wave") / 100;
    size_t most = canary || share == 0 ? 1 : share;
    delete_wave(seen, daemonset, window, most < PLAN_ACTIONS_MAX ? most : PLAN_ACTIONS_MAX, canary,
                plan);
    plan->state = PLAN_CHANGING;
}

/* --- waiting --- */

static void stop_for_pod(const struct pod *pod, struct plan *plan)
{
    const char *node = pod->node != NULL ? pod->node : "(none)";
    if (pod->object.deleting) {
        plan_hold(plan, true, "RollStopped",
                  "pod %s on node %s is still there %d minutes after it was deleted; no more "
                  "kube-proxy pods are replaced until it is gone",
                  pod->object.name, node, POD_END_MS / 60000);
    } else {
        plan_hold(plan, true, "RollStopped",
                  "pod %s on node %s is not Ready %d minutes after it was replaced; no more "
                  "kube-proxy pods are replaced until it is",
                  pod->object.name, node, POD_START_MS / 60000);
    }
}

/*
 * Whether the last wave has failed. That a pod is missing leaves no time of its own: it is counted
 * from the last movement, after which the wave was deleted within the soak, ended, and was to be
 * followed.
 */
static bool wave_failed(struct roll *roll, int64_t now_ms, struct plan *plan)
{
    const struct pod *waiting = roll->waiting;
    if (waiting != NULL && now_ms - waiting->object.seen_ms >=
                               (waiting->object.deleting ? POD_END_MS : POD_START_MS)) {
        stop_for_pod(waiting, plan);
        return true;
    }
    if (roll->missing > 0 && now_ms - roll->moved_ms >= roll->soak_ms + POD_END_MS + POD_START_MS) {
        plan_hold(plan, true, "RollStopped",
                  "no new kube-proxy pod is made on node %s, though DaemonSet kube-proxy wants %zu "
                  "more; no more kube-proxy pods are replaced until it is there: is "
                  "kube-controller-manager running?",
                  names_text(&roll->bare_nodes), roll->missing);
        return true;
    }
    return false;
}

/* Whether the last wave is still under way or has failed; then nothing more is deleted. */
static bool wave_open(const struct policy *policy, struct roll *roll, int64_t now_ms,
                      struct plan *plan)
{
    if (wave_failed(roll, now_ms, plan)) {
        plan_requeue(plan, RECHECK_MS);
        return true;
    }
    if (roll->waiting == NULL && roll->missing == 0 && roll->soak_left_ms == 0) {
        return false;
    }
    plan_hold(plan, false, "RollWaiting",
              "waits until all new kube-proxy pods are there and have been Ready for %s",
              policy_value(policy, "kube-proxy-kubeconfig.soak"));
    plan->state = PLAN_CHANGING;
    plan_requeue(plan, roll->soak_left_ms > 0 ? roll->soak_left_ms : RECHECK_MS);
    return true;
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

bool kube_proxy_roll_left(const struct snapshot *seen, const struct roll_window *window)
{
    const struct object *daemonset = snapshot_only(seen, INPUT_PROXY_DAEMONSET);
    const struct store *pods = seen->stores[INPUT_PROXY_PODS];
    for (size_t i = 0; daemonset != NULL && i < store_len(pods); i++) {
        const struct pod *pod = pod_of(store_at(pods, i));
        if (is_ours(pod, daemonset) && is_stale(pod, window)) {
            return true;
        }
    }
    return false;
}

enum roll_step kube_proxy_roll_next(const struct snapshot *seen, const struct policy *policy,
                                    const struct roll_window *window, int64_t now_ms,
                                    struct plan *plan)
{
    const struct object *daemonset = snapshot_only(seen, INPUT_PROXY_DAEMONSET);
    if (daemonset == NULL || (window->settled && !kube_proxy_roll_left(seen, window))) {
        return ROLL_DONE;
    }
    if (!liveness_known(seen, now_ms, plan)) {
        return ROLL_WAIT;
    }
    AUTO(roll) struct roll roll = ROLL_INIT;
    count(seen, policy, daemonset, window, now_ms, &roll);
    if (roll.offline_nodes.count > 0) {
        plan_note(plan, false, "OfflineNodesPending",
                  "kube-proxy pods on offline nodes are replaced when these are back: %s",
                  names_text(&roll.offline_nodes));
        plan_requeue(plan, RECHECK_MS);
    }
    if (window->settled && roll.stale == 0) {
        return ROLL_DONE;
    }
    if ((roll.stale > 0 && edit_is_now(seen, window, plan)) ||
        wave_open(policy, &roll, now_ms, plan)) {
        return ROLL_WAIT;
    }
    return roll.stale > 0 ? ROLL_WAVE : ROLL_DONE;
}
