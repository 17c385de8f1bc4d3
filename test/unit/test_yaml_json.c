#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "unit/unit.h"
#include "yaml/yaml.h"
#include "yaml/yaml_tree.h"
#include "json/json.h"

struct row {
    const char *yaml;
    const char *json; /* all documents */
};

/* The expectations are what sigs.k8s.io/yaml 1.6.0 gives, document by document. */
static const struct row rows[] = {
    {"", "[]"},
    {"# nothing\n", "[]"},
    {"---\n", "[null]"},
    {"---\n---\na: 1\n", "[null,{\"a\":1}]"},
    {"a: 1\n---\nb: 2\n...\n---\n- c\n", "[{\"a\":1},{\"b\":2},[\"c\"]]"},
    {"\xef\xbb\xbf"
     "a: 1\n",
     "[{\"a\":1}]"},
    {"%YAML 1.1\n---\na: 1\n", "[{\"a\":1}]"},
    {"a: yes\nb: \"yes\"\nc: ~\nd: 0x10\ne: 017\nf: 1.5\ng: 1e3\nh: 2026-11-24\n",
     "[{\"a\":true,\"b\":\"yes\",\"c\":null,\"d\":16,\"e\":15,\"f\":1.5,\"g\":1000,"
     "\"h\":\"2026-11-24\"}]"},
    {"[1.0, -0.0, 1e21, 0.1, 1e-7]", "[[1,0,1e+21,0.1,1e-07]]"},
    {"[9223372036854775807, 18446744073709551615, 18446744073709551616]",
     "[[9223372036854775807,18446744073709551615,1.8446744073709552e+19]]"},
    {"- |\n  a\n\n- >-\n  b\n  c\n- 'it''s'\n- \"\\x41\\u00e9\\n\"\n",
     "[[\"a\\n\",\"b c\",\"it's\",\"A\xc3\xa9\\n\"]]"},
    {"a: !!str 5\nb: !!int \"5\"\nc: !!float 5\nd: ! 5\ne: !!map {}\nf: !!seq []\n",
     "[{\"a\":\"5\",\"b\":5,\"c\":5,\"d\":\"5\",\"e\":{},\"f\":[]}]"},
    {"a: \"x\\0y\"\n", "[{\"a\":\"x\\u0000y\"}]"},
    /* keys */
    {"{1: a, 0x10: b, true: c, 1.5: d, 1e10: e, 1000000.5: f, .inf: g, \"\": h}",
     "[{\"1\":\"a\",\"16\":\"b\",\"true\":\"c\",\"1.5\":\"d\",\"1e+10\":\"e\","
     "\"1.0000005e+06\":\"f\",\".inf\":\"g\",\"\":\"h\"}]"},
    {"? a\n: 1\n? b\n", "[{\"a\":1,\"b\":null}]"},
    {"{a, b: }", "[{\"a\":null,\"b\":null}]"},
    /* aliases and merges */
    {"a: &x {b: 1}\nc: *x\nd: [*x, *x]\n",
     "[{\"a\":{\"b\":1},\"c\":{\"b\":1},\"d\":[{\"b\":1},{\"b\":1}]}]"},
    {"a: &x 1\nb: &x 2\nc: *x\n", "[{\"a\":1,\"b\":2,\"c\":2}]"},
    {"&k a: 1\nb: {*k : 2}\n", "[{\"a\":1,\"b\":{\"a\":2}}]"},
    {"<<: {a: 1, b: 2}\na: 3\n", "[{\"a\":3,\"b\":2}]"},
    {"a: 3\n<<: {a: 1, b: 2}\n", "[{\"a\":1,\"b\":2}]"},
    {"<<: [{a: 1}, {a: 2, b: 2}]\n", "[{\"a\":1,\"b\":2}]"},
    {"<<: []\na: 1\n", "[{\"a\":1}]"},
    {"x: &x {a: 1}\nw: &w {<<: *x, b: 2}\nz: {<<: [*w, {c: 3}]}\n",
     "[{\"x\":{\"a\":1},\"w\":{\"a\":1,\"b\":2},\"z\":{\"c\":3,\"a\":1,\"b\":2}}]"},
    {"<<: {a: 1}\n<<: {b: 2}\n", "[{\"a\":1,\"b\":2}]"},
    {"\"<<\": {a: 1}\n", "[{\"<<\":{\"a\":1}}]"},
    {"!!merge <<: {a: 1}\n", "[{\"a\":1}]"},
    /* JSON */
    {" {\"a\": [1, \"b\\/\", null, {}]}", "[{\"a\":[1,\"b/\",null,{}]}]"},
    {"{\"a\":\"\\ud83d\\ude00\"}", "[{\"a\":\"\xf0\x9f\x98\x80\"}]"},
    {"\n\t[\"\\ud83d\\ude00\"]", "[[\"\xf0\x9f\x98\x80\"]]"},
};

