/*
 * The reflector, the client and the prober against a small API server that misbehaves when told
 * to: what the machine's tables say, with real connections and a real store.
 */
#include "kube/reflector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "kube/resource.h"
#include "unit/fakepeer.h"
#include "unit/kube_rig.h"
#include "unit/unit.h"

enum {
    LIMIT_MS = 10000,
    BACK_AGAIN_MS = 1000, /* after an outage: issue 3's promise */
    SETTLE_MS = 1050,     /* a watch that ends sooner makes a relist */
};

struct fixture {
    struct kube_rig rig;
    struct store *store;
    struct reflector *reflector;
    int changes;
    const char *wanted_name; /* for has_value() */
    const char *wanted_value;
};

static void on_changed(void *arg)
{
    struct fixture *f = arg;
    f->changes++;
}

/* As object_project_whole, but for objects whose value is "unreadable". */
static int project(const struct json_object *json, struct object **ret_object, struct err *err)
{
    if (strcmp(json_get_str_or(json, "data/value", ""), "unreadable") == 0) {
        return err_set(err, ERR_INVALID, "data.value is unreadable");
    }
    return object_project_whole(json, ret_object, err);
}

static void begin(struct fixture *f, const char *name)
{
    *f = (struct fixture){0};
    kube_rig_start(&f->rig, name);
    f->store = store_create(on_changed, f);
}

static void reflect(struct fixture *f, const char *name, bool list_only)
{
    const struct reflector_spec spec = {.resource = &resource_configmap,
                                        .ns = "default",
                                        .name = name,
                                        .project = project,
                                        .list_only = list_only};
    f->reflector = reflector_create(f->rig.loop, f->rig.client, &spec, f->store);
}

static void end(struct fixture *f)
{
    reflector_destroy(f->reflector);
    store_destroy(f->store);
    kube_rig_finish(&f->rig);
}

static bool is_watching(void *arg)
{
    const struct fixture *f = arg;
    struct reflector_health health;
    reflector_health(f->reflector, &health);
    return health.watching && store_synced(f->store);
}

static bool has_value(void *arg)
{
    const struct fixture *f = arg;
    const struct object *object = store_get(f->store, "default", f->wanted_name);
    if (object == NULL || f->wanted_value == NULL) {
        return (object == NULL) == (f->wanted_value == NULL);
    }
    return strcmp(json_get_str_or(object->body, "data/value", ""), f->wanted_value) == 0;
}

static void await_watching(struct fixture *f)
{
    struct reflector_health health;
    bool good = kube_rig_until(&f->rig, LIMIT_MS, is_watching, f) >= 0;
    reflector_health(f->reflector, &health);
    ck_assert_msg(good, "not watching: %s", health.last_error.text);
}

/* Runs until the object has the value (NULL: is absent); returns how long that took. */
static int64_t await_value(struct fixture *f, const char *name, const char *value)
{
    f->wanted_name = name;
    f->wanted_value = value;
    int64_t took_ms = kube_rig_until(&f->rig, LIMIT_MS, has_value, f);
    ck_assert_msg(took_ms >= 0, "%s is not %s", name, value != NULL ? value : "gone");
    return took_ms;
}

#define tell(...) free(fakepeer_ask(__VA_ARGS__))

/* The requests for the collection since the last look. */
static void expect_log(const struct fixture *f, const char *wanted)
{
    char *log = fakepeer_ask("log %s", f->rig.name);
    ck_assert_str_eq(log, wanted);
    free(log);
}

static struct reflector_health health_of(const struct fixture *f)
{
    struct reflector_health health;
    reflector_health(f->reflector, &health);
    return health;
}

/* --- well-behaved servers --- */

