/*
 * Where pools live by their own servers, after the cut-over or because yurthub shows them no
 * others: is DNS still there in every live one, and what follows when it is not.
 *
 * The fallback goes in an order that two adjustments share through the record: coredns-deployment
 * leaves its mark there and puts the replicas back, then service-topology, seeing the mark and a
 * Deployment that serves, takes its annotation away.
 */
#ifndef ADJUST_COREDNS_FALLBACK_H
#define ADJUST_COREDNS_FALLBACK_H

#include "adjust/coredns_record.h"
#include "adjust/names.h"
#include "adjust/policy.h"
#include "control/plan.h"
#include "control/snapshot.h"

enum coredns_watch {
    COREDNS_WATCH_UNKNOWN, /* the plan wants the Leases, nothing was decided */
    COREDNS_WATCH_LIT,
    COREDNS_WATCH_DARK, /* a live pool has no ready DNS endpoint, not for long yet */
    COREDNS_WATCH_DUE,  /* … for longer than the grace period */
};

/* Whether the annotation on the Service is one by which yurthub shows a pool its own servers only.
 */
bool coredns_topology_filters(const struct snapshot *seen);

/*
 * Looks at every live pool and keeps the record's list of the dark ones; `ret_dark` gets their
 * names. The plan looks again when a grace period ends, and once the Deployment is at zero asks the
 * pools' DNS every minute. Before that, what is in no pool finds the Deployment's servers, and
 * counts as lit.
 */
enum coredns_watch coredns_watch(const struct snapshot *seen, const struct policy *policy,
                                 struct json_object *record, int64_t now_ms, struct plan *plan,
                                 struct names *ret_dark);

enum coredns_fallback {
    COREDNS_FALLBACK_NONE,
    COREDNS_FALLBACK_BEGUN,  /* the Deployment does not serve yet */
    COREDNS_FALLBACK_SERVED, /* it does: the annotation is to go */
};

/* Whether the record says so, whatever the mode is now: DNS still needs what was put back. */
enum coredns_fallback coredns_fallback_state(const struct snapshot *seen);

#endif
