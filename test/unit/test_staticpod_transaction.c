/* The machine alone: what it asks for, step by step, and what it says. */
#include <string.h>

#include "base/alloc.h"
#include "staticpod/transaction.h"
#include "unit/unit.h"

enum {
    BUDGET_MS = 60000,
    SOAK_MS = 10000,
};

/* A file, a journal on a disk, and the facts, all set by the test. */
struct bench {
    struct transaction t;
    struct transaction_input input;
    struct transaction_output out;
    struct manifest_content *file; /* NULL: not there */
    struct err file_err;
    struct err failed;
    int64_t now_ms;
    unsigned events;
};

static const struct manifest_content like = {.mode = 0600, .uid = 1, .gid = 2};

static void put(struct bench *b, const char *text)
{
    manifest_content_destroy(b->file);
    b->file = text != NULL ? manifest_content_create(text, strlen(text), &like) : NULL;
}

static void want(struct bench *b, const char *text)
{
    b->input.wanted = text;
    b->input.wanted_len = text != NULL ? strlen(text) : 0;
}

static void bench_init(struct bench *b)
{
    struct journal journal = {0};
    *b = (struct bench){
        .now_ms = 1000,
        .input = {.input = "v1",
                  .restarts = true,
                  .budget_ms = BUDGET_MS,
                  .soak_ms = SOAK_MS,
                  .mirror = {.known = true, .hash = "h1", .as_intended = true, .ready = true}},
    };
    err_fill(&b->file_err, ERR_NOT_FOUND, "it is not there");
    transaction_init_take(&b->t, &journal);
    put(b, "old");
    want(b, "new");
}

static void bench_finish(struct bench *b)
{
    transaction_finish(&b->t);
    put(b, NULL);
}

static void step(struct bench *b)
{
    b->input.file = b->file;
    b->input.file_err = b->file == NULL ? &b->file_err : NULL;
    transaction_step(&b->t, &b->input, b->now_ms, &b->out);
    b->events |= 1u << b->out.event;
    b->input.failed = NULL;
}

static void fail_next(struct bench *b, const char *text)
{
    err_fill(&b->failed, ERR_RETRY, "%s", text);
    b->input.failed = &b->failed;
}

static void expect_action(struct bench *b, enum transaction_action action)
{
    step(b);
    ck_assert_int_eq(b->out.action, action);
}

static void do_write(struct bench *b, const char *text)
{
    expect_action(b, TRANSACTION_WRITE);
    ck_assert_str_eq(b->out.content->bytes, text);
    put(b, text);
}

/* Steps, doing all that is asked, until there is nothing to do now. */
static void run(struct bench *b)
{
    for (int i = 0; i < 20; i++) {
        step(b);
        if (b->out.action == TRANSACTION_WRITE) {
            AUTO_FREE char *text = xstrdup(b->out.content->bytes);
            put(b, text);
        } else if (b->out.action == TRANSACTION_NONE && b->out.wake_ms > b->now_ms) {
            return;
        }
    }
    ck_abort_msg("it never waits");
}

static void facts(struct bench *b, enum transaction_health health, const char *hash)
{
    b->input.health = health;
    b->input.health_ms = b->now_ms;
    b->input.health_text = "connection refused";
    b->input.mirror.hash = hash;
    b->input.mirror.seen_ms = b->now_ms;
}

static void pass(struct bench *b, int64_t ms)
{
    b->now_ms += ms;
}

/* "new" is in force, h2 its hash. */
static void commit(struct bench *b)
{
    run(b);
    facts(b, TRANSACTION_HEALTHY, "h2");
    run(b);
    pass(b, SOAK_MS);
    facts(b, TRANSACTION_HEALTHY, "h2");
    run(b);
    ck_assert_int_ne(b->events & 1u << TRANSACTION_COMMITTED, 0);
    b->events = 0;
}

static bool happened(const struct bench *b, enum transaction_event event)
{
    return (b->events & 1u << event) != 0;
}

