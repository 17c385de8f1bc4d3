#include "unit/coredns_sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/unit.h"

enum {
    LEASE_ALIVE_MS = 50000,
    GRACE_MS = 30000,
    SLACK_MS = 45000, /* rounds are up to 20 s long, and a server that failed is asked twice */
    SETTLE_ROUNDS = 1000,
    SETTLE_PASS_MS = 20000,
};

static const char *const ids[] = {"service-topology", "coredns-daemonset", "coredns-deployment"};

unsigned sim_below(struct sim *sim, unsigned limit)
{
    sim->seed = sim->seed * 1103515245U + 12345U;
    return (sim->seed >> 16) % limit;
}

static const char *pod_name(char *out, size_t size, const char *kind, const struct sim_node *node)
{
    snprintf(out, size, "Pod/kube-system/%s-%s", kind, node->name);
    return out;
}

static bool is_ready(const struct json_object *object)
{
    return strcmp(json_get_str_or(object_condition(object, "Ready"), "status", ""), "True") == 0;
}

int64_t sim_replicas(const struct sim *sim)
{
    return json_get_int(cluster_get(&sim->c, COREDNS_DEPLOYMENT), "spec/replicas", -1);
}

/* --- what the invariants are judged by, not by the code under test --- */

static bool is_live(const struct sim *sim, const struct sim_node *node)
{
    const int64_t *renewed = strmap_get(&sim->c.world.leases, node->name);
    return renewed != NULL && sim->c.wall_ms - *renewed <= LEASE_ALIVE_MS;
}

/* Whether the pool (-1: the cloud) has a live node, and a Ready pod of that kind on one. */
static bool has_live(const struct sim *sim, int pool)
{
    for (size_t i = 0; i < sim->len; i++) {
        if (sim->nodes[i].pool == pool && is_live(sim, &sim->nodes[i])) {
            return true;
        }
    }
    return false;
}

static bool has_server(const struct sim *sim, int pool, const char *kind)
{
    char key[64];
    for (size_t i = 0; i < sim->len; i++) {
        const struct sim_node *node = &sim->nodes[i];
        if (node->pool == pool && is_live(sim, node) &&
            is_ready(cluster_get(&sim->c, pod_name(key, sizeof(key), kind, node)))) {
            return true;
        }
    }
    return false;
}

static void check_cut(const struct sim *sim)
{
    for (int pool = -1; pool < SIM_POOLS; pool++) {
        ck_assert_msg(!has_live(sim, pool) || has_server(sim, pool, "ds"),
                      "scaled to 0 while pool %d is live and has no pod of the DaemonSet", pool);
    }
}

static bool is_annotated(const struct sim *sim)
{
    return json_get(cluster_get(&sim->c, COREDNS_SERVICE),
                    "metadata/annotations/openyurt.io~1topologyKeys") != NULL;
}

/* Whether a live pool has a server that its nodes are shown: any, or with the annotation its own.
 * The cloud's nodes have no yurthub here and are shown all there are. */
static bool is_served(const struct sim *sim, int pool)
{
    return has_server(sim, pool, "ds") || has_server(sim, pool, "rs") ||
           (sim_replicas(sim) != 0 && (pool < 0 || !is_annotated(sim)));
}

static void check_annotate(const struct sim *sim)
{
    for (int pool = 0; pool < SIM_POOLS; pool++) {
        ck_assert_msg(!has_live(sim, pool) || has_server(sim, pool, "ds") ||
                          has_server(sim, pool, "rs"),
                      "annotated while pool %d is live and has no server", pool);
    }
}

static void check_write(struct sim *sim, const struct action *action)
{
    if (strcmp(action->resource->kind, "Service") == 0 &&
        json_get_str(action->body, "metadata/annotations/openyurt.io~1topologyKeys") != NULL) {
        check_annotate(sim);
    }
    bool deployment = strcmp(action->resource->kind, "Deployment") == 0;
    size_t last = json_array_len(action->body);
    if (deployment && last > 0 &&
        json_get_int(json_array_at(action->body, last - 1), "value", -1) == 0) {
        check_cut(sim);
        sim->cuts++;
    }
    sim->fallbacks += action->event != NULL && strcmp(action->event, "Restored") == 0;
    if (action->verb == ACTION_DELETE && strcmp(action->resource->kind, "DaemonSet") == 0) {
        const struct json_object *other = cluster_get(&sim->c, COREDNS_DEPLOYMENT);
        ck_assert_msg(json_get_int(other, "status/availableReplicas", 0) > 0,
                      "the DaemonSet goes while the Deployment does not serve");
    }
}

