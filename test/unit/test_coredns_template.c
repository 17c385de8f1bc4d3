#include "adjust/coredns_template.h"

#include <stdlib.h>
#include <string.h>

#include "adjust/coredns_daemonset_compare.h"
#include "adjust/coredns_manifest.h"
#include "base/alloc.h"
#include "base/attr.h"
#include "base/buf.h"
#include "unit/unit.h"

static struct json_object *parse(const char *text)
{
    struct json_object *json = NULL;
    struct err err = {0};
    ck_assert_msg(json_parse(text, strlen(text), &json, &err) == 0, "%s: %s", err.text, text);
    return json;
}

static void set_policy(struct policy *policy, const char *data)
{
    AUTO_FREE char *text = xasprintf("{\"data\":%s}", data);
    AUTO(json) struct json_object *configmap = parse(text);
    policy_init(policy);
    policy_read(policy, configmap);
    ck_assert_msg(policy->problems_len == 0, "%s", policy->problems_len ? policy->problems[0] : "");
}

/* The template of a Deployment in test/fixtures. */
static struct json_object *load(const char *path)
{
    AUTO_FREE char *text = unit_read_file(path, NULL);
    AUTO(json) struct json_object *deployment = parse(text);
    return json_copy(json_get(deployment, "spec/template"));
}

static struct json_object *derive(const struct json_object *source, const char *data)
{
    AUTO(policy) struct policy policy;
    struct json_object *template = NULL;
    struct err err = {0};
    set_policy(&policy, data);
    ck_assert_msg(coredns_template_derive(source, &policy, &template, &err) == 0, "%s", err.text);
    return template;
}

static const char *const fixtures[] = {
    "test/fixtures/kubeadm-1.20.2/deployment-coredns.json",
    "test/fixtures/kubeadm-1.37.2/deployment-coredns.json",
    "test/fixtures/coredns/deployment-k3s.json",
    "test/fixtures/coredns/deployment-kubespray.json",
};

START_TEST(golden)
{
    AUTO(buf) struct buf text = BUF_INIT(1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(fixtures); i++) {
        AUTO(json) struct json_object *source = load(fixtures[i]);
        AUTO(json) struct json_object *template = derive(source, "{}");
        AUTO_FREE char *pretty = json_text_pretty(template);
        buf_printf(&text, "=== %s\n%s\n", fixtures[i], pretty);
    }
    AUTO(json) struct json_object *manifest = NULL;
    ck_assert_int_eq(coredns_manifest_template(&manifest, NULL), 0);
    AUTO(json) struct json_object *template = derive(manifest, "{}");
    AUTO_FREE char *pretty = json_text_pretty(template);
    buf_printf(&text, "=== the built-in manifest\n%s\n", pretty);
    unit_golden("test/golden/adjust/coredns-daemonset-template.txt", buf_str(&text));
}
END_TEST

/* A DaemonSet whose Deployment is gone is its own source: deriving again changes nothing. */
START_TEST(twice_is_once)
{
    AUTO(json) struct json_object *source = load(fixtures[_i]);
    AUTO(json) struct json_object *once = derive(source, "{}");
    AUTO(json) struct json_object *twice = derive(once, "{}");
    AUTO(json) struct json_object *strays = coredns_template_strays(twice);
    AUTO_FREE char *a = json_text(once);
    AUTO_FREE char *b = json_text(twice);
    ck_assert_str_eq(a, b);
    ck_assert_uint_eq(json_array_len(strays), 0);
}
END_TEST

#define POD(labels, spec) "{\"metadata\":{\"labels\":" labels "},\"spec\":" spec "}"
#define EXCLUDED                                                                                   \
    "{\"key\":\"nodepool.openyurt.io/"                                                             \
    "hostnetwork\",\"operator\":\"NotIn\",\"values\":[\"true\"]},{\"key\":"                        \
    "\"yurt-steward.io/coredns\",\"operator\":\"NotIn\",\"values\":[\"off\"]}"
#define DNS "{\"k8s-app\":\"kube-dns\"}"
#define TWO                                                                                        \
    "{\"containers\":[{\"name\":\"a\",\"image\":\"a:1\"},{\"name\":\"coredns\",\"image\":\"c:1\"}" \
    "]}"

