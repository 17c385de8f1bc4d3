/*
 * The state ConfigMap's version: an older operator leaves alone what a newer one recorded.
 */
#include "control/snapshot.h"

#include <string.h>

#include "app/intent.h"
#include "base/alloc.h"
#include "base/attr.h"
#include "unit/cluster_fixture.h"
#include "unit/unit.h"

#define STATE "ConfigMap/kube-system/yurt-steward-state"

static struct cluster cluster;

/* kubeadm's objects on one node, for which every adjustment has something to say. */
static void set_up(void)
{
    static const char *const fixtures[] = {"service-kube-dns", "configmap-kube-proxy",
                                           "daemonset-kube-proxy", "deployment-coredns"};
    cluster_init(&cluster);
    for (size_t i = 0; i < ARRAY_LEN(fixtures); i++) {
        AUTO_FREE char *path = xasprintf("test/fixtures/kubeadm-1.37.2/%s.json", fixtures[i]);
        cluster_load(&cluster, path);
    }
    cluster_node(&cluster, "edge-1", "pool");
    cluster_policy(&cluster, "{\"service-topology.gate\":\"Skip\"}");
    cluster_read_leases(&cluster);
}

static void tear_down(void)
{
    cluster_finish(&cluster);
}

/* A state ConfigMap with these annotations (JSON), and a record of each adjustment in it. */
static void put_state(const char *annotations)
{
    cluster_put(&cluster,
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"namespace\":"
                "\"kube-system\",\"name\":\"yurt-steward-state\",\"annotations\":%s},\"data\":{"
                "\"coredns-deployment\":\"{\\\"uid\\\":\\\"gone\\\"}\"}}",
                annotations);
}

static bool is_held(const char *id, bool revert)
{
    AUTO(plan) struct plan plan = {0};
    cluster_plan(&cluster, id, revert, &plan);
    if (plan.notes_len == 0 || strcmp(plan.notes[0].reason, "NewerState") != 0) {
        return false;
    }
    ck_assert_uint_eq(plan.actions_len, 0);
    ck_assert_uint_eq(plan.notes_len, 1);
    ck_assert_int_eq(plan.state, PLAN_HELD);
    ck_assert(plan.notes[0].held && plan.notes[0].warning);
    ck_assert(!plan.wants_leases && plan.dns_len == 0);
    return true;
}

static const struct {
    const char *annotations;
    bool held;
} table[] = {
    {"{}", false}, /* from before there were versions */
    {"null", false},
    {"{\"yurt-steward.io/state-version\":\"1\"}", false},
    {"{\"yurt-steward.io/state-version\":\"2\"}", true},
    {"{\"yurt-steward.io/state-version\":\"10\"}", true},
    {"{\"yurt-steward.io/state-version\":\"1.1\"}", true},
    {"{\"yurt-steward.io/state-version\":\"\"}", true},
    {"{\"yurt-steward.io/state-version\":\" 1\"}", true},
    {"{\"yurt-steward.io/state-version\":\"0\"}", true},
    {"{\"version\":\"2\"}", false},
};

START_TEST(what_is_not_known_holds_everything)
{
    put_state(table[_i].annotations);
    for (size_t i = 0; i < adjustments_len; i++) {
        for (int revert = 0; revert < 2; revert++) {
            ck_assert_msg(is_held(adjustments[i]->id, revert != 0) == table[_i].held,
                          "%s, revert %d: %s", adjustments[i]->id, revert, table[_i].annotations);
        }
    }
}
END_TEST

START_TEST(no_state_holds_nothing)
{
    ck_assert(!is_held("service-topology", false));
}
END_TEST

/* As when the newer one was rolled back with a revert, and its state deleted or written anew. */
START_TEST(it_goes_on_with_a_state_that_it_knows)
{
    put_state("{\"yurt-steward.io/state-version\":\"2\"}");
    ck_assert(is_held("service-topology", false));
    cluster_merge(&cluster, STATE,
                  "{\"metadata\":{\"annotations\":{\"yurt-steward.io/state-version\":\"1\"}}}");
    ck_assert(!is_held("service-topology", false));
    put_state("{\"yurt-steward.io/state-version\":\"2\"}");
    ck_assert(is_held("service-topology", false));
    cluster_delete(&cluster, STATE);
    ck_assert(!is_held("service-topology", false));
}
END_TEST

/* The first record creates the ConfigMap; one that has a version keeps it. */
START_TEST(a_new_state_has_the_version)
{
    struct snapshot seen;
    struct err err = {0};
    AUTO(plan) struct plan plan = {0};
    cluster_plan(&cluster, "service-topology", false, &plan);
    ck_assert_uint_gt(plan.actions_len, 0);
    ck_assert_int_eq(cluster_apply(&cluster, &plan.actions[0], &err), 0);
    const struct json_object *annotations =
        json_get(cluster_get(&cluster, STATE), "metadata/annotations");
    ck_assert_str_eq(json_str(json_member(annotations, STATE_VERSION_ANNOTATION)), STATE_VERSION);
    world_snapshot(&cluster.world, cluster.wall_ms, &seen);
    ck_assert_ptr_null(snapshot_foreign_state(&seen));
}
END_TEST

/* `revert` would set a mode that nobody here can carry out. */
START_TEST(modes_are_left_alone)
{
    const struct intent intent = {.revert = true};
    for (int newer = 0; newer < 2; newer++) {
        struct snapshot seen;
        AUTO(plan) struct plan plan = {0};
        if (newer != 0) {
            put_state("{\"yurt-steward.io/state-version\":\"2\"}");
        }
        world_snapshot(&cluster.world, cluster.wall_ms, &seen);
        intent_plan_modes(&intent, &seen, &plan);
        ck_assert_uint_eq(plan.actions_len, newer != 0 ? 0 : 1);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("state-version");
    TCase *tcase = tcase_create("state-version");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, what_is_not_known_holds_everything, 0, ARRAY_LEN(table));
    tcase_add_test(tcase, no_state_holds_nothing);
    tcase_add_test(tcase, it_goes_on_with_a_state_that_it_knows);
    tcase_add_test(tcase, a_new_state_has_the_version);
    tcase_add_test(tcase, modes_are_left_alone);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
