#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/cluster_fixture.h"
#include "unit/unit.h"

#define ID "kube-proxy-kubeconfig"
#define CONFIG "ConfigMap/kube-system/kube-proxy"
#define DAEMONSET "DaemonSet/kube-system/kube-proxy"
#define OWNED(manager, time)                                                                       \
    "\"metadata\":{\"managedFields\":[{\"manager\":\"" manager "\",\"operation\":\"Update\","      \
    "\"time\":\"" time "\",\"fieldsV1\":{\"f:data\":{\"f:config.conf\":{}}}}]}"
#define HEAD "apiVersion: kubeproxy.config.k8s.io/v1alpha1\\nkind: KubeProxyConfiguration\\n"
#define WITH HEAD "clientConnection:\\n  kubeconfig: /k\\nmode: x"
#define WITHOUT HEAD "clientConnection:\\n  #kubeconfig: /k\\nmode: x"
/* 07:58:00, at which we wrote the text */
#define WRITTEN                                                                                    \
    "{\"data\":{\"config.conf\":\"" WITHOUT "\"}," OWNED("yurt-steward", "2026-11-24T07:58:00Z") "}"
#define WRITTEN_MS "1795507080000"
#define RECORD(window)                                                                             \
    "{\"kube-proxy-kubeconfig\":\"{" window "}\",\"kube-proxy-kubeconfig.before\":\"" WITH "\"}"

static void good(struct cluster *c)
{
    cluster_init(c);
    cluster_load(c, "test/fixtures/kubeadm-1.37.2/configmap-kube-proxy.json");
    cluster_load(c, "test/fixtures/kubeadm-1.37.2/daemonset-kube-proxy.json");
    cluster_merge(c, CONFIG, "{\"data\":{\"config.conf\":\"" WITH "\"}}");
    cluster_merge(c, DAEMONSET,
                  "{\"metadata\":{\"uid\":\"ds\"},\"status\":{\"desiredNumberScheduled\":1}}");
    cluster_node(c, "edge-1", "hangzhou");
    cluster_pod(c, "kube-proxy", "edge-1", "ds", true, 3600000);
    cluster_read_leases(c);
}

static void first(struct cluster *c)
{
    (void)c;
}

static void immutable(struct cluster *c)
{
    cluster_merge(c, CONFIG, "{\"immutable\":true}");
}

static void binary(struct cluster *c)
{
    cluster_merge(c, CONFIG,
                  "{\"data\":{\"config.conf\":null},\"binaryData\":{\"config.conf\":\"AAA=\"}}");
}

static void no_key(struct cluster *c)
{
    cluster_merge(c, CONFIG, "{\"data\":{\"config.conf\":null,\"other\":\"x\"}}");
}

static void no_string(struct cluster *c)
{
    cluster_merge(c, CONFIG, "{\"data\":{\"config.conf\":7}}");
}

static void no_daemonset(struct cluster *c)
{
    cluster_delete(c, DAEMONSET);
}

static void no_configmap(struct cluster *c)
{
    cluster_delete(c, CONFIG);
}

static void command(struct cluster *c, const char *words)
{
    AUTO_FREE char *patch =
        xasprintf("{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"command\":[%s],"
                  "\"volumeMounts\":[{\"name\":\"kube-proxy\",\"mountPath\":"
                  "\"/var/lib/kube-proxy\"}]}]}}}}",
                  words);
    cluster_merge(c, DAEMONSET, patch);
}

static void no_config_flag(struct cluster *c)
{
    command(c, "\"kube-proxy\",\"--kubeconfig=/k\"");
}

static void master_flag(struct cluster *c)
{
    command(c,
            "\"kube-proxy\",\"--config=/var/lib/kube-proxy/config.conf\",\"--master=https://x\"");
}

