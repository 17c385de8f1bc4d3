#include "control/workqueue.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "unit/unit.h"

static void expect_get(struct workqueue *queue, int64_t now_ms, const char *key)
{
    const char *got = workqueue_get(queue, now_ms);
    if (key == NULL) {
        ck_assert_msg(got == NULL, "got %s, wanted nothing", got != NULL ? got : "");
        return;
    }
    ck_assert_msg(got != NULL, "got nothing, wanted %s", key);
    ck_assert_str_eq(got, key);
}

static void expect_stats(const struct workqueue *queue, size_t depth, size_t waiting,
                         size_t processing)
{
    struct workqueue_stats stats;
    workqueue_stats(queue, &stats);
    ck_assert_uint_eq(stats.depth, depth);
    ck_assert_uint_eq(stats.waiting, waiting);
    ck_assert_uint_eq(stats.processing, processing);
}

/* --- ready keys --- */

START_TEST(in_order_and_once)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    expect_get(queue, 0, NULL);
    ck_assert_int_eq(workqueue_next_ms(queue), -1);
    ck_assert(workqueue_add(queue, "b", 0));
    ck_assert(workqueue_add(queue, "a", 0));
    ck_assert(workqueue_add(queue, "b", 0));
    ck_assert_int_eq(workqueue_next_ms(queue), 0);
    expect_stats(queue, 2, 0, 0);
    expect_get(queue, 0, "b");
    expect_get(queue, 0, "a");
    expect_get(queue, 0, NULL);
    expect_stats(queue, 0, 0, 2);
    workqueue_done(queue, "a", 0);
    workqueue_done(queue, "b", 0);
    workqueue_done(queue, "never there", 0);
    expect_stats(queue, 0, 0, 0);

    struct workqueue_stats stats;
    workqueue_stats(queue, &stats);
    ck_assert_uint_eq(stats.adds, 2);
}
END_TEST

START_TEST(add_while_processing)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add(queue, "foo", 0);
    expect_get(queue, 0, "foo");
    workqueue_add(queue, "foo", 0);
    expect_get(queue, 0, NULL); /* never two workers on a key */
    ck_assert_int_eq(workqueue_next_ms(queue), -1);
    workqueue_done(queue, "foo", 0);
    expect_get(queue, 0, "foo");
    workqueue_done(queue, "foo", 0);
    expect_get(queue, 0, NULL);
}
END_TEST

START_TEST(collapse_while_processing)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add(queue, "foo", 0);
    expect_get(queue, 0, "foo");
    workqueue_add(queue, "bar", 0);
    for (int i = 0; i < 5; i++) {
        workqueue_add(queue, "foo", 0);
    }
    workqueue_done(queue, "foo", 0);
    expect_get(queue, 0, "bar");
    expect_get(queue, 0, "foo");
    workqueue_done(queue, "foo", 0);
    expect_get(queue, 0, NULL);
}
END_TEST

START_TEST(done_accepts_the_borrowed_key)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add(queue, "foo", 0);
    const char *key = workqueue_get(queue, 0);
    workqueue_forget(queue, key);
    workqueue_done(queue, key, 0);
    expect_stats(queue, 0, 0, 0);
}
END_TEST

START_TEST(bounded)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    char key[32];
    for (int i = 0; i < WORKQUEUE_KEYS_MAX; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        ck_assert(workqueue_add(queue, key, 0));
    }
    ck_assert(!workqueue_add(queue, "one more", 0));
    ck_assert(!workqueue_add_after(queue, "one more", 5, 0));
    ck_assert(!workqueue_add_rate_limited(queue, "one more", 0));
    ck_assert(workqueue_add(queue, "key-7", 0));
    expect_get(queue, 0, "key-0");
    workqueue_done(queue, "key-0", 0);
    ck_assert(workqueue_add(queue, "one more", 0));
}
END_TEST

/* --- shutting down --- */

