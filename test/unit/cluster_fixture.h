/*
 * A small cluster in memory: an API server's objects, the stores that watch them, and a clock.
 *
 * Objects are JSON by "Kind/namespace/name". What is put, merged or deleted shows in the stores at
 * once; cluster_apply() carries out an action of a plan as the API server would, preconditions
 * and managedFields included. Time moves only when a test moves it.
 */
#ifndef TEST_CLUSTER_FIXTURE_H
#define TEST_CLUSTER_FIXTURE_H

#include "adjust/adjust.h"
#include "app/world.h"
#include "base/buf.h"

struct cluster {
    struct world world;
    struct json_object *objects; /* by key */
    int64_t wall_ms;
    int64_t now_ms;
    int64_t version; /* the last resourceVersion that was given out */
};

void cluster_init(struct cluster *cluster);
void cluster_finish(struct cluster *cluster);
/* As after a restart of the operator: the stores are filled anew, Leases are unread. */
void cluster_restart(struct cluster *cluster);
void cluster_pass(struct cluster *cluster, int64_t ms);

/* Puts the object of a JSON file, or of JSON text. */
void cluster_load(struct cluster *cluster, const char *path);
void cluster_put(struct cluster *cluster, const char *format, ...) PRINTF_LIKE(2, 3);
/* Merges JSON text into an object that is there. */
void cluster_merge(struct cluster *cluster, const char *key, const char *patch);
void cluster_delete(struct cluster *cluster, const char *key);
const struct json_object *cluster_get(const struct cluster *cluster, const char *key);

/* A Ready node (pool NULL: in none) with a fresh Lease. */
void cluster_node(struct cluster *cluster, const char *name, const char *pool);
/* Its Lease was renewed so long ago. */
void cluster_lease(struct cluster *cluster, const char *node, int64_t age_ms);
/* A pod "APP-NODE" of that k8s-app, owned by that uid, created so long ago. */
void cluster_pod(struct cluster *cluster, const char *app, const char *node, const char *owner_uid,
                 bool ready, int64_t age_ms);
/* ConfigMap kube-system/yurt-steward-state with that data (a JSON object). */
void cluster_state(struct cluster *cluster, const char *data);
/* The ConfigMap's data (a JSON object) put in force; it must be without problems. */
void cluster_policy(struct cluster *cluster, const char *data);
/* The Leases count as read now. */
void cluster_read_leases(struct cluster *cluster);

void cluster_plan(const struct cluster *cluster, const char *id, bool revert,
                  struct plan *ret_plan);
/* ERR_CONFLICT when a precondition does not hold. */
int cluster_apply(struct cluster *cluster, const struct action *action, struct err *err) MUST_CHECK;

/* The life of kube-proxy pods: one that was deleted ends in a while and its successor is made,
 * which takes another while to be Ready. To be called as time passes. */
void cluster_run_pods(struct cluster *cluster);

/* The plan for people to compare, under a heading. */
void cluster_render(struct buf *text, const char *heading, const struct plan *plan);
/* One row of a golden table: a plan for a good cluster in which one thing was changed. */
struct cluster_row {
    const char *name;
    void (*change)(struct cluster *cluster);
    bool revert;
};

/* Compares the plans of all rows, one after the other, with the golden file. */
void cluster_golden(const char *id, void (*good)(struct cluster *cluster),
                    const struct cluster_row *rows, size_t len, const char *golden);
/* Plans and renders. */
void cluster_case(struct cluster *cluster, struct buf *text, const char *heading, const char *id,
                  bool revert);

#endif
