#include "adjust/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "unit/unit.h"

static void read_data(struct policy *policy, const char *text)
{
    AUTO(json) struct json_object *json = NULL;
    ck_assert_int_eq(json_parse(text, strlen(text), &json, NULL), 0);
    policy_read(policy, json);
}

static const struct row {
    const char *key;
    const char *value; /* JSON */
    const char *in_force;
    const char *problem; /* part of it; NULL: none */
} rows[] = {
    {"service-topology", "\"Enforce\"", "Enforce", NULL},
    {"service-topology", "\"Revert\"", "Revert", NULL},
    {"service-topology", "\"Ignore\"", "Ignore", NULL},
    {"service-topology", "\"enforce\"", "Observe", "Enforce|Observe|Revert|Ignore"},
    {"service-topology", "\"Enforce|Observe\"", "Observe", "is not allowed"},
    {"service-topology", "\"\"", "Observe", "is not allowed"},
    {"service-topology", "true", "Observe", "\"boolean\" is not allowed"},
    {"service-topology", "\"Enforce\\u0000\"", "Observe", "is not allowed"},
    {"service-topology.value", "\"kubernetes.io/hostname\"", "kubernetes.io/hostname", NULL},
    {"service-topology.value", "\"kubernetes.io/hostname, *\"", "openyurt.io/nodepool",
     "service-topology.value: \"kubernetes.io/hostname, *\" is not allowed; allowed: "
     "openyurt.io/nodepool|kubernetes.io/hostname"},
    {"service-topology.gate", "\"Skip\"", "Skip", NULL},
    {"kube-proxy-kubeconfig.wave", "\"100%\"", "100%", NULL},
    {"kube-proxy-kubeconfig.wave", "\"101%\"", "10%", "1% to 100%"},
    {"kube-proxy-kubeconfig.wave", "\"0%\"", "10%", "1% to 100%"},
    {"kube-proxy-kubeconfig.wave", "\"5\"", "10%", "1% to 100%"},
    {"coredns-deployment.ready", "\"1%\"", "1%", NULL},
    {"coredns-deployment.ready", "\"0%\"", "90%",
     "coredns-deployment.ready: \"0%\" is not allowed; allowed: 1% to 100%; in force: 90%"},
    {"coredns-deployment.ready", "\"101%\"", "90%", "1% to 100%"},
    {"coredns-deployment.ready", "\"-1%\"", "90%", "1% to 100%"},
    {"coredns-deployment.ready", "\"0.9\"", "90%", "1% to 100%"},
    {"kube-proxy-kubeconfig.soak", "\"1m30s\"", "1m30s", NULL},
    {"kube-proxy-kubeconfig.soak", "\"-1s\"", "15s", "a duration"},
    {"dns-service.name", "\"coredns\"", "coredns", NULL},
    {"dns-service.name", "\"-x\"", "kube-dns", "the name of a Service"},
    {"dns-service.name", "\"Kube\"", "kube-dns", "the name of a Service"},
    {"contention.budget", "\"3 per 1h\"", "3 per 1h", NULL},
    {"contention.budget", "\"0 per 1h\"", "5 per 10m", "a number per duration"},
    {"coredns-daemonset.image", "\"r.example:5000/c:v1@sha256:0a\"",
     "r.example:5000/c:v1@sha256:0a", NULL},
    {"coredns-daemonset.image", "\"\"", "", NULL},
    {"coredns-daemonset.image", "\"a b\"", "", "an image, or nothing"},
    {"coredns-daemonset.image", "\":v1\"", "", "an image, or nothing"},
    {"coredns-daemonset.memory", "\"40Mi\"", "40Mi", NULL},
    {"coredns-daemonset.memory", "\"\"", "", NULL},
    {"coredns-daemonset.memory", "\"40 MB\"", "", "such as 40Mi"},
    {"coredns-daemonset.cpu", "\"0\"", "", "such as 50m"},
    {"no-such.key", "\"x\"", "", "unknown key \"no-such.key\""},
    {"kube-apiserver", "\"Revert\"", "Revert", NULL},
    {"kube-apiserver", "\"On\"", "Ignore", "Enforce|Observe|Revert|Ignore"},
    {"kube-controller-manager.replacement", "\"Ignore\"", "Ignore", NULL},
    {"kube-controller-manager.replacement", "\"No\"", "Require", "Require|Ignore"},
    {"kube-apiserver.nameserver", "\"\"", "", NULL},
    {"kube-apiserver.nameserver", "\"10.96.0.20\"", "10.96.0.20", NULL},
    {"kube-apiserver.nameserver", "\"fd00::14\"", "fd00::14", NULL},
    {"kube-apiserver.nameserver", "\"None\"", "", "an IPv4 or IPv6 address"},
    {"kube-apiserver.nameserver", "\"10.96.0.20 \"", "", "an IPv4 or IPv6 address"},
    {"static-pods.single-control-plane", "\"Allow\"", "Allow", NULL},
    {"static-pods.kubeadm-config", "\"write\"", "Report", "Report|Write"},
};

