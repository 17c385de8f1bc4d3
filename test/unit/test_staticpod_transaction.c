/* The machine alone: what it asks for, step by step, and what it says. */
#include <string.h>

#include "base/alloc.h"
#include "unit/staticpod_bench.h"

START_TEST(from_one_end_to_the_other)
{
    BENCH(b);
    bench_expect_action(&b, TRANSACTION_SAVE);
    ck_assert_int_eq(b.t.journal.phase, JOURNAL_PENDING);
    ck_assert_str_eq(b.t.journal.original->bytes, "old");
    ck_assert_str_eq(b.t.journal.previous->bytes, "old");
    ck_assert_str_eq(b.t.journal.written->bytes, "new");
    ck_assert_str_eq(b.t.journal.hash_before, "h1");
    ck_assert(b.t.journal.written->mode == 0600 && b.t.journal.written->gid == 2);
    bench_do_write(&b, "new");
    bench_expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.event, TRANSACTION_WRITTEN);
    bench_expect_action(&b, TRANSACTION_NONE);
    ck_assert(b.out.probe && b.out.wake_ms == b.now_ms + BUDGET_MS + SOAK_MS);
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_expect_action(&b, TRANSACTION_NONE);
    bench_pass(&b, SOAK_MS - 1);
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_expect_action(&b, TRANSACTION_NONE);
    bench_pass(&b, 1);
    bench_expect_action(&b, TRANSACTION_NONE); /* what is known is older */
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_expect_action(&b, TRANSACTION_SYNC);
    ck_assert_int_eq(b.out.event, TRANSACTION_COMMITTED);
    bench_expect_action(&b, TRANSACTION_SAVE);
    ck_assert_int_eq(b.t.journal.phase, JOURNAL_IDLE);
    ck_assert_str_eq(b.t.journal.original->bytes, "old");
    ck_assert_str_eq(b.t.journal.applied, b.file->digest);
    bench_expect_action(&b, TRANSACTION_NONE);
    bench_expect_action(&b, TRANSACTION_NONE);
    ck_assert(b.out.wake_ms == INT64_MAX && b.t.phase == TRANSACTION_IDLE);
    bench_finish(&b);
}
END_TEST