START_TEST(streamed_list_and_watch)
{
    struct fixture f;
    begin(&f, "streamed");
    tell("put %s a one", "streamed");
    tell("put %s b one", "streamed");
    reflect(&f, NULL, false);
    await_watching(&f);
    ck_assert_uint_eq(store_len(f.store), 2);
    ck_assert_int_eq(f.changes, 1); /* nothing is seen before all of it is there */
    tell("put %s a two", "streamed");
    tell("put %s c one", "streamed");
    tell("remove %s b", "streamed");
    await_value(&f, "b", NULL);
    await_value(&f, "a", "two");
    await_value(&f, "c", "one");
    expect_log(&f, "watch match=NotOlderThan initial=true");
    struct reflector_health health = health_of(&f);
    ck_assert(health.synced && health.watching);
    ck_assert_uint_eq(health.lists, 1);
    ck_assert_uint_eq(health.watches, 1);
    ck_assert_int_eq(health.last_error.kind, ERR_NONE);
    ck_assert_int_le(loop_now_ms(f.rig.loop) - health.verified_ms, 1000);
    end(&f);
}
END_TEST

START_TEST(list_where_lists_cannot_be_streamed)
{
    struct fixture f;
    begin(&f, "ungated");
    tell("set %s streams no", "ungated");
    tell("put %s a one", "ungated");
    reflect(&f, NULL, false);
    await_watching(&f);
    expect_log(&f, "watch match=NotOlderThan initial=true|list rv=0 limit=500 gzip|watch rv=11");
    tell("put %s a two", "ungated");
    await_value(&f, "a", "two");
    end(&f);
}
END_TEST

START_TEST(one_object_by_name)
{
    struct fixture f;
    begin(&f, "single");
    tell("put %s a one", "single");
    tell("put %s b one", "single");
    reflect(&f, "b", true);
    await_watching(&f);
    ck_assert_uint_eq(store_len(f.store), 1);
    ck_assert_str_eq(store_only(f.store)->name, "b");
    expect_log(&f, "list rv=0 limit=500 field=metadata.name=b gzip|"
                   "watch rv=12 field=metadata.name=b");
    end(&f);
}
END_TEST

START_TEST(pages_where_there_is_no_watch_cache)
{
    struct fixture f;
    begin(&f, "paged");
    tell("set %s cached no", "paged");
    tell("fill %s 1200", "paged");
    reflect(&f, NULL, true);
    await_watching(&f);
    ck_assert_uint_eq(store_len(f.store), 1200);
    ck_assert_int_eq(f.changes, 1);
    expect_log(&f, "list rv=0 limit=500 gzip|list limit=500 continue=500 gzip|"
                   "list limit=500 continue=1000 gzip|watch rv=1210");
    end(&f);
}
END_TEST

START_TEST(second_page_is_gone)
{
    struct fixture f;
    begin(&f, "pagegone");
    tell("set %s cached no", "pagegone");
    tell("fill %s 600", "pagegone");
    tell("fault %s list pass 410", "pagegone");
    reflect(&f, NULL, true);
    await_watching(&f);
    ck_assert_uint_eq(store_len(f.store), 600);
    ck_assert_int_eq(f.changes, 1);
    expect_log(&f, "list rv=0 limit=500 gzip|list limit=500 continue=500 gzip|list rv=0 gzip|"
                   "watch rv=610");
    end(&f);
}
END_TEST

/* --- rows of the error table --- */

