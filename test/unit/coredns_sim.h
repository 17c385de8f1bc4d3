/*
 * The simulation of a cluster in which CoreDNS moves: nodes that come and go, the controllers of
 * Deployments, DaemonSets and EndpointSlices, DNS servers that answer, and an operator that
 * reconciles the three adjustments and may crash after any write.
 *
 * It checks with every write that no live pool is left without a server by it, and all along that
 * one without is not left alone.
 */
#ifndef TEST_COREDNS_SIM_H
#define TEST_COREDNS_SIM_H

#include "unit/coredns_fixture.h"

enum {
    SIM_NODES_MAX = 8,
    SIM_POOLS = 3,
    SIM_NO_CRASH = 1 << 30,
};

struct sim_node {
    char name[32];
    int pool; /* -1: a cloud node, in none */
    bool offline;
    bool broken;   /* CoreDNS does not get Ready there */
    bool erring;   /* its DNS answers with errors */
    bool cordoned; /* unschedulable */
};

struct sim {
    struct cluster c;
    unsigned seed;
    struct sim_node nodes[SIM_NODES_MAX];
    size_t len;
    const char *ready;  /* coredns-deployment.ready */
    bool reachable;     /* whether the operator can ask the pools' DNS */
    size_t crash_after; /* writes; what is left of that plan is lost */
    size_t writes;
    size_t cuts;
    size_t fallbacks;
    size_t soak_darks; /* rounds in which the annotation left a pool dark, before the cut */
    size_t repairs;    /* writes that undid somebody's */
    int64_t dark_ms[SIM_POOLS + 1];
};

/* The same for the same seed. The adjustments are on `mode`. */
void sim_start(struct sim *sim, unsigned seed, const char *mode);
void sim_finish(struct sim *sim);
unsigned sim_below(struct sim *sim, unsigned limit);
void sim_mode(struct sim *sim, const char *mode);
/* One round of time (ms), controllers and reconciles. Returns whether anything is left to do. */
bool sim_round(struct sim *sim, int64_t pass_ms);
/* Rounds until nothing is left to do. */
void sim_settle(struct sim *sim);
int64_t sim_replicas(const struct sim *sim);
/* What people see of it: replicas, annotation, whether the DaemonSet is there, records. */
char *sim_picture(const struct sim *sim);

#endif
