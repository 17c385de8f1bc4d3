/*
 * kube-proxy-kubeconfig: clientConnection.kubeconfig taken out of kube-proxy's configuration, so
 * that kube-proxy asks the address in its environment, which on edge nodes is yurthub's (section
 * 5.1 of the source document).
 */
#include <stdio.h>
#include <string.h>

#include "adjust/adjust.h"
#include "adjust/kube_proxy_locate.h"
#include "adjust/kube_proxy_record.h"
#include "adjust/kube_proxy_roll.h"
#include "adjust/kube_proxy_text.h"
#include "adjust/names.h"
#include "adjust/policy.h"
#include "base/alloc.h"
#include "kube/managed_fields.h"
#include "kube/node.h"
#include "kube/pod.h"

static const char configmap_name[] = "kube-proxy";

enum {
    REQUEST_SIZE_MAX = 3 * 1024 * 1024, /* MaxRequestBodyBytes of the API server */
};

static const struct policy_option options[] = {
    {"kube-proxy-kubeconfig.yurthub", OPTION_WORD, "Warn|Require", "Warn"},
    {"kube-proxy-kubeconfig.wave", OPTION_PERCENT, "1% to 100%", "10%"},
    {"kube-proxy-kubeconfig.soak", OPTION_DURATION, "a duration such as 15s", "15s"},
    {NULL, OPTION_WORD, NULL, NULL},
};

/* The configuration text and where it stands. Borrowed from the snapshot. */
struct config {
    const struct object *configmap;
    struct kube_proxy_place place;
    const char *text;
    size_t len;
};

static bool refuse(struct plan *plan, const char *what)
{
    plan_hold(plan, true, "Refused", "ConfigMap kube-system/%s %s; nothing was written",
              configmap_name, what);
    return false;
}

static bool read_text(struct config *config, struct plan *plan)
{
    const struct json_object *body = config->configmap->body;
    const char *key = config->place.key;
    const struct json_object *value = json_member(json_member(body, "data"), key);
    char what[512];
    if (json_get_bool(body, "immutable", false)) {
        return refuse(plan, "is immutable: it can only be deleted and made anew");
    }
    if (json_member(json_member(body, "binaryData"), key) != NULL) {
        snprintf(what, sizeof(what), "has %s in binaryData, not in data", key);
        return refuse(plan, what);
    }
    if (value == NULL || !json_is_string(value)) {
        snprintf(what, sizeof(what), "has no text under data[%s], which DaemonSet kube-proxy reads",
                 key);
        return refuse(plan, what);
    }
    config->text = json_get_str_len(value, "", &config->len);
    return true;
}

/* Finds the text; otherwise the plan says why there is none. */
static bool find_config(const struct snapshot *seen, struct config *config, struct plan *plan)
{
    const struct object *daemonset = snapshot_only(seen, INPUT_PROXY_DAEMONSET);
    config->configmap = snapshot_only(seen, INPUT_PROXY_CONFIG);
    if (daemonset == NULL) {
        plan->state = PLAN_NOT_APPLICABLE;
        plan_note(plan, false, "NotApplicable", "there is no DaemonSet kube-system/kube-proxy");
        return false;
    }
    if (!kube_proxy_locate(daemonset->body, &config->place) ||
        strcmp(config->place.configmap, configmap_name) != 0) {
        plan->state = PLAN_NOT_APPLICABLE;
        plan_note(plan, true, "NotApplicable", "%s%s",
                  config->place.why[0] != '\0' ? config->place.why
                                               : "kube-proxy's configuration is in ConfigMap ",
                  config->place.configmap);
        return false;
    }
    if (config->configmap == NULL) {
        plan_hold(plan, true, "ConfigMapMissing",
                  "ConfigMap kube-system/%s does not exist; waiting for it", configmap_name);
        return false;
    }
    if (config->place.master) {
        plan_note(plan, true, "MasterFlag",
                  "DaemonSet kube-proxy is given --master, which defeats this adjustment: "
                  "kube-proxy will not ask yurthub");
    }
    return read_text(config, plan);
}

