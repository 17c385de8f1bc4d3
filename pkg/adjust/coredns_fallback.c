#include "adjust/coredns_fallback.h"

#include <string.h>

#include "adjust/coredns_workload.h"
#include "adjust/dns_places.h"
#include "adjust/endpoints.h"
#include "adjust/liveness.h"
#include "base/attr.h"
#include "kube/managed_fields.h"

#define TOPOLOGY "metadata/annotations/openyurt.io~1topologyKeys"

enum {
    LOOK_AGAIN_MS = 15 * 1000,
    JOIN_MS = 10 * 60 * 1000, /* for a new node to pull CoreDNS: its pool has lost nothing yet */
};

static bool is_cut(const struct snapshot *seen)
{
    const struct object *deployment = snapshot_only(seen, INPUT_DNS_DEPLOYMENT);
    return deployment != NULL && json_get_int(deployment->body, "spec/replicas", 1) == 0;
}

/* When that field was last set; 0: unknown. */
static int64_t set_at_ms(const struct object *object, const char *field)
{
    struct field_owner owner = {0};
    bool known = object != NULL && managed_fields_owner(object->body, field, &owner);
    return known ? owner.time_ms : 0;
}

/* Since when pools live by their own servers: then a gate looked at the nodes that there were. */
static int64_t alone_since_ms(const struct snapshot *seen)
{
    return is_cut(seen) ? set_at_ms(snapshot_only(seen, INPUT_DNS_DEPLOYMENT), "spec/replicas")
                        : set_at_ms(snapshot_only(seen, INPUT_DNS_SERVICE), TOPOLOGY);
}