static const struct row {
    const char *name;
    const char *verb;
    const char *fault;
    const char *log; /* of all requests */
    enum err_kind kind; /* of what health says while it waits; ERR_NONE: it does not wait */
} rows[] = {
    {"list-500", "list", "500", "list rv=0 limit=500 gzip|list rv=0 limit=500 gzip|watch rv=11",
     ERR_RETRY},
    {"list-403", "list", "403", "list rv=0 limit=500 gzip|list rv=0 limit=500 gzip|watch rv=11",
     ERR_DENIED},
    {"list-404", "list", "404", "list rv=0 limit=500 gzip|list rv=0 limit=500 gzip|watch rv=11",
     ERR_NOT_FOUND},
    {"list-429", "list", "429,1", "list rv=0 limit=500 gzip|list rv=0 limit=500 gzip|watch rv=11",
     ERR_RETRY},
    {"list-410", "list", "410", "list rv=0 limit=500 gzip|list limit=500 gzip|watch rv=11",
     ERR_NONE},
    {"list-too-large", "list", "too-large",
     "list rv=0 limit=500 gzip|list limit=500 gzip|watch rv=11", ERR_NONE},
    {"list-cut", "list", "cut,reset",
     "list rv=0 limit=500 gzip|list rv=0 limit=500 gzip|watch rv=11", ERR_RETRY},
    {"list-cut-orderly", "list", "cut,orderly",
     "list rv=0 limit=500 gzip|list rv=0 limit=500 gzip|watch rv=11", ERR_RETRY},
    {"list-eof", "list", "eof", "list rv=0 limit=500 gzip|list rv=0 limit=500 gzip|watch rv=11",
     ERR_RETRY},
    {"watch-429", "watch", "429,1", "list rv=0 limit=500 gzip|watch rv=11|watch rv=11", ERR_RETRY},
    {"watch-410", "watch", "410",
     "list rv=0 limit=500 gzip|watch rv=11|list rv=11 match=NotOlderThan gzip|watch rv=11",
     ERR_NONE},
    {"watch-403", "watch", "403",
     "list rv=0 limit=500 gzip|watch rv=11|list rv=11 match=NotOlderThan gzip|watch rv=11",
     ERR_DENIED},
    {"watch-401", "watch", "401",
     "list rv=0 limit=500 gzip|watch rv=11|list rv=11 match=NotOlderThan gzip|watch rv=11",
     ERR_DENIED},
    {"stream-410-code", "watch", "stream,410",
     "list rv=0 limit=500 gzip|watch rv=11|list rv=11 match=NotOlderThan gzip|watch rv=11",
     ERR_NONE},
    {"stream-410-expired", "watch", "stream,410,Expired",
     "list rv=0 limit=500 gzip|watch rv=11|list rv=11 match=NotOlderThan gzip|watch rv=11",
     ERR_NONE},
    {"stream-429", "watch", "stream,429,TooManyRequests,1",
     "list rv=0 limit=500 gzip|watch rv=11|watch rv=11", ERR_RETRY},
    {"stream-500", "watch", "stream,500,InternalError",
     "list rv=0 limit=500 gzip|watch rv=11|list rv=11 match=NotOlderThan gzip|watch rv=11",
     ERR_RETRY},
    {"watch-too-large", "watch", "too-large",
     "list rv=0 limit=500 gzip|watch rv=11|list limit=500 gzip|watch rv=11", ERR_NONE},
    {"watch-garbled", "watch", "raw,{\"type\":",
     "list rv=0 limit=500 gzip|watch rv=11|list rv=11 match=NotOlderThan gzip|watch rv=11",
     ERR_INVALID},
    {"watch-unknown-type", "watch", "raw,{\"type\":\"WHAT\"}",
     "list rv=0 limit=500 gzip|watch rv=11|list rv=11 match=NotOlderThan gzip|watch rv=11",
     ERR_INVALID},
    {"watch-huge", "watch", "huge",
     "list rv=0 limit=500 gzip|watch rv=11|list rv=11 match=NotOlderThan gzip|watch rv=11",
     ERR_INVALID},
    {"watch-eof-at-once", "watch", "eof",
     "list rv=0 limit=500 gzip|watch rv=11|list rv=11 match=NotOlderThan gzip|watch rv=11",
     ERR_NONE},
};

static bool has_error(void *arg)
{
    return health_of(arg).last_error.kind != ERR_NONE;
}

START_TEST(error_table)
{
    const struct row *row = &rows[_i];
    struct fixture f;
    begin(&f, row->name);
    tell("put %s a one", row->name);
    free(fakepeer_ask("fault %s %s %s", row->name, row->verb, row->fault));
    reflect(&f, NULL, true);
    if (row->kind != ERR_NONE) {
        ck_assert_int_ge(kube_rig_until(&f.rig, LIMIT_MS, has_error, &f), 0);
        struct err err = health_of(&f).last_error;
        ck_assert_msg(err.kind == row->kind, "%s: %s", row->name, err.text);
        ck_assert_ptr_nonnull(strstr(err.text, "configmaps"));
    }
    kube_rig_idle(&f.rig, 100);
    await_watching(&f);
    tell("put %s a two", row->name);
    await_value(&f, "a", "two");
    expect_log(&f, row->log);
    ck_assert_int_eq(health_of(&f).last_error.kind, ERR_NONE);
    ck_assert_int_eq(f.rig.losses, 0); /* a server that answers is not away */
    end(&f);
}
END_TEST

