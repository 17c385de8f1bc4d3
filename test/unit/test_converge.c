/*
 * The property of every plan: carried out and made again until nothing is left to do, it ends in
 * force, from any start and with a crash after any action, and Revert ends where it began.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/cluster_fixture.h"
#include "unit/unit.h"

#define SERVICE "Service/kube-system/kube-dns"
#define CONFIG "ConfigMap/kube-system/kube-proxy"
#define STATE "ConfigMap/kube-system/yurt-steward-state"

enum {
    SEEDS = 12,
    ROUNDS_MAX = 400,
    NO_CRASH = 1 << 20
};

static const char *const ids[] = {"service-topology", "kube-proxy-kubeconfig"};

static unsigned next(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245U + 12345U;
    return (*seed >> 16) % below;
}

static void add_node(struct cluster *c, unsigned *seed, unsigned i, const char *owner)
{
    AUTO_FREE char *name = xasprintf("node-%u", i);
    AUTO_FREE char *pool = next(seed, 4) > 0 ? xasprintf("pool-%u", next(seed, 3)) : NULL;
    cluster_node(c, name, pool);
    cluster_pod(c, "kube-proxy", name, owner, true, 3600000 + (int64_t)next(seed, 1000) * 1000);
    cluster_pod(c, "kube-dns", name, "rs", true, 3600000);
    if (i > 0 && next(seed, 4) == 0) {
        cluster_lease(c, name, 3600000);
    }
    cluster_put(c,
                "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{"
                "\"namespace\":\"kube-system\",\"name\":\"kube-dns-%u\",\"labels\":{"
                "\"kubernetes.io/service-name\":\"kube-dns\"}},\"endpoints\":[{\"addresses\":["
                "\"10.244.%u.2\"],\"nodeName\":\"%s\",\"targetRef\":{\"kind\":\"Pod\",\"name\":"
                "\"kube-dns-%s\"}}]}",
                i, i, name, name);
}

/* A start state, the same for the same seed. */
static void start(struct cluster *c, unsigned seed)
{
    static const char *const values[] = {"null", "\"kubernetes.io/hostname\"", "\"x, y\"", "\"\""};
    static const char *const versions[] = {"1.20.2", "1.37.2"};
    static const char *const waves[] = {"1%", "40%", "100%"};
    const char *version = versions[next(&seed, 2)];
    const char *const kinds[] = {"service-kube-dns", "configmap-kube-proxy",
                                 "daemonset-kube-proxy"};
    cluster_init(c);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        AUTO_FREE char *path = xasprintf("test/fixtures/kubeadm-%s/%s.json", version, kinds[i]);
        cluster_load(c, path);
    }
    AUTO_FREE char *annotation =
        xasprintf("{\"metadata\":{\"annotations\":{\"openyurt.io/topologyKeys\":%s}}}",
                  values[next(&seed, ARRAY_LEN(values))]);
    cluster_merge(c, SERVICE, annotation);
    AUTO_FREE char *owner =
        xstrdup(json_get_str(cluster_get(c, "DaemonSet/kube-system/kube-proxy"), "metadata/uid"));
    unsigned nodes = 1 + next(&seed, 6);
    for (unsigned i = 0; i < nodes; i++) {
        add_node(c, &seed, i, owner);
    }
    AUTO_FREE char *wanted = xasprintf("{\"status\":{\"desiredNumberScheduled\":%u}}", nodes);
    cluster_merge(c, "DaemonSet/kube-system/kube-proxy", wanted);
    AUTO_FREE char *options =
        xasprintf("{\"kube-proxy-kubeconfig.wave\":\"%s\"}", waves[next(&seed, ARRAY_LEN(waves))]);
    cluster_policy(c, options);
}

/* Who renews its Lease: the live nodes, or all. */
struct renewal {
    struct cluster *cluster;
    bool all;
};

static bool renew(void *arg, const char *key, const struct json_object *object)
{
    const struct renewal *renewal = arg;
    struct cluster *c = renewal->cluster;
    const char *name = json_get_str(object, "metadata/name");
    const int64_t *renewed = strmap_get(&c->world.leases, name);
    if (strncmp(key, "Node/", 5) == 0 && (renewal->all || c->wall_ms - *renewed < 1800000)) {
        cluster_lease(c, name, 1000);
    }
    return true;
}

struct run {
    size_t crash_after; /* actions; the rest of that plan is lost */
    size_t done;
    struct json_object *writes; /* by object, pods as one */
};

/* As cluster_restart; Leases live on the server, not in the operator. */
static void crash(struct cluster *c)
{
    struct strmap leases = c->world.leases;
    c->world.leases = STRMAP_INIT(free);
    cluster_restart(c);
    strmap_finish(&c->world.leases);
    c->world.leases = leases;
}

static void carry_out(struct cluster *c, const struct plan *plan, struct run *run)
{
    for (size_t i = 0; i < plan->actions_len; i++) {
        const struct action *action = &plan->actions[i];
        struct err err = {0};
        ck_assert_msg(action->field == NULL, "a repair, and nobody undid anything: %s",
                      action->reason);
        AUTO_FREE char *key = action->verb == ACTION_DELETE
                                  ? xstrdup("pods")
                                  : xasprintf("%s/%s", action->resource->kind, action->name);
        ck_assert_msg(cluster_apply(c, action, &err) == 0, "%s: %s", key, err.text);
        json_set_int(run->writes, key, json_get_int(json_member(run->writes, key), "", 0) + 1);
        cluster_pass(c, 1000);
        if (++run->done == run->crash_after) {
            crash(c);
            return;
        }
    }
}

