/*
 * A reflector keeps one store equal to one collection of the API server: list, then watch.
 *
 * The protocol is in reflector_machine.h (pure); this is its driver on the loop.
 */
#ifndef KUBE_REFLECTOR_H
#define KUBE_REFLECTOR_H

#include "kube/client.h"
#include "kube/object.h"
#include "kube/store.h"

/* What to watch. Copied; strings NULL where not wanted. */
struct reflector_spec {
    const struct kube_resource *resource; /* borrowed for ever */
    const char *ns;
    const char *name; /* watch one object: metadata.name=NAME */
    const char *label_selector;
    object_project_fn *project;
    bool list_only; /* never ask for a streamed list (sendInitialEvents) */
};

/* Health of one reflector, for readiness, status and metrics. */
struct reflector_health {
    bool synced;         /* the store was filled at least once */
    bool watching;       /* a watch is open now */
    bool stale;          /* the server was away, and has said nothing of the collection since */
    int64_t verified_ms; /* monotonic time of the last list, event or bookmark; 0: never */
    uint64_t lists;      /* lists made, streamed ones included */
    uint64_t watches;    /* watches opened */
    uint64_t events;
    struct err last_error; /* kind ERR_NONE while it is well; else what went wrong last, or why
                              an object of the collection could not be read and is left out */
};

struct reflector;

/*
 * `store` is borrowed, and written to by this reflector only. Starts at once. The store's
 * `changed` function must not destroy the reflector.
 */
struct reflector *reflector_create(struct loop *loop, struct kube_client *client,
                                   const struct reflector_spec *spec, struct store *store);
/* Stops; nothing is written to the store any more. NULL is fine. */
void reflector_destroy(struct reflector *reflector);
void reflector_health(const struct reflector *reflector, struct reflector_health *ret_health);

#endif
