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
#define WITH_PLAIN                                                                                 \
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"                 \
    "clientConnection:\n  kubeconfig: /k\nmode: x"
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

/* A text of so many bytes, made of lines of `unit`. */
static void long_text(struct cluster *c, size_t len, const char *unit)
{
    struct buf patch = BUF_INIT(8 << 20);
    size_t got =
        strlen("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"
               "clientConnection: {kubeconfig: /k}\n");
    buf_puts(&patch, "{\"data\":{\"config.conf\":\"" HEAD "clientConnection: {kubeconfig: /k}\\n");
    for (; got + strlen(unit) + 1 <= len; got += strlen(unit) + 1) {
        buf_printf(&patch, "%s\\n", unit);
    }
    buf_printf(&patch, "%.*s\"}}", (int)(len - got), "################################");
    cluster_merge(c, CONFIG, buf_str(&patch));
    buf_finish(&patch);
}

/* It is taken as it is (kubeconfig.conf has 271 bytes), but not the record beside that of others.
 */
static void record_too_large(struct cluster *c)
{
    long_text(c, (1 << 20) - 1000, "# a long comment");
    AUTO_FREE char *other = xasprintf("{\"other\":\"%0898d\"}", 0);
    cluster_state(c, other);
}

/* A byte less, and the record of an earlier text gives way to this one's. */
static void record_just_fits(struct cluster *c)
{
    long_text(c, (1 << 20) - 1000, "# a long comment");
    AUTO_FREE char *state =
        xasprintf("{\"kube-proxy-kubeconfig\":\"{\\\"fromMs\\\":0}\","
                  "\"kube-proxy-kubeconfig.before\":\"%02000d\",\"other\":\"%0897d\"}",
                  0, 0);
    cluster_state(c, state);
}

/* Commenting out is one byte more. */
static void edit_too_large(struct cluster *c)
{
    AUTO_FREE char *other = xasprintf("{\"data\":{\"kubeconfig.conf\":null,\"other\":\"%0*zu\"}}",
                                      (1 << 20) - (int)strlen(WITH_PLAIN), (size_t)0);
    cluster_merge(c, CONFIG, other);
}

