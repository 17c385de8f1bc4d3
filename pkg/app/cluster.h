/*
 * A live cluster: the client, and a reflector for every input that somebody needs now.
 */
#ifndef APP_CLUSTER_H
#define APP_CLUSTER_H

#include "app/world.h"
#include "kube/client.h"
#include "kube/config.h"
#include "kube/reflector.h"
#include "loop/loop.h"

struct cluster;

/* They run on the loop; the first two are mandatory. */
struct cluster_ops {
    void (*changed)(void *arg, enum input input);
    /* The Leases asked for by cluster_read_leases() are in the world (err NULL) or can't be had. */
    void (*leases)(void *arg, const struct err *err);
    /* A request was answered (http_status 0: it was not). Optional. */
    void (*request)(void *arg, const char *method, int http_status, int64_t duration_ms);
    void *arg;
};

/* `config` is borrowed and must outlive it. */
int cluster_create(struct loop *loop, const struct kube_config *config,
                   const struct cluster_ops *ops, struct cluster **ret_cluster,
                   struct err *err) MUST_CHECK;
void cluster_destroy(struct cluster *cluster);
struct world *cluster_world(struct cluster *cluster);
struct kube_client *cluster_client(struct cluster *cluster);
/* Watches exactly these inputs (INPUT_BITs), as the policy names them; the rest is forgotten. */
void cluster_follow(struct cluster *cluster, unsigned inputs);
/* The newest error of a watch that was never listed; NULL when there is none. */
const char *cluster_blind(struct cluster *cluster, unsigned inputs, struct err *ret_err);
/* How the input's reflector fares; false: it is not watched. */
bool cluster_health(struct cluster *cluster, enum input input, struct reflector_health *ret_health);
/* From now on all is watched without a gap, see snapshot.h. */
void cluster_watches_anew(struct cluster *cluster);
/* Brings the world's `blind` up to date. */
void cluster_look_for_blindness(struct cluster *cluster);
/* Whether one of the inputs was not seen again since the server was away. */
bool cluster_stale(struct cluster *cluster, unsigned inputs);
/* Lists the node Leases, once; a second call while that runs is a no-op. */
void cluster_read_leases(struct cluster *cluster);
/* Puts what a write returned into the input's store. */
void cluster_written(struct cluster *cluster, enum input input, const struct json_object *json);

#endif
