/*
 * The reflector, the client and the prober while the API server is away, and when it is back.
 */
#include <stdlib.h>

#include "unit/fakepeer.h"
#include "unit/reflector_rig.h"
#include "unit/unit.h"

enum {
    BACK_AGAIN_MS = 1000, /* after an outage, however long: the promise of the whole client */
    SETTLE_MS = 1050,     /* a watch that ends sooner makes a relist */
    WATCHES = 8,
};

/* The API server goes away with all its connections, things change, it comes back. */
static void outage(struct reflector_rig *f, int64_t away_ms)
{
    rig_tell("put %s a before", f->kube.name);
    rig_reflect(f, NULL, true);
    rig_await_watching(f);
    kube_rig_idle(&f->kube, SETTLE_MS);
    rig_tell("stop %s", f->kube.name);
    rig_tell("put %s a after", f->kube.name);
    kube_rig_idle(&f->kube, away_ms);
    ck_assert(!kube_client_up(f->kube.client));
    ck_assert_int_eq(f->kube.losses, 1);
    rig_tell("start %s", f->kube.name);
    int64_t took_ms = rig_await_value(f, "a", "after");
    ck_assert_msg(took_ms <= BACK_AGAIN_MS, "back after %d ms", (int)took_ms);
    ck_assert(kube_client_up(f->kube.client));
    ck_assert_int_eq(f->kube.recoveries, 1);
    ck_assert_int_ge(f->kube.outage_ms, away_ms / 2);
}

START_TEST(back_within_a_second_after_an_outage)
{
    struct reflector_rig f;
    rig_begin(&f, "outage");
    outage(&f, 1500);
    rig_await_watching(&f);
    /* a check of the version, and on from where it was */
    char *log = fakepeer_ask("log outage");
    ck_assert_str_eq(log, "list rv=0 limit=500 gzip|watch rv=11|list limit=1 gzip|watch rv=11");
    free(log);
    rig_end(&f);
}
END_TEST

START_TEST(back_when_history_is_compacted)
{
    struct reflector_rig f;
    rig_begin(&f, "compacted");
    rig_tell("put %s a before", "compacted");
    rig_tell("put %s b before", "compacted");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    rig_tell("stop %s", "compacted");
    rig_tell("put %s a after", "compacted");
    rig_tell("remove %s b", "compacted");
    rig_tell("compact %s", "compacted");
    kube_rig_idle(&f.kube, 1500);
    rig_tell("start %s", "compacted");
    int64_t took_ms = rig_await_value(&f, "a", "after");
    ck_assert_int_le(took_ms, BACK_AGAIN_MS);
    rig_await_value(&f, "b", NULL);
    rig_end(&f);
}
END_TEST

START_TEST(back_in_a_restored_etcd)
{
    struct reflector_rig f;
    rig_begin(&f, "restored");
    rig_tell("version %s 5000", "restored");
    rig_tell("put %s a before", "restored");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    kube_rig_idle(&f.kube, SETTLE_MS);
    rig_tell("stop %s", "restored");
    rig_tell("restore %s 200", "restored");
    kube_rig_idle(&f.kube, 1000);
    rig_tell("start %s", "restored");
    int64_t took_ms = rig_await_value(&f, "restored", "yes");
    ck_assert_int_le(took_ms, BACK_AGAIN_MS);
    ck_assert_ptr_null(store_get(f.store, "default", "a"));
    rig_await_watching(&f);
    rig_tell("put %s restored again", "restored");
    rig_await_value(&f, "restored", "again");
    rig_expect_log(&f, "list rv=0 limit=500 gzip|watch rv=5001|list limit=1 gzip|"
                       "list limit=500 gzip|watch rv=201");
    rig_end(&f);
}
END_TEST

START_TEST(a_server_that_starts_slowly_is_waited_for)
{
    struct reflector_rig f;
    rig_begin(&f, "starting");
    rig_tell("put %s a before", "starting");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    kube_rig_idle(&f.kube, 200); /* the first heartbeat tells that we may ask */
    rig_tell("stop %s", "starting");
    rig_tell("put %s a after", "starting");
    kube_rig_idle(&f.kube, 1000);
    /* it listens, but its handlers are not ready: 500, then 403 without its roles */
    rig_tell("set %s ready 500", "starting");
    rig_tell("fault %s list always-403", "starting");
    rig_tell("fault %s watch always-403", "starting");
    rig_tell("start %s", "starting");
    kube_rig_idle(&f.kube, 1000);
    rig_tell("set %s ready 403", "starting");
    kube_rig_idle(&f.kube, 1000);
    ck_assert(!kube_client_up(f.kube.client));
    rig_expect_log(&f, "list rv=0 limit=500 gzip|watch rv=11"); /* nobody bothers it meanwhile */
    rig_tell("fault %s list", "starting");
    rig_tell("fault %s watch", "starting");
    rig_tell("set %s ready 200", "starting");
    int64_t took_ms = rig_await_value(&f, "a", "after");
    ck_assert_int_le(took_ms, BACK_AGAIN_MS);
    rig_end(&f);
}
END_TEST

START_TEST(a_server_that_is_away_is_asked_twice_a_second)
{
    struct reflector_rig f;
    rig_begin(&f, "asked");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    rig_tell("stop %s", "asked");
    kube_rig_idle(&f.kube, 300);
    int before = f.kube.requests;
    kube_rig_idle(&f.kube, 2000);
    int probes = f.kube.requests - before;
    ck_assert_msg(probes >= 3 && probes <= 7, "%d probes in 2 s", probes);
    rig_end(&f);
}
END_TEST