/* What keeps a change from being begun; each row is one. */
START_TEST(nothing_is_begun)
{
    static const struct {
        const char *file;
        const char *wanted;
        const char *hold;
        enum transaction_wait wait;
        const char *text;
    } table[] = {
        {"old", NULL, NULL, TRANSACTION_GOES_ON, ""},
        {"old", "old", NULL, TRANSACTION_GOES_ON, ""},
        {"old", "old", "kubeadm", TRANSACTION_GOES_ON, ""},
        {"old", "new", "kubeadm is at work", TRANSACTION_HELD, "kubeadm is at work"},
        {NULL, "new", NULL, TRANSACTION_UNREADABLE, "it is not there"},
        {NULL, NULL, NULL, TRANSACTION_GOES_ON, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        BENCH(b);
        bench_put(&b, table[i].file);
        bench_want(&b, table[i].wanted);
        b.input.hold = table[i].hold;
        bench_expect_action(&b, TRANSACTION_NONE);
        ck_assert_int_eq(b.out.wait, table[i].wait);
        ck_assert_str_eq(b.out.text, table[i].text);
        ck_assert_int_eq(b.events, 1u << TRANSACTION_QUIET);
        bench_finish(&b);
    }
}
END_TEST

/* What the pod may look like when its time is up, and what comes of it. */
START_TEST(judged_when_time_is_up)
{
    static const struct {
        bool restarts;
        enum transaction_health health;
        bool known;
        const char *hash;
        bool as_intended;
        bool ready;
        const char *why; /* NULL: in force */
    } table[] = {
        {true, TRANSACTION_HEALTHY, true, "h2", true, true, NULL},
        {true, TRANSACTION_UNHEALTHY, true, "h2", true, true, "connection refused"},
        {true, TRANSACTION_UNHEALTHY, false, "h2", true, true, "connection refused"},
        {true, TRANSACTION_HEALTH_UNKNOWN, true, "h2", true, true, "it does not answer"},
        {true, TRANSACTION_HEALTHY, true, "h1", true, true, "has not taken the manifest up"},
        {true, TRANSACTION_HEALTHY, true, NULL, true, true, "there is no mirror pod"},
        {true, TRANSACTION_HEALTHY, true, "h2", false, true, "does not run with"},
        {true, TRANSACTION_HEALTHY, true, "h2", true, false, "not Ready"},
        {false, TRANSACTION_HEALTHY, true, "h1", false, true, NULL},
        {false, TRANSACTION_HEALTHY, false, NULL, false, false, NULL},
        {false, TRANSACTION_UNHEALTHY, false, NULL, false, false, "connection refused"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        BENCH(b);
        b.input.restarts = table[i].restarts;
        bench_run(&b);
        for (int64_t ms = 0; ms < BUDGET_MS + SOAK_MS; ms += SOAK_MS) {
            b.input.mirror.known = table[i].known;
            b.input.mirror.as_intended = table[i].as_intended;
            b.input.mirror.ready = table[i].ready;
            bench_facts(&b, table[i].health, table[i].hash);
            bench_run(&b);
            ck_assert(!bench_happened(&b, TRANSACTION_ROLLBACK_BEGUN));
            bench_pass(&b, SOAK_MS);
        }
        bench_run(&b);
        bool good = table[i].why == NULL;
        ck_assert_str_eq(b.file->bytes, good ? "new" : "old");
        ck_assert(bench_happened(&b, good ? TRANSACTION_COMMITTED : TRANSACTION_ROLLED_BACK));
        ck_assert(good || strstr(b.t.journal.latch.why, table[i].why) != NULL);
        bench_finish(&b);
    }
}
END_TEST

START_TEST(facts_from_before_do_not_count)
{
    BENCH(b);
    b.input.restarts = false;
    bench_facts(&b, TRANSACTION_HEALTHY, "h1"); /* known before the file was replaced */
    bench_pass(&b, 1);
    b.input.soak_ms = 0;
    bench_run(&b);
    ck_assert(!bench_happened(&b, TRANSACTION_COMMITTED));
    bench_facts(&b, TRANSACTION_HEALTHY, "h1");
    bench_run(&b);
    ck_assert(bench_happened(&b, TRANSACTION_COMMITTED));
    bench_finish(&b);
}
END_TEST

START_TEST(soak_begins_anew_after_a_lapse)
{
    BENCH(b);
    bench_run(&b);
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_run(&b);
    bench_pass(&b, SOAK_MS / 2);
    bench_facts(&b, TRANSACTION_UNHEALTHY, "h2");
    bench_run(&b);
    bench_pass(&b, SOAK_MS / 2);
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_run(&b);
    ck_assert_int_eq(b.t.phase, TRANSACTION_VERIFYING);
    bench_pass(&b, SOAK_MS);
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_run(&b);
    ck_assert(bench_happened(&b, TRANSACTION_COMMITTED));
    bench_finish(&b);
}
END_TEST

/* The API server can't be asked: a healthy pod is neither called good nor rolled back. */
START_TEST(unseen_is_not_judged)
{
    BENCH(b);
    bench_run(&b);
    b.input.mirror.known = false;
    for (int i = 0; i < 30; i++) {
        bench_facts(&b, TRANSACTION_HEALTHY, "h2");
        bench_run(&b);
        bench_pass(&b, SOAK_MS);
    }
    ck_assert_int_eq(b.out.wait, TRANSACTION_UNSEEN);
    ck_assert_int_eq(b.t.phase, TRANSACTION_VERIFYING);
    b.input.mirror.known = true;
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_run(&b);
    ck_assert_int_eq(b.out.wait, TRANSACTION_GOES_ON);
    bench_pass(&b, SOAK_MS);
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_run(&b);
    ck_assert(bench_happened(&b, TRANSACTION_COMMITTED));
    bench_finish(&b);
}
END_TEST

static void roll_back(struct bench *b)
{
    bench_run(b);
    bench_pass(b, BUDGET_MS + SOAK_MS);
    bench_facts(b, TRANSACTION_UNHEALTHY, "h2");
    bench_run(b);
    ck_assert(bench_happened(b, TRANSACTION_ROLLED_BACK));
    ck_assert_str_eq(b->file->bytes, "old");
    b->events = 0;
}

START_TEST(latch_opens_with_other_bytes_or_input)
{
    BENCH(b);
    roll_back(&b);
    ck_assert_int_eq(b.out.wait, TRANSACTION_LATCHED);
    ck_assert_ptr_nonnull(strstr(b.out.text, "connection refused"));
    ck_assert_ptr_null(b.t.journal.original); /* nothing of ours is in force */
    bench_restart(&b);
    bench_expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.wait, TRANSACTION_LATCHED);
    bench_want(&b, "newer");
    bench_expect_action(&b, TRANSACTION_SAVE);
    bench_finish(&b);

    bench_init(&b);
    roll_back(&b);
    b.input.input = "v2";
    bench_expect_action(&b, TRANSACTION_SAVE);
    bench_finish(&b);
}
END_TEST

START_TEST(roll_back_needs_no_journal)
{
    BENCH(b);
    bench_run(&b);
    bench_pass(&b, BUDGET_MS + SOAK_MS);
    bench_facts(&b, TRANSACTION_UNHEALTHY, "h2");
    bench_expect_action(&b, TRANSACTION_SAVE);
    ck_assert_int_eq(b.t.journal.phase, JOURNAL_ROLLING_BACK);
    bench_fail_next(&b, "no space");
    bench_expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.event, TRANSACTION_JOURNAL_FAILED);
    bench_expect_action(&b, TRANSACTION_WRITE);
    ck_assert_str_eq(b.out.content->bytes, "old");
    bench_fail_next(&b, "no space");
    bench_expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.event, TRANSACTION_ROLLBACK_FAILED);
    ck_assert_int_eq(b.out.wake_ms, b.now_ms + TRANSACTION_RETRY_MS);
    bench_pass(&b, TRANSACTION_RETRY_MS);
    bench_do_write(&b, "old");
    bench_expect_action(&b, TRANSACTION_SYNC);
    ck_assert_int_eq(b.out.event, TRANSACTION_ROLLED_BACK);
    bench_finish(&b);
}
END_TEST

