#include "adjust/dns_gate.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/coredns_fixture.h"
#include "unit/unit.h"

#define POD(name) "Pod/kube-system/" name

/* A cloud node and two pools, DNS in each by a pod of the DaemonSet; the DaemonSet at rest. */
static void good(struct cluster *c)
{
    cluster_init(c);
    coredns_objects(c, 2);
    cluster_node(c, "cloud-1", NULL);
    cluster_node(c, "edge-1", "beijing");
    cluster_node(c, "edge-2", "hangzhou");
    cluster_node(c, "edge-3", "hangzhou");
    coredns_pod(c, COREDNS_RS, "cloud-1", true);
    coredns_pod(c, COREDNS_DS, "cloud-1", true);
    coredns_pod(c, COREDNS_DS, "edge-1", true);
    coredns_pod(c, COREDNS_DS, "edge-2", true);
    coredns_pod(c, COREDNS_DS, "edge-3", true);
    coredns_slice(c);
    cluster_policy(c, "{\"service-topology\":\"Enforce\"}");
    cluster_pass(c, 10000);
    cluster_read_leases(c);
}

static void nothing(struct cluster *c)
{
    (void)c;
}

static void no_daemonset(struct cluster *c)
{
    cluster_delete(c, COREDNS_DAEMONSET);
}

static void daemonset_to_be_made(struct cluster *c)
{
    no_daemonset(c);
    cluster_policy(c, "{\"coredns-daemonset\":\"Enforce\"}");
}

static void pods_unseen(struct cluster *c)
{
    c->world.blind = INPUT_BIT(INPUT_DNS_PODS);
}

static void leases_refused(struct cluster *c)
{
    c->world.leases_read = false;
    c->world.leases_unreadable = true;
}

/* Somebody else set it; our own mode does not matter to yurthub. */
static void hostname_by_hand(struct cluster *c)
{
    cluster_merge(c, COREDNS_SERVICE,
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/topologyKeys\":"
                  "\"kubernetes.io/hostname\"}}}");
    cluster_policy(c, "{\"service-topology\":\"Observe\"}");
    cluster_delete(c, POD("ds-edge-3"));
    coredns_slice(c);
}

static void edge_in_no_pool(struct cluster *c)
{
    cluster_node(c, "edge-9", NULL);
    cluster_merge(c, "Node//edge-9",
                  "{\"metadata\":{\"labels\":{\"openyurt.io/is-edge-worker\":\"true\"}}}");
    coredns_pod(c, COREDNS_RS, "edge-9", true);
    coredns_slice(c);
}

static void daemonset_leaving(struct cluster *c)
{
    cluster_merge(c, COREDNS_DAEMONSET,
                  "{\"metadata\":{\"deletionTimestamp\":\"2026-11-24T08:00:00Z\"}}");
}

static void daemonset_not_observed(struct cluster *c)
{
    cluster_merge(c, COREDNS_DAEMONSET, "{\"metadata\":{\"generation\":3}}");
}

static void leases_unread(struct cluster *c)
{
    c->world.leases_read = false;
}

static void no_eligible(struct cluster *c)
{
    cluster_merge(c, "Node//cloud-1", "{\"spec\":{\"unschedulable\":true}}");
    cluster_merge(c, "Node//edge-1",
                  "{\"metadata\":{\"labels\":{\"kubernetes.io/os\":"
                  "\"windows\"}}}");
    cluster_lease(c, "edge-2", 51000);
    cluster_merge(c, "Node//edge-3",
                  "{\"metadata\":{\"labels\":{\"nodepool.openyurt.io/hostnetwork\":\"true\"}}}");
}

static void offline(struct cluster *c)
{
    cluster_node(c, "edge-4", "shanghai");
    cluster_lease(c, "edge-4", 51000);
    cluster_node(c, "edge-5", "hangzhou");
    cluster_merge(c, "Node//edge-5",
                  "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\"}]}}");
}

static void one_missing(struct cluster *c)
{
    cluster_delete(c, POD("ds-edge-3"));
}