START_TEST(shut_down_with_drain)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add(queue, "foo", 0);
    workqueue_add(queue, "bar", 0);
    expect_get(queue, 0, "foo");
    workqueue_shut_down(queue);
    ck_assert(!workqueue_add(queue, "late", 0));
    ck_assert(!workqueue_add_after(queue, "late", 5, 0));
    ck_assert(!workqueue_add_rate_limited(queue, "late", 0));
    workqueue_done(queue, "foo", 0);
    ck_assert(!workqueue_drained(queue));
    expect_get(queue, 0, "bar");
    ck_assert(!workqueue_drained(queue));
    workqueue_done(queue, "bar", 0);
    ck_assert(workqueue_drained(queue));
    expect_get(queue, 0, NULL);
}
END_TEST

START_TEST(shut_down_with_drain_with_dirty_item)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add(queue, "foo", 0);
    expect_get(queue, 0, "foo");
    workqueue_add(queue, "foo", 0);
    ck_assert(!workqueue_drained(queue));
    workqueue_shut_down(queue);
    workqueue_done(queue, "foo", 0);
    ck_assert(!workqueue_drained(queue));
    expect_get(queue, 0, "foo");
    workqueue_done(queue, "foo", 0);
    ck_assert(workqueue_drained(queue));
}
END_TEST

START_TEST(shut_down_drops_what_waits)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add_after(queue, "foo", 10, 0);
    workqueue_add_rate_limited(queue, "bar", 0);
    workqueue_shut_down(queue);
    ck_assert(workqueue_drained(queue));
    expect_get(queue, 1000, NULL);
    ck_assert_int_eq(workqueue_next_ms(queue), -1);
}
END_TEST

/* --- later --- */

START_TEST(simple_queue)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add_after(queue, "foo", 50, 1000);
    ck_assert_int_eq(workqueue_next_ms(queue), 1050);
    expect_stats(queue, 0, 1, 0);
    expect_get(queue, 1049, NULL);
    expect_get(queue, 1050, "foo");
    workqueue_done(queue, "foo", 1050);
    ck_assert_int_eq(workqueue_next_ms(queue), -1);
}
END_TEST

START_TEST(deduping)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add_after(queue, "foo", 50, 0);
    workqueue_add_after(queue, "foo", 70, 0);
    expect_stats(queue, 0, 1, 0);
    expect_get(queue, 60, "foo");
    workqueue_done(queue, "foo", 60);
    expect_get(queue, 80, NULL); /* the later one was not kept */

    workqueue_add_after(queue, "foo", 50, 80);
    workqueue_add_after(queue, "foo", 30, 80);
    ck_assert_int_eq(workqueue_next_ms(queue), 110);
    expect_get(queue, 120, "foo");
    workqueue_done(queue, "foo", 120);
    expect_get(queue, 140, NULL);
}
END_TEST

START_TEST(two_fire_early)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add_after(queue, "foo", 1000, 0);
    workqueue_add_after(queue, "bar", 50, 0);
    expect_get(queue, 60, "bar");
    workqueue_done(queue, "bar", 60);
    workqueue_add_after(queue, "third", 2000, 60);
    expect_get(queue, 1060, "foo");
    workqueue_done(queue, "foo", 1060);
    expect_get(queue, 1500, NULL);
    expect_get(queue, 2060, "third");
}
END_TEST

START_TEST(copy_shifting)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add_after(queue, "first", 1000, 0);
    workqueue_add_after(queue, "second", 500, 0);
    workqueue_add_after(queue, "third", 250, 0);
    expect_get(queue, 2000, "third");
    expect_get(queue, 2000, "second");
    expect_get(queue, 2000, "first");
}
END_TEST

START_TEST(due_while_processing)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add(queue, "foo", 0);
    expect_get(queue, 0, "foo");
    workqueue_add_after(queue, "foo", 10, 0);
    expect_get(queue, 20, NULL);
    workqueue_done(queue, "foo", 20);
    expect_get(queue, 20, "foo");
}
END_TEST

