/*
 * The move of CoreDNS as a whole: the three adjustments together, crashed after every write, and
 * through random histories. SIM_SEEDS=N runs that one history only, SIM_SEEDS=M-N those.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/coredns_sim.h"
#include "unit/unit.h"

enum {
    CRASH_SEEDS = 3,
    SEEDS = 60,
    ROUNDS = 120,
};

/* The records hold times, which a crash may shift. */
static char *picture_without_records(const struct sim *sim)
{
    char *text = sim_picture(sim);
    char *records = strstr(text, ", records");
    *records = '\0';
    return text;
}

static size_t there_and_back(unsigned seed, size_t crash_after, char **ret_there, char **ret_back)
{
    struct sim sim;
    sim_start(&sim, seed, "Enforce");
    sim.crash_after = crash_after;
    sim_settle(&sim);
    ck_assert_int_eq(sim_replicas(&sim), 0);
    *ret_there = picture_without_records(&sim);
    sim_mode(&sim, "Revert");
    sim_settle(&sim);
    *ret_back = sim_picture(&sim);
    ck_assert_msg(sim.repairs == 0, "%zu repairs, and nobody undid anything", sim.repairs);
    size_t writes = sim.writes;
    sim_finish(&sim);
    return writes;
}

START_TEST(crashes)
{
    unsigned seed = (unsigned)_i + 1;
    struct sim sim;
    AUTO_FREE char *there = NULL;
    AUTO_FREE char *back = NULL;
    sim_start(&sim, seed, "Enforce");
    AUTO_FREE char *before = picture_without_records(&sim);
    sim_finish(&sim);
    size_t writes = there_and_back(seed, SIM_NO_CRASH, &there, &back);
    ck_assert_msg(strncmp(back, before, strlen(before)) == 0, "%s, not %s", back, before);
    ck_assert_msg(strstr(back, "records {}") != NULL, "%s", back);
    for (size_t k = 1; k <= writes; k++) {
        AUTO_FREE char *crashed_there = NULL;
        AUTO_FREE char *crashed_back = NULL;
        there_and_back(seed, k, &crashed_there, &crashed_back);
        ck_assert_msg(strcmp(crashed_there, there) == 0, "crash after %zu: %s, not %s", k,
                      crashed_there, there);
        ck_assert_msg(strcmp(crashed_back, back) == 0, "crash after %zu: %s, not %s", k,
                      crashed_back, back);
    }
}
END_TEST

/* --- random histories --- */

static void set_node(struct sim *sim, struct sim_node *node)
{
    char key[64];
    snprintf(key, sizeof(key), "Node//%s", node->name);
    switch (sim_below(sim, 4)) {
    case 0:
        node->offline = !node->offline;
        break;
    case 1:
        node->broken = !node->broken;
        break;
    case 2:
        node->erring = !node->erring;
        break;
    default:
        node->cordoned = !node->cordoned;
        cluster_merge(&sim->c, key,
                      node->cordoned ? "{\"spec\":{\"unschedulable\":true}}"
                                     : "{\"spec\":{\"unschedulable\":null}}");
        break;
    }
}

static void delete_pod(struct sim *sim, const struct sim_node *node)
{
    AUTO_FREE char *key = xasprintf("Pod/kube-system/ds-%s", node->name);
    if (cluster_get(&sim->c, key) != NULL) {
        cluster_delete(&sim->c, key);
    }
}

/* kubeadm, an autoscaler, people. */
static void interfere(struct sim *sim)
{
    switch (sim_below(sim, 4)) {
    case 0:
        cluster_merge(&sim->c, COREDNS_DEPLOYMENT, "{\"spec\":{\"replicas\":3}}");
        break;
    case 1: /* before its replicas are recorded nobody could put them back */
        if (json_get(cluster_get(&sim->c, COREDNS_STATE), "data/coredns-deployment") != NULL) {
            cluster_merge(&sim->c, COREDNS_DEPLOYMENT, "{\"spec\":{\"replicas\":0}}");
        }
        break;
    case 2:
        cluster_merge(&sim->c, COREDNS_SERVICE, "{\"metadata\":{\"annotations\":null}}");
        break;
    default:
        if (cluster_get(&sim->c, COREDNS_DAEMONSET) != NULL) {
            cluster_delete(&sim->c, COREDNS_DAEMONSET);
        }
        break;
    }
}

