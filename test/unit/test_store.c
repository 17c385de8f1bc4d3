#include "kube/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/unit.h"

static struct store *store;
static int changes;

static void count_change(void *arg)
{
    ck_assert_ptr_eq(arg, &changes);
    changes++;
}

static void set_up(void)
{
    changes = 0;
    store = store_create(count_change, &changes);
}

static void tear_down(void)
{
    store_destroy(take_ptr(store));
}

static struct object *make(const char *name, const char *uid, const char *version, int value)
{
    AUTO(json) struct json_object *json = json_new_object();
    struct json_object *meta = json_ensure_object(json, "metadata");
    json_set_str(meta, "name", name);
    json_set_str(meta, "namespace", "ns");
    json_set_str(meta, "uid", uid);
    json_set_str(meta, "resourceVersion", version);
    json_set_int(json, "value", value);
    struct object *object = NULL;
    struct err err = {0};
    ck_assert_msg(object_project_whole(json, &object, &err) == 0, "%s", err.text);
    return object;
}

static void put(const char *name, const char *uid, const char *version, int value, int64_t now)
{
    store_put_take(store, make(name, uid, version, value), now);
}

static void put_written(const char *name, const char *uid, const char *version, int value,
                        int64_t now)
{
    store_put_written_take(store, make(name, uid, version, value), now);
}

static void removed(const char *name, const char *uid, const char *version)
{
    (void)uid; /* whose end it is, the version tells */
    store_remove(store, "ns", name, version);
}

/* "name=version:value@seen" of all, in order. */
static void expect(const char *wanted)
{
    char got[1000] = "";
    for (size_t i = 0; i < store_len(store); i++) {
        const struct object *object = store_at(store, i);
        AUTO_FREE char *text =
            xasprintf("%s%s=%s:%d@%d", i != 0 ? " " : "", object->name, object->resource_version,
                      (int)json_get_int(object->body, "value", -1), (int)object->seen_ms);
        strcat(got, text);
    }
    ck_assert_str_eq(got, wanted);
}

/* --- single changes --- */

START_TEST(put_and_get)
{
    put("b", "ub", "1", 1, 10);
    put("a", "ua", "2", 2, 11);
    expect("a=2:2@11 b=1:1@10");
    ck_assert_int_eq(changes, 2);
    ck_assert_str_eq(store_get(store, "ns", "b")->uid, "ub");
    ck_assert_ptr_null(store_get(store, "ns", "c"));
    ck_assert_ptr_null(store_get(store, NULL, "a"));
    ck_assert_ptr_null(store_get(store, "", "ns/a"));
    ck_assert_ptr_null(store_at(store, 2));
    ck_assert_str_eq(store_only(store)->name, "a");
    ck_assert(!store_synced(store));
}
END_TEST

START_TEST(same_digest_is_no_change)
{
    put("a", "u", "1", 1, 10);
    put("a", "u", "2", 1, 20);
    expect("a=2:1@10");
    ck_assert_int_eq(changes, 1);
    put("a", "u", "3", 2, 30);
    expect("a=3:2@30");
    ck_assert_int_eq(changes, 2);
    put("a", "u", "3", 2, 40); /* the same event again */
    expect("a=3:2@30");
    ck_assert_int_eq(changes, 2);
}
END_TEST

START_TEST(older_is_dropped)
{
    put("a", "u", "10", 1, 10);
    put("a", "u", "9", 2, 20);
    expect("a=10:1@10");
    ck_assert_int_eq(changes, 1);
}
END_TEST

START_TEST(unordered_versions_are_taken_as_they_come)
{
    put("a", "u", "x", 1, 10);
    put("a", "u", "w", 2, 20);
    expect("a=w:2@20");
    removed("a", "u", "b");
    expect("");
    put("b", "u", "", 1, 30); /* from a file */
    put("b", "u", "", 2, 40);
    expect("b=:2@40");
}
END_TEST

START_TEST(remove_takes_out)
{
    put("a", "u", "1", 1, 10);
    removed("a", "u", "2");
    expect("");
    ck_assert_int_eq(changes, 2);
    removed("a", "u", "3");
    ck_assert_int_eq(changes, 2);
    ck_assert_ptr_null(store_only(store));
}
END_TEST

