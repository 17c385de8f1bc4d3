/*
 * How one manifest stands: a state for metrics and status, and a reason and a sentence for people.
 *
 * Owned strings. `since_ms` moves when the state does.
 */
#ifndef NODE_STANDING_H
#define NODE_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/cleanup.h"

enum standing_state {
    STANDING_UNKNOWN, /* nothing was found out yet */
    STANDING_IN_FORCE,
    STANDING_DRIFT,    /* not in force, and the mode writes nothing */
    STANDING_HELD,     /* a gate is closed */
    STANDING_CHANGING, /* written, or about to be, and not verified yet */
    STANDING_ROLLING_BACK,
    STANDING_ROLLED_BACK, /* and not tried again with the same bytes for the same reason */
    STANDING_REFUSED,     /* the manifest can't be edited, or the journal not used */
    STANDING_REVERTED,
    STANDING_NOT_APPLICABLE, /* no file runs the component, or the cluster has no tunnel */
    STANDING_IGNORED,
    STANDING_STATES, /* how many */
};

struct standing {
    enum standing_state state;
    bool warning;
    bool quiet;   /* passes by itself: for status and log, not for Events */
    char *reason; /* UpperCamelCase; NULL: unknown */
    char *message;
    int64_t since_ms; /* wall clock */
};

void standing_finish(struct standing *standing);
DEFINE_AUTO_FINISH(standing, struct standing, standing_finish)
void standing_set(struct standing *standing, enum standing_state state, const char *reason,
                  const char *format, ...) PRINTF_LIKE(4, 5);

/*
 * Puts the new standing in the place of the old one, which it empties, and keeps `since_ms` where
 * the state is the same. True: state or reason is another one, which is to be said.
 */
bool standing_move(struct standing *standing, struct standing *next, int64_t wall_ms);

const char *standing_word(enum standing_state state);
/* STANDING_UNKNOWN for another word. */
enum standing_state standing_parse(const char *word);
/* Nothing is left to do for it. */
bool standing_is_well(const struct standing *standing);

#endif
