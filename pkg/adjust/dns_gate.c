#include "adjust/dns_gate.h"

#include <string.h>

#include "adjust/coredns_workload.h"
#include "adjust/dns_places.h"
#include "adjust/endpoints.h"
#include "adjust/liveness.h"
#include "adjust/names.h"
#include "base/alloc.h"
#include "kube/workload.h"

#define GENERATION "metadata/annotations/deprecated.daemonset.template.generation"

#define TOPOLOGY "metadata/annotations/openyurt.io~1topologyKeys"

static const char hostname[] = "kubernetes.io/hostname";

/* What may not be judged by an old copy. */
static const unsigned seen_by_gate = INPUT_BIT(INPUT_NODES) | INPUT_BIT(INPUT_DNS_PODS) |
                                     INPUT_BIT(INPUT_DNS_SLICES) | INPUT_BIT(INPUT_DNS_SERVICE) |
                                     INPUT_BIT(INPUT_DNS_DAEMONSET);

enum {
    BLIND_AGAIN_MS = 5 * 1000,
    RECHECK_MS = 15 * 1000, /* Leases are not watched: look again while closed */
    CALM_MS = 10 * 1000,    /* a DaemonSet whose counts changed within this may be coming up */
    YOUNG_MS = 60 * 1000,   /* … if it, or a pod of it, is younger than this */
};

struct survey {
    struct dns_places places;
    struct refs endpoints;
    struct refs own;        /* nodes with a pod of the DaemonSet that serves */
    struct refs covered;    /* those, and nodes with a Ready pod of the Deployment */
    struct refs deployment; /* nodes with a Ready pod of the Deployment */
    struct refs daemonset;  /* nodes with a pod of the DaemonSet in whatever state */
    struct names offline;   /* nodes */
    struct names unlisted;  /* Ready pods of the DaemonSet that no EndpointSlice holds */
    int64_t newest_ms;      /* when the DaemonSet, or its newest pod, was created */
    size_t eligible;        /* live nodes that are schedulable: "E" in the design */
    bool cloud;             /* one of them is a cloud node */
    bool cloud_served;
};

static bool is_eligible(const struct snapshot *seen, const struct node *node)
{
    return dns_node_counts(node) && !node->unschedulable && liveness_node(seen, node);
}

static void survey_nodes(const struct snapshot *seen, struct survey *survey)
{
    const struct store *nodes = seen->stores[INPUT_NODES];
    for (size_t i = 0; i < store_len(nodes); i++) {
        const struct node *node = node_of(store_at(nodes, i));
        if (!dns_node_counts(node)) {
            continue;
        }
        if (!liveness_node(seen, node)) {
            names_add(&survey->offline, node->object.name);
            continue;
        }
        /* a cordoned node is not asked for CoreDNS, its pool is: pods still run there */
        dns_place_of(&survey->places, node)->live++;
        if (is_eligible(seen, node)) {
            survey->eligible++;
            survey->cloud = survey->cloud || !node->edge;
        }
    }
}

static bool is_current(const struct object *daemonset, const struct pod *pod)
{
    const char *wanted = json_get_str(daemonset->body, GENERATION);
    return wanted == NULL || (pod->generation != NULL && strcmp(pod->generation, wanted) == 0);
}

/* What keeps the pod from counting; NULL: nothing. */
static const char *what_is_wrong(const struct object *daemonset, const struct pod *pod)
{
    if (pod->object.deleting) {
        return "being deleted";
    }
    if (!pod->ready) {
        return pod->trouble != NULL ? pod->trouble : "not Ready";
    }
    return is_current(daemonset, pod) ? NULL : "of an older revision";
}

static void survey_ours(const struct snapshot *seen, const struct object *daemonset,
                        const struct pod *pod, const struct node *node, int64_t now_ms,
                        struct survey *survey)
{
    struct dns_place *place = dns_place_of(&survey->places, node);
    const char *why = what_is_wrong(daemonset, pod);
    refs_add(&survey->daemonset, node);
    if (pod->object.created_ms > survey->newest_ms) {
        survey->newest_ms = pod->object.created_ms;
    }
    if (why != NULL) {
        if (place->bad == NULL || (place->bad->trouble == NULL && pod->trouble != NULL)) {
            place->bad = pod;
            place->why = why;
        }
        return;
    }
    place->ready++;
    if (!refs_has(&survey->endpoints, &pod->object)) {
        names_add(&survey->unlisted, pod->object.name);
        return;
    }
    dns_place_offer(place, seen, pod, now_ms);
    refs_add(&survey->own, node);
    refs_add(&survey->covered, node);
    survey->cloud_served = survey->cloud_served || !node->edge;
}

static bool is_of(const struct pod *pod, const char *kind)
{
    return pod->owner_kind != NULL && strcmp(pod->owner_kind, kind) == 0;
}

