/*
 * Leader election on a Lease (coordination.k8s.io/v1): the machine, without I/O.
 *
 * The rules are client-go's (tools/leaderelection): a record is alive for its own
 * leaseDurationSeconds after the moment at which this process saw it change, on this process's
 * monotonic clock; the times in the record are never compared with a clock of ours. A leader counts
 * from before it sent the renewal that succeeded, and stops being one after LEASE_RENEW_MS, which
 * is earlier than anybody else may take the Lease. There is no fencing in the API: what a leader
 * writes carries preconditions of its own.
 *
 * The driver asks lease_next() what to do, does it, and gives the answer to lease_answer(); what a
 * watch shows goes to lease_observe(), so that a standby need not poll to see a release.
 */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "json/json.h"

enum {
    LEASE_DURATION_MS = 15000, /* others may take it so long after its last renewal */
    LEASE_RENEW_MS = 10000,    /* without a renewal for so long, the leader is none */
    LEASE_RETRY_MS = 2000,     /* between renewals */
    LEASE_ACQUIRE_MS = 2400,   /* up to so much more, at random, between looks of a standby */
};

enum lease_step {
    LEASE_WAIT,   /* nothing before `wait_ms`, or lease_observe() */
    LEASE_GET,    /* read the Lease */
    LEASE_CREATE, /* POST the body */
    LEASE_UPDATE, /* PUT the body */
    LEASE_LOST,   /* it was the leader and is not any more; a candidate from now on */
};

struct lease {
    char *identity;               /* ours; never "" */
    const char *ns;               /* borrowed, static */
    const char *name;             /* borrowed, static */
    struct json_object *observed; /* the Lease as last seen; NULL: not seen, or not there */
    int64_t observed_ms;          /* monotonic, when its record last changed for us */
    bool absent;                  /* the last look found none */
    bool rival;                   /* another holds it, and was seen to renew or take it */
    bool stale;                   /* the cached Lease failed: read it before the next write */
    bool leader;
    int64_t renewed_ms; /* monotonic, before the last successful renewal was sent */
    int64_t sent_ms;    /* of the write that is under way */
    int64_t next_ms;    /* nothing before */
};

/* `ns` and `name` are borrowed for ever, `identity` is copied. */
void lease_init(struct lease *lease, const char *ns, const char *name, const char *identity);
void lease_finish(struct lease *lease);

struct lease_next {
    enum lease_step step;
    int64_t wait_ms;          /* LEASE_WAIT: from now */
    struct json_object *body; /* LEASE_CREATE, LEASE_UPDATE: owned by the caller */
};

/* What to do now. `random` is uniform in [0, 2^32). */
void lease_next(struct lease *lease, int64_t now_ms, int64_t wall_ms, uint32_t random,
                struct lease_next *ret_next);
/* The answer to the last step that was a request: `err` NULL and the Lease, or what went wrong. */
void lease_answer(struct lease *lease, int64_t now_ms, const struct json_object *answer,
                  const struct err *err);
/* The Lease as a watch shows it (NULL: deleted). */
void lease_observe(struct lease *lease, int64_t now_ms, const struct json_object *seen);

/* What failed may go well now: do not wait for the next try. */
void lease_hurry(struct lease *lease, int64_t now_ms);
/* Whether it may act as the leader at this moment. */
bool lease_leads(const struct lease *lease, int64_t now_ms);
/* For how long it may from this moment on without another renewal; 0: it may not. */
int64_t lease_left_ms(const struct lease *lease, int64_t now_ms);
/* The body of the PUT that gives the Lease up, so that a standby may take it at once; NULL: it is
 * not ours. The machine leads no more. Owned by the caller. */
struct json_object *lease_release(struct lease *lease, int64_t wall_ms);
/* Who else holds it and is alive: was seen to write it; NULL: nobody that is known to be. */
const char *lease_rival(const struct lease *lease);
/* Who holds it, as last seen; "" when nobody or unknown. */
const char *lease_holder(const struct lease *lease);

#endif
