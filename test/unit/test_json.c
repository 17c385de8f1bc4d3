#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/unit.h"
#include "json/json.h"

static struct json_object *parse(const char *text)
{
    struct json_object *value = NULL;
    struct err err = {0};
    ck_assert_msg(json_parse(text, strlen(text), &value, &err) == 0, "%s: %s", text, err.text);
    return value;
}

/* --- parsing --- */

static const struct {
    const char *text;
    const char *out; /* the same when NULL */
} good[] = {
    {"null", NULL},
    {"true", NULL},
    {" false\r\n\t", "false"},
    {"0", NULL},
    {"-0", "0"},
    {"12", NULL},
    {"-12 ", "-12"},
    {"1.5", NULL},
    {"1e5", NULL},
    {"1.0E+2", NULL},
    {"[1e-01,-0.5,-0]", "[1e-01,-0.5,0]"},
    {"9223372036854775807", NULL},
    {"-9223372036854775808", NULL},
    {"18446744073709551615", NULL},
    {"\"\"", NULL},
    {"\"a\\\"b\\\\c/d\"", NULL},
    {"\"\\u00fc \\ud83d\\ude00 \\/\"", "\"\xc3\xbc \xf0\x9f\x98\x80 /\""},
    {"\"\\ud800\"", "\"\xef\xbf\xbd\""},
    {"\"a\\u0000b\"", NULL},
    {"\"\x7f\"", NULL},
    {"\"NaN Infinity ' 1. [{\"", NULL},
    {"[]", NULL},
    {"{}", NULL},
    {" [ 1 , [ ] , { } ] ", "[1,[],{}]"},
    {"{\"a\":{\"b\":[null,true]},\"\":1}", NULL},
    {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
    {"{\"a\":\"\\u0000\",\"b\":1}", NULL},
};

START_TEST(parse_accepts)
{
    AUTO(json) struct json_object *value = parse(good[_i].text);
    AUTO_FREE char *out = json_text(value);
    ck_assert_str_eq(out, good[_i].out != NULL ? good[_i].out : good[_i].text);
    AUTO(json) struct json_object *again = parse(out);
    ck_assert(json_same(value, again));
}
END_TEST

#define BYTES(text) text, sizeof(text) - 1
static const struct {
    const char *text;
    size_t len;
} bad[] = {
    {BYTES("")},
    {BYTES(" ")},
    {BYTES("nul")},
    {BYTES("nULL")},
    {BYTES("TRUE")},
    {BYTES("truex")},
    {BYTES("NaN")},
    {BYTES("Infinity")},
    {BYTES("-Infinity")},
    {BYTES("{\"a\":NaN}")},
    {BYTES("01")},
    {BYTES("[-01]")},
    {BYTES("-")},
    {BYTES("+1")},
    {BYTES("1.")},
    {BYTES("[1.]")},
    {BYTES("[1.e5]")},
    {BYTES(".5")},
    {BYTES("[-.5]")},
    {BYTES("1e")},
    {BYTES("0x10")},
    {BYTES("1 2")},
    {BYTES("[1,]")},
    {BYTES("[,1]")},
    {BYTES("[1 2]")},
    {BYTES("[1")},
    {BYTES("]")},
    {BYTES("[}")},
    {BYTES("{\"a\":1,}")},
    {BYTES("{\"a\" 1}")},
    {BYTES("{\"a\"}")},
    {BYTES("{a:1}")},
    {BYTES("{1:2}")},
    {BYTES("{'a':1}")},
    {BYTES("'a'")},
    {BYTES("\"a")},
    {BYTES("\"a\tb\"")},
    {BYTES("\"a\nb\"")},
    {BYTES("\"\\x41\"")},
    {BYTES("\"\\u12\"")},
    {BYTES("/* c */ 1")},
    {BYTES("// c\n1")},
    {BYTES("\f1")},
    {BYTES("{}{}")},
    {BYTES("\xef\xbb\xbf{}")},
    {BYTES("{}\0")},
    {BYTES("\"a\0b\"")},
    {BYTES("\"\xff\"")},
    {BYTES("\"\xed\xa0\x80\"")},
    {BYTES("\"\xc3")},
    {BYTES("{\"a\\u0000b\":1}")},
    {BYTES("{\"a\\u0000\" : 1}")},
};

START_TEST(parse_refuses)
{
    AUTO(json) struct json_object *value = json_new_bool(true);
    const struct json_object *before = value;
    struct err err = {0};
    ck_assert_msg(json_parse(bad[_i].text, bad[_i].len, &value, &err) < 0, "%s", bad[_i].text);
    ck_assert_int_eq((int)err.kind, ERR_INVALID);
    ck_assert_msg(strstr(err.text, "offset") != NULL, "%s: %s", bad[_i].text, err.text);
    ck_assert_ptr_eq(value, before);
}
END_TEST

START_TEST(parse_says_where)
{
    struct json_object *value = NULL;
    struct err err;
    ck_assert_int_lt(json_parse("{\"a\": \"\xff\"}", 9, &value, &err), 0);
    ck_assert_str_eq(err.text, "invalid UTF-8 at offset 7");
    ck_assert_int_lt(json_parse("[1, 2", 5, &value, &err), 0);
    ck_assert_str_eq(err.text, "JSON ends too early at offset 5");
    ck_assert_int_lt(json_parse("[1] x", 5, &value, &err), 0);
    ck_assert_str_eq(err.text, "unexpected data behind the value at offset 4");
}
END_TEST

START_TEST(parse_takes_no_more_than_given)
{
    AUTO(json) struct json_object *value = NULL;
    static const char text[] = {'4', '2'}; /* nothing behind it may be read */
    ck_assert_int_eq(json_parse(text, sizeof(text), &value, NULL), 0);
    ck_assert_int_eq(json_get_int(value, "", 0), 42);
}
END_TEST

START_TEST(parse_bounds_depth)
{
    static const char *const cores[] = {"1", "", "\"[[[{{{\""};
    for (size_t depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        for (size_t i = 0; i < ARRAY_LEN(cores); i++) {
            char text[3 * JSON_DEPTH_MAX] = "";
            memset(text, '[', depth);
            strcpy(text + depth, cores[i]);
            memset(text + strlen(text), ']', depth);
            struct json_object *value = NULL;
            int result = json_parse(text, strlen(text), &value, NULL);
            ck_assert_msg((result == 0) == (depth <= JSON_DEPTH_MAX), "%zu %s", depth, cores[i]);
            json_unref(value);
        }
    }
}
END_TEST

/* --- getters --- */

static const char doc_text[] =
    "{\"a\":{\"b/c\":1,\"d~e\":2,\"\":3,\"x~1y\":4,\"n\":null},"
    "\"list\":[\"zero\",{\"k\":\"v\"},\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"ten\"],"
    "\"\":{\"\":\"deep\",\"z\":\"zz\"},\"s\":\"text\",\"nul\":\"a\\u0000b\",\"t\":true,"
    "\"i\":-7,\"f\":1.5,\"0\":\"zero\"}";

static const struct {
    const char *path;
    const char *found; /* as text; NULL: nothing is there */
} paths[] = {
    {"a/b~1c", "1"},       {"a/d~0e", "2"},
    {"a/x~01y", "4"},      {"a/", "3"},
    {"a/n", NULL},         {"a/n/x", NULL},
    {"a/absent", NULL},    {"a/b~1c/x", NULL},
    {"a/d~e", NULL},       {"a/d~2e", NULL},
    {"a/d~", NULL},        {"list/0", "\"zero\""},
    {"list/1/k", "\"v\""}, {"list/10", "\"ten\""},
    {"list/11", NULL},     {"list/01", NULL},
    {"list/-1", NULL},     {"list/-", NULL},
    {"list/+1", NULL},     {"list/ 1", NULL},
    {"list/", NULL},       {"list/18446744073709551616", NULL},
    {"/", "\"deep\""},     {"/z", "\"zz\""},
    {"s/", NULL},          {"s/0", NULL},
    {"0", "\"zero\""},     {"a//", NULL},
};

START_TEST(get_follows_paths)
{
    AUTO(json) struct json_object *doc = parse(doc_text);
    const struct json_object *found = json_get(doc, paths[_i].path);
    if (paths[_i].found == NULL) {
        ck_assert_msg(found == NULL, "%s", paths[_i].path);
    } else {
        AUTO_FREE char *text = json_text(found);
        ck_assert_msg(found != NULL && strcmp(text, paths[_i].found) == 0, "%s", paths[_i].path);
    }
}
END_TEST

START_TEST(get_takes_names_of_any_length)
{
    AUTO(json) struct json_object *doc = json_new_object();
    char name[2000];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    json_set_int(doc, name, 5);
    ck_assert_int_eq(json_get_int(doc, name, 0), 5);
    ck_assert_ptr_eq(json_get(doc, ""), doc);
    ck_assert_ptr_null(json_get(NULL, "a"));
    ck_assert_ptr_null(json_get(NULL, ""));
}
END_TEST

START_TEST(typed_getters)
{
    AUTO(json) struct json_object *doc = parse(doc_text);
    size_t len = 0;
    ck_assert_str_eq(json_get_str(doc, "s"), "text");
    ck_assert_ptr_null(json_get_str(doc, "i"));
    ck_assert_ptr_null(json_get_str(doc, "nul")); /* no C string can say it */
    ck_assert_mem_eq(json_get_str_len(doc, "nul", &len), "a\0b", 4);
    ck_assert_uint_eq(len, 3);
    ck_assert_ptr_null(json_get_str_len(doc, "t", &len));
    ck_assert_str_eq(json_get_str_or(doc, "absent", "def"), "def");
    ck_assert_str_eq(json_get_str_or(doc, "t", "def"), "def");
    ck_assert(json_get_bool(doc, "t", false));
    ck_assert(json_get_bool(doc, "s", true));
    ck_assert(!json_get_bool(doc, "i", false));
    ck_assert_int_eq(json_get_int(doc, "i", 0), -7);
    ck_assert_int_eq(json_get_int(doc, "f", 9), 9);
    ck_assert_int_eq(json_get_int(doc, "s", 9), 9);
    ck_assert_str_eq(json_str(json_member(doc, "0")), "zero");
    ck_assert_ptr_null(json_member(json_member(doc, "list"), "0"));
    ck_assert_ptr_null(json_member(json_member(doc, "a"), "b~1c"));
}
END_TEST

START_TEST(type_words)
{
    static const char *const words[][2] = {
        {"null", "null"},   {"true", "boolean"}, {"1", "number"},  {"1.5", "number"},
        {"\"\"", "string"}, {"[]", "array"},     {"{}", "object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        AUTO(json) struct json_object *value = parse(words[i][0]);
        ck_assert_str_eq(json_type_word(value), words[i][1]);
        ck_assert(json_is_null(value) == (i == 0));
        ck_assert(json_is_string(value) == (i == 4));
        ck_assert(json_is_array(value) == (i == 5));
        ck_assert(json_is_object(value) == (i == 6));
    }
}
END_TEST

START_TEST(lengths)
{
    AUTO(json) struct json_object *doc = parse("{\"a\":[1,2],\"b\":{}}");
    ck_assert_uint_eq(json_array_len(json_member(doc, "a")), 2);
    ck_assert_uint_eq(json_array_len(doc), 0);
    ck_assert_uint_eq(json_array_len(NULL), 0);
    ck_assert_ptr_null(json_array_at(json_member(doc, "a"), 2));
    ck_assert_uint_eq(json_object_len(doc), 2);
    ck_assert_uint_eq(json_object_len(json_member(doc, "a")), 0);
    ck_assert_uint_eq(json_object_len(NULL), 0);
}
END_TEST

static bool note_until_b(void *arg, const char *name, const struct json_object *value)
{
    char *seen = arg;
    strcat(seen, name);
    return value != NULL;
}

START_TEST(each_in_order_until_told)
{
    AUTO(json) struct json_object *doc = parse("{\"z\":1,\"a\":2,\"b\":null,\"c\":3}");
    char seen[8] = "";
    json_each(doc, note_until_b, seen);
    ck_assert_str_eq(seen, "zab");
    json_each(json_member(doc, "z"), note_until_b, seen);
    json_each(NULL, note_until_b, seen);
    ck_assert_str_eq(seen, "zab");
}
END_TEST

/* --- builders --- */

START_TEST(builders)
{
    AUTO(json) struct json_object *doc = json_new_object();
    json_set_str(doc, "s", "a/b\n\"");
    json_set_str(doc, "null", NULL);
    json_set_int(doc, "i", INT64_MIN);
    json_set_bool(doc, "b", true);
    json_set_take(doc, "bytes", json_new_str_len("x\0y", 3));
    struct json_object *list = json_new_array();
    json_append_take(list, json_new_int(1));
    json_append_take(list, NULL);
    json_set_take(doc, "list", list);
    json_set(doc, "same", list);
    json_set_int(json_ensure_object(json_ensure_object(doc, "o"), "p"), "q", 1);
    json_set_int(json_ensure_object(json_ensure_object(doc, "o"), "p"), "r", 2);
    json_ensure_object(doc, "b");
    json_del(doc, "i");
    json_del(doc, "absent");
    AUTO_FREE char *text = json_text(doc);
    ck_assert_str_eq(text, "{\"s\":\"a/b\\n\\\"\",\"null\":null,\"b\":{},\"bytes\":\"x\\u0000y\","
                           "\"list\":[1,null],\"same\":[1,null],\"o\":{\"p\":{\"q\":1,\"r\":2}}}");
}
END_TEST

START_TEST(copy_shares_nothing)
{
    AUTO(json) struct json_object *doc = parse("{\"a\":{\"b\":1}}");
    AUTO(json) struct json_object *copy = json_copy(doc);
    ck_assert(json_same(doc, copy));
    json_set_int(json_ensure_object(copy, "a"), "b", 2);
    ck_assert_int_eq(json_get_int(doc, "a/b", 0), 1);
    ck_assert(!json_same(doc, copy));
    ck_assert_ptr_null(json_copy(NULL));
}
END_TEST

START_TEST(same_ignores_order_of_members)
{
    AUTO(json) struct json_object *a = parse("{\"x\":1,\"y\":[1,2]}");
    AUTO(json) struct json_object *b = parse("{\"y\":[1,2],\"x\":1}");
    AUTO(json) struct json_object *c = parse("{\"y\":[2,1],\"x\":1}");
    AUTO(json) struct json_object *d = parse("{\"y\":[1,2],\"x\":1,\"z\":null}");
    ck_assert(json_same(a, b));
    ck_assert(!json_same(a, c));
    ck_assert(!json_same(a, d));
    ck_assert(json_same(NULL, NULL));
    ck_assert(!json_same(a, NULL));
}
END_TEST

START_TEST(pretty_reads_back)
{
    AUTO(json) struct json_object *doc = parse(doc_text);
    AUTO_FREE char *text = json_text_pretty(doc);
    AUTO(json) struct json_object *again = parse(text);
    ck_assert(json_same(doc, again));
    ck_assert_ptr_nonnull(strstr(text, "\n  \"a\": {\n    \"b/c\": 1"));
}
END_TEST

START_TEST(pointer_escape_goes_with_get)
{
    static const char *const names[] = {"plain", "a/b", "~", "~1", "/", "~0/~1", ""};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO(json) struct json_object *doc = json_new_object();
        json_set_int(json_ensure_object(doc, "a"), names[i], 1);
        AUTO_FREE char *escaped = json_pointer_escape(names[i]);
        AUTO_FREE char *path = xasprintf("a/%s", escaped);
        ck_assert_int_eq(json_get_int(doc, path, 0), 1);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *json = suite_create("json");
    TCase *all = tcase_create("json");
    tcase_add_loop_test(all, parse_accepts, 0, (int)ARRAY_LEN(good));
    tcase_add_loop_test(all, parse_refuses, 0, (int)ARRAY_LEN(bad));
    tcase_add_test(all, parse_says_where);
    tcase_add_test(all, parse_takes_no_more_than_given);
    tcase_add_test(all, parse_bounds_depth);
    tcase_add_loop_test(all, get_follows_paths, 0, (int)ARRAY_LEN(paths));
    tcase_add_test(all, get_takes_names_of_any_length);
    tcase_add_test(all, typed_getters);
    tcase_add_test(all, type_words);
    tcase_add_test(all, lengths);
    tcase_add_test(all, each_in_order_until_told);
    tcase_add_test(all, builders);
    tcase_add_test(all, copy_shares_nothing);
    tcase_add_test(all, same_ignores_order_of_members);
    tcase_add_test(all, pretty_reads_back);
    tcase_add_test(all, pointer_escape_goes_with_get);
    suite_add_tcase(json, all);
    return json;
}

int main(void)
{
    return unit_main(suite());
}
