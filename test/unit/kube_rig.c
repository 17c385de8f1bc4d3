#include "unit/kube_rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/fakepeer.h"

static void on_request(void *arg, const char *method, const char *path, int http_status,
                       int64_t duration_ms)
{
    struct kube_rig *rig = arg;
    ck_assert_uint_gt(strlen(method), 0);
    ck_assert_int_eq(path[0], '/');
    ck_assert_int_ge(duration_ms, 0);
    rig->requests++;
    rig->last_status = http_status;
}

static void on_warning(void *arg, const char *text)
{
    struct kube_rig *rig = arg;
    rig->warnings++;
    snprintf(rig->last_warning, sizeof(rig->last_warning), "%s", text);
}

static void on_distrust(void *arg, const char *what, const char *why)
{
    struct kube_rig *rig = arg;
    rig->distrusts++;
    snprintf(rig->last_distrust, sizeof(rig->last_distrust), "%s: %s", what, why);
}

static void on_lost(void *arg, const char *why)
{
    struct kube_rig *rig = arg;
    ck_assert_str_ne(why, "");
    rig->losses++;
}

static void on_recovered(void *arg, int64_t down_ms)
{
    struct kube_rig *rig = arg;
    rig->recoveries++;
    rig->outage_ms = down_ms;
    ck_assert_int_ge(rig->losses, rig->recoveries);
}

struct readiness {
    bool done;
    bool good;
};

static void on_ready(void *arg, const struct err *err)
{
    struct readiness *ready = arg;
    ready->done = true;
    ready->good = err == NULL;
}

static bool is_done(void *arg)
{
    return ((const struct readiness *)arg)->done;
}

void kube_rig_connect(struct kube_rig *rig)
{
    const struct kube_client_observer observer = {.request = on_request,
                                                  .warning = on_warning,
                                                  .distrust = on_distrust,
                                                  .lost = on_lost,
                                                  .recovered = on_recovered,
                                                  .arg = rig};
    struct err err = {0};
    struct readiness ready = {0};
    kube_client_destroy(rig->client);
    rig->client = NULL;
    ck_assert_msg(
        kube_client_create(rig->loop, &rig->config, "rig/1", &observer, &rig->client, &err) == 0,
        "%s", err.text);
    kube_client_start(rig->client, on_ready, &ready);
    ck_assert(!ready.done); /* never from within */
    ck_assert_int_ge(kube_rig_until(rig, 5000, is_done, &ready), 0);
    ck_assert(ready.good);
}

static void start(struct kube_rig *rig, const char *name)
{
    rig->name = name;
    int port = fakepeer_number("serve %s", name);
    rig->config.source = xstrdup("test");
    rig->config.server = xasprintf("https://127.0.0.1:%d", port);
    rig->config.ca_pem = fakepeer_pem("ca.pem");
    kube_rig_connect(rig);
}

void kube_rig_start(struct kube_rig *rig, const char *name)
{
    *rig = (struct kube_rig){.loop = loop_create()};
    start(rig, name);
}

void kube_rig_start_on(struct kube_rig *rig, struct loop *loop, const char *name)
{
    *rig = (struct kube_rig){.loop = loop, .loop_is_shared = true};
    start(rig, name);
}

void kube_rig_finish(struct kube_rig *rig)
{
    kube_client_destroy(rig->client);
    kube_config_finish(&rig->config);
    if (!rig->loop_is_shared) {
        loop_destroy(rig->loop);
    }
    ck_assert_int_eq(fakepeer_number("errors %s", rig->name), 0);
}

static void wake(void *arg)
{
    bool *passed = arg;
    *passed = true;
}

static bool holds_never(void *arg)
{
    (void)arg;
    return false;
}

int64_t kube_rig_until(struct kube_rig *rig, int64_t limit_ms, bool (*holds)(void *arg), void *arg)
{
    bool passed = false;
    int64_t start_ms = loop_now_ms(rig->loop);
    struct loop_timer *timer = loop_timer_create(rig->loop, wake, &passed);
    loop_timer_arm(timer, limit_ms);
    while (!passed && !holds(arg)) {
        loop_run_once(rig->loop);
    }
    loop_timer_destroy(timer);
    return holds(arg) ? loop_now_ms(rig->loop) - start_ms : -1;
}

void kube_rig_idle(struct kube_rig *rig, int64_t ms)
{
    kube_rig_until(rig, ms, holds_never, NULL);
}
