/*
 * The reflector, the client and what depends on it while the API server is away, and when it is
 * back. How soon it is asked and what follows is in the tables of test_availability.c and
 * test_reflector_recovery.c; here, that it does follow over real connections.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/event_recorder.h"
#include "unit/fakepeer.h"
#include "unit/reflector_rig.h"
#include "unit/unit.h"

enum {
    WATCHES = 8,
};

static bool is_up(void *arg)
{
    const struct reflector_rig *f = arg;
    return kube_client_up(f->kube.client);
}

static bool is_down(void *arg)
{
    return !is_up(arg);
}

/* A rig whose reflector watches and has received an event: a watch that ends early without one is
 * trouble of another kind. "a" is "before". */
static void begin_watching(struct reflector_rig *f, const char *name)
{
    rig_begin(f, name);
    rig_reflect(f, NULL, true);
    rig_await_watching(f);
    rig_tell("put %s a before", name);
    rig_await_value(f, "a", "before");
}

START_TEST(back_after_an_outage)
{
    struct reflector_rig f;
    begin_watching(&f, "outage");
    rig_tell("stop %s", "outage");
    rig_await(&f, rig_is_lost, &f, "the loss"); /* noticed by the watch itself */
    ck_assert(is_down(&f));
    rig_tell("put %s a after", "outage");
    ck_assert_int_eq(f.kube.losses, 1);
    rig_tell("start %s", "outage");
    rig_await_value(&f, "a", "after");
    ck_assert(kube_client_up(f.kube.client));
    ck_assert_int_eq(f.kube.recoveries, 1);
    ck_assert_int_gt(f.kube.outage_ms, 0);
    /* not by back-off: a check of the version, and on from where it was */
    rig_await_log(&f, "list rv=0 limit=500 gzip|watch rv=10|list limit=1 gzip|watch rv=11");
    rig_end(&f);
}
END_TEST

START_TEST(back_when_history_is_compacted)
{
    struct reflector_rig f;
    begin_watching(&f, "compacted");
    rig_tell("put %s b before", "compacted");
    rig_await_value(&f, "b", "before");
    rig_stop_server(&f);
    rig_tell("put %s a after", "compacted");
    rig_tell("remove %s b", "compacted");
    rig_tell("compact %s", "compacted");
    rig_tell("start %s", "compacted");
    rig_await_value(&f, "a", "after");
    rig_await_value(&f, "b", NULL);
    rig_end(&f);
}
END_TEST

START_TEST(back_in_a_restored_etcd)
{
    struct reflector_rig f;
    rig_begin(&f, "restored");
    rig_tell("version %s 5000", "restored");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    rig_tell("put %s a before", "restored");
    rig_await_value(&f, "a", "before");
    rig_stop_server(&f);
    rig_tell("restore %s 200", "restored");
    rig_tell("start %s", "restored");
    rig_await_value(&f, "restored", "yes");
    ck_assert_ptr_null(store_get(f.store, "default", "a"));
    rig_await_watching(&f);
    rig_tell("put %s restored again", "restored");
    rig_await_value(&f, "restored", "again");
    rig_await_log(&f, "list rv=0 limit=500 gzip|watch rv=5000|list limit=1 gzip|"
                      "list limit=500 gzip|watch rv=201");
    rig_end(&f);
}
END_TEST

static bool was_asked(void *arg)
{
    const struct reflector_rig *f = arg;
    return fakepeer_number("probes %s", f->kube.name) > 0;
}

static bool said_500(void *arg)
{
    return ((const struct reflector_rig *)arg)->kube.last_status == 500;
}

static bool said_403(void *arg)
{
    return ((const struct reflector_rig *)arg)->kube.last_status == 403;
}

/* It listens, but its handlers are not ready: 500, then 403 without its roles. */
START_TEST(a_server_that_starts_slowly_is_waited_for)
{
    struct reflector_rig f;
    begin_watching(&f, "starting");
    rig_await(&f, was_asked, &f, "that we may ask is known");
    rig_tell("stop %s", "starting");
    rig_await(&f, rig_is_lost, &f, "the loss"); /* by the watch, which is not tried again */
    rig_tell("put %s a after", "starting");
    rig_tell("set %s ready 500", "starting");
    rig_tell("fault %s list always-403", "starting");
    rig_tell("fault %s watch always-403", "starting");
    rig_tell("start %s", "starting");
    rig_await(&f, said_500, &f, "not ready");
    rig_tell("set %s ready 403", "starting");
    rig_await(&f, said_403, &f, "without roles");
    ck_assert(is_down(&f));
    /* nobody bothers it meanwhile */
    rig_await_log(&f, "list rv=0 limit=500 gzip|watch rv=10");
    rig_tell("fault %s list", "starting");
    rig_tell("fault %s watch", "starting");
    rig_tell("set %s ready 200", "starting");
    rig_await_value(&f, "a", "after");
    rig_end(&f);
}
END_TEST

struct asked {
    const struct reflector_rig *f;
    int requests;
};

static bool asked_in_vain(void *arg)
{
    const struct asked *asked = arg;
    return asked->f->kube.requests >= asked->requests && asked->f->kube.last_status == 0;
}

