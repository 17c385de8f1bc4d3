#include "unit/coredns_daemonset_rig.h"
#include "unit/coredns_fixture.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/unit.h"

enum {
    ROUNDS_MAX = 20
};

/* Two pools and a cloud node, kubeadm's Deployment, and what it runs. */
void ds_good(struct cluster *c)
{
    cluster_init(c);
    cluster_load(c, "test/fixtures/kubeadm-1.37.2/service-kube-dns.json");
    cluster_load(c, "test/fixtures/kubeadm-1.37.2/deployment-coredns.json");
    cluster_merge(c, DEPLOYMENT,
                  "{\"metadata\":{\"uid\":\"deployment-1\",\"managedFields\":null},\"status\":{"
                  "\"observedGeneration\":1,\"replicas\":2,\"availableReplicas\":2}}");
    cluster_node(c, "cloud-1", NULL);
    cluster_node(c, "edge-1", "hangzhou");
    cluster_node(c, "edge-2", "beijing");
    cluster_pod(c, "kube-dns", "cloud-1", "rs", true, 60000);
    cluster_read_leases(c);
}

/* What the server and the DaemonSet controller add to a DaemonSet that was written. */
void ds_control(struct cluster *c, bool surge)
{
    const struct json_object *daemonset = cluster_get(c, DAEMONSET);
    if (daemonset != NULL && json_get(daemonset, "metadata/deletionTimestamp") != NULL) {
        cluster_delete(c, DAEMONSET);
        return;
    }
    if (daemonset != NULL && surge &&
        json_get(daemonset, "spec/updateStrategy/rollingUpdate/maxSurge") == NULL) {
        cluster_merge(c, DAEMONSET,
                      "{\"spec\":{\"updateStrategy\":{\"rollingUpdate\":{\"maxSurge\":0}}}}");
    }
}

void ds_apply_all(struct cluster *c, const struct plan *plan)
{
    for (size_t i = 0; i < plan->actions_len; i++) {
        struct err err = {0};
        ck_assert_msg(cluster_apply(c, &plan->actions[i], &err) == 0, "%s: %s",
                      plan->actions[i].reason, err.text);
    }
}

/* Enforces until nothing is left to write. */
void ds_settle(struct cluster *c)
{
    for (size_t round = 0; round < ROUNDS_MAX; round++) {
        AUTO(plan) struct plan plan = {0};
        cluster_plan(c, ID, false, &plan);
        ck_assert(!plan.wants_leases);
        if (plan.actions_len == 0) {
            return;
        }
        ds_apply_all(c, &plan);
        ds_control(c, true);
    }
    ck_abort_msg("no end of writes");
}

void ds_pod(struct cluster *c, const char *node, const char *generation, bool ready,
            const char *trouble)
{
    const char *uid = json_get_str_or(cluster_get(c, DAEMONSET), "metadata/uid", "");
    AUTO_FREE char *waiting =
        trouble != NULL ? xasprintf(",\"containerStatuses\":[{\"state\":{\"waiting\":{\"reason\":"
                                    "\"%s\"}}}]",
                                    trouble)
                        : xstrdup("");
    cluster_put(
        c,
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"coredns-%s-%s\","
        "\"namespace\":\"kube-system\",\"uid\":\"pod-%s-%s\",\"labels\":{\"k8s-app\":"
        "\"kube-dns\",\"pod-template-generation\":\"%s\"},\"ownerReferences\":[{"
        "\"controller\":true,\"kind\":\"DaemonSet\",\"uid\":\"%s\"}]},\"spec\":{"
        "\"nodeName\":\"%s\"},\"status\":{\"phase\":\"Running\",%s\"conditions\":[{\"type\":"
        "\"Ready\",\"status\":\"%s\"}]%s}}",
        node, generation, node, generation, generation, uid, node,
        ready ? "\"podIP\":\"10.244.0.9\"," : "", ready ? "True" : "False", waiting);
}