static void one_missing_allowed(struct cluster *c)
{
    one_missing(c);
    cluster_policy(c, "{\"coredns-deployment.ready\":\"75%\"}");
}

static void one_missing_not_allowed(struct cluster *c)
{
    one_missing(c);
    cluster_policy(c, "{\"coredns-deployment.ready\":\"76%\"}");
}

static void deployment_pod_instead(struct cluster *c)
{
    cluster_delete(c, POD("ds-edge-3"));
    coredns_pod(c, COREDNS_RS, "edge-3", true);
    coredns_slice(c);
}

static void deployment_pod_not_ready(struct cluster *c)
{
    deployment_pod_instead(c);
    coredns_pod(c, COREDNS_RS, "edge-3", false);
}

static void many_missing(struct cluster *c)
{
    for (int i = 10; i < 22; i++) {
        AUTO_FREE char *name = xasprintf("edge-%d", i);
        cluster_node(c, name, "hangzhou");
    }
}

static void pool_empty(struct cluster *c)
{
    cluster_node(c, "edge-4", "shanghai");
    cluster_policy(c, "{\"coredns-deployment.ready\":\"50%\"}");
}

static void pool_cordoned(struct cluster *c)
{
    pool_empty(c);
    cluster_merge(c, "Node//edge-4", "{\"spec\":{\"unschedulable\":true}}");
}

static void pool_by_cordoned(struct cluster *c)
{
    cluster_merge(c, "Node//edge-1", "{\"spec\":{\"unschedulable\":true}}");
}

static void crash_loop(struct cluster *c)
{
    cluster_policy(c, "{\"coredns-deployment.ready\":\"50%\"}");
    coredns_pod(c, COREDNS_DS, "edge-1", false);
    cluster_merge(c, POD("ds-edge-1"),
                  "{\"status\":{\"containerStatuses\":[{\"state\":{\"waiting\":{\"reason\":"
                  "\"CrashLoopBackOff\"}}}]}}");
}

static void not_ready(struct cluster *c)
{
    cluster_policy(c, "{\"coredns-deployment.ready\":\"50%\"}");
    coredns_pod(c, COREDNS_DS, "edge-1", false);
}

static void leaving(struct cluster *c)
{
    cluster_policy(c, "{\"coredns-deployment.ready\":\"50%\"}");
    cluster_merge(c, POD("ds-edge-1"),
                  "{\"metadata\":{\"deletionTimestamp\":\"2026-11-24T08:00:00Z\"}}");
}

static void old_revision(struct cluster *c)
{
    cluster_policy(c, "{\"coredns-deployment.ready\":\"50%\"}");
    cluster_merge(c, POD("ds-edge-1"),
                  "{\"metadata\":{\"labels\":{\"pod-template-generation\":\"6\"}}}");
}

static void other_daemonset(struct cluster *c)
{
    cluster_policy(c, "{\"coredns-deployment.ready\":\"50%\"}");
    cluster_merge(c, POD("ds-edge-1"),
                  "{\"metadata\":{\"ownerReferences\":[{\"controller\":true,\"kind\":\"DaemonSet\","
                  "\"uid\":\"daemonset-0\"}]}}");
}

static void only_deployment_pod(struct cluster *c)
{
    cluster_delete(c, POD("ds-edge-1"));
    coredns_pod(c, COREDNS_RS, "edge-1", true);
    coredns_slice(c);
}

static void anti_affinity(struct cluster *c)
{
    only_deployment_pod(c);
    cluster_merge(c, COREDNS_DEPLOYMENT,
                  "{\"spec\":{\"template\":{\"spec\":{\"affinity\":{\"podAntiAffinity\":{"
                  "\"requiredDuringSchedulingIgnoredDuringExecution\":[{\"topologyKey\":"
                  "\"kubernetes.io/hostname\"}]}}}}}}");
}

/* Their pool has another node, whose pod serves. */
static void anti_affinity_elsewhere(struct cluster *c)
{
    anti_affinity(c);
    coredns_pod(c, COREDNS_DS, "edge-1", true);
    cluster_delete(c, POD("rs-edge-1"));
    cluster_delete(c, POD("ds-edge-3"));
    coredns_pod(c, COREDNS_RS, "edge-3", true);
    coredns_slice(c);
}

