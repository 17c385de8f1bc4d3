#include "app/show.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/cluster_fixture.h"
#include "unit/unit.h"

#define SERVICE "Service/kube-system/kube-dns"
#define OWNED                                                                                      \
    "\"managedFields\":[{\"manager\":\"yurt-steward\",\"operation\":\"Update\",\"time\":"          \
    "\"2026-11-24T07:58:00Z\",\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":{"                   \
    "\"f:openyurt.io/topologyKeys\":{}}}}}]"

static char *show(const struct cluster *c, bool json, int *ret_status)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(out);
    *ret_status = show_plans(out, &c->world, json, c->wall_ms, c->now_ms);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

/* As JSON, on one line. */
static char *show_json(const struct cluster *c, int *ret_status)
{
    AUTO_FREE char *text = show(c, true, ret_status);
    AUTO(json) struct json_object *json = NULL;
    ck_assert_int_eq(json_parse(text, strlen(text), &json, NULL), 0);
    return json_text(json);
}

/* The Service is annotated by us; only that one adjustment is looked at. */
static void annotated(struct cluster *c)
{
    AUTO(buf) struct buf policy = BUF_INIT(4096);
    cluster_init(c);
    for (size_t i = 0; i < adjustments_len; i++) {
        const char *id = adjustments[i]->id;
        buf_printf(&policy, "%s\"%s\":\"%s\"", i > 0 ? "," : "{", id,
                   strcmp(id, "service-topology") == 0 ? "Enforce" : "Ignore");
    }
    buf_puts(&policy, "}");
    cluster_policy(c, buf_str(&policy));
    cluster_load(c, "test/fixtures/kubeadm-1.37.2/service-kube-dns.json");
    cluster_merge(c, SERVICE,
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/topologyKeys\":"
                  "\"openyurt.io/nodepool\"}," OWNED "}}");
    cluster_put(c, "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","
                   "\"metadata\":{\"namespace\":\"kube-system\",\"name\":\"kube-dns-abc\","
                   "\"labels\":{\"kubernetes.io/service-name\":\"kube-dns\"}}}");
}

/* Nothing to write before yurt-manager had its time, and yet there is something to come. */
START_TEST(waiting)
{
    struct cluster c;
    int status;
    annotated(&c);
    AUTO_FREE char *text = show(&c, false, &status);
    ck_assert_int_eq(status, SHOW_SOMETHING);
    ck_assert_str_eq(text, "service-topology: Changing (mode Enforce)\n"
                           "  held, Waiting: nothing to write at this moment; it goes on when "
                           "something changes, or after 3s at the latest\n");
    AUTO_FREE char *machine = show_json(&c, &status);
    ck_assert_int_eq(status, SHOW_SOMETHING);
    ck_assert_str_eq(machine, "{\"actions\":[],\"held\":[{\"adjustment\":\"service-topology\","
                              "\"reason\":\"Waiting\",\"message\":\"nothing to write at this "
                              "moment; it goes on when something changes, or after 3s at the "
                              "latest\"}]}");
    cluster_finish(&c);
}
END_TEST

START_TEST(something)
{
    struct cluster c;
    int status;
    annotated(&c);
    cluster_pass(&c, 3000);
    AUTO_FREE char *text = show(&c, false, &status);
    ck_assert_int_eq(status, SHOW_SOMETHING);
    ck_assert_ptr_nonnull(strstr(text, "# push the changed topology to open watches"));
    ck_assert_ptr_null(strstr(text, "Waiting"));
    cluster_finish(&c);
}
END_TEST

START_TEST(nothing)
{
    struct cluster c;
    int status;
    annotated(&c);
    cluster_delete(&c, "EndpointSlice/kube-system/kube-dns-abc");
    AUTO_FREE char *text = show(&c, false, &status);
    ck_assert_int_eq(status, SHOW_NOTHING);
    ck_assert_str_eq(text, "service-topology: InForce (mode Enforce)\n");
    AUTO_FREE char *machine = show_json(&c, &status);
    ck_assert_int_eq(status, SHOW_NOTHING);
    ck_assert_str_eq(machine, "{\"actions\":[],\"held\":[]}");
    cluster_finish(&c);
}
END_TEST

/* A roll between waves says itself what it waits for. */
START_TEST(roll)
{
    struct cluster c;
    int status;
    annotated(&c);
    cluster_policy(&c, "{\"kube-proxy-kubeconfig\":\"Enforce\",\"service-topology\":\"Ignore\"}");
    cluster_load(&c, "test/fixtures/kubeadm-1.37.2/configmap-kube-proxy.json");
    cluster_load(&c, "test/fixtures/kubeadm-1.37.2/daemonset-kube-proxy.json");
    cluster_merge(&c, "ConfigMap/kube-system/kube-proxy",
                  "{\"data\":{\"config.conf\":\"apiVersion: kubeproxy.config.k8s.io/v1alpha1\\n"
                  "kind: KubeProxyConfiguration\\n\"}}");
    cluster_merge(&c, "DaemonSet/kube-system/kube-proxy", "{\"metadata\":{\"uid\":\"ds\"}}");
    cluster_node(&c, "edge-1", "hangzhou");
    cluster_pod(&c, "kube-proxy", "edge-1", "ds", false, 1000);
    cluster_state(&c, "{\"kube-proxy-kubeconfig\":\"{\\\"fromMs\\\":0,\\\"toMs\\\":1}\"}");
    cluster_read_leases(&c);
    AUTO_FREE char *text = show(&c, false, &status);
    ck_assert_int_eq(status, SHOW_SOMETHING);
    const char *line = strstr(text, "kube-proxy-kubeconfig: Changing (mode Enforce)\n"
                                    "  held, RollWaiting: waits until ");
    ck_assert_msg(line != NULL, "%s", text);
    ck_assert_ptr_null(strstr(text, "held, Waiting"));
    cluster_finish(&c);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("show");
    TCase *tcase = tcase_create("plans");
    tcase_add_test(tcase, waiting);
    tcase_add_test(tcase, something);
    tcase_add_test(tcase, nothing);
    tcase_add_test(tcase, roll);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
