/*
 * The running agent's parts: turn.c goes through the manifests, gate.c says what holds a change,
 * say.c tells what happened, agent.c puts it together. Nobody else includes this.
 */
#ifndef NODE_PRIVATE_H
#define NODE_PRIVATE_H

#include "adjust/policy.h"
#include "kube/event_recorder.h"
#include "kube/reflector.h"
#include "node/agent.h"
#include "node/dir_watch.h"
#include "node/permit.h"
#include "node/report.h"
#include "node/sight.h"
#include "node/tally.h"
#include "node/ward.h"
#include "serve/server.h"
#include "staticpod/file_ops.h"

enum {
    AGENT_WARDS = 2, /* kube-controller-manager, then kube-apiserver */
};

struct agent {
    struct agent_options options;
    struct loop *loop;
    struct kube_client *client;
    struct files files;
    struct ward wards[AGENT_WARDS];

    struct store *store; /* of the ConfigMap */
    struct reflector *reflector;
    struct policy policy;
    struct strmap problems; /* of the policy, that were said */

    struct sight *sight;
    bool blind; /* the last reading failed: */
    struct err blind_err;
    int64_t blind_ms;            /* monotonic, when it failed */
    struct precondition_dns dns; /* as of this turn */

    struct permit *permit;
    bool wants_permit; /* a change is under way, or nothing but the permit holds one */
    struct dir_watch *watch;
    struct event_recorder *recorder;
    struct report *report;
    struct tally *tally; /* NULL: nobody asks */
    struct server *server;

    char *advised;           /* what was said of kubeadm's configuration last */
    int64_t advised_ms;      /* of the reading that it was made of */
    uint64_t advice_request; /* 0: none under way */

    struct loop_deferred *turn;
    struct loop_timer *wake;
    struct loop_timer *hurry;
    struct loop_signal *terminate;
    struct loop_signal *interrupt;
    struct loop_signal *hangup;
    int64_t started_ms;
    bool looking; /* a manifest waits for an answer that is under way */
    bool stopping;
    bool draining;
    int status;
};

/* --- turn.c --- */

/* All manifests, once through. */
void agent_turn(void *arg);
bool agent_is_changing(const struct agent *agent);

/* --- agent.c --- */

/* Begins to stop, in order; a second call is a no-op. */
void agent_stop(struct agent *agent);

/* --- gate.c --- */

/* What the tunnel's DNS is, from the last reading. */
void gate_read_dns(struct agent *agent);
/* What is to be said of the component's cluster, whether or not there is anything to change. */
void gate_cluster(struct agent *agent, const struct ward *ward, enum mode mode,
                  struct precondition *ret_verdict);
/* Whether a change may begin. GATE_LOOKING: an answer is under way, then there is another turn. */
enum gate {
    GATE_OPEN,
    GATE_CLOSED,  /* the verdict says why */
    GATE_LOOKING, /* the verdict is empty */
};
enum gate gate_change(struct agent *agent, struct ward *ward, enum mode mode, int64_t now_ms,
                      struct precondition *ret_verdict);

/* --- say.c --- */

/* About the mirror pod of a manifest. */
void say_of_ward(struct agent *agent, const struct ward *ward, bool warning, const char *reason,
                 const char *message);
void say_of_config(struct agent *agent, const char *name, bool warning, const char *reason,
                   const char *message);
/* What is wrong in the ConfigMap and was not said yet. */
void say_problems(struct agent *agent);
/* How all manifests stand, for status. */
void say_report(struct agent *agent);
/* What kubeadm's own configuration lacks; writes it where that is asked. */
void say_advice(struct agent *agent);

#endif
