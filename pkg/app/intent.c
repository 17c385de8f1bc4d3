#include "app/intent.h"

#include <string.h>

#include "base/buf.h"

int intent_choose(struct intent *intent, const char *id, struct err *err)
{
    struct buf known = BUF_INIT(4096);
    for (size_t i = 0; i < adjustments_len; i++) {
        if (strcmp(adjustments[i]->id, id) == 0) {
            intent->chosen |= 1U << i;
            buf_finish(&known);
            return 0;
        }
        buf_printf(&known, "%s%s", i > 0 ? ", " : "", adjustments[i]->id);
    }
    err_fill(err, ERR_INVALID, "\"%s\" is no adjustment; there are: %s", id, buf_str(&known));
    buf_finish(&known);
    return -1;
}

bool intent_concerns(const struct intent *intent, const struct policy *policy, size_t index)
{
    return intent->chosen != 0 ? (intent->chosen & 1U << index) != 0
                               : policy_mode(policy, adjustments[index]) != MODE_IGNORE;
}

void intent_impose(const struct intent *intent, struct policy *policy)
{
    for (size_t i = 0; i < adjustments_len; i++) {
        enum mode mode = intent->revert ? MODE_REVERT : MODE_ENFORCE;
        policy_set_mode(policy, adjustments[i],
                        intent_concerns(intent, policy, i) ? mode : MODE_IGNORE);
    }
}

void intent_plan_modes(const struct intent *intent, const struct snapshot *seen,
                       struct plan *ret_plan)
{
    const struct object *config = snapshot_only(seen, INPUT_CONFIG);
    if (snapshot_foreign_state(seen) != NULL) {
        return;
    }
    struct policy policy;
    policy_init(&policy);
    policy_read(&policy, config != NULL ? config->body : NULL);
    struct json_object *data = json_new_object();
    for (size_t i = 0; config != NULL && intent->revert && i < adjustments_len; i++) {
        if (intent_concerns(intent, &policy, i) &&
            policy_mode(&policy, adjustments[i]) != MODE_REVERT) {
            json_set_str(data, adjustments[i]->id, mode_word(MODE_REVERT));
        }
    }
    policy_finish(&policy);
    if (json_object_len(data) == 0) {
        json_unref(data);
        return;
    }
    struct json_object *body = json_new_object();
    json_set_str(json_ensure_object(body, "metadata"), "resourceVersion", config->resource_version);
    json_set_take(body, "data", data);
    struct action *action =
        plan_add_take(ret_plan, ACTION_PATCH, &resource_configmap, config->ns, config->name, body);
    action_reason(action, NULL, "set the modes to Revert, for a running operator too");
    if (action != NULL) {
        action->patch_type = PATCH_MERGE;
        action->input = INPUT_CONFIG;
    }
    ret_plan->state = PLAN_CHANGING;
}
