/*
 * The store: objects that cannot be read.
 */
#include "kube/store.h"

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

static struct object *make(const char *name, const char *version, int value)
{
    AUTO(json) struct json_object *json = json_new_object();
    struct json_object *meta = json_ensure_object(json, "metadata");
    json_set_str(meta, "name", name);
    json_set_str(meta, "namespace", "ns");
    json_set_str(meta, "resourceVersion", version);
    json_set_int(json, "value", value);
    struct object *object = NULL;
    struct err err = {0};
    ck_assert_msg(object_project_whole(json, &object, &err) == 0, "%s", err.text);
    return object;
}

static void put(const char *name, const char *version, int value)
{
    store_put_take(store, make(name, version, value), 10);
}

/* "name=version" of all, in order. */
static void expect(const char *wanted)
{
    char got[100] = "";
    for (size_t i = 0; i < store_len(store); i++) {
        const struct object *object = store_at(store, i);
        AUTO_FREE char *text =
            xasprintf("%s%s=%s", i != 0 ? " " : "", object->name, object->resource_version);
        strcat(got, text);
    }
    ck_assert_str_eq(got, wanted);
}

static void expect_unreadable(size_t count, const char *why, int wanted_changes)
{
    const char *first = NULL;
    ck_assert_uint_eq(store_unreadable(store, &first), count);
    if (why == NULL) {
        ck_assert_ptr_null(first);
    } else {
        ck_assert_str_eq(first, why);
    }
    ck_assert_int_eq(changes, wanted_changes);
}

START_TEST(unreadable_until_it_is_read_again)
{
    put("a", "1", 1);
    store_put_unreadable(store, "ns", "a", "a: odd");
    expect_unreadable(1, "a: odd", 2);
    expect("a=1"); /* the last readable state stays */
    store_put_unreadable(store, "ns", "a", "a: odd");
    expect_unreadable(1, "a: odd", 2);
    store_put_unreadable(store, "ns", "a", "a: odder");
    expect_unreadable(1, "a: odder", 3);
    store_put_unreadable(store, "", "z", "z: odd");
    expect_unreadable(2, "z: odd", 4); /* in order of key */
    put("a", "3", 1);
    expect_unreadable(1, "z: odd", 5); /* nothing but that has changed */
    expect("a=3");
    store_remove(store, "", "z", "4");
    expect_unreadable(0, NULL, 6);
    ck_assert_uint_eq(store_unreadable(store, NULL), 0);
}
END_TEST

START_TEST(unreadable_though_we_wrote_it)
{
    put("a", "1", 1);
    store_put_unreadable(store, "ns", "a", "a: odd");
    store_put_written_take(store, make("a", "2", 2), 20); /* the watch may have overtaken that */
    expect_unreadable(1, "a: odd", 3);
}
END_TEST

START_TEST(unreadable_and_deleted)
{
    put("a", "1", 1);
    store_put_unreadable(store, "ns", "a", "a: odd");
    store_remove(store, "ns", "a", "3");
    expect("");
    expect_unreadable(0, NULL, 3);
}
END_TEST

/* What a list with one readable and one unreadable object leaves behind. */
static void replace_odd(const char *version, const char *why)
{
    struct store_list *list = store_list_create();
    store_list_add_take(list, make("a", "1", 1));
    if (why != NULL) {
        store_list_add_unreadable(list, "ns", "b", why);
    }
    store_replace_take(store, list, version, false, 10);
}

START_TEST(unreadable_in_lists)
{
    replace_odd("5", "b: odd");
    expect("a=1");
    expect_unreadable(1, "b: odd", 1);
    replace_odd("6", "b: odd");
    expect_unreadable(1, "b: odd", 1);
    replace_odd("7", "b: odder");
    expect_unreadable(1, "b: odder", 2);
    replace_odd("8", NULL);
    expect_unreadable(0, NULL, 3);
    replace_odd("9", "b: odd");
    changes = 0;
    store_clear(store);
    expect_unreadable(0, NULL, 1);
}
END_TEST

START_TEST(lists_that_change_while_they_are_collected)
{
    struct store_list *list = store_list_create();
    store_list_add_take(list, make("a", "1", 1));
    store_list_add_unreadable(list, "ns", "a", "a: odd");
    store_list_add_unreadable(list, "ns", "b", "b: odd");
    store_list_add_take(list, make("b", "2", 1));
    store_list_add_take(list, make("c", "3", 1));
    store_list_remove(list, "ns", "c");
    store_list_add_unreadable(list, "ns", "d", "d: odd");
    store_list_remove(list, "ns", "d");
    store_replace_take(store, list, "9", false, 10);
    expect("a=1 b=2");
    expect_unreadable(1, "a: odd", 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_unreadable");
    TCase *c = tcase_create("unreadable");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, unreadable_until_it_is_read_again);
    tcase_add_test(c, unreadable_though_we_wrote_it);
    tcase_add_test(c, unreadable_and_deleted);
    tcase_add_test(c, unreadable_in_lists);
    tcase_add_test(c, lists_that_change_while_they_are_collected);
    suite_add_tcase(all, c);
    return all;
}

int main(void)
{
    return unit_main(suite());
}
