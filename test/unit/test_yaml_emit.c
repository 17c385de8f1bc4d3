#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/unit.h"
#include "yaml/yaml.h"
#include "json/json.h"

struct row {
    const char *json;
    const char *yaml;
};

/* What sigs.k8s.io/yaml 1.6.0 writes, on which `kubectl get -o yaml` rests. */
static const struct row rows[] = {
    {"{}", "{}\n"},
    {"[]", "[]\n"},
    {"null", "null\n"},
    {"true", "true\n"},
    {"-5", "-5\n"},
    {"18446744073709551615", "18446744073709551615\n"},
    {"[1.5, 1e21, 1234567.5, 1e-7]", "- 1.5\n- 1e+21\n- 1.2345675e+06\n- 1e-07\n"},
    {"\"a\"", "a\n"},
    {"{\"b\": 1, \"a\": {\"d\": [], \"c\": {}}}", "a:\n  c: {}\n  d: []\nb: 1\n"},
    {"{\"a\": [{\"b\": 1, \"c\": [2, [3, 4]]}, []]}",
     "a:\n- b: 1\n  c:\n  - 2\n  - - 3\n    - 4\n- []\n"},
    {"{\"b10\": 1, \"b2\": 2, \"B\": 3, \"a.b\": 4, \"ab\": 5, \"a\": 6, \"b02\": 7, \"b100\": 8}",
     "B: 3\na: 6\na.b: 4\nab: 5\nb2: 2\nb02: 7\nb10: 1\nb100: 8\n"},
    {"[\"\", \"yes\", \"null\", \"~\", \"5\", \"0x1\", \"1e3\", \".5\", \"12:30\", \"2026-11-24\", "
     "\"2026-11-24T08:05:12Z\"]",
     "- \"\"\n- \"yes\"\n- \"null\"\n- \"~\"\n- \"5\"\n- \"0x1\"\n- \"1e3\"\n- \".5\"\n- "
     "\"12:30\"\n"
     "- \"2026-11-24\"\n- \"2026-11-24T08:05:12Z\"\n"},
    {"[\"a: b\", \"a #b\", \"#\", \"- a\", \"-\", \"a:\", \" a\", \"a \", \"'\", \"\\\"\", "
     "\"{a}\", "
     "\"*a\", \"@a\", \"---\", \"%\"]",
     "- 'a: b'\n- 'a #b'\n- '#'\n- '- a'\n- '-'\n- 'a:'\n- ' a'\n- 'a '\n- ''''\n- '\"'\n- '{a}'\n"
     "- '*a'\n- '@a'\n- '---'\n- '%'\n"},
    {"[\"a,b\", \"a#b\", \"http://x:1/y?z\", \"it's\", \"a-b\", \"-a\", \"12:60\", \"1.2.3\", "
     "\"10.0.0.0/16\", \"0s\", \"\\u00e9\\u4e2d\"]",
     "- a,b\n- a#b\n- http://x:1/y?z\n- it's\n- a-b\n- -a\n- 12:60\n- 1.2.3\n- 10.0.0.0/16\n- 0s\n"
     "- \xc3\xa9\xe4\xb8\xad\n"},
    {"{\"yes\": 1, \"5\": 2, \"\": 3, \"a b\": 4, \"a: b\": 5}",
     "\"\": 3\n\"5\": 2\na b: 4\n'a: b': 5\n\"yes\": 1\n"},
    {"[\"a\\tb\", \"a\\r\\nb\", \"\\u0000\", \"\\ufeff\", \"\\u001b\"]",
     "- \"a\\tb\"\n- \"a\\r\\nb\"\n- \"\\0\"\n- \"\\uFEFF\"\n- \"\\e\"\n"},
    {"{\"a\": \"b\\nc\", \"d\": \"e\\n\", \"f\": \"g\\n\\n\", \"h\": \" i\\n\", \"j\": \"k \\nl\"}",
     "a: |-\n  b\n  c\nd: |\n  e\nf: |+\n  g\n\nh: |2\n   i\nj: \"k \\nl\"\n"},
    {"{\"data\": {\"config.conf\": \"a: b\\nc:\\n  d: \\\"\\\"\"}}",
     "data:\n  config.conf: |-\n    a: b\n    c:\n      d: \"\"\n"},
    {"\"a\\n\\n\"", "|+\n  a\n\n"},
    {"{\"a\": \"b\\n\\n\"}", "a: |+\n  b\n\n"},
    {"\"a\\n...\\n\"", "|\n  a\n  ...\n"},
};

