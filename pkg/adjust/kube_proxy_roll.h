/*
 * Replacing kube-proxy pods so that a changed configuration takes effect: a canary, then waves.
 *
 * kube-proxy does not notice that its mounted ConfigMap changed (kubernetes #57144, #86869), and
 * the DaemonSet controller's roll stalls behind one offline node (kubernetes #117658). So the pods
 * are deleted here; the DaemonSet controller makes new ones.
 */
#ifndef ADJUST_KUBE_PROXY_ROLL_H
#define ADJUST_KUBE_PROXY_ROLL_H

#include "adjust/policy.h"
#include "control/plan.h"

/* Pods created in it were given a configuration that is not in force any more. */
struct roll_window {
    int64_t from_ms; /* wall clock of the server, inclusive */
    int64_t to_ms;   /* inclusive: both stamps have whole seconds */
};

/*
 * Plans the next step. Returns how many pods are still to be replaced, those on offline nodes
 * included: they are left alone and replaced when their node is back.
 */
size_t kube_proxy_roll(const struct snapshot *seen, const struct policy *policy,
                       const struct roll_window *window, int64_t now_ms, struct plan *plan);

#endif