static void survey_pods(const struct snapshot *seen, const struct object *daemonset, int64_t now_ms,
                        struct survey *survey)
{
    const struct store *pods = seen->stores[INPUT_DNS_PODS];
    for (size_t i = 0; i < store_len(pods); i++) {
        const struct pod *pod = pod_of(store_at(pods, i));
        const struct node *node = liveness_find(seen, pod->node);
        if (pod->ended || node == NULL || !dns_node_counts(node) || !liveness_node(seen, node)) {
            continue;
        }
        if (is_of(pod, "DaemonSet") && pod->owner_uid != NULL &&
            strcmp(pod->owner_uid, daemonset->uid) == 0) {
            survey_ours(seen, daemonset, pod, node, now_ms, survey);
        } else if (is_of(pod, "ReplicaSet") && pod->ready && !pod->object.deleting) {
            refs_add(&survey->deployment, node);
            refs_add(&survey->covered, node);
        }
    }
}

static void survey_init(struct survey *survey, const struct snapshot *seen,
                        const struct object *daemonset, int64_t now_ms)
{
    *survey = (struct survey){
        .offline = NAMES_INIT, .unlisted = NAMES_INIT, .newest_ms = daemonset->created_ms};
    dns_places_init(&survey->places);
    endpoints_collect(seen, &survey->endpoints);
    survey_nodes(seen, survey);
    survey_pods(seen, daemonset, now_ms, survey);
    refs_seal(&survey->own);
    refs_seal(&survey->covered);
    refs_seal(&survey->deployment);
    refs_seal(&survey->daemonset);
}

static void survey_finish(struct survey *survey)
{
    dns_places_finish(&survey->places);
    refs_finish(&survey->endpoints);
    refs_finish(&survey->own);
    refs_finish(&survey->covered);
    refs_finish(&survey->deployment);
    refs_finish(&survey->daemonset);
    names_finish(&survey->offline);
    names_finish(&survey->unlisted);
}

/* --- conditions; each holds the plan when it is not met --- */

/* Names the eligible nodes that are not in the set; returns how many are in it. */
static size_t name_others(const struct snapshot *seen, const struct refs *set, struct names *ret)
{
    const struct store *nodes = seen->stores[INPUT_NODES];
    size_t in = 0;
    for (size_t i = 0; i < store_len(nodes); i++) {
        const struct node *node = node_of(store_at(nodes, i));
        if (!is_eligible(seen, node)) {
            continue;
        }
        if (refs_has(set, node)) {
            in++;
        } else {
            names_add(ret, node->object.name);
        }
    }
    return in;
}

static bool enough_nodes(const struct snapshot *seen, const struct policy *policy,
                         const struct survey *survey, struct plan *plan)
{
    AUTO(names) struct names without = NAMES_INIT;
    size_t percent = (size_t)policy_percent(policy, "coredns-deployment.ready");
    size_t with = name_others(seen, &survey->covered, &without);
    if (with > 0 && with * 100 >= survey->eligible * percent) {
        return true;
    }
    plan_hold(plan, true, "NodesWithoutCoreDNS",
              "fewer than %zu%% (coredns-deployment.ready) of the eligible nodes have a Ready "
              "CoreDNS pod; without one: %s",
              percent, names_text(&without));
    return false;
}

/* Whether the annotation, as it is or as it is to be, shows a node its own endpoints only. */
static bool by_hostname(const struct snapshot *seen, const struct policy *policy)
{
    const struct object *service = snapshot_only(seen, INPUT_DNS_SERVICE);
    const char *current = json_get_str_or(service != NULL ? service->body : NULL, TOPOLOGY, "");
    return strcmp(current, hostname) == 0 ||
           (policy_mode(policy, &adjust_service_topology) == MODE_ENFORCE &&
            policy_is(policy, "service-topology.value", hostname));
}

/*
 * Nodes that yurthub shows nothing but their own endpoints: with kubernetes.io/hostname all of
 * them, with a node pool those of OpenYurt's that are in none. They can't live by others.
 */
static void every_node(const struct snapshot *seen, const struct policy *policy,
                       const struct survey *survey, struct plan *plan)
{
    AUTO(names) struct names without = NAMES_INIT;
    const struct store *nodes = seen->stores[INPUT_NODES];
    bool all = by_hostname(seen, policy);
    for (size_t i = 0; i < store_len(nodes); i++) {
        const struct node *node = node_of(store_at(nodes, i));
        bool alone = all || (node->pool == NULL && node->edge_labelled);
        if (alone && is_eligible(seen, node) && !refs_has(&survey->own, node)) {
            names_add(&without, node->object.name);
        }
    }
    if (without.count > 0) {
        plan_hold(plan, true, "NodesWithoutOwnCoreDNS",
                  "nodes that are shown their own DNS endpoints only (%s) need a Ready CoreDNS pod "
                  "of the DaemonSet; without one: %s",
                  all ? hostname : "edge nodes in no pool", names_text(&without));
    }
}