START_TEST(due_goes_before_added_now)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add_after(queue, "due", 10, 0);
    workqueue_add(queue, "now", 10);
    expect_get(queue, 10, "due");
    expect_get(queue, 10, "now");

    workqueue_add_after(queue, "b", 10, 10);
    workqueue_add_after(queue, "a", 10, 10);
    expect_get(queue, 20, "b"); /* equal times: as asked */
    expect_get(queue, 20, "a");
}
END_TEST

START_TEST(ready_and_waiting)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add_after(queue, "foo", 100, 0);
    ck_assert(workqueue_add_after(queue, "foo", 0, 0));
    ck_assert(workqueue_add_after(queue, "bar", -5, 0));
    expect_get(queue, 0, "foo");
    expect_get(queue, 0, "bar");
    workqueue_done(queue, "foo", 0);
    expect_get(queue, 100, "foo");
}
END_TEST

START_TEST(far_future_does_not_overflow)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add_after(queue, "foo", INT64_MAX, 1000);
    ck_assert_int_eq(workqueue_next_ms(queue), INT64_MAX);
    expect_get(queue, INT64_MAX - 1, NULL);
    expect_get(queue, INT64_MAX, "foo");
}
END_TEST

/* Random delays come out sorted; of several for a key, only the earliest. */
START_TEST(heap_against_model)
{
    uint32_t seed = (uint32_t)_i + 1;
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    int64_t model[40];
    for (size_t i = 0; i < 40; i++) {
        model[i] = INT64_MAX;
    }
    char key[16];
    for (int i = 0; i < 300; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t which = (seed >> 8) % 40;
        int64_t delay = 1 + (seed >> 16) % 500;
        snprintf(key, sizeof(key), "%zu", which);
        workqueue_add_after(queue, key, delay, 0);
        model[which] = delay < model[which] ? delay : model[which];
    }
    int64_t last = 0;
    for (int64_t now = workqueue_next_ms(queue); now >= 0; now = workqueue_next_ms(queue)) {
        const char *got = workqueue_get(queue, now);
        ck_assert_ptr_nonnull(got);
        size_t which = 0;
        ck_assert_int_eq(sscanf(got, "%zu", &which), 1);
        int64_t due = model[which];
        ck_assert_msg(due >= last && (now == 0 || now == due),
                      "seed %d: key %zu at %" PRId64 ", due %" PRId64, _i + 1, which, now, due);
        last = due;
        model[which] = INT64_MAX;
    }
    for (size_t i = 0; i < 40; i++) {
        ck_assert_int_eq(model[i], INT64_MAX);
    }
}
END_TEST

/* --- rate limits --- */

/* The delay that a failure of the key now causes. */
static int64_t failed_delay(struct workqueue *queue, const char *key, int64_t now_ms)
{
    workqueue_add_rate_limited(queue, key, now_ms);
    int64_t delay = workqueue_next_ms(queue) - now_ms;
    const char *got = workqueue_get(queue, now_ms + delay);
    ck_assert_str_eq(got, key);
    workqueue_done(queue, key, now_ms + delay);
    return delay;
}

START_TEST(exponential_limiter)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    const int64_t wanted[] = {5, 10, 20, 40, 80};
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(failed_delay(queue, "one", 0), wanted[i]);
    }
    ck_assert_uint_eq(workqueue_failures(queue, "one"), 5);
    ck_assert_int_eq(failed_delay(queue, "two", 0), 5);
    ck_assert_int_eq(failed_delay(queue, "two", 0), 10);
    workqueue_forget(queue, "one");
    ck_assert_uint_eq(workqueue_failures(queue, "one"), 0);
    ck_assert_int_eq(failed_delay(queue, "one", 0), 5);
    ck_assert_int_eq(failed_delay(queue, "two", 0), 20);

    struct workqueue_stats stats;
    workqueue_stats(queue, &stats);
    ck_assert_uint_eq(stats.retries, 9);
}
END_TEST