/* The process ended; which phase the journal is in, what is in the file, and what comes of it. */
START_TEST(resumed)
{
    static const struct {
        enum journal_phase phase;
        const char *file;
        enum transaction_event event;
        const char *end; /* the file's, where it was changed */
    } table[] = {
        {JOURNAL_PENDING, "new", TRANSACTION_RESUMED, "new"},
        {JOURNAL_PENDING, "old", TRANSACTION_DROPPED, "old"},
        {JOURNAL_PENDING, "other", TRANSACTION_LEFT, "other"},
        {JOURNAL_PENDING, NULL, TRANSACTION_QUIET, NULL},
        {JOURNAL_ROLLING_BACK, "new", TRANSACTION_ROLLED_BACK, "old"},
        {JOURNAL_ROLLING_BACK, "old", TRANSACTION_ROLLED_BACK, "old"},
        {JOURNAL_ROLLING_BACK, "other", TRANSACTION_LEFT, "other"},
        {JOURNAL_ROLLING_BACK, NULL, TRANSACTION_QUIET, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        BENCH(b);
        bench_expect_action(&b, TRANSACTION_SAVE);
        b.t.journal.phase = table[i].phase;
        if (table[i].phase == JOURNAL_ROLLING_BACK) {
            journal_set_latch(&b.t.journal, b.t.journal.written->digest, "v1", "it was bad");
        }
        bench_put(&b, table[i].file);
        bench_restart(&b);
        bench_want(&b, NULL);
        bench_run(&b);
        ck_assert_msg(bench_happened(&b, table[i].event), "row %zu", i);
        ck_assert((b.file == NULL) == (table[i].end == NULL));
        ck_assert(b.file == NULL || strcmp(b.file->bytes, table[i].end) == 0);
        if (table[i].file == NULL) {
            ck_assert_int_eq(b.out.wait, TRANSACTION_UNREADABLE);
            ck_assert_int_ne(b.t.journal.phase, JOURNAL_IDLE); /* it may come back */
        }
        bench_finish(&b);
    }
}
END_TEST

/* An agent that ends again and again would put the deadline off for ever. */
START_TEST(resumed_too_often)
{
    BENCH(b);
    bench_run(&b);
    for (int i = 0; i < TRANSACTION_RESUME_MAX; i++) {
        bench_restart(&b);
        bench_run(&b);
        ck_assert(bench_happened(&b, TRANSACTION_RESUMED));
        ck_assert_str_eq(b.file->bytes, "new");
    }
    bench_restart(&b);
    bench_run(&b);
    ck_assert(bench_happened(&b, TRANSACTION_ROLLED_BACK));
    ck_assert_str_eq(b.file->bytes, "old");
    bench_finish(&b);
}
END_TEST

START_TEST(others_change_it_in_the_middle)
{
    BENCH(b);
    bench_expect_action(&b, TRANSACTION_SAVE);
    bench_put(&b, "other");
    bench_expect_action(&b, TRANSACTION_SYNC);
    ck_assert_int_eq(b.out.event, TRANSACTION_LEFT);
    bench_finish(&b);

    bench_init(&b);
    bench_run(&b);
    bench_put(&b, "other");
    bench_want(&b, NULL);
    bench_run(&b); /* at once, whatever the pod looks like */
    ck_assert(bench_happened(&b, TRANSACTION_LEFT) &&
              !bench_happened(&b, TRANSACTION_ROLLBACK_BEGUN));
    bench_pass(&b, BUDGET_MS + SOAK_MS);
    bench_run(&b);
    ck_assert(!bench_happened(&b, TRANSACTION_ROLLBACK_BEGUN));
    ck_assert_str_eq(b.t.journal.latch.wanted, "");
    ck_assert_str_eq(b.file->bytes, "other");
    bench_finish(&b);
}
END_TEST

/* Moved away and back, as one restarts a static pod by hand. */
START_TEST(file_is_away_for_a_while)
{
    BENCH(b);
    bench_run(&b);
    bench_put(&b, NULL);
    bench_pass(&b, 10 * BUDGET_MS);
    bench_run(&b);
    ck_assert_int_eq(b.out.wait, TRANSACTION_UNREADABLE);
    bench_put(&b, "new");
    bench_pass(&b, BUDGET_MS);
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_run(&b);
    bench_pass(&b, SOAK_MS);
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_run(&b);
    ck_assert(bench_happened(&b, TRANSACTION_COMMITTED));
    bench_finish(&b);
}
END_TEST

START_TEST(write_fails)
{
    BENCH(b);
    bench_expect_action(&b, TRANSACTION_SAVE);
    bench_expect_action(&b, TRANSACTION_WRITE);
    bench_fail_next(&b, "no space");
    bench_expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.event, TRANSACTION_WRITE_FAILED);
    ck_assert_str_eq(b.out.text, "no space");
    bench_run(&b);
    ck_assert(bench_happened(&b, TRANSACTION_DROPPED));
    ck_assert_int_eq(b.t.phase, TRANSACTION_IDLE);
    ck_assert_int_eq(b.out.wait, TRANSACTION_RETRYING);
    ck_assert_ptr_null(b.t.journal.original);
    bench_pass(&b, TRANSACTION_RETRY_MS);
    bench_expect_action(&b, TRANSACTION_SAVE);
    /* said to have failed, and there all the same */
    bench_do_write(&b, "new");
    bench_fail_next(&b, "cannot sync");
    bench_run(&b);
    ck_assert_int_eq(b.t.phase, TRANSACTION_VERIFYING);
    bench_finish(&b);
}
END_TEST