START_TEST(one_key)
{
    const struct row *row = &rows[_i];
    AUTO(policy) struct policy policy;
    AUTO(json) struct json_object *json = NULL;
    char text[256];
    policy_init(&policy);
    snprintf(text, sizeof(text), "{\"data\":{\"%s\":%s}}", row->key, row->value);
    ck_assert_int_eq(json_parse(text, strlen(text), &json, NULL), 0);
    policy_read(&policy, json);
    ck_assert_str_eq(policy_value(&policy, row->key), row->in_force);
    ck_assert_uint_eq(policy.problems_len, row->problem != NULL ? 1 : 0);
    if (row->problem != NULL) {
        ck_assert_msg(strstr(policy.problems[0], row->problem) != NULL, "%s", policy.problems[0]);
    }
}
END_TEST

START_TEST(absent_is_observe)
{
    AUTO(policy) struct policy policy;
    policy_init(&policy);
    read_data(&policy, "{\"data\":{\"service-topology\":\"Enforce\"}}");
    ck_assert_int_eq(policy_mode(&policy, &adjust_service_topology), MODE_ENFORCE);
    ck_assert_int_eq(policy_mode(&policy, &adjust_kube_proxy_kubeconfig), MODE_OBSERVE);
    policy_read(&policy, NULL);
    ck_assert_int_eq(policy_mode(&policy, &adjust_service_topology), MODE_OBSERVE);
    read_data(&policy, "{\"data\":[\"service-topology\"]}");
    ck_assert_int_eq(policy_mode(&policy, &adjust_service_topology), MODE_OBSERVE);
}
END_TEST

START_TEST(static_pods_are_off_until_asked_for)
{
    AUTO(policy) struct policy policy;
    policy_init(&policy);
    read_data(&policy, "{\"data\":{\"kube-controller-manager\":\"Enforce\"}}");
    ck_assert_int_eq(policy_mode_of(&policy, "kube-controller-manager"), MODE_ENFORCE);
    ck_assert_int_eq(policy_mode_of(&policy, "kube-apiserver"), MODE_IGNORE);
    policy_read(&policy, NULL);
    ck_assert_int_eq(policy_mode_of(&policy, "kube-controller-manager"), MODE_OBSERVE);
    ck_assert_int_eq(policy_mode_of(&policy, "kube-apiserver"), MODE_OBSERVE);
}
END_TEST

START_TEST(last_good_value_stays)
{
    AUTO(policy) struct policy policy;
    policy_init(&policy);
    read_data(&policy, "{\"data\":{\"service-topology\":\"Enforce\","
                       "\"kube-proxy-kubeconfig.soak\":\"20s\"}}");
    read_data(&policy, "{\"data\":{\"service-topology\":\"Off\","
                       "\"kube-proxy-kubeconfig.soak\":\"x\"}}");
    ck_assert_int_eq(policy_mode(&policy, &adjust_service_topology), MODE_ENFORCE);
    ck_assert_int_eq(policy_duration_ms(&policy, "kube-proxy-kubeconfig.soak"), 20000);
    ck_assert_uint_eq(policy.problems_len, 2);
    ck_assert_ptr_nonnull(strstr(policy.problems[0], "in force: Enforce"));
    read_data(&policy, "{\"data\":{}}");
    ck_assert_int_eq(policy_mode(&policy, &adjust_service_topology), MODE_OBSERVE);
    ck_assert_int_eq(policy_duration_ms(&policy, "kube-proxy-kubeconfig.soak"), 15000);
    ck_assert_int_eq(policy_percent(&policy, "kube-proxy-kubeconfig.wave"), 10);
    ck_assert_uint_eq(policy.problems_len, 0);
}
END_TEST

START_TEST(problems_are_bounded)
{
    AUTO(policy) struct policy policy;
    AUTO(json) struct json_object *configmap = json_new_object();
    policy_init(&policy);
    for (int i = 0; i < 2 * POLICY_PROBLEMS_MAX; i++) {
        char key[32];
        snprintf(key, sizeof(key), "unknown-%d", i);
        json_set_str(json_ensure_object(configmap, "data"), key, "x");
    }
    policy_read(&policy, configmap);
    ck_assert_uint_eq(policy.problems_len, POLICY_PROBLEMS_MAX);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("policy");
    TCase *tcase = tcase_create("policy");
    tcase_add_loop_test(tcase, one_key, 0, ARRAY_LEN(rows));
    tcase_add_test(tcase, absent_is_observe);
    tcase_add_test(tcase, static_pods_are_off_until_asked_for);
    tcase_add_test(tcase, last_good_value_stays);
    tcase_add_test(tcase, problems_are_bounded);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