/* A live pool without a server, by the cut or by the annotation, must not be left alone for long.
 */
static void check_dark(struct sim *sim, int64_t passed_ms)
{
    bool put_back = sim_replicas(sim) > 0;
    int64_t available =
        json_get_int(cluster_get(&sim->c, COREDNS_DEPLOYMENT), "status/availableReplicas", 0);
    if (put_back && available == 0) {
        return; /* all was done that can be: its pods come up in their own time */
    }
    for (int pool = -1; pool < SIM_POOLS; pool++) {
        bool dark = has_live(sim, pool) && !is_served(sim, pool);
        sim->soak_darks += dark && sim_replicas(sim) != 0;
        int64_t *dark_ms = &sim->dark_ms[pool + 1];
        *dark_ms = dark ? *dark_ms + passed_ms : 0;
        ck_assert_msg(*dark_ms <= GRACE_MS + SLACK_MS, "pool %d is without DNS for %" PRId64 " ms",
                      pool, *dark_ms);
    }
}

/* --- controllers --- */

static void merge_status(struct cluster *c, const char *key, const char *member, int64_t value)
{
    const struct json_object *object = cluster_get(c, key);
    int64_t generation = json_get_int(object, "metadata/generation", 1);
    AUTO_FREE char *path = xasprintf("status/%s", member);
    if (json_get_int(object, path, -1) == value &&
        json_get_int(object, "status/observedGeneration", -1) == generation) {
        return;
    }
    AUTO_FREE char *patch =
        xasprintf("{\"status\":{\"observedGeneration\":%" PRId64 ",\"%s\":%" PRId64 "}}",
                  generation, member, value);
    cluster_merge(c, key, patch);
}

/* A pod is made not Ready, and Ready a round later; on an offline node nothing happens to it. */
static void keep_pod(struct sim *sim, enum coredns_owner owner, const struct sim_node *node,
                     bool wanted, int64_t *ready)
{
    char key[64];
    pod_name(key, sizeof(key), owner == COREDNS_DS ? "ds" : "rs", node);
    const struct json_object *pod = cluster_get(&sim->c, key);
    bool was_ready = is_ready(pod);
    bool may = !node->broken || owner == COREDNS_RS;
    if (pod != NULL && !wanted) {
        cluster_delete(&sim->c, key);
    } else if (wanted && (pod == NULL || (!node->offline && was_ready != may))) {
        coredns_pod(&sim->c, owner, node->name, pod != NULL && may);
    }
    *ready += wanted && is_ready(cluster_get(&sim->c, key));
}

static void control_daemonset(struct sim *sim)
{
    int64_t ready = 0;
    const struct json_object *daemonset = cluster_get(&sim->c, COREDNS_DAEMONSET);
    if (daemonset != NULL && json_get(daemonset, "metadata/deletionTimestamp") != NULL) {
        cluster_delete(&sim->c, COREDNS_DAEMONSET);
        daemonset = NULL;
    }
    if (daemonset != NULL &&
        json_get(daemonset, "metadata/annotations/deprecated.daemonset.template.generation") ==
            NULL) {
        cluster_merge(&sim->c, COREDNS_DAEMONSET,
                      "{\"metadata\":{\"generation\":1,\"annotations\":{"
                      "\"deprecated.daemonset.template.generation\":\"1\"}}}");
    }
    bool wanted = daemonset != NULL;
    for (size_t i = 0; i < sim->len; i++) {
        keep_pod(sim, COREDNS_DS, &sim->nodes[i], wanted, &ready);
    }
    if (wanted) {
        merge_status(&sim->c, COREDNS_DAEMONSET, "desiredNumberScheduled", (int64_t)sim->len);
        merge_status(&sim->c, COREDNS_DAEMONSET, "updatedNumberScheduled", (int64_t)sim->len);
        merge_status(&sim->c, COREDNS_DAEMONSET, "numberReady", ready);
        merge_status(&sim->c, COREDNS_DAEMONSET, "numberAvailable", ready);
    }
}

