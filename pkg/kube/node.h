/* Nodes, projected to what placement and liveness need. Pure. */
#ifndef KUBE_NODE_H
#define KUBE_NODE_H

#include "kube/object.h"

struct node {
    struct object object; /* first */
    char *pool;           /* label apps.openyurt.io/nodepool; NULL: in no pool */
    bool edge;            /* label openyurt.io/is-edge-worker is "true" */
    bool edge_labelled;   /* that label is present at all: OpenYurt converted the node */
    bool converted; /* condition YurtNodeConversionFailed has reason Converted (OpenYurt 1.7) */
    bool host_network_pool; /* label nodepool.openyurt.io/hostnetwork=true */
    bool linux;             /* label kubernetes.io/os is "linux" or absent */
    bool unschedulable;     /* spec.unschedulable */
    bool ready;             /* condition Ready is True */
};

object_project_fn node_project;
/* The object as a node; it must have been made by node_project. */
const struct node *node_of(const struct object *object);

#endif