START_TEST(changed_is_optional)
{
    AUTO(store) struct store *quiet = store_create(NULL, NULL);
    store_put_take(quiet, make("a", "u", "1", 1), 1);
    store_replace_take(quiet, store_list_create(), "2", false, 2);
    store_clear(quiet);
    ck_assert_uint_eq(store_len(quiet), 0);
    store_destroy(NULL);
}
END_TEST

/* --- read your writes --- */

START_TEST(write_is_not_undone_by_older_events)
{
    put("a", "u", "10", 1, 10);
    put_written("a", "u", "20", 2, 20);
    put("a", "u", "15", 3, 30); /* somebody else's write before ours */
    expect("a=20:2@20");
    put("a", "u", "20", 2, 40); /* our own write comes by */
    expect("a=20:2@20");
    ck_assert_int_eq(changes, 2);
    put("a", "u", "21", 4, 50);
    expect("a=21:4@50");
}
END_TEST

START_TEST(reply_after_the_event)
{
    put("a", "u", "10", 1, 10);
    put("a", "u", "20", 2, 20);
    put("a", "u", "21", 3, 30);
    put_written("a", "u", "20", 2, 40);
    expect("a=21:3@30");
    ck_assert_int_eq(changes, 3);
}
END_TEST

START_TEST(reply_after_the_deletion)
{
    put("a", "u", "10", 1, 10);
    put("a", "u", "20", 2, 20);
    removed("a", "u", "21");
    put_written("a", "u", "20", 2, 30);
    expect("");
    put_written("b", "u", "21", 1, 30); /* the watch is at 21: it has told all up to there */
    expect("");
    put_written("b", "u", "22", 1, 30);
    expect("b=22:1@30");
}
END_TEST

START_TEST(reply_after_events_of_others)
{
    put("b", "u", "30", 1, 10);
    put_written("a", "u", "25", 1, 20); /* had it lived, the watch had shown it before b */
    expect("b=30:1@10");
    put_written("a", "u", "31", 1, 20);
    expect("a=31:1@20 b=30:1@10");
}
END_TEST

START_TEST(reply_after_a_list_without_it)
{
    store_replace_take(store, store_list_create(), "30", false, 10);
    put_written("a", "u", "25", 1, 20);
    expect("");
    put_written("a", "u", "31", 1, 20);
    expect("a=31:1@20");
}
END_TEST

START_TEST(deletion_after_our_write)
{
    put("a", "u", "10", 1, 10);
    put_written("a", "u", "20", 2, 20);
    removed("a", "u", "21");
    expect("");
}
END_TEST

START_TEST(deletion_of_an_earlier_incarnation)
{
    put("a", "old", "10", 1, 10);
    put_written("a", "new", "20", 2, 20); /* we made it anew */
    removed("a", "old", "15");            /* the watch is behind */
    expect("a=20:2@20");
    put("a", "new", "20", 2, 30);
    expect("a=20:2@20");
    ck_assert_int_eq(changes, 2);
}
END_TEST

START_TEST(deletion_of_a_later_incarnation)
{
    put("a", "old", "10", 1, 10);
    removed("a", "new", "30");
    expect("");
}
END_TEST

START_TEST(recreation_is_a_change)
{
    put("a", "old", "10", 1, 10);
    removed("a", "old", "11");
    put("a", "new", "12", 1, 20);
    expect("a=12:1@20");
    ck_assert_int_eq(changes, 3);
    put("a", "newer", "15", 1, 30); /* without the deletion in between */
    expect("a=15:1@30");
    ck_assert_int_eq(changes, 4);
    put("a", "new", "14", 9, 40); /* the end of the one before */
    removed("a", "new", "14");
    expect("a=15:1@30");
}
END_TEST

/* A label selector: leaving it looks like a deletion, though the object lives. */
START_TEST(deletion_by_selector_before_our_write)
{
    put("a", "u", "10", 1, 10);
    put_written("a", "u", "20", 2, 20); /* brings the label back, taken away at 15 */
    removed("a", "u", "15");
    expect("a=20:2@20");
}
END_TEST

/* --- replacement --- */

