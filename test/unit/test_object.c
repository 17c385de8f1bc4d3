#include "kube/object.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/unit.h"

static struct json_object *parse(const char *text)
{
    struct json_object *value = NULL;
    struct err err = {0};
    ck_assert_msg(json_parse(text, strlen(text), &value, &err) == 0, "%s: %s", text, err.text);
    return value;
}

static struct object *whole(const char *text)
{
    AUTO(json) struct json_object *json = parse(text);
    struct object *object = NULL;
    struct err err = {0};
    ck_assert_msg(object_project_whole(json, &object, &err) == 0, "%s", err.text);
    return object;
}

/* --- metadata --- */

START_TEST(metadata_is_read)
{
    AUTO(object)
    struct object *object =
        whole("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"n\","
              "\"namespace\":\"ns\",\"uid\":\"u\",\"resourceVersion\":\"42\","
              "\"creationTimestamp\":\"2026-11-24T08:05:12Z\","
              "\"deletionTimestamp\":\"2026-11-24T08:05:13Z\"}}");
    ck_assert_uint_eq(object->refs, 1);
    ck_assert_str_eq(object->name, "n");
    ck_assert_str_eq(object->ns, "ns");
    ck_assert_str_eq(object->uid, "u");
    ck_assert_str_eq(object->resource_version, "42");
    ck_assert_int_eq(object->created_ms, 1795507512000);
    ck_assert(object->deleting);
    ck_assert_int_eq(object->seen_ms, 0);
}
END_TEST

START_TEST(metadata_may_lack_all_but_the_name)
{
    AUTO(object)
    struct object *object =
        whole("{\"metadata\":{\"name\":\"n\",\"creationTimestamp\":null,\"labels\":null,"
              "\"annotations\":{\"a\":null},\"namespace\":null}}");
    ck_assert_str_eq(object->ns, "");
    ck_assert_str_eq(object->uid, "");
    ck_assert_str_eq(object->resource_version, "");
    ck_assert_int_eq(object->created_ms, 0);
    ck_assert(!object->deleting);
}
END_TEST

static const struct {
    const char *text;
    const char *field; /* what the error has to name */
} broken[] = {
    {"{}", "metadata"},
    {"[]", "metadata"},
    {"null", "metadata"},
    {"{\"metadata\":[]}", "metadata"},
    {"{\"metadata\":null}", "metadata"},
    {"{\"metadata\":{}}", "metadata.name"},
    {"{\"metadata\":{\"name\":\"\"}}", "metadata.name"},
    {"{\"metadata\":{\"name\":null}}", "metadata.name"},
    {"{\"metadata\":{\"name\":7}}", "metadata.name"},
    {"{\"metadata\":{\"name\":\"a\\u0000b\"}}", "metadata.name"},
    {"{\"metadata\":{\"name\":\"n\",\"namespace\":{}}}", "metadata.namespace"},
    {"{\"metadata\":{\"name\":\"n\",\"uid\":1}}", "metadata.uid"},
    {"{\"metadata\":{\"name\":\"n\",\"resourceVersion\":5}}", "metadata.resourceVersion"},
    {"{\"metadata\":{\"name\":\"n\",\"creationTimestamp\":\"yesterday\"}}",
     "metadata.creationTimestamp"},
    {"{\"metadata\":{\"name\":\"n\",\"deletionTimestamp\":true}}", "metadata.deletionTimestamp"},
    {"{\"metadata\":{\"name\":\"n\",\"labels\":[]}}", "metadata.labels"},
    {"{\"metadata\":{\"name\":\"n\",\"labels\":{\"a\":\"x\",\"b\":true}}}",
     "metadata.labels[\"b\"]"},
    {"{\"metadata\":{\"name\":\"n\",\"annotations\":\"x\"}}", "metadata.annotations"},
    {"{\"metadata\":{\"name\":\"n\",\"annotations\":{\"a\":{}}}}", "metadata.annotations[\"a\"]"},
};

START_TEST(metadata_refused)
{
    AUTO(json) struct json_object *json = parse(broken[_i].text);
    struct object *object = NULL;
    struct err err = {0};
    ck_assert_int_eq(object_project_whole(json, &object, &err), -1);
    ck_assert_int_eq((int)err.kind, ERR_INVALID);
    ck_assert_msg(strstr(err.text, broken[_i].field) != NULL, "%s", err.text);
    ck_assert_ptr_null(object);
}
END_TEST