static void no_cloud_pod(struct cluster *c)
{
    /* the cloud node is in a pool whose other node is an edge node that serves */
    cluster_merge(c, "Node//cloud-1",
                  "{\"metadata\":{\"labels\":{\"apps.openyurt.io/nodepool\":\"hangzhou\"}}}");
    cluster_delete(c, POD("ds-cloud-1"));
}

static void cloud_cordoned(struct cluster *c)
{
    no_cloud_pod(c);
    cluster_merge(c, "Node//cloud-1", "{\"spec\":{\"unschedulable\":true}}");
}

static void slice_without_pool(struct cluster *c)
{
    cluster_put(c, "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","
                   "\"metadata\":{\"namespace\":\"kube-system\",\"name\":\"kube-dns-abc\","
                   "\"labels\":{\"kubernetes.io/service-name\":\"kube-dns\"}},\"endpoints\":["
                   "{\"addresses\":[\"10.244.99.1\"],\"nodeName\":\"cloud-1\",\"targetRef\":"
                   "{\"kind\":\"Pod\",\"name\":\"ds-cloud-1\"}},"
                   "{\"addresses\":[\"10.244.101.9\"],\"nodeName\":\"edge-1\",\"targetRef\":"
                   "{\"kind\":\"Pod\",\"name\":\"ds-edge-1\"}},"
                   "{\"addresses\":[\"fd00::2\"],\"nodeName\":\"edge-2\",\"targetRef\":"
                   "{\"kind\":\"Pod\",\"name\":\"ds-edge-2\"}}]}");
    cluster_policy(c, "{\"coredns-deployment.ready\":\"50%\"}");
}

static void hostname(struct cluster *c)
{
    deployment_pod_instead(c);
    cluster_policy(c, "{\"service-topology\":\"Enforce\","
                      "\"service-topology.value\":\"kubernetes.io/hostname\"}");
}

static void hostname_not_enforced(struct cluster *c)
{
    deployment_pod_instead(c);
    cluster_policy(c, "{\"service-topology.value\":\"kubernetes.io/hostname\"}");
}

static void rolling(struct cluster *c)
{
    pool_empty(c);
    cluster_merge(c, POD("ds-edge-1"),
                  "{\"metadata\":{\"creationTimestamp\":\"2026-11-24T08:00:00Z\"}}");
    cluster_merge(c, COREDNS_DAEMONSET, "{\"status\":{\"numberReady\":4}}");
    cluster_pass(c, 9999);
    cluster_read_leases(c);
}

static void rolled(struct cluster *c)
{
    rolling(c);
    cluster_pass(c, 1);
}

static void made_just_now(struct cluster *c)
{
    cluster_delete(c, POD("ds-cloud-1"));
    cluster_delete(c, POD("ds-edge-1"));
    cluster_delete(c, POD("ds-edge-2"));
    cluster_delete(c, POD("ds-edge-3"));
    cluster_merge(c, COREDNS_DAEMONSET,
                  "{\"metadata\":{\"creationTimestamp\":\"2026-11-24T08:00:00Z\"}}");
}

static void pods_come_and_go(struct cluster *c)
{
    pool_empty(c);
    cluster_merge(c, POD("ds-edge-1"),
                  "{\"metadata\":{\"creationTimestamp\":\"2026-11-24T07:59:09Z\"}}");
    cluster_merge(c, COREDNS_DAEMONSET, "{\"status\":{\"numberReady\":4}}");
}

static void never_asked(struct cluster *c)
{
    c->world.can_ask_dns = true;
}

static void all_answered(struct cluster *c)
{
    coredns_said(c, "ds-cloud-1", DNS_ANSWERED, 1000);
    coredns_said(c, "ds-edge-1", DNS_ANSWERED, 59999);
    coredns_said(c, "ds-edge-3", DNS_ANSWERED, 1000);
}

