#include "kube/managed_fields.h"

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

/* A Service as it is after kubeadm, kubectl annotate, an Apply and a status write. */
static const char service[] =
    "{\"metadata\":{\"name\":\"kube-dns\",\"managedFields\":["
    "{\"manager\":\"kubectl-annotate\",\"operation\":\"Update\",\"time\":\"2026-11-24T07:00:00Z\","
    "\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":{\".\":{},"
    "\"f:openyurt.io/topologyKeys\":{}}}}},"
    "{\"manager\":\"kubeadm\",\"operation\":\"Update\",\"time\":\"2026-11-24T06:00:11Z\","
    "\"fieldsV1\":{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:k8s-app\":{}}},"
    "\"f:spec\":{\"f:selector\":{},\"f:clusterIP\":{},"
    "\"f:ports\":{\".\":{},\"k:{\\\"port\\\":53}\":{\".\":{}}}}}},"
    "{\"manager\":\"argocd\",\"operation\":\"Apply\",\"time\":\"2026-11-24T06:30:00Z\","
    "\"fieldsV1\":{\"f:metadata\":{\"f:labels\":{\"f:k8s-app\":{}}}}},"
    "{\"manager\":\"timeless\",\"operation\":\"Update\","
    "\"fieldsV1\":{\"f:spec\":{\"f:type\":{},\"f:clusterIP\":{}}}},"
    "{\"manager\":\"scaler\",\"operation\":\"Update\",\"subresource\":\"scale\","
    "\"time\":\"2026-11-24T07:30:00Z\",\"fieldsV1\":{\"f:spec\":{\"f:replicas\":{}}}},"
    "{\"operation\":\"Update\",\"time\":\"2026-11-24T05:00:00Z\","
    "\"fieldsV1\":{\"f:spec\":{\"f:nobody\":{}}}},"
    "{\"manager\":\"first\",\"time\":\"2026-11-24T05:00:00Z\","
    "\"fieldsV1\":{\"f:spec\":{\"f:tie\":{}}}},"
    "{\"manager\":\"second\",\"time\":\"2026-11-24T05:00:00Z\","
    "\"fieldsV1\":{\"f:spec\":{\"f:tie\":{}}}}]}}";

static const struct {
    const char *path;
    bool owned;
    const char *text;
} owners[] = {
    {"metadata/annotations/openyurt.io~1topologyKeys", true,
     "kubectl-annotate (Update, 2026-11-24T07:00:00Z)"},
    {"metadata/annotations/other", false, "unknown"},
    {"metadata/labels/k8s-app", true, "argocd (Apply, 2026-11-24T06:30:00Z)"},
    {"metadata/labels", true, "argocd (Apply, 2026-11-24T06:30:00Z)"},
    {"spec/clusterIP", true, "kubeadm (Update, 2026-11-24T06:00:11Z)"},
    {"spec/type", true, "timeless (Update)"},
    {"spec/replicas", true, "scaler (Update of scale, 2026-11-24T07:30:00Z)"},
    {"spec/nobody", true, "unknown (Update, 2026-11-24T05:00:00Z)"},
    {"spec/tie", true, "second (2026-11-24T05:00:00Z)"},
    /* the selector is owned as one piece */
    {"spec/selector/k8s-app", true, "kubeadm (Update, 2026-11-24T06:00:11Z)"},
    {"spec/absent", false, "unknown"},
    {"data/config.conf", false, "unknown"},
};

START_TEST(owner_of_field)
{
    AUTO(json) struct json_object *object = parse(service);
    struct field_owner owner;
    ck_assert(managed_fields_owner(object, owners[_i].path, &owner) == owners[_i].owned);
    AUTO_FREE char *text = field_owner_text(&owner);
    ck_assert_str_eq(text, owners[_i].text);
}
END_TEST

START_TEST(owner_is_exact_before_it_is_whole)
{
    AUTO(json)
    struct json_object *object = parse("{\"metadata\":{\"managedFields\":["
                                       "{\"manager\":\"exact\",\"time\":\"2026-01-01T00:00:00Z\","
                                       "\"fieldsV1\":{\"f:data\":{\"f:config.conf\":{}}}},"
                                       "{\"manager\":\"whole\",\"time\":\"2026-02-01T00:00:00Z\","
                                       "\"fieldsV1\":{\"f:data\":{}}}]}}");
    struct field_owner owner;
    ck_assert(managed_fields_owner(object, "data/config.conf", &owner));
    ck_assert_str_eq(owner.manager, "exact");
    ck_assert(managed_fields_owner(object, "data/other", &owner));
    ck_assert_str_eq(owner.manager, "whole");
    ck_assert_int_eq(owner.time_ms, 1769904000000);
}
END_TEST

START_TEST(newest_entry)
{
    AUTO(json) struct json_object *object = parse(service);
    struct field_owner owner;
    ck_assert(managed_fields_newest(object, NULL, &owner));
    ck_assert_str_eq(owner.manager, "scaler");
    ck_assert_str_eq(owner.subresource, "scale");
    ck_assert(managed_fields_newest(object, "scaler", &owner));
    ck_assert_str_eq(owner.manager, "kubectl-annotate");
}
END_TEST

START_TEST(newest_does_not_blame_the_status)
{
    AUTO(json)
    struct json_object *object =
        parse("{\"metadata\":{\"managedFields\":["
              "{\"manager\":\"kubeadm\",\"time\":\"2026-01-01T00:00:00Z\"},"
              "{\"manager\":\"kcm\",\"subresource\":\"status\",\"time\":\"2026-01-02T00:00:00Z\"},"
              "{\"manager\":\"kcm\",\"fieldsV1\":{\"f:status\":{\"f:replicas\":{}}},"
              "\"time\":\"2026-01-02T00:00:00Z\"}]}}");
    struct field_owner owner;
    ck_assert(managed_fields_newest(object, NULL, &owner));
    ck_assert_str_eq(owner.manager, "kubeadm");
    ck_assert(managed_fields_owner(object, "status/replicas", &owner));
    ck_assert_str_eq(owner.manager, "kcm");
}
END_TEST

START_TEST(newest_other_than_the_only_one)
{
    AUTO(json)
    struct json_object *object =
        parse("{\"metadata\":{\"managedFields\":[{\"manager\":\"yurt-steward\"}]}}");
    struct field_owner owner;
    ck_assert(!managed_fields_newest(object, "yurt-steward", &owner));
    ck_assert_str_eq(owner.manager, "unknown");
    ck_assert_int_eq(owner.time_ms, 0);
}
END_TEST

START_TEST(odd_objects_have_no_owner)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"metadata\":{\"managedFields\":null}}",
        "{\"metadata\":{\"managedFields\":{}}}",
        "{\"metadata\":{\"managedFields\":[1,null,\"x\",{\"fieldsV1\":7}]}}",
        "{\"metadata\":{\"managedFields\":[{\"fieldsV1\":{\"f:data\":1}}]}}",
        "{\"metadata\":{\"managedFields\":[{\"fieldsV1\":{\"f:data\":{\"f:a\":null}}}]}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(json) struct json_object *object = parse(texts[i]);
        struct field_owner owner;
        ck_assert_msg(!managed_fields_owner(object, "data/a", &owner), "%s", texts[i]);
        ck_assert_str_eq(owner.manager, "unknown");
    }
}
END_TEST

