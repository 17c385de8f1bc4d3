/*
 * The running operator's parts: decide.c answers what the engine asks, react.c takes what the
 * cluster tells, stop.c stops it in order, operator.c puts it together. Nobody else includes this.
 */
#ifndef APP_PRIVATE_H
#define APP_PRIVATE_H

#include "app/asker.h"
#include "app/blindness.h"
#include "app/cluster.h"
#include "app/intent.h"
#include "app/operator.h"
#include "app/vitals.h"
#include "control/engine.h"
#include "kube/elector.h"
#include "kube/event_recorder.h"
#include "serve/server.h"

/* The key of the ConfigMap itself, beside the adjustments' ids. */
#define STEWARD_CONFIG_KEY "yurt-steward"

struct steward {
    struct loop *loop;
    struct cluster *cluster;
    struct engine *engine;
    struct event_recorder *recorder;
    struct asker *asker;
    struct blindness *blindness; /* NULL: not leading, readiness says it */
    struct elector *elector;     /* NULL: there is no election, it leads */
    struct vitals *vitals;       /* NULL: nobody asks */
    struct server *server;
    struct loop_signal *terminate;
    struct loop_signal *interrupt;
    struct loop_signal *hangup;
    struct loop_timer *hurry;             /* the stop takes too long */
    struct loop_timer *leases;            /* the Leases could not be read: again */
    struct loop_timer *limit;             /* what is asked for once takes too long */
    struct loop_timer *rival;             /* … may find that another one acts */
    struct strmap problems;               /* what was said of the ConfigMap */
    bool waiting[POLICY_ADJUSTMENTS_MAX]; /* adjustments that wait for the Leases */
    bool asked[POLICY_ADJUSTMENTS_MAX];   /* adjustments that wait for answers of DNS servers */
    const struct intent *intent;          /* what is asked for once; NULL: run on */
    unsigned settled;                     /* bits of the adjustments that are as was asked */
    struct operator_options options;
    bool stopping;
    int status;
};

/* Events and the log. */
void steward_say(void *arg, const char *key, bool warning, const char *reason, const char *message);
/* What the engine asks of this steward. */
void steward_engine_ops(struct steward *steward, struct engine_ops *ret_ops);
/* All that was asked of DNS servers is answered. */
void steward_dns_answered(void *arg);
/* Reconciles the adjustments that are marked, and clears the marks. */
void steward_enqueue_marked(struct steward *steward, bool marks[POLICY_ADJUSTMENTS_MAX]);

/* Reconciles everything. */
void steward_enqueue_all(struct steward *steward);
/* Whether it acts, at this very moment. */
bool steward_leads(const struct steward *steward);
/* Says what is wrong in the ConfigMap and was not said yet, once it leads. */
void steward_say_problems(struct steward *steward);
/* As in cluster.h. */
void steward_changed(void *arg, enum input input);
void steward_leases_read(void *arg, const struct err *err);
void steward_leases_again(void *arg);

/* Begins to stop; a second call is a no-op. */
void steward_stop(struct steward *steward);
/* What the timer `hurry` does: leaves at once. */
void steward_stop_too_late(void *arg);

#endif