static void control_deployment(struct sim *sim)
{
    int64_t left = sim_replicas(sim);
    int64_t ready = 0;
    for (size_t i = 0; i < sim->len; i++) {
        bool wanted = left > 0 && !sim->nodes[i].offline;
        keep_pod(sim, COREDNS_RS, &sim->nodes[i], wanted, &ready);
        left -= wanted;
    }
    merge_status(&sim->c, COREDNS_DEPLOYMENT, "availableReplicas", ready);
}

static void renew_leases(struct sim *sim)
{
    for (size_t i = 0; i < sim->len; i++) {
        if (!sim->nodes[i].offline) {
            cluster_lease(&sim->c, sim->nodes[i].name, 1000);
        }
    }
}

/* --- the operator --- */

static void answer(struct sim *sim, const char *address)
{
    char key[64];
    enum dns_result result = DNS_SILENT;
    for (size_t i = 0; i < sim->len; i++) {
        const struct sim_node *node = &sim->nodes[i];
        const struct json_object *pod =
            cluster_get(&sim->c, pod_name(key, sizeof(key), "ds", node));
        if (pod != NULL && strcmp(json_get_str(pod, "status/podIP"), address) == 0 &&
            sim->reachable && !node->offline) {
            result = node->erring ? DNS_FAILED : DNS_ANSWERED;
        }
    }
    struct dns_observation *said = xmalloc(sizeof(*said));
    *said = (struct dns_observation){result, sim->c.now_ms};
    strmap_set(&sim->c.world.dns, address, said);
}

/* Leases live on the server; what DNS said is forgotten. */
static void crash(struct sim *sim)
{
    struct strmap leases = sim->c.world.leases;
    sim->c.world.leases = STRMAP_INIT(free);
    cluster_restart(&sim->c);
    strmap_finish(&sim->c.world.leases);
    sim->c.world.leases = leases;
    sim->c.world.can_ask_dns = true;
    sim->c.world.watching_since_ms = sim->c.now_ms;
}

/* The API server counts a change of the spec. */
static void count_generation(struct cluster *c, const char *key, const char *spec_before)
{
    const struct json_object *object = cluster_get(c, key);
    AUTO_FREE char *spec = object != NULL ? json_text(json_get(object, "spec")) : NULL;
    if (spec != NULL && strcmp(spec, spec_before) != 0) {
        AUTO_FREE char *patch = xasprintf("{\"metadata\":{\"generation\":%" PRId64 "}}",
                                          json_get_int(object, "metadata/generation", 1) + 1);
        cluster_merge(c, key, patch);
    }
}

/* Returns false when the rest of the plan is lost. */
static bool write_one(struct sim *sim, const struct action *action)
{
    struct err err = {0};
    AUTO_FREE char *key = xasprintf("%s/%s/%s", action->resource->kind, action->ns, action->name);
    AUTO_FREE char *spec = json_text(json_get(cluster_get(&sim->c, key), "spec"));
    check_write(sim, action);
    sim->repairs += action->field != NULL;
    if (cluster_apply(&sim->c, action, &err) < 0) {
        return false;
    }
    if (action->verb != ACTION_DELETE && strcmp(action->resource->group, "apps") == 0) {
        count_generation(&sim->c, key, spec);
    }
    cluster_pass(&sim->c, 100);
    if (++sim->writes == sim->crash_after) {
        crash(sim);
        return false;
    }
    return true;
}

/* One reconcile as the engine does it; returns whether there may be more to do right away. */
static bool reconcile(struct sim *sim, const char *id, bool *ret_settled)
{
    AUTO(plan) struct plan plan = {0};
    const struct adjustment *adjustment = adjustment_find(id);
    enum mode mode = policy_mode(&sim->c.world.policy, adjustment);
    cluster_plan(&sim->c, id, mode == MODE_REVERT, &plan);
    *ret_settled = plan.actions_len == 0 && plan.dns_len == 0 && !plan.wants_leases &&
                   plan.state == (mode == MODE_REVERT ? PLAN_REVERTED : PLAN_IN_FORCE);
    if (plan.wants_leases) {
        cluster_read_leases(&sim->c);
        return true;
    }
    for (size_t i = 0; i < plan.dns_len; i++) {
        answer(sim, plan.dns[i]);
    }
    for (size_t i = 0; i < plan.actions_len; i++) {
        if (!write_one(sim, &plan.actions[i])) {
            return true;
        }
    }
    return plan.dns_len > 0 || plan.actions_len > 0;
}

