/*
 * The work queue: which keys are to be reconciled, and when. Pure: time is a parameter.
 *
 * A key is a string; all else about it is looked up when it is worked on, so a key that was added
 * many times is worked on once. Guarantees, as client-go's util/workqueue gives them:
 *
 *   - Keys come out in the order in which they became ready. A key that is already waiting to come
 *     out is not added again.
 *   - A key is never given to two workers. Added while it is being worked on, it comes out once
 *     more after workqueue_done().
 *   - A key waits for at most one time; of several, the earliest holds.
 *   - The count of failures of a key grows with workqueue_add_rate_limited() and only
 *     workqueue_forget() clears it.
 *
 * Times are monotonic milliseconds, not negative. The queue owns its keys.
 */
#ifndef CONTROL_WORKQUEUE_H
#define CONTROL_WORKQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum {
    WORKQUEUE_KEYS_MAX = 4096, /* keys known at a time, waiting and failing ones included */
    /* client-go's DefaultTypedControllerRateLimiter */
    WORKQUEUE_BACKOFF_FIRST_MS = 5,
    WORKQUEUE_BACKOFF_CAP_MS = 1000 * 1000,
    WORKQUEUE_RETRY_INTERVAL_MS = 100, /* 10 a second for all keys together … */
    WORKQUEUE_RETRY_BURST = 100,       /* … after so many at once */
};

struct workqueue_stats {
    size_t depth;      /* keys that could be taken now */
    size_t waiting;    /* keys whose time has not come */
    size_t processing; /* keys taken and not done */
    uint64_t adds;     /* keys that became ready since the start, for workqueue_adds_total */
    uint64_t retries;  /* rate-limited adds since the start, for workqueue_retries_total */
};

struct workqueue;

struct workqueue *workqueue_create(void);
void workqueue_destroy(struct workqueue *queue);
DEFINE_AUTO_DESTROY(workqueue, struct workqueue, workqueue_destroy)

/*
 * Makes the key ready. These three return false when it was not taken: the queue is shutting
 * down, or the key is new and WORKQUEUE_KEYS_MAX keys are known.
 */
bool workqueue_add(struct workqueue *queue, const char *key, int64_t now_ms);
/* Makes the key ready in `delay_ms`; at once when that is not above 0. */
bool workqueue_add_after(struct workqueue *queue, const char *key, int64_t delay_ms,
                         int64_t now_ms);
/*
 * After a failure: makes the key ready after its back-off (5 ms, doubled by each failure, at most
 * 1000 s) or when the overall rate allows, whichever is later.
 */
bool workqueue_add_rate_limited(struct workqueue *queue, const char *key, int64_t now_ms);
/* The key succeeded: its next failure is its first. Says nothing about whether it is done. */
void workqueue_forget(struct workqueue *queue, const char *key);
/* Failures of the key since it was last forgotten. */
unsigned workqueue_failures(const struct workqueue *queue, const char *key);

/* Takes the key that was ready first, NULL: none is. Borrowed until workqueue_done(). */
const char *workqueue_get(struct workqueue *queue, int64_t now_ms);
/* The key is not worked on any more. `key` may be what workqueue_get() gave. */
void workqueue_done(struct workqueue *queue, const char *key, int64_t now_ms);

/*
 * When to call workqueue_get() again: 0 when it gives a key already, -1 when nothing but an add or
 * a done can change that.
 */
int64_t workqueue_next_ms(const struct workqueue *queue);

/*
 * Takes no more keys and drops those whose time has not come. What is ready can still be taken;
 * so can, once done, what was added again while it was worked on.
 */
void workqueue_shut_down(struct workqueue *queue);
/* Shut down, and nothing is ready or worked on any more. */
bool workqueue_drained(const struct workqueue *queue);

void workqueue_stats(const struct workqueue *queue, struct workqueue_stats *ret_stats);

#endif
