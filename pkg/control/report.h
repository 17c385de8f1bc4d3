/*
 * What was last said of each adjustment, so that Events and log lines come on transitions only.
 */
#ifndef CONTROL_REPORT_H
#define CONTROL_REPORT_H

#include "base/strmap.h"
#include "control/plan.h"

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
 * `observe_only`: nothing will be written, so actions are drift to report.
 */
void report_plan(struct report *report, const char *key, const struct plan *plan, bool observe_only,
                 const struct report_sink *sink);
/* What was last said of the key is forgotten: it is ignored now. */
void report_forget(struct report *report, const char *key);

#endif