static void name_unserved(struct names *names, const char *name, const struct dns_place *place)
{
    AUTO_FREE char *text = NULL;
    if (place->bad != NULL) {
        text = xasprintf("%s (node %s: %s)", name, place->bad->node, place->why);
    } else {
        text = xasprintf("%s (no pod)", name);
    }
    names_add(names, text);
}

static void every_pool(const struct survey *survey, struct plan *plan)
{
    AUTO(names) struct names unserved = NAMES_INIT;
    for (size_t i = 0; i < survey->places.map.len; i++) {
        const struct dns_place *place = survey->places.map.entries[i].value;
        if (place->live > 0 && place->ready == 0) {
            name_unserved(&unserved, survey->places.map.entries[i].key, place);
        }
    }
    if (unserved.count > 0) {
        plan_hold(plan, true, "PoolsWithoutCoreDNS",
                  "live pools without a Ready CoreDNS pod of the DaemonSet: %s",
                  names_text(&unserved));
    }
}

static void slices_hold_pods(struct survey *survey, bool enough, struct plan *plan)
{
    bool needed = !enough;
    for (size_t i = 0; i < survey->places.map.len; i++) {
        const struct dns_place *place = survey->places.map.entries[i].value;
        needed = needed || (place->live > 0 && place->ready > 0 && place->offered == 0);
    }
    if (needed && survey->unlisted.count > 0) {
        plan_hold(plan, true, "EndpointsMissing",
                  "no EndpointSlice of the DNS Service holds these Ready CoreDNS pods of the "
                  "DaemonSet: %s; does the Service select them?",
                  names_text(&survey->unlisted));
    }
}

static void cloud_is_served(const struct survey *survey, struct plan *plan)
{
    if (survey->cloud && !survey->cloud_served) {
        plan_hold(plan, true, "CloudWithoutCoreDNS",
                  "no cloud node (label openyurt.io/is-edge-worker is not \"true\") has a Ready "
                  "CoreDNS pod of the DaemonSet as a DNS endpoint");
    }
}

/*
 * A *required* anti-affinity on the Deployment's pods (kubespray's CoreDNS) keeps the DaemonSet's
 * pod Pending where one of them is. Their nodes count for the percentage, so that only a pool that
 * has no other node waits; no order of ours can help it without leaving it without DNS for a while.
 */
static void nothing_in_the_way(const struct snapshot *seen, const struct survey *survey,
                               struct plan *plan)
{
    const struct store *nodes = seen->stores[INPUT_NODES];
    const struct object *deployment = snapshot_only(seen, INPUT_DNS_DEPLOYMENT);
    AUTO(names) struct names blocked = NAMES_INIT;
    if (deployment == NULL || !coredns_deployment_keeps_apart(deployment)) {
        return;
    }
    for (size_t i = 0; i < store_len(nodes); i++) {
        const struct node *node = node_of(store_at(nodes, i));
        const char *pool = node->pool != NULL ? node->pool : DNS_PLACE_NO_POOL;
        const struct dns_place *place = strmap_get(&survey->places.map, pool);
        if (place != NULL && place->ready == 0 && refs_has(&survey->deployment, node) &&
            !refs_has(&survey->daemonset, node)) {
            names_add(&blocked, node->object.name);
        }
    }
    if (blocked.count > 0) {
        plan_hold(plan, true, "AntiAffinityInTheWay",
                  "the Deployment's required podAntiAffinity keeps the DaemonSet's pod off the "
                  "nodes that hold a pod of the Deployment, and their pools have no other: %s; "
                  "delete that pod, or make the anti-affinity a preferred one",
                  names_text(&blocked));
    }
}

static void check(const struct snapshot *seen, const struct policy *policy, struct survey *survey,
                  struct plan *plan)
{
    if (survey->eligible == 0) {
        plan_hold(plan, true, "NoLiveNodes",
                  "no schedulable Linux node is Ready with a fresh Lease, so it can't be told "
                  "which pools have DNS");
        return;
    }
    bool enough = enough_nodes(seen, policy, survey, plan);
    every_node(seen, policy, survey, plan);
    every_pool(survey, plan);
    slices_hold_pods(survey, enough, plan);
    cloud_is_served(survey, plan);
    nothing_in_the_way(seen, survey, plan);
}

/* --- asking --- */

