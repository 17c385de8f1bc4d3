/* coredns-daemonset: another's DaemonSet, and Revert. */
#include "base/attr.h"
#include "unit/coredns_daemonset_rig.h"
#include "unit/unit.h"

/* --- another's DaemonSet --- */

#define TOLERATIONS(list) "{\"spec\":{\"template\":{\"spec\":{\"tolerations\":" list "}}}}"
#define FOREIGN_RECORD(more)                                                                       \
    "{\"coredns-daemonset\":\"{\\\"uid\\\":\\\"foreign-1\\\",\\\"resourceVersion\\\":\\\"7\\\","   \
    "\\\"before\\\":{\\\"tolerations\\\":null}" more "}\"}"

static void foreign_none(struct cluster *c)
{
    ds_foreign(c);
    cluster_merge(c, DAEMONSET, TOLERATIONS("null"));
}

static void foreign_tolerant(struct cluster *c)
{
    ds_foreign(c);
    cluster_merge(c, DAEMONSET, TOLERATIONS("[{\"operator\":\"Exists\"}]"));
}

static void foreign_for_a_while(struct cluster *c)
{
    ds_foreign(c);
    cluster_merge(c, DAEMONSET,
                  TOLERATIONS("[{\"operator\":\"Exists\",\"effect\":\"NoSchedule\"},{\"operator\":"
                              "\"Exists\",\"tolerationSeconds\":5}]"));
}

static void foreign_crashed(struct cluster *c)
{
    AUTO(plan) struct plan plan = {0};
    struct err err;
    ds_foreign(c);
    cluster_plan(c, ID, false, &plan);
    ck_assert_uint_eq(plan.actions_len, 2);
    ck_assert_int_eq(cluster_apply(c, &plan.actions[0], &err), 0);
}

static void foreign_undone(struct cluster *c)
{
    foreign_none(c);
    cluster_state(c, FOREIGN_RECORD(""));
}

static void foreign_other_record(struct cluster *c)
{
    ds_foreign(c);
    cluster_state(c, "{\"coredns-daemonset\":\"{\\\"uid\\\":\\\"foreign-0\\\"}\"}");
}

static void foreign_unlabelled(struct cluster *c)
{
    ds_foreign(c);
    cluster_merge(c, DAEMONSET,
                  "{\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"k8s-app\":null}}}}}");
}

static void foreign_unselected(struct cluster *c)
{
    ds_foreign(c);
    ds_other_selector(c);
}

static void foreign_adapted(struct cluster *c)
{
    foreign_tolerant(c);
    cluster_state(c, FOREIGN_RECORD(""));
}

static void foreign_reverting(struct cluster *c)
{
    foreign_tolerant(c);
    cluster_state(c, FOREIGN_RECORD(",\\\"reverting\\\":true"));
}

static void foreign_put_back(struct cluster *c)
{
    foreign_none(c);
    cluster_state(c, FOREIGN_RECORD(",\\\"reverting\\\":true"));
}

static void foreign_needed(struct cluster *c)
{
    foreign_adapted(c);
    cluster_merge(c, STATE, "{\"data\":{\"coredns-deployment\":\"{}\"}}");
}

static void foreign_gone(struct cluster *c)
{
    foreign_adapted(c);
    cluster_delete(c, DAEMONSET);
}

START_TEST(foreign_daemonset)
{
    static const struct cluster_row rows[] = {
        {"another's: recorded, then the toleration added", ds_foreign, false},
        {"without tolerations", foreign_none, false},
        {"that tolerates all", foreign_tolerant, false},
        {"that tolerates some, or for a while", foreign_for_a_while, false},
        {"recorded, not yet changed: no repair", foreign_crashed, false},
        {"undone: a repair", foreign_undone, false},
        {"record of an earlier one: recorded anew", foreign_other_record, false},
        {"without label k8s-app", foreign_unlabelled, false},
        {"that the Service does not select", foreign_unselected, false},
        {"taken up again after Revert", foreign_reverting, false},
        {"Revert: as it was", foreign_adapted, true},
        {"Revert under way", foreign_reverting, true},
        {"Revert: put back, the record goes", foreign_put_back, true},
        {"Revert: the Deployment is still at zero", foreign_needed, true},
        {"Revert: it is gone", foreign_gone, true},
        {"Revert without record: left alone", foreign_tolerant, true},
    };
    ds_run(rows, ARRAY_LEN(rows), "test/golden/adjust/coredns-daemonset-foreign.txt");
}
END_TEST

/* --- Revert --- */