START_TEST(events_of_another_kind_are_passed_over)
{
    struct fixture f;
    begin(&f, "kinds");
    tell("put %s a one", "kinds");
    reflect(&f, NULL, true);
    await_watching(&f);
    tell("to_watches %s {\"type\":\"ADDED\",\"object\":{\"kind\":\"Table\",\"apiVersion\":"
         "\"meta.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"99\"}}}",
         "kinds");
    tell("put %s a two", "kinds");
    await_value(&f, "a", "two");
    expect_log(&f, "list rv=0 limit=500 gzip|watch rv=11");
    end(&f);
}
END_TEST

START_TEST(an_unreadable_object_is_left_out)
{
    struct fixture f;
    begin(&f, "unreadable");
    tell("put %s a one", "unreadable");
    tell("put %s b unreadable", "unreadable");
    reflect(&f, NULL, true);
    await_watching(&f);
    ck_assert_uint_eq(store_len(f.store), 1);
    struct err err = health_of(&f).last_error;
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_str_eq(err.text, "ConfigMap default/b is left out: data.value is unreadable");
    tell("put %s b fine", "unreadable");
    await_value(&f, "b", "fine");
    ck_assert_int_eq(health_of(&f).last_error.kind, ERR_NONE);
    /* the last readable state stays, and a deletion needs none */
    tell("put %s b unreadable", "unreadable");
    ck_assert_int_ge(kube_rig_until(&f.rig, LIMIT_MS, has_error, &f), 0);
    await_value(&f, "b", "fine");
    tell("remove %s b", "unreadable");
    await_value(&f, "b", NULL);
    ck_assert_int_eq(health_of(&f).last_error.kind, ERR_NONE);
    end(&f);
}
END_TEST

START_TEST(bytes_come_one_by_one)
{
    struct fixture f;
    begin(&f, "dribble");
    tell("set %s dribble yes", "dribble");
    tell("put %s a one", "dribble");
    reflect(&f, NULL, false);
    await_watching(&f);
    tell("put %s a two", "dribble");
    await_value(&f, "a", "two");
    expect_log(&f, "watch match=NotOlderThan initial=true");
    end(&f);
}
END_TEST

START_TEST(goaway_does_not_end_what_is_under_way)
{
    struct fixture f;
    begin(&f, "goaway");
    tell("put %s a one", "goaway");
    reflect(&f, NULL, true);
    await_watching(&f);
    tell("to_watches %s goaway", "goaway");
    tell("put %s a two", "goaway");
    await_value(&f, "a", "two");
    expect_log(&f, "list rv=0 limit=500 gzip|watch rv=11");
    tell("to_watches %s eof", "goaway");
    tell("put %s a three", "goaway");
    await_value(&f, "a", "three");
    end(&f);
}
END_TEST

START_TEST(a_clean_end_goes_on_without_a_list)
{
    struct fixture f;
    begin(&f, "clean");
    tell("put %s a one", "clean");
    reflect(&f, NULL, true);
    await_watching(&f);
    tell("put %s other one", "clean");
    tell("version %s 40", "clean");
    tell("to_watches %s bookmark", "clean");
    tell("to_watches %s eof", "clean");
    await_value(&f, "other", "one");
    kube_rig_idle(&f.rig, 1200);
    await_watching(&f);
    expect_log(&f, "list rv=0 limit=500 gzip|watch rv=11|watch rv=40");
    end(&f);
}
END_TEST

/* --- outages --- */

/* The API server goes away with all its connections, things change, it comes back. */
static void outage(struct fixture *f, int64_t away_ms)
{
    tell("put %s a before", f->rig.name);
    reflect(f, NULL, true);
    await_watching(f);
    kube_rig_idle(&f->rig, SETTLE_MS);
    tell("stop %s", f->rig.name);
    tell("put %s a after", f->rig.name);
    kube_rig_idle(&f->rig, away_ms);
    ck_assert(!kube_client_up(f->rig.client));
    ck_assert_int_eq(f->rig.losses, 1);
    tell("start %s", f->rig.name);
    int64_t took_ms = await_value(f, "a", "after");
    ck_assert_msg(took_ms <= BACK_AGAIN_MS, "back after %d ms", (int)took_ms);
    ck_assert(kube_client_up(f->rig.client));
    ck_assert_int_eq(f->rig.recoveries, 1);
    ck_assert_int_ge(f->rig.outage_ms, away_ms / 2);
}

