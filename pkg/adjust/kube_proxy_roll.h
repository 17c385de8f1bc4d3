/*
 * Replacing kube-proxy pods so that a changed configuration takes effect: a canary, then waves.
 *
 * kube-proxy does not notice that its mounted ConfigMap changed (kubernetes #57144, #86869), and
 * the DaemonSet controller's roll stalls behind one offline node (kubernetes #117658). So the pods
 * are deleted here; the DaemonSet controller makes new ones. A roll has ended when these have been
 * Ready for as long as the soak; pods on offline nodes are left alone, and replaced when their node
 * is back.
 */
#ifndef ADJUST_KUBE_PROXY_ROLL_H
#define ADJUST_KUBE_PROXY_ROLL_H

#include "adjust/policy.h"
#include "control/plan.h"

/* Pods created in it were given a configuration that is not in force any more. */
struct roll_window {
    int64_t from_ms; /* wall clock of the server, inclusive */
    int64_t to_ms;   /* inclusive: both stamps have whole seconds */
    /* No roll is under way: every pod that was replaced was seen to be Ready. What becomes of it
     * later has nothing to do with the roll. */
    bool settled;
};

enum roll_step {
    ROLL_DONE, /* nothing to replace on live nodes, and what was replaced is Ready */
    ROLL_WAIT, /* the plan says for what, and when to look again */
    ROLL_WAVE, /* kube_proxy_roll_wave replaces the next pods */
};

/* Whether pods are to be replaced, on offline nodes or on live ones. */
bool kube_proxy_roll_left(const struct snapshot *seen, const struct roll_window *window);
/* The next step. What there is to say of it, and the plan's state where it waits, are planned. */
enum roll_step kube_proxy_roll_next(const struct snapshot *seen, const struct policy *policy,
                                    const struct roll_window *window, int64_t now_ms,
                                    struct plan *plan);
/* Plans the deletions of a wave, when that is the next step. */
void kube_proxy_roll_wave(const struct snapshot *seen, const struct policy *policy,
                          const struct roll_window *window, int64_t now_ms, struct plan *plan);

#endif
