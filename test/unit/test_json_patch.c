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

/* RFC 7386 appendix A, and more */
static const struct {
    const char *doc;
    const char *patch;
    const char *result;
} merges[] = {
    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
    {"{\"a\":\"foo\"}", "null", "null"},
    {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    /* nulls within an array are values */
    {"{}", "{\"a\":[null,{\"b\":null}]}", "{\"a\":[null,{\"b\":null}]}"},
    {"null", "{\"a\":1}", "{\"a\":1}"},
    {"{\"a\":1}", "{\"a\":{\"b\":null}}", "{\"a\":{}}"},
    {"{\"a\":1}", "{}", "{\"a\":1}"},
};

START_TEST(merge_patch)
{
    AUTO(json) struct json_object *doc = parse(merges[_i].doc);
    AUTO(json) struct json_object *patch = parse(merges[_i].patch);
    AUTO(json) struct json_object *got = json_merge_patch(doc, patch);
    AUTO_FREE char *text = json_text(got);
    ck_assert_str_eq(text, merges[_i].result);
    AUTO_FREE char *doc_after = json_text(doc);
    AUTO_FREE char *patch_after = json_text(patch);
    ck_assert_str_eq(doc_after, merges[_i].doc);
    ck_assert_str_eq(patch_after, merges[_i].patch);
}
END_TEST

/* RFC 6902 appendix A where it is of the operations there are, and more */
static const struct {
    const char *doc;
    const char *patch;
    const char *result; /* NULL: fails */
    enum err_kind kind;
} patches[] = {
    {"{\"a\":1}", "[]", "{\"a\":1}", ERR_NONE},
    /* A.1 to A.5 */
    {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
     "{\"foo\":\"bar\",\"baz\":\"qux\"}", ERR_NONE},
    {"{\"foo\":[\"bar\",\"baz\"]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
     "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", ERR_NONE},
    {"{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]",
     "{\"foo\":\"bar\"}", ERR_NONE},
    {"{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
     "{\"foo\":[\"bar\",\"baz\"]}", ERR_NONE},
    {"{\"baz\":\"qux\",\"foo\":\"bar\"}",
     "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
     "{\"baz\":\"boo\",\"foo\":\"bar\"}", ERR_NONE},
    /* A.8, A.9 */
    {"{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
     "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},"
     "{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
     "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}", ERR_NONE},
    {"{\"baz\":\"qux\"}", "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"bar\"}]", NULL,
     ERR_CONFLICT},
    /* A.10 to A.12, A.14 to A.16 */
    {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"g\":{}}}]",
     "{\"foo\":\"bar\",\"child\":{\"g\":{}}}", ERR_NONE},
    {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
     "{\"foo\":\"bar\",\"baz\":\"qux\"}", ERR_NONE},
    {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]", NULL,
     ERR_INVALID},
    {"{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]",
     "{\"/\":9,\"~1\":10}", ERR_NONE},
    {"{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]", NULL,
     ERR_CONFLICT},
    {"{\"foo\":[\"bar\"]}", "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
     "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}", ERR_NONE},
    /* null is a value, absent is not null */
    {"{\"a\":null}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}",
     ERR_NONE},
    {"{}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", NULL, ERR_CONFLICT},
    {"{\"a\":null}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1}]", NULL, ERR_CONFLICT},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", NULL, ERR_CONFLICT},
    {"{\"a\":null}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]", "{\"a\":1}", ERR_NONE},
    {"{\"a\":null}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "{}", ERR_NONE},
    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}",
     ERR_NONE},
    {"{}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}", ERR_NONE},
    {"{\"a\":[null]}", "[{\"op\":\"test\",\"path\":\"/a/0\",\"value\":null}]", "{\"a\":[null]}",
     ERR_NONE},
    {"{\"a\":[]}", "[{\"op\":\"test\",\"path\":\"/a/0\",\"value\":null}]", NULL, ERR_CONFLICT},
    /* a test of what has no place fails as a test */
    {"{}", "[{\"op\":\"test\",\"path\":\"/a/b/c\",\"value\":1}]", NULL, ERR_CONFLICT},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a/b\",\"value\":1}]", NULL, ERR_CONFLICT},
    {"{\"a\":{\"x\":1,\"y\":2}}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"y\":2,\"x\":1}}]",
     "{\"a\":{\"x\":1,\"y\":2}}", ERR_NONE},
    /* arrays */
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/0\",\"value\":0}]", "[0,1,2]", ERR_NONE},
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":3}]", "[1,2,3]", ERR_NONE},
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/3\",\"value\":3}]", NULL, ERR_INVALID},
    {"[1,2]", "[{\"op\":\"replace\",\"path\":\"/1\",\"value\":null}]", "[1,null]", ERR_NONE},
    {"[1,2]", "[{\"op\":\"replace\",\"path\":\"/2\",\"value\":3}]", NULL, ERR_INVALID},
    {"[1,2]", "[{\"op\":\"replace\",\"path\":\"/-\",\"value\":3}]", NULL, ERR_INVALID},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/2\"}]", NULL, ERR_INVALID},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/01\"}]", NULL, ERR_INVALID},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/x\"}]", NULL, ERR_INVALID},
    {"[{\"image\":\"a\"}]", "[{\"op\":\"replace\",\"path\":\"/0/image\",\"value\":\"b\"}]",
     "[{\"image\":\"b\"}]", ERR_NONE},
    /* names */
    {"{\"data\":{\"config.conf\":\"x\",\"a/b\":\"y\"}}",
     "[{\"op\":\"test\",\"path\":\"/data/config.conf\",\"value\":\"x\"},"
     "{\"op\":\"replace\",\"path\":\"/data/a~1b\",\"value\":\"z\"}]",
     "{\"data\":{\"config.conf\":\"x\",\"a/b\":\"z\"}}", ERR_NONE},
    {"{\"\":1}", "[{\"op\":\"replace\",\"path\":\"/\",\"value\":2}]", "{\"\":2}", ERR_NONE},
    {"{\"\":{\"\":1}}", "[{\"op\":\"replace\",\"path\":\"//\",\"value\":2}]", "{\"\":{\"\":2}}",
     ERR_NONE},
    {"{\"\":{\"a\":{\"b\":1}}}", "[{\"op\":\"remove\",\"path\":\"//a/b\"}]", "{\"\":{\"a\":{}}}",
     ERR_NONE},
    {"{\"a~2\":1}", "[{\"op\":\"remove\",\"path\":\"/a~2\"}]", NULL, ERR_INVALID},
    /* the whole document */
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"\",\"value\":{\"a\":1}}]", "{\"a\":1}", ERR_NONE},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"\",\"value\":{}}]", NULL, ERR_CONFLICT},
    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":[1]}]", "[1]", ERR_NONE},
    {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"\"}]", NULL, ERR_INVALID},
    /* not there, malformed, not supported */
    {"{}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", NULL, ERR_INVALID},
    {"{}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]", NULL, ERR_INVALID},
    {"{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", NULL, ERR_INVALID},
    {"{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\"}]", NULL, ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/b\"}]", NULL, ERR_INVALID},
    {"{}", "[{\"path\":\"/a\",\"value\":1}]", NULL, ERR_INVALID},
    {"{}", "[{\"op\":\"add\",\"value\":1}]", NULL, ERR_INVALID},
    {"{}", "[1]", NULL, ERR_INVALID},
    {"{}", "{\"op\":\"add\",\"path\":\"/a\",\"value\":1}", NULL, ERR_INVALID},
    /* all or nothing */
    {"{\"a\":1}",
     "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":2},"
     "{\"op\":\"test\",\"path\":\"/a\",\"value\":1}]",
     NULL, ERR_CONFLICT},
};

