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

struct look_wish {
    const char *verb;            /* for messages on stderr */
    const struct intent *intent; /* put on top of the ConfigMap; NULL: as the ConfigMap says */
    unsigned inputs;             /* INPUT_BITs wanted beside those of the adjustments */
    bool leases;                 /* the node Leases, also when no plan wants them */
    bool events;                 /* the operator's Events too */
    /* What to do with it; `events` is an array, or NULL. Returns the exit status. */
    int (*show)(void *arg, const struct world *world, const struct json_object *events,
                int64_t wall_ms, int64_t now_ms);
    void *arg;
};

/* Returns what `show` returned, or LOOK_FAILED after a message on stderr. */
int look_run(const struct kube_config *config, const struct look_wish *wish);

#endif