START_TEST(another_certificate_is_not_trusted_and_the_right_one_is)
{
    struct reflector_rig f;
    rig_begin(&f, "identity");
    rig_tell("put %s a before", "identity");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    rig_tell("identity %s other", "identity");
    rig_tell("drop %s reset", "identity");
    rig_tell("put %s a after", "identity");
    kube_rig_idle(&f.kube, 2000);
    ck_assert(!kube_client_up(f.kube.client));
    f.wanted_name = "a";
    f.wanted_value = "before";
    ck_assert(rig_has_value(&f));
    rig_tell("identity %s own", "identity");
    ck_assert_int_le(rig_await_value(&f, "a", "after"), BACK_AGAIN_MS);
    rig_end(&f);
}
END_TEST

static bool is_up(void *arg)
{
    const struct reflector_rig *f = arg;
    return kube_client_up(f->kube.client);
}

static bool is_down(void *arg)
{
    return !is_up(arg);
}

/* The connection is there and nothing comes: only the heartbeat can tell. */
START_TEST(a_silent_connection_is_noticed)
{
    struct reflector_rig f;
    rig_begin(&f, "frozen");
    rig_tell("put %s a before", "frozen");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    kube_rig_idle(&f.kube, 300);
    ck_assert_int_eq(fakepeer_number("probes frozen"), 1);
    rig_tell("fault %s readyz always-hang", "frozen");
    int64_t noticed_ms = kube_rig_until(&f.kube, RIG_LIMIT_MS, is_down, &f);
    ck_assert_int_ge(noticed_ms, 7000);
    ck_assert_int_le(noticed_ms, 8500);
    int connections = fakepeer_number("connections frozen");
    rig_tell("put %s a after", "frozen");
    kube_rig_idle(&f.kube, 500);
    rig_tell("fault %s readyz", "frozen");
    rig_await_value(&f, "a", "after");
    rig_await_watching(&f);
    ck_assert_int_ge(kube_rig_until(&f.kube, RIG_LIMIT_MS, is_up, &f), 0);
    ck_assert_int_gt(fakepeer_number("connections frozen"), connections);
    rig_end(&f);
}
END_TEST

static void on_answer(void *arg, const struct kube_reply *reply, const struct err *err)
{
    int *status = arg;
    ck_assert_ptr_nonnull(err);
    *status = reply->http_status;
}

/* Watches live on while etcd is away; only requests tell that the server is not well. */
START_TEST(a_failed_request_makes_the_server_be_asked)
{
    struct reflector_rig f;
    int status = 0;
    rig_begin(&f, "etcd");
    rig_tell("put %s a before", "etcd");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    kube_rig_idle(&f.kube, SETTLE_MS);
    rig_tell("set %s ready 500", "etcd");
    kube_submit(f.kube.client,
                &(const struct kube_request){.method = "PATCH", .path = "/fail?code=500"},
                on_answer, &status);
    ck_assert_int_ge(kube_rig_until(&f.kube, RIG_LIMIT_MS, is_down, &f), 0);
    ck_assert_int_eq(status, 500);
    rig_tell("put %s a meanwhile", "etcd");
    rig_await_value(&f, "a", "meanwhile");
    ck_assert(is_down(&f));
    rig_tell("set %s ready 200", "etcd");
    int64_t took_ms = kube_rig_until(&f.kube, RIG_LIMIT_MS, is_up, &f);
    ck_assert_int_ge(took_ms, 0);
    ck_assert_int_le(took_ms, BACK_AGAIN_MS);
    ck_assert_int_eq(fakepeer_number("connections etcd"), 1);
    rig_expect_log(&f, "list rv=0 limit=500 gzip|watch rv=11|PATCH /fail?code=500 -");
    rig_end(&f);
}
END_TEST

/* One store per object, as the operator has them; all over one connection. */
START_TEST(watches_share_one_connection_and_come_back_together)
{
    struct reflector_rig f;
    struct reflector *reflectors[WATCHES];
    rig_begin(&f, "shared");
    rig_tell("put %s a before", "shared");
    for (int i = 0; i < WATCHES; i++) {
        rig_reflect(&f, i % 2 == 0 ? "a" : NULL, i % 3 == 0);
        reflectors[i] = f.reflector;
    }
    rig_await_watching(&f);
    kube_rig_idle(&f.kube, SETTLE_MS);
    ck_assert_int_eq(fakepeer_number("watching shared"), WATCHES);
    ck_assert_int_eq(fakepeer_number("connections shared"), 1);
    rig_tell("stop %s", "shared");
    kube_rig_idle(&f.kube, 700);
    rig_tell("start %s", "shared");
    kube_rig_idle(&f.kube, BACK_AGAIN_MS);
    ck_assert_int_eq(fakepeer_number("watching shared"), WATCHES);
    ck_assert_int_eq(fakepeer_number("connections shared"), 2);
    for (int i = 0; i < WATCHES - 1; i++) {
        reflector_destroy(reflectors[i]);
    }
    rig_end(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("outage");
    TCase *c = tcase_create("outage");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, back_within_a_second_after_an_outage);
    tcase_add_test(c, back_when_history_is_compacted);
    tcase_add_test(c, back_in_a_restored_etcd);
    tcase_add_test(c, a_server_that_starts_slowly_is_waited_for);
    tcase_add_test(c, a_server_that_is_away_is_asked_twice_a_second);
    tcase_add_test(c, another_certificate_is_not_trusted_and_the_right_one_is);
    tcase_add_test(c, a_silent_connection_is_noticed);
    tcase_add_test(c, a_failed_request_makes_the_server_be_asked);
    tcase_add_test(c, watches_share_one_connection_and_come_back_together);
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
