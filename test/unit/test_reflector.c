/*
 * The reflector, the client and the prober against a small API server that misbehaves when told
 * to: what the machine's tables say, with real connections and a real store.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "unit/fakepeer.h"
#include "unit/reflector_rig.h"
#include "unit/unit.h"

/* --- well-behaved servers --- */

START_TEST(streamed_list_and_watch)
{
    struct reflector_rig f;
    rig_begin(&f, "streamed");
    rig_tell("put %s a one", "streamed");
    rig_tell("put %s b one", "streamed");
    rig_reflect(&f, NULL, false);
    rig_await_watching(&f);
    ck_assert_uint_eq(store_len(f.store), 2);
    ck_assert_int_eq(f.changes, 1); /* nothing is seen before all of it is there */
    int64_t began_ms = loop_now_ms(f.kube.loop);
    rig_tell("put %s a two", "streamed");
    rig_tell("put %s c one", "streamed");
    rig_tell("remove %s b", "streamed");
    rig_await_value(&f, "b", NULL);
    rig_await_value(&f, "a", "two");
    rig_await_value(&f, "c", "one");
    rig_await_log(&f, "watch match=NotOlderThan initial=true");
    struct reflector_health health = rig_health(&f);
    ck_assert(health.synced && health.watching);
    ck_assert_uint_eq(health.lists, 1);
    ck_assert_uint_eq(health.watches, 1);
    ck_assert_int_eq(health.last_error.kind, ERR_NONE);
    ck_assert_int_ge(health.verified_ms, began_ms);
    rig_end(&f);
}
END_TEST

START_TEST(list_where_lists_cannot_be_streamed)
{
    struct reflector_rig f;
    rig_begin(&f, "ungated");
    rig_tell("set %s streams no", "ungated");
    rig_tell("put %s a one", "ungated");
    rig_reflect(&f, NULL, false);
    rig_await_watching(&f);
    rig_await_log(&f, "watch match=NotOlderThan initial=true|list rv=0 limit=500 gzip|watch rv=11");
    rig_tell("put %s a two", "ungated");
    rig_await_value(&f, "a", "two");
    rig_end(&f);
}
END_TEST

START_TEST(one_object_by_name)
{
    struct reflector_rig f;
    rig_begin(&f, "single");
    rig_tell("put %s a one", "single");
    rig_tell("put %s b one", "single");
    rig_reflect(&f, "b", true);
    rig_await_watching(&f);
    ck_assert_uint_eq(store_len(f.store), 1);
    ck_assert_str_eq(store_only(f.store)->name, "b");
    rig_await_log(&f, "list rv=0 limit=500 field=metadata.name=b gzip|"
                      "watch rv=12 field=metadata.name=b");
    rig_end(&f);
}
END_TEST

START_TEST(pages_where_there_is_no_watch_cache)
{
    struct reflector_rig f;
    rig_begin(&f, "paged");
    rig_tell("set %s cached no", "paged");
    rig_tell("fill %s 1200", "paged");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    ck_assert_uint_eq(store_len(f.store), 1200);
    ck_assert_int_eq(f.changes, 1);
    rig_await_log(&f, "list rv=0 limit=500 gzip|list limit=500 continue=500 gzip|"
                      "list limit=500 continue=1000 gzip|watch rv=1210");
    rig_end(&f);
}
END_TEST

START_TEST(second_page_is_gone)
{
    struct reflector_rig f;
    rig_begin(&f, "pagegone");
    rig_tell("set %s cached no", "pagegone");
    rig_tell("fill %s 600", "pagegone");
    rig_tell("fault %s list pass 410", "pagegone");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    ck_assert_uint_eq(store_len(f.store), 600);
    ck_assert_int_eq(f.changes, 1);
    rig_await_log(&f, "list rv=0 limit=500 gzip|list limit=500 continue=500 gzip|list rv=0 gzip|"
                      "watch rv=610");
    rig_end(&f);
}
END_TEST

/* --- rows of the error table --- */

static const struct row {
    const char *name;
    const char *verb;
    const char *fault;
    const char *log;    /* of all requests */
    enum err_kind kind; /* of what health says while it waits; ERR_NONE: it goes on at once */
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

/* All rows at once, on one loop: most of the time each of them waits for its back-off. */
static struct reflector_rig rigs[ARRAY_LEN(rows)];
static bool told[ARRAY_LEN(rows)]; /* health has told of the row's error */

static bool all_have_told(void *arg)
{
    bool all = true;
    (void)arg;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = rig_health(&rigs[i]).last_error;
        if (err.kind != ERR_NONE && rows[i].kind != ERR_NONE) {
            ck_assert_msg(err.kind == rows[i].kind, "%s: %s", rows[i].name, err.text);
            ck_assert_ptr_nonnull(strstr(err.text, "configmaps"));
            told[i] = true;
        }
        all = all && (told[i] || rows[i].kind == ERR_NONE);
    }
    return all;
}

static void on_answer(void *arg, const struct kube_reply *reply, const struct err *err)
{
    bool *answered = arg;
    (void)reply;
    ck_assert_msg(err == NULL, "%s", err != NULL ? err->text : "");
    *answered = true;
}

static bool is_answered(void *arg)
{
    const bool *answered = arg;
    return *answered;
}

/* A reflector gives up on a connection that takes longer than 2 s: all at once, on a busy machine,
 * they may. */
static void make_connection(struct reflector_rig *f)
{
    bool answered = false;
    kube_submit(f->kube.client, &(const struct kube_request){.method = "GET", .path = "/echo"},
                on_answer, &answered);
    rig_await(f, is_answered, &answered, "an answer");
    rig_tell("log %s", f->kube.name);
}