START_TEST(json_patch)
{
    AUTO(json) struct json_object *doc = parse(patches[_i].doc);
    AUTO(json) struct json_object *patch = parse(patches[_i].patch);
    AUTO(json) struct json_object *got = NULL;
    struct err err = {.kind = ERR_NONE};
    int result = json_json_patch(doc, patch, &got, &err);
    ck_assert_msg((result == 0) == (patches[_i].result != NULL), "%s: %s", patches[_i].patch,
                  err.text);
    ck_assert_int_eq((int)err.kind, (int)patches[_i].kind);
    if (result == 0) {
        AUTO_FREE char *text = json_text(got);
        ck_assert_str_eq(text, patches[_i].result);
    } else {
        ck_assert_ptr_null(got);
    }
    AUTO_FREE char *after = json_text(doc);
    ck_assert_str_eq(after, patches[_i].doc);
}
END_TEST

START_TEST(json_patch_names_the_step)
{
    AUTO(json) struct json_object *doc = parse("{\"a\":1}");
    AUTO(json)
    struct json_object *patch = parse(
        "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1},{\"op\":\"remove\",\"path\":\"/b\"}]");
    struct json_object *got = NULL;
    struct err err;
    ck_assert_int_eq(json_json_patch(doc, patch, &got, &err), -1);
    ck_assert_str_eq(err.text, "JSON patch step 1: remove /b: nothing is there");
}
END_TEST

static Suite *suite(void)
{
    Suite *patch = suite_create("json_patch");
    TCase *all = tcase_create("json_patch");
    tcase_add_loop_test(all, merge_patch, 0, (int)ARRAY_LEN(merges));
    tcase_add_loop_test(all, json_patch, 0, (int)ARRAY_LEN(patches));
    tcase_add_test(all, json_patch_names_the_step);
    suite_add_tcase(patch, all);
    return patch;
}

int main(void)
{
    return unit_main(suite());
}
