/*
 * One auth under test with its loop, its directory, and what it said.
 */
#ifndef TEST_AUTHBENCH_H
#define TEST_AUTHBENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "kube/auth.h"

/* A day for all that a test does not wait for. */
enum {
    AUTHBENCH_NEVER = 24 * 3600 * 1000,
    AUTHBENCH_SOON = 5,
    AUTHBENCH_PATIENCE_MS = 20 * 1000,
};

/* Nothing happens by itself. */
extern const struct auth_periods authbench_calm;

struct authbench {
    struct loop *loop;
    struct auth *auth;
    char *dir;
    struct kube_config config; /* borrows all its strings */
    struct kube_exec exec;
    char *argv[4];
    char *env[2];
    int changed; /* how often */
    int changed_when_ready;
    int ready;
    struct err why; /* what ready was told, kind ERR_NONE: all is well */
    char *paths[4]; /* owned, for the config */
    size_t path_count;
};

void authbench_init(struct authbench *bench);
void authbench_finish(struct authbench *bench);
/* A path in the directory, owned by the bench. */
char *authbench_path(struct authbench *bench, const char *name);
/* Makes the auth as the config says; authbench_start() starts it too. */
void authbench_create(struct authbench *bench, const struct auth_periods *periods);
void authbench_start(struct authbench *bench, const struct auth_periods *periods);
/* The `ready` of the bench: notes what it is told. */
void authbench_note_ready(void *arg, const struct err *err);

/* Runs the loop until the condition holds; ends the test when that takes too long. */
void authbench_run_until(struct authbench *bench, bool (*holds)(struct authbench *bench),
                         const char *what);
#define RUN_UNTIL(bench, holds) authbench_run_until(bench, holds, #holds)
void authbench_run_for(struct authbench *bench, int64_t ms);

/* The value of the Authorization header, NULL when there is none. */
const char *authbench_authorization(struct authbench *bench);

/* Conditions. */
bool is_ready(struct authbench *bench);
bool has_token_a(struct authbench *bench);
bool has_token_b(struct authbench *bench);
bool has_problem(struct authbench *bench);
bool has_no_problem(struct authbench *bench);
bool has_changed(struct authbench *bench);

#endif
