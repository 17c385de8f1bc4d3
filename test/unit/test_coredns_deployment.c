#include "adjust/adjust.h"
#include "base/attr.h"
#include "unit/coredns_fixture.h"
#include "unit/unit.h"

#define ID "coredns-deployment"
#define POD(name) "Pod/kube-system/" name

/* --- to zero --- */

static void first_time(struct cluster *c)
{
    (void)c;
}

static void gate_closed(struct cluster *c)
{
    coredns_pod(c, COREDNS_DS, "edge-1", false);
}

static void gate_closes(struct cluster *c)
{
    gate_closed(c);
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795507200")));
}

static void leases_unread(struct cluster *c)
{
    c->world.leases_read = false;
}

static void not_annotated(struct cluster *c)
{
    cluster_merge(c, COREDNS_SERVICE, "{\"metadata\":{\"annotations\":null}}");
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795507200")));
}

static void not_annotated_observe(struct cluster *c)
{
    not_annotated(c);
    cluster_policy(c, "{\"coredns-deployment\":\"Enforce\"}");
}

static void other_annotation(struct cluster *c)
{
    cluster_policy(c, "{" ENFORCED ",\"service-topology.value\":\"kubernetes.io/zone\"}");
}

static void no_service(struct cluster *c)
{
    cluster_delete(c, COREDNS_SERVICE);
}

static void soaking(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795507151")));
}

static void soaked(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795507150")));
}

static void soak_set(struct cluster *c)
{
    soaked(c);
    cluster_policy(c, "{" ENFORCED ",\"coredns-deployment.soak\":\"2m\"}");
}

static void soak_after_fallback(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795507091") ",\\\"fallbacks\\\":1"));
}

static void soaked_after_fallback(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795507090") ",\\\"fallbacks\\\":1"));
}

static void soak_after_many(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795503611") ",\\\"fallbacks\\\":100"));
}

static void clock_stepped_back(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795599999")));
}

static void replicas_changed_before(struct cluster *c)
{
    soaked(c);
    coredns_scaled(c, 3, 3);
}

static void asked_first(struct cluster *c)
{
    c->world.can_ask_dns = true;
    cluster_state(c, RECORD(BEFORE));
}

static void soaked_asked_before(struct cluster *c)
{
    soaked(c);
    coredns_all_said(c, DNS_ANSWERED, 60000);
}

static void soaked_answers(struct cluster *c)
{
    soaked(c);
    coredns_all_said(c, DNS_ANSWERED, 1000);
}

static void soaked_one_fails(struct cluster *c)
{
    soaked_answers(c);
    coredns_said(c, "ds-edge-2", DNS_FAILED, 1000);
}

static void soaked_after_restart(struct cluster *c)
{
    soaked(c);
    c->world.can_ask_dns = true;
}

static void skip(struct cluster *c)
{
    gate_closed(c);
    cluster_delete(c, COREDNS_DAEMONSET);
    cluster_policy(c, "{" ENFORCED ",\"coredns-deployment.gate\":\"Skip\"}");
}

static void no_deployment(struct cluster *c)
{
    cluster_delete(c, COREDNS_DEPLOYMENT);
}

static void deployment_leaving(struct cluster *c)
{
    cluster_merge(c, COREDNS_DEPLOYMENT,
                  "{\"metadata\":{\"deletionTimestamp\":\"2026-11-24T08:00:00Z\"}}");
}

static void deployment_anew(struct cluster *c)
{
    cluster_merge(c, COREDNS_DEPLOYMENT, "{\"metadata\":{\"uid\":\"deployment-2\"}}");
    cluster_state(c, RECORD("\\\"before\\\":4" CUT));
}

static void record_broken(struct cluster *c)
{
    cluster_state(c, "{\"coredns-deployment\":\"{\"}");
}

static void scaled_by_other(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE CUT));
    coredns_scaled(c, 1, 0);
}

static void scaled_by_other_closed(struct cluster *c)
{
    scaled_by_other(c);
    gate_closed(c);
}

static void scaled_by_other_skip(struct cluster *c)
{
    scaled_by_other_closed(c);
    cluster_policy(c, "{" ENFORCED ",\"coredns-deployment.gate\":\"Skip\"}");
}

static void taken_up_again(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE ",\\\"reverting\\\":true"));
}

/* --- back --- */

static void zero_just_now(struct cluster *c)
{
    coredns_zero(c);
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795507150")));
}

static void fell(struct cluster *c)
{
    coredns_zero(c);
    coredns_pod(c, COREDNS_DS, "edge-1", false);
    cluster_state(c, RECORD(BEFORE FELL));
}

static void fell_available(struct cluster *c)
{
    fell(c);
    coredns_scaled(c, 2, 1);
}

static void recorded_only(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE GATE_SINCE("1795507150")));
}

static void recorded_one(struct cluster *c)
{
    coredns_zero(c);
    cluster_state(c, RECORD("\\\"before\\\":1" CUT));
}

static void recorded_zero(struct cluster *c)
{
    coredns_zero(c);
    cluster_state(c, RECORD("\\\"before\\\":0"));
}

static void reverting(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE ",\\\"reverting\\\":true"));
}

static void reverting_three(struct cluster *c)
{
    cluster_state(c, RECORD("\\\"before\\\":3,\\\"reverting\\\":true"));
    coredns_scaled(c, 3, 1);
}

static void reverting_not_observed(struct cluster *c)
{
    reverting(c);
    cluster_merge(c, COREDNS_DEPLOYMENT, "{\"metadata\":{\"generation\":2}}");
}

static void reverting_unavailable(struct cluster *c)
{
    reverting(c);
    coredns_scaled(c, 2, 0);
}