static void something_happens(struct sim *sim)
{
    struct sim_node *node = &sim->nodes[sim_below(sim, (unsigned)sim->len)];
    switch (sim_below(sim, 16)) {
    case 0:
    case 1:
    case 2:
        set_node(sim, node);
        break;
    case 3:
        delete_pod(sim, node);
        break;
    case 4:
        interfere(sim);
        break;
    case 5:
        sim->crash_after = sim->writes + 1 + sim_below(sim, 3);
        break;
    case 6:
        sim->reachable = !sim->reachable;
        break;
    default:
        break;
    }
}

static void heal(struct sim *sim)
{
    for (size_t i = 0; i < sim->len; i++) {
        struct sim_node *node = &sim->nodes[i];
        AUTO_FREE char *key = xasprintf("Node//%s", node->name);
        node->offline = node->broken = node->erring = false;
        cluster_merge(&sim->c, key, "{\"spec\":{\"unschedulable\":null}}");
    }
    sim->crash_after = SIM_NO_CRASH;
}

/* Printed before each history, so that a failed one can be run again alone. */
static void live_through(unsigned seed, size_t *cuts, size_t *fallbacks, size_t *soak_darks)
{
    struct sim sim;
    sim_start(&sim, seed, "Enforce");
    for (int round = 0; round < ROUNDS; round++) {
        something_happens(&sim);
        sim_round(&sim, 1000 + 1000 * (int64_t)sim_below(&sim, 20));
    }
    heal(&sim);
    sim_settle(&sim);
    AUTO_FREE char *end = picture_without_records(&sim);
    ck_assert_int_eq(sim_replicas(&sim), 0);
    ck_assert_msg(strstr(end, "openyurt.io/topologyKeys") != NULL, "%s", end);
    sim_mode(&sim, "Revert");
    sim_settle(&sim);
    AUTO_FREE char *back = sim_picture(&sim);
    ck_assert_msg(strstr(back, "records {}") != NULL, "%s", back);
    ck_assert_msg(strstr(back, "topologyKeys") == NULL, "%s", back);
    *cuts += sim.cuts;
    *fallbacks += sim.fallbacks;
    *soak_darks += sim.soak_darks;
    sim_finish(&sim);
}

START_TEST(histories)
{
    unsigned first = 1;
    unsigned last = SEEDS;
    const char *range = getenv("SIM_SEEDS"); /* FIRST-LAST, or one */
    if (range != NULL) {
        char *end = NULL;
        first = (unsigned)strtoul(range, &end, 10);
        last = *end == '-' ? (unsigned)strtoul(end + 1, NULL, 10) : first;
    }
    ck_assert_uint_le(first, last);
    size_t cuts = 0;
    size_t fallbacks = 0;
    size_t soak_darks = 0;
    for (unsigned seed = first; seed <= last; seed++) {
        fprintf(stderr, "SIM_SEEDS=%u\r", seed);
        live_through(seed, &cuts, &fallbacks, &soak_darks);
    }
    unsigned lived = last - first + 1;
    fprintf(stderr, "%u histories: %zu cut-overs, %zu fallbacks, %zu pools dark in the soak\n",
            lived, cuts, fallbacks, soak_darks);
    /* histories in which nothing happens would prove nothing */
    ck_assert(lived == 1 || (cuts > lived && fallbacks > lived / 4 && soak_darks > lived / 10));
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("coredns simulation");
    TCase *tcase = tcase_create("simulation");
    tcase_set_timeout(tcase, 3600); /* it is the machine's load that decides */
    tcase_add_loop_test(tcase, crashes, 0, CRASH_SEEDS);
    tcase_add_test(tcase, histories);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
