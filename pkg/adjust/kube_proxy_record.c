#include "adjust/kube_proxy_record.h"

#include <string.h>

#include "base/alloc.h"

static const char record_key[] = "kube-proxy-kubeconfig";
static const char before_key[] = "kube-proxy-kubeconfig.before";

struct kube_proxy_record kube_proxy_record_read(const struct snapshot *seen)
{
    struct kube_proxy_record record = {0};
    size_t len = 0;
    AUTO(json) struct json_object *json = NULL;
    const char *text = snapshot_record(seen, record_key, &len);
    record.before = snapshot_record(seen, before_key, &record.before_len);
    if (text != NULL && json_parse(text, len, &json, NULL) == 0) {
        record.present = true;
        record.reverting = json_get_bool(json, "reverting", false);
        record.repair = json_get_bool(json, "repair", false);
        record.window.from_ms = json_get_int(json, "fromMs", 0);
        record.window.to_ms = json_get_int(json, "toMs", 0);
        record.window.settled = json_get_bool(json, "settled", false);
    }
    return record;
}

bool kube_proxy_record_edited(const struct kube_proxy_record *record)
{
    return record->present && record->before != NULL && !record->reverting;
}

/* The record's own part, without the text. Owned by the caller. */
static char *record_text(const struct kube_proxy_record *record)
{
    AUTO(json) struct json_object *json = json_new_object();
    json_set_int(json, "fromMs", record->window.from_ms);
    if (record->window.to_ms > 0) {
        json_set_int(json, "toMs", record->window.to_ms);
    }
    if (record->window.settled) {
        json_set_bool(json, "settled", true);
    }
    if (record->repair) {
        json_set_bool(json, "repair", true);
    }
    if (record->reverting) {
        json_set_bool(json, "reverting", true);
    }
    return json_text(json);
}

void kube_proxy_record_write(struct plan *plan, const struct snapshot *seen,
                             const struct kube_proxy_record *record, const char *before,
                             size_t before_len, const char *reason)
{
    AUTO_FREE char *text = record_text(record);
    struct json_object *data = json_new_object();
    json_set_str(data, record_key, text);
    if (before != NULL) {
        json_set_take(data, before_key, json_new_str_len(before, before_len));
    }
    plan_record_take(plan, seen, data, reason);
    plan->state = PLAN_CHANGING;
}

void kube_proxy_record_drop(struct plan *plan, const struct snapshot *seen, const char *reason)
{
    struct json_object *data = json_new_object();
    json_set_str(data, record_key, NULL);
    json_set_str(data, before_key, NULL);
    plan_record_take(plan, seen, data, reason);
    plan->state = PLAN_CHANGING;
}

static bool add_size(void *arg, const char *key, const struct json_object *value)
{
    size_t *size = arg;
    size_t len = 0;
    (void)key;
    json_get_str_len(value, "", &len);
    *size += len;
    return true;
}

static bool add_decoded_size(void *arg, const char *key, const struct json_object *value)
{
    size_t *size = arg;
    size_t len = 0;
    (void)key;
    const char *text = json_get_str_len(value, "", &len);
    while (len > 0 && text[len - 1] == '=') {
        len--;
    }
    *size += len * 3 / 4;
    return true;
}

size_t configmap_size(const struct json_object *configmap)
{
    size_t size = 0;
    json_each(json_member(configmap, "data"), add_size, &size);
    json_each(json_member(configmap, "binaryData"), add_decoded_size, &size);
    return size;
}

size_t kube_proxy_record_size(const struct snapshot *seen, size_t before_len)
{
    static const struct kube_proxy_record longest = {
        .reverting = true, .repair = true, .window = {INT64_MAX, INT64_MAX, true}};
    const struct object *state = snapshot_only(seen, INPUT_STATE);
    AUTO_FREE char *text = record_text(&longest);
    size_t old_text = 0;
    size_t old_before = 0;
    snapshot_record(seen, record_key, &old_text);
    snapshot_record(seen, before_key, &old_before);
    size_t others = state != NULL ? configmap_size(state->body) - old_text - old_before : 0;
    return others + strlen(text) + before_len;
}