static void other_key(struct cluster *c)
{
    command(c, "\"kube-proxy\",\"--config=/var/lib/kube-proxy/a~b.yaml\"");
    cluster_merge(c, CONFIG, "{\"data\":{\"a~b.yaml\":\"" WITH "\"}}");
}

static void tab(struct cluster *c)
{
    cluster_merge(c, CONFIG,
                  "{\"data\":{\"config.conf\":\"" HEAD "clientConnection:\\n\\tkubeconfig: /k\"}}");
}

static void no_yurthub(struct cluster *c)
{
    cluster_node(c, "cloud-1", NULL);
    cluster_node(c, "edge-2", NULL);
    cluster_pod(c, "yurt-hub", "edge-2", "none", true, 60000);
}

static void no_yurthub_required(struct cluster *c)
{
    no_yurthub(c);
    cluster_policy(c, "{\"kube-proxy-kubeconfig.yurthub\":\"Require\"}");
}

static void recorded(struct cluster *c)
{
    cluster_state(c, RECORD("\\\"fromMs\\\":0"));
}

static void recorded_other_text(struct cluster *c)
{
    recorded(c);
    cluster_merge(c, CONFIG, "{\"data\":{\"config.conf\":\"" WITH "y\"}}");
}

static void written(struct cluster *c)
{
    recorded(c);
    cluster_merge(c, CONFIG, WRITTEN);
}

static void complete(struct cluster *c)
{
    cluster_state(c, RECORD("\\\"fromMs\\\":0,\\\"toMs\\\":" WRITTEN_MS));
    cluster_merge(c, CONFIG, WRITTEN);
}

static void rolled(struct cluster *c)
{
    complete(c);
    cluster_pod(c, "kube-proxy", "edge-1", "ds", true, 60000);
}

static void drift(struct cluster *c)
{
    rolled(c);
    cluster_merge(c, CONFIG,
                  "{\"data\":{\"config.conf\":\"" WITH
                  "\"}," OWNED("kubeadm", "2026-11-24T07:59:30Z") "}");
}

static void drift_offline_left(struct cluster *c)
{
    drift(c);
    cluster_node(c, "edge-2", "beijing");
    cluster_lease(c, "edge-2", 3600000);
    cluster_pod(c, "kube-proxy", "edge-2", "ds", true, 3600000);
}

static void by_hand(struct cluster *c)
{
    cluster_merge(c, CONFIG, WRITTEN);
    cluster_pod(c, "kube-proxy", "edge-1", "ds", true, 60000);
}

static void revert_marked(struct cluster *c)
{
    complete(c);
    cluster_state(c, RECORD("\\\"fromMs\\\":0,\\\"reverting\\\":true"));
}

static void put_back(struct cluster *c)
{
    cluster_state(c, RECORD("\\\"fromMs\\\":0,\\\"reverting\\\":true"));
    cluster_merge(c, CONFIG, "{" OWNED("yurt-steward", "2026-11-24T07:58:00Z") "}");
}

static void put_back_rolling(struct cluster *c)
{
    put_back(c);
    cluster_state(c, RECORD("\\\"fromMs\\\":0,\\\"toMs\\\":" WRITTEN_MS ",\\\"reverting\\\":true"));
}

static void put_back_rolled(struct cluster *c)
{
    put_back_rolling(c);
    cluster_pod(c, "kube-proxy", "edge-1", "ds", true, 60000);
}

static void config_gone(struct cluster *c)
{
    complete(c);
    cluster_delete(c, CONFIG);
}

struct row {
    const char *name;
    void (*change)(struct cluster *cluster);
    bool revert;
};

static void run(const struct row *rows, size_t len, const char *golden)
{
    AUTO(buf) struct buf text = BUF_INIT(1 << 20);
    for (size_t i = 0; i < len; i++) {
        struct cluster cluster;
        good(&cluster);
        rows[i].change(&cluster);
        cluster_case(&cluster, &text, rows[i].name, ID, rows[i].revert);
        cluster_finish(&cluster);
    }
    unit_golden(golden, buf_str(&text));
}

