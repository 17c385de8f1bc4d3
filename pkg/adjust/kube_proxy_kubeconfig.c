/*
 * kube-proxy-kubeconfig: clientConnection.kubeconfig taken out of kube-proxy's configuration, so
 * that kube-proxy asks the address in its environment, which on edge nodes is yurthub's (section
 * 5.1 of the source document).
 */
#include <stdio.h>
#include <string.h>

#include "adjust/adjust.h"
#include "adjust/kube_proxy_locate.h"
#include "adjust/kube_proxy_roll.h"
#include "adjust/kube_proxy_text.h"
#include "adjust/names.h"
#include "adjust/policy.h"
#include "base/alloc.h"
#include "kube/managed_fields.h"
#include "kube/node.h"
#include "kube/pod.h"

static const char configmap_name[] = "kube-proxy";
/* The record: what the pods' window is, and the text as it was before the edit. */
static const char record_key[] = "kube-proxy-kubeconfig";
static const char before_key[] = "kube-proxy-kubeconfig.before";

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

/*
 * The record. `to_ms` 0: the change was planned, the server's time of it is not known yet.
 */
struct record {
    bool present;
    bool reverting;
    struct roll_window window;
    const char *before; /* borrowed from the snapshot */
    size_t before_len;
};

static struct record read_record(const struct snapshot *seen)
{
    struct record record = {0};
    size_t len = 0;
    AUTO(json) struct json_object *json = NULL;
    const char *text = snapshot_record(seen, record_key, &len);
    record.before = snapshot_record(seen, before_key, &record.before_len);
    if (text != NULL && record.before != NULL && json_parse(text, len, &json, NULL) == 0) {
        record.present = true;
        record.reverting = json_get_bool(json, "reverting", false);
        record.window.from_ms = json_get_int(json, "fromMs", 0);
        record.window.to_ms = json_get_int(json, "toMs", 0);
    }
    return record;
}

/* Plans the record anew; `before` NULL keeps the text that is recorded. */
static void write_record(struct plan *plan, const struct snapshot *seen,
                         const struct roll_window *window, bool reverting, const char *before,
                         size_t before_len, const char *reason)
{
    AUTO(json) struct json_object *json = json_new_object();
    json_set_int(json, "fromMs", window->from_ms);
    if (window->to_ms > 0) {
        json_set_int(json, "toMs", window->to_ms);
    }
    if (reverting) {
        json_set_bool(json, "reverting", true);
    }
    AUTO_FREE char *text = json_text(json);
    struct json_object *data = json_new_object();
    json_set_str(data, record_key, text);
    if (before != NULL) {
        json_set_take(data, before_key, json_new_str_len(before, before_len));
    }
    plan_record_take(plan, seen, data, reason);
}

static void drop_record(struct plan *plan, const struct snapshot *seen, const char *reason)
{
    struct json_object *data = json_new_object();
    json_set_str(data, record_key, NULL);
    json_set_str(data, before_key, NULL);
    plan_record_take(plan, seen, data, reason);
    plan->state = PLAN_CHANGING;
}

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

/* Replaces the text, only if it is exactly what was seen. */
static struct action *replace_text(struct plan *plan, const struct config *config, const char *text,
                                   size_t len)
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
    struct action *action = plan_add_take(plan, ACTION_PATCH, &resource_configmap,
                                          config->configmap->ns, config->configmap->name, body);
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
 * Records the text before it is edited. Pods that were started with it and go on with it are the
 * window: all of them at the first edit; after somebody undid it, those since then, and those that
 * an earlier window still had on offline nodes.
 */
static void record_edit(const struct snapshot *seen, const struct config *config,
                        const struct record *record, size_t left, struct plan *plan)
{
    bool written = record->present && !record->reverting && record->window.to_ms == 0 &&
                   same_text(record->before, record->before_len, config->text, config->len);
    if (written) {
        return;
    }
    struct roll_window window = {0};
    struct field_owner undone;
    key_owner(config, &undone);
    if (record->present && !record->reverting && record->window.to_ms == 0) {
        window.from_ms = record->window.from_ms; /* no pod was replaced for that edit yet */
    } else if (record->present && !record->reverting && left == 0) {
        window.from_ms = undone.time_ms > 0 ? undone.time_ms : record->window.to_ms;
    }
    write_record(plan, seen, &window, false, config->text, config->len,
                 "record the configuration as it is before the edit");
}

