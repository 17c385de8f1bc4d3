#include "control/report.h"

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
};

static void begin(struct hearing *hearing)
{
    report_init(&hearing->report);
    hearing->text = BUF_INIT(4096);
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
    report_plan(&hearing->report, "k", &plan, observe, &sink);
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
    hear(&hearing, PLAN_IN_FORCE, NULL, false, IN_FORCE);
    hear(&hearing, PLAN_HELD, "b", false, "k Warning Note: b\n");
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
    report_plan(&hearing.report, "k", &plan, false, &sink);
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
    tcase_add_test(tcase, drift_is_reported_when_observing);
    tcase_add_test(tcase, nothing_while_leases_are_read);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
