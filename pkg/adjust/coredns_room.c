#include "adjust/coredns_room.h"

#include <string.h>

#include "adjust/coredns_fallback.h"
#include "adjust/coredns_template.h"
#include "adjust/coredns_workload.h"
#include "adjust/dns_places.h"
#include "adjust/endpoints.h"
#include "adjust/liveness.h"
#include "adjust/refs.h"
#include "base/alloc.h"
#include "base/buf.h"

enum {
    NODES_TEXT_MAX = 4096,
};

struct room {
    const struct snapshot *seen;
    struct dns_places places; /* `ready`: pods that serve there and are not to go */
    struct refs held;         /* nodes with a pod of the DaemonSet that serves */
    struct refs taken;        /* nodes with a pod of the Deployment */
    struct refs used;         /* nodes with either, in whatever state */
    size_t serving;           /* in all places */
    bool filtered;            /* yurthub shows a pool its own endpoints only */
    size_t wanted;
    size_t chosen;
    struct buf nodes; /* their names, as kubectl takes them */
};

static bool is_daemonsets(const struct pod *pod)
{
    return pod->owner_kind != NULL && strcmp(pod->owner_kind, "DaemonSet") == 0;
}

static void survey(struct room *room)
{
    const struct store *pods = room->seen->stores[INPUT_DNS_PODS];
    AUTO(refs) struct refs endpoints = REFS_INIT;
    endpoints_collect(room->seen, &endpoints);
    for (size_t i = 0; i < store_len(pods); i++) {
        const struct pod *pod = pod_of(store_at(pods, i));
        const struct node *serves_on = endpoints_node(room->seen, &endpoints, pod);
        const struct node *node = liveness_find(room->seen, pod->node);
        if (node == NULL || pod->ended) {
            continue;
        }
        refs_add(&room->used, node);
        if (!is_daemonsets(pod)) {
            refs_add(&room->taken, node);
        }
        if (serves_on != NULL) {
            dns_place_of(&room->places, node)->ready++;
            room->serving++;
        }
        if (serves_on != NULL && is_daemonsets(pod)) {
            refs_add(&room->held, node);
        }
    }
    refs_seal(&room->held);
    refs_seal(&room->taken);
    refs_seal(&room->used);
}

/* Cloud nodes that have room already: a pod is on its way there, or something else keeps it. */
static size_t count_free(const struct room *room)
{
    const struct store *nodes = room->seen->stores[INPUT_NODES];
    size_t count = 0;
    for (size_t i = 0; i < store_len(nodes); i++) {
        const struct node *node = node_of(store_at(nodes, i));
        count += !node->edge && !node->unschedulable && dns_node_counts(node) &&
                 liveness_node(room->seen, node) && !refs_has(&room->used, node);
    }
    return count;
}

/* Whether the node's place is served by others when its pod goes; it counts as gone then. */
static bool can_spare(struct room *room, const struct node *node)
{
    struct dns_place *place = dns_place_of(&room->places, node);
    bool shown_all = !room->filtered || (node->pool == NULL && !node->edge_labelled);
    if (room->serving < 2 || (!shown_all && place->ready < 2)) {
        return false;
    }
    room->serving--;
    place->ready--;
    return true;
}

/* Where a pod of the Deployment could run in the place of the DaemonSet's. */
static void choose(struct room *room, bool edge)
{
    const struct store *nodes = room->seen->stores[INPUT_NODES];
    for (size_t i = 0; i < store_len(nodes) && room->chosen < room->wanted; i++) {
        const struct node *node = node_of(store_at(nodes, i));
        if (node->edge == edge && !node->unschedulable && refs_has(&room->held, node) &&
            !refs_has(&room->taken, node) && can_spare(room, node)) {
            buf_printf(&room->nodes, "%s%s", room->chosen > 0 ? " " : "", node->object.name);
            room->chosen++;
        }
    }
}

static char *advice_text(const struct room *room)
{
    if (room->chosen == 0) {
        return xstrdup("; its required podAntiAffinity keeps them from nodes with a CoreDNS pod of "
                       "the DaemonSet, and no node can give its own up without leaving its pool "
                       "without DNS: it needs another node, with label " COREDNS_NODE_LABEL "=off");
    }
    return xasprintf(
        "; its required podAntiAffinity keeps them from nodes with a CoreDNS pod of the "
        "DaemonSet. Make room with `kubectl label node %s " COREDNS_NODE_LABEL
        "=off` (others serve meanwhile), and take the label away when all is reverted",
        buf_str(&room->nodes));
}

char *coredns_room_advice(const struct snapshot *seen, const struct object *deployment)
{
    if (!coredns_deployment_keeps_apart(deployment)) {
        return xstrdup("");
    }
    int64_t missing = json_get_int(deployment->body, "spec/replicas", 1) -
                      json_get_int(deployment->body, "status/availableReplicas", 0);
    struct room room = {.seen = seen,
                        .filtered = coredns_topology_filters(seen),
                        .wanted = missing > 1 ? (size_t)missing : 1,
                        .nodes = BUF_INIT(NODES_TEXT_MAX)};
    dns_places_init(&room.places);
    survey(&room);
    size_t free_nodes = count_free(&room);
    bool has_room = free_nodes >= room.wanted;
    room.wanted -= has_room ? room.wanted : free_nodes;
    choose(&room, false);
    choose(&room, true);
    char *advice = has_room ? xstrdup("") : advice_text(&room);
    dns_places_finish(&room.places);
    refs_finish(&room.held);
    refs_finish(&room.taken);
    refs_finish(&room.used);
    buf_finish(&room.nodes);
    return advice;
}