static void take_out(const struct snapshot *seen, const struct policy *policy,
                     const struct config *config, const struct kube_proxy_text *edit,
                     const struct record *record, int64_t now_ms, struct plan *plan)
{
    if (!yurthub_allows(seen, policy, plan)) {
        return;
    }
    bool repair = record->present && !record->reverting;
    size_t left = 0;
    if (repair && record->window.to_ms > 0) {
        AUTO(plan) struct plan unused = {0};
        left = kube_proxy_roll(seen, policy, &record->window, now_ms, &unused);
    }
    record_edit(seen, config, record, left, plan);
    struct action *action = replace_text(plan, config, edit->text, edit->len);
    action_reason(action, repair && record->window.to_ms > 0 ? "Repaired" : "Enforced",
                  "take clientConnection.kubeconfig out of %s in ConfigMap kube-system/%s",
                  config->place.key, configmap_name);
    if (action != NULL && repair && record->window.to_ms > 0) {
        action->field = key_path(config);
    }
}

/* The text is as it should be: replace the pods that were started before it was. */
static void keep(const struct snapshot *seen, const struct policy *policy,
                 const struct config *config, const struct record *record, int64_t now_ms,
                 struct plan *plan)
{
    struct roll_window window = record->window;
    struct field_owner owner;
    key_owner(config, &owner);
    if (record->present && (record->reverting || window.to_ms == 0)) {
        window.from_ms = record->reverting ? 0 : window.from_ms;
        window.to_ms = owner.time_ms > 0 ? owner.time_ms : seen->wall_ms;
        write_record(plan, seen, &window, false, NULL, 0, "record when the edit was made");
        plan->state = PLAN_CHANGING;
        return;
    }
    if (!record->present) {
        window = (struct roll_window){0, owner.time_ms};
    }
    yurthub_allows(seen, policy, plan);
    kube_proxy_roll(seen, policy, &window, now_ms, plan);
}

static void enforce(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                    struct plan *ret_plan)
{
    struct config config = {0};
    if (!find_config(seen, &config, ret_plan)) {
        return;
    }
    struct record record = read_record(seen);
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
        take_out(seen, policy, &config, &edit, &record, now_ms, ret_plan);
        break;
    case KUBE_PROXY_TEXT_IN_FORCE:
        keep(seen, policy, &config, &record, now_ms, ret_plan);
        break;
    }
}

/* Puts the text back, recording first that this is under way. */
static void put_back(const struct snapshot *seen, const struct config *config,
                     const struct record *record, struct plan *plan)
{
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    struct err err;
    const struct roll_window all = {0};
    if (kube_proxy_text_put_back(config->text, config->len, record->before, record->before_len,
                                 &text, &len, &err) < 0) {
        plan_hold(plan, true, "Refused", "ConfigMap kube-system/%s, %s can't be put back: %s",
                  configmap_name, config->place.key, err.text);
        return;
    }
    if (!record->reverting) {
        write_record(plan, seen, &all, true, NULL, 0,
                     "record that the configuration is being put back");
        plan->state = PLAN_CHANGING;
    }
    if (!same_text(text, len, config->text, config->len)) {
        action_reason(replace_text(plan, config, text, len), "Reverted",
                      "put clientConnection.kubeconfig back into %s in ConfigMap kube-system/%s",
                      config->place.key, configmap_name);
    }
}

/* The text is back: replace the pods that were started without it, then forget. */
static void finish_revert(const struct snapshot *seen, const struct policy *policy,
                          const struct config *config, const struct record *record, int64_t now_ms,
                          struct plan *plan)
{
    struct roll_window window = record->window;
    if (window.to_ms == 0) {
        struct field_owner owner;
        key_owner(config, &owner);
        window.to_ms = owner.time_ms > 0 ? owner.time_ms : seen->wall_ms;
        write_record(plan, seen, &window, true, NULL, 0,
                     "record when the configuration was put back");
        plan->state = PLAN_CHANGING;
        return;
    }
    if (kube_proxy_roll(seen, policy, &window, now_ms, plan) == 0) {
        drop_record(plan, seen, "the configuration is as it was: drop the record");
    } else if (plan->state != PLAN_HELD) {
        plan->state = PLAN_CHANGING;
    }
}

static void revert(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                   struct plan *ret_plan)
{
    struct record record = read_record(seen);
    struct config config = {0};
    if (!record.present) {
        ret_plan->state = PLAN_REVERTED;
        return;
    }
    if (snapshot_only(seen, INPUT_PROXY_CONFIG) == NULL) {
        drop_record(ret_plan, seen, "the ConfigMap that was changed is gone");
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