/* --- references --- */

static int finished;

static void count_finished(struct object *object)
{
    ck_assert_uint_eq(object->refs, 0);
    finished++;
}

START_TEST(references)
{
    struct object *object = whole("{\"metadata\":{\"name\":\"n\"}}");
    object->finish = count_finished;
    finished = 0;
    struct object *again = object_ref(object);
    ck_assert_ptr_eq(again, object);
    object_unref(object);
    ck_assert_int_eq(finished, 0);
    ck_assert_str_eq(again->name, "n");
    object_unref(again);
    ck_assert_int_eq(finished, 1);
    object_unref(NULL);
}
END_TEST

/* --- whole objects --- */

START_TEST(whole_keeps_all_but_status)
{
    AUTO(json)
    struct json_object *json =
        parse("{\"kind\":\"X\",\"metadata\":{\"name\":\"n\"},\"spec\":{\"a\":[1]},"
              "\"status\":{\"b\":2},\"data\":{\"status\":\"kept\"}}");
    struct object *object = NULL;
    ck_assert_int_eq(object_project_whole(json, &object, NULL), 0);
    json_unref(take_ptr(json));
    AUTO_FREE char *text = json_text(object->body);
    ck_assert_str_eq(text, "{\"kind\":\"X\",\"metadata\":{\"name\":\"n\"},\"spec\":{\"a\":[1]},"
                           "\"data\":{\"status\":\"kept\"}}");
    object_unref(object);
}
END_TEST

#define WHOLE(meta, rest) "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"" meta "}" rest "}"
static const struct {
    const char *a;
    const char *b;
    bool same;
} digests[] = {
    {WHOLE("", ""), WHOLE("", ""), true},
    {WHOLE(",\"resourceVersion\":\"1\"", ""), WHOLE(",\"resourceVersion\":\"2\"", ""), true},
    {WHOLE("", ",\"status\":{\"a\":1}"), WHOLE("", ",\"status\":{\"a\":2}"), true},
    {WHOLE("", ",\"spec\":{\"a\":1}"), WHOLE("", ",\"spec\":{\"a\":2}"), false},
    {WHOLE("", ",\"spec\":{\"a\":1}"), WHOLE("", ",\"spec\":{\"a\":\"1\"}"), false},
    {WHOLE("", ",\"spec\":{\"a\":null}"), WHOLE("", ",\"spec\":{}"), false},
    {WHOLE("", ",\"spec\":{\"a\":null}"), WHOLE("", ",\"spec\":{\"a\":\"null\"}"), false},
    {WHOLE("", ",\"spec\":{\"a\":true}"), WHOLE("", ",\"spec\":{\"a\":false}"), false},
    {WHOLE("", ",\"spec\":{\"a\":1.5}"), WHOLE("", ",\"spec\":{\"a\":1.25}"), false},
    {WHOLE("", ",\"spec\":{\"a\":{\"b\":1}}"), WHOLE("", ",\"spec\":{\"a\":{},\"b\":1}"), false},
    {WHOLE("", ",\"spec\":[[1],2]"), WHOLE("", ",\"spec\":[[1,2]]"), false},
    {WHOLE("", ",\"spec\":[\"a\",\"b\"]"), WHOLE("", ",\"spec\":[\"ab\"]"), false},
    {WHOLE("", ",\"spec\":\"a\\u0000b\""), WHOLE("", ",\"spec\":\"a\\u0000c\""), false},
    /* resourceVersion counts where it is not the object's own */
    {WHOLE("", ",\"spec\":{\"resourceVersion\":\"1\"}"),
     WHOLE("", ",\"spec\":{\"resourceVersion\":\"2\"}"), false},
    {WHOLE(",\"annotations\":{\"a\":\"1\"}", ""), WHOLE(",\"annotations\":{\"a\":\"2\"}", ""),
     false},
    {WHOLE("", ""), WHOLE(",\"deletionTimestamp\":\"2026-11-24T08:05:12Z\"", ""), false},
    {WHOLE("", ""), "{\"metadata\":{\"name\":\"n\",\"uid\":\"v\"}}", false},
    /* who wrote counts, but for who wrote the status */
    {WHOLE(",\"managedFields\":[{\"manager\":\"a\",\"time\":\"1\"}]", ""),
     WHOLE(",\"managedFields\":[{\"manager\":\"a\",\"time\":\"2\"}]", ""), false},
    {WHOLE(",\"managedFields\":[{\"manager\":\"a\"},{\"subresource\":\"status\",\"time\":\"1\"}]",
           ""),
     WHOLE(",\"managedFields\":[{\"manager\":\"a\"},{\"subresource\":\"status\",\"time\":\"2\"}]",
           ""),
     true},
    {WHOLE(",\"managedFields\":[{\"fieldsV1\":{\"f:status\":{}},\"time\":\"1\"}]", ""),
     WHOLE(",\"managedFields\":[{\"fieldsV1\":{\"f:status\":{}},\"time\":\"2\"}]", ""), true},
    {WHOLE(",\"managedFields\":[{\"fieldsV1\":{\"f:status\":{},\"f:spec\":{}},\"time\":\"1\"}]",
           ""),
     WHOLE(",\"managedFields\":[{\"fieldsV1\":{\"f:status\":{},\"f:spec\":{}},\"time\":\"2\"}]",
           ""),
     false},
    {WHOLE(",\"managedFields\":[{\"subresource\":\"scale\",\"time\":\"1\"}]", ""),
     WHOLE(",\"managedFields\":[{\"subresource\":\"scale\",\"time\":\"2\"}]", ""), false},
};

