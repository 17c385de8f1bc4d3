#include "control/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

enum {
    DRIFT_TEXT_MAX = 8192,
    WORDINGS_MAX = 8,
};

/* Beside the plan's own notes: it ends with the drift, there is nothing to settle. */
static const char drift_reason[] = "Drift";

/* One message that was said under a reason. */
struct wording {
    char *text;
    int64_t gone_ms; /* not in the plan since then; -1: it was in the last one */
    bool in_plan;
};

/* All that was said under one reason, as long as it goes on. */
struct topic {
    struct wording wordings[WORDINGS_MAX]; /* [0, len) */
    size_t len;
    size_t last;      /* index of what was said last */
    int64_t since_ms; /* there without a break since then */
    int64_t gone_ms;  /* not in the plan since then; -1: it was in the last one */
    bool in_plan;
    bool warning;
};

struct said {
    struct strmap topics; /* reason to struct topic */
    bool fresh;           /* no plan was seen yet: being in force from the start is no news */
    bool settled;         /* `told` is known */
    bool moved;           /* something was said since then */
    enum plan_state told; /* the last settled state that was said, or that it began with */
    int64_t left_ms;      /* out of it since then; -1: it is in it */
};

static void topic_destroy(void *value)
{
    struct topic *topic = value;
    for (size_t i = 0; i < topic->len; i++) {
        free(topic->wordings[i].text);
    }
    free(topic);
}

static void said_destroy(void *value)
{
    struct said *said = value;
    strmap_finish(&said->topics);
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
        said->left_ms = -1;
        strmap_init(&said->topics, topic_destroy);
        strmap_set(&report->said, key, said);
    }
    return said;
}

/* --- forgetting --- */

/* Forgets what has been gone for so long. */
static void forget_gone(struct said *said, int64_t now_ms, int64_t after_ms)
{
    for (size_t i = said->topics.len; i-- > 0;) {
        const struct topic *topic = said->topics.entries[i].value;
        if (topic->gone_ms >= 0 && now_ms - topic->gone_ms >= after_ms) {
            strmap_remove(&said->topics, said->topics.entries[i].key);
        }
    }
}

static int64_t gone_since(bool in_plan, int64_t gone_ms, int64_t now_ms)
{
    return in_plan ? -1 : gone_ms >= 0 ? gone_ms : now_ms;
}

/* What the plan did not have is gone from now on. */
static void mark_gone(struct said *said, int64_t now_ms)
{
    for (size_t i = 0; i < said->topics.len; i++) {
        struct topic *topic = said->topics.entries[i].value;
        for (size_t k = 0; k < topic->len; k++) {
            struct wording *wording = &topic->wordings[k];
            wording->gone_ms = gone_since(wording->in_plan, wording->gone_ms, now_ms);
            wording->in_plan = false;
        }
        topic->gone_ms = gone_since(topic->in_plan, topic->gone_ms, now_ms);
        topic->in_plan = false;
    }
    const struct topic *drift = strmap_get(&said->topics, drift_reason);
    if (drift != NULL && drift->gone_ms >= 0) {
        strmap_remove(&said->topics, drift_reason);
    }
}

void report_acted(struct report *report, const char *key)
{
    struct said *said = strmap_get(&report->said, key);
    if (said != NULL) {
        forget_gone(said, 0, INT64_MIN);
        said->moved = true;
    }
}

/* --- notes --- */

static struct topic *topic_of(struct said *said, const char *reason, int64_t now_ms)
{
    struct topic *topic = strmap_get(&said->topics, reason);
    if (topic == NULL) {
        topic = xcalloc(1, sizeof(*topic));
        topic->since_ms = now_ms;
        strmap_set(&said->topics, reason, topic);
    } else if (topic->gone_ms >= 0 && !topic->in_plan) {
        topic->since_ms = now_ms;
    }
    topic->in_plan = true;
    return topic;
}

static struct wording *find_wording(struct topic *topic, const char *text)
{
    for (size_t i = 0; i < topic->len; i++) {
        if (strcmp(topic->wordings[i].text, text) == 0) {
            return &topic->wordings[i];
        }
    }
    return NULL;
}

/* In the place of the oldest, where there are many. */
static struct wording *add_wording(struct topic *topic, const char *text)
{
    if (topic->len == WORDINGS_MAX) {
        topic->len--;
        free(topic->wordings[0].text);
        memmove(&topic->wordings[0], &topic->wordings[1], topic->len * sizeof(topic->wordings[0]));
    }
    struct wording *wording = &topic->wordings[topic->len++];
    *wording = (struct wording){.text = xstrdup(text)};
    return wording;
}

