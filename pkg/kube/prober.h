/*
 * Asks the API server whether it is there: the driver of availability.h on the loop.
 *
 * Its requests carry the client's credentials. `lost` and `up` run from the loop, never from
 * within the prober's functions.
 */
#ifndef KUBE_PROBER_H
#define KUBE_PROBER_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http.h"
#include "kube/auth.h"
#include "loop/loop.h"

struct prober;

/* All slots are mandatory. */
struct prober_hooks {
    /* Connections were dropped just now: what was under way ends without an answer. */
    void (*dropped)(void *arg);
    /* A probe has failed since the server was suspected; `why` is of the last one. */
    void (*lost)(void *arg, const char *why);
    /* It answers. `outage_ms` 0: it never was away, for all we know. */
    void (*up)(void *arg, int64_t outage_ms);
    /* A probe did not trust the server's certificate. */
    void (*untrusted)(void *arg, const char *why);
    /* A request of the prober's own is done. */
    void (*request)(void *arg, const char *path, int http_status, int64_t duration_ms);
    void *arg;
};

/* All are borrowed; `http` must be destroyed after the prober. */
struct prober *prober_create(struct loop *loop, struct http_client *http, struct auth *auth,
                             const struct prober_hooks *hooks);
void prober_destroy(struct prober *prober);

bool prober_up(const struct prober *prober);
/* Somebody keeps streams open from now on: heartbeats are due. Idempotent. */
void prober_watch(struct prober *prober);
/* A request got no answer: drops all connections and probes, unless that is being done. */
void prober_suspect(struct prober *prober);
/* A request got an answer as from a server that is not ready. */
void prober_doubt(struct prober *prober);

#endif