START_TEST(long_names_are_cut)
{
    char name[300];
    memset(name, 'm', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    AUTO_FREE char *text =
        xasprintf("{\"metadata\":{\"managedFields\":[{\"manager\":\"%s\",\"operation\":\"%s\","
                  "\"subresource\":\"%s\",\"time\":\"whenever\"}]}}",
                  name, name, name);
    AUTO(json) struct json_object *object = parse(text);
    struct field_owner owner;
    ck_assert(managed_fields_newest(object, NULL, &owner));
    ck_assert_uint_eq(strlen(owner.manager), sizeof(owner.manager) - 1);
    ck_assert_uint_eq(strlen(owner.operation), sizeof(owner.operation) - 1);
    ck_assert_uint_eq(strlen(owner.subresource), sizeof(owner.subresource) - 1);
    ck_assert_int_eq(owner.time_ms, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *fields = suite_create("managed_fields");
    TCase *all = tcase_create("managed_fields");
    tcase_add_loop_test(all, owner_of_field, 0, (int)ARRAY_LEN(owners));
    tcase_add_test(all, owner_is_exact_before_it_is_whole);
    tcase_add_test(all, newest_entry);
    tcase_add_test(all, newest_does_not_blame_the_status);
    tcase_add_test(all, newest_other_than_the_only_one);
    tcase_add_test(all, odd_objects_have_no_owner);
    tcase_add_test(all, long_names_are_cut);
    suite_add_tcase(fields, all);
    return fields;
}

int main(void)
{
    return unit_main(suite());
}
