/* node.c, pod.c and slice.c */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/node.h"
#include "kube/pod.h"
#include "kube/slice.h"
#include "unit/unit.h"

static struct object *project(object_project_fn *fn, const char *text)
{
    AUTO(json) struct json_object *json = NULL;
    struct object *object = NULL;
    struct err err = {0};
    ck_assert_msg(json_parse(text, strlen(text), &json, &err) == 0, "%s: %s", text, err.text);
    ck_assert_msg(fn(json, &object, &err) == 0, "%s: %s", text, err.text);
    ck_assert_ptr_null(object->body);
    return object;
}

#define META(more) "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"" more "}"

/* --- nodes --- */

#define LABELS(labels) META(",\"labels\":{" labels "}")
static const struct {
    const char *text;
    const char
        *flags; /* edge, edge-labelled, converted, host network, linux, unschedulable, ready */
    const char *pool;
} nodes[] = {
    {META("") "}", "----l--", NULL},
    {LABELS(
         "\"apps.openyurt.io/nodepool\":\"hangzhou\",\"openyurt.io/is-edge-worker\":\"true\"") "}",
     "eE--l--", "hangzhou"},
    {LABELS("\"apps.openyurt.io/nodepool\":\"\"") "}", "----l--", NULL},
    {LABELS("\"openyurt.io/is-edge-worker\":\"false\"") "}", "-E--l--", NULL},
    {LABELS("\"openyurt.io/is-edge-worker\":\"True\"") "}", "-E--l--", NULL},
    {LABELS("\"nodepool.openyurt.io/hostnetwork\":\"true\"") "}", "---hl--", NULL},
    {LABELS("\"nodepool.openyurt.io/hostnetwork\":\"false\"") "}", "----l--", NULL},
    {LABELS("\"kubernetes.io/os\":\"linux\"") "}", "----l--", NULL},
    {LABELS("\"kubernetes.io/os\":\"windows\"") "}", "-------", NULL},
    {META("") ",\"spec\":{\"unschedulable\":true}}", "----lu-", NULL},
    {META("") ",\"status\":{\"conditions\":[{\"type\":\"MemoryPressure\",\"status\":\"True\"},"
              "{\"type\":\"Ready\",\"status\":\"True\"}]}}",
     "----l-r", NULL},
    {META("") ",\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\"}]}}",
     "----l--", NULL},
    {META("") ",\"status\":{\"conditions\":[{\"type\":\"YurtNodeConversionFailed\","
              "\"status\":\"False\",\"reason\":\"Converted\"}]}}",
     "--c-l--", NULL},
    {META("") ",\"status\":{\"conditions\":[{\"type\":\"YurtNodeConversionFailed\","
              "\"status\":\"True\",\"reason\":\"Failed\"}]}}",
     "----l--", NULL},
    {META("") ",\"spec\":[],\"status\":{\"conditions\":{\"type\":\"Ready\"}}}", "----l--", NULL},
};

START_TEST(node_fields)
{
    AUTO(object) struct object *object = project(node_project, nodes[_i].text);
    const struct node *node = node_of(object);
    const char flags[] = {
        node->edge ? 'e' : '-',      node->edge_labelled ? 'E' : '-',
        node->converted ? 'c' : '-', node->host_network_pool ? 'h' : '-',
        node->linux ? 'l' : '-',     node->unschedulable ? 'u' : '-',
        node->ready ? 'r' : '-',     '\0',
    };
    ck_assert_str_eq(flags, nodes[_i].flags);
    ck_assert_pstr_eq(node->pool, nodes[_i].pool);
}
END_TEST

#define POOL(value)                                                                                \
    "{\"metadata\":{\"name\":\"n\",\"labels\":{\"apps.openyurt.io/nodepool\":" value "}}}"
