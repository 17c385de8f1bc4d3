#include "control/report.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "unit/unit.h"

/* What was said, a line each. */
static void say(void *arg, const char *key, bool warning, const char *reason, const char *message)
{
    buf_printf(arg, "%s %s %s: %s\n", key, warning ? "Warning" : "Normal", reason, message);
}

struct hearing {
    struct report report;
    struct buf text;
    int64_t now_ms;
    int64_t again_ms; /* what the last report returned */
};

static void begin(struct hearing *hearing)
{
    *hearing = (struct hearing){.text = BUF_INIT(4096), .now_ms = 1000};
    report_init(&hearing->report);
}

static void end(struct hearing *hearing)
{
    report_finish(&hearing->report);
    buf_finish(&hearing->text);
}

/* Reports a plan of that state with one note (NULL: none); what it said must be `wanted`. */
static void hear(struct hearing *hearing, enum plan_state state, const char *note, bool observe,
                 const char *wanted)
{
    AUTO(plan) struct plan plan = {0};
    const struct report_sink sink = {say, &hearing->text};
    if (note != NULL) {
        plan_note(&plan, true, "Note", "%s", note);
    }
    if (observe) {
        action_reason(
            plan_add_take(&plan, ACTION_PATCH, &resource_service, "ns", "name", json_new_object()),
            NULL, "do it");
    }
    plan.state = state;
    buf_reset(&hearing->text);
    hearing->again_ms = report_plan(&hearing->report, "k", &plan, observe, hearing->now_ms, &sink);
    ck_assert_str_eq(buf_str(&hearing->text), wanted);
}

#define IN_FORCE "k Normal InForce: the adjustment is in force\n"
#define DRIFT "k Warning Drift: not in force, and the mode writes nothing; Enforce would: do it\n"

START_TEST(transitions_only)
{
    struct hearing hearing;
    begin(&hearing);
    hear(&hearing, PLAN_IN_FORCE, NULL, false, "");
    hear(&hearing, PLAN_CHANGING, NULL, false, "");
    hearing.now_ms += REPORT_SETTLE_MS;
    hear(&hearing, PLAN_IN_FORCE, NULL, false, IN_FORCE);
    hear(&hearing, PLAN_IN_FORCE, NULL, false, "");
    hear(&hearing, PLAN_REVERTED, NULL, false,
         "k Normal Reverted: what was there before is there again\n");
    report_forget(&hearing.report, "k");
    hear(&hearing, PLAN_IN_FORCE, NULL, false, "");
    end(&hearing);
}
END_TEST

START_TEST(notes_once)
{
    struct hearing hearing;
    begin(&hearing);
    hear(&hearing, PLAN_HELD, "a", false, "k Warning Note: a\n");
    hear(&hearing, PLAN_HELD, "a", false, "");
    hear(&hearing, PLAN_HELD, "b", false, "k Warning Note: b\n");
    hear(&hearing, PLAN_CHANGING, NULL, false, "");
    hearing.now_ms += REPORT_SETTLE_MS;
    hear(&hearing, PLAN_IN_FORCE, NULL, false, IN_FORCE);
    hear(&hearing, PLAN_HELD, "b", false, "k Warning Note: b\n");
    end(&hearing);
}
END_TEST

/* A pod that crashes again and again: every look finds other words for it, or nothing at all. */
START_TEST(once_for_each_situation)
{
    struct hearing hearing;
    begin(&hearing);
    hear(&hearing, PLAN_HELD, "not Ready", false, "k Warning Note: not Ready\n");
    hear(&hearing, PLAN_HELD, "crashes", false, "k Warning Note: crashes\n");
    for (int i = 0; i < 5; i++) {
        hearing.now_ms += 300000;
        hear(&hearing, PLAN_CHANGING, NULL, false, "");
        hearing.now_ms += REPORT_SETTLE_MS - 1;
        hear(&hearing, PLAN_HELD, "not Ready", false, "");
        hear(&hearing, PLAN_HELD, "crashes", false, "");
    }
    hear(&hearing, PLAN_CHANGING, NULL, false, "");
    hearing.now_ms += REPORT_SETTLE_MS;
    hear(&hearing, PLAN_HELD, "crashes", false, "k Warning Note: crashes\n");
    end(&hearing);
}
END_TEST

/* What was said last must not stay the last word when it is not so any more. */
START_TEST(an_older_wording_is_said_again)
{
    struct hearing hearing;
    begin(&hearing);
    hear(&hearing, PLAN_HELD, "a", false, "k Warning Note: a\n");
    hear(&hearing, PLAN_HELD, "a, b", false, "k Warning Note: a, b\n");
    hear(&hearing, PLAN_HELD, "a", false, "");
    hearing.now_ms += REPORT_SETTLE_MS - 1;
    hear(&hearing, PLAN_HELD, "a", false, "");
    hearing.now_ms += 1;
    hear(&hearing, PLAN_HELD, "a", false, "k Warning Note: a\n");
    hear(&hearing, PLAN_HELD, "a", false, "");
    end(&hearing);
}
END_TEST

/* More wordings than are kept: the oldest is forgotten. */
START_TEST(many_wordings)
{
    struct hearing hearing;
    begin(&hearing);
    for (int i = 0; i < 20; i++) {
        char note[2] = {(char)('a' + i), '\0'};
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "k Warning Note: %s\n", note);
        hear(&hearing, PLAN_HELD, note, false, wanted);
    }
    hear(&hearing, PLAN_HELD, "s", false, "");
    hear(&hearing, PLAN_HELD, "a", false, "k Warning Note: a\n");
    end(&hearing);
}
END_TEST