static enum dns_gate ask(const struct snapshot *seen, const struct survey *survey,
                         struct plan *plan)
{
    AUTO(names) struct names failing = NAMES_INIT;
    AUTO(names) struct names silent = NAMES_INIT;
    bool asking = false;
    bool again =
        false; /* a place that answered is asked anew; one that never did holds nobody up */
    for (size_t i = 0; i < survey->places.map.len; i++) {
        const struct dns_place *place = survey->places.map.entries[i].value;
        const char *name = survey->places.map.entries[i].key;
        if (place->live == 0) {
            continue;
        }
        size_t asked = plan->dns_len;
        enum dns_verdict verdict = dns_place_ask(place, seen, plan);
        asking = asking || verdict == DNS_VERDICT_ASKED;
        again = again || (verdict == DNS_VERDICT_ANSWERS && plan->dns_len > asked);
        if (verdict == DNS_VERDICT_FAILS) {
            names_add(&failing, name);
        } else if (verdict == DNS_VERDICT_SILENT) {
            names_add(&silent, name);
        }
    }
    if (failing.count > 0) {
        plan_hold(plan, true, "DNSFails",
                  "pools where every CoreDNS pod answers a query with an error: %s",
                  names_text(&failing));
        plan_requeue(plan, DNS_FAILED_AGAIN_MS);
        return DNS_GATE_CLOSED;
    }
    if (asking) {
        plan->state = PLAN_CHANGING;
        return DNS_GATE_ASKING;
    }
    dns_places_say_silent(&silent, plan);
    return again ? DNS_GATE_ASKING_AGAIN : DNS_GATE_OPEN;
}

/*
 * While the DaemonSet's pods come up, what is missing changes with each: one note for all of it.
 * Pods that come and go in a large cluster all the time are no such reason.
 */
static bool is_coming_up(const struct snapshot *seen, const struct object *daemonset,
                         const struct survey *survey, int64_t now_ms)
{
    return now_ms - daemonset->seen_ms < CALM_MS && seen->wall_ms - survey->newest_ms < YOUNG_MS;
}

static void say_why(const struct plan *closed, struct plan *plan)
{
    for (size_t i = 0; i < closed->notes_len; i++) {
        const struct note *note = &closed->notes[i];
        plan_hold(plan, note->warning, note->reason, "%s", note->message);
    }
}

static enum dns_gate look_at(const struct snapshot *seen, const struct policy *policy,
                             const struct object *daemonset, struct survey *survey, int64_t now_ms,
                             struct plan *plan)
{
    AUTO(plan) struct plan closed = {0};
    if (survey->offline.count > 0) {
        plan_note(plan, false, "OfflineNodes",
                  "nodes that are offline, which the cut-over does not wait for: %s",
                  names_text(&survey->offline));
    }
    check(seen, policy, survey, &closed);
    plan_requeue(plan, RECHECK_MS);
    if (closed.notes_len > 0 && is_coming_up(seen, daemonset, survey, now_ms)) {
        plan_hold(plan, false, "RollingOut",
                  "the pods of DaemonSet kube-system/coredns are coming up");
        plan_requeue(plan, CALM_MS - (now_ms - daemonset->seen_ms));
        return DNS_GATE_CLOSED;
    }
    if (closed.notes_len > 0) {
        say_why(&closed, plan);
        return DNS_GATE_CLOSED;
    }
    return ask(seen, survey, plan);
}

enum dns_gate dns_gate_look(const struct snapshot *seen, const struct policy *policy,
                            int64_t now_ms, struct plan *plan)
{
    const struct object *daemonset = snapshot_only(seen, INPUT_DNS_DAEMONSET);
    if (daemonset == NULL || daemonset->deleting) {
        /* where it is about to be made, that is no cause for alarm */
        bool expected = policy_mode(policy, &adjust_coredns_daemonset) == MODE_ENFORCE;
        plan_hold(plan, !expected, "DaemonSetMissing",
                  "DaemonSet kube-system/coredns %s; coredns-daemonset: Enforce makes it",
                  daemonset == NULL ? "does not exist" : "is being deleted");
        return DNS_GATE_CLOSED;
    }
    if ((seen->blind & seen_by_gate) != 0) {
        plan_hold(plan, true, "Blind",
                  "what the gate is judged by can't be watched at present (see the Events of "
                  "ConfigMap kube-system/yurt-steward); waiting");
        plan_requeue(plan, BLIND_AGAIN_MS);
        return DNS_GATE_CLOSED;
    }
    if (!workload_observed(daemonset)) {
        plan_hold(plan, false, "DaemonSetNotObserved",
                  "the DaemonSet controller has not seen DaemonSet kube-system/coredns as it is "
                  "now: status.observedGeneration is behind metadata.generation");
        return DNS_GATE_CLOSED;
    }
    if (!liveness_known(seen, now_ms, plan)) {
        return DNS_GATE_UNKNOWN;
    }
    struct survey survey;
    survey_init(&survey, seen, daemonset, now_ms);
    enum dns_gate gate = look_at(seen, policy, daemonset, &survey, now_ms, plan);
    survey_finish(&survey);
    return gate;
}
