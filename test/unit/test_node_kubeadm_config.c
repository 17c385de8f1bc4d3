/* kubeadm's ClusterConfiguration: what lacks, and the edit of its text. */
#include "node/kubeadm_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/textdiff.h"
#include "unit/unit.h"
#include "yaml/yaml.h"
#include "json/json.h"

#define HEAD4 "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"
#define HEAD3 "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n"
#define OFF "-nodelifecycle,*,bootstrapsigner,tokencleaner"
#define FIRST "Hostname,InternalIP,ExternalIP"

static const struct kubeadm_config_wanted kcm = {.nodelifecycle_off = true};
static const struct kubeadm_config_wanted api = {.hostname_first = true};
static const struct kubeadm_config_wanted authority = {.no_certificate_authority = true};
static const struct kubeadm_config_wanted all = {
    .nodelifecycle_off = true, .hostname_first = true, .no_certificate_authority = true};

static const struct {
    const struct kubeadm_config_wanted *wanted;
    const char *in;
    const char *out; /* NULL: as wanted */
} edits[] = {
    /* nothing is there */
    {&kcm, HEAD4,
     HEAD4 "controllerManager:\n  extraArgs:\n  - name: controllers\n    value: " OFF "\n"},
    {&kcm, HEAD3, HEAD3 "controllerManager:\n  extraArgs:\n    controllers: " OFF "\n"},
    {&api, HEAD3,
     HEAD3 "apiServer:\n  extraArgs:\n    kubelet-preferred-address-types: " FIRST "\n"},
    {&authority, HEAD3, NULL},
    {&authority, HEAD4 "apiServer: {}\n", NULL},
    /* the section is empty */
    {&kcm, HEAD4 "controllerManager: {}\ndns: {}\n",
     HEAD4 "controllerManager:\n  extraArgs:\n  - name: controllers\n    value: " OFF
           "\ndns: {}\n"},
    {&kcm, HEAD3 "controllerManager:\ndns: {}\n",
     HEAD3 "controllerManager:\n  extraArgs:\n    controllers: " OFF "\ndns: {}\n"},
    {&kcm, HEAD3 "controllerManager: null # none\n",
     HEAD3 "controllerManager:\n  extraArgs:\n    controllers: " OFF " # none\n"},
    {&kcm, HEAD3 "controllerManager :   ~\ndns: {}\n",
     HEAD3 "controllerManager:\n  extraArgs:\n    controllers: " OFF "\ndns: {}\n"},
    /* the section has something else */
    {&api, HEAD3 "apiServer:\n  timeoutForControlPlane: 4m0s\ndns: {}\n",
     HEAD3 "apiServer:\n  timeoutForControlPlane: 4m0s\n  extraArgs:\n"
           "    kubelet-preferred-address-types: " FIRST "\ndns: {}\n"},
    {&api, HEAD4 "apiServer:\n    certSANs:\n    - a\n    - b # c\n",
     HEAD4 "apiServer:\n    certSANs:\n    - a\n    - b # c\n    extraArgs:\n"
           "    - name: kubelet-preferred-address-types\n      value: " FIRST "\n"},
    {&api, HEAD3 "apiServer:\n  extraArgs: {}\n  timeoutForControlPlane: 4m0s\n",
     HEAD3 "apiServer:\n  extraArgs:\n    kubelet-preferred-address-types: " FIRST
           "\n  timeoutForControlPlane: 4m0s\n"},
    {&api, HEAD4 "apiServer:\n  extraArgs: []\n",
     HEAD4 "apiServer:\n  extraArgs:\n  - name: kubelet-preferred-address-types\n    value: " FIRST
           "\n"},
    /* extraArgs has something else */
    {&api, HEAD3 "apiServer:\n  extraArgs:\n    authorization-mode: Node,RBAC\n  # end\ndns: {}\n",
     HEAD3 "apiServer:\n  extraArgs:\n    authorization-mode: Node,RBAC\n"
           "    kubelet-preferred-address-types: " FIRST "\n  # end\ndns: {}\n"},
    {&kcm, HEAD4 "controllerManager:\n  extraArgs:\n    - name: v\n      value: \"4\"\n  x: y\n",
     HEAD4 "controllerManager:\n  extraArgs:\n    - name: v\n      value: \"4\"\n"
           "    - name: controllers\n      value: " OFF "\n  x: y\n"},
    {&kcm, HEAD3 "controllerManager:\n  extraArgs:\n    v: |\n      4\n",
     HEAD3 "controllerManager:\n  extraArgs:\n    v: |\n      4\n    controllers: " OFF "\n"},
    {&kcm, HEAD3 "controllerManager:\n  extraArgs:\n    v: \"4\"",
     HEAD3 "controllerManager:\n  extraArgs:\n    v: \"4\"\n    controllers: " OFF},
    /* the flag is there */
    {&kcm, HEAD3 "controllerManager:\n  extraArgs:\n    controllers: '*,-ttl' # x\n    v: \"4\"\n",
     HEAD3 "controllerManager:\n  extraArgs:\n    controllers: '-nodelifecycle,*,-ttl' # x\n"
           "    v: \"4\"\n"},
    {&kcm, HEAD4 "controllerManager:\n  extraArgs:\n  - value: \"*\"\n    name: controllers\n",
     HEAD4 "controllerManager:\n  extraArgs:\n  - value: \"-nodelifecycle,*\"\n"
           "    name: controllers\n"},
    {&kcm,
     HEAD4 "controllerManager:\n  extraArgs:\n  - name: controllers\n    value: a\n"
           "  - name: controllers\n    value: nodelifecycle,*\n",
     HEAD4 "controllerManager:\n  extraArgs:\n  - name: controllers\n    value: a\n"
           "  - name: controllers\n    value: -nodelifecycle,*\n"},
    {&kcm, HEAD3 "controllerManager:\n  extraArgs:\n    controllers: -nodelifecycle,*\n", NULL},
    {&kcm, HEAD3 "controllerManager: {extraArgs: {controllers: ttl}}\n", NULL},
    {&api,
     HEAD3 "apiServer:\n  extraArgs:\n    kubelet-preferred-address-types: InternalIP,Hostname\n",
     HEAD3 "apiServer:\n  extraArgs:\n    kubelet-preferred-address-types: Hostname,InternalIP\n"},
    {&api, HEAD3 "apiServer:\n  extraArgs:\n    kubelet-preferred-address-types: Hostname\n", NULL},
    /* removed */
    {&authority,
     HEAD3
     "apiServer:\n  extraArgs:\n    a: b\n    kubelet-certificate-authority: /x # y\n    c: d\n",
     HEAD3 "apiServer:\n  extraArgs:\n    a: b\n    c: d\n"},
    {&authority, HEAD3 "apiServer:\n  extraArgs:\n    kubelet-certificate-authority: /x\n  t: 4m\n",
     HEAD3 "apiServer:\n  extraArgs: {}\n  t: 4m\n"},
    {&authority,
     HEAD4 "apiServer:\n  extraArgs:\n  - name: kubelet-certificate-authority\n    value: /x\n"
           "  - name: a\n    value: b\n",
     HEAD4 "apiServer:\n  extraArgs:\n  - name: a\n    value: b\n"},
    {&authority,
     HEAD4 "apiServer:\n  extraArgs:\n  - name: kubelet-certificate-authority\n    value: /x\n"
           "  - value: /y\n    name: kubelet-certificate-authority\n",
     HEAD4 "apiServer:\n  extraArgs: []\n"},
    {&authority, HEAD3 "apiServer:\n  extraArgs:\n    kubelet-certificate-authority: \"\"\n", NULL},
    /* flow, and JSON */
    {&kcm, HEAD3 "controllerManager: {extraArgs: {v: '4'}}\n",
     HEAD3 "controllerManager: {extraArgs: {v: '4', \"controllers\":\"" OFF "\"}}\n"},
    {&kcm, HEAD3 "controllerManager: {extraArgs: {controllers: \"*\"}}\n",
     HEAD3 "controllerManager: {extraArgs: {controllers: \"-nodelifecycle,*\"}}\n"},
    {&kcm, HEAD4 "controllerManager: {extraArgs: [{name: v, value: '4'}]}\n",
     HEAD4 "controllerManager: {extraArgs: [{name: v, value: '4'}, "
           "{\"name\":\"controllers\",\"value\":\"" OFF "\"}]}\n"},
    {&kcm, "{\"apiVersion\": \"kubeadm.k8s.io/v1beta4\",\n \"kind\": \"ClusterConfiguration\"}",
     "{\"apiVersion\": \"kubeadm.k8s.io/v1beta4\",\n \"kind\": \"ClusterConfiguration\", "
     "\"controllerManager\":{\"extraArgs\":[{\"name\":\"controllers\",\"value\":\"" OFF "\"}]}}"},
    {&authority, HEAD3 "apiServer: {extraArgs: {kubelet-certificate-authority: /x, a: b}}\n",
     HEAD3 "apiServer: {extraArgs: {a: b}}\n"},
    {&authority, HEAD3 "apiServer: {extraArgs: {a: b, kubelet-certificate-authority: /x}}\n",
     HEAD3 "apiServer: {extraArgs: {a: b}}\n"},
    {&authority, HEAD3 "apiServer: {extraArgs: {kubelet-certificate-authority: /x}}\n",
     HEAD3 "apiServer: {\"extraArgs\":{}}\n"},
    /* all three */
    {&all,
     HEAD4 "apiServer:\n  extraArgs:\n  - name: kubelet-certificate-authority\n    value: /x\n"
           "controllerManager: {}\n",
     HEAD4 "apiServer:\n  extraArgs:\n  - name: kubelet-preferred-address-types\n    value: " FIRST
           "\ncontrollerManager:\n  extraArgs:\n  - name: controllers\n    value: " OFF "\n"},
};