static void begin_row(struct reflector_rig *f, const struct row *row)
{
    rig_tell("put %s a one", row->name);
    rig_tell("fault %s %s %s", row->name, row->verb, row->fault);
    rig_reflect(f, NULL, true);
}

static void end_row(struct reflector_rig *f, const struct row *row)
{
    rig_await_log(f, row->log);
    rig_await_watching(f);
    rig_tell("put %s a two", row->name);
    rig_await_value(f, "a", "two");
    rig_await_log(f, row->log);
    ck_assert_int_eq(rig_health(f).last_error.kind, ERR_NONE);
}

START_TEST(error_table)
{
    AUTO(loop) struct loop *loop = loop_create();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rig_begin_on(&rigs[i], loop, rows[i].name);
        make_connection(&rigs[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) { /* the loop does not run meanwhile */
        begin_row(&rigs[i], &rows[i]);
    }
    rig_await(&rigs[0], all_have_told, NULL, "all errors");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        end_row(&rigs[i], &rows[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rig_end(&rigs[i]);
    }
}
END_TEST

START_TEST(events_of_another_kind_are_passed_over)
{
    struct reflector_rig f;
    rig_begin(&f, "kinds");
    rig_tell("put %s a one", "kinds");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    rig_tell("to_watches %s {\"type\":\"ADDED\",\"object\":{\"kind\":\"Table\",\"apiVersion\":"
             "\"meta.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"99\"}}}",
             "kinds");
    rig_tell("put %s a two", "kinds");
    rig_await_value(&f, "a", "two");
    rig_await_log(&f, "list rv=0 limit=500 gzip|watch rv=11");
    rig_end(&f);
}
END_TEST

START_TEST(an_unreadable_object_is_left_out)
{
    struct reflector_rig f;
    rig_begin(&f, "unreadable");
    rig_tell("put %s a one", "unreadable");
    rig_tell("put %s b unreadable", "unreadable");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    ck_assert_uint_eq(store_len(f.store), 1);
    struct err err = rig_health(&f).last_error;
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_str_eq(err.text, "ConfigMap default/b cannot be read: data.value is unreadable");
    rig_tell("put %s b fine", "unreadable");
    rig_await_value(&f, "b", "fine");
    ck_assert_int_eq(rig_health(&f).last_error.kind, ERR_NONE);
    /* the last readable state stays, and a deletion needs none */
    rig_tell("put %s b unreadable", "unreadable");
    rig_await(&f, rig_has_error, &f, "an error");
    rig_await_value(&f, "b", "fine");
    rig_tell("remove %s b", "unreadable");
    rig_await_value(&f, "b", NULL);
    ck_assert_int_eq(rig_health(&f).last_error.kind, ERR_NONE);
    rig_end(&f);
}
END_TEST

START_TEST(bytes_come_one_by_one)
{
    struct reflector_rig f;
    rig_begin(&f, "dribble");
    rig_tell("set %s dribble yes", "dribble");
    rig_tell("put %s a one", "dribble");
    rig_reflect(&f, NULL, false);
    rig_await_watching(&f);
    rig_tell("put %s a two", "dribble");
    rig_await_value(&f, "a", "two");
    rig_await_log(&f, "watch match=NotOlderThan initial=true");
    rig_end(&f);
}
END_TEST

START_TEST(goaway_does_not_end_what_is_under_way)
{
    struct reflector_rig f;
    rig_begin(&f, "goaway");
    rig_tell("put %s a one", "goaway");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    rig_tell("to_watches %s goaway", "goaway");
    rig_tell("put %s a two", "goaway");
    rig_await_value(&f, "a", "two");
    rig_await_log(&f, "list rv=0 limit=500 gzip|watch rv=11");
    rig_tell("to_watches %s eof", "goaway");
    rig_tell("put %s a three", "goaway");
    rig_await_value(&f, "a", "three");
    rig_end(&f);
}
END_TEST

START_TEST(a_clean_end_goes_on_without_a_list)
{
    struct reflector_rig f;
    rig_begin(&f, "clean");
    rig_tell("put %s a one", "clean");
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    rig_tell("put %s other one", "clean");
    rig_tell("version %s 40", "clean");
    rig_tell("to_watches %s bookmark", "clean");
    rig_tell("to_watches %s eof", "clean");
    rig_await_value(&f, "other", "one");
    rig_await_log(&f, "list rv=0 limit=500 gzip|watch rv=11|watch rv=40");
    rig_await_watching(&f);
    rig_end(&f);
}
END_TEST

/* --- ends --- */

START_TEST(destroyed_at_any_time)
{
    for (int ms = 0; ms < 40; ms += 2) {
        struct reflector_rig f;
        char name[16];
        snprintf(name, sizeof(name), "ends%d", ms);
        rig_begin(&f, name);
        rig_tell("fill %s 20", name);
        rig_reflect(&f, NULL, ms % 4 == 0);
        kube_rig_idle(&f.kube, ms);
        rig_end(&f);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("reflector");
    TCase *c = tcase_create("reflector");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, streamed_list_and_watch);
    tcase_add_test(c, list_where_lists_cannot_be_streamed);
    tcase_add_test(c, one_object_by_name);
    tcase_add_test(c, pages_where_there_is_no_watch_cache);
    tcase_add_test(c, second_page_is_gone);
    tcase_add_test(c, error_table);
    tcase_add_test(c, events_of_another_kind_are_passed_over);
    tcase_add_test(c, an_unreadable_object_is_left_out);
    tcase_add_test(c, bytes_come_one_by_one);
    tcase_add_test(c, goaway_does_not_end_what_is_under_way);
    tcase_add_test(c, a_clean_end_goes_on_without_a_list);
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
