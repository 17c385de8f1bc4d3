/*
 * What a reconciler sees: the stores, by what is in them, and the time. Borrowed, read only.
 */
#ifndef CONTROL_SNAPSHOT_H
#define CONTROL_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strmap.h"
#include "dns/dns.h"
#include "kube/store.h"

/* The collections that are watched; app/inputs.c says how. */
enum input {
    INPUT_CONFIG,         /* ConfigMap kube-system/yurt-steward: modes and options */
    INPUT_STATE,          /* ConfigMap kube-system/yurt-steward-state: what was there before */
    INPUT_DNS_SERVICE,    /* the cluster's DNS Service */
    INPUT_DNS_SLICES,     /* its EndpointSlices */
    INPUT_DNS_PODS,       /* the pods that it selects */
    INPUT_DNS_DEPLOYMENT, /* Deployment kube-system/coredns */
    INPUT_DNS_DAEMONSET,  /* DaemonSet kube-system/coredns */
    INPUT_NODES,
    INPUT_PROXY_CONFIG,    /* ConfigMap kube-system/kube-proxy */
    INPUT_PROXY_DAEMONSET, /* DaemonSet kube-system/kube-proxy */
    INPUT_PROXY_PODS,
    INPUT_YURTHUB_PODS,
    INPUT_COUNT,
    INPUT_NONE = INPUT_COUNT,
};

#define INPUT_BIT(input) (1U << (input))

/*
 * A node's Lease. The times in it are by the node's own clock: a renewal that was seen to happen
 * between two readings is dated by ours.
 */
struct node_lease {
    int64_t alive_ms;   /* wall clock of ours: the node was alive then */
    int64_t renewed_ms; /* renewTime as it stands */
};

/* What a DNS server said when it was last asked. */
struct dns_observation {
    enum dns_result result;
    int64_t at_ms; /* monotonic */
};

struct snapshot {
    const struct store *stores[INPUT_COUNT]; /* NULL: not watched */
    /* Node name to struct node_lease, as last read; NULL: not read yet. */
    const struct strmap *leases;
    int64_t leases_read_ms;    /* monotonic */
    bool leases_known;         /* false in a dump without Leases: the Ready condition must do */
    bool can_read_leases;      /* false: offline, asking for them is no use */
    bool leases_unreadable;    /* asked for and refused: there are none to decide by */
    unsigned blind;            /* INPUT_BITs of what the server refuses to watch at present */
    int64_t watching_since_ms; /* monotonic: since when all is watched without a gap; 0: always */
    bool can_apply;            /* the server knows server-side apply, as far as was seen */
    /* Address to struct dns_observation; NULL: nothing can be asked (a dump). */
    const struct strmap *dns;
    int64_t wall_ms; /* wall clock now */
};

/* The only object of a named input; NULL when it does not exist. */
const struct object *snapshot_only(const struct snapshot *seen, enum input input);
/* The value of a data key of the state ConfigMap; NULL when absent. */
const char *snapshot_record(const struct snapshot *seen, const char *key, size_t *ret_len);
/*
 * The state ConfigMap's version, in this annotation, where it is none that this program knows;
 * else NULL. To be raised when an operator without the change would misread the records: it then
 * leaves them alone.
 */
#define STATE_VERSION_ANNOTATION "yurt-steward.io/state-version"
#define STATE_VERSION "1"
const char *snapshot_foreign_state(const struct snapshot *seen);

#endif