static const struct {
    const char *in;
    size_t line;
    size_t column;
    const char *says;
} refusals[] = {
    {"", 0, 0, "not one document"},
    {HEAD4 "---\n" HEAD4, 0, 0, "not one document"},
    {"a: [", 0, 0, "line 1"},
    {"[]", 0, 0, "not one document"},
    {"kind: Pod\n", 1, 1, "\"Pod\" where a ClusterConfiguration"},
    {"kind: ClusterConfiguration\napiVersion: kubeadm.k8s.io/v1\n", 1, 1, "v1\" is not known"},
    {HEAD4 "controllerManager: x\n", 3, 20, "not written as"},
    {HEAD4 "controllerManager:\n  extraArgs:\n    controllers: '*'\n", 5, 5, "not written as"},
    {HEAD3 "controllerManager:\n  extraArgs:\n  - name: a\n    value: b\n", 5, 3, "not written as"},
    {HEAD4 "controllerManager:\n  extraArgs:\n  - name: a\n    value: 4\n", 5, 5, "an item of"},
    {HEAD4 "controllerManager:\n  extraArgs:\n  - a\n", 5, 5, "an item of"},
    {HEAD3 "controllerManager:\n  extraArgs:\n    controllers: 4\n", 5, 18, "is not a text"},
    {HEAD3 "controllerManager:\n  extraArgs:\n    controllers: 'a\"b'\n", 0, 0, "a quote"},
    {HEAD3 "controllerManager:\n  extraArgs:\n    controllers: >-\n      *\n", 5, 18, "one line"},
    {HEAD3 "controllerManager:\n  extraArgs:\n    controllers: &x '*'\n", 5, 18, "one line"},
    {HEAD3 "x: &a\n  extraArgs: {}\ncontrollerManager: *a\n", 5, 20, "an alias"},
    {HEAD3 "controllerManager: &a\n  x: y\nz: *a\n", 3, 20, "an anchor"},
    {HEAD3 "x: &a {}\ncontrollerManager:\n  <<: *a\n", 5, 3, "a merge key"},
    {HEAD3 "? controllerManager\n:\n  {}\n", 3, 3, "lines of its own"},
    {HEAD3 "controllerManager: # why\n  {}\n", 4, 3, "between the key and its value"},
    {HEAD3 "controllerManager: {\n  # why\n  }\n", 3, 20, "there may be a comment"},
};

