#include "base/alloc.h"
#include "base/attr.h"
#include "unit/cluster_fixture.h"
#include "unit/unit.h"

#define ID "service-topology"
#define SERVICE "Service/kube-system/kube-dns"
#define SLICE "EndpointSlice/kube-system/kube-dns-abc"
/* The annotation written by us two minutes ago, and by somebody else. */
#define OWNED_BY(manager, time)                                                                    \
    "\"managedFields\":[{\"manager\":\"" manager "\",\"operation\":\"Update\",\"time\":\"" time    \
    "\",\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":{\"f:openyurt.io/topologyKeys\":{}}}}}]"
#define ANNOTATED(value)                                                                           \
    "{\"metadata\":{\"annotations\":{\"openyurt.io/topologyKeys\":" value                          \
    "}," OWNED_BY("yurt-steward", "2026-11-24T07:58:00Z") "}}"

static void slice(struct cluster *c, const char *first_node)
{
    cluster_put(c,
                "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{"
                "\"namespace\":\"kube-system\",\"name\":\"kube-dns-abc\",\"labels\":{"
                "\"kubernetes.io/service-name\":\"kube-dns\"}},\"endpoints\":["
                "{\"addresses\":[\"10.244.1.2\"],%s\"conditions\":{\"ready\":true},"
                "\"targetRef\":{\"kind\":\"Pod\",\"name\":\"kube-dns-edge-1\"}},"
                "{\"addresses\":[\"10.244.2.2\"],\"nodeName\":\"edge-2\",\"conditions\":{"
                "\"ready\":true},\"targetRef\":{\"kind\":\"Pod\",\"name\":\"kube-dns-edge-2\"}}]}",
                first_node);
}

/* Two pools, each with a node and a DNS pod of its own; all of it alive. */
static void good(struct cluster *c)
{
    cluster_init(c);
    cluster_load(c, "test/fixtures/kubeadm-1.37.2/service-kube-dns.json");
    cluster_merge(c, SERVICE, "{\"metadata\":{\"uid\":\"service-1\"}}");
    cluster_node(c, "edge-1", "hangzhou");
    cluster_node(c, "edge-2", "beijing");
    cluster_pod(c, "kube-dns", "edge-1", "rs", true, 60000);
    cluster_pod(c, "kube-dns", "edge-2", "rs", true, 60000);
    slice(c, "\"nodeName\":\"edge-1\",");
    cluster_read_leases(c);
}

static void first_time(struct cluster *c)
{
    (void)c;
}

static void in_force_by_other(struct cluster *c)
{
    cluster_merge(c, SERVICE,
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/topologyKeys\":"
                  "\"openyurt.io/nodepool\"}," OWNED_BY("kubectl", "2026-11-24T07:58:00Z") "}}");
}

static void other_value(struct cluster *c)
{
    cluster_merge(c, SERVICE, ANNOTATED("\"kubernetes.io/hostname\""));
}

static void missing(struct cluster *c)
{
    cluster_delete(c, SERVICE);
}

static void no_nodes(struct cluster *c)
{
    cluster_delete(c, "Node//edge-1");
    cluster_delete(c, "Node//edge-2");
}

static void empty_pool(struct cluster *c)
{
    cluster_node(c, "edge-3", "shanghai");
    cluster_node(c, "edge-4", "shanghai");
}

static void no_pool(struct cluster *c)
{
    cluster_node(c, "cloud-1", NULL);
}

static void empty_pool_comes(struct cluster *c)
{
    empty_pool(c);
    no_pool(c);
    cluster_policy(c, "{\"coredns-daemonset\":\"Enforce\"}");
}

static void pods_new(struct cluster *c, int64_t age_ms)
{
    cluster_policy(c, "{\"coredns-daemonset\":\"Enforce\"}");
    c->world.watching_since_ms = c->now_ms;
    cluster_pass(c, 60000);
    cluster_read_leases(c);
    cluster_lease(c, "edge-1", 0);
    cluster_lease(c, "edge-2", 0);
    cluster_pod(c, "kube-dns", "edge-2", "rs", false, 60000);
    cluster_pod(c, "kube-dns", "edge-2", "rs", true, 60000);
    cluster_pass(c, age_ms);
}

static void ready_just_now(struct cluster *c)
{
    pods_new(c, 9999);
}

/* As `plan` and `status` do. */
static void ready_seen_once(struct cluster *c)
{
    ready_just_now(c);
    c->world.watching_since_ms = 0;
}

static void ready_for_a_while(struct cluster *c)
{
    pods_new(c, 10000);
}

static void ready_short_soak(struct cluster *c)
{
    pods_new(c, 1000);
    cluster_policy(c, "{\"coredns-daemonset\":\"Enforce\",\"coredns-deployment.soak\":\"1s\"}");
}

static void empty_pool_excused(struct cluster *c)
{
    empty_pool(c);
    cluster_merge(c, "Node//edge-3",
                  "{\"metadata\":{\"labels\":{\"nodepool.openyurt.io/hostnetwork\":\"true\"}}}");
    cluster_merge(c, "Node//edge-4",
                  "{\"metadata\":{\"labels\":{\"kubernetes.io/os\":\"windows\"}}}");
}

static void hostname(struct cluster *c)
{
    cluster_node(c, "edge-3", "hangzhou");
    cluster_policy(c, "{\"service-topology.value\":\"kubernetes.io/hostname\"}");
}

static void hostname_comes(struct cluster *c)
{
    cluster_node(c, "edge-3", "hangzhou");
    cluster_policy(c, "{\"service-topology.value\":\"kubernetes.io/hostname\","
                      "\"coredns-daemonset\":\"Enforce\"}");
}

static void no_node_name(struct cluster *c)
{
    slice(c, "");
}

static void no_node_name_skip(struct cluster *c)
{
    slice(c, "");
    cluster_policy(c, "{\"service-topology.gate\":\"Skip\"}");
}

static void stale_lease(struct cluster *c)
{
    cluster_lease(c, "edge-2", 51000);
}

static void all_leases_stale(struct cluster *c)
{
    cluster_lease(c, "edge-1", 51000);
    cluster_lease(c, "edge-2", 51000);
}

static void pod_not_ready(struct cluster *c)
{
    cluster_pod(c, "kube-dns", "edge-2", "rs", false, 60000);
}

static void pod_leaving(struct cluster *c)
{
    cluster_merge(c, "Pod/kube-system/kube-dns-edge-2",
                  "{\"metadata\":{\"deletionTimestamp\":\"2026-11-24T08:00:00Z\"}}");
}

static void leases_unread(struct cluster *c)
{
    c->world.leases_read = false;
}

static void leases_old(struct cluster *c)
{
    cluster_pass(c, 10001);
}

static void gate_skip(struct cluster *c)
{
    no_nodes(c);
    cluster_policy(c, "{\"service-topology.gate\":\"Skip\"}");
}

static void recorded(struct cluster *c)
{
    cluster_state(c,
                  "{\"service-topology\":\"{\\\"uid\\\":\\\"service-1\\\",\\\"before\\\":null}\","
                  "\"other\":\"kept\"}");
}

static void recorded_value(struct cluster *c)
{
    cluster_state(c, "{\"service-topology\":\"{\\\"uid\\\":\\\"service-1\\\",\\\"before\\\":"
                     "\\\"kubernetes.io/zone\\\"}\"}");
}

/* Recorded, and the Service is still as it was then. */
static void recorded_only(struct cluster *c)
{
    AUTO_FREE char *data =
        xasprintf("{\"service-topology\":\"{\\\"uid\\\":\\\"service-1\\\",\\\"before\\\":null,"
                  "\\\"resourceVersion\\\":\\\"%s\\\"}\"}",
                  json_get_str(cluster_get(c, SERVICE), "metadata/resourceVersion"));
    cluster_state(c, data);
}

static void changed_by_other(struct cluster *c)
{
    recorded(c);
    cluster_merge(c, SERVICE,
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/topologyKeys\":\"x\"}," OWNED_BY(
                      "kubectl", "2026-11-24T07:58:00Z") "}}");
}

static void recorded_for_other_service(struct cluster *c)
{
    cluster_state(c,
                  "{\"service-topology\":\"{\\\"uid\\\":\\\"service-0\\\",\\\"before\\\":null}\"}");
}

static void record_broken(struct cluster *c)
{
    cluster_state(c, "{\"service-topology\":\"{\"}");
}

static void reverting(struct cluster *c)
{
    /* 07:58:00 */
    cluster_state(c, "{\"service-topology\":\"{\\\"uid\\\":\\\"service-1\\\",\\\"before\\\":null,"
                     "\\\"revertingSince\\\":1795507080}\"}");
}

static void reverting_in_force(struct cluster *c)
{
    other_value(c);
    cluster_merge(c, SERVICE, ANNOTATED("\"openyurt.io/nodepool\""));
    cluster_merge(c, SLICE,
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/update-trigger\":"
                  "\"1795507081\"}}}");
    reverting(c);
}

static void annotated_now(struct cluster *c)
{
    recorded(c);
    cluster_merge(c, SERVICE, ANNOTATED("\"openyurt.io/nodepool\""));
}

/* What we wrote is there, and then another value is asked for. */
static void value_changed(struct cluster *c)
{
    annotated_now(c);
    cluster_policy(c, "{\"service-topology.value\":\"kubernetes.io/hostname\"}");
}

static void annotated_2999_ms_ago(struct cluster *c)
{
    annotated_now(c);
    cluster_pass(c, 2999);
}

static void annotated_3000_ms_ago(struct cluster *c)
{
    annotated_now(c);
    cluster_pass(c, 3000);
}

static void triggered_before(struct cluster *c)
{
    annotated_3000_ms_ago(c);
    cluster_merge(c, SLICE,
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/update-trigger\":"
                  "\"1795507079\"}}}");
}

/* It may be older than the annotation, or newer: only seconds are known. */
static void triggered_in_that_second(struct cluster *c)
{
    annotated_3000_ms_ago(c);
    cluster_merge(c, SLICE,
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/update-trigger\":"
                  "\"1795507080\"}}}");
}

static void triggered_since(struct cluster *c)
{
    annotated_3000_ms_ago(c);
    cluster_merge(c, SLICE,
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/update-trigger\":"
                  "\"1795507081\"}}}");
}

/* 08:00:10, when it is 08:00:03 here: what we stamp must count for us too. */
static void server_clock_ahead(struct cluster *c)
{
    recorded(c);
    cluster_merge(
        c, SERVICE,
        "{\"metadata\":{\"annotations\":{\"openyurt.io/topologyKeys\":"
        "\"openyurt.io/nodepool\"}," OWNED_BY("yurt-steward", "2026-11-24T08:00:10Z") "}}");
    cluster_pass(c, 3000);
}

static void annotated_over_value(struct cluster *c)
{
    recorded_value(c);
    cluster_merge(c, SERVICE, ANNOTATED("\"openyurt.io/nodepool\""));
}

static void back_to_value(struct cluster *c)
{
    recorded_value(c);
    cluster_merge(c, SERVICE, ANNOTATED("\"kubernetes.io/zone\""));
}

static void reverting_annotated(struct cluster *c)
{
    cluster_merge(c, SERVICE, ANNOTATED("\"openyurt.io/nodepool\""));
    reverting(c);
}

static void reverting_3000_ms(struct cluster *c)
{
    reverting(c);
    cluster_pass(c, 3000);
}

static void reverting_pushed(struct cluster *c)
{
    reverting(c);
    cluster_merge(c, SLICE,
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/update-trigger\":"
                  "\"1795507081\"}}}");
}

static void service_gone(struct cluster *c)
{
    recorded(c);
    missing(c);
}

START_TEST(enforce)
{
    static const struct cluster_row rows[] = {
        {"first time: recorded, then annotated", first_time, false},
        {"in force by somebody else: no push", in_force_by_other, false},
        {"other value", other_value, false},
        {"Service missing", missing, false},
        {"record is there: a repair, no second record", recorded, false},
        {"recorded, crash before the annotation: no repair", recorded_only, false},
        {"another value is asked for: no repair", value_changed, false},
        {"another value by somebody else: a repair", changed_by_other, false},
        {"Service made anew: recorded again", recorded_for_other_service, false},
        {"record can't be read: refused", record_broken, false},
        {"taken up again after Revert", reverting, false},
        {"taken up again before Revert put it back", reverting_in_force, false},
        {"annotated just now: yurt-manager has 3 s", annotated_now, false},
        {"2.999 s later", annotated_2999_ms_ago, false},
        {"3 s later: pushed", annotated_3000_ms_ago, false},
        {"trigger is from before", triggered_before, false},
        {"trigger is of the same second: pushed", triggered_in_that_second, false},
        {"trigger is newer", triggered_since, false},
        {"the server's clock is ahead: stamped later than that", server_clock_ahead, false},
    };
    cluster_golden(ID, good, rows, ARRAY_LEN(rows), "test/golden/adjust/service-topology.txt");
}
END_TEST

START_TEST(gate)
{
    static const struct cluster_row rows[] = {
        {"no nodes", no_nodes, false},
        {"pool without endpoint", empty_pool, false},
        {"… coredns-daemonset is to bring it: no warning yet", empty_pool_comes, false},
        {"… its pod is Ready for less than 10 s, and may crash again", ready_just_now, false},
        {"… for 10 s", ready_for_a_while, false},
        {"… looked at once, nobody knows for how long", ready_seen_once, false},
        {"… for 1 s of a soak of 1 s", ready_short_soak, false},
        {"its nodes are host-network or Windows", empty_pool_excused, false},
        {"node in no pool", no_pool, false},
        {"hostname: a node without endpoint", hostname, false},
        {"… coredns-daemonset is to bring it", hostname_comes, false},
        {"endpoint without nodeName", no_node_name, false},
        {"endpoint without nodeName, gate Skip", no_node_name_skip, false},
        {"stale Lease: the pool is not live", stale_lease, false},
        {"all Leases stale", all_leases_stale, false},
        {"pod not Ready while the slice says so", pod_not_ready, false},
        {"pod is being deleted", pod_leaving, false},
        {"Leases not read yet", leases_unread, false},
        {"Leases read too long ago", leases_old, false},
        {"no nodes, gate Skip", gate_skip, false},
    };
    cluster_golden(ID, good, rows, ARRAY_LEN(rows), "test/golden/adjust/service-topology-gate.txt");
}
END_TEST

START_TEST(revert)
{
    static const struct cluster_row rows[] = {
        {"no record", first_time, true},
        {"was absent: mark, remove", annotated_now, true},
        {"was a value: mark, put back", annotated_over_value, true},
        {"crash between mark and patch: no second mark", reverting_annotated, true},
        {"put back: yurt-manager has 3 s", reverting, true},
        {"put back 3 s ago: pushed", reverting_3000_ms, true},
        {"put back and pushed: record dropped", reverting_pushed, true},
        {"recorded, crash before the annotation: record dropped", recorded, true},
        {"value is there again by other hands: record dropped", back_to_value, true},
        {"Service is gone", service_gone, true},
        {"Service is another one", recorded_for_other_service, true},
        {"record can't be read", record_broken, true},
    };
    cluster_golden(ID, good, rows, ARRAY_LEN(rows),
                   "test/golden/adjust/service-topology-revert.txt");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("service_topology");
    TCase *tcase = tcase_create("golden");
    tcase_add_test(tcase, enforce);
    tcase_add_test(tcase, gate);
    tcase_add_test(tcase, revert);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
