#include <string.h>

#include "adjust/adjust.h"
#include "base/attr.h"

const struct adjustment *const adjustments[] = {
    &adjust_service_topology,
    &adjust_coredns_daemonset,
    &adjust_coredns_deployment,
    &adjust_kube_proxy_kubeconfig,
};
const size_t adjustments_len = ARRAY_LEN(adjustments);

/* A record is a JSON object, see each adjustment's file. */
static bool record_is_damaged(const struct adjustment *adjustment, const struct snapshot *seen)
{
    size_t len = 0;
    const char *text = snapshot_record(seen, adjustment->id, &len);
    AUTO(json) struct json_object *json = NULL;
    return text != NULL && (json_parse(text, len, &json, NULL) < 0 || !json_is_object(json));
}

static bool is_newer(const struct snapshot *seen, struct plan *plan)
{
    const char *version = snapshot_foreign_state(seen);
    if (version != NULL) {
        plan_hold(plan, true, "NewerState",
                  "ConfigMap kube-system/yurt-steward-state is of version \"%.80s\", and this "
                  "operator knows version " STATE_VERSION
                  " only: one that is newer wrote it. Nothing is written; let the newer one go "
                  "on, or revert with it first",
                  version);
    }
    return version != NULL;
}

void adjustment_plan(const struct adjustment *adjustment, bool revert, const struct snapshot *seen,
                     const struct policy *policy, int64_t now_ms, struct plan *ret_plan)
{
    if (is_newer(seen, ret_plan)) {
        return;
    }
    if (record_is_damaged(adjustment, seen)) {
        plan_hold(ret_plan, true, "Refused",
                  "%s in ConfigMap kube-system/yurt-steward-state is no record: what was there "
                  "before is not known. Put back by hand what has to be, then remove that key; "
                  "nothing was written",
                  adjustment->id);
        return;
    }
    (revert ? adjustment->revert : adjustment->enforce)(seen, policy, now_ms, ret_plan);
}

const struct adjustment *adjustment_find(const char *id)
{
    for (size_t i = 0; i < adjustments_len; i++) {
        if (strcmp(adjustments[i]->id, id) == 0) {
            return adjustments[i];
        }
    }
    return NULL;
}