#define LETTERS_21 "abcdefghijklmnopqrstu"
static const struct {
    const char *text;
    const char *why; /* NULL: it is a label */
} pools[] = {
    {POOL("\"a\""), NULL},
    {POOL("\"A-1_b.c\""), NULL},
    {POOL("\"" LETTERS_21 LETTERS_21 LETTERS_21 "\""), NULL},
    {POOL("\"" LETTERS_21 LETTERS_21 LETTERS_21 "x\""), "x\", which is no label value"},
    {POOL("\"a b\""),
     "metadata.labels[apps.openyurt.io/nodepool] is \"a b\", which is no label value"},
    {POOL("\"-a\""), "no label value"},
    {POOL("\"a.\""), "no label value"},
    {POOL("\"a/b\""), "no label value"},
    {POOL("7"), "is no string but number"},
    {POOL("{}"), "is no string but object"},
};

START_TEST(node_pool_label)
{
    struct err err = {0};
    AUTO(json) struct json_object *json = NULL;
    struct object *object = NULL;
    ck_assert_int_eq(json_parse(pools[_i].text, strlen(pools[_i].text), &json, NULL), 0);
    int result = node_project(json, &object, &err);
    ck_assert_int_eq(result, pools[_i].why == NULL ? 0 : -1);
    if (result == 0) {
        object_unref(object);
    } else {
        ck_assert_msg(strstr(err.text, pools[_i].why) != NULL, "%s", err.text);
    }
}
END_TEST

/* --- pods --- */

START_TEST(pod_fields)
{
    static const char text[] =
        "{\"metadata\":{\"name\":\"n\",\"labels\":{\"k8s-app\":\"kube-proxy\"},"
        "\"ownerReferences\":[{\"kind\":\"X\",\"uid\":\"other\"},"
        "{\"kind\":\"DaemonSet\",\"uid\":\"ds\",\"controller\":true}]},"
        "\"spec\":{\"nodeName\":\"n1\"},"
        "\"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\","
        "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}";
    AUTO(object) struct object *object = project(pod_project, text);
    const struct pod *pod = pod_of(object);
    ck_assert_str_eq(pod->node, "n1");
    ck_assert_str_eq(pod->owner_uid, "ds");
    ck_assert_str_eq(pod->app, "kube-proxy");
    ck_assert_str_eq(pod->ip, "10.0.0.1");
    ck_assert(pod->ready);
    ck_assert(!pod->ended);
}
END_TEST

START_TEST(pod_without_anything)
{
    static const char text[] = "{\"metadata\":{\"name\":\"n\","
                               "\"ownerReferences\":[{\"uid\":\"x\",\"controller\":false}]},"
                               "\"spec\":{\"nodeName\":\"\"},\"status\":{\"podIP\":\"\"}}";
    AUTO(object) struct object *object = project(pod_project, text);
    const struct pod *pod = pod_of(object);
    ck_assert_ptr_null(pod->node);
    ck_assert_ptr_null(pod->owner_uid);
    ck_assert_ptr_null(pod->app);
    ck_assert_ptr_null(pod->ip);
    ck_assert(!pod->ready);
    ck_assert(!pod->ended);
}
END_TEST

START_TEST(pod_phases)
{
    static const char *const phases[] = {"Pending", "Running", "Unknown", "Succeeded", "Failed"};
    for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
        AUTO_FREE char *text = xasprintf(META("") ",\"status\":{\"phase\":\"%s\"}}", phases[i]);
        AUTO(object) struct object *object = project(pod_project, text);
        ck_assert(pod_of(object)->ended == (i >= 3));
    }
}
END_TEST

/* --- slices --- */

START_TEST(slice_fields)
{
    static const char text[] =
        "{\"metadata\":{\"name\":\"n\","
        "\"annotations\":{\"openyurt.io/update-trigger\":\"1795507512\"}},\"endpoints\":["
        "{\"addresses\":[\"10.0.0.1\",\"10.0.0.2\"],\"nodeName\":\"n1\","
        "\"conditions\":{\"ready\":true},\"targetRef\":{\"kind\":\"Pod\",\"name\":\"p1\"}},"
        "{\"addresses\":[],\"nodeName\":\"none\"},"
        "{\"addresses\":[\"10.0.0.3\"],\"conditions\":{\"ready\":false},"
        "\"targetRef\":{\"kind\":\"Node\",\"name\":\"n2\"}},"
        "{\"addresses\":[\"10.0.0.4\"],\"topology\":{\"kubernetes.io/hostname\":\"n4\"},"
        "\"conditions\":{}}]}";
    AUTO(object) struct object *object = project(slice_project, text);
    const struct slice *slice = slice_of(object);
    ck_assert_int_eq(slice->update_trigger_s, 1795507512);
    ck_assert_uint_eq(slice->len, 3);
    ck_assert_str_eq(slice->endpoints[0].address, "10.0.0.1");
    ck_assert_str_eq(slice->endpoints[0].node, "n1");
    ck_assert_str_eq(slice->endpoints[0].pod, "p1");
    ck_assert(slice->endpoints[0].ready);
    ck_assert_str_eq(slice->endpoints[1].address, "10.0.0.3");
    ck_assert_ptr_null(slice->endpoints[1].node);
    ck_assert_ptr_null(slice->endpoints[1].pod);
    ck_assert(!slice->endpoints[1].ready);
    ck_assert_str_eq(slice->endpoints[2].node, "n4");
    ck_assert(slice->endpoints[2].ready);
}
END_TEST

