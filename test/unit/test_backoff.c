#include "kube/backoff.h"

#include "base/attr.h"
#include "unit/unit.h"

START_TEST(bounds_double_up_to_the_cap)
{
    static const int64_t bounds[] = {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000};
    struct backoff backoff;
    for (size_t round = 0; round < 2; round++) {
        backoff_init(&backoff);
        for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
            int64_t range = bounds[i] - BACKOFF_FLOOR_MS + 1;
            /* the shortest and the longest delay that there can be */
            uint64_t random = round == 0 ? 0 : (uint64_t)range - 1;
            int64_t wanted = round == 0 ? BACKOFF_FLOOR_MS : bounds[i];
            ck_assert_int_eq(backoff_next(&backoff, 0, 0, random), wanted);
        }
    }
}
END_TEST

START_TEST(jitter_is_uniform)
{
    int64_t sum = 0;
    enum {
        ROUNDS = 7010
    };
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct backoff backoff;
        backoff_init(&backoff);
        int64_t delay = backoff_next(&backoff, 0, 0, i);
        ck_assert_int_ge(delay, BACKOFF_FLOOR_MS);
        ck_assert_int_le(delay, BACKOFF_FIRST_MS);
        sum += delay;
    }
    ck_assert_int_eq(sum / ROUNDS, (BACKOFF_FLOOR_MS + BACKOFF_FIRST_MS) / 2);
}
END_TEST

START_TEST(retry_after_is_obeyed)
{
    static const struct {
        int64_t asked;
        int64_t min;
        int64_t max;
    } rows[] = {
        {1, BACKOFF_FLOOR_MS, BACKOFF_FIRST_MS},
        {1000, 1000, 1800},
        {60000, 60000, 60800},
        {300000, 300000, 300800},
        /* a mistake of the server's must not blind us for a day */
        {86400000, 300000, 300800},
        {INT64_MAX, 300000, 300800},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (uint64_t random = 0; random < 2000; random += 7) {
            struct backoff backoff;
            backoff_init(&backoff);
            int64_t delay = backoff_next(&backoff, rows[i].asked, 0, random);
            ck_assert_int_ge(delay, rows[i].asked < rows[i].min ? rows[i].asked : rows[i].min);
            ck_assert_int_le(delay, rows[i].max);
        }
    }
}
END_TEST

/* The bound after one failure, some history, and another failure: doubled or from the start. */
static int64_t bound_after(int64_t healthy_from, int64_t interrupted, int64_t failed)
{
    struct backoff backoff;
    backoff_init(&backoff);
    backoff_next(&backoff, 0, 0, 0);
    if (healthy_from >= 0) {
        backoff_healthy(&backoff, healthy_from);
        backoff_healthy(&backoff, healthy_from + 1000);
    }
    if (interrupted >= 0) {
        backoff_interrupt(&backoff, interrupted);
    }
    backoff_next(&backoff, 0, failed, 0);
    return backoff.bound_ms;
}

START_TEST(only_health_resets)
{
    enum {
        AGAIN = BACKOFF_FIRST_MS * 2,
        DOUBLED = BACKOFF_FIRST_MS * 4
    };
    /* no back-off reset before a success, however long it takes */
    ck_assert_int_eq(bound_after(-1, -1, 3600000), DOUBLED);
    ck_assert_int_eq(bound_after(1000, -1, 1000 + BACKOFF_HEALTH_MS - 1), DOUBLED);
    ck_assert_int_eq(bound_after(1000, -1, 1000 + BACKOFF_HEALTH_MS), AGAIN);
    /* an outage is no health */
    ck_assert_int_eq(bound_after(1000, 2000, 3600000), DOUBLED);
    ck_assert_int_eq(bound_after(1000, 1000 + BACKOFF_HEALTH_MS, 3600000), AGAIN);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("backoff");
    TCase *c = tcase_create("backoff");
    tcase_add_test(c, bounds_double_up_to_the_cap);
    tcase_add_test(c, jitter_is_uniform);
    tcase_add_test(c, retry_after_is_obeyed);
    tcase_add_test(c, only_health_resets);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
