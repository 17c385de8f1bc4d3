/*
 * Exponential back-off with full jitter for one watch. Pure: time and randomness are parameters.
 *
 * The bound doubles from 800 ms to 30 s and starts anew only after two minutes of unbroken
 * health. Health that ended before a failure was counted does not grow while the server is away:
 * client-go's resets every two minutes even during an outage.
 */
#ifndef KUBE_BACKOFF_H
#define KUBE_BACKOFF_H

#include <stdint.h>

enum {
    BACKOFF_FIRST_MS = 800, /* client-go's numbers for reflectors */
    BACKOFF_CAP_MS = 30000,
    BACKOFF_HEALTH_MS = 120000,
    /* Full jitter reaches down to 0, which is no back-off at all. */
    BACKOFF_FLOOR_MS = 100,
    /* A server may ask for any Retry-After; beyond this, a mistake of its would blind us. */
    BACKOFF_RETRY_AFTER_MAX_MS = 300000,
};

struct backoff {
    int64_t bound_ms;         /* the next delay is at most this long; doubles with each failure */
    int64_t healthy_since_ms; /* -1: not healthy now */
};

/* A Retry-After, as far as it is believed. */
int64_t backoff_believe(int64_t retry_after_ms);

void backoff_init(struct backoff *backoff);
/* It is well now. Repeated calls keep the first time. */
void backoff_healthy(struct backoff *backoff, int64_t now_ms);
/* Health ended, for a reason that needs no delay: a server that is away altogether. */
void backoff_interrupt(struct backoff *backoff, int64_t now_ms);
/*
 * It failed: the delay until the next attempt, uniform in [BACKOFF_FLOOR_MS, bound]. It is at
 * least `retry_after_ms` (0: the server did not say), with a part of the jitter behind it, so that
 * those who were told the same do not come back together.
 */
int64_t backoff_next(struct backoff *backoff, int64_t retry_after_ms, int64_t now_ms,
                     uint64_t random);

#endif