START_TEST(writes)
{
    const struct row *row = &rows[_i];
    struct json_object *value;
    ck_assert_int_eq(json_parse(row->json, strlen(row->json), &value, NULL), 0);
    char *text = yaml_emit(value);
    ck_assert_str_eq(text, row->yaml);
    free(text);
    json_unref(value);
}
END_TEST

/* Texts that goyaml does not write so that they read back the same: ours must. */
static const char *const awkward[] = {
    "[\"<<\", \"a\\u0085b\", \"a\\u2028b\", \"a\\u2029\\nb\", \"\\u007f\", \"\\ufffe\"]",
    "{\"<<\": {\"a\": 1}, \"a\\nb\": 1, \"c\\u2028\": 2}",
    "{\"a\": \"\\n\", \"b\": \"\\n\\n\", \"c\": \"\\na\", \"d\": \" \\n\", \"e\": \"\\n \\n\"}",
    "[[\"\\n a\", \"a\\n b\\n\", \"a\\n#b\\n\", \"a\\n\\tb\\n\", \"a\\n\\n\\n b\"], "
    "\"---\\na\\n\"]",
    "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": [1], \"b\": 0.30000000000000004}",
    "[9223372036854775807, -9223372036854775808, 18446744073709551615, 1e300, 5e-324, 0.1]",
};

START_TEST(reads_back)
{
    struct json_object *value;
    struct json_object *documents;
    ck_assert_int_eq(json_parse(awkward[_i], strlen(awkward[_i]), &value, NULL), 0);
    char *text = yaml_emit(value);
    struct err err = {0};
    ck_assert_msg(yaml_to_json(text, strlen(text), &documents, &err) == 0, "%s: %s", err.text,
                  text);
    ck_assert_msg(json_same(value, json_array_at(documents, 0)), "%s", text);
    free(text);
    json_unref(documents);
    json_unref(value);
}
END_TEST

/* Every text of up to four of these characters, as value and as key. */
START_TEST(reads_back_all_short_texts)
{
    static const char alphabet[] = "a0 \n\t-:#'\"{?.~\\";
    size_t letters = strlen(alphabet);
    size_t combinations = letters * letters * letters * letters;
    for (size_t i = 0; i < combinations; i++) {
        char text[5] = {alphabet[i % letters], alphabet[i / letters % letters],
                        alphabet[i / letters / letters % letters],
                        alphabet[i / letters / letters / letters], '\0'};
        text[1 + i % 4] = '\0';
        struct json_object *value = json_new_object();
        struct json_object *documents;
        json_set_str(value, text, text);
        char *yaml = yaml_emit(value);
        ck_assert_int_eq(yaml_to_json(yaml, strlen(yaml), &documents, NULL), 0);
        ck_assert_msg(json_same(value, json_array_at(documents, 0)), "%s", yaml);
        free(yaml);
        json_unref(documents);
        json_unref(value);
    }
}
END_TEST

START_TEST(whole_floats)
{
    struct json_object *value;
    ck_assert_int_eq(json_parse("[1.0, 100000.0, -0.0]", 21, &value, NULL), 0);
    char *text = yaml_emit(value);
    ck_assert_str_eq(text, "- 1\n- 100000\n- -0\n");
    free(text);
    json_unref(value);
}
END_TEST

START_TEST(invalid_utf8)
{
    struct json_object *value = json_new_str("a\xff\xc3\xa9\xe4\xb8");
    char *text = yaml_emit(value);
    ck_assert_str_eq(text, "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\n");
    free(text);
    json_unref(value);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("yaml_emit");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, writes, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(all, reads_back, 0, ARRAY_LEN(awkward));
    tcase_add_test(all, reads_back_all_short_texts);
    tcase_add_test(all, whole_floats);
    tcase_add_test(all, invalid_utf8);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
