#include "control/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

enum {
    DRIFT_TEXT_MAX = 8192
};

struct said {
    bool fresh; /* nothing was said yet: being in force from the start is no news */
    enum plan_state state;
    struct strmap notes; /* reason to message */
};

static void said_destroy(void *value)
{
    struct said *said = value;
    strmap_finish(&said->notes);
    free(said);
}

void report_init(struct report *report)
{
    strmap_init(&report->said, said_destroy);
}

void report_finish(struct report *report)
{
    strmap_finish(&report->said);
}

void report_forget(struct report *report, const char *key)
{
    strmap_remove(&report->said, key);
}

static struct said *said_of(struct report *report, const char *key)
{
    struct said *said = strmap_get(&report->said, key);
    if (said == NULL) {
        said = xcalloc(1, sizeof(*said));
        said->fresh = true;
        strmap_init(&said->notes, free);
        strmap_set(&report->said, key, said);
    }
    return said;
}

static void say_note(struct said *said, struct strmap *now, const char *key, bool warning,
                     const char *reason, const char *message, const struct report_sink *sink)
{
    const char *before = strmap_get(&said->notes, reason);
    if (before == NULL || strcmp(before, message) != 0) {
        sink->say(sink->arg, key, warning, reason, message);
    }
    strmap_set(now, reason, xstrdup(message));
}

static char *drift_text(const struct plan *plan)
{
    struct buf text = BUF_INIT(DRIFT_TEXT_MAX);
    buf_puts(&text, "not in force, and the mode writes nothing; Enforce would: ");
    for (size_t i = 0; i < plan->actions_len; i++) {
        buf_printf(&text, "%s%s", i > 0 ? "; " : "", plan->actions[i].reason);
    }
    return buf_take(&text);
}

static void say_state(struct said *said, const char *key, const struct plan *plan,
                      const struct report_sink *sink)
{
    bool settled = plan->state == PLAN_IN_FORCE || plan->state == PLAN_REVERTED;
    bool news = said->fresh ? plan->state == PLAN_REVERTED : said->state != plan->state;
    if (settled && news) {
        sink->say(sink->arg, key, false, plan_state_word(plan->state),
                  plan->state == PLAN_IN_FORCE ? "the adjustment is in force"
                                               : "what was there before is there again");
    }
    said->state = plan->state;
    said->fresh = false;
}

void report_plan(struct report *report, const char *key, const struct plan *plan, bool observe_only,
                 const struct report_sink *sink)
{
    if (plan->wants_leases) {
        return; /* nothing was decided yet */
    }
    struct said *said = said_of(report, key);
    struct strmap now = STRMAP_INIT(free);
    if (observe_only && plan->actions_len > 0) {
        AUTO_FREE char *drift = drift_text(plan);
        say_note(said, &now, key, true, "Drift", drift, sink);
    }
    for (size_t i = 0; i < plan->notes_len; i++) {
        const struct note *note = &plan->notes[i];
        say_note(said, &now, key, note->warning, note->reason, note->message, sink);
    }
    strmap_finish(&said->notes);
    said->notes = now;
    say_state(said, key, plan, sink);
}