/* The process ends; the next one finds the journal as it is. */
static void restart(struct bench *b)
{
    struct journal journal = b->t.journal;
    b->t.journal = (struct journal){0};
    transaction_finish(&b->t);
    transaction_init_take(&b->t, &journal);
    b->input.failed = NULL;
    b->events = 0;
}

#define BENCH(name)                                                                                \
    struct bench name;                                                                             \
    bench_init(&name)

START_TEST(from_one_end_to_the_other)
{
    BENCH(b);
    expect_action(&b, TRANSACTION_SAVE);
    ck_assert_int_eq(b.t.journal.phase, JOURNAL_PENDING);
    ck_assert_str_eq(b.t.journal.original->bytes, "old");
    ck_assert_str_eq(b.t.journal.previous->bytes, "old");
    ck_assert_str_eq(b.t.journal.written->bytes, "new");
    ck_assert_str_eq(b.t.journal.hash_before, "h1");
    ck_assert(b.t.journal.written->mode == 0600 && b.t.journal.written->gid == 2);
    do_write(&b, "new");
    expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.event, TRANSACTION_WRITTEN);
    expect_action(&b, TRANSACTION_NONE);
    ck_assert(b.out.probe && b.out.wake_ms == b.now_ms + BUDGET_MS + SOAK_MS);
    facts(&b, TRANSACTION_HEALTHY, "h2");
    expect_action(&b, TRANSACTION_NONE);
    pass(&b, SOAK_MS - 1);
    facts(&b, TRANSACTION_HEALTHY, "h2");
    expect_action(&b, TRANSACTION_NONE);
    pass(&b, 1);
    expect_action(&b, TRANSACTION_NONE); /* what is known is older */
    facts(&b, TRANSACTION_HEALTHY, "h2");
    expect_action(&b, TRANSACTION_SYNC);
    ck_assert_int_eq(b.out.event, TRANSACTION_COMMITTED);
    expect_action(&b, TRANSACTION_SAVE);
    ck_assert_int_eq(b.t.journal.phase, JOURNAL_IDLE);
    ck_assert_str_eq(b.t.journal.original->bytes, "old");
    ck_assert_str_eq(b.t.journal.applied, b.file->digest);
    expect_action(&b, TRANSACTION_NONE);
    expect_action(&b, TRANSACTION_NONE);
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
        put(&b, table[i].file);
        want(&b, table[i].wanted);
        b.input.hold = table[i].hold;
        expect_action(&b, TRANSACTION_NONE);
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
        run(&b);
        for (int64_t ms = 0; ms < BUDGET_MS + SOAK_MS; ms += SOAK_MS) {
            b.input.mirror.known = table[i].known;
            b.input.mirror.as_intended = table[i].as_intended;
            b.input.mirror.ready = table[i].ready;
            facts(&b, table[i].health, table[i].hash);
            run(&b);
            ck_assert(!happened(&b, TRANSACTION_ROLLBACK_BEGUN));
            pass(&b, SOAK_MS);
        }
        run(&b);
        bool good = table[i].why == NULL;
        ck_assert_str_eq(b.file->bytes, good ? "new" : "old");
        ck_assert(happened(&b, good ? TRANSACTION_COMMITTED : TRANSACTION_ROLLED_BACK));
        ck_assert(good || strstr(b.t.journal.latch.why, table[i].why) != NULL);
        bench_finish(&b);
    }
}
END_TEST

START_TEST(facts_from_before_do_not_count)
{
    BENCH(b);
    b.input.restarts = false;
    facts(&b, TRANSACTION_HEALTHY, "h1"); /* known before the file was replaced */
    pass(&b, 1);
    b.input.soak_ms = 0;
    run(&b);
    ck_assert(!happened(&b, TRANSACTION_COMMITTED));
    facts(&b, TRANSACTION_HEALTHY, "h1");
    run(&b);
    ck_assert(happened(&b, TRANSACTION_COMMITTED));
    bench_finish(&b);
}
END_TEST

