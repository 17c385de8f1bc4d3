/*
 * What was last said of each adjustment, so that Events and log lines come once for each situation
 * and not with every look at it.
 *
 * A situation is over when it has been gone for REPORT_SETTLE_MS: a pod that is Ready for a moment
 * between two crashes is still the same trouble, in whatever words each look finds for it, and is
 * no "in force" either. What may pass by itself (plan_warn_after) is said once it has lasted.
 */
#ifndef CONTROL_REPORT_H
#define CONTROL_REPORT_H

#include "base/strmap.h"
#include "control/plan.h"

enum {
    REPORT_SETTLE_MS = 30000,
};

struct report {
    struct strmap said; /* key to what was said last */
};

void report_init(struct report *report);
void report_finish(struct report *report);

struct report_sink {
    /* One thing to say, in words; `warning` as in Events. */
    void (*say)(void *arg, const char *key, bool warning, const char *reason, const char *message);
    void *arg;
};

/*
 * Says what is new in the plan: notes that were not there before, and a state that changed.
 * `observe_only`: nothing will be written, so actions are drift to report. Returns after how many
 * milliseconds it has more to say, should the plan be the same then; 0: nothing more.
 */
int64_t report_plan(struct report *report, const char *key, const struct plan *plan,
                    bool observe_only, int64_t now_ms, const struct report_sink *sink);
/* Something else was said of the key, such as what was done: what is gone by now is over. */
void report_acted(struct report *report, const char *key);
/* What was last said of the key is forgotten: it is ignored now. */
void report_forget(struct report *report, const char *key);

#endif
