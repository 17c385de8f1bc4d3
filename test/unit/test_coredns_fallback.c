#include "adjust/adjust.h"
#include "base/alloc.h"
#include "base/attr.h"
#include "unit/coredns_fixture.h"
#include "unit/unit.h"

#define ID "coredns-deployment"
#define POD(name) "Pod/kube-system/" name

static void owned_by(struct cluster *c, const char *manager)
{
    AUTO(buf) struct buf patch = BUF_INIT(1024);
    buf_printf(
        &patch,
        "{\"metadata\":{\"managedFields\":[{\"manager\":\"%s\",\"operation\":\"Update\","
        "\"time\":\"2026-11-24T08:00:00Z\",\"fieldsV1\":{\"f:spec\":{\"f:replicas\":{}}}}]}}",
        manager);
    cluster_merge(c, COREDNS_DEPLOYMENT, buf_str(&patch));
}

/* --- at zero --- */

static void zero_just_now(struct cluster *c)
{
    coredns_zero(c);
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795507150")));
}

static void zero_by_others(struct cluster *c)
{
    coredns_zero(c);
    cluster_delete(c, COREDNS_STATE);
}

static void zero_leases_old(struct cluster *c)
{
    coredns_zero(c);
    cluster_pass(c, 10001);
}

static void zero_answers(struct cluster *c)
{
    zero_leases_old(c);
    coredns_all_said(c, DNS_ANSWERED, 1000);
}

static void zero_ask_again(struct cluster *c)
{
    zero_leases_old(c);
    coredns_all_said(c, DNS_ANSWERED, 60000);
}

static void zero_silent(struct cluster *c)
{
    coredns_zero(c);
    coredns_all_said(c, DNS_SILENT, 1000);
}

static void zero_silent_leases_old(struct cluster *c)
{
    zero_leases_old(c);
    coredns_all_said(c, DNS_SILENT, 1000);
}

static void dark(struct cluster *c)
{
    coredns_zero(c);
    coredns_pod(c, COREDNS_DS, "edge-1", false);
}

static void dark_by_others(struct cluster *c)
{
    dark(c);
    cluster_delete(c, COREDNS_STATE);
}

static void dark_answers_elsewhere(struct cluster *c)
{
    dark(c);
    coredns_all_said(c, DNS_ANSWERED, 1000);
    cluster_pass(c, 10001);
}

static void dark_no_endpoint(struct cluster *c)
{
    coredns_zero(c);
    cluster_merge(c, "EndpointSlice/kube-system/kube-dns-abc", "{\"endpoints\":[]}");
}

static void dark_fails(struct cluster *c)
{
    coredns_zero(c);
    coredns_all_said(c, DNS_ANSWERED, 1000);
    coredns_said(c, "ds-edge-1", DNS_FAILED, 10000);
}

static void dark_lease(struct cluster *c)
{
    coredns_zero(c);
    cluster_node(c, "edge-3", "beijing");
    cluster_lease(c, "edge-1", 51000);
}

static void offline_pool(struct cluster *c)
{
    dark(c);
    cluster_lease(c, "edge-1", 51000);
}

/* One of the pool's two pods is being replaced. */
static void replaced_in_a_pool_of_two(struct cluster *c)
{
    dark(c);
    cluster_node(c, "edge-3", "beijing");
    coredns_pod(c, COREDNS_DS, "edge-3", true);
    coredns_slice(c);
}

static void dark_30_by_others(struct cluster *c)
{
    dark(c);
    cluster_state(c, "{\"coredns-deployment\":\"{\\\"uid\\\":\\\"deployment-1\\\","
                     "\\\"before\\\":0,\\\"dark\\\":{\\\"beijing\\\":1795507180}}\"}");
}

static void dark_29(struct cluster *c)
{
    dark(c);
    cluster_state(c, RECORD(BEFORE CUT DARK("1795507181")));
}

static void dark_30(struct cluster *c)
{
    dark(c);
    cluster_state(c, RECORD(BEFORE CUT DARK("1795507180")));
}

/* The pool's node, and when the Deployment was cut to zero; it is 08:00:10. */
static void dark_30_node_of(struct cluster *c, const char *created, const char *cut)
{
    AUTO_FREE char *node =
        xasprintf("{\"metadata\":{\"creationTimestamp\":\"2026-11-24T%sZ\"}}", created);
    AUTO_FREE char *fields =
        xasprintf("{\"metadata\":{\"managedFields\":[{\"manager\":\"yurt-steward\","
                  "\"operation\":\"Update\",\"time\":\"2026-11-24T%sZ\","
                  "\"fieldsV1\":{\"f:spec\":{\"f:replicas\":{}}}}]}}",
                  cut);
    dark_30(c);
    cluster_merge(c, "Node//edge-1", node);
    cluster_merge(c, COREDNS_DEPLOYMENT, fields);
}

