#include "node/standing.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const char *const words[STANDING_STATES] = {
    "Unknown",    "InForce", "Drift",    "Held",          "Changing", "RollingBack",
    "RolledBack", "Refused", "Reverted", "NotApplicable", "Ignored",
};

void standing_finish(struct standing *standing)
{
    free(standing->reason);
    free(standing->message);
    *standing = (struct standing){0};
}

void standing_set(struct standing *standing, enum standing_state state, const char *reason,
                  const char *format, ...)
{
    va_list args;
    free(standing->reason);
    free(standing->message);
    standing->state = state;
    standing->reason = xstrdup(reason);
    va_start(args, format);
    standing->message = xvasprintf(format, args);
    va_end(args);
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool standing_move(struct standing *standing, struct standing *next, int64_t wall_ms)
{
    bool same_state = standing->state == next->state;
    bool same_reason = same(standing->reason, next->reason);
    next->since_ms = same_state && standing->since_ms > 0 ? standing->since_ms : wall_ms;
    standing_finish(standing);
    *standing = *next;
    *next = (struct standing){0};
    return !same_state || !same_reason;
}

const char *standing_word(enum standing_state state)
{
    return words[state];
}

enum standing_state standing_parse(const char *word)
{
    for (enum standing_state state = 0; state < STANDING_STATES; state++) {
        if (strcmp(words[state], word) == 0) {
            return state;
        }
    }
    return STANDING_UNKNOWN;
}

bool standing_is_well(const struct standing *standing)
{
    return standing->state == STANDING_IN_FORCE || standing->state == STANDING_REVERTED ||
           standing->state == STANDING_NOT_APPLICABLE || standing->state == STANDING_IGNORED;
}
