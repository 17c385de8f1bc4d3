#include "control/contention.h"

#include <stdio.h>

#include "base/attr.h"
#include "unit/unit.h"

enum {
    MINUTE = 60 * 1000
};

static const struct contention_budget five = {.count = 5, .per_ms = 10 * MINUTE};
static const char field[] = "kube-proxy-kubeconfig";

START_TEST(budget_texts)
{
    static const struct {
        const char *text;
        int count; /* 0: refused */
        int64_t per_ms;
    } rows[] = {
        {"5 per 10m", 5, 10 * MINUTE},
        {"1 per 1h30m", 1, 90 * MINUTE},
        {"1000 per 500ms", 1000, 500},
        {"999 per 1s", 999, 1000},
        {"0 per 10m", 0, 0},
        {"1001 per 10m", 0, 0},
        {"99999999999 per 10m", 0, 0},
        {"", 0, 0},
        {"5", 0, 0},
        {"5 per", 0, 0},
        {"5 per ", 0, 0},
        {"5 per 10", 0, 0},
        {"5 per 0s", 0, 0},
        {"5 per m", 0, 0},
        {"5 per 10m ", 0, 0},
        {" 5 per 10m", 0, 0},
        {"5  per 10m", 0, 0},
        {"5 per  10m", 0, 0},
        {"5per 10m", 0, 0},
        {"5 Per 10m", 0, 0},
        {"-5 per 10m", 0, 0},
        {"+5 per 10m", 0, 0},
        {"5.5 per 10m", 0, 0},
        {"five per 10m", 0, 0},
        {"5 per 10m per 10m", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct contention_budget budget = {-7, -7};
        int result = contention_budget_parse(rows[i].text, &budget);
        ck_assert_msg(result == (rows[i].count > 0 ? 0 : -1), "\"%s\": %d", rows[i].text, result);
        ck_assert_int_eq(budget.count, rows[i].count > 0 ? rows[i].count : -7);
        ck_assert_int_eq(budget.per_ms, rows[i].count > 0 ? rows[i].per_ms : -7);
    }
}
END_TEST

static void expect_admitted(struct contention *contention, int64_t now_ms)
{
    int64_t wait_ms = -7;
    bool first = false;
    ck_assert_msg(contention_admit(contention, field, &five, now_ms, &wait_ms, &first),
                  "refused for %lld ms", (long long)wait_ms);
    ck_assert_int_eq(wait_ms, -7);
}

static void expect_refused(struct contention *contention, int64_t now_ms, int64_t wanted_ms,
                           bool wanted_first)
{
    int64_t wait_ms = -7;
    bool first = false;
    ck_assert(!contention_admit(contention, field, &five, now_ms, &wait_ms, &first));
    ck_assert_int_eq(wait_ms, wanted_ms);
    ck_assert_int_eq(first, wanted_first);
}

static void spend(struct contention *contention, int64_t now_ms)
{
    for (int i = 0; i < five.count; i++) {
        expect_admitted(contention, now_ms);
    }
}

START_TEST(budget_at_once)
{
    AUTO(contention) struct contention *contention = contention_create();
    spend(contention, 1000);
    expect_refused(contention, 1000, 2 * MINUTE, true);
    expect_refused(contention, 1000, 2 * MINUTE, false);
    expect_refused(contention, 31000, 2 * MINUTE - 30000, false); /* asking does not prolong */
}
END_TEST

START_TEST(budget_comes_back_evenly)
{
    AUTO(contention) struct contention *contention = contention_create();
    spend(contention, 0);
    for (int64_t i = 1; i <= 50; i++) {
        expect_admitted(contention, i * 2 * MINUTE); /* slower than the budget: never contended */
    }
    expect_refused(contention, 50 * 2 * MINUTE + MINUTE, 2 * MINUTE, true);
}
END_TEST

START_TEST(unused_budget_is_not_saved_up)
{
    AUTO(contention) struct contention *contention = contention_create();
    expect_admitted(contention, 0);
    spend(contention, 600 * MINUTE);
    expect_refused(contention, 600 * MINUTE, 2 * MINUTE, true);
}
END_TEST

START_TEST(waits_double_up_to_their_cap)
{
    AUTO(contention) struct contention *contention = contention_create();
    const int64_t waits[] = {2, 4, 8, 16, 30, 30, 30};
    int64_t now = 0;
    spend(contention, now);
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        expect_refused(contention, now, waits[i] * MINUTE, i == 0);
        now += waits[i] * MINUTE;
        expect_refused(contention, now - 1, 1, false);
        expect_admitted(contention, now); /* and it is undone at once, each time */
    }
    struct contention_state state;
    contention_state(contention, field, now, &state);
    ck_assert_uint_eq(state.repairs, 5 + ARRAY_LEN(waits));
    ck_assert_uint_eq(state.refused, ARRAY_LEN(waits));
    ck_assert(state.contended);
    ck_assert_int_eq(state.until_ms, now + 30 * MINUTE);
    ck_assert_int_eq(state.calm_ms, now + 20 * MINUTE);
}
END_TEST

START_TEST(after_a_wait_a_single_repair_is_made_at_once)
{
    AUTO(contention) struct contention *contention = contention_create();
    spend(contention, 0);
    expect_refused(contention, 0, 2 * MINUTE, true);
    expect_admitted(contention, 2 * MINUTE);
    expect_admitted(contention, 7 * MINUTE); /* its wait of 4 minutes is over */
    expect_refused(contention, 8 * MINUTE, 7 * MINUTE, false);
}
END_TEST

