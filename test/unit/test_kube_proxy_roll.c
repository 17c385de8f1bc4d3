#include "adjust/kube_proxy_roll.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/cluster_fixture.h"
#include "unit/unit.h"

#define DAEMONSET "DaemonSet/kube-system/kube-proxy"

/* Pods that are an hour old are stale, those a minute old are not. */
enum {
    OLD = 3600000,
    NEW = 60000
};

/*
 * The nodes n0, n1, …, a letter each: S its pod is stale, F it is fresh (in lower case: not
 * Ready), E it is stale and ending, U a fresh one is not bound yet, - it has none, W a Windows node
 * without any, G a fresh pod whose node is gone. Behind ~ the node is offline.
 */
struct row {
    const char *name;
    const char *nodes;
    int64_t pass_ms; /* since the pods were first seen so */
    const char *wave;
    bool settled;
    bool left;
    const char *plan; /* "STEP STATE requeue: note…: pods deleted" */
    const char *says; /* in the last note; NULL: whatever */
};

static const struct row rows[] = {
    {"nothing stale", "FF", 0, "10%", true, false, "DONE InForce 0:", NULL},
    {"a roll has ended, a pod fails later", "Ff", 180000, "10%", true, false,
     "DONE InForce 0:", NULL},
    {"canary", "SSS", 0, "100%", false, true, "WAVE Changing 0: n0", NULL},
    {"canary: a Ready one first", "sS", 0, "100%", false, true, "WAVE Changing 0: n1", NULL},
    {"canary is not Ready yet", "fS", 1000, "100%", false, true, "WAIT Changing 15000: RollWaiting",
     "Ready for 15s"},
    {"canary soaks", "FS", 5000, "100%", false, true, "WAIT Changing 10000: RollWaiting", NULL},
    {"canary proven", "FSS", 15000, "100%", false, true, "WAVE Changing 0: n1 n2", NULL},
    {"a wave of 40% of 5", "FSSSS", 15000, "40%", false, true, "WAVE Changing 0: n1 n2", NULL},
    {"a wave is one at least", "FSSSS", 15000, "1%", false, true, "WAVE Changing 0: n1", NULL},
    {"not failed yet", "fS", 179999, "100%", false, true, "WAIT Changing 15000: RollWaiting", NULL},
    {"failed", "fS", 180000, "100%", false, true, "WAIT Held 15000: RollStopped",
     "kube-proxy-n0 on node n0 is not Ready"},
    {"the last one ends", "FE", 15000, "100%", false, true, "WAIT Changing 15000: RollWaiting",
     NULL},
    {"the last one does not end", "FE", 180000, "100%", false, true, "WAIT Held 15000: RollStopped",
     "kube-proxy-n1 on node n1 is still there"},
    {"the last one is not there yet", "F-", 15000, "100%", false, false,
     "WAIT Changing 15000: RollWaiting", NULL},
    {"the last one is not bound yet", "FU", 15000, "100%", false, false,
     "WAIT Changing 15000: RollWaiting", NULL},
    {"the last one is not Ready yet", "Ff", 15000, "100%", false, false,
     "WAIT Changing 15000: RollWaiting", NULL},
    {"the last one soaks", "FF", 14999, "100%", false, false, "WAIT Changing 1: RollWaiting", NULL},
    {"the last one is proven", "FF", 15000, "100%", false, false, "DONE InForce 0:", NULL},
    {"the last one failed", "Ff", 180000, "100%", false, false, "WAIT Held 15000: RollStopped",
     "kube-proxy-n1 on node n1 is not Ready"},
    {"a pod is missing", "F-S", 15000, "100%", false, true, "WAIT Changing 15000: RollWaiting",
     NULL},
    {"a pod of a node that is gone stands for no other", "F-SG", 15000, "100%", false, true,
     "WAIT Changing 15000: RollWaiting", NULL},
    {"missing, but not for long", "F-S", 374999, "100%", false, true,
     "WAIT Changing 15000: RollWaiting", NULL},
    {"missing for long", "F-SW", 375000, "100%", false, true, "WAIT Held 15000: RollStopped",
     "is made on node n1, though"},
    {"the canary is missing for long", "-S", 375000, "100%", false, true,
     "WAIT Held 15000: RollStopped", "is made on node n0, though"},
    {"missing on an offline node only", "F~-S", 375000, "100%", false, true, "WAVE Changing 0: n2",
     NULL},
    {"offline is skipped", "~SFS", 15000, "100%", false, true,
     "WAVE Changing 15000: OfflineNodesPending n2", NULL},
    {"only offline left", "~SF", 15000, "100%", false, true,
     "DONE InForce 15000: OfflineNodesPending", "n0"},
    {"only offline left, the last one soaks", "~SF", 5000, "100%", false, true,
     "WAIT Changing 10000: OfflineNodesPending RollWaiting", NULL},
    {"only offline left, a roll has ended, a pod fails later", "~Sf", 180000, "100%", true, true,
     "DONE InForce 15000: OfflineNodesPending", NULL},
    {"back again", "SF", 15000, "100%", true, true, "WAVE Changing 0: n0", NULL},
    {"an offline node's new pod does not count", "~fS", 180000, "100%", false, true,
     "WAVE Changing 0: n1", NULL},
};

