/* coredns-daemonset in force: what is written, and how far the pods are. */
#include <string.h>

#include "base/attr.h"
#include "unit/coredns_daemonset_rig.h"
#include "unit/unit.h"
#include "yaml/yaml.h"

static void created_without_surge(struct cluster *c)
{
    AUTO(plan) struct plan plan = {0};
    cluster_plan(c, ID, false, &plan);
    ds_apply_all(c, &plan);
}

static void created_with_surge(struct cluster *c)
{
    created_without_surge(c);
    ds_control(c, true);
}

/* kubectl prints members by name, the server sends them as its types have them. */
static void deployment_in_other_order(struct cluster *c)
{
    cluster_load(c, "test/fixtures/kubeadm-1.20.2/deployment-coredns.json");
    ds_running(c);
    AUTO_FREE char *yaml = yaml_emit(cluster_get(c, DEPLOYMENT));
    AUTO(json) struct json_object *documents = NULL;
    ck_assert_int_eq(yaml_to_json(yaml, strlen(yaml), &documents, NULL), 0);
    AUTO_FREE char *sorted = json_text(json_array_at(documents, 0));
    AUTO_FREE char *before = json_text(cluster_get(c, DEPLOYMENT));
    ck_assert_str_ne(sorted, before);
    cluster_put(c, "%s", sorted);
}

static void other_image(struct cluster *c)
{
    ds_running(c);
    ds_set_image(c, DAEMONSET, "evil:1");
}

static void deployment_upgraded(struct cluster *c)
{
    ds_running(c);
    ds_set_image(c, DEPLOYMENT, "registry.k8s.io/coredns/coredns:v9");
}

static void upgraded_leases_unread(struct cluster *c)
{
    deployment_upgraded(c);
    c->world.leases_read = false;
}

static void upgraded_node_offline(struct cluster *c)
{
    deployment_upgraded(c);
    cluster_lease(c, "edge-2", 51000);
}

static void upgraded_without_apply(struct cluster *c)
{
    deployment_upgraded(c);
    cluster_merge(c, DAEMONSET, "{\"metadata\":{\"labels\":{\"theirs\":\"kept\"}}}");
    c->world.lacks_apply = true;
}

static void first_without_apply(struct cluster *c)
{
    c->world.lacks_apply = true;
}

static void annotation_removed(struct cluster *c)
{
    ds_running(c);
    cluster_merge(c, DAEMONSET,
                  "{\"metadata\":{\"annotations\":{\"yurt-steward.io/applied\":null}}}");
}

static void old_copy_applied(struct cluster *c)
{
    ds_running(c);
    cluster_merge(
        c, DAEMONSET,
        "{\"metadata\":{\"annotations\":{\"yurt-steward.io/applied\":"
        "\"maxSurge=1,hash=0123456789abcdef\"},\"managedFields\":[{\"manager\":\"argocd\","
        "\"operation\":\"Update\",\"time\":\"2026-11-24T07:59:00Z\",\"fieldsV1\":{"
        "\"f:metadata\":{\"f:annotations\":{\"f:yurt-steward.io/applied\":{}}}}}]}}");
}

static void strategy_changed(struct cluster *c)
{
    ds_running(c);
    cluster_merge(c, DAEMONSET,
                  "{\"spec\":{\"updateStrategy\":{\"type\":\"OnDelete\",\"rollingUpdate\":null}}}");
}

static void strays_added(struct cluster *c)
{
    ds_running(c);
    cluster_merge(c, DAEMONSET,
                  "{\"spec\":{\"template\":{\"spec\":{\"hostNetwork\":true,\"affinity\":{"
                  "\"podAntiAffinity\":{}}}}}}");
}

static void sidecar_added(struct cluster *c)
{
    ds_running(c);
    cluster_merge(c, DAEMONSET,
                  "{\"spec\":{\"template\":{\"spec\":{\"initContainers\":[{\"name\":\"x\"}]},"
                  "\"metadata\":{\"labels\":{\"injected\":\"yes\"}}}}}");
}

static void record_lost(struct cluster *c)
{
    ds_running(c);
    cluster_delete(c, STATE);
}

