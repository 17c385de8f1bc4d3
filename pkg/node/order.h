/*
 * Whether this node may change this component now: one node at a time, the others healthy first,
 * all controller-managers before the first API server.
 *
 * A pure function of Nodes and Pods as the API server gave them (json-c, borrowed). Control-plane
 * nodes are those with the label node-role.kubernetes.io/control-plane or, before Kubernetes 1.24,
 * .../master, and those that run an API server as a static pod. Asked before a change begins; one
 * that is under way is not stopped in the middle.
 */
#ifndef NODE_ORDER_H
#define NODE_ORDER_H

#include <json-c/json_types.h>
#include <stdbool.h>

#include "node/precondition.h"
#include "staticpod/staticpod_manifest.h"

struct order_input {
    const struct json_object *nodes; /* array: Nodes; those of no control plane are passed over */
    const struct json_object *pods; /* array: Pods of kube-system with the label tier=control-plane;
                                       others are passed over */
    const char *node;               /* this one */
    enum staticpod_component component;
    bool revert;           /* what was there before is put back, not an edit made */
    const char *under_way; /* the node that is changing now, by the Lease; NULL or "": none */
    bool single_allowed;   /* static-pods.single-control-plane: Allow */
    /* kube-controller-manager is on Enforce and its replacement is there: nodes where nodelifecycle
     * is on still go before any API server */
    bool controller_manager_first;
};

/*
 * Open, or held: ControlPlaneUnknown (this node is not among the Nodes), AnotherNodeUnderWay,
 * SingleControlPlane, NodeNotReady, ComponentNotReady (on this node), OthersNotReady,
 * ControllerManagerFirst. The message names the nodes.
 */
void order_decide(const struct order_input *input, struct precondition *verdict);

#endif
