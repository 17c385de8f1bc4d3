/*
 * The transaction's machine on a bench: a file, a journal on a disk, and the facts, all set by the
 * test.
 */
#ifndef TEST_STATICPOD_BENCH_H
#define TEST_STATICPOD_BENCH_H

#include "staticpod/transaction.h"
#include "unit/unit.h"

enum {
    BUDGET_MS = 60000,
    SOAK_MS = 10000,
};

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

void bench_put(struct bench *b, const char *text);
void bench_want(struct bench *b, const char *text);
void bench_init(struct bench *b);
void bench_finish(struct bench *b);
void bench_step(struct bench *b);
void bench_fail_next(struct bench *b, const char *text);
void bench_expect_action(struct bench *b, enum transaction_action action);
void bench_do_write(struct bench *b, const char *text);
/* Steps, doing all that is asked, until there is nothing to do now. */
void bench_run(struct bench *b);
void bench_facts(struct bench *b, enum transaction_health health, const char *hash);
void bench_pass(struct bench *b, int64_t ms);
/* "new" is in force, h2 its hash. */
void bench_commit(struct bench *b);
bool bench_happened(const struct bench *b, enum transaction_event event);
/* The process ends; the next one finds the journal as it is. */
void bench_restart(struct bench *b);

#define BENCH(name)                                                                                \
    struct bench name;                                                                             \
    bench_init(&name)

#endif