static void dark_30_joins(struct cluster *c)
{
    dark_30_node_of(c, "07:50:11", "07:50:10");
}

static void dark_30_joined(struct cluster *c)
{
    dark_30_node_of(c, "07:50:10", "07:50:09");
}

static void dark_30_new_cluster(struct cluster *c)
{
    dark_30_node_of(c, "07:59:00", "07:59:30");
}

static void dark_30_leases_old(struct cluster *c)
{
    dark_29(c);
    cluster_pass(c, 10001);
}

static void dark_other_pool(struct cluster *c)
{
    coredns_zero(c);
    coredns_pod(c, COREDNS_DS, "edge-2", false);
    cluster_state(c, RECORD(BEFORE CUT DARK("1795507180")));
}

static void dark_no_more(struct cluster *c)
{
    coredns_zero(c);
    cluster_state(c, RECORD(BEFORE CUT DARK("1795507180")));
}

static void dark_grace_set(struct cluster *c)
{
    dark_30(c);
    cluster_policy(c, "{" ENFORCED ",\"coredns-deployment.grace\":\"31s\"}");
}

static void dark_clock_stepped_back(struct cluster *c)
{
    dark(c);
    cluster_state(c, RECORD(BEFORE CUT DARK("1795599999")));
}

static void dark_second_time(struct cluster *c)
{
    dark(c);
    cluster_state(c, RECORD(BEFORE CUT DARK("1795507180") ",\\\"fallbacks\\\":1"));
}

/* --- fallen back --- */

static void fell(struct cluster *c)
{
    dark(c);
    owned_by(c, "yurt-steward");
    cluster_state(c, RECORD(BEFORE FELL));
}

static void fell_undone(struct cluster *c)
{
    fell(c);
    owned_by(c, "kubectl");
}

static void fell_restored(struct cluster *c)
{
    fell(c);
    coredns_scaled(c, 2, 0);
}

static void fell_available(struct cluster *c)
{
    fell(c);
    coredns_scaled(c, 2, 1);
}

static void fell_open(struct cluster *c)
{
    fell_available(c);
    coredns_pod(c, COREDNS_DS, "edge-1", true);
}

static void fell_open_119(struct cluster *c)
{
    fell_open(c);
    cluster_state(c, RECORD(BEFORE FELL GATE_SINCE("1795507091")));
}

static void fell_open_120(struct cluster *c)
{
    fell_open(c);
    cluster_state(c, RECORD(BEFORE FELL GATE_SINCE("1795507090")));
}

static void fell_closes(struct cluster *c)
{
    fell_available(c);
    cluster_state(c, RECORD(BEFORE FELL GATE_SINCE("1795507091")));
}

static void fell_skip(struct cluster *c)
{
    fell_available(c);
    cluster_policy(c, "{" ENFORCED ",\"coredns-deployment.gate\":\"Skip\"}");
}

START_TEST(fallback)
{
    static const struct cluster_row rows[] = {
        {"at zero since just now", zero_just_now, false},
        {"at zero", coredns_zero, false},
        {"at zero by others, nothing recorded", zero_by_others, false},
        {"can't ask, Leases old: they are read", zero_leases_old, false},
        {"all answer: no Leases needed", zero_answers, false},
        {"asked a minute ago: asked again", zero_ask_again, false},
        {"silent: said once", zero_silent, false},
        {"silent, Leases old: they are read", zero_silent_leases_old, false},
        {"a pool is dark", dark, false},
        {"… nothing is recorded to put back", dark_by_others, false},
        {"… the others answer, Leases old: they are read", dark_answers_elsewhere, false},
        {"no endpoints at all", dark_no_endpoint, false},
        {"the only server of a pool fails: dark, asked again", dark_fails, false},
        {"the only server is on a node with a stale Lease: dark", dark_lease, false},
        {"all nodes of the pool are offline: not dark", offline_pool, false},
        {"a pod is replaced, another node of the pool serves", replaced_in_a_pool_of_two, false},
        {"dark for 29 s", dark_29, false},
        {"dark for 30 s: fall back", dark_30, false},
        {"… it was at 0 before: nothing to put back", dark_30_by_others, false},
        {"… the pool's node came after the cut and may still pull CoreDNS", dark_30_joins, false},
        {"… it had 10 minutes for that", dark_30_joined, false},
        {"… it is younger, but was there at the cut", dark_30_new_cluster, false},
        {"dark for longer, Leases old: they are read first", dark_30_leases_old, false},
        {"one pool is lit again, another is dark: its own grace", dark_other_pool, false},
        {"lit again", dark_no_more, false},
        {"dark for 30 s of 31 s", dark_grace_set, false},
        {"dark since the future: the clock stepped back", dark_clock_stepped_back, false},
        {"the second fallback", dark_second_time, false},
        {"fallen back, crash before the replicas: restored", fell, false},
        {"fallen back, somebody scaled to 0: repaired", fell_undone, false},
        {"fallen back, no pod available yet", fell_restored, false},
        {"fallen back, available, gate closed", fell_available, false},
        {"the gate opens again", fell_open, false},
        {"open for 119 s of 2 m", fell_open_119, false},
        {"open for 2 m: again from the beginning", fell_open_120, false},
        {"open for 119 s and closed again", fell_closes, false},
        {"fallen back, gate Skip: stays back all the same", fell_skip, false},
    };
    cluster_golden(ID, coredns_good, rows, ARRAY_LEN(rows),
                   "test/golden/adjust/coredns-deployment-fallback.txt");
}
END_TEST