START_TEST(journal_fails)
{
    BENCH(b);
    for (int64_t wait_ms = TRANSACTION_RETRY_MS; wait_ms < TRANSACTION_RETRY_MAX_MS; wait_ms *= 2) {
        bench_expect_action(&b, TRANSACTION_SAVE);
        bench_fail_next(&b, "no space");
        bench_expect_action(&b, TRANSACTION_NONE);
        ck_assert_int_eq(b.out.event, TRANSACTION_JOURNAL_FAILED);
        ck_assert_int_eq(b.out.wake_ms, b.now_ms + wait_ms);
        bench_expect_action(&b, TRANSACTION_NONE);
        ck_assert_int_eq(b.out.wait, TRANSACTION_RETRYING);
        bench_pass(&b, wait_ms);
    }
    ck_assert_str_eq(b.file->bytes, "old"); /* untouched */
    bench_commit(&b);
    bench_finish(&b);
}
END_TEST

START_TEST(outcome_is_recorded_in_the_end)
{
    BENCH(b);
    bench_run(&b);
    b.input.soak_ms = 0;
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_run(&b);
    bench_pass(&b, SOAK_MS);
    bench_facts(&b, TRANSACTION_HEALTHY, "h2");
    bench_expect_action(&b, TRANSACTION_SYNC);
    bench_fail_next(&b, "cannot sync");
    bench_expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.event, TRANSACTION_JOURNAL_FAILED);
    bench_pass(&b, TRANSACTION_RETRY_MS);
    bench_expect_action(&b, TRANSACTION_SYNC); /* never the journal before the file */
    bench_expect_action(&b, TRANSACTION_SAVE);
    bench_fail_next(&b, "no space");
    bench_expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.t.phase, TRANSACTION_CLOSING);
    bench_pass(&b, 2 * TRANSACTION_RETRY_MS);
    bench_expect_action(&b, TRANSACTION_SAVE);
    bench_run(&b);
    ck_assert_int_eq(b.t.phase, TRANSACTION_IDLE);
    bench_finish(&b);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("staticpod transaction");
    TCase *c = tcase_create("transaction");
    tcase_add_test(c, from_one_end_to_the_other);
    tcase_add_test(c, nothing_is_begun);
    tcase_add_test(c, judged_when_time_is_up);
    tcase_add_test(c, facts_from_before_do_not_count);
    tcase_add_test(c, soak_begins_anew_after_a_lapse);
    tcase_add_test(c, unseen_is_not_judged);
    tcase_add_test(c, latch_opens_with_other_bytes_or_input);
    tcase_add_test(c, roll_back_needs_no_journal);
    tcase_add_test(c, resumed);
    tcase_add_test(c, resumed_too_often);
    tcase_add_test(c, others_change_it_in_the_middle);
    tcase_add_test(c, file_is_away_for_a_while);
    tcase_add_test(c, write_fails);
    tcase_add_test(c, journal_fails);
    tcase_add_test(c, outcome_is_recorded_in_the_end);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