static bool has_yurthub(const struct snapshot *seen, const struct node *node)
{
    if (node->edge_labelled || node->converted) {
        return true;
    }
    const struct store *hubs = seen->stores[INPUT_YURTHUB_PODS];
    for (size_t i = 0; i < store_len(hubs); i++) {
        const struct pod *pod = pod_of(store_at(hubs, i));
        if (pod->node != NULL && strcmp(pod->node, node->object.name) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * Names the nodes that run kube-proxy without a yurthub: there it falls back to the address that
 * kube-proxy itself programs, and a rebooted node deadlocks (openyurt #1127). Returns whether the
 * edit may go on.
 */
static bool yurthub_allows(const struct snapshot *seen, const struct policy *policy,
                           struct plan *plan)
{
    const struct store *nodes = seen->stores[INPUT_NODES];
    AUTO(names) struct names without = NAMES_INIT;
    for (size_t i = 0; i < store_len(nodes); i++) {
        const struct node *node = node_of(store_at(nodes, i));
        if (node->linux && !node->host_network_pool && !has_yurthub(seen, node)) {
            names_add(&without, node->object.name);
        }
    }
    if (without.count == 0) {
        return true;
    }
    if (policy_is(policy, "kube-proxy-kubeconfig.yurthub", "Require")) {
        plan_hold(plan, true, "NodesWithoutYurthub",
                  "nodes without yurthub, where a rebooted kube-proxy could not reach the API "
                  "server: %s; kube-proxy-kubeconfig.yurthub: Warn goes on all the same",
                  names_text(&without));
        return false;
    }
    plan_note(plan, true, "NodesWithoutYurthub",
              "nodes without yurthub, where a rebooted kube-proxy could not reach the API server: "
              "%s; kube-proxy-kubeconfig.yurthub: Require holds the edit until there are none",
              names_text(&without));
    return true;
}

static struct json_object *patch_step(const char *op, const char *pointer, const char *value,
                                      size_t len)
{
    struct json_object *step = json_new_object();
    json_set_str(step, "op", op);
    json_set_str(step, "path", pointer);
    json_set_take(step, "value", json_new_str_len(value, len));
    return step;
}

/* The key's json_get path. Owned by the caller. */
static char *key_path(const struct config *config)
{
    AUTO_FREE char *escaped = json_pointer_escape(config->place.key);
    return xasprintf("data/%s", escaped);
}

/* The JSON patch that replaces the text, only if it is exactly what was seen. */
static struct json_object *text_patch(const struct config *config, const char *text, size_t len)
{
    AUTO_FREE char *path = key_path(config);
    AUTO_FREE char *pointer = xasprintf("/%s", path);
    struct json_object *body = json_new_array();
    const char *uid = config->configmap->uid; /* "" in a dump */
    if (*uid != '\0') {
        json_append_take(body, patch_step("test", "/metadata/uid", uid, strlen(uid)));
    }
    json_append_take(body, patch_step("test", pointer, config->text, config->len));
    json_append_take(body, patch_step("replace", pointer, text, len));
    return body;
}

static struct action *replace_text_take(struct plan *plan, const struct config *config,
                                        struct json_object *patch)
{
    struct action *action = plan_add_take(plan, ACTION_PATCH, &resource_configmap,
                                          config->configmap->ns, config->configmap->name, patch);
    if (action != NULL) {
        action->patch_type = PATCH_JSON;
        action->input = INPUT_PROXY_CONFIG;
    }
    plan->state = PLAN_CHANGING;
    return action;
}

static void key_owner(const struct config *config, struct field_owner *ret_owner)
{
    AUTO_FREE char *path = key_path(config);
    managed_fields_owner(config->configmap->body, path, ret_owner);
}

static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

/*
 * The record to be made before the edit. Pods that were started with the text as it is and go on
 * with it are the window: all of them at the first edit; after somebody undid it, those since then,
 * and those that an earlier window still had on offline nodes.
 */
static struct kube_proxy_record plan_record(const struct snapshot *seen,
                                            const struct config *config,
                                            const struct kube_proxy_record *record, bool repair)
{
    struct kube_proxy_record planned = {.present = true, .repair = repair};
    struct field_owner undone;
    key_owner(config, &undone);
    if (kube_proxy_record_edited(record) && record->window.to_ms == 0) {
        planned.window.from_ms = record->window.from_ms; /* no pod was replaced for that edit yet */
    } else if (kube_proxy_record_edited(record) && !kube_proxy_roll_left(seen, &record->window)) {
        planned.window.from_ms = undone.time_ms > 0 ? undone.time_ms : record->window.to_ms;
    }
    return planned;
}

static bool too_large(const struct config *config, const char *what, size_t size, size_t limit,
                      struct plan *plan)
{
    if (size <= limit) {
        return false;
    }
    plan_hold(plan, true, "Refused",
              "ConfigMap kube-system/%s, %s has %zu bytes; %s would have %zu bytes, and the API "
              "server takes no more than %zu: make %s shorter, or take clientConnection.kubeconfig "
              "out of it by hand; nothing was written",
              configmap_name, config->place.key, config->len, what, size, limit, config->place.key);
    return true;
}

/* Whether the API server would take the record, the edited ConfigMap and the request for it. */
static bool fits(const struct snapshot *seen, const struct config *config,
                 const struct kube_proxy_text *edit, const struct json_object *patch,
                 struct plan *plan)
{
    size_t edited = configmap_size(config->configmap->body) - config->len + edit->len;
    AUTO_FREE char *body = json_text(patch);
    return !too_large(config, "the record of it in ConfigMap kube-system/yurt-steward-state",
                      kube_proxy_record_size(seen, config->len), CONFIGMAP_SIZE_MAX, plan) &&
           !too_large(config, "the ConfigMap edited", edited, CONFIGMAP_SIZE_MAX, plan) &&
           !too_large(config, "the request that edits it", strlen(body), REQUEST_SIZE_MAX, plan);
}

static void take_out(const struct snapshot *seen, const struct policy *policy,
                     const struct config *config, const struct kube_proxy_text *edit,
                     const struct kube_proxy_record *record, struct plan *plan)
{
    if (!yurthub_allows(seen, policy, plan)) {
        return;
    }
    /* an edit whose time was recorded had been made; one that is only planned may not have been */
    bool edited = kube_proxy_record_edited(record);
    bool repair = edited && (record->window.to_ms > 0 || record->repair);
    bool recorded = edited && record->window.to_ms == 0 &&
                    same_text(record->before, record->before_len, config->text, config->len);
    struct json_object *patch = text_patch(config, edit->text, edit->len);
    if (!fits(seen, config, edit, patch, plan)) {
        json_unref(patch);
        return;
    }
    if (!recorded) {
        struct kube_proxy_record planned = plan_record(seen, config, record, repair);
        kube_proxy_record_write(plan, seen, &planned, config->text, config->len,
                                "record the configuration as it is before the edit");
    }
    struct action *action = replace_text_take(plan, config, patch);
    action_reason(action, repair ? "Repaired" : "Enforced",
                  "take clientConnection.kubeconfig out of %s in ConfigMap kube-system/%s",
                  config->place.key, configmap_name);
    if (action != NULL && repair) {
        action->field = key_path(config);
    }
}

/* When the key was last written, as far as the server knows. */
static int64_t written_ms(const struct snapshot *seen, const struct config *config)
{
    struct field_owner owner;
    key_owner(config, &owner);
    return owner.time_ms > 0 ? owner.time_ms : seen->wall_ms;
}

/* Goes on with the roll, and keeps in the record whether one is under way. */
static void roll(const struct snapshot *seen, const struct policy *policy,
                 const struct kube_proxy_record *record, int64_t now_ms, struct plan *plan)
{
    struct kube_proxy_record changed = *record;
    switch (kube_proxy_roll_next(seen, policy, &record->window, now_ms, plan)) {
    case ROLL_WAVE:
        if (record->window.settled) {
            changed.window.settled = false;
            kube_proxy_record_write(plan, seen, &changed, NULL, 0,
                                    "record that pods are being replaced");
        }
        kube_proxy_roll_wave(seen, policy, &record->window, now_ms, plan);
        break;
    case ROLL_DONE:
        if (!record->window.settled) {
            changed.window.settled = true;
            kube_proxy_record_write(plan, seen, &changed, NULL, 0,
                                    "record that the pods were replaced");
        }
        break;
    case ROLL_WAIT:
        break;
    }
}

/* The text is as it should be: replace the pods that were started before it was. */
static void keep(const struct snapshot *seen, const struct policy *policy,
                 const struct config *config, const struct kube_proxy_record *record,
                 int64_t now_ms, struct plan *plan)
{
    struct kube_proxy_record current = *record;
    if (record->present && (record->reverting || record->window.to_ms == 0)) {
        current.window.from_ms = record->reverting ? 0 : record->window.from_ms;
        current.window.to_ms = written_ms(seen, config);
        current.reverting = false;
        current.repair = false;
        kube_proxy_record_write(plan, seen, &current, NULL, 0, "record when the edit was made");
        return;
    }
    if (!record->present) {
        struct field_owner owner;
        key_owner(config, &owner);
        current.window = (struct roll_window){.to_ms = owner.time_ms, .settled = true};
    }
    yurthub_allows(seen, policy, plan);
    roll(seen, policy, &current, now_ms, plan);
}

static void enforce(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                    struct plan *ret_plan)
{
    struct config config = {0};
    if (!find_config(seen, &config, ret_plan)) {
        return;
    }
    struct kube_proxy_record record = kube_proxy_record_read(seen);
    AUTO(kube_proxy_text) struct kube_proxy_text edit = {0};
    kube_proxy_text_take_out(config.text, config.len, &edit);
    if (edit.warning != NULL) {
        plan_note(ret_plan, true, "SuspectKey", "%s: %s", config.place.key, edit.warning);
    }
    switch (edit.outcome) {
    case KUBE_PROXY_TEXT_REFUSED:
        plan_hold(ret_plan, true, "Refused",
                  "ConfigMap kube-system/%s, %s line %zu column %zu: %s; nothing was written",
                  configmap_name, config.place.key, edit.line, edit.column, edit.message);
        break;
    case KUBE_PROXY_TEXT_EDITED:
        take_out(seen, policy, &config, &edit, &record, ret_plan);
        break;
    case KUBE_PROXY_TEXT_IN_FORCE:
        keep(seen, policy, &config, &record, now_ms, ret_plan);
        break;
    }
}

/* Puts the text back, recording first that this is under way. */
static void put_back(const struct snapshot *seen, const struct config *config,
                     const struct kube_proxy_record *record, struct plan *plan)
{
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    struct err err;
    if (kube_proxy_text_put_back(config->text, config->len, record->before, record->before_len,
                                 &text, &len, &err) < 0) {
        plan_hold(plan, true, "Refused", "ConfigMap kube-system/%s, %s can't be put back: %s",
                  configmap_name, config->place.key, err.text);
        return;
    }
    if (!record->reverting) {
        const struct kube_proxy_record all = {.present = true, .reverting = true};
        kube_proxy_record_write(plan, seen, &all, NULL, 0,
                                "record that the configuration is being put back");
    }
    if (!same_text(text, len, config->text, config->len)) {
        action_reason(replace_text_take(plan, config, text_patch(config, text, len)), "Reverted",
                      "put clientConnection.kubeconfig back into %s in ConfigMap kube-system/%s",
                      config->place.key, configmap_name);
    }
}

/* The text is back: replace the pods that were started without it, then forget. */
static void finish_revert(const struct snapshot *seen, const struct policy *policy,
                          const struct config *config, const struct kube_proxy_record *record,
                          int64_t now_ms, struct plan *plan)
{
    struct kube_proxy_record current = *record;
    if (record->window.to_ms == 0) {
        current.window.to_ms = written_ms(seen, config);
        kube_proxy_record_write(plan, seen, &current, NULL, 0,
                                "record when the configuration was put back");
        return;
    }
    switch (kube_proxy_roll_next(seen, policy, &record->window, now_ms, plan)) {
    case ROLL_WAVE:
        kube_proxy_roll_wave(seen, policy, &record->window, now_ms, plan);
        break;
    case ROLL_DONE:
        if (kube_proxy_roll_left(seen, &record->window)) {
            plan->state = PLAN_CHANGING; /* until the offline nodes are back */
        } else {
            kube_proxy_record_drop(plan, seen, "the configuration is as it was: drop the record");
        }
        break;
    case ROLL_WAIT:
        break;
    }
}

static void revert(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                   struct plan *ret_plan)
{
    struct kube_proxy_record record = kube_proxy_record_read(seen);
    struct config config = {0};
    if (!record.present && record.before != NULL) {
        plan_hold(ret_plan, true, "Refused",
                  "ConfigMap kube-system/yurt-steward-state has kube-proxy-kubeconfig.before and "
                  "no kube-proxy-kubeconfig: which edit it belongs to is not known. Put the "
                  "configuration back by hand, then remove that key; nothing was written");
        return;
    }
    if (!record.present) {
        ret_plan->state = PLAN_REVERTED;
        return;
    }
    if (record.before == NULL) {
        kube_proxy_record_drop(ret_plan, seen, "nothing was edited");
        return;
    }
    if (snapshot_only(seen, INPUT_PROXY_CONFIG) == NULL) {
        kube_proxy_record_drop(ret_plan, seen, "the ConfigMap that was changed is gone");
        return;
    }
    if (!find_config(seen, &config, ret_plan)) {
        return;
    }
    struct kube_proxy_text edit;
    kube_proxy_text_take_out(config.text, config.len, &edit);
    bool effective = edit.outcome == KUBE_PROXY_TEXT_EDITED;
    kube_proxy_text_finish(&edit);
    if (record.reverting && effective) {
        finish_revert(seen, policy, &config, &record, now_ms, ret_plan);
    } else {
        put_back(seen, &config, &record, ret_plan);
    }
}

const struct adjustment adjust_kube_proxy_kubeconfig = {
    .id = "kube-proxy-kubeconfig",
    .inputs = INPUT_BIT(INPUT_STATE) | INPUT_BIT(INPUT_PROXY_CONFIG) |
              INPUT_BIT(INPUT_PROXY_DAEMONSET) | INPUT_BIT(INPUT_PROXY_PODS) |
              INPUT_BIT(INPUT_YURTHUB_PODS) | INPUT_BIT(INPUT_NODES),
    .target = INPUT_PROXY_CONFIG,
    .target_resource = &resource_configmap,
    .target_name = configmap_name,
    .options = options,
    .enforce = enforce,
    .revert = revert,
};