static void add_node(struct cluster *c, const char *name, char kind)
{
    AUTO_FREE char *pod = xasprintf("Pod/kube-system/kube-proxy-%s", name);
    AUTO_FREE char *node = xasprintf("Node//%s", name);
    if (kind != 'G') {
        cluster_node(c, name, "pool");
    }
    if (kind == 'W') {
        cluster_merge(c, node, "{\"metadata\":{\"labels\":{\"kubernetes.io/os\":\"windows\"}}}");
    } else if (kind != '-') {
        bool stale = tolower(kind) == 's' || kind == 'E';
        cluster_pod(c, "kube-proxy", name, "ds", isupper(kind) && kind != 'U', stale ? OLD : NEW);
    }
    if (kind == 'E') {
        cluster_merge(c, pod, "{\"metadata\":{\"deletionTimestamp\":\"2026-11-24T08:00:00Z\"}}");
    } else if (kind == 'U') {
        cluster_merge(c, pod, "{\"spec\":{\"nodeName\":null}}");
    }
}

static void build(struct cluster *c, const struct row *row)
{
    unsigned nodes = 0;
    int64_t wanted = 0;
    cluster_init(c);
    cluster_load(c, "test/fixtures/kubeadm-1.37.2/daemonset-kube-proxy.json");
    for (const char *kind = row->nodes; *kind != '\0'; kind++) {
        if (*kind != '~') {
            AUTO_FREE char *name = xasprintf("n%u", nodes++);
            add_node(c, name, *kind);
            wanted += *kind != 'W' && *kind != 'G';
        }
    }
    AUTO_FREE char *patch = xasprintf("{\"metadata\":{\"uid\":\"ds\"},\"status\":{"
                                      "\"desiredNumberScheduled\":%" PRId64 "}}",
                                      wanted);
    cluster_merge(c, DAEMONSET, patch);
    AUTO_FREE char *wave = xasprintf("{\"kube-proxy-kubeconfig.wave\":\"%s\"}", row->wave);
    cluster_policy(c, wave);
    cluster_state(c, "{}");
    /* a pod that another controller owns is left alone */
    cluster_pod(c, "kube-proxy", "foreign", "other", true, OLD);
}

static void pass(struct cluster *c, const struct row *row)
{
    unsigned nodes = 0;
    cluster_pass(c, row->pass_ms);
    for (const char *kind = row->nodes; *kind != '\0'; kind++) {
        if (*kind != '~' && *kind != 'G') {
            AUTO_FREE char *name = xasprintf("n%u", nodes++);
            cluster_lease(c, name, kind > row->nodes && kind[-1] == '~' ? OLD : 1000);
        }
    }
    cluster_read_leases(c);
}