START_TEST(slice_without_endpoints)
{
    static const char *const texts[] = {META("") "}", META("") ",\"endpoints\":null}",
                                        META("") ",\"endpoints\":[]}"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO(object) struct object *object = project(slice_project, texts[i]);
        ck_assert_uint_eq(slice_of(object)->len, 0);
    }
}
END_TEST

START_TEST(slice_triggers)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } triggers[] = {
        {"0", 0},
        {"17", 17},
        {"", 0},
        {"-1", 0},
        {" 1", 0},
        {"1s", 0},
        {"soon", 0},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(triggers); i++) {
        AUTO_FREE char *text = xasprintf(
            META(",\"annotations\":{\"openyurt.io/update-trigger\":\"%s\"}") "}", triggers[i].text);
        AUTO(object) struct object *object = project(slice_project, text);
        ck_assert_int_eq(slice_of(object)->update_trigger_s, triggers[i].seconds);
    }
}
END_TEST

/* --- digests --- */

/* The digest changes with every projected field and with nothing else. */
static const struct {
    object_project_fn *fn;
    const char *a;
    const char *b;
    bool same;
} digests[] = {
    {node_project, META("") "}", META(",\"resourceVersion\":\"9\"") "}", true},
    {node_project, META("") "}",
     META(",\"labels\":{\"x\":\"y\"},\"annotations\":{\"x\":\"y\"}") "}", true},
    {node_project, META("") "}",
     META("") ",\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\","
              "\"lastHeartbeatTime\":\"2026-11-24T08:05:12Z\"}],\"images\":[1]}}",
     true},
    {node_project, META("") "}", META(",\"deletionTimestamp\":\"2026-11-24T08:05:12Z\"") "}",
     false},
    {node_project, META("") "}", "{\"metadata\":{\"name\":\"n\",\"uid\":\"v\"}}", false},
    {node_project, META("") "}", LABELS("\"apps.openyurt.io/nodepool\":\"p\"") "}", false},
    {node_project, META("") "}", LABELS("\"openyurt.io/is-edge-worker\":\"\"") "}", false},
    {node_project, LABELS("\"openyurt.io/is-edge-worker\":\"\"") "}",
     LABELS("\"openyurt.io/is-edge-worker\":\"true\"") "}", false},
    {node_project, META("") "}", LABELS("\"nodepool.openyurt.io/hostnetwork\":\"true\"") "}",
     false},
    {node_project, META("") "}", LABELS("\"kubernetes.io/os\":\"windows\"") "}", false},
    {node_project, META("") "}", META("") ",\"spec\":{\"unschedulable\":true}}", false},
    {node_project, META("") "}",
     META("") ",\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}", false},
    {node_project, META("") "}",
     META("") ",\"status\":{\"conditions\":[{\"type\":\"YurtNodeConversionFailed\","
              "\"reason\":\"Converted\"}]}}",
     false},
    {pod_project, META("") "}",
     META(
         ",\"resourceVersion\":\"9\",\"labels\":{\"x\":\"y\"}") ",\"spec\":{\"containers\":[1]},"
                                                                "\"status\":{\"phase\":\"Running\","
                                                                "\"startTime\":\"x\"}}",
     true},
    {pod_project, META("") "}", META("") ",\"spec\":{\"nodeName\":\"n\"}}", false},
    {pod_project, META("") "}", META("") ",\"status\":{\"podIP\":\"1.2.3.4\"}}", false},
    {pod_project, META("") ",\"spec\":{\"nodeName\":\"x\"}}",
     META("") ",\"status\":{\"podIP\":\"x\"}}", false},
    {pod_project, META("") "}", META("") ",\"status\":{\"phase\":\"Failed\"}}", false},
    {pod_project, META("") "}",
     META("") ",\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}", false},
    {pod_project, META("") "}", LABELS("\"k8s-app\":\"x\"") "}", false},
    {pod_project, META("") "}",
     META(",\"ownerReferences\":[{\"uid\":\"o\",\"controller\":true}]") "}", false},
    {slice_project, META("") "}",
     META(",\"resourceVersion\":\"9\",\"annotations\":{\"x\":\"y\"}") ",\"ports\":[1]}", true},
    {slice_project, META("") "}",
     META(",\"annotations\":{\"openyurt.io/update-trigger\":\"5\"}") "}", false},
    {slice_project, META("") "}", META("") ",\"endpoints\":[{\"addresses\":[\"a\"]}]}", false},
    {slice_project, META("") ",\"endpoints\":[{\"addresses\":[\"a\"]}]}",
     META("") ",\"endpoints\":[{\"addresses\":[\"b\"]}]}", false},
    {slice_project, META("") ",\"endpoints\":[{\"addresses\":[\"a\"]}]}",
     META("") ",\"endpoints\":[{\"addresses\":[\"a\"],\"nodeName\":\"n\"}]}", false},
    {slice_project, META("") ",\"endpoints\":[{\"addresses\":[\"a\"],\"nodeName\":\"n\"}]}",
     META("") ",\"endpoints\":[{\"addresses\":[\"a\"],\"targetRef\":{\"kind\":\"Pod\","
              "\"name\":\"n\"}}]}",
     false},
    {slice_project, META("") ",\"endpoints\":[{\"addresses\":[\"a\"]}]}",
     META("") ",\"endpoints\":[{\"addresses\":[\"a\"],\"conditions\":{\"ready\":false}}]}", false},
    {slice_project, META("") ",\"endpoints\":[{\"addresses\":[\"a\"]}]}",
     META("") ",\"endpoints\":[{\"addresses\":[\"a\"],\"conditions\":{\"serving\":true}}]}", true},
};

