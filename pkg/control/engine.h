/*
 * The engine: takes keys from the work queue, has them reconciled, carries their plans out.
 *
 * One key at a time. The actions of a plan go out in order, each after the one before it
 * succeeded; at the first failure the plan is dropped and the key is reconciled anew from a fresh
 * look, never resumed and never retried blindly. Before each write it asks whether it still may.
 */
#ifndef CONTROL_ENGINE_H
#define CONTROL_ENGINE_H

#include <stdbool.h>

#include "control/contention.h"
#include "control/plan.h"
#include "control/workqueue.h"
#include "kube/client.h"
#include "loop/loop.h"

enum engine_leave {
    ENGINE_SKIP,    /* not now: ignored, or not all was listed yet */
    ENGINE_OBSERVE, /* report, write nothing */
    ENGINE_WRITE,
};

/* All slots are mandatory. They run on the loop. */
struct engine_ops {
    /* Reconciles the key. */
    enum engine_leave (*plan)(void *arg, const char *key, int64_t now_ms, struct plan *ret_plan);
    /* Something to say about the key: an Event and a log line. */
    void (*say)(void *arg, const char *key, bool warning, const char *reason, const char *message);
    /* The object that an action is about, as it is in the store; NULL when there is none. */
    const struct object *(*target)(void *arg, const struct action *action);
    /* A write succeeded and returned this object (NULL: none): put it in the store. */
    void (*written)(void *arg, const struct action *action, const struct json_object *json);
    /* The plan wants the node Leases read; the key is added again once they are. */
    void (*read_leases)(void *arg, const char *key);
    /* The plan wants these DNS servers asked; the key is added again once they were. */
    void (*ask_dns)(void *arg, const char *key, const struct plan *plan);
    /* The server has no server-side apply (415): plan without it from now on. */
    void (*no_apply)(void *arg);
    /* The key was reconciled, and its plan, as it stands, carried out. */
    void (*reconciled)(void *arg, const char *key, const struct plan *plan);
    /* The key is done, for now: "success", "requeue_after" or "error", after so long. */
    void (*finished)(void *arg, const char *key, const char *result, int64_t duration_ms);
    /* For how long this process may write from this very moment on (leader election); 0: it may
     * not, and nothing is reconciled. A write that got no connection within that is not sent. */
    int64_t (*may_write_ms)(void *arg);
    /* Whether the field's budget may be spent, as in contention.h. */
    struct contention_budget (*budget)(void *arg);
    void *arg;
};

struct engine;

struct engine *engine_create(struct loop *loop, struct kube_client *client,
                             const struct engine_ops *ops);
/* Takes back the write that is under way. NULL is fine. */
void engine_destroy(struct engine *engine);
/* Reconcile the key soon. */
void engine_enqueue(struct engine *engine, const char *key);
/* It may not write any more: takes back the write that is under way, whose outcome is then looked
 * for when it may again. */
void engine_withdraw(struct engine *engine);
/* It may write now, where it might not before. */
void engine_resume(struct engine *engine);
/* Starts no more reconciles or writes; `idle` runs once the write that is under way is answered. */
void engine_stop(struct engine *engine, void (*idle)(void *arg), void *arg);
void engine_queue_stats(const struct engine *engine, struct workqueue_stats *ret_stats);
/* What was last said of the key is forgotten. */
void engine_forget(struct engine *engine, const char *key);

#endif
