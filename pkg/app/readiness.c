#include "app/readiness.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/inputs.h"
#include "base/alloc.h"

/* The outcome of one check: NULL when it is well; else what is wrong, owned by the caller. */
typedef char *check_fn(struct cluster *cluster, enum input input, int64_t now_ms);

static char *check_server(struct cluster *cluster, enum input input, int64_t now_ms)
{
    (void)input;
    (void)now_ms;
    return kube_client_up(cluster_client(cluster)) ? NULL
                                                   : xstrdup("the API server is not reachable");
}

static char *check_input(struct cluster *cluster, enum input input, int64_t now_ms)
{
    struct reflector_health health;
    if (!cluster_health(cluster, input, &health)) {
        return NULL; /* nobody needs it */
    }
    const char *why = health.last_error.kind != ERR_NONE ? health.last_error.text : "no answer yet";
    if (!health.synced) {
        return xasprintf("never listed: %s", why);
    }
    int64_t age_ms = now_ms - health.verified_ms;
    return age_ms > READINESS_AGE_MAX_MS
               ? xasprintf("not verified for %" PRId64 " s: %s", age_ms / 1000, why)
               : NULL;
}

struct report {
    struct cluster *cluster;
    int64_t now_ms;
    const char *only; /* the check that was asked for; NULL: all */
    struct buf *body;
    bool failed;
    bool found;
};

static void run_check(struct report *report, const char *name, check_fn *check, enum input input)
{
    if (report->only != NULL && strcmp(report->only, name) != 0) {
        return;
    }
    report->found = true;
    AUTO_FREE char *wrong = check(report->cluster, input, report->now_ms);
    if (wrong == NULL) {
        buf_printf(report->body, "[+]%s ok\n", name);
    } else {
        buf_printf(report->body, "[-]%s failed: %s\n", name, wrong);
        report->failed = true;
    }
}

static char *check_nothing(struct cluster *cluster, enum input input, int64_t now_ms)
{
    (void)cluster;
    (void)input;
    (void)now_ms;
    return NULL;
}

static void run_checks(struct report *report, bool ready)
{
    run_check(report, "ping", check_nothing, INPUT_NONE);
    if (!ready) {
        return;
    }
    run_check(report, "api-server", check_server, INPUT_NONE);
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        AUTO_FREE char *name = xasprintf("watch-%s", input_name(input));
        run_check(report, name, check_input, input);
    }
}

/* "livez", "readyz" or "healthz" of "/NAME" and "/NAME/CHECK"; NULL: another path. */
static const char *probe_of(const char *path, const char **ret_check)
{
    static const char *const names[] = {"livez", "healthz", "readyz"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);
        if (strncmp(path + 1, names[i], len) == 0 &&
            (path[len + 1] == '\0' || path[len + 1] == '/')) {
            *ret_check = path[len + 1] == '/' && path[len + 2] != '\0' ? path + len + 2 : NULL;
            return names[i];
        }
    }
    return NULL;
}

int readiness_answer(struct cluster *cluster, int64_t now_ms, const char *path, bool verbose,
                     struct buf *body)
{
    struct report report = {.cluster = cluster, .now_ms = now_ms, .body = body};
    const char *probe = path[0] == '/' ? probe_of(path, &report.only) : NULL;
    if (probe != NULL) {
        run_checks(&report, strcmp(probe, "readyz") == 0);
    }
    if (!report.found) {
        buf_reset(body);
        buf_puts(body, "404 page not found\n");
        return 404;
    }
    if (!report.failed && !verbose) {
        buf_reset(body);
        buf_puts(body, "ok");
        return 200;
    }
    buf_printf(body, "%s check %s\n", probe, report.failed ? "failed" : "passed");
    return report.failed ? 500 : 200;
}