static char *summary(const char *step, const struct plan *plan)
{
    struct buf text = BUF_INIT(4096);
    buf_printf(&text, "%s %s %" PRId64 ":", step, plan_state_word(plan->state), plan->requeue_ms);
    for (size_t i = 0; i < plan->notes_len; i++) {
        buf_printf(&text, " %s", plan->notes[i].reason);
    }
    for (size_t i = 0; i < plan->actions_len; i++) {
        ck_assert_int_eq(plan->actions[i].verb, ACTION_DELETE);
        buf_printf(&text, " %s", plan->actions[i].name + strlen("kube-proxy-"));
    }
    return buf_take(&text);
}

/* The next step, and its wave. Owned by the caller. */
static char *step(const struct cluster *c, const struct roll_window *window, struct plan *plan)
{
    static const char *const words[] = {
        [ROLL_DONE] = "DONE", [ROLL_WAIT] = "WAIT", [ROLL_WAVE] = "WAVE"};
    struct snapshot seen;
    world_snapshot(&c->world, c->wall_ms, &seen);
    enum roll_step next = kube_proxy_roll_next(&seen, &c->world.policy, window, c->now_ms, plan);
    if (next == ROLL_WAVE) {
        kube_proxy_roll_wave(&seen, &c->world.policy, window, c->now_ms, plan);
    }
    return summary(words[next], plan);
}

START_TEST(rolls)
{
    const struct row *row = &rows[_i];
    struct cluster c;
    struct snapshot seen;
    AUTO(plan) struct plan plan = {0};
    build(&c, row);
    const struct roll_window window = {0, c.wall_ms - 10 * NEW, row->settled};
    pass(&c, row);
    AUTO_FREE char *got = step(&c, &window, &plan);
    ck_assert_msg(strcmp(got, row->plan) == 0, "%s: %s, not %s", row->name, got, row->plan);
    world_snapshot(&c.world, c.wall_ms, &seen);
    ck_assert_msg(kube_proxy_roll_left(&seen, &window) == row->left, "%s", row->name);
    if (row->says != NULL) {
        const char *message = plan.notes[plan.notes_len - 1].message;
        ck_assert_msg(strstr(message, row->says) != NULL, "%s: %s", row->name, message);
    }
    cluster_finish(&c);
}
END_TEST

/* Nothing is deleted in the second of the edit; a clock that is behind does not matter. */
START_TEST(second_of_the_edit)
{
    static const struct {
        int64_t since_ms;
        const char *plan;
    } times[] = {
        {-1, "WAVE Changing 0: n0"},
        {0, "WAIT Changing 1000:"},
        {999, "WAIT Changing 1:"},
        {1000, "WAVE Changing 0: n0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        const struct row row = {.nodes = "SS", .wave = "100%"};
        struct cluster c;
        AUTO(plan) struct plan plan = {0};
        build(&c, &row);
        pass(&c, &row);
        const struct roll_window window = {0, c.wall_ms - times[i].since_ms, false};
        AUTO_FREE char *got = step(&c, &window, &plan);
        ck_assert_str_eq(got, times[i].plan);
        cluster_finish(&c);
    }
}
END_TEST

/* A roll that is under way asks for the Leases, one that has ended needs none. */
START_TEST(leases)
{
    const struct row row = {.nodes = "FF", .wave = "100%"};
    struct cluster c;
    AUTO(plan) struct plan plan = {0};
    AUTO(plan) struct plan later = {0};
    build(&c, &row);
    struct roll_window window = {0, c.wall_ms - 10 * NEW, false};
    AUTO_FREE char *under_way = step(&c, &window, &plan);
    ck_assert_str_eq(under_way, "WAIT Changing 0:");
    ck_assert(plan.wants_leases);
    window.settled = true;
    AUTO_FREE char *ended = step(&c, &window, &later);
    ck_assert_str_eq(ended, "DONE InForce 0:");
    ck_assert(!later.wants_leases);
    cluster_finish(&c);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kube_proxy_roll");
    TCase *tcase = tcase_create("roll");
    tcase_add_loop_test(tcase, rolls, 0, ARRAY_LEN(rows));
    tcase_add_test(tcase, second_of_the_edit);
    tcase_add_test(tcase, leases);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