START_TEST(soak_begins_anew_after_a_lapse)
{
    BENCH(b);
    run(&b);
    facts(&b, TRANSACTION_HEALTHY, "h2");
    run(&b);
    pass(&b, SOAK_MS / 2);
    facts(&b, TRANSACTION_UNHEALTHY, "h2");
    run(&b);
    pass(&b, SOAK_MS / 2);
    facts(&b, TRANSACTION_HEALTHY, "h2");
    run(&b);
    ck_assert_int_eq(b.t.phase, TRANSACTION_VERIFYING);
    pass(&b, SOAK_MS);
    facts(&b, TRANSACTION_HEALTHY, "h2");
    run(&b);
    ck_assert(happened(&b, TRANSACTION_COMMITTED));
    bench_finish(&b);
}
END_TEST

/* The API server can't be asked: a healthy pod is neither called good nor rolled back. */
START_TEST(unseen_is_not_judged)
{
    BENCH(b);
    run(&b);
    b.input.mirror.known = false;
    for (int i = 0; i < 30; i++) {
        facts(&b, TRANSACTION_HEALTHY, "h2");
        run(&b);
        pass(&b, SOAK_MS);
    }
    ck_assert_int_eq(b.out.wait, TRANSACTION_UNSEEN);
    ck_assert_int_eq(b.t.phase, TRANSACTION_VERIFYING);
    b.input.mirror.known = true;
    facts(&b, TRANSACTION_HEALTHY, "h2");
    run(&b);
    ck_assert_int_eq(b.out.wait, TRANSACTION_GOES_ON);
    pass(&b, SOAK_MS);
    facts(&b, TRANSACTION_HEALTHY, "h2");
    run(&b);
    ck_assert(happened(&b, TRANSACTION_COMMITTED));
    bench_finish(&b);
}
END_TEST

static void roll_back(struct bench *b)
{
    run(b);
    pass(b, BUDGET_MS + SOAK_MS);
    facts(b, TRANSACTION_UNHEALTHY, "h2");
    run(b);
    ck_assert(happened(b, TRANSACTION_ROLLED_BACK));
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
    restart(&b);
    expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.wait, TRANSACTION_LATCHED);
    want(&b, "newer");
    expect_action(&b, TRANSACTION_SAVE);
    bench_finish(&b);

    bench_init(&b);
    roll_back(&b);
    b.input.input = "v2";
    expect_action(&b, TRANSACTION_SAVE);
    bench_finish(&b);
}
END_TEST

START_TEST(roll_back_needs_no_journal)
{
    BENCH(b);
    run(&b);
    pass(&b, BUDGET_MS + SOAK_MS);
    facts(&b, TRANSACTION_UNHEALTHY, "h2");
    expect_action(&b, TRANSACTION_SAVE);
    ck_assert_int_eq(b.t.journal.phase, JOURNAL_ROLLING_BACK);
    fail_next(&b, "no space");
    expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.event, TRANSACTION_JOURNAL_FAILED);
    expect_action(&b, TRANSACTION_WRITE);
    ck_assert_str_eq(b.out.content->bytes, "old");
    fail_next(&b, "no space");
    expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.event, TRANSACTION_ROLLBACK_FAILED);
    ck_assert_int_eq(b.out.wake_ms, b.now_ms + TRANSACTION_RETRY_MS);
    pass(&b, TRANSACTION_RETRY_MS);
    do_write(&b, "old");
    expect_action(&b, TRANSACTION_SYNC);
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
        expect_action(&b, TRANSACTION_SAVE);
        b.t.journal.phase = table[i].phase;
        if (table[i].phase == JOURNAL_ROLLING_BACK) {
            journal_set_latch(&b.t.journal, b.t.journal.written->digest, "v1", "it was bad");
        }
        put(&b, table[i].file);
        restart(&b);
        want(&b, NULL);
        run(&b);
        ck_assert_msg(happened(&b, table[i].event), "row %zu", i);
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
    run(&b);
    for (int i = 0; i < TRANSACTION_RESUME_MAX; i++) {
        restart(&b);
        run(&b);
        ck_assert(happened(&b, TRANSACTION_RESUMED));
        ck_assert_str_eq(b.file->bytes, "new");
    }
    restart(&b);
    run(&b);
    ck_assert(happened(&b, TRANSACTION_ROLLED_BACK));
    ck_assert_str_eq(b.file->bytes, "old");
    bench_finish(&b);
}
END_TEST