bool coredns_topology_filters(const struct snapshot *seen)
{
    static const char *const values[] = {"openyurt.io/nodepool", "kubernetes.io/zone",
                                         "kubernetes.io/hostname"};
    const struct object *service = snapshot_only(seen, INPUT_DNS_SERVICE);
    const char *value = json_get_str_or(service != NULL ? service->body : NULL, TOPOLOGY, "");
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (strcmp(value, values[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void survey(const struct snapshot *seen, int64_t now_ms, struct dns_places *places)
{
    int64_t since_ms = alone_since_ms(seen);
    bool cut = is_cut(seen);
    const struct store *nodes = seen->stores[INPUT_NODES];
    const struct store *pods = seen->stores[INPUT_DNS_PODS];
    AUTO(refs) struct refs endpoints = REFS_INIT;
    endpoints_collect(seen, &endpoints);
    for (size_t i = 0; i < store_len(nodes); i++) {
        const struct node *node = node_of(store_at(nodes, i));
        bool joined = node->object.created_ms <= since_ms ||
                      seen->wall_ms - node->object.created_ms >= JOIN_MS;
        bool alone = cut || node->pool != NULL; /* the others are shown the Deployment's too */
        if (dns_node_counts(node) && joined && alone && liveness_node(seen, node)) {
            dns_place_of(places, node)->live++;
        }
    }
    for (size_t i = 0; i < store_len(pods); i++) {
        const struct pod *pod = pod_of(store_at(pods, i));
        const struct node *node = endpoints_node(seen, &endpoints, pod);
        if (node != NULL && dns_node_counts(node)) {
            dns_place_offer(dns_place_of(places, node), seen, pod, now_ms);
        }
    }
}

/* Whether every live place has a server that answered: then no Lease is needed to know it. */
static bool all_answered(const struct dns_places *places)
{
    for (size_t i = 0; i < places->map.len; i++) {
        const struct dns_place *place = places->map.entries[i].value;
        if (place->live > 0 && !place->answered && !place->answered_before) {
            return false;
        }
    }
    return true;
}

static bool some_dark(const struct dns_places *places)
{
    for (size_t i = 0; i < places->map.len; i++) {
        const struct dns_place *place = places->map.entries[i].value;
        if (place->live > 0 && place->good == 0) {
            return true;
        }
    }
    return false;
}

/*
 * First by the nodes' Ready condition alone. The Leases are read when that leaves a doubt: a pool
 * seems dark, was dark before, or has no server that answers (its node may be gone while its
 * conditions still say otherwise).
 */
static bool look(const struct snapshot *seen, bool doubt, int64_t now_ms, struct plan *plan,
                 struct dns_places *places)
{
    struct snapshot by_condition = *seen;
    by_condition.leases_known = false;
    survey(&by_condition, now_ms, places);
    if (!doubt && all_answered(places)) {
        return true;
    }
    if (seen->leases_unreadable) {
        return true; /* by the conditions then: rather one fallback too many than a pool in the dark
                      */
    }
    if (!liveness_known(seen, now_ms, plan)) {
        return false;
    }
    if (some_dark(places)) {
        plan_requeue(plan, LOOK_AGAIN_MS); /* a node's clock may be wrong: two readings tell */
    }
    dns_places_finish(places);
    survey(seen, now_ms, places);
    return true;
}

/* How the places that are dark now have been so; returns the longest time. */
static int64_t keep_dark(struct json_object *record, const struct dns_places *places,
                         int64_t wall_ms, struct names *ret_dark)
{
    struct json_object *dark = json_new_object();
    const struct json_object *before = json_member(record, "dark");
    int64_t longest_ms = -1000;
    for (size_t i = 0; i < places->map.len; i++) {
        const struct dns_place *place = places->map.entries[i].value;
        const char *name = places->map.entries[i].key;
        if (place->live == 0 || place->good > 0) {
            continue;
        }
        names_add(ret_dark, name);
        json_set_int(dark, name, json_get_int(json_member(before, name), "", 0));
        int64_t since_ms = coredns_record_since(dark, name, wall_ms);
        longest_ms = since_ms > longest_ms ? since_ms : longest_ms;
    }
    if (ret_dark->count > 0) {
        json_set_take(record, "dark", dark);
    } else {
        json_del(record, "dark");
        json_unref(dark);
    }
    return longest_ms;
}

static void ask(const struct snapshot *seen, const struct dns_places *places, struct plan *plan)
{
    AUTO(names) struct names silent = NAMES_INIT;
    for (size_t i = 0; i < places->map.len; i++) {
        const struct dns_place *place = places->map.entries[i].value;
        if (place->live == 0) {
            continue;
        }
        enum dns_verdict verdict = dns_place_ask(place, seen, plan);
        if (verdict == DNS_VERDICT_SILENT) {
            names_add(&silent, places->map.entries[i].key);
        } else if (verdict == DNS_VERDICT_FAILS && place->offered > 0) {
            plan_requeue(plan, DNS_FAILED_AGAIN_MS);
        }
    }
    dns_places_say_silent(&silent, plan);
    plan_requeue(plan, DNS_AGAIN_MS);
}

enum coredns_watch coredns_watch(const struct snapshot *seen, const struct policy *policy,
                                 struct json_object *record, int64_t now_ms, struct plan *plan,
                                 struct names *ret_dark)
{
    AUTO(dns_places) struct dns_places places;
    int64_t grace_ms = policy_duration_ms(policy, "coredns-deployment.grace");
    dns_places_init(&places);
    if (!look(seen, json_member(record, "dark") != NULL, now_ms, plan, &places)) {
        return COREDNS_WATCH_UNKNOWN;
    }
    int64_t dark_ms = keep_dark(record, &places, seen->wall_ms, ret_dark);
    if (is_cut(seen)) {
        ask(seen, &places, plan); /* before, the gate does */
    }
    if (ret_dark->count == 0) {
        return COREDNS_WATCH_LIT;
    }
    if (dark_ms >= grace_ms) {
        return COREDNS_WATCH_DUE;
    }
    plan_requeue(plan, grace_ms - dark_ms);
    return COREDNS_WATCH_DARK;
}

enum coredns_fallback coredns_fallback_state(const struct snapshot *seen)
{
    const struct object *deployment = snapshot_only(seen, INPUT_DNS_DEPLOYMENT);
    AUTO(coredns_record) struct coredns_record record;
    coredns_record_read(seen, deployment, &record);
    if (json_member(record.was, "fallback") == NULL) {
        return COREDNS_FALLBACK_NONE;
    }
    return coredns_deployment_serves(deployment) ? COREDNS_FALLBACK_SERVED : COREDNS_FALLBACK_BEGUN;
}