static void deployment_gone(struct cluster *c)
{
    ds_running(c);
    cluster_delete(c, DEPLOYMENT);
}

static void deployment_gone_new_image(struct cluster *c)
{
    deployment_gone(c);
    cluster_policy(c, "{\"coredns-daemonset.image\":\"x/c:2\"}");
}

static void deployment_of_other_name(struct cluster *c)
{
    ds_never_a_deployment(c);
    cluster_put(
        c, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"rke2-coredns-x\","
           "\"namespace\":\"kube-system\",\"labels\":{\"k8s-app\":\"kube-dns\"},"
           "\"ownerReferences\":[{\"controller\":true,\"kind\":\"ReplicaSet\",\"uid\":\"r\"}]}}");
}

static void manifest_undone(struct cluster *c)
{
    ds_from_manifest(c);
    ds_set_image(c, DAEMONSET, "evil:1");
}

static void deployment_appears(struct cluster *c)
{
    ds_from_manifest(c);
    cluster_load(c, "test/fixtures/coredns/deployment-k3s.json");
}

static void no_containers(struct cluster *c)
{
    cluster_merge(c, DEPLOYMENT, "{\"spec\":{\"template\":{\"spec\":{\"containers\":[]}}}}");
}

static void no_service(struct cluster *c)
{
    cluster_delete(c, SERVICE);
    ds_running(c);
}

static void memory_above_limit(struct cluster *c)
{
    cluster_policy(c, "{\"coredns-daemonset.memory\":\"171Mi\"}");
}

START_TEST(enforce)
{
    static const struct cluster_row rows[] = {
        {"first time: recorded, then created without force", ds_nothing, false},
        {"record is there, object is not: the crash came between", ds_recorded, false},
        {"first time without server-side apply: created", first_without_apply, false},
        {"created on a server that knows maxSurge", created_with_surge, false},
        {"created on a server that does not", created_without_surge, false},
        {"running everywhere", ds_running, false},
        {"the Deployment's members in another order", deployment_in_other_order, false},
        {"deleted: created again, a repair", ds_deleted, false},
        {"being deleted: waits", ds_going, false},
        {"image changed by somebody: a repair", other_image, false},
        {"image changed in the Deployment: followed", deployment_upgraded, false},
        {"the same, Leases not read", upgraded_leases_unread, false},
        {"the same, a node offline: one slot more", upgraded_node_offline, false},
        {"the same without server-side apply: replaced", upgraded_without_apply, false},
        {"annotation removed: a repair", annotation_removed, false},
        {"an old copy was applied by somebody: a repair", old_copy_applied, false},
        {"update strategy changed by somebody: one repair", strategy_changed, false},
        {"fields added that may not be: removed", strays_added, false},
        {"fields added that may be: left", sidecar_added, false},
        {"record lost: recorded again", record_lost, false},
        {"Deployment deleted: kept as it is", deployment_gone, false},
        {"Deployment deleted, image by option", deployment_gone_new_image, false},
        {"no Deployment: from the manifest", ds_never_a_deployment, false},
        {"no Deployment of that name, but pods of another", deployment_of_other_name, false},
        {"running from the manifest", ds_from_manifest, false},
        {"undone, from the manifest", manifest_undone, false},
        {"a Deployment appears: followed", deployment_appears, false},
        {"Deployment without containers", no_containers, false},
        {"Service with another selector", ds_other_selector, false},
        {"no Service yet", no_service, false},
        {"more memory than the limit", memory_above_limit, false},
    };
    ds_run(rows, ARRAY_LEN(rows), "test/golden/adjust/coredns-daemonset.txt");
}
END_TEST

/* --- how far the pods are --- */

static void fresh(struct cluster *c)
{
    ds_settle(c);
    ds_status(c, 3, 0, 0);
}

static void fresh_leases_unread(struct cluster *c)
{
    fresh(c);
    c->world.leases_read = false;
}

static void done_leases_unread(struct cluster *c)
{
    ds_running(c);
    c->world.leases_read = false;
}