START_TEST(another_certificate_is_not_trusted_and_the_right_one_is)
{
    struct reflector_rig f;
    begin_watching(&f, "identity");
    rig_tell("identity %s other", "identity");
    rig_tell("drop %s reset", "identity");
    rig_tell("put %s a after", "identity");
    rig_await(&f, is_down, &f, "the loss");
    struct asked asked = {&f, f.kube.requests + 2};
    rig_await(&f, asked_in_vain, &asked, "refusals");
    ck_assert(is_down(&f));
    f.wanted_value = "before";
    ck_assert(rig_has_value(&f));
    rig_tell("identity %s own", "identity");
    rig_await_value(&f, "a", "after");
    rig_end(&f);
}
END_TEST

static void on_answer(void *arg, const struct kube_reply *reply, const struct err *err)
{
    int *status = arg;
    ck_assert_ptr_nonnull(err);
    *status = reply->http_status;
}

static bool is_answered(void *arg)
{
    const int *status = arg;
    return *status != 0;
}

/* Watches live on while etcd is away; only requests tell that the server is not well. */
START_TEST(a_failed_request_makes_the_server_be_asked)
{
    struct reflector_rig f;
    begin_watching(&f, "etcd");
    rig_tell("log %s", "etcd");
    rig_tell("set %s ready 500", "etcd");
    while (kube_client_up(f.kube.client)) { /* it is not asked more than once a second */
        int status = 0;
        kube_submit(f.kube.client,
                    &(const struct kube_request){.method = "PATCH", .path = "/fail?code=500"},
                    on_answer, &status);
        rig_await(&f, is_answered, &status, "an answer");
        ck_assert_int_eq(status, 500);
        kube_rig_idle(&f.kube, 50);
    }
    rig_tell("put %s a meanwhile", "etcd");
    rig_await_value(&f, "a", "meanwhile");
    ck_assert(is_down(&f));
    rig_tell("set %s ready 200", "etcd");
    rig_await(&f, is_up, &f, "up");
    ck_assert_int_eq(fakepeer_number("connections etcd"), 1);
    AUTO_FREE char *log = fakepeer_ask("log etcd");
    ck_assert_ptr_null(strstr(log, "list"));
    ck_assert_ptr_null(strstr(log, "watch"));
    rig_end(&f);
}
END_TEST

/* One store per object, as the operator has them; all over one connection. */
struct fleet {
    struct reflector_rig *f;
    struct reflector *reflectors[WATCHES];
};

static bool all_are_watching(void *arg)
{
    const struct fleet *fleet = arg;
    bool all = true;
    for (int i = 0; i < WATCHES; i++) {
        struct reflector_health health;
        reflector_health(fleet->reflectors[i], &health);
        all = all && health.watching;
    }
    return all && fakepeer_number("watching %s", fleet->f->kube.name) == WATCHES;
}

START_TEST(watches_share_one_connection_and_come_back_together)
{
    struct reflector_rig f;
    struct fleet fleet = {.f = &f};
    rig_begin(&f, "shared");
    rig_tell("put %s a before", "shared");
    for (int i = 0; i < WATCHES; i++) {
        rig_reflect(&f, i % 2 == 0 ? "a" : NULL, i % 3 == 0);
        fleet.reflectors[i] = f.reflector;
    }
    rig_await(&f, all_are_watching, &fleet, "all watch");
    ck_assert_int_eq(fakepeer_number("connections shared"), 1);
    rig_stop_server(&f);
    rig_tell("start %s", "shared");
    rig_await(&f, all_are_watching, &fleet, "all watch again");
    ck_assert_int_eq(fakepeer_number("spread shared"), 1);
    for (int i = 0; i < WATCHES - 1; i++) {
        reflector_destroy(fleet.reflectors[i]);
    }
    rig_end(&f);
}
END_TEST

static bool event_came(void *arg)
{
    AUTO_FREE char *log = fakepeer_ask("peek %s", ((const struct reflector_rig *)arg)->kube.name);
    return strstr(log, "POST /apis/events.k8s.io/v1/namespaces/default/events") != NULL;
}

START_TEST(events_wait_for_the_server)
{
    struct reflector_rig f;
    begin_watching(&f, "events");
    struct event_recorder *recorder = event_recorder_create(f.kube.loop, f.kube.client, "x");
    rig_stop_server(&f);
    event_record(recorder, &(struct event){.reason = "Repaired",
                                           .action = "Reconcile",
                                           .note = "put back",
                                           .api_version = "v1",
                                           .kind = "ConfigMap",
                                           .ns = "default",
                                           .name = "a",
                                           .uid = "uid-a"});
    rig_tell("start %s", "events");
    rig_await(&f, event_came, &f, "the Event");
    event_recorder_destroy(recorder);
    rig_end(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("outage");
    TCase *c = tcase_create("outage");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, back_after_an_outage);
    tcase_add_test(c, back_when_history_is_compacted);
    tcase_add_test(c, back_in_a_restored_etcd);
    tcase_add_test(c, a_server_that_starts_slowly_is_waited_for);
    tcase_add_test(c, another_certificate_is_not_trusted_and_the_right_one_is);
    tcase_add_test(c, a_failed_request_makes_the_server_be_asked);
    tcase_add_test(c, watches_share_one_connection_and_come_back_together);
    tcase_add_test(c, events_wait_for_the_server);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    fakepeer_start("fake.kubepeer");
    int status = unit_main(suite());
    fakepeer_stop();
    return status;
}