START_TEST(in_force_only_when_the_trouble_is_over)
{
    struct hearing hearing;
    begin(&hearing);
    hear(&hearing, PLAN_IN_FORCE, NULL, false, "");
    hear(&hearing, PLAN_CHANGING, "a", false, "k Warning Note: a\n");
    hear(&hearing, PLAN_IN_FORCE, NULL, false, "");
    ck_assert_int_eq(hearing.again_ms, REPORT_SETTLE_MS);
    hearing.now_ms += 1000;
    hear(&hearing, PLAN_IN_FORCE, NULL, false, "");
    ck_assert_int_eq(hearing.again_ms, REPORT_SETTLE_MS - 1000);
    hear(&hearing, PLAN_CHANGING, "a", false, "");
    hear(&hearing, PLAN_IN_FORCE, NULL, false, "");
    hearing.now_ms += REPORT_SETTLE_MS;
    hear(&hearing, PLAN_IN_FORCE, NULL, false, IN_FORCE);
    ck_assert_int_eq(hearing.again_ms, 0);
    end(&hearing);
}
END_TEST

/* Out of force for a moment, without a word: coming back needs none either. */
START_TEST(blink)
{
    struct hearing hearing;
    begin(&hearing);
    hear(&hearing, PLAN_CHANGING, NULL, false, "");
    hear(&hearing, PLAN_IN_FORCE, NULL, false, IN_FORCE);
    hear(&hearing, PLAN_CHANGING, NULL, false, "");
    hearing.now_ms += REPORT_SETTLE_MS - 1;
    hear(&hearing, PLAN_IN_FORCE, NULL, false, "");
    hear(&hearing, PLAN_CHANGING, NULL, false, "");
    hearing.now_ms += REPORT_SETTLE_MS;
    hear(&hearing, PLAN_IN_FORCE, NULL, false, IN_FORCE);
    hear(&hearing, PLAN_CHANGING, NULL, false, "");
    report_acted(&hearing.report, "k"); /* a repair, which has an Event of its own */
    hear(&hearing, PLAN_IN_FORCE, NULL, false, IN_FORCE);
    end(&hearing);
}
END_TEST

/* One note that is said after 10 s. */
static void hear_after(struct hearing *hearing, const char *wanted, int64_t again_ms)
{
    AUTO(plan) struct plan plan = {.state = PLAN_CHANGING};
    const struct report_sink sink = {say, &hearing->text};
    plan_warn_after(&plan, 10000, "Note", "a");
    buf_reset(&hearing->text);
    ck_assert_int_eq(report_plan(&hearing->report, "k", &plan, false, hearing->now_ms, &sink),
                     again_ms);
    ck_assert_str_eq(buf_str(&hearing->text), wanted);
}

START_TEST(what_may_pass_is_said_when_it_lasts)
{
    struct hearing hearing;
    begin(&hearing);
    hear_after(&hearing, "", 10000);
    hearing.now_ms += 9999;
    hear_after(&hearing, "", 1);
    hear(&hearing, PLAN_CHANGING, NULL, false, ""); /* a break: it begins anew */
    hearing.now_ms += 1;
    hear_after(&hearing, "", 10000);
    hearing.now_ms += 10000;
    hear_after(&hearing, "k Warning Note: a\n", 0);
    hear_after(&hearing, "", 0);
    end(&hearing);
}
END_TEST

START_TEST(drift_is_reported_when_observing)
{
    struct hearing hearing;
    begin(&hearing);
    hear(&hearing, PLAN_CHANGING, NULL, true, DRIFT);
    hear(&hearing, PLAN_CHANGING, NULL, true, "");
    hear(&hearing, PLAN_IN_FORCE, NULL, false, IN_FORCE);
    hear(&hearing, PLAN_CHANGING, NULL, true, DRIFT);
    end(&hearing);
}
END_TEST

START_TEST(nothing_while_leases_are_read)
{
    struct hearing hearing;
    AUTO(plan) struct plan plan = {.state = PLAN_CHANGING, .wants_leases = true};
    begin(&hearing);
    const struct report_sink sink = {say, &hearing.text};
    hear(&hearing, PLAN_HELD, "a", false, "k Warning Note: a\n");
    buf_reset(&hearing.text);
    report_plan(&hearing.report, "k", &plan, false, hearing.now_ms, &sink);
    ck_assert_str_eq(buf_str(&hearing.text), "");
    hear(&hearing, PLAN_HELD, "a", false, "");
    end(&hearing);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("report");
    TCase *tcase = tcase_create("report");
    tcase_add_test(tcase, transitions_only);
    tcase_add_test(tcase, notes_once);
    tcase_add_test(tcase, once_for_each_situation);
    tcase_add_test(tcase, an_older_wording_is_said_again);
    tcase_add_test(tcase, many_wordings);
    tcase_add_test(tcase, in_force_only_when_the_trouble_is_over);
    tcase_add_test(tcase, blink);
    tcase_add_test(tcase, what_may_pass_is_said_when_it_lasts);
    tcase_add_test(tcase, drift_is_reported_when_observing);
    tcase_add_test(tcase, nothing_while_leases_are_read);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