START_TEST(others_change_it_in_the_middle)
{
    BENCH(b);
    expect_action(&b, TRANSACTION_SAVE);
    put(&b, "other");
    expect_action(&b, TRANSACTION_SYNC);
    ck_assert_int_eq(b.out.event, TRANSACTION_LEFT);
    bench_finish(&b);

    bench_init(&b);
    run(&b);
    put(&b, "other");
    want(&b, NULL);
    run(&b); /* at once, whatever the pod looks like */
    ck_assert(happened(&b, TRANSACTION_LEFT) && !happened(&b, TRANSACTION_ROLLBACK_BEGUN));
    pass(&b, BUDGET_MS + SOAK_MS);
    run(&b);
    ck_assert(!happened(&b, TRANSACTION_ROLLBACK_BEGUN));
    ck_assert_str_eq(b.t.journal.latch.wanted, "");
    ck_assert_str_eq(b.file->bytes, "other");
    bench_finish(&b);
}
END_TEST

/* Moved away and back, as one restarts a static pod by hand. */
START_TEST(file_is_away_for_a_while)
{
    BENCH(b);
    run(&b);
    put(&b, NULL);
    pass(&b, 10 * BUDGET_MS);
    run(&b);
    ck_assert_int_eq(b.out.wait, TRANSACTION_UNREADABLE);
    put(&b, "new");
    pass(&b, BUDGET_MS);
    facts(&b, TRANSACTION_HEALTHY, "h2");
    run(&b);
    pass(&b, SOAK_MS);
    facts(&b, TRANSACTION_HEALTHY, "h2");
    run(&b);
    ck_assert(happened(&b, TRANSACTION_COMMITTED));
    bench_finish(&b);
}
END_TEST

START_TEST(write_fails)
{
    BENCH(b);
    expect_action(&b, TRANSACTION_SAVE);
    expect_action(&b, TRANSACTION_WRITE);
    fail_next(&b, "no space");
    expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.event, TRANSACTION_WRITE_FAILED);
    ck_assert_str_eq(b.out.text, "no space");
    run(&b);
    ck_assert(happened(&b, TRANSACTION_DROPPED));
    ck_assert_int_eq(b.t.phase, TRANSACTION_IDLE);
    ck_assert_int_eq(b.out.wait, TRANSACTION_RETRYING);
    ck_assert_ptr_null(b.t.journal.original);
    pass(&b, TRANSACTION_RETRY_MS);
    expect_action(&b, TRANSACTION_SAVE);
    /* said to have failed, and there all the same */
    do_write(&b, "new");
    fail_next(&b, "cannot sync");
    run(&b);
    ck_assert_int_eq(b.t.phase, TRANSACTION_VERIFYING);
    bench_finish(&b);
}
END_TEST

START_TEST(journal_fails)
{
    BENCH(b);
    for (int64_t wait_ms = TRANSACTION_RETRY_MS; wait_ms < TRANSACTION_RETRY_MAX_MS; wait_ms *= 2) {
        expect_action(&b, TRANSACTION_SAVE);
        fail_next(&b, "no space");
        expect_action(&b, TRANSACTION_NONE);
        ck_assert_int_eq(b.out.event, TRANSACTION_JOURNAL_FAILED);
        ck_assert_int_eq(b.out.wake_ms, b.now_ms + wait_ms);
        expect_action(&b, TRANSACTION_NONE);
        ck_assert_int_eq(b.out.wait, TRANSACTION_RETRYING);
        pass(&b, wait_ms);
    }
    ck_assert_str_eq(b.file->bytes, "old"); /* untouched */
    commit(&b);
    bench_finish(&b);
}
END_TEST