START_TEST(calm_after_the_last_repair)
{
    AUTO(contention) struct contention *contention = contention_create();
    int64_t wait_ms;
    spend(contention, 0);
    expect_refused(contention, 0, 2 * MINUTE, true);
    expect_admitted(contention, 2 * MINUTE);
    ck_assert(contention_contended(contention, field, 22 * MINUTE - 1, &wait_ms));
    ck_assert_int_eq(wait_ms, 1);
    ck_assert(!contention_contended(contention, field, 22 * MINUTE, &wait_ms));
    spend(contention, 22 * MINUTE);
    expect_refused(contention, 22 * MINUTE, 2 * MINUTE, true);
}
END_TEST

/* During a wait the field stays undone; that is not calm, however long it takes. */
START_TEST(a_wait_is_not_calm)
{
    AUTO(contention) struct contention *contention = contention_create();
    int64_t now = 0;
    spend(contention, now);
    for (int i = 0; i < 4; i++) {
        int64_t wait_ms = 0;
        bool first;
        ck_assert(!contention_admit(contention, field, &five, now, &wait_ms, &first));
        now += wait_ms;
        expect_admitted(contention, now);
    }
    expect_refused(contention, now, 30 * MINUTE, false);
    now += 30 * MINUTE; /* longer than 2 x 10m */
    expect_admitted(contention, now);
    expect_refused(contention, now, 30 * MINUTE, false);

    int64_t wait_ms;
    ck_assert(contention_contended(contention, field, now + 50 * MINUTE - 1, &wait_ms));
    ck_assert(!contention_contended(contention, field, now + 50 * MINUTE, &wait_ms));
}
END_TEST

START_TEST(refund_gives_back)
{
    AUTO(contention) struct contention *contention = contention_create();
    struct contention_state state;
    for (int i = 0; i < 100; i++) { /* writes that fail are no fight */
        expect_admitted(contention, 0);
        contention_refund(contention, field);
    }
    contention_state(contention, field, 0, &state);
    ck_assert_uint_eq(state.repairs, 0);
    spend(contention, 0);
    contention_refund(contention, field);
    contention_refund(contention, field); /* only the last one */
    expect_admitted(contention, 0);
    expect_refused(contention, 0, 2 * MINUTE, true);
    contention_refund(contention, field); /* nothing was admitted since */
    expect_refused(contention, 0, 2 * MINUTE, false);

    expect_admitted(contention, 2 * MINUTE);
    contention_refund(contention, field);
    expect_admitted(contention, 2 * MINUTE + 5); /* at once, not after another wait */
    expect_refused(contention, 2 * MINUTE + 5, 4 * MINUTE, false);
    contention_refund(contention, "never there");
}
END_TEST

START_TEST(fields_are_apart)
{
    AUTO(contention) struct contention *contention = contention_create();
    int64_t wait_ms;
    bool first;
    spend(contention, 0);
    expect_refused(contention, 0, 2 * MINUTE, true);
    ck_assert(contention_admit(contention, "service-topology", &five, 0, &wait_ms, &first));
    ck_assert(!contention_contended(contention, "service-topology", 0, &wait_ms));
    ck_assert(!contention_contended(contention, "never there", 0, &wait_ms));
    struct contention_state state;
    contention_state(contention, "never there", 0, &state);
    ck_assert(!state.contended && state.repairs == 0 && state.refused == 0);
}
END_TEST

START_TEST(budget_may_change)
{
    AUTO(contention) struct contention *contention = contention_create();
    const struct contention_budget one = {.count = 1, .per_ms = 3600000};
    const struct contention_budget many = {.count = 1000, .per_ms = 500};
    int64_t wait_ms;
    bool first;
    spend(contention, 0);
    ck_assert(!contention_admit(contention, field, &one, 0, &wait_ms, &first));
    ck_assert_int_eq(wait_ms, 30 * MINUTE); /* one token takes 60, a wait never over 30 */
    for (int i = 0; i < 1000; i++) {        /* faster than the clock ticks */
        ck_assert(contention_admit(contention, "other", &many, 0, &wait_ms, &first));
    }
    ck_assert(!contention_admit(contention, "other", &many, 0, &wait_ms, &first));
    ck_assert_int_eq(wait_ms, 1);
}
END_TEST

START_TEST(keys_are_bounded)
{
    AUTO(contention) struct contention *contention = contention_create();
    char key[32];
    int64_t wait_ms;
    bool first;
    for (int i = 0; i < CONTENTION_KEYS_MAX + 1; i++) {
        snprintf(key, sizeof(key), "field-%d", i);
        ck_assert(contention_admit(contention, key, &five, i == 0 ? 50 : i, &wait_ms, &first));
    }
    struct contention_state state;
    contention_state(contention, "field-0", 100, &state);
    ck_assert_uint_eq(state.repairs, 1);
    contention_state(contention, "field-1", 100, &state); /* quiet for longest */
    ck_assert_uint_eq(state.repairs, 0);
    contention_state(contention, "field-2", 100, &state);
    ck_assert_uint_eq(state.repairs, 1);
    contention_state(contention, "field-64", 100, &state);
    ck_assert_uint_eq(state.repairs, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("contention");
    TCase *tests = tcase_create("contention");
    tcase_add_test(tests, budget_texts);
    tcase_add_test(tests, budget_at_once);
    tcase_add_test(tests, budget_comes_back_evenly);
    tcase_add_test(tests, unused_budget_is_not_saved_up);
    tcase_add_test(tests, waits_double_up_to_their_cap);
    tcase_add_test(tests, after_a_wait_a_single_repair_is_made_at_once);
    tcase_add_test(tests, calm_after_the_last_repair);
    tcase_add_test(tests, a_wait_is_not_calm);
    tcase_add_test(tests, refund_gives_back);
    tcase_add_test(tests, fields_are_apart);
    tcase_add_test(tests, budget_may_change);
    tcase_add_test(tests, keys_are_bounded);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
