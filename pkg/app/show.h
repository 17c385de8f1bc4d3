/*
 * Plans for people (unified diffs) and for machines (JSON).
 */
#ifndef APP_SHOW_H
#define APP_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "app/world.h"
#include "control/plan.h"

/* Exit codes of `plan`, as `kubectl diff` has them. */
enum {
    SHOW_NOTHING = 0,
    SHOW_SOMETHING = 1,
};

/*
 * Plans every adjustment that is not on Ignore as if it were enforced (one on Revert as reverted)
 * and writes the result. Returns SHOW_NOTHING or SHOW_SOMETHING, which is also that one waits for
 * what it began; then what is held says for what.
 */
int show_plans(FILE *out, const struct world *world, bool json, int64_t wall_ms, int64_t now_ms);

/* Whether some plan still wants the Leases read. */
bool show_wants_leases(const struct world *world, int64_t wall_ms, int64_t now_ms);

#endif