static const struct row {
    const char *name;
    const char *source;
    const char *options;
    const char *path; /* in the derived template */
    const char *want; /* JSON at the path; NULL: nothing */
} rows[] = {
    {"image by option", POD(DNS, TWO), "{\"coredns-daemonset.image\":\"x/c:2\"}",
     "spec/containers/1/image", "\"x/c:2\""},
    {"another container's image is kept", POD(DNS, TWO), "{\"coredns-daemonset.image\":\"x/c:2\"}",
     "spec/containers/0/image", "\"a:1\""},
    {"requests by option", POD(DNS, TWO),
     "{\"coredns-daemonset.cpu\":\"50m\",\"coredns-daemonset.memory\":\"40Mi\"}",
     "spec/containers/1/resources", "{\"requests\":{\"cpu\":\"50m\",\"memory\":\"40Mi\"}}"},
    {"labels of ReplicaSet and DaemonSet",
     POD("{\"k8s-app\":\"kube-dns\",\"pod-template-hash\":\"x\","
         "\"controller-revision-hash\":\"y\",\"tier\":\"dns\"}",
         TWO),
     "{}", "metadata/labels",
     "{\"k8s-app\":\"kube-dns\",\"tier\":\"dns\",\"yurt-steward.io/component\":\"coredns\"}"},
    {"host ports",
     POD(DNS, "{\"hostNetwork\":true,\"containers\":[{\"name\":\"c\",\"image\":\"c\","
              "\"ports\":[{\"containerPort\":53,\"hostPort\":53}]}]}"),
     "{}", "spec/containers/0/ports", "[{\"containerPort\":53}]"},
    {"host network",
     POD(DNS, "{\"hostNetwork\":true,\"containers\":[{\"name\":\"c\",\"image\":\"c\"}]}"), "{}",
     "spec/hostNetwork", NULL},
    {"node name",
     POD(DNS, "{\"nodeName\":\"n\",\"containers\":[{\"name\":\"c\",\"image\":\"c\"}]}"), "{}",
     "spec/nodeName", NULL},
    {"tolerations are all covered",
     POD(DNS, "{\"tolerations\":[{\"key\":\"x\",\"effect\":\"NoExecute\","
              "\"tolerationSeconds\":5}],\"containers\":[{\"name\":\"c\",\"image\":\"c\"}]}"),
     "{}", "spec/tolerations", "[{\"operator\":\"Exists\"}]"},
    {"node selector gets the system",
     POD(DNS, "{\"nodeSelector\":{\"a\":\"b\"},\"containers\":["
              "{\"name\":\"c\",\"image\":\"c\"}]}"),
     "{}", "spec/nodeSelector", "{\"a\":\"b\",\"kubernetes.io/os\":\"linux\"}"},
    {"each term of a node affinity",
     POD(DNS,
         "{\"affinity\":{\"nodeAffinity\":{"
         "\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{"
         "\"matchExpressions\":["
         "{\"key\":\"a\",\"operator\":\"Exists\"}]},{\"matchFields\":[{\"key\":\"metadata.name\","
         "\"operator\":"
         "\"In\",\"values\":[\"n\"]}]},{}]}}},\"containers\":[{\"name\":\"c\",\"image\":\"c\"}]}"),
     "{}",
     "spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
     "[{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}," EXCLUDED
     "]},{\"matchFields\":"
     "[{\"key\":\"metadata.name\",\"operator\":\"In\",\"values\":[\"n\"]}],\"matchExpressions\":"
     "[" EXCLUDED "]},{}]"},
    {"pod affinity is kept",
     POD(DNS, "{\"affinity\":{\"podAffinity\":{\"a\":1},\"podAntiAffinity\":{"
              "\"b\":1}},\"containers\":[{\"name\":\"c\",\"image\":\"c\"}]}"),
     "{}", "spec/affinity/podAffinity", "{\"a\":1}"},
    {"annotations of restarts",
     "{\"metadata\":{\"labels\":" DNS ",\"annotations\":{"
     "\"kubectl.kubernetes.io/restartedAt\":\"x\",\"cattle.io/timestamp\":\"y\"}},\"spec\":" TWO
     "}",
     "{}", "metadata/annotations", NULL},
};

START_TEST(derives)
{
    const struct row *row = &rows[_i];
    AUTO(json) struct json_object *source = parse(row->source);
    AUTO(json) struct json_object *template = derive(source, row->options);
    AUTO(json) struct json_object *want = row->want != NULL ? parse(row->want) : NULL;
    AUTO_FREE char *got = json_text(json_get(template, row->path));
    ck_assert_msg(json_same(json_get(template, row->path), want), "%s: %s", row->name, got);
}
END_TEST

static const struct refusal {
    const char *source;
    const char *options;
    const char *why; /* part of it */
} refusals[] = {
    {POD(DNS, "{\"containers\":[]}"), "{}", "spec.template.spec.containers is empty"},
    {POD(DNS, "{}"), "{}", "spec.template.spec.containers is empty"},
    {POD(DNS, "null"), "{}", "spec.template.spec is no object but null"},
    {POD(DNS, "{\"containers\":[{\"image\":\"c\"}]}"), "{}", "containers[0] has no name"},
    {POD(DNS, "{\"containers\":[{\"name\":\"a\",\"image\":\"c\"},{\"name\":\"c\"}]}"), "{}",
     "containers[1] has no image"},
    {POD("{\"k8s-app\":\"coredns\"}", TWO), "{}", "labels[k8s-app] is \"coredns\", not kube-dns"},
    {POD("{}", TWO), "{}", "labels[k8s-app] is \"\", not kube-dns"},
    {"{}", "{}", "labels[k8s-app]"},
    {POD(DNS,
         "{\"containers\":[{\"name\":\"c\",\"image\":\"c\",\"resources\":{\"limits\":{\"memory\":"
         "\"170Mi\"}}}]}"),
     "{\"coredns-daemonset.memory\":\"1Gi\"}",
     "coredns-daemonset.memory: 1Gi is above the container's limit of 170Mi"},
};

