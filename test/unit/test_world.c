/*
 * What every verb decides from: inputs of which a part cannot be read.
 */
#include "app/show.h"

#include <string.h>

#include "unit/cluster_fixture.h"
#include "unit/unit.h"

static struct cluster cluster;

/* Everything that service-topology needs to act, but for the DNS pods: its gate is skipped. */
static void set_up(void)
{
    cluster_init(&cluster);
    cluster_policy(&cluster,
                   "{\"service-topology\":\"Enforce\",\"service-topology.gate\":\"Skip\"}");
    cluster_put(&cluster, "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":"
                          "{\"name\":\"kube-dns\",\"namespace\":\"kube-system\",\"uid\":\"u\"}}");
    cluster_node(&cluster, "edge-1", "pool");
    cluster_read_leases(&cluster);
}

static void tear_down(void)
{
    cluster_finish(&cluster);
}

static void plan_topology(struct plan *ret_plan)
{
    world_plan(&cluster.world, adjustment_find("service-topology"), cluster.wall_ms, cluster.now_ms,
               ret_plan);
}

static void expect_actions(void)
{
    AUTO(plan) struct plan plan = {0};
    plan_topology(&plan);
    ck_assert_uint_gt(plan.actions_len, 0);
}

static void expect_held(const char *message)
{
    AUTO(plan) struct plan plan = {0};
    plan_topology(&plan);
    ck_assert_uint_eq(plan.actions_len, 0);
    ck_assert_int_eq(plan.state, PLAN_HELD);
    ck_assert_uint_eq(plan.notes_len, 1);
    ck_assert(plan.notes[0].held && plan.notes[0].warning);
    ck_assert_str_eq(plan.notes[0].reason, "UnreadableObject");
    ck_assert_str_eq(plan.notes[0].message, message);
}

START_TEST(nothing_is_decided_from_a_part)
{
    struct store *nodes = cluster.world.stores[INPUT_NODES];
    expect_actions();
    store_put_unreadable(nodes, "", "edge-2", "Node edge-2 cannot be read: labels are odd");
    expect_held("Node edge-2 cannot be read: labels are odd. Nothing is "
                "written until it is corrected or deleted");
    store_put_unreadable(nodes, "", "edge-3", "Node edge-3 cannot be read: it is odd");
    expect_held("Node edge-2 cannot be read: labels are odd (and 1 more). Nothing is "
                "written until it is corrected or deleted");
    cluster_policy(&cluster, "{\"service-topology\":\"Revert\"}");
    expect_held("Node edge-2 cannot be read: labels are odd (and 1 more). Nothing is "
                "written until it is corrected or deleted");
    cluster_policy(&cluster,
                   "{\"service-topology\":\"Enforce\",\"service-topology.gate\":\"Skip\"}");
    store_remove(nodes, "", "edge-2", "1000");
    store_remove(nodes, "", "edge-3", "1001");
    expect_actions();
}
END_TEST

START_TEST(what_the_adjustment_does_not_read_is_no_matter)
{
    store_put_unreadable(cluster.world.stores[INPUT_YURTHUB_PODS], "kube-system", "yurt-hub-1",
                         "Pod kube-system/yurt-hub-1 cannot be read");
    expect_actions();
}
END_TEST

/* Without it, the modes are not what was asked for. */
START_TEST(every_adjustment_reads_the_policy)
{
    store_put_unreadable(cluster.world.stores[INPUT_CONFIG], "kube-system", "yurt-steward",
                         "ConfigMap kube-system/yurt-steward cannot be read");
    expect_held("ConfigMap kube-system/yurt-steward cannot be read. Nothing "
                "is written until it is corrected or deleted");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("world");
    TCase *c = tcase_create("unreadable");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, nothing_is_decided_from_a_part);
    tcase_add_test(c, what_the_adjustment_does_not_read_is_no_matter);
    tcase_add_test(c, every_adjustment_reads_the_policy);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
