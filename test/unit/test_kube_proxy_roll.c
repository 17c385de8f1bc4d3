#include "adjust/kube_proxy_roll.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/cluster_fixture.h"
#include "unit/unit.h"

/* Pods that are an hour old are stale, those a minute old are not. */
enum {
    OLD = 3600000,
    NEW = 60000
};

struct node_row {
    bool offline;
    bool ready;
    int64_t age_ms; /* of its pod; 0: it has none */
};

struct row {
    const char *name;
    struct node_row nodes[5];
    int64_t pass_ms; /* since the pods were first seen so */
    const char *wave;
    size_t left;
    const char *plan; /* "STATE requeue: note…: pods deleted" */
};

static const struct row rows[] = {
    {"nothing stale", {{0, 1, NEW}, {0, 1, NEW}}, 0, "10%", 0, "InForce 0:"},
    {"canary", {{0, 1, OLD}, {0, 1, OLD}, {0, 1, OLD}}, 0, "100%", 3, "Changing 0: n0"},
    {"canary: a Ready one first", {{0, 0, OLD}, {0, 1, OLD}}, 0, "100%", 2, "Changing 0: n1"},
    {"canary is not Ready yet", {{0, 0, NEW}, {0, 1, OLD}}, 1000, "100%", 1, "Changing 15000:"},
    {"canary soaks", {{0, 1, NEW}, {0, 1, OLD}}, 5000, "100%", 1, "Changing 10000:"},
    {"canary proven",
     {{0, 1, NEW}, {0, 1, OLD}, {0, 1, OLD}},
     15000,
     "100%",
     2,
     "Changing 0: n1 n2"},
    {"a wave of 40% of 5",
     {{0, 1, NEW}, {0, 1, OLD}, {0, 1, OLD}, {0, 1, OLD}, {0, 1, OLD}},
     15000,
     "40%",
     4,
     "Changing 0: n1 n2"},
    {"a wave is one at least",
     {{0, 1, NEW}, {0, 1, OLD}, {0, 1, OLD}, {0, 1, OLD}, {0, 1, OLD}},
     15000,
     "1%",
     4,
     "Changing 0: n1"},
    {"failed", {{0, 0, NEW}, {0, 1, OLD}}, 180000, "100%", 1, "Held 15000: RollStopped"},
    {"not failed yet", {{0, 0, NEW}, {0, 1, OLD}}, 179999, "100%", 1, "Changing 15000:"},
    {"a pod is missing",
     {{0, 1, NEW}, {0, 1, 0}, {0, 1, OLD}},
     15000,
     "100%",
     1,
     "Changing 15000:"},
    {"offline is skipped",
     {{1, 1, OLD}, {0, 1, NEW}, {0, 1, OLD}},
     15000,
     "100%",
     2,
     "Changing 15000: OfflineNodesPending n2"},
    {"only offline left",
     {{1, 1, OLD}, {0, 1, NEW}},
     15000,
     "100%",
     1,
     "InForce 15000: OfflineNodesPending"},
    {"back again", {{0, 1, OLD}, {0, 1, NEW}}, 15000, "100%", 1, "Changing 0: n0"},
    {"an offline node's new pod does not count",
     {{1, 0, NEW}, {0, 1, OLD}},
     180000,
     "100%",
     1,
     "Changing 0: n1"},
};

static void build(struct cluster *c, const struct row *row)
{
    int64_t wanted = 0;
    cluster_init(c);
    cluster_load(c, "test/fixtures/kubeadm-1.37.2/daemonset-kube-proxy.json");
    for (size_t i = 0; i < ARRAY_LEN(row->nodes); i++) {
        const struct node_row *node = &row->nodes[i];
        AUTO_FREE char *name = xasprintf("n%zu", i);
        if (!node->ready && node->age_ms == 0) {
            continue;
        }
        wanted++;
        cluster_node(c, name, "pool");
        if (node->age_ms > 0) {
            cluster_pod(c, "kube-proxy", name, "ds", node->ready, node->age_ms);
        }
    }
    AUTO_FREE char *patch = xasprintf("{\"metadata\":{\"uid\":\"ds\"},\"status\":{"
                                      "\"desiredNumberScheduled\":%" PRId64 "}}",
                                      wanted);
    cluster_merge(c, "DaemonSet/kube-system/kube-proxy", patch);
    AUTO_FREE char *wave = xasprintf("{\"kube-proxy-kubeconfig.wave\":\"%s\"}", row->wave);
    cluster_policy(c, wave);
    /* a pod that another controller owns is left alone */
    cluster_pod(c, "kube-proxy", "foreign", "other", true, OLD);
}

static void pass(struct cluster *c, const struct row *row)
{
    cluster_pass(c, row->pass_ms);
    for (size_t i = 0; i < ARRAY_LEN(row->nodes); i++) {
        AUTO_FREE char *name = xasprintf("n%zu", i);
        cluster_lease(c, name, row->nodes[i].offline ? OLD : 1000);
    }
    cluster_read_leases(c);
}

static char *summary(const struct plan *plan)
{
    struct buf text = BUF_INIT(4096);
    buf_printf(&text, "%s %" PRId64 ":", plan_state_word(plan->state), plan->requeue_ms);
    for (size_t i = 0; i < plan->notes_len; i++) {
        buf_printf(&text, " %s", plan->notes[i].reason);
    }
    for (size_t i = 0; i < plan->actions_len; i++) {
        ck_assert_int_eq(plan->actions[i].verb, ACTION_DELETE);
        buf_printf(&text, " %s", plan->actions[i].name + strlen("kube-proxy-"));
    }
    return buf_take(&text);
}

START_TEST(rolls)
{
    const struct row *row = &rows[_i];
    struct cluster c;
    struct snapshot seen;
    AUTO(plan) struct plan plan = {0};
    build(&c, row);
    const struct roll_window window = {0, c.wall_ms - 10 * NEW};
    pass(&c, row);
    world_snapshot(&c.world, c.wall_ms, &seen);
    size_t left = kube_proxy_roll(&seen, &c.world.policy, &window, c.now_ms, &plan);
    AUTO_FREE char *got = summary(&plan);
    ck_assert_msg(strcmp(got, row->plan) == 0, "%s: %s, not %s", row->name, got, row->plan);
    ck_assert_msg(left == row->left, "%s: %zu left, not %zu", row->name, left, row->left);
    cluster_finish(&c);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kube_proxy_roll");
    TCase *tcase = tcase_create("roll");
    tcase_add_loop_test(tcase, rolls, 0, ARRAY_LEN(rows));
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