START_TEST(back_within_a_second_after_an_outage)
{
    struct fixture f;
    begin(&f, "outage");
    outage(&f, 1500);
    await_watching(&f);
    /* a check of the version, and on from where it was */
    char *log = fakepeer_ask("log outage");
    ck_assert_str_eq(log, "list rv=0 limit=500 gzip|watch rv=11|list limit=1 gzip|watch rv=11");
    free(log);
    end(&f);
}
END_TEST

START_TEST(back_when_history_is_compacted)
{
    struct fixture f;
    begin(&f, "compacted");
    tell("put %s a before", "compacted");
    tell("put %s b before", "compacted");
    reflect(&f, NULL, true);
    await_watching(&f);
    tell("stop %s", "compacted");
    tell("put %s a after", "compacted");
    tell("remove %s b", "compacted");
    tell("compact %s", "compacted");
    kube_rig_idle(&f.rig, 1500);
    tell("start %s", "compacted");
    int64_t took_ms = await_value(&f, "a", "after");
    ck_assert_int_le(took_ms, BACK_AGAIN_MS);
    await_value(&f, "b", NULL);
    end(&f);
}
END_TEST

START_TEST(back_in_a_restored_etcd)
{
    struct fixture f;
    begin(&f, "restored");
    tell("version %s 5000", "restored");
    tell("put %s a before", "restored");
    reflect(&f, NULL, true);
    await_watching(&f);
    kube_rig_idle(&f.rig, SETTLE_MS);
    tell("stop %s", "restored");
    tell("restore %s 200", "restored");
    kube_rig_idle(&f.rig, 1000);
    tell("start %s", "restored");
    int64_t took_ms = await_value(&f, "restored", "yes");
    ck_assert_int_le(took_ms, BACK_AGAIN_MS);
    ck_assert_ptr_null(store_get(f.store, "default", "a"));
    await_watching(&f);
    tell("put %s restored again", "restored");
    await_value(&f, "restored", "again");
    expect_log(&f, "list rv=0 limit=500 gzip|watch rv=5001|list limit=1 gzip|"
                   "list limit=500 gzip|watch rv=201");
    end(&f);
}
END_TEST

START_TEST(a_server_that_starts_slowly_is_waited_for)
{
    struct fixture f;
    begin(&f, "starting");
    tell("put %s a before", "starting");
    reflect(&f, NULL, true);
    await_watching(&f);
    kube_rig_idle(&f.rig, 200); /* the first heartbeat tells that we may ask */
    tell("stop %s", "starting");
    tell("put %s a after", "starting");
    kube_rig_idle(&f.rig, 1000);
    /* it listens, but its handlers are not ready: 500, then 403 without its roles */
    tell("set %s ready 500", "starting");
    tell("fault %s list always-403", "starting");
    tell("fault %s watch always-403", "starting");
    tell("start %s", "starting");
    kube_rig_idle(&f.rig, 1000);
    tell("set %s ready 403", "starting");
    kube_rig_idle(&f.rig, 1000);
    ck_assert(!kube_client_up(f.rig.client));
    expect_log(&f, "list rv=0 limit=500 gzip|watch rv=11"); /* nobody bothers it meanwhile */
    tell("fault %s list", "starting");
    tell("fault %s watch", "starting");
    tell("set %s ready 200", "starting");
    int64_t took_ms = await_value(&f, "a", "after");
    ck_assert_int_le(took_ms, BACK_AGAIN_MS);
    end(&f);
}
END_TEST

START_TEST(a_server_that_is_away_is_asked_twice_a_second)
{
    struct fixture f;
    begin(&f, "asked");
    reflect(&f, NULL, true);
    await_watching(&f);
    tell("stop %s", "asked");
    kube_rig_idle(&f.rig, 300);
    int before = f.rig.requests;
    kube_rig_idle(&f.rig, 2000);
    int probes = f.rig.requests - before;
    ck_assert_msg(probes >= 3 && probes <= 6, "%d probes in 2 s", probes);
    end(&f);
}
END_TEST

