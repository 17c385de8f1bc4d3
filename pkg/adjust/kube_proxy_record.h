/*
 * What kube-proxy-kubeconfig keeps in the state ConfigMap: the configuration as it was before the
 * edit, which edit is under way, and which pods were started with another one.
 *
 * Reading borrows from the snapshot; writing is a step of a plan. Pure.
 */
#ifndef ADJUST_KUBE_PROXY_RECORD_H
#define ADJUST_KUBE_PROXY_RECORD_H

#include "adjust/kube_proxy_roll.h"
#include "control/plan.h"

enum {
    /* of all values together: ValidateConfigMap of Kubernetes, MaxSecretSize */
    CONFIGMAP_SIZE_MAX = 1024 * 1024,
};

/*
 * `window.to_ms` 0: the change was planned, the server's time of it is not known yet. Pods that are
 * replaced without an edit of ours, because the text was in force already, have a record without
 * `before`.
 */
struct kube_proxy_record {
    bool present;
    bool reverting;
    bool repair; /* the edit that is planned undoes what somebody did to an earlier one */
    struct roll_window window;
    const char *before; /* borrowed from the snapshot; NULL: nothing was edited */
    size_t before_len;
};

struct kube_proxy_record kube_proxy_record_read(const struct snapshot *seen);
/* Whether we edited the text, or were about to, and it is to stay so. */
bool kube_proxy_record_edited(const struct kube_proxy_record *record);
/* Plans the record anew; `before` NULL keeps the text that is recorded. */
void kube_proxy_record_write(struct plan *plan, const struct snapshot *seen,
                             const struct kube_proxy_record *record, const char *before,
                             size_t before_len, const char *reason);
void kube_proxy_record_drop(struct plan *plan, const struct snapshot *seen, const char *reason);

/* The size of all values of a ConfigMap, as the API server counts it. */
size_t configmap_size(const struct json_object *configmap);
/* The size that the state ConfigMap would have at most with a `before` of that length, whatever the
 * record says besides. */
size_t kube_proxy_record_size(const struct snapshot *seen, size_t before_len);

#endif