static void check_edit(const struct kubeadm_config_wanted *wanted, const char *in, const char *out)
{
    AUTO(kubeadm_config) struct kubeadm_config config;
    enum kubeadm_config_outcome outcome = kubeadm_config_edit(in, strlen(in), wanted, &config);
    ck_assert_msg(outcome != KUBEADM_CONFIG_REFUSED, "%s\n%s", config.refusal.message, in);
    if (out == NULL) {
        ck_assert_int_eq(outcome, KUBEADM_CONFIG_AS_WANTED);
        ck_assert_ptr_null(config.text);
        return;
    }
    ck_assert_int_eq(outcome, KUBEADM_CONFIG_LACKS);
    ck_assert_str_eq(config.text, out);
    ck_assert_uint_eq(config.len, strlen(out));
    ck_assert_uint_gt(config.lacks.len, 0);
    check_edit(wanted, out, NULL);
}

static char *with_crlf(const char *text)
{
    AUTO(buf) struct buf out = BUF_INIT(65536);
    for (; *text != '\0'; text++) {
        buf_puts(&out, *text == '\n' ? "\r" : "");
        buf_append(&out, text, 1);
    }
    return buf_take(&out);
}

START_TEST(edits_the_text)
{
    const char *out = edits[_i].out;
    check_edit(edits[_i].wanted, edits[_i].in, out);
    AUTO_FREE char *in_crlf = with_crlf(edits[_i].in);
    AUTO_FREE char *out_crlf = out != NULL ? with_crlf(out) : NULL;
    check_edit(edits[_i].wanted, in_crlf, out_crlf);
}
END_TEST