static void serving(struct cluster *c)
{
    ds_running(c);
    cluster_pass(c, 10000);
    cluster_read_leases(c);
}

static void serving_since_now(struct cluster *c)
{
    ds_running(c);
    cluster_pod(c, "kube-dns", "cloud-1", "rs", false, 60000);
    cluster_pass(c, 10000);
    cluster_pod(c, "kube-dns", "cloud-1", "rs", true, 60000);
    cluster_pass(c, 4000);
    cluster_read_leases(c);
}

static void serving_leases_unread(struct cluster *c)
{
    serving(c);
    c->world.leases_read = false;
}

static void serving_on_dead_node(struct cluster *c)
{
    serving(c);
    cluster_lease(c, "cloud-1", 51000);
}

static void at_zero(struct cluster *c)
{
    serving(c);
    cluster_merge(c, DEPLOYMENT,
                  "{\"spec\":{\"replicas\":0},\"status\":{\"availableReplicas\":0}}");
}

static void one_of_two(struct cluster *c)
{
    serving(c);
    cluster_merge(c, DEPLOYMENT, "{\"status\":{\"availableReplicas\":1}}");
}

static void none_of_two(struct cluster *c)
{
    serving(c);
    cluster_merge(c, DEPLOYMENT, "{\"status\":{\"availableReplicas\":0}}");
}

static void share_may_be_missing(struct cluster *c)
{
    serving(c);
    cluster_merge(c, DEPLOYMENT,
                  "{\"spec\":{\"replicas\":8,\"strategy\":{\"rollingUpdate\":{\"maxUnavailable\":"
                  "\"25%\"}}},\"status\":{\"availableReplicas\":5}}");
}

static void not_observed(struct cluster *c)
{
    serving(c);
    cluster_merge(c, DEPLOYMENT, "{\"metadata\":{\"generation\":2}}");
}

static void only_its_own(struct cluster *c)
{
    serving(c);
    cluster_delete(c, "Pod/kube-system/kube-dns-cloud-1");
}

static void cut_recorded(struct cluster *c)
{
    serving(c);
    cluster_merge(c, STATE, "{\"data\":{\"coredns-deployment\":\"{}\"}}");
}

static void topology_recorded(struct cluster *c)
{
    serving(c);
    cluster_merge(c, STATE, "{\"data\":{\"service-topology\":\"{}\"}}");
}

static void annotated(struct cluster *c)
{
    serving(c);
    cluster_merge(c, SERVICE,
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/topologyKeys\":"
                  "\"openyurt.io/nodepool\"}}}");
}

static void never_deployed(struct cluster *c)
{
    ds_from_manifest(c);
}

static void never_deployed_record_lost(struct cluster *c)
{
    serving(c);
    cluster_delete(c, STATE);
}

static void key_only_in_state(struct cluster *c)
{
    cluster_state(c, "{\"coredns-daemonset\":\"{\"}");
}

static void kept_out_of_room(struct cluster *c)
{
    cluster_load(c, "test/fixtures/coredns/deployment-kubespray.json");
    serving(c);
}

START_TEST(reverts)
{
    static const struct cluster_row rows[] = {
        {"nothing was done", ds_nothing, true},
        {"the Deployment serves: deleted", serving, true},
        {"it serves, Leases not read", serving_leases_unread, true},
        {"it has served for 4 s", serving_since_now, true},
        {"its pod is on a dead node", serving_on_dead_node, true},
        {"it is at zero", at_zero, true},
        {"one of two is available: enough, maxUnavailable is 1", one_of_two, true},
        {"none is available", none_of_two, true},
        {"a share may be missing, and more are", share_may_be_missing, true},
        {"its controller has not seen it yet", not_observed, true},
        {"only the DaemonSet's pods are Ready", only_its_own, true},
        {"coredns-deployment is not put back", cut_recorded, true},
        {"service-topology is not put back", topology_recorded, true},
        {"the annotation is there, by somebody else", annotated, true},
        {"there is no Deployment", never_deployed, true},
        {"record lost: ours by its label", never_deployed_record_lost, true},
        {"being deleted", ds_going, true},
        {"gone: the record goes", ds_deleted, true},
        {"never created: the record goes", ds_recorded, true},
        {"record can't be read, and there is nothing", key_only_in_state, true},
        {"the Deployment finds no room", kept_out_of_room, true},
    };
    ds_run(rows, ARRAY_LEN(rows), "test/golden/adjust/coredns-daemonset-revert.txt");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("coredns_daemonset_revert");
    TCase *tcase = tcase_create("coredns_daemonset_revert");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, foreign_daemonset);
    tcase_add_test(tcase, reverts);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