/* What was said last has not been so for long, and another wording goes on. */
static bool is_outdated(const struct topic *topic, int64_t now_ms)
{
    int64_t gone_ms = topic->wordings[topic->last].gone_ms;
    return gone_ms >= 0 && now_ms - gone_ms >= REPORT_SETTLE_MS;
}

/* Says it if it is news; returns after how long it will be, 0: it is not waited for. */
static int64_t say_note(struct said *said, const char *key, const struct note *note, int64_t now_ms,
                        const struct report_sink *sink)
{
    struct topic *topic = topic_of(said, note->reason, now_ms);
    topic->warning = note->warning;
    if (now_ms - topic->since_ms < note->after_ms) {
        return topic->since_ms + note->after_ms - now_ms;
    }
    struct wording *wording = find_wording(topic, note->message);
    if (wording == NULL || is_outdated(topic, now_ms)) {
        sink->say(sink->arg, key, note->warning, note->reason, note->message);
        said->moved = true;
        wording = wording != NULL ? wording : add_wording(topic, note->message);
        topic->last = (size_t)(wording - topic->wordings);
    }
    wording->in_plan = true;
    return 0;
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

static int64_t sooner(int64_t a, int64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

static int64_t say_notes(struct said *said, const char *key, const struct plan *plan,
                         bool observe_only, int64_t now_ms, const struct report_sink *sink)
{
    int64_t again_ms = 0;
    if (observe_only && plan->actions_len > 0) {
        AUTO_FREE char *text = drift_text(plan);
        const struct note drift = {.warning = true, .reason = drift_reason, .message = text};
        again_ms = say_note(said, key, &drift, now_ms, sink);
    }
    for (size_t i = 0; i < plan->notes_len; i++) {
        again_ms = sooner(again_ms, say_note(said, key, &plan->notes[i], now_ms, sink));
    }
    return again_ms;
}

/* --- the state --- */

/* How long until every warning that is gone is over. */
static int64_t recovers_in_ms(const struct said *said, int64_t now_ms)
{
    int64_t most_ms = 0;
    for (size_t i = 0; i < said->topics.len; i++) {
        const struct topic *topic = said->topics.entries[i].value;
        bool counts = topic->warning && topic->len > 0 && topic->gone_ms >= 0;
        int64_t left_ms = counts ? topic->gone_ms + REPORT_SETTLE_MS - now_ms : 0;
        most_ms = left_ms > most_ms ? left_ms : most_ms;
    }
    return most_ms;
}

/* Whether it was out of the state for a moment only, in which nothing was worth a word. */
static bool blinked(const struct said *said, enum plan_state state, int64_t now_ms)
{
    return said->settled && said->told == state &&
           (said->left_ms < 0 || (!said->moved && now_ms - said->left_ms < REPORT_SETTLE_MS));
}

/* As say_note(). */
static int64_t say_state(struct said *said, const char *key, enum plan_state state, int64_t now_ms,
                         const struct report_sink *sink)
{
    bool begins_so = said->fresh && state == PLAN_IN_FORCE;
    said->fresh = false;
    if (state != PLAN_IN_FORCE && state != PLAN_REVERTED) {
        said->left_ms = said->left_ms < 0 ? now_ms : said->left_ms;
        return 0;
    }
    if (!begins_so && !blinked(said, state, now_ms)) {
        int64_t wait_ms = state == PLAN_IN_FORCE ? recovers_in_ms(said, now_ms) : 0;
        if (wait_ms > 0) {
            return wait_ms;
        }
        sink->say(sink->arg, key, false, plan_state_word(state),
                  state == PLAN_IN_FORCE ? "the adjustment is in force"
                                         : "what was there before is there again");
        forget_gone(said, now_ms, 0); /* after this, whatever comes is news */
    }
    said->settled = true;
    said->told = state;
    said->moved = false;
    said->left_ms = -1;
    return 0;
}

int64_t report_plan(struct report *report, const char *key, const struct plan *plan,
                    bool observe_only, int64_t now_ms, const struct report_sink *sink)
{
    if (plan->wants_leases) {
        return 0; /* nothing was decided yet */
    }
    struct said *said = said_of(report, key);
    forget_gone(said, now_ms, REPORT_SETTLE_MS);
    int64_t again_ms = say_notes(said, key, plan, observe_only, now_ms, sink);
    mark_gone(said, now_ms);
    return sooner(again_ms, say_state(said, key, plan->state, now_ms, sink));
}