/* --- what service-topology does meanwhile --- */

#define TOPOLOGY_RECORD(members)                                                                   \
    "{\"data\":{\"service-topology\":\"{\\\"uid\\\":\\\"service-1\\\",\\\"before\\\":null" members \
    "}\"}}"

static void annotated_by_us(struct cluster *c)
{
    cluster_merge(c, COREDNS_SERVICE,
                  "{\"metadata\":{\"uid\":\"service-1\",\"managedFields\":[{\"manager\":"
                  "\"yurt-steward\",\"operation\":\"Update\",\"fieldsV1\":{\"f:metadata\":{"
                  "\"f:annotations\":{\"f:openyurt.io/topologyKeys\":{}}}}}]}}");
    cluster_merge(c, COREDNS_STATE, TOPOLOGY_RECORD(""));
}

static void begun(struct cluster *c)
{
    fell_restored(c);
    annotated_by_us(c);
}

static void served(struct cluster *c)
{
    fell_available(c);
    annotated_by_us(c);
}

static void served_not_ours(struct cluster *c)
{
    fell_available(c);
}

static void served_set_by_others(struct cluster *c)
{
    served(c);
    cluster_merge(c, COREDNS_SERVICE, "{\"metadata\":{\"managedFields\":null}}");
}

static void served_marked(struct cluster *c)
{
    served(c);
    cluster_merge(c, COREDNS_STATE, TOPOLOGY_RECORD(",\\\"revertingSince\\\":1795507210"));
}

static void gone_just_now(struct cluster *c)
{
    served_marked(c);
    cluster_merge(c, COREDNS_SERVICE, "{\"metadata\":{\"annotations\":null}}");
}

static void gone_3_s_ago(struct cluster *c)
{
    gone_just_now(c);
    cluster_pass(c, 3000);
}

static void push(struct cluster *c)
{
    cluster_merge(c, "EndpointSlice/kube-system/kube-dns-abc",
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/update-trigger\":"
                  "\"1795507213\"}}}");
}

static void gone_and_pushed(struct cluster *c)
{
    gone_3_s_ago(c);
    push(c);
}

static void over(struct cluster *c)
{
    gone_and_pushed(c);
    coredns_pod(c, COREDNS_DS, "edge-1", true);
    cluster_read_leases(c);
    cluster_merge(c, COREDNS_STATE,
                  "{\"data\":{\"coredns-deployment\":\"{\\\"uid\\\":\\\"deployment-1\\\","
                  "\\\"before\\\":2,\\\"fallbacks\\\":1}\"}}");
}

static void not_enforced(struct cluster *c)
{
    served(c);
    push(c);
    cluster_policy(c, "{\"service-topology\":\"Enforce\"}");
}

START_TEST(topology)
{
    static const struct cluster_row rows[] = {
        {"fallen back, the Deployment has no pod yet: the annotation stays", begun, false},
        {"the Deployment serves: taken away", served, false},
        {"… when we never set it: left", served_not_ours, false},
        {"… when somebody else has set it since: left", served_set_by_others, false},
        {"crash between mark and patch: no second mark", served_marked, false},
        {"taken away: yurt-manager has 3 s", gone_just_now, false},
        {"3 s later: pushed", gone_3_s_ago, false},
        {"pushed: it stays away", gone_and_pushed, false},
        {"the fallback is over: annotated again, by its own gate", over, false},
        {"coredns-deployment does not enforce: no fallback", not_enforced, false},
    };
    cluster_golden("service-topology", coredns_good, rows, ARRAY_LEN(rows),
                   "test/golden/adjust/coredns-deployment-topology.txt");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("coredns_fallback");
    TCase *tcase = tcase_create("golden");
    tcase_add_test(tcase, fallback);
    tcase_add_test(tcase, topology);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