/* Every newline is two bytes of the request, and in it twice. */
static void request_too_large(struct cluster *c)
{
    long_text(c, 1000000, "");
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

/* The pod was replaced in this moment. */
static void replaced(struct cluster *c)
{
    complete(c);
    cluster_pod(c, "kube-proxy", "edge-1", "ds", true, 60000);
}

static void rolled(struct cluster *c)
{
    replaced(c);
    cluster_pass(c, 15000);
    cluster_read_leases(c);
}

static void settled(struct cluster *c)
{
    replaced(c);
    cluster_state(c, RECORD("\\\"fromMs\\\":0,\\\"toMs\\\":" WRITTEN_MS ",\\\"settled\\\":true"));
}

/* A node that was offline is back with its old pod; the other is proven. */
static void settled_then_back(struct cluster *c)
{
    settled(c);
    cluster_pass(c, 15000);
    cluster_node(c, "edge-2", "beijing");
    cluster_pod(c, "kube-proxy", "edge-2", "ds", true, 3600000);
    cluster_read_leases(c);
}

static void drift(struct cluster *c)
{
    rolled(c);
    cluster_merge(c, CONFIG,
                  "{\"data\":{\"config.conf\":\"" WITH
                  "\"}," OWNED("kubeadm", "2026-11-24T07:59:30Z") "}");
}

/* The crash was after the record of a repair. */
static void drift_recorded(struct cluster *c)
{
    drift(c);
    cluster_state(c, RECORD("\\\"fromMs\\\":1795507170000,\\\"repair\\\":true"));
}

static void repaired(struct cluster *c)
{
    drift_recorded(c);
    cluster_merge(c, CONFIG,
                  "{\"data\":{\"config.conf\":\"" WITHOUT
                  "\"}," OWNED("yurt-steward", "2026-11-24T07:59:40Z") "}");
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

static void by_hand_stale(struct cluster *c)
{
    cluster_merge(c, CONFIG, WRITTEN);
}

static void by_hand_recorded(struct cluster *c)
{
    by_hand(c);
    cluster_state(c,
                  "{\"kube-proxy-kubeconfig\":\"{\\\"fromMs\\\":0,\\\"toMs\\\":" WRITTEN_MS "}\"}");
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

static void put_back_replaced(struct cluster *c)
{
    put_back_rolling(c);
    cluster_pod(c, "kube-proxy", "edge-1", "ds", true, 60000);
}

static void put_back_not_ready(struct cluster *c)
{
    put_back_rolling(c);
    cluster_pod(c, "kube-proxy", "edge-1", "ds", false, 60000);
    cluster_pass(c, 180000);
    cluster_lease(c, "edge-1", 5000);
    cluster_read_leases(c);
}

static void put_back_rolled(struct cluster *c)
{
    put_back_replaced(c);
    cluster_pass(c, 15000);
    cluster_read_leases(c);
}

static void put_back_offline_left(struct cluster *c)
{
    put_back_rolled(c);
    cluster_node(c, "edge-2", "beijing");
    cluster_lease(c, "edge-2", 3600000);
    cluster_pod(c, "kube-proxy", "edge-2", "ds", true, 3600000);
}

static void config_gone(struct cluster *c)
{
    complete(c);
    cluster_delete(c, CONFIG);
}

START_TEST(refused)
{
    static const struct cluster_row rows[] = {
        {"immutable", immutable, false},
        {"binaryData", binary, false},
        {"key is missing", no_key, false},
        {"not a string", no_string, false},
        {"no DaemonSet", no_daemonset, false},
        {"no ConfigMap", no_configmap, false},
        {"no --config", no_config_flag, false},
        {"text refused", tab, false},
        {"node without yurthub, Require", no_yurthub_required, false},
        {"record over 1 MiB", record_too_large, false},
        {"edited ConfigMap over 1 MiB", edit_too_large, false},
        {"request over 3 MiB", request_too_large, false},
    };
    cluster_golden(ID, good, rows, ARRAY_LEN(rows), "test/golden/adjust/kube-proxy-refused.txt");
}
END_TEST

START_TEST(life)
{
    static const struct cluster_row rows[] = {
        {"first edit", first, false},
        {"--master", master_flag, false},
        {"other key", other_key, false},
        {"node without yurthub, Warn", no_yurthub, false},
        {"recorded, crash before the edit", recorded, false},
        {"recorded, then other text: all pods stay in the window", recorded_other_text, false},
        {"edited: time recorded", written, false},
        {"time recorded: roll", complete, false},
        {"replaced a moment ago", replaced, false},
        {"rolled: recorded", rolled, false},
        {"settled", settled, false},
        {"settled, then a node is back: recorded, then replaced", settled_then_back, false},
        {"undone by kubeadm", drift, false},
        {"undone by kubeadm, crash before the edit: still a repair", drift_recorded, false},
        {"repaired: time recorded", repaired, false},
        {"undone by kubeadm, offline node left over", drift_offline_left, false},
        {"in force by other hands, pods newer", by_hand, false},
        {"in force by other hands, pods older: recorded, then replaced", by_hand_stale, false},
        {"in force by other hands, replaced a moment ago", by_hand_recorded, false},
        {"taken up again before Revert put it back", revert_marked, false},
        {"taken up again after Revert put it back", put_back, false},
    };
    cluster_golden(ID, good, rows, ARRAY_LEN(rows), "test/golden/adjust/kube-proxy-life.txt");
}
END_TEST

START_TEST(revert)
{
    static const struct cluster_row rows[] = {
        {"no record", first, true},
        {"mark, put back", complete, true},
        {"crash between mark and text", revert_marked, true},
        {"put back: time recorded", put_back, true},
        {"roll", put_back_rolling, true},
        {"replaced a moment ago: the record is kept", put_back_replaced, true},
        {"replaced and never Ready", put_back_not_ready, true},
        {"rolled: record dropped", put_back_rolled, true},
        {"rolled but for an offline node: the record is kept", put_back_offline_left, true},
        {"pods were replaced, nothing was edited: record dropped", by_hand_recorded, true},
        {"ConfigMap is gone", config_gone, true},
    };
    cluster_golden(ID, good, rows, ARRAY_LEN(rows), "test/golden/adjust/kube-proxy-revert.txt");
}
END_TEST

/* Bytes are counted as the API server counts them: what just fits is written. */
START_TEST(just_fits)
{
    struct cluster cluster;
    AUTO(plan) struct plan plan = {0};
    good(&cluster);
    record_just_fits(&cluster);
    cluster_plan(&cluster, ID, false, &plan);
    ck_assert_str_eq(plan_state_word(plan.state), "Changing");
    ck_assert_uint_eq(plan.actions_len, 2);
    cluster_finish(&cluster);
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
    tcase_add_test(tcase, just_fits);
    tcase_add_test(tcase, kubeadm);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