START_TEST(reads)
{
    const struct row *row = &rows[_i];
    struct json_object *documents;
    struct err err = {0};
    ck_assert_msg(yaml_to_json(row->yaml, strlen(row->yaml), &documents, &err) == 0, "%s: %s",
                  row->yaml, err.text);
    char *text = json_text(documents);
    ck_assert_str_eq(text, row->json);
    free(text);
    json_unref(documents);
}
END_TEST

static const struct row refused[] = {
    {"a: 1\nb: 2\na: 3\n", "line 3, column 1: key \"a\" is there already"},
    {"{1: a, \"1\": b}", "line 1, column 8: key \"1\" is there already"},
    {"yes: a\n'true': b\n", "line 2, column 1: key \"true\" is there already"},
    {"<<: {b: 1}\na: 1\na: 2\n", "line 3, column 1: key \"a\" is there already"},
    {"<<: {a: 1, a: 2}\n", "line 1, column 12: key \"a\" is there already"},
    {"a: 1\n---\nb: 1\nb: 2\n", "line 4, column 1: key \"b\" is there already"},
    {"~: a\n", "line 1, column 1: a key must not be null"},
    {"18446744073709551615: a\n", "line 1, column 1: a key must not be a number above"},
    {"? [a]\n: b\n", "line 1, column 3: a key must be a scalar"},
    {"\"a\\0\": b\n", "line 1, column 1: a key must not hold NUL"},
    {"<<: 5\n", "line 1, column 5: a merge key wants a map"},
    {"<<: [{a: 1}, b]\n", "line 1, column 5: a merge key wants a map"},
    {"a: &x [{b: 1}]\n<<: *x\n", "line 2, column 5: a merge key wants a map"},
    {"a: .nan\n", "line 1, column 4: .nan is not possible in JSON"},
    {"a: [b, !!binary eA==]\n", "line 1, column 8: unknown tag !!binary"},
    {"a: !local 5\n", "line 1, column 4: unknown tag !local"},
    {"a: !!set {b}\n", "line 1, column 4: the tag tag:yaml.org,2002:set is not for a map"},
    {"a: !!omap [b]\n", "line 1, column 4: the tag tag:yaml.org,2002:omap is not for a sequence"},
    {"a: !!int b\n", "line 1, column 4: \"b\" is not a !!int"},
    {"!!int b: c\n", "line 1, column 1: \"b\" is not a !!int"},
    {"\xc3\xa9\xf0\x9f\x98\x80: {b: [}\n", "line 1, column 10: "},
    {"a: b\r\n\xc3\xa9: c\rd: [\r\n", "line 4, column 1: "},
    {"{\"a\":1,\"a\":2}", "line 1, column 8: key \"a\" is there already"},
    {"{\"a\":", "line 1, column 6: "},
    {"%YAML 1.3\n---\na: 1\n", "line 1, column 1: "},
};

START_TEST(refuses)
{
    const struct row *row = &refused[_i];
    struct json_object *documents = NULL;
    struct err err = {0};
    ck_assert_int_eq(yaml_to_json(row->yaml, strlen(row->yaml), &documents, &err), -1);
    ck_assert_ptr_null(documents);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_msg(strncmp(err.text, row->json, strlen(row->json)) == 0, "\"%s\", not \"%s\"",
                  err.text, row->json);
}
END_TEST

/* Copies, so that changing one leaves the other. */
START_TEST(aliases_share_nothing)
{
    static const char text[] = "a: &x {b: 1}\nc: *x\n";
    struct json_object *documents;
    ck_assert_int_eq(yaml_to_json(text, strlen(text), &documents, NULL), 0);
    const struct json_object *a = json_get(documents, "0/a");
    const struct json_object *c = json_get(documents, "0/c");
    ck_assert_ptr_ne(a, c);
    ck_assert(json_same(a, c));
    json_unref(documents);
}
END_TEST

START_TEST(many_keys)
{
    struct buf text = BUF_INIT(YAML_TEXT_MAX);
    struct json_object *documents;
    for (int i = 0; i < 50000; i++) {
        buf_printf(&text, "key%d: %d\n", i, i);
    }
    ck_assert_int_eq(yaml_to_json(text.data, text.len, &documents, NULL), 0);
    ck_assert_uint_eq(json_object_len(json_array_at(documents, 0)), 50000);
    ck_assert_int_eq(json_get_int(documents, "0/key49999", 0), 49999);
    json_unref(documents);
    buf_finish(&text);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("yaml_json");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, reads, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(all, refuses, 0, ARRAY_LEN(refused));
    tcase_add_test(all, aliases_share_nothing);
    tcase_add_test(all, many_keys);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