bool sim_round(struct sim *sim, int64_t pass_ms)
{
    bool busy = false;
    cluster_pass(&sim->c, pass_ms);
    renew_leases(sim);
    control_deployment(sim);
    control_daemonset(sim);
    coredns_slice(&sim->c);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        bool settled = false;
        for (int turn = 0; turn < 20 && reconcile(sim, ids[i], &settled); turn++) {
        }
        busy = busy || !settled;
    }
    check_dark(sim, pass_ms);
    return busy;
}

void sim_settle(struct sim *sim)
{
    int quiet = 0;
    for (int round = 0; round < SETTLE_ROUNDS && quiet < 3; round++) {
        quiet = sim_round(sim, SETTLE_PASS_MS) ? 0 : quiet + 1;
    }
    for (size_t i = 0; i < ARRAY_LEN(ids) && quiet < 3; i++) {
        AUTO(buf) struct buf text = BUF_INIT(1 << 16);
        cluster_case(&sim->c, &text, "does not settle", ids[i],
                     policy_mode(&sim->c.world.policy, adjustment_find(ids[i])) == MODE_REVERT);
        fprintf(stderr, "%s", buf_str(&text));
    }
    ck_assert_msg(quiet == 3, "does not settle");
}

void sim_mode(struct sim *sim, const char *mode)
{
    AUTO_FREE char *data = xasprintf("{\"service-topology\":\"%s\",\"coredns-daemonset\":\"%s\","
                                     "\"coredns-deployment\":\"%s\","
                                     "\"coredns-deployment.ready\":\"%s\"}",
                                     mode, mode, mode, sim->ready);
    cluster_policy(&sim->c, data);
}

void sim_start(struct sim *sim, unsigned seed, const char *mode)
{
    *sim = (struct sim){.seed = seed, .crash_after = SIM_NO_CRASH};
    cluster_init(&sim->c);
    sim->c.world.can_ask_dns = true;
    sim->c.world.watching_since_ms = sim->c.now_ms;
    sim->reachable = sim_below(sim, 2) == 0;
    /* a low one, so that the conditions for each pool have to do it alone */
    sim->ready = sim_below(sim, 2) == 0 ? "90%" : "1%";
    sim->len = 2 + sim_below(sim, SIM_NODES_MAX - 1);
    cluster_load(&sim->c, "test/fixtures/kubeadm-1.37.2/service-kube-dns.json");
    cluster_load(&sim->c, "test/fixtures/kubeadm-1.37.2/deployment-coredns.json");
    cluster_load(&sim->c, "test/fixtures/kubeadm-1.37.2/configmap-coredns.json");
    for (size_t i = 0; i < sim->len; i++) {
        struct sim_node *node = &sim->nodes[i];
        snprintf(node->name, sizeof(node->name), "node-%zu", i);
        node->pool = i < 1 ? -1 : (int)sim_below(sim, SIM_POOLS + 1) - 1;
        AUTO_FREE char *pool = xasprintf("pool-%d", node->pool);
        cluster_node(&sim->c, node->name, node->pool >= 0 ? pool : NULL);
    }
    sim_mode(sim, mode);
}

void sim_finish(struct sim *sim)
{
    cluster_finish(&sim->c);
}

char *sim_picture(const struct sim *sim)
{
    const struct cluster *c = &sim->c;
    AUTO_FREE char *annotations =
        json_text(json_get(cluster_get(c, COREDNS_SERVICE), "metadata/annotations"));
    AUTO_FREE char *records = json_text(json_get(cluster_get(c, COREDNS_STATE), "data"));
    return xasprintf(
        "replicas %" PRId64 ", annotations %s, %s, records %s", sim_replicas(sim), annotations,
        cluster_get(c, COREDNS_DAEMONSET) != NULL ? "DaemonSet" : "no DaemonSet", records);
}