START_TEST(refused)
{
    static const struct row rows[] = {
        {"immutable", immutable, false},
        {"binaryData", binary, false},
        {"key is missing", no_key, false},
        {"not a string", no_string, false},
        {"no DaemonSet", no_daemonset, false},
        {"no ConfigMap", no_configmap, false},
        {"no --config", no_config_flag, false},
        {"text refused", tab, false},
        {"node without yurthub, Require", no_yurthub_required, false},
    };
    run(rows, ARRAY_LEN(rows), "test/golden/adjust/kube-proxy-refused.txt");
}
END_TEST

START_TEST(life)
{
    static const struct row rows[] = {
        {"first edit", first, false},
        {"--master", master_flag, false},
        {"other key", other_key, false},
        {"node without yurthub, Warn", no_yurthub, false},
        {"recorded, crash before the edit", recorded, false},
        {"recorded, then other text: all pods stay in the window", recorded_other_text, false},
        {"edited: time recorded", written, false},
        {"time recorded: roll", complete, false},
        {"rolled", rolled, false},
        {"undone by kubeadm", drift, false},
        {"undone by kubeadm, offline node left over", drift_offline_left, false},
        {"in force by other hands, pods newer", by_hand, false},
        {"taken up again before Revert put it back", revert_marked, false},
        {"taken up again after Revert put it back", put_back, false},
    };
    run(rows, ARRAY_LEN(rows), "test/golden/adjust/kube-proxy-life.txt");
}
END_TEST

START_TEST(revert)
{
    static const struct row rows[] = {
        {"no record", first, true},
        {"mark, put back", complete, true},
        {"crash between mark and text", revert_marked, true},
        {"put back: time recorded", put_back, true},
        {"roll", put_back_rolling, true},
        {"rolled: record dropped", put_back_rolled, true},
        {"ConfigMap is gone", config_gone, true},
    };
    run(rows, ARRAY_LEN(rows), "test/golden/adjust/kube-proxy-revert.txt");
}
END_TEST

/* What kubeadm really writes: only the one line is changed. */
START_TEST(kubeadm)
{
    static const char *const versions[] = {"1.20.2", "1.37.2"};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        AUTO_FREE char *file =
            xasprintf("test/fixtures/kubeadm-%s/configmap-kube-proxy.json", versions[i]);
        struct cluster cluster;
        AUTO(plan) struct plan plan = {0};
        struct err err = {0};
        good(&cluster);
        cluster_load(&cluster, file);
        AUTO_FREE char *before =
            xstrdup(json_get_str(cluster_get(&cluster, CONFIG), "data/config.conf"));
        cluster_plan(&cluster, ID, false, &plan);
        ck_assert_uint_eq(plan.actions_len, 2);
        for (size_t k = 0; k < plan.actions_len; k++) {
            ck_assert_msg(cluster_apply(&cluster, &plan.actions[k], &err) == 0, "%s", err.text);
        }
        const char *after = json_get_str(cluster_get(&cluster, CONFIG), "data/config.conf");
        const char *line = strstr(before, "  kubeconfig: ");
        ck_assert_ptr_nonnull(line);
        size_t at = (size_t)(line - before) + 2;
        ck_assert_int_eq(strncmp(after, before, at), 0);
        ck_assert_int_eq(after[at], '#');
        ck_assert_str_eq(after + at + 1, before + at);
        ck_assert_str_eq(
            json_get_str(cluster_get(&cluster, "ConfigMap/kube-system/yurt-steward-state"),
                         "data/kube-proxy-kubeconfig.before"),
            before);
        cluster_finish(&cluster);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kube_proxy_kubeconfig");
    TCase *tcase = tcase_create("golden");
    tcase_add_test(tcase, refused);
    tcase_add_test(tcase, life);
    tcase_add_test(tcase, revert);
    tcase_add_test(tcase, kubeadm);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