static void replace(const char *version, bool rewind, int64_t now, const char *const (*rows)[4])
{
    struct store_list *list = store_list_create();
    for (; (*rows)[0] != NULL; rows++) {
        store_list_add_take(list, make((*rows)[0], (*rows)[1], (*rows)[2], atoi((*rows)[3])));
    }
    store_replace_take(store, list, version, rewind, now);
}

/* Rows of name, uid, version and value. */
#define ROWS(...) ((const char *const[][4]){__VA_ARGS__, {NULL}})
#define NO_ROWS ((const char *const[][4]){{NULL}})

START_TEST(replace_syncs_once)
{
    replace("5", false, 10, NO_ROWS);
    ck_assert(store_synced(store));
    ck_assert_int_eq(changes, 1);
    replace("6", false, 20, NO_ROWS);
    ck_assert_int_eq(changes, 1);
}
END_TEST

START_TEST(replace_is_one_change)
{
    put("a", "u", "1", 1, 10);
    put("b", "u", "2", 1, 10);
    put("c", "u", "3", 1, 10);
    changes = 0;
    replace("10", false, 20,
            ROWS({"d", "u", "9", "1"}, {"b", "u", "8", "1"}, {"a", "u", "7", "2"}));
    expect("a=7:2@20 b=8:1@10 d=9:1@20");
    ck_assert_int_eq(changes, 1);
}
END_TEST

START_TEST(replace_by_the_same_is_no_change)
{
    replace("5", false, 10, ROWS({"a", "u", "1", "1"}, {"b", "u", "2", "1"}));
    changes = 0;
    replace("6", false, 20, ROWS({"a", "u", "3", "1"}, {"b", "u", "2", "1"}));
    expect("a=3:1@10 b=2:1@10");
    ck_assert_int_eq(changes, 0);
}
END_TEST

static const struct {
    const char *rows[3][4];
    const char *after;
} single_differences[] = {
    {{{"a", "u", "3", "1"}, {NULL}}, "a=3:1@10"},                                /* one less */
    {{{"a", "u", "3", "1"}, {"b", "u", "2", "2"}, {NULL}}, "a=3:1@10 b=2:2@20"}, /* changed */
    {{{"a", "u", "3", "1"}, {"b", "v", "2", "1"}, {NULL}}, "a=3:1@10 b=2:1@20"}, /* recreated */
    {{{"a", "u", "3", "1"}, {"c", "u", "2", "1"}, {NULL}}, "a=3:1@10 c=2:1@20"}, /* one for one */
};

START_TEST(replace_notices_each_difference)
{
    replace("5", false, 10, ROWS({"a", "u", "1", "1"}, {"b", "u", "2", "1"}));
    changes = 0;
    replace("6", false, 20, single_differences[_i].rows);
    expect(single_differences[_i].after);
    ck_assert_int_eq(changes, 1);
}
END_TEST

START_TEST(replace_notices_one_more)
{
    replace("5", false, 10, ROWS({"a", "u", "1", "1"}));
    changes = 0;
    replace("6", false, 20, ROWS({"a", "u", "1", "1"}, {"b", "u", "2", "1"}));
    expect("a=1:1@10 b=2:1@20");
    ck_assert_int_eq(changes, 1);
}
END_TEST

START_TEST(replace_keeps_newer_writes)
{
    replace("5", false, 10, ROWS({"a", "u", "1", "1"}));
    put_written("a", "u", "20", 2, 20);
    put_written("b", "u", "21", 1, 20);
    changes = 0;
    replace("15", false, 30, ROWS({"a", "u", "1", "1"}));
    expect("a=20:2@20 b=21:1@20");
    ck_assert_int_eq(changes, 0);
    /* a list that has reached the writes counts, also where it lacks one */
    replace("21", false, 40, ROWS({"a", "u", "20", "2"}));
    expect("a=20:2@20");
    ck_assert_int_eq(changes, 1);
}
END_TEST

START_TEST(replace_takes_listed_objects_newer_than_the_list)
{
    put_written("a", "u", "20", 2, 20);
    /* continued at another version: later pages are newer than the list says */
    replace("15", false, 30, ROWS({"a", "u", "25", "3"}));
    expect("a=25:3@30");
}
END_TEST

