/*
 * One look at a live cluster: fills a world once, hands it over, ends. It writes nothing.
 */
#ifndef APP_LOOK_H
#define APP_LOOK_H

#include "app/intent.h"
#include "app/world.h"
#include "kube/config.h"

enum {
    LOOK_FAILED = 2
};

/* What is read beside the world; NULL: not asked for, or not there. */
struct look_rest {
    const struct json_object *events; /* array: the operator's and the agents' */
    const struct json_object *nodes;  /* the ConfigMap that agents on nodes report in */
};

struct look_wish {
    const char *verb;            /* for messages on stderr */
    const struct intent *intent; /* put on top of the ConfigMap; NULL: as the ConfigMap says */
    unsigned inputs;             /* INPUT_BITs wanted beside those of the adjustments */
    bool leases;                 /* the node Leases, also when no plan wants them */
    bool rest;                   /* struct look_rest, too */
    /* What to do with it; all is borrowed. Returns the exit status. */
    int (*show)(void *arg, const struct world *world, const struct look_rest *rest, int64_t wall_ms,
                int64_t now_ms);
    void *arg;
};

/* Returns what `show` returned, or LOOK_FAILED after a message on stderr. */
int look_run(const struct kube_config *config, const struct look_wish *wish);

#endif