START_TEST(exponential_limiter_overflow)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    int64_t now = 0;
    int64_t wanted = WORKQUEUE_BACKOFF_FIRST_MS;
    for (int i = 0; i < 1000; i++) {
        int64_t delay = failed_delay(queue, "one", now);
        ck_assert_int_eq(delay, wanted);
        now += delay;
        wanted = wanted * 2 < WORKQUEUE_BACKOFF_CAP_MS ? wanted * 2 : WORKQUEUE_BACKOFF_CAP_MS;
    }
    ck_assert_uint_eq(workqueue_failures(queue, "one"), 1000);
}
END_TEST

START_TEST(no_back_off_reset_before_a_success)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    ck_assert_int_eq(failed_delay(queue, "one", 0), 5);
    ck_assert_int_eq(failed_delay(queue, "one", 0), 10);
    workqueue_add(queue, "one", 0); /* an object changed: reconciled, and it fails again */
    expect_get(queue, 0, "one");
    workqueue_done(queue, "one", 0);
    workqueue_add_after(queue, "one", 10, 0);
    expect_get(queue, 10, "one");
    workqueue_done(queue, "one", 10);
    ck_assert_int_eq(failed_delay(queue, "one", 3600000), 20);
    workqueue_forget(queue, "one");
    ck_assert_int_eq(failed_delay(queue, "one", 3600000), 5);
}
END_TEST

START_TEST(failed_while_processing)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    workqueue_add(queue, "one", 0);
    expect_get(queue, 0, "one");
    workqueue_add_rate_limited(queue, "one", 0);
    workqueue_done(queue, "one", 0);
    expect_get(queue, 4, NULL);
    expect_get(queue, 5, "one");
    ck_assert_uint_eq(workqueue_failures(queue, "one"), 1);
}
END_TEST

START_TEST(overall_rate)
{
    AUTO(workqueue) struct workqueue *queue = workqueue_create();
    char key[32];
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "burst-%d", i);
        ck_assert_int_eq(failed_delay(queue, key, 0), 5);
    }
    ck_assert_int_eq(failed_delay(queue, "late-1", 0), 100);
    ck_assert_int_eq(failed_delay(queue, "late-2", 0), 200);
    ck_assert_int_eq(failed_delay(queue, "late-3", 150), 150);
    ck_assert_int_eq(failed_delay(queue, "late-4", 1000), 5); /* refilled by then */
    for (int i = 0; i < 100; i++) { /* no more than the burst is saved up */
        snprintf(key, sizeof(key), "again-%d", i);
        ck_assert_int_eq(failed_delay(queue, key, 3600000), 5);
    }
    ck_assert_int_eq(failed_delay(queue, "late-5", 3600000), 100);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("workqueue");
    TCase *ready = tcase_create("ready");
    tcase_add_test(ready, in_order_and_once);
    tcase_add_test(ready, add_while_processing);
    tcase_add_test(ready, collapse_while_processing);
    tcase_add_test(ready, done_accepts_the_borrowed_key);
    tcase_add_test(ready, bounded);
    suite_add_tcase(suite, ready);
    TCase *stop = tcase_create("shut down");
    tcase_add_test(stop, shut_down_with_drain);
    tcase_add_test(stop, shut_down_with_drain_with_dirty_item);
    tcase_add_test(stop, shut_down_drops_what_waits);
    suite_add_tcase(suite, stop);
    TCase *later = tcase_create("later");
    tcase_add_test(later, simple_queue);
    tcase_add_test(later, deduping);
    tcase_add_test(later, two_fire_early);
    tcase_add_test(later, copy_shifting);
    tcase_add_test(later, due_while_processing);
    tcase_add_test(later, due_goes_before_added_now);
    tcase_add_test(later, ready_and_waiting);
    tcase_add_test(later, far_future_does_not_overflow);
    tcase_add_loop_test(later, heap_against_model, 0, 20);
    suite_add_tcase(suite, later);
    TCase *rate = tcase_create("rate");
    tcase_add_test(rate, exponential_limiter);
    tcase_add_test(rate, exponential_limiter_overflow);
    tcase_add_test(rate, no_back_off_reset_before_a_success);
    tcase_add_test(rate, failed_while_processing);
    tcase_add_test(rate, overall_rate);
    suite_add_tcase(suite, rate);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
