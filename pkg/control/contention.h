/*
 * How often one field is repaired while somebody else keeps undoing it. Pure: time is a parameter.
 *
 * Each field has a budget, such as "5 per 10m": so many repairs at once, coming back evenly over
 * that time (a token bucket). Once it is spent the field is contended: a repair has to wait, and
 * each one doubles the wait for the next, from the time of one token up to 30 minutes. While a
 * field is contended no tokens come back, or every wait would end in a burst. It is calm again,
 * with a full budget, when nobody undid it for twice the budget's time.
 *
 * Keys are names of fields, CONTENTION_KEYS_MAX at most: for one more, the key that was quiet
 * for longest is forgotten. Times are monotonic milliseconds, not negative.
 */
#ifndef CONTROL_CONTENTION_H
#define CONTROL_CONTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/cleanup.h"

enum {
    CONTENTION_KEYS_MAX = 64,
    CONTENTION_WAIT_MAX_MS = 30 * 60 * 1000,
};

struct contention_budget {
    int count;      /* 1 to 1000 */
    int64_t per_ms; /* above 0 */
};

/* Reads "N per DURATION" (timefmt.h), N from 1 to 1000. Returns 0, or -1 when it is none. */
int contention_budget_parse(const char *text, struct contention_budget *ret_budget) MUST_CHECK;

/* Of one field; all zero for one that was never asked about. */
struct contention_state {
    uint64_t repairs; /* admitted and not refunded, since the start */
    uint64_t refused; /* waits that were imposed, since the start */
    bool contended;
    int64_t until_ms; /* while contended: the next repair is not before this */
    int64_t calm_ms;  /* while contended: it ends then, if nobody undoes the field before */
};

struct contention;

struct contention *contention_create(void);
void contention_destroy(struct contention *contention);
DEFINE_AUTO_DESTROY(contention, struct contention, contention_destroy)

/*
 * The field was undone: whether it may be repaired now. If not, `ret_wait_ms` (above 0) says when
 * to ask again, and `ret_first` whether the field has become contended with this very answer, so
 * that it is said once. Both are untouched when it returns true. Asking again during a wait does
 * not prolong it.
 */
bool contention_admit(struct contention *contention, const char *key,
                      const struct contention_budget *budget, int64_t now_ms, int64_t *ret_wait_ms,
                      bool *ret_first);
/*
 * The repair that was admitted last did not happen (the write failed): it counts as not asked
 * for. A server that fails is not a writer that fights. Once per admission; more are no-ops.
 */
void contention_refund(struct contention *contention, const char *key);
/*
 * Whether the field is contended; then `ret_wait_ms` (above 0) is the time until it will be calm
 * if nobody undoes it. For actions that must not be repeated in a fight.
 */
bool contention_contended(const struct contention *contention, const char *key, int64_t now_ms,
                          int64_t *ret_wait_ms);
void contention_state(const struct contention *contention, const char *key, int64_t now_ms,
                      struct contention_state *ret_state);

#endif
