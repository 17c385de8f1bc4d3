/*
 * The adjustments: each a pure function from what is observed and what is asked to a plan.
 *
 * An adjustment is one file with one table entry (registry.c). It sees the stores through the
 * snapshot, its options through the policy and nothing else: no I/O, no clock, no memory.
 */
#ifndef ADJUST_ADJUST_H
#define ADJUST_ADJUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/plan.h"
#include "control/snapshot.h"

struct policy;

enum option_kind {
    OPTION_WORD,     /* one of `allowed`, divided by '|' */
    OPTION_DURATION, /* "60s", "1m30s" */
    OPTION_PERCENT,  /* "1%" to "100%" */
    OPTION_NAME,     /* a DNS-1035 label: the name of a Service */
    OPTION_BUDGET,   /* "5 per 10m" */
    OPTION_DOMAIN,   /* a DNS name: "kubernetes.default.svc.cluster.local" */
    OPTION_IMAGE,    /* "registry.k8s.io/coredns/coredns:v1.14.6"; or "" */
    OPTION_QUANTITY, /* "100m", "70Mi"; or "" */
    OPTION_ADDRESS,  /* "10.96.0.10", "fd00::a"; or "" */
};

/* One key of the ConfigMap. */
struct policy_option {
    const char *key;
    enum option_kind kind;
    const char *allowed; /* words, or what the Event says is allowed */
    const char *def;
};

struct adjustment {
    const char *id;
    unsigned inputs;   /* INPUT_BITs it reads; it runs when all of them were listed */
    enum input target; /* the object that its Events are about */
    const struct kube_resource *target_resource;
    const char *target_name;
    const struct policy_option *options; /* ends with a NULL key; NULL: none */
    /* Brings the adjustment into force. */
    void (*enforce)(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                    struct plan *ret_plan);
    /* Puts back what was there; PLAN_REVERTED without actions once that is done. */
    void (*revert)(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                   struct plan *ret_plan);
};

extern const struct adjustment adjust_service_topology;
extern const struct adjustment adjust_coredns_daemonset;
extern const struct adjustment adjust_coredns_deployment;
extern const struct adjustment adjust_kube_proxy_kubeconfig;

/* All of them, in the order in which `plan` shows them. */
extern const struct adjustment *const adjustments[];
extern const size_t adjustments_len;
/*
 * Plans it: into force, or back. Holds while the state ConfigMap is of a version that a newer
 * operator wrote, whose records would be misread here. Holds when what it recorded in the state
 * ConfigMap, under its id, can't be read: what was there before is not known then, and must not be
 * recorded anew.
 */
void adjustment_plan(const struct adjustment *adjustment, bool revert, const struct snapshot *seen,
                     const struct policy *policy, int64_t now_ms, struct plan *ret_plan);
/* By id; NULL when there is none. */
const struct adjustment *adjustment_find(const char *id);

#endif