START_TEST(outcome_is_recorded_in_the_end)
{
    BENCH(b);
    run(&b);
    b.input.soak_ms = 0;
    facts(&b, TRANSACTION_HEALTHY, "h2");
    run(&b);
    pass(&b, SOAK_MS);
    facts(&b, TRANSACTION_HEALTHY, "h2");
    expect_action(&b, TRANSACTION_SYNC);
    fail_next(&b, "cannot sync");
    expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.event, TRANSACTION_JOURNAL_FAILED);
    pass(&b, TRANSACTION_RETRY_MS);
    expect_action(&b, TRANSACTION_SYNC); /* never the journal before the file */
    expect_action(&b, TRANSACTION_SAVE);
    fail_next(&b, "no space");
    expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.t.phase, TRANSACTION_CLOSING);
    pass(&b, 2 * TRANSACTION_RETRY_MS);
    expect_action(&b, TRANSACTION_SAVE);
    run(&b);
    ck_assert_int_eq(b.t.phase, TRANSACTION_IDLE);
    bench_finish(&b);
}
END_TEST

static void commit_as(struct bench *b, const char *text, const char *hash)
{
    want(b, text);
    run(b);
    facts(b, TRANSACTION_HEALTHY, hash);
    run(b);
    pass(b, SOAK_MS);
    facts(b, TRANSACTION_HEALTHY, hash);
    run(b);
}

/* Two changes on top of each other: one is rolled back to the one before, Revert to the first. */
START_TEST(original_and_previous_are_two)
{
    BENCH(b);
    commit(&b);
    want(&b, "newer");
    run(&b);
    ck_assert_str_eq(b.t.journal.original->bytes, "old");
    ck_assert_str_eq(b.t.journal.previous->bytes, "new");
    pass(&b, BUDGET_MS + SOAK_MS);
    facts(&b, TRANSACTION_UNHEALTHY, "h3");
    run(&b);
    ck_assert_str_eq(b.file->bytes, "new");
    ck_assert_str_eq(b.t.journal.original->bytes, "old");
    b.input.revert = true;
    commit_as(&b, NULL, "h4");
    ck_assert(happened(&b, TRANSACTION_REVERTED));
    ck_assert_str_eq(b.file->bytes, "old");
    ck_assert_ptr_null(b.t.journal.original);
    b.events = 0;
    run(&b);
    ck_assert_int_eq(b.events, 1u << TRANSACTION_QUIET); /* and then nothing more */
    bench_finish(&b);
}
END_TEST

START_TEST(revert_of_what_others_changed)
{
    BENCH(b);
    commit(&b);
    put(&b, "new, and more");
    b.input.revert = true;
    want(&b, NULL);
    run(&b);
    ck_assert_int_eq(b.out.wait, TRANSACTION_FOREIGN);
    ck_assert_str_eq(b.file->bytes, "new, and more");
    commit_as(&b, "old, and more", "h3"); /* the caller took its edits out */
    ck_assert(happened(&b, TRANSACTION_REVERTED));
    ck_assert_str_eq(b.file->bytes, "old, and more");
    ck_assert_ptr_null(b.t.journal.original);
    bench_finish(&b);

    bench_init(&b);
    commit(&b);
    put(&b, "old"); /* somebody else reverted it */
    b.input.revert = true;
    want(&b, NULL);
    run(&b);
    ck_assert(happened(&b, TRANSACTION_REVERTED));
    ck_assert_ptr_null(b.t.journal.original);
    bench_finish(&b);
}
END_TEST

START_TEST(original_that_does_not_start)
{
    BENCH(b);
    commit(&b);
    b.input.revert = true;
    run(&b);
    ck_assert_str_eq(b.file->bytes, "old");
    pass(&b, BUDGET_MS + SOAK_MS);
    facts(&b, TRANSACTION_UNHEALTHY, "h3");
    run(&b);
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
    commit(&b);
    put(&b, "upgraded");
    want(&b, "upgraded, with ours");
    run(&b);
    ck_assert_str_eq(b.t.journal.original->bytes, "old"); /* not told otherwise */
    bench_finish(&b);

    bench_init(&b);
    commit(&b);
    put(&b, "upgraded");
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
    want(&b, NULL);
    expect_action(&b, TRANSACTION_NONE);
    ck_assert_int_eq(b.out.wait, TRANSACTION_GOES_ON);
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
