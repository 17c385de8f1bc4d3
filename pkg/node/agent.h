/*
 * The agent on a control-plane node: keeps the manifests of kube-controller-manager and
 * kube-apiserver as the ConfigMap kube-system/yurt-steward asks, one change at a time in the whole
 * cluster, and puts back by itself what does not work.
 */
#ifndef NODE_AGENT_H
#define NODE_AGENT_H

#include <stdbool.h>

#include "kube/config.h"

struct agent_options {
    const char *node;      /* the name of this node's Node */
    const char *manifests; /* the kubelet's directory of static pods */
    const char *journals;  /* outside of it */
    const char *proc;      /* shows the processes of the node */
    const char *listen;    /* address for probes and metrics; NULL: none */
    bool once;             /* until nothing more is to be done now */
};

enum {
    AGENT_DONE = 0,
    AGENT_LEFT = 1,   /* once: something is held, refused, rolled back, or not asked to be done */
    AGENT_FAILED = 2, /* it could not be found out */
};

/* Runs until it is told to stop, or once; returns the process's exit status. All is borrowed. */
int agent_run(const struct kube_config *config, const struct agent_options *options);

#endif
