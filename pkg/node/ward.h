/*
 * One manifest in the agent's care: its file and journal, its component's health, and how it
 * stands.
 *
 * The owner asks in turns: ward_look() finds out what is to be done, ward_turn() does it as far as
 * it may and says when the next turn is due. Everything asynchronous ends in a call of `turn`,
 * which asks for another one.
 */
#ifndef NODE_WARD_H
#define NODE_WARD_H

#include "adjust/policy.h"
#include "base/attr.h"
#include "node/assessment.h"
#include "node/facts.h"
#include "node/mirror.h"
#include "node/precondition.h"
#include "node/standing.h"
#include "staticpod/keeper.h"
#include "staticpod/manifest_dir.h"
#include "staticpod/probe.h"

enum {
    /* The bytes of a manifest that is edited. kubeadm's have 4 KB, and a Pod of more than 1.5 MB
     * has no mirror pod, as etcd takes none; reading one takes a hundred times its size. */
    WARD_TEXT_MAX = 256 << 10
};

/* All slots are mandatory and run on the loop. */
struct ward_ops {
    void (*turn)(void *arg); /* something was found out: another turn is due. Never from a turn */
    /* Something happened to the file. */
    void (*happened)(void *arg, bool warning, const char *reason, const char *message);
    void *arg;
};

struct ward_place {
    const struct files *files; /* all are borrowed for the ward's life */
    const char *manifests;
    const char *journals;
    const char *node;
};

/* What is asked; borrowed for a turn. */
struct ward_asked {
    enum mode mode;
    struct staticpod_wanted wanted;
    const char *input; /* what it is wanted for, in words: another try after a roll-back */
    int64_t soak_ms;
};

/* Read by its owner, written here. */
struct ward {
    enum staticpod_component component;
    const char *name; /* of the component, and of its keys */
    struct loop *loop;
    struct ward_place place;
    struct ward_ops ops;
    const struct ward_asked *asked; /* during a turn */

    char *file;                       /* in the directory */
    bool present;                     /* a file runs the component, and one only */
    char *trouble;                    /* why not, or why it can't be read; NULL: nothing is wrong */
    struct manifest_content *content; /* as of the last look; NULL: not read */
    struct assessment assessment;
    char *assessed; /* what it was made for */
    struct facts facts;
    char facts_of[SHA256_HEX_SIZE];

    struct keeper *keeper; /* NULL: `keeper_err` says why not */
    struct err keeper_err;
    struct transaction_output output;

    struct probe *probe;
    char *probe_url; /* what it asks */
    enum transaction_health health;
    int64_t health_ms; /* monotonic, when it was asked; 0: never */
    char *health_text;
    struct mirror mirror;
    int64_t ask_ms; /* no question before */

    struct standing standing;
};

void ward_init(struct ward *ward, struct loop *loop, struct kube_client *client,
               enum staticpod_component component, const struct ward_place *place,
               const struct ward_ops *ops);
void ward_finish(struct ward *ward);

/* Reads the file, and finds out what is to be done. `dir` NULL: `trouble` says why it is unread. */
void ward_look(struct ward *ward, const struct manifest_dir *dir, const char *trouble,
               const struct ward_asked *asked);
/* Whether a change would begin, if nothing held it. */
bool ward_wants_change(const struct ward *ward, const struct ward_asked *asked);
/* A write failed, and it is too early for another: other nodes need not wait meanwhile. */
bool ward_is_backing_off(const struct ward *ward, int64_t now_ms);
/* Whether one is under way: it goes on whatever is asked. */
bool ward_is_changing(const struct ward *ward);
/* Whether component and mirror pod were asked since then; asks them if not. */
bool ward_knows(struct ward *ward, int64_t since_ms);

/*
 * `hold`: a closed gate in words; NULL: a change may begin. Returns when the next turn is due by
 * itself, INT64_MAX: never.
 */
int64_t ward_turn(struct ward *ward, const struct ward_asked *asked, const char *hold,
                  int64_t now_ms);
/* How it stands after that; `verdict` is what was found of the cluster (may be NULL). */
void ward_judge(const struct ward *ward, const struct ward_asked *asked,
                const struct precondition *verdict, struct standing *ret_standing);

#endif