START_TEST(projection_digests)
{
    AUTO(object) struct object *a = project(digests[_i].fn, digests[_i].a);
    AUTO(object) struct object *b = project(digests[_i].fn, digests[_i].b);
    ck_assert_msg((a->digest == b->digest) == digests[_i].same, "%s %s", digests[_i].a,
                  digests[_i].b);
}
END_TEST

START_TEST(projections_refuse_what_has_no_name)
{
    static object_project_fn *const fns[] = {node_project, pod_project, slice_project};
    AUTO(json) struct json_object *json = json_new_object();
    for (size_t i = 0; i < ARRAY_LEN(fns); i++) {
        struct object *object = NULL;
        struct err err = {0};
        ck_assert_int_eq(fns[i](json, &object, &err), -1);
        ck_assert_int_eq((int)err.kind, ERR_INVALID);
        ck_assert_ptr_null(object);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *projections = suite_create("projections");
    TCase *all = tcase_create("projections");
    tcase_add_loop_test(all, node_fields, 0, (int)ARRAY_LEN(nodes));
    tcase_add_loop_test(all, node_pool_label, 0, ARRAY_LEN(pools));
    tcase_add_test(all, pod_fields);
    tcase_add_test(all, pod_without_anything);
    tcase_add_test(all, pod_phases);
    tcase_add_test(all, slice_fields);
    tcase_add_test(all, slice_without_endpoints);
    tcase_add_test(all, slice_triggers);
    tcase_add_loop_test(all, projection_digests, 0, (int)ARRAY_LEN(digests));
    tcase_add_test(all, projections_refuse_what_has_no_name);
    suite_add_tcase(projections, all);
    return projections;
}

int main(void)
{
    return unit_main(suite());
}