static void answered_long_ago(struct cluster *c)
{
    all_answered(c);
    coredns_said(c, "ds-edge-1", DNS_ANSWERED, 60000);
}

static void one_silent(struct cluster *c)
{
    all_answered(c);
    coredns_said(c, "ds-edge-3", DNS_ANSWERED, 60000);
    coredns_said(c, "ds-edge-2", DNS_SILENT, 1000);
}

static void pools_silent(struct cluster *c)
{
    all_answered(c);
    coredns_said(c, "ds-edge-1", DNS_SILENT, 1000);
    coredns_said(c, "ds-edge-2", DNS_SILENT, 1000);
    coredns_said(c, "ds-edge-3", DNS_SILENT, 1000);
}

static void silent_long_ago(struct cluster *c)
{
    pools_silent(c);
    coredns_said(c, "ds-edge-1", DNS_SILENT, 60000);
}

static void one_failed(struct cluster *c)
{
    all_answered(c);
    coredns_said(c, "ds-edge-2", DNS_FAILED, 1000);
}

static void one_failed_other_unasked(struct cluster *c)
{
    all_answered(c);
    strmap_remove(&c->world.dns, "10.244.101.3");
    coredns_said(c, "ds-edge-2", DNS_FAILED, 1000);
}

static void pool_failed(struct cluster *c)
{
    all_answered(c);
    coredns_said(c, "ds-edge-1", DNS_FAILED, 9999);
}

static void pool_failed_before(struct cluster *c)
{
    all_answered(c);
    coredns_said(c, "ds-edge-1", DNS_FAILED, 10000);
}

static void closed_asks_nobody(struct cluster *c)
{
    never_asked(c);
    not_ready(c);
}

static void look(const struct cluster *c, struct buf *text, const char *heading)
{
    static const char *const words[] = {"unknown", "closed", "asking", "asking again", "open"};
    AUTO(plan) struct plan plan = {0};
    struct snapshot seen;
    world_snapshot(&c->world, c->wall_ms, &seen);
    enum dns_gate gate = dns_gate_look(&seen, &c->world.policy, c->now_ms, &plan);
    AUTO_FREE char *full = xasprintf("%s: %s", heading, words[gate]);
    cluster_render(text, full, &plan);
}

static void run(const struct cluster_row *rows, size_t len, const char *golden)
{
    AUTO(buf) struct buf text = BUF_INIT(1 << 20);
    for (size_t i = 0; i < len; i++) {
        struct cluster c;
        good(&c);
        rows[i].change(&c);
        look(&c, &text, rows[i].name);
        cluster_finish(&c);
    }
    unit_golden(golden, buf_str(&text));
}

START_TEST(conditions)
{
    static const struct cluster_row rows[] = {
        {"all is well", nothing, false},
        {"no DaemonSet", no_daemonset, false},
        {"… and coredns-daemonset is about to make it", daemonset_to_be_made, false},
        {"DaemonSet is being deleted", daemonset_leaving, false},
        {"DaemonSet not observed", daemonset_not_observed, false},
        {"Leases not read", leases_unread, false},
        {"Leases can't be read", leases_refused, false},
        {"pods can't be watched", pods_unseen, false},
        {"hostname in the annotation, by other hands", hostname_by_hand, false},
        {"an edge node in no pool lives by a pod of the Deployment", edge_in_no_pool, false},
        {"cordoned, Windows, offline, host-network: no eligible node", no_eligible, false},
        {"offline nodes and an offline pool", offline, false},
        {"3 of 4 nodes", one_missing, false},
        {"3 of 4 nodes, 75% asked for", one_missing_allowed, false},
        {"3 of 4 nodes, 76% asked for", one_missing_not_allowed, false},
        {"the fourth has a pod of the Deployment", deployment_pod_instead, false},
        {"… which is not Ready", deployment_pod_not_ready, false},
        {"12 nodes without", many_missing, false},
        {"pool without a pod", pool_empty, false},
        {"… its node is cordoned, and alive", pool_cordoned, false},
        {"pool served by a cordoned node", pool_by_cordoned, false},
        {"pool whose CoreDNS crashes", crash_loop, false},
        {"pool whose pod is not Ready", not_ready, false},
        {"pool whose pod is being deleted", leaving, false},
        {"pool whose pod is of an older revision", old_revision, false},
        {"pool whose pod is another DaemonSet's", other_daemonset, false},
        {"pool with a pod of the Deployment only", only_deployment_pod, false},
        {"… which keeps the DaemonSet's away", anti_affinity, false},
        {"the same where the pool has another node", anti_affinity_elsewhere, false},
        {"no pod on a cloud node", no_cloud_pod, false},
        {"… which is cordoned", cloud_cordoned, false},
        {"slices: one missing, one with another address, one of another family", slice_without_pool,
         false},
        {"hostname: a node without a pod of its own", hostname, false},
        {"… where service-topology is not enforced", hostname_not_enforced, false},
        {"pods are coming up: no names yet", rolling, false},
        {"… unless nothing changed for 10 s", rolled, false},
        {"… or no pod is new", pods_come_and_go, false},
        {"the DaemonSet was made just now and has none", made_just_now, false},
    };
    run(rows, ARRAY_LEN(rows), "test/golden/adjust/coredns-deployment-gate.txt");
}
END_TEST

