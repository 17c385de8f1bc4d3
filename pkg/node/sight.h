/*
 * What the agent knows of the cluster beside its own node's files: read as a whole, now and then.
 *
 * Nothing is watched: a change of a manifest is a rare thing, and what it is decided from must have
 * been read after the Lease was got, not be an older state that a watch still shows.
 */
#ifndef NODE_SIGHT_H
#define NODE_SIGHT_H

#include <stdint.h>

#include "base/cleanup.h"
#include "kube/client.h"

/* As the API server gave it. */
struct sight_seen {
    struct json_object *nodes;       /* array: of the control plane, and this one */
    struct json_object *pods;        /* array: of kube-system, with label tier=control-plane */
    struct json_object *deployments; /* array: that may replace nodelifecycle, of all namespaces */
    struct json_object *services;    /* array: that may be the tunnel's DNS */
    struct json_object *slices;      /* array: their EndpointSlices */
    struct json_object *kubeadm;     /* ConfigMap kubeadm-config; NULL: there is none */
    int64_t asked_ms;                /* monotonic, when the first of it was asked for; 0: never */
};

struct sight;

/* `done` runs on the loop after each reading; `err` NULL: all of it was read. It may read again. */
struct sight *sight_create(struct loop *loop, struct kube_client *client, const char *node,
                           void (*done)(void *arg, const struct err *err), void *arg);
void sight_destroy(struct sight *sight);
DEFINE_AUTO_DESTROY(sight, struct sight, sight_destroy)
/* Reads all of it; nothing while that is under way. */
void sight_read(struct sight *sight);
bool sight_is_reading(const struct sight *sight);
/* Of the last reading that was whole; borrowed until the next. */
const struct sight_seen *sight_seen(const struct sight *sight);

#endif