START_TEST(rewind_replaces_all)
{
    put("a", "u", "100", 1, 10);
    put_written("b", "u", "101", 1, 10);
    changes = 0;
    replace("50", true, 20, ROWS({"a", "u", "40", "7"}));
    expect("a=40:7@20");
    ck_assert_int_eq(changes, 1);
    put("a", "u", "51", 8, 30); /* the new history goes on below the old versions */
    expect("a=51:8@30");
    put_written("c", "u", "52", 1, 40); /* not taken for overtaken: the old history is forgotten */
    expect("a=51:8@30 c=52:1@40");
}
END_TEST

START_TEST(lists_with_an_object_twice)
{
    replace("5", false, 10, ROWS({"a", "u", "3", "3"}, {"a", "u", "4", "4"}, {"a", "u", "2", "2"}));
    expect("a=4:4@10");
    struct store_list *list = store_list_create();
    store_list_add_take(list, make("x", "u", "1", 1));
    store_list_destroy(list);
    store_list_destroy(NULL);
}
END_TEST

START_TEST(clear_forgets)
{
    replace("50", false, 10, ROWS({"a", "u", "1", "1"}));
    changes = 0;
    store_clear(store);
    expect("");
    ck_assert(!store_synced(store));
    ck_assert_int_eq(changes, 1);
    store_clear(store);
    ck_assert_int_eq(changes, 1);
    put_written("a", "u", "40", 1, 20);
    expect("a=40:1@20");
}
END_TEST

/* --- the callback may do anything --- */

static void read_all(void *arg)
{
    int *runs = arg;
    (*runs)++;
    expect(*runs == 1 ? "a=1:1@1" : "b=2:1@2");
    ck_assert(store_synced(store) == (*runs == 2));
}

START_TEST(changed_runs_when_the_store_is_whole)
{
    int runs = 0;
    store_destroy(store);
    store = store_create(read_all, &runs);
    put("a", "u", "1", 1, 1);
    replace("5", false, 2, ROWS({"b", "u", "2", "1"}));
    ck_assert_int_eq(runs, 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store");
    TCase *single = tcase_create("single");
    tcase_add_checked_fixture(single, set_up, tear_down);
    tcase_add_test(single, put_and_get);
    tcase_add_test(single, same_digest_is_no_change);
    tcase_add_test(single, older_is_dropped);
    tcase_add_test(single, unordered_versions_are_taken_as_they_come);
    tcase_add_test(single, remove_takes_out);
    tcase_add_test(single, changed_is_optional);
    tcase_add_test(single, write_is_not_undone_by_older_events);
    tcase_add_test(single, reply_after_the_event);
    tcase_add_test(single, reply_after_the_deletion);
    tcase_add_test(single, reply_after_events_of_others);
    tcase_add_test(single, reply_after_a_list_without_it);
    tcase_add_test(single, deletion_after_our_write);
    tcase_add_test(single, deletion_of_an_earlier_incarnation);
    tcase_add_test(single, deletion_of_a_later_incarnation);
    tcase_add_test(single, recreation_is_a_change);
    tcase_add_test(single, deletion_by_selector_before_our_write);
    suite_add_tcase(all, single);
    TCase *whole = tcase_create("replacement");
    tcase_add_checked_fixture(whole, set_up, tear_down);
    tcase_add_test(whole, replace_syncs_once);
    tcase_add_test(whole, replace_is_one_change);
    tcase_add_test(whole, replace_by_the_same_is_no_change);
    tcase_add_loop_test(whole, replace_notices_each_difference, 0,
                        (int)ARRAY_LEN(single_differences));
    tcase_add_test(whole, replace_notices_one_more);
    tcase_add_test(whole, replace_keeps_newer_writes);
    tcase_add_test(whole, replace_takes_listed_objects_newer_than_the_list);
    tcase_add_test(whole, rewind_replaces_all);
    tcase_add_test(whole, lists_with_an_object_twice);
    tcase_add_test(whole, clear_forgets);
    tcase_add_test(whole, changed_runs_when_the_store_is_whole);
    suite_add_tcase(all, whole);
    return all;
}

int main(void)
{
    return unit_main(suite());
}