static bool check_pod(void *arg, const char *key, const struct json_object *object)
{
    (void)arg;
    if (strncmp(key, "Pod/kube-system/kube-proxy-", 27) == 0) {
        ck_assert_msg(json_get_str(object, "metadata/deletionTimestamp") == NULL, "%s ends", key);
        ck_assert_msg(strcmp(json_get_str_or(object, "status/conditions/0/status", ""), "True") ==
                          0,
                      "%s is not Ready", key);
    }
    return true;
}

/* Settled is said of no roll that is still under way. */
static enum plan_state settled(const struct cluster *c, const struct plan *plan)
{
    json_each(c->objects, check_pod, NULL);
    return plan->state;
}

static enum plan_state settle(struct cluster *c, const char *id, bool revert, struct run *run)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        AUTO(plan) struct plan plan = {0};
        cluster_plan(c, id, revert, &plan);
        if (plan.wants_leases) {
            /* Revert keeps its record for offline nodes; in the end they are back */
            struct renewal renewal = {c, round > ROUNDS_MAX / 2};
            json_each(c->objects, renew, &renewal);
            cluster_read_leases(c);
        } else if (plan.actions_len > 0) {
            carry_out(c, &plan, run);
        } else if (plan.state == PLAN_CHANGING && plan.requeue_ms > 0) {
            cluster_pass(c, plan.requeue_ms);
        } else {
            return settled(c, &plan);
        }
        cluster_run_pods(c);
    }
    ck_abort_msg("%s does not settle", id);
    return PLAN_HELD;
}

/* What people see of the objects that are adjusted. */
static char *picture(const struct cluster *c)
{
    AUTO_FREE char *annotations =
        json_text(json_get(cluster_get(c, SERVICE), "metadata/annotations"));
    AUTO_FREE char *data = json_text(json_get(cluster_get(c, CONFIG), "data"));
    return xasprintf("%s\n%s", annotations, data);
}

/* Runs until settled; returns how many actions it took. */
static size_t run_to_end(struct cluster *c, const char *id, bool revert, size_t crash_after,
                         char **ret_writes)
{
    struct run run = {.crash_after = crash_after, .writes = json_new_object()};
    enum plan_state wanted = revert ? PLAN_REVERTED : PLAN_IN_FORCE;
    ck_assert_str_eq(plan_state_word(settle(c, id, revert, &run)), plan_state_word(wanted));
    size_t done = run.done;
    ck_assert_str_eq(plan_state_word(settle(c, id, revert, &run)), plan_state_word(wanted));
    ck_assert_uint_eq(run.done, done);
    *ret_writes = json_text(run.writes);
    json_unref(run.writes);
    return done;
}

static void check_crashes(unsigned seed, const char *id, bool revert, size_t actions,
                          const char *writes, const char *end)
{
    for (size_t k = 1; k <= actions; k++) {
        struct cluster c;
        AUTO_FREE char *unused = NULL;
        AUTO_FREE char *crashed = NULL;
        start(&c, seed);
        if (revert) {
            run_to_end(&c, id, false, NO_CRASH, &unused);
        }
        run_to_end(&c, id, revert, k, &crashed);
        AUTO_FREE char *now = picture(&c);
        ck_assert_msg(strcmp(crashed, writes) == 0, "seed %u, %s, crash after %zu: %s, not %s",
                      seed, id, k, crashed, writes);
        ck_assert_msg(strcmp(now, end) == 0, "seed %u, %s, crash after %zu: %s", seed, id, k, now);
        cluster_finish(&c);
    }
}

static void check_seed(unsigned seed, const char *id)
{
    struct cluster c;
    AUTO_FREE char *writes = NULL;
    AUTO_FREE char *revert_writes = NULL;
    start(&c, seed);
    AUTO_FREE char *before = picture(&c);
    size_t actions = run_to_end(&c, id, false, NO_CRASH, &writes);
    AUTO_FREE char *end = picture(&c);
    ck_assert_msg(strcmp(before, end) != 0, "seed %u, %s: nothing was done", seed, id);
    size_t back = run_to_end(&c, id, true, NO_CRASH, &revert_writes);
    AUTO_FREE char *after = picture(&c);
    ck_assert_msg(strcmp(before, after) == 0, "seed %u, %s: %s, not %s", seed, id, after, before);
    AUTO_FREE char *left = json_text(json_get(cluster_get(&c, STATE), "data"));
    ck_assert_msg(strcmp(left, "{}") == 0, "seed %u, %s: %s is left", seed, id, left);
    cluster_finish(&c);
    check_crashes(seed, id, false, actions, writes, end);
    check_crashes(seed, id, true, back, revert_writes, before);
}

START_TEST(converges)
{
    const char *only = getenv("CONVERGE_SEED");
    unsigned first = only != NULL ? (unsigned)strtoul(only, NULL, 10) : 1;
    unsigned last = only != NULL ? first : SEEDS;
    for (unsigned seed = first; seed <= last; seed++) {
        check_seed(seed, ids[_i]);
    }
}
END_TEST

/* Both at once share the state ConfigMap: neither may drop the other's record. */
START_TEST(both_share_the_record)
{
    struct cluster c;
    start(&c, 3);
    AUTO_FREE char *before = picture(&c);
    for (size_t i = 0; i < 2 * ARRAY_LEN(ids); i++) {
        AUTO_FREE char *unused = NULL;
        run_to_end(&c, ids[i % 2], i >= 2, NO_CRASH, &unused);
    }
    AUTO_FREE char *after = picture(&c);
    ck_assert_str_eq(after, before);
    cluster_finish(&c);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("converge");
    TCase *tcase = tcase_create("converge");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, converges, 0, ARRAY_LEN(ids));
    tcase_add_test(tcase, both_share_the_record);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