START_TEST(refuses)
{
    AUTO(kubeadm_config) struct kubeadm_config config;
    const char *in = refusals[_i].in;
    ck_assert_int_eq(kubeadm_config_edit(in, strlen(in), &kcm, &config), KUBEADM_CONFIG_REFUSED);
    ck_assert_msg(strstr(config.refusal.message, refusals[_i].says) != NULL, "%s",
                  config.refusal.message);
    ck_assert_uint_eq(config.refusal.line, refusals[_i].line);
    ck_assert_uint_eq(config.refusal.column, refusals[_i].column);
    ck_assert_ptr_null(config.text);
    ck_assert_uint_eq(config.lacks.len, 0);
}
END_TEST

START_TEST(refuses_what_is_too_large)
{
    AUTO(kubeadm_config) struct kubeadm_config config;
    size_t len = KUBEADM_CONFIG_TEXT_MAX + 1;
    AUTO_FREE char *text = xmalloc(len);
    memset(text, ' ', len);
    ck_assert_int_eq(kubeadm_config_edit(text, len, &kcm, &config), KUBEADM_CONFIG_REFUSED);
    kubeadm_config_finish(&config);
    memcpy(text, "a\0b", 3);
    ck_assert_int_eq(kubeadm_config_edit(text, 3, &kcm, &config), KUBEADM_CONFIG_REFUSED);
    ck_assert_str_eq(config.refusal.message, "it holds a NUL byte");
}
END_TEST

/* --- kubeadm's own texts --- */

static const char *const versions[] = {"1.20.2", "1.37.2"};

START_TEST(edits_what_kubeadm_wrote)
{
    size_t len;
    AUTO_FREE char *path =
        xasprintf("test/fixtures/kubeadm-%s/cluster-configuration.yaml", versions[_i]);
    AUTO_FREE char *golden =
        xasprintf("test/golden/node/cluster-configuration-%s.yaml", versions[_i]);
    AUTO_FREE char *text = unit_read_file(path, &len);
    AUTO(kubeadm_config) struct kubeadm_config config;
    ck_assert_int_eq(kubeadm_config_edit(text, len, &all, &config), KUBEADM_CONFIG_LACKS);
    unit_golden(golden, config.text);
    check_edit(&all, config.text, NULL);
}
END_TEST

/* --- advice --- */

static struct json_object *configmap_of(const char *text)
{
    struct json_object *configmap = json_new_object();
    json_set_str(json_ensure_object(configmap, "data"), KUBEADM_CONFIG_KEY, text);
    return configmap;
}

START_TEST(reports_and_writes)
{
    AUTO(json) struct json_object *configmap = configmap_of(HEAD4 "controllerManager: {}\n");
    AUTO(kubeadm_config_advice) struct kubeadm_config_advice report;
    AUTO(kubeadm_config_advice) struct kubeadm_config_advice write;
    AUTO(kubeadm_config_advice) struct kubeadm_config_advice again;
    AUTO(json) struct json_object *written = NULL;
    kubeadm_config_advise(configmap, &kcm, false, &report);
    ck_assert_str_eq(report.reason, "KubeadmConfigLacks");
    ck_assert_ptr_null(report.patch);
    ck_assert_ptr_nonnull(strstr(report.message,
                                 "controllerManager.extraArgs lacks controllers: " OFF
                                 ". Change it there, or set "
                                 "static-pods.kubeadm-config: Write"));
    kubeadm_config_advise(configmap, &kcm, true, &write);
    ck_assert_ptr_nonnull(strstr(write.message, "It is put there"));
    ck_assert_int_eq(json_json_patch(configmap, write.patch, &written, NULL), 0);
    kubeadm_config_advise(written, &kcm, true, &again);
    ck_assert_ptr_null(again.reason);
    ck_assert_ptr_null(again.message);
    ck_assert_ptr_null(again.patch);
}
END_TEST

