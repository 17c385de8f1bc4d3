#include "unit/authbench.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

const struct auth_periods authbench_calm = {
    .token_ms = AUTHBENCH_NEVER,
    .files_ms = AUTHBENCH_NEVER,
    .settle_ms = AUTHBENCH_NEVER,
    .broken_ms = AUTHBENCH_NEVER,
    .rejected_ms = AUTHBENCH_NEVER,
    .plugin_ms = AUTHBENCH_PATIENCE_MS,
    .renew_floor_ms = AUTHBENCH_NEVER,
    .backoff_min_ms = AUTHBENCH_NEVER,
    .backoff_max_ms = AUTHBENCH_NEVER,
};

static void note_changed(void *arg)
{
    struct authbench *bench = arg;
    bench->changed++;
}

void authbench_note_ready(void *arg, const struct err *err)
{
    struct authbench *bench = arg;
    bench->ready++;
    bench->changed_when_ready = bench->changed;
    bench->why = err != NULL ? *err : (struct err){0};
}

void authbench_init(struct authbench *bench)
{
    *bench = (struct authbench){.loop = loop_create(), .dir = tempdir_create()};
    bench->config.server = "https://h";
}

char *authbench_path(struct authbench *bench, const char *name)
{
    char *path = tempdir_path(bench->dir, name);
    bench->paths[bench->path_count++] = path;
    return path;
}

void authbench_create(struct authbench *bench, const struct auth_periods *periods)
{
    bench->auth =
        auth_create_with_periods(bench->loop, &bench->config, periods, note_changed, bench);
}

void authbench_start(struct authbench *bench, const struct auth_periods *periods)
{
    authbench_create(bench, periods);
    auth_start(bench->auth, authbench_note_ready, bench);
}

void authbench_finish(struct authbench *bench)
{
    auth_destroy(bench->auth);
    loop_destroy(bench->loop);
    for (size_t i = 0; i < bench->path_count; i++) {
        free(bench->paths[i]);
    }
    tempdir_destroy(bench->dir);
}

static void wake(void *arg)
{
    (void)arg;
}

void authbench_run_until(struct authbench *bench, bool (*holds)(struct authbench *bench),
                         const char *what)
{
    int64_t deadline = loop_now_ms(bench->loop) + AUTHBENCH_PATIENCE_MS;
    struct loop_timer *timer = loop_timer_create(bench->loop, wake, NULL);
    while (!holds(bench)) {
        ck_assert_msg(loop_now_ms(bench->loop) < deadline, "in vain: %s", what);
        loop_timer_arm(timer, 50);
        loop_run_once(bench->loop);
    }
    loop_timer_destroy(timer);
}

void authbench_run_for(struct authbench *bench, int64_t ms)
{
    int64_t end = loop_now_ms(bench->loop) + ms;
    struct loop_timer *timer = loop_timer_create(bench->loop, wake, NULL);
    while (loop_now_ms(bench->loop) < end) {
        loop_timer_arm(timer, end - loop_now_ms(bench->loop));
        loop_run_once(bench->loop);
    }
    loop_timer_destroy(timer);
}

const char *authbench_authorization(struct authbench *bench)
{
    struct http_header headers[HTTP_HEADERS_MAX] = {{0}};
    size_t used = auth_headers(bench->auth, headers, 0);
    return used != 0 && strcmp(headers[0].name, "Authorization") == 0 ? headers[0].value : NULL;
}

bool is_ready(struct authbench *bench)
{
    return bench->ready != 0;
}

bool has_token_a(struct authbench *bench)
{
    return authbench_authorization(bench) != NULL &&
           strcmp(authbench_authorization(bench), "Bearer a") == 0;
}

bool has_token_b(struct authbench *bench)
{
    return authbench_authorization(bench) != NULL &&
           strcmp(authbench_authorization(bench), "Bearer b") == 0;
}

bool has_problem(struct authbench *bench)
{
    return auth_problem(bench->auth) != NULL;
}

bool has_no_problem(struct authbench *bench)
{
    return auth_problem(bench->auth) == NULL;
}

bool has_changed(struct authbench *bench)
{
    return bench->changed != 0;
}