START_TEST(asking)
{
    static const struct cluster_row rows[] = {
        {"never asked", never_asked, false},
        {"all answered", all_answered, false},
        {"one answered a minute ago", answered_long_ago, false},
        {"one silent: the other is asked", one_silent, false},
        {"pools that can't be reached", pools_silent, false},
        {"one of them was asked a minute ago", silent_long_ago, false},
        {"one failed, another of its pool answered", one_failed, false},
        {"one failed, another of its pool is asked", one_failed_other_unasked, false},
        {"all of a pool failed", pool_failed, false},
        {"… 10 s ago", pool_failed_before, false},
        {"closed: nobody is asked", closed_asks_nobody, false},
    };
    run(rows, ARRAY_LEN(rows), "test/golden/adjust/coredns-deployment-asking.txt");
}
END_TEST

/* More pools than may be asked at once: all of them in a few rounds. */
START_TEST(asks_in_rounds)
{
    enum {
        POOLS = 150
    };
    struct cluster c;
    good(&c);
    c.world.can_ask_dns = true;
    for (int i = 0; i < POOLS; i++) {
        AUTO_FREE char *node = xasprintf("node-%d", i);
        AUTO_FREE char *pool = xasprintf("pool-%d", i);
        cluster_node(&c, node, pool);
        coredns_pod(&c, COREDNS_DS, node, true);
    }
    coredns_slice(&c);
    struct snapshot seen;
    world_snapshot(&c.world, c.wall_ms, &seen);
    size_t asked = 0;
    for (int round = 0; round < 3; round++) {
        AUTO(plan) struct plan plan = {0};
        ck_assert_int_eq(dns_gate_look(&seen, &c.world.policy, c.now_ms, &plan), DNS_GATE_ASKING);
        for (size_t i = 0; i < plan.dns_len; i++) {
            struct dns_observation *said = xmalloc(sizeof(*said));
            *said = (struct dns_observation){DNS_ANSWERED, c.now_ms};
            ck_assert_ptr_null(strmap_get(&c.world.dns, plan.dns[i]));
            strmap_set(&c.world.dns, plan.dns[i], said);
        }
        asked += plan.dns_len;
    }
    ck_assert_uint_eq(asked, POOLS + 3);
    AUTO(plan) struct plan plan = {0};
    ck_assert_int_eq(dns_gate_look(&seen, &c.world.policy, c.now_ms, &plan), DNS_GATE_OPEN);
    ck_assert_uint_eq(plan.dns_len, 0);
    cluster_finish(&c);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("dns_gate");
    TCase *tcase = tcase_create("gate");
    tcase_add_test(tcase, conditions);
    tcase_add_test(tcase, asking);
    tcase_add_test(tcase, asks_in_rounds);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