START_TEST(refuses)
{
    const struct refusal *row = &refusals[_i];
    AUTO(policy) struct policy policy;
    AUTO(json) struct json_object *source = parse(row->source);
    struct json_object *template = NULL;
    struct err err = {0};
    set_policy(&policy, row->options);
    ck_assert_int_eq(coredns_template_derive(source, &policy, &template, &err), -1);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_ptr_null(template);
    ck_assert_msg(strstr(err.text, row->why) != NULL, "%s", err.text);
}
END_TEST

START_TEST(strays)
{
    AUTO(json)
    struct json_object *live =
        parse("{\"spec\":{\"hostNetwork\":true,\"topologySpreadConstraints\":[{}],\"affinity\":{"
              "\"podAntiAffinity\":{}},\"containers\":[{\"ports\":[{},{\"hostPort\":53}]}]}}");
    AUTO(json) struct json_object *found = coredns_template_strays(live);
    AUTO_FREE char *text = json_text(found);
    ck_assert_str_eq(text, "[\"/spec/topologySpreadConstraints\",\"/spec/hostNetwork\","
                           "\"/spec/affinity/podAntiAffinity\","
                           "\"/spec/containers/0/ports/1/hostPort\"]");
}
END_TEST

static const struct pair {
    const char *want;
    const char *have;
    const char *path; /* NULL: no difference */
} pairs[] = {
    {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"c\":2},\"d\":3}", NULL},
    {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2}}", "a/b"},
    {"{\"a/b\":\"x\"}", "{}", "a~1b"},
    {"{\"a\":{\"b\":1}}", "{}", "a"},
    {"{\"a\":{},\"b\":[],\"c\":null}", "{}", NULL},
    {"{\"a\":{}}", "{\"a\":1}", "a"},
    {"{\"args\":[1,2]}", "{\"args\":[1,2]}", NULL},
    {"{\"args\":[1,2]}", "{\"args\":[2,1]}", "args"},
    {"{\"args\":[1]}", "{\"args\":[1,2]}", "args"},
    {"{\"tolerations\":[{\"a\":1}]}", "{\"tolerations\":[{\"a\":1,\"default\":2}]}", NULL},
    {"{\"env\":[{\"name\":\"a\",\"value\":\"1\"},{\"name\":\"b\"}]}",
     "{\"env\":[{\"name\":\"b\"},{\"name\":\"x\"},{\"name\":\"a\",\"value\":\"1\"}]}", NULL},
    {"{\"containers\":[{\"name\":\"a\",\"image\":\"1\"}]}",
     "{\"containers\":[{\"name\":\"a\",\"image\":\"2\"}]}", "containers"},
    {"{\"volumes\":[{\"name\":\"a\"}]}", "{\"volumes\":[{\"name\":\"b\"}]}", "volumes"},
    {"{\"ports\":[{\"containerPort\":53,\"protocol\":\"TCP\",\"name\":\"t\"}]}",
     "{\"ports\":[{\"containerPort\":53,\"protocol\":\"UDP\"},{\"containerPort\":53,\"name\":\"t\","
     "\"protocol\":\"TCP\"}]}",
     NULL},
    {"{\"ports\":[{\"containerPort\":53}]}",
     "{\"ports\":[{\"containerPort\":53,\"protocol\":\"UDP\"}]}", "ports"},
    {"{\"nodeSelector\":{\"a\":\"b\"}}", "{\"nodeSelector\":{\"a\":\"b\",\"c\":\"d\"}}",
     "nodeSelector"},
    {"{\"requests\":{\"cpu\":\"0.1\"}}", "{\"requests\":{\"cpu\":\"100m\"}}", NULL},
    {"{\"limits\":{\"cpu\":\"0.2\"}}", "{\"limits\":{\"cpu\":\"100m\"}}", "limits/cpu"},
    {"{\"cpu\":\"0.1\"}", "{\"cpu\":\"100m\"}", "cpu"},
};

START_TEST(differences)
{
    AUTO(json) struct json_object *want = parse(pairs[_i].want);
    AUTO(json) struct json_object *have = parse(pairs[_i].have);
    AUTO_FREE char *path = coredns_daemonset_difference(want, have);
    ck_assert_pstr_eq(path, pairs[_i].path);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("coredns_template");
    TCase *tcase = tcase_create("coredns_template");
    tcase_add_test(tcase, golden);
    tcase_add_loop_test(tcase, twice_is_once, 0, ARRAY_LEN(fixtures));
    tcase_add_loop_test(tcase, derives, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(tcase, refuses, 0, ARRAY_LEN(refusals));
    tcase_add_test(tcase, strays);
    tcase_add_loop_test(tcase, differences, 0, ARRAY_LEN(pairs));
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
