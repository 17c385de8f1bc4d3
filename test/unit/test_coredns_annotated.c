/* coredns-deployment before the cut, when yurthub shows pools their own servers only already. */
#include "adjust/adjust.h"
#include "base/attr.h"
#include "unit/coredns_fixture.h"
#include "unit/unit.h"

#define ID "coredns-deployment"
#define POD(name) "Pod/kube-system/" name

static void soaking(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795507200")));
    cluster_merge(c, COREDNS_STATE,
                  "{\"data\":{\"service-topology\":\"{\\\"uid\\\":\\\"service-1\\\"}\"}}");
}

static void soak_dark(struct cluster *c)
{
    soaking(c);
    coredns_pod(c, COREDNS_DS, "edge-1", false);
}

static void soak_dark_for(struct cluster *c, const char *record)
{
    soak_dark(c);
    cluster_merge(c, COREDNS_STATE, record);
}

static void soak_dark_29(struct cluster *c)
{
    soak_dark_for(c, "{\"data\":" RECORD(BEFORE DARK("1795507181")) "}");
}

static void soak_dark_30(struct cluster *c)
{
    soak_dark_for(c, "{\"data\":" RECORD(BEFORE DARK("1795507180")) "}");
}

static void soak_dark_30_not_ours(struct cluster *c)
{
    soak_dark_30(c);
    cluster_merge(c, COREDNS_STATE, "{\"data\":{\"service-topology\":null}}");
}

static void soak_dark_30_not_enforced(struct cluster *c)
{
    soak_dark_30(c);
    cluster_policy(c, "{\"coredns-deployment\":\"Enforce\"}");
}

static void soak_dark_30_no_annotation(struct cluster *c)
{
    soak_dark_30(c);
    cluster_merge(c, COREDNS_SERVICE, "{\"metadata\":{\"annotations\":null}}");
}

static void soak_dark_30_unfiltered(struct cluster *c)
{
    soak_dark_30(c);
    cluster_merge(c, COREDNS_SERVICE,
                  "{\"metadata\":{\"annotations\":{\"openyurt.io/topologyKeys\":\"a,b\"}}}");
}

static void soak_dark_30_deployed(struct cluster *c)
{
    soak_dark_30(c);
    coredns_pod(c, COREDNS_RS, "edge-1", true);
    coredns_slice(c);
}

static void soak_dark_30_elsewhere(struct cluster *c)
{
    soak_dark_30(c);
    cluster_node(c, "edge-3", "beijing");
    coredns_pod(c, COREDNS_DS, "edge-3", true);
    coredns_slice(c);
}

static void soak_dark_30_joins(struct cluster *c)
{
    soak_dark_30(c);
    cluster_merge(c, "Node//edge-1",
                  "{\"metadata\":{\"creationTimestamp\":\"2026-11-24T07:59:00Z\"}}");
}

static void soak_cloud_dark(struct cluster *c)
{
    soaking(c);
    cluster_delete(c, POD("rs-cloud-1"));
    coredns_pod(c, COREDNS_DS, "cloud-1", false);
}

static void soak_dark_leases_refused(struct cluster *c)
{
    soak_dark_30(c);
    c->world.leases_read = false;
    c->world.leases_unreadable = true;
}

START_TEST(annotated)
{
    static const struct cluster_row rows[] = {
        {"a pool goes dark in the soak", soak_dark, false},
        {"dark for 29 s", soak_dark_29, false},
        {"dark for 30 s: fall back, the replicas are there", soak_dark_30, false},
        {"… the annotation is not ours", soak_dark_30_not_ours, false},
        {"… service-topology is not enforced", soak_dark_30_not_enforced, false},
        {"… no annotation: the Deployment serves it", soak_dark_30_no_annotation, false},
        {"… a value that yurthub does not know: so it does", soak_dark_30_unfiltered, false},
        {"… a pod of the Deployment is in the pool", soak_dark_30_deployed, false},
        {"… another node of the pool serves", soak_dark_30_elsewhere, false},
        {"… its node is new and may still pull CoreDNS", soak_dark_30_joins, false},
        {"… the Leases can't be read: by the conditions", soak_dark_leases_refused, false},
        {"no pod in the cloud: it is shown those of others", soak_cloud_dark, false},
    };
    cluster_golden(ID, coredns_good, rows, ARRAY_LEN(rows),
                   "test/golden/adjust/coredns-deployment-annotated.txt");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("coredns_annotated");
    TCase *tcase = tcase_create("golden");
    tcase_add_test(tcase, annotated);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