void ds_status(struct cluster *c, int wanted, int updated, int available)
{
    AUTO_FREE char *patch = xasprintf(
        "{\"metadata\":{\"annotations\":{\"deprecated.daemonset.template.generation\":\"1\"}},"
        "\"status\":{\"desiredNumberScheduled\":%d,\"updatedNumberScheduled\":%d,"
        "\"numberAvailable\":%d}}",
        wanted, updated, available);
    cluster_merge(c, DAEMONSET, patch);
}

/* In force, with a Ready pod on every node. */
void ds_running(struct cluster *c)
{
    ds_settle(c);
    ds_pod(c, "cloud-1", "1", true, NULL);
    ds_pod(c, "edge-1", "1", true, NULL);
    ds_pod(c, "edge-2", "1", true, NULL);
    ds_status(c, 3, 3, 3);
}

void ds_set_image(struct cluster *c, const char *key, const char *image)
{
    AUTO(json) struct json_object *change = json_new_object();
    struct json_object *spec = json_ensure_object(
        json_ensure_object(json_ensure_object(change, "spec"), "template"), "spec");
    struct json_object *container = json_copy(json_get(cluster_get(c, key), CONTAINERS "/0"));
    struct json_object *containers = json_new_array();
    json_set_str(container, "image", image);
    json_append_take(containers, container);
    json_set_take(spec, "containers", containers);
    AUTO_FREE char *patch = json_text(change);
    cluster_merge(c, key, patch);
}

/* Renders without the pod templates, which have a golden file of their own. */
static void render(struct cluster *c, const struct cluster_row *row, struct buf *text)
{
    AUTO(plan) struct plan plan = {0};
    coredns_slice(c);
    cluster_plan(c, ID, row->revert, &plan);
    for (size_t i = 0; i < plan.actions_len; i++) {
        struct json_object *body = plan.actions[i].body;
        if (json_get(body, CONTAINERS) != NULL) {
            json_set_str(json_ensure_object(body, "spec"), "template", "(as derived)");
        }
    }
    cluster_render(text, row->name, &plan);
}

void ds_run(const struct cluster_row *rows, size_t len, const char *golden)
{
    AUTO(buf) struct buf text = BUF_INIT(1 << 20);
    for (size_t i = 0; i < len; i++) {
        struct cluster cluster;
        ds_good(&cluster);
        rows[i].change(&cluster);
        render(&cluster, &rows[i], &text);
        cluster_finish(&cluster);
    }
    unit_golden(golden, buf_str(&text));
}

void ds_nothing(struct cluster *c)
{
    (void)c;
}

void ds_recorded(struct cluster *c)
{
    cluster_state(c, "{\"coredns-daemonset\":\"{\\\"created\\\":true}\"}");
}

void ds_deleted(struct cluster *c)
{
    ds_running(c);
    cluster_delete(c, DAEMONSET);
}

void ds_going(struct cluster *c)
{
    ds_running(c);
    cluster_merge(c, DAEMONSET, "{\"metadata\":{\"deletionTimestamp\":\"2026-11-24T08:00:00Z\"}}");
}

void ds_never_a_deployment(struct cluster *c)
{
    cluster_delete(c, DEPLOYMENT);
}

void ds_from_manifest(struct cluster *c)
{
    ds_never_a_deployment(c);
    ds_running(c);
}

void ds_other_selector(struct cluster *c)
{
    cluster_merge(c, SERVICE, "{\"spec\":{\"selector\":{\"app\":\"dns\"}}}");
}

void ds_foreign(struct cluster *c)
{
    cluster_put(
        c, "{\"apiVersion\":\"apps/v1\",\"kind\":\"DaemonSet\",\"metadata\":{\"namespace\":"
           "\"kube-system\",\"name\":\"coredns\",\"uid\":\"foreign-1\"},\"spec\":{\"template\":"
           "{\"metadata\":{\"labels\":{\"k8s-app\":\"kube-dns\"}},\"spec\":{\"containers\":[{"
           "\"name\":\"coredns\",\"image\":\"theirs:1\"}],\"tolerations\":[{\"key\":\"x\","
           "\"operator\":\"Exists\"}]}},\"updateStrategy\":{\"rollingUpdate\":{\"maxSurge\":0}}}}");
}