static void reverting_apart(struct cluster *c)
{
    reverting_unavailable(c);
    cluster_merge(c, COREDNS_DEPLOYMENT,
                  "{\"spec\":{\"template\":{\"spec\":{\"affinity\":{\"podAntiAffinity\":{"
                  "\"requiredDuringSchedulingIgnoredDuringExecution\":[{\"topologyKey\":"
                  "\"kubernetes.io/hostname\"}]}}}}}}");
}

/* No pod of the Deployment anywhere: each node has one of the DaemonSet. */
static void apart_no_room(struct cluster *c)
{
    reverting_apart(c);
    cluster_delete(c, "Pod/kube-system/rs-cloud-1");
    coredns_slice(c);
}

static void apart_two_in_a_pool(struct cluster *c)
{
    apart_no_room(c);
    cluster_node(c, "edge-3", "beijing");
    coredns_pod(c, COREDNS_DS, "edge-3", true);
    coredns_slice(c);
}

static void apart_no_annotation(struct cluster *c)
{
    apart_no_room(c);
    cluster_merge(c, COREDNS_SERVICE, "{\"metadata\":{\"annotations\":null}}");
}

static void apart_nobody_can_spare(struct cluster *c)
{
    apart_no_room(c);
    cluster_delete(c, "Node//cloud-1");
}

static void apart_one_free(struct cluster *c)
{
    apart_no_room(c);
    cluster_node(c, "cloud-2", NULL);
}

static void apart_all_free(struct cluster *c)
{
    apart_one_free(c);
    cluster_node(c, "cloud-3", NULL);
}

static void scaled_since(struct cluster *c)
{
    cluster_state(c, RECORD(BEFORE CUT));
    coredns_scaled(c, 4, 4);
}

static void deployment_gone(struct cluster *c)
{
    coredns_zero(c);
    no_deployment(c);
}

START_TEST(enforce)
{
    static const struct cluster_row rows[] = {
        {"first time, gate open: recorded, the soak begins", first_time, false},
        {"first time, gate closed: recorded", gate_closed, false},
        {"the gate closes: the soak is lost", gate_closes, false},
        {"Leases not read", leases_unread, false},
        {"not annotated: the soak has not begun", not_annotated, false},
        {"… service-topology does not enforce: not waited for", not_annotated_observe, false},
        {"another value is asked for", other_annotation, false},
        {"no Service", no_service, false},
        {"59 s of soak", soaking, false},
        {"60 s of soak: cut", soaked, false},
        {"60 s of 2 m", soak_set, false},
        {"after a fallback: 119 s of 2 m", soak_after_fallback, false},
        {"after a fallback: 2 m", soaked_after_fallback, false},
        {"after 100 fallbacks: 59 m 59 s of 1 h", soak_after_many, false},
        {"the gate opened in the future: the clock stepped back", clock_stepped_back, false},
        {"replicas changed before the cut: recorded anew", replicas_changed_before, false},
        {"DNS was not asked yet: no soak", asked_first, false},
        {"soaked, DNS asked a minute ago: again before the cut", soaked_asked_before, false},
        {"soaked, DNS answers: cut", soaked_answers, false},
        {"soaked, DNS fails in one pool: closed", soaked_one_fails, false},
        {"soaked, nothing known of DNS since a restart: asked, the soak goes on",
         soaked_after_restart, false},
        {"gate Skip: cut at once", skip, false},
        {"no Deployment", no_deployment, false},
        {"Deployment is being deleted", deployment_leaving, false},
        {"Deployment made anew: recorded anew", deployment_anew, false},
        {"record can't be read: refused", record_broken, false},
        {"somebody scaled up after the cut: repaired without a soak", scaled_by_other, false},
        {"… while the gate is closed: left", scaled_by_other_closed, false},
        {"… while the gate is closed, Skip", scaled_by_other_skip, false},
        {"taken up again after Revert: from the beginning", taken_up_again, false},
    };
    cluster_golden(ID, coredns_good, rows, ARRAY_LEN(rows),
                   "test/golden/adjust/coredns-deployment.txt");
}
END_TEST

START_TEST(revert)
{
    static const struct cluster_row rows[] = {
        {"no record", first_time, true},
        {"recorded, not cut: dropped", recorded_only, true},
        {"at zero: put back", coredns_zero, true},
        {"crash after the cut, before it was recorded: put back", zero_just_now, true},
        {"it was 1", recorded_one, true},
        {"it was 0", recorded_zero, true},
        {"put back: dropped", reverting, true},
        {"put back, not observed", reverting_not_observed, true},
        {"put back, not available", reverting_unavailable, true},
        {"… and kept apart from the DaemonSet's pods", reverting_apart, true},
        {"… no room: on the cloud node, which is shown all", apart_no_room, true},
        {"… two nodes in a pool: one can spare its pod", apart_two_in_a_pool, true},
        {"… no annotation: all but one can", apart_no_annotation, true},
        {"… nobody can", apart_nobody_can_spare, true},
        {"… one has room already", apart_one_free, true},
        {"… enough have", apart_all_free, true},
        {"put back, 1 of 3 available", reverting_three, true},
        {"scaled by others since: left", scaled_since, true},
        {"fallen back, restored", fell_available, true},
        {"fallen back, crash before the replicas", fell, true},
        {"Deployment is gone", deployment_gone, true},
        {"Deployment is another one", deployment_anew, true},
        {"record can't be read: refused", record_broken, true},
    };
    cluster_golden(ID, coredns_good, rows, ARRAY_LEN(rows),
                   "test/golden/adjust/coredns-deployment-revert.txt");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("coredns_deployment");
    TCase *tcase = tcase_create("golden");
    tcase_add_test(tcase, enforce);
    tcase_add_test(tcase, revert);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
