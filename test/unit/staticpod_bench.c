#include "unit/staticpod_bench.h"

#include <string.h>

#include "base/alloc.h"

static const struct manifest_content like = {.mode = 0600, .uid = 1, .gid = 2};

void bench_put(struct bench *b, const char *text)
{
    manifest_content_destroy(b->file);
    b->file = text != NULL ? manifest_content_create(text, strlen(text), &like) : NULL;
}

void bench_want(struct bench *b, const char *text)
{
    b->input.wanted = text;
    b->input.wanted_len = text != NULL ? strlen(text) : 0;
}

void bench_init(struct bench *b)
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
    bench_put(b, "old");
    bench_want(b, "new");
}

void bench_finish(struct bench *b)
{
    transaction_finish(&b->t);
    bench_put(b, NULL);
}

void bench_step(struct bench *b)
{
    b->input.file = b->file;
    b->input.file_err = b->file == NULL ? &b->file_err : NULL;
    transaction_step(&b->t, &b->input, b->now_ms, &b->out);
    b->events |= 1u << b->out.event;
    b->input.failed = NULL;
}

void bench_fail_next(struct bench *b, const char *text)
{
    err_fill(&b->failed, ERR_RETRY, "%s", text);
    b->input.failed = &b->failed;
}

void bench_expect_action(struct bench *b, enum transaction_action action)
{
    bench_step(b);
    ck_assert_int_eq(b->out.action, action);
}

void bench_do_write(struct bench *b, const char *text)
{
    bench_expect_action(b, TRANSACTION_WRITE);
    ck_assert_str_eq(b->out.content->bytes, text);
    bench_put(b, text);
}

void bench_run(struct bench *b)
{
    for (int i = 0; i < 20; i++) {
        bench_step(b);
        if (b->out.action == TRANSACTION_WRITE) {
            AUTO_FREE char *text = xstrdup(b->out.content->bytes);
            bench_put(b, text);
        } else if (b->out.action == TRANSACTION_NONE && b->out.wake_ms > b->now_ms) {
            return;
        }
    }
    ck_abort_msg("it never waits");
}

void bench_facts(struct bench *b, enum transaction_health health, const char *hash)
{
    b->input.health = health;
    b->input.health_ms = b->now_ms;
    b->input.health_text = "connection refused";
    b->input.mirror.hash = hash;
    b->input.mirror.seen_ms = b->now_ms;
}

void bench_pass(struct bench *b, int64_t ms)
{
    b->now_ms += ms;
}

void bench_commit(struct bench *b)
{
    bench_run(b);
    bench_facts(b, TRANSACTION_HEALTHY, "h2");
    bench_run(b);
    bench_pass(b, SOAK_MS);
    bench_facts(b, TRANSACTION_HEALTHY, "h2");
    bench_run(b);
    ck_assert_int_ne(b->events & 1u << TRANSACTION_COMMITTED, 0);
    b->events = 0;
}

bool bench_happened(const struct bench *b, enum transaction_event event)
{
    return (b->events & 1u << event) != 0;
}

void bench_restart(struct bench *b)
{
    struct journal journal = b->t.journal;
    b->t.journal = (struct journal){0};
    transaction_finish(&b->t);
    transaction_init_take(&b->t, &journal);
    b->input.failed = NULL;
    b->events = 0;
}