static void not_ready(struct cluster *c)
{
    ds_running(c);
    ds_pod(c, "edge-1", "1", false, NULL);
    ds_status(c, 3, 3, 2);
}

static void crashing(struct cluster *c)
{
    ds_running(c);
    ds_pod(c, "edge-1", "1", false, "CrashLoopBackOff");
    ds_pod(c, "cloud-1", "1", false, "ImagePullBackOff");
    ds_status(c, 3, 3, 1);
}

static void stalled(struct cluster *c)
{
    not_ready(c);
    cluster_pass(c, 180000);
    cluster_lease(c, "cloud-1", 1000);
    cluster_lease(c, "edge-1", 1000);
    cluster_lease(c, "edge-2", 1000);
    cluster_read_leases(c);
}

static void updating(struct cluster *c)
{
    ds_running(c);
    ds_pod(c, "edge-1", "0", true, NULL);
    cluster_delete(c, "Pod/kube-system/coredns-edge-1-1");
    ds_status(c, 3, 2, 3);
}

static void surging(struct cluster *c)
{
    ds_running(c);
    ds_pod(c, "edge-1", "0", true, NULL);
    ds_pod(c, "edge-1", "1", false, "ErrImagePull");
    ds_status(c, 3, 3, 3);
    cluster_merge(c, DAEMONSET, "{\"status\":{\"numberAvailable\":2}}");
}

static void old_one_left(struct cluster *c)
{
    ds_running(c);
    ds_pod(c, "edge-1", "0", true, NULL);
    ds_status(c, 3, 2, 3);
}

static void updating_blocked(struct cluster *c)
{
    updating(c);
    cluster_lease(c, "edge-2", 51000);
}

static void offline_done(struct cluster *c)
{
    ds_running(c);
    cluster_merge(c, "Node//edge-2",
                  "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\"}]}}");
    ds_status(c, 3, 3, 2);
}

static void offline_pending(struct cluster *c)
{
    offline_done(c);
    ds_pod(c, "edge-2", "1", false, NULL);
    ds_pod(c, "edge-2", "0", false, NULL);
}

static void excused(struct cluster *c)
{
    ds_running(c);
    cluster_node(c, "edge-3", "hangzhou");
    cluster_node(c, "edge-4", "hangzhou");
    cluster_merge(c, "Node//edge-3",
                  "{\"metadata\":{\"labels\":{\"nodepool.openyurt.io/hostnetwork\":\"true\"}}}");
    cluster_merge(c, "Node//edge-4",
                  "{\"metadata\":{\"labels\":{\"kubernetes.io/os\":\"windows\"}}}");
    ds_status(c, 4, 3, 3);
}

static void kept_out(struct cluster *c)
{
    cluster_load(c, "test/fixtures/coredns/deployment-kubespray.json");
    ds_running(c);
    cluster_delete(c, "Pod/kube-system/coredns-cloud-1-1");
    ds_status(c, 3, 2, 2);
}

START_TEST(rollout)
{
    static const struct cluster_row rows[] = {
        {"no pods yet", fresh, false},
        {"no pods yet, Leases not read", fresh_leases_unread, false},
        {"all done: no Leases needed", done_leases_unread, false},
        {"a pod is not Ready yet", not_ready, false},
        {"pods do not start: named with pool and reason", crashing, false},
        {"no progress for three minutes", stalled, false},
        {"an old pod on a live node", updating, false},
        {"an update whose new pod fails beside the old one", surging, false},
        {"the new pod is Ready, the old one not gone yet", old_one_left, false},
        {"as many nodes offline as slots: more slots", updating_blocked, false},
        {"offline node that had its pod", offline_done, false},
        {"offline node whose pod never started", offline_pending, false},
        {"host-network pool and Windows do not count", excused, false},
        {"the Deployment keeps a pod out", kept_out, false},
    };
    ds_run(rows, ARRAY_LEN(rows), "test/golden/adjust/coredns-daemonset-rollout.txt");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("coredns_daemonset");
    TCase *tcase = tcase_create("coredns_daemonset");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, enforce);
    tcase_add_test(tcase, rollout);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