/* Somebody else wrote it meanwhile: nothing is lost. */
START_TEST(patch_has_a_test)
{
    AUTO(json) struct json_object *configmap = configmap_of(HEAD4);
    AUTO(json) struct json_object *other = configmap_of(HEAD4 "dns: {}\n");
    AUTO(json) struct json_object *written = NULL;
    AUTO(kubeadm_config_advice) struct kubeadm_config_advice advice;
    struct err err;
    kubeadm_config_advise(configmap, &kcm, true, &advice);
    ck_assert_int_eq(json_json_patch(other, advice.patch, &written, &err), -1);
    ck_assert_int_eq(err.kind, ERR_CONFLICT);
}
END_TEST

START_TEST(says_nothing_without_kubeadm)
{
    AUTO(kubeadm_config_advice) struct kubeadm_config_advice advice;
    AUTO(json) struct json_object *empty = json_new_object();
    kubeadm_config_advise(NULL, &all, true, &advice);
    ck_assert_ptr_null(advice.reason);
    kubeadm_config_advise(empty, &all, true, &advice);
    ck_assert_ptr_null(advice.reason);
    kubeadm_config_advise_reverted(NULL, &all, &advice);
    ck_assert_ptr_null(advice.reason);
}
END_TEST

START_TEST(says_why_it_refuses)
{
    AUTO(json) struct json_object *configmap = configmap_of(HEAD4 "controllerManager: x\n");
    AUTO(kubeadm_config_advice) struct kubeadm_config_advice advice;
    kubeadm_config_advise(configmap, &kcm, true, &advice);
    ck_assert_str_eq(advice.reason, "KubeadmConfigRefused");
    ck_assert_ptr_nonnull(strstr(advice.message, "ClusterConfiguration, line 3, column 20: "));
    ck_assert_ptr_null(advice.patch);
}
END_TEST

START_TEST(says_what_a_revert_leaves)
{
    AUTO(json)
    struct json_object *configmap =
        configmap_of(HEAD3 "controllerManager:\n  extraArgs:\n    controllers: " OFF "\n");
    AUTO(kubeadm_config_advice) struct kubeadm_config_advice advice;
    kubeadm_config_advise_reverted(configmap, &all, &advice);
    ck_assert_str_eq(advice.reason, "KubeadmConfigKeeps");
    ck_assert_ptr_nonnull(strstr(advice.message, "controllers has -nodelifecycle. Take it out"));
    kubeadm_config_advice_finish(&advice);
    kubeadm_config_advise_reverted(configmap, &api, &advice);
    ck_assert_ptr_null(advice.reason);
}
END_TEST

START_TEST(prints_the_patch_file)
{
    const struct staticpod_dns dns = {.nameserver = "10.96.0.20", .domain = "cluster.local"};
    AUTO_FREE char *text = kubeadm_config_patch_file(&dns);
    AUTO(json) struct json_object *documents = NULL;
    AUTO(json) struct json_object *wanted = staticpod_dns_config(&dns);
    unit_golden("test/golden/node/" KUBEADM_CONFIG_PATCH_FILE, text);
    ck_assert_int_eq(yaml_to_json(text, strlen(text), &documents, NULL), 0);
    ck_assert_str_eq(json_get_str_or(documents, "0/spec/dnsPolicy", ""), "None");
    ck_assert(json_same(json_get(documents, "0/spec/dnsConfig"), wanted));
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("node_kubeadm_config");
    TCase *text = tcase_create("text");
    tcase_add_loop_test(text, edits_the_text, 0, ARRAY_LEN(edits));
    tcase_add_loop_test(text, refuses, 0, ARRAY_LEN(refusals));
    tcase_add_test(text, refuses_what_is_too_large);
    tcase_add_loop_test(text, edits_what_kubeadm_wrote, 0, ARRAY_LEN(versions));
    suite_add_tcase(suite, text);
    TCase *advice = tcase_create("advice");
    tcase_add_test(advice, reports_and_writes);
    tcase_add_test(advice, patch_has_a_test);
    tcase_add_test(advice, says_nothing_without_kubeadm);
    tcase_add_test(advice, says_why_it_refuses);
    tcase_add_test(advice, says_what_a_revert_leaves);
    tcase_add_test(advice, prints_the_patch_file);
    suite_add_tcase(suite, advice);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