START_TEST(whole_digests)
{
    AUTO(object) struct object *a = whole(digests[_i].a);
    AUTO(object) struct object *b = whole(digests[_i].b);
    ck_assert_msg((a->digest == b->digest) == digests[_i].same, "%s %s", digests[_i].a,
                  digests[_i].b);
}
END_TEST

START_TEST(digest_functions)
{
    ck_assert_uint_eq(object_digest(0xcbf29ce484222325, "foobar", 6), 0x85944171f73967e8);
    uint64_t one = object_digest_str(object_digest_str(1, "a"), "b");
    ck_assert_uint_ne(one, object_digest_str(1, "ab"));
    ck_assert_uint_ne(one, object_digest_str(object_digest_str(1, "ab"), ""));
    ck_assert_uint_ne(object_digest_str(1, NULL), object_digest_str(1, ""));
}
END_TEST

START_TEST(conditions)
{
    AUTO(json)
    struct json_object *json =
        parse("{\"status\":{\"conditions\":[7,{\"type\":\"A\",\"status\":\"x\"},"
              "{\"type\":\"B\",\"status\":\"y\"}]}}");
    ck_assert_str_eq(json_get_str(object_condition(json, "B"), "status"), "y");
    ck_assert_ptr_null(object_condition(json, "C"));
    ck_assert_ptr_null(object_condition(NULL, "A"));
}
END_TEST

/* --- versions --- */

static const struct {
    const char *a;
    const char *b;
    int order;
} versions[] = {
    {"1", "1", 0},  {"1", "2", -1},  {"9", "10", -1},
    {"0", "1", -1}, {"0", "0", 0},   {"99999999999999999999999", "100000000000000000000000", -1},
    {"", "1", 0},   {"", "", 0},     {"a", "b", 0},
    {"1", "a", 0},  {"01", "2", 0},  {"1 ", "2", 0},
    {"-1", "2", 0}, {"1.0", "2", 0},
};

START_TEST(versions_are_ordered)
{
    int there = resource_version_compare(versions[_i].a, versions[_i].b);
    int back = resource_version_compare(versions[_i].b, versions[_i].a);
    ck_assert_int_eq((there > 0) - (there < 0), versions[_i].order);
    ck_assert_int_eq((back > 0) - (back < 0), -versions[_i].order);
}
END_TEST

static Suite *suite(void)
{
    Suite *object = suite_create("object");
    TCase *all = tcase_create("object");
    tcase_add_test(all, metadata_is_read);
    tcase_add_test(all, metadata_may_lack_all_but_the_name);
    tcase_add_loop_test(all, metadata_refused, 0, (int)ARRAY_LEN(broken));
    tcase_add_test(all, references);
    tcase_add_test(all, whole_keeps_all_but_status);
    tcase_add_loop_test(all, whole_digests, 0, (int)ARRAY_LEN(digests));
    tcase_add_test(all, digest_functions);
    tcase_add_test(all, conditions);
    tcase_add_loop_test(all, versions_are_ordered, 0, (int)ARRAY_LEN(versions));
    suite_add_tcase(object, all);
    return object;
}

int main(void)
{
    return unit_main(suite());
}
