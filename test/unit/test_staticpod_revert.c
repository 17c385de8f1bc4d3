/* The machine alone: what was there at first, what was there before, and the way back. */
#include <string.h>

#include "base/alloc.h"
#include "unit/staticpod_bench.h"

static void commit_as(struct bench *b, const char *text, const char *hash)
{
    bench_want(b, text);
    bench_run(b);
    bench_facts(b, TRANSACTION_HEALTHY, hash);
    bench_run(b);
    bench_pass(b, SOAK_MS);
    bench_facts(b, TRANSACTION_HEALTHY, hash);
    bench_run(b);
}

/* Two changes on top of each other: one is rolled back to the one before, Revert to the first. */
START_TEST(original_and_previous_are_two)
{
    BENCH(b);
    bench_commit(&b);
    bench_want(&b, "newer");
    bench_run(&b);
    ck_assert_str_eq(b.t.journal.original->bytes, "old");
    ck_assert_str_eq(b.t.journal.previous->bytes, "new");
    bench_pass(&b, BUDGET_MS + SOAK_MS);
    bench_facts(&b, TRANSACTION_UNHEALTHY, "h3");
    bench_run(&b);
    ck_assert_str_eq(b.file->bytes, "new");
    ck_assert_str_eq(b.t.journal.original->bytes, "old");
    b.input.revert = true;
    commit_as(&b, NULL, "h4");
    ck_assert(bench_happened(&b, TRANSACTION_REVERTED));
    ck_assert_str_eq(b.file->bytes, "old");
    ck_assert_ptr_null(b.t.journal.original);
    b.events = 0;
    bench_run(&b);
    ck_assert_int_eq(b.events, 1u << TRANSACTION_QUIET); /* and then nothing more */
    bench_finish(&b);
}
END_TEST

START_TEST(revert_of_what_others_changed)
{
    BENCH(b);
    bench_commit(&b);
    bench_put(&b, "new, and more");
    b.input.revert = true;
    bench_want(&b, NULL);
    bench_run(&b);
    ck_assert_int_eq(b.out.wait, TRANSACTION_FOREIGN);
    ck_assert_str_eq(b.file->bytes, "new, and more");
    commit_as(&b, "old, and more", "h3"); /* the caller took its edits out */
    ck_assert(bench_happened(&b, TRANSACTION_REVERTED));
    ck_assert_str_eq(b.file->bytes, "old, and more");
    ck_assert_ptr_null(b.t.journal.original);
    bench_finish(&b);

    bench_init(&b);
    bench_commit(&b);
    bench_put(&b, "old"); /* somebody else reverted it */
    b.input.revert = true;
    bench_want(&b, NULL);
    bench_run(&b);
    ck_assert(bench_happened(&b, TRANSACTION_REVERTED));
    ck_assert_ptr_null(b.t.journal.original);
    bench_finish(&b);
}
END_TEST

START_TEST(original_that_does_not_start)
{
    BENCH(b);
    bench_commit(&b);
    b.input.revert = true;
    bench_run(&b);
    ck_assert_str_eq(b.file->bytes, "old");
    bench_pass(&b, BUDGET_MS + SOAK_MS);
    bench_facts(&b, TRANSACTION_UNHEALTHY, "h3");
    bench_run(&b);
    ck_assert_str_eq(b.file->bytes, "new");
    ck_assert_str_eq(b.t.journal.original->bytes, "old"); /* kept for another try */
    ck_assert_int_eq(b.out.wait, TRANSACTION_LATCHED);
    bench_finish(&b);
}
END_TEST

/* kubeadm wrote its manifest anew: that is what Revert is to restore, and not the one before. */
START_TEST(upgraded_manifest_is_a_new_original)
{
    BENCH(b);
    bench_commit(&b);
    bench_put(&b, "upgraded");
    bench_want(&b, "upgraded, with ours");
    bench_run(&b);
    ck_assert_str_eq(b.t.journal.original->bytes, "old"); /* not told otherwise */
    bench_finish(&b);

    bench_init(&b);
    bench_commit(&b);
    bench_put(&b, "upgraded");
    b.input.untouched = true;
    commit_as(&b, "upgraded, with ours", "h3");
    ck_assert_str_eq(b.t.journal.original->bytes, "upgraded");
    ck_assert_str_eq(b.t.journal.applied, b.file->digest);
    bench_finish(&b);
}
END_TEST

START_TEST(nothing_recorded_nothing_reverted)
{
    BENCH(b);
    b.input.revert = true;
    bench_want(&b, NULL);
    bench_expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.wait, TRANSACTION_GOES_ON);
    bench_finish(&b);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("staticpod revert");
    TCase *c = tcase_create("revert");
    tcase_add_test(c, original_and_previous_are_two);
    tcase_add_test(c, revert_of_what_others_changed);
    tcase_add_test(c, original_that_does_not_start);
    tcase_add_test(c, upgraded_manifest_is_a_new_original);
    tcase_add_test(c, nothing_recorded_nothing_reverted);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