START_TEST(another_certificate_is_not_trusted_and_the_right_one_is)
{
    struct fixture f;
    begin(&f, "identity");
    tell("put %s a before", "identity");
    reflect(&f, NULL, true);
    await_watching(&f);
    tell("identity %s other", "identity");
    tell("drop %s reset", "identity");
    tell("put %s a after", "identity");
    kube_rig_idle(&f.rig, 2000);
    ck_assert(!kube_client_up(f.rig.client));
    f.wanted_name = "a";
    f.wanted_value = "before";
    ck_assert(has_value(&f));
    tell("identity %s own", "identity");
    ck_assert_int_le(await_value(&f, "a", "after"), BACK_AGAIN_MS);
    end(&f);
}
END_TEST

static bool is_up(void *arg)
{
    const struct fixture *f = arg;
    return kube_client_up(f->rig.client);
}

static bool is_down(void *arg)
{
    return !is_up(arg);
}

/* The connection is there and nothing comes: only the heartbeat can tell. */
START_TEST(a_silent_connection_is_noticed)
{
    struct fixture f;
    begin(&f, "frozen");
    tell("put %s a before", "frozen");
    reflect(&f, NULL, true);
    await_watching(&f);
    kube_rig_idle(&f.rig, 300);
    ck_assert_int_eq(fakepeer_number("probes frozen"), 1);
    tell("fault %s readyz always-hang", "frozen");
    int64_t noticed_ms = kube_rig_until(&f.rig, LIMIT_MS, is_down, &f);
    ck_assert_int_ge(noticed_ms, 7000);
    ck_assert_int_le(noticed_ms, 8500);
    int connections = fakepeer_number("connections frozen");
    tell("put %s a after", "frozen");
    kube_rig_idle(&f.rig, 500);
    tell("fault %s readyz", "frozen");
    await_value(&f, "a", "after");
    await_watching(&f);
    ck_assert_int_ge(kube_rig_until(&f.rig, LIMIT_MS, is_up, &f), 0);
    ck_assert_int_gt(fakepeer_number("connections frozen"), connections);
    end(&f);
}
END_TEST

/* --- ends --- */

START_TEST(destroyed_at_any_time)
{
    for (int ms = 0; ms < 40; ms += 2) {
        struct fixture f;
        char name[16];
        snprintf(name, sizeof(name), "ends%d", ms);
        begin(&f, name);
        tell("fill %s 20", name);
        reflect(&f, NULL, ms % 4 == 0);
        kube_rig_idle(&f.rig, ms);
        end(&f);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("reflector");
    TCase *c = tcase_create("reflector");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, streamed_list_and_watch);
    tcase_add_test(c, list_where_lists_cannot_be_streamed);
    tcase_add_test(c, one_object_by_name);
    tcase_add_test(c, pages_where_there_is_no_watch_cache);
    tcase_add_test(c, second_page_is_gone);
    tcase_add_loop_test(c, error_table, 0, ARRAY_LEN(rows));
    tcase_add_test(c, events_of_another_kind_are_passed_over);
    tcase_add_test(c, an_unreadable_object_is_left_out);
    tcase_add_test(c, bytes_come_one_by_one);
    tcase_add_test(c, goaway_does_not_end_what_is_under_way);
    tcase_add_test(c, a_clean_end_goes_on_without_a_list);
    tcase_add_test(c, back_within_a_second_after_an_outage);
    tcase_add_test(c, back_when_history_is_compacted);
    tcase_add_test(c, back_in_a_restored_etcd);
    tcase_add_test(c, a_server_that_starts_slowly_is_waited_for);
    tcase_add_test(c, a_server_that_is_away_is_asked_twice_a_second);
    tcase_add_test(c, another_certificate_is_not_trusted_and_the_right_one_is);
    tcase_add_test(c, a_silent_connection_is_noticed);
    tcase_add_test(c, destroyed_at_any_time);
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
