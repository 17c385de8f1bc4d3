#include "adjust/coredns_record.h"

#include <string.h>

#include "base/alloc.h"
#include "kube/managed_fields.h"

static const char record_key[] = "coredns-deployment";

enum {
    REPLICAS_OF_KUBEADM = 2, /* and of most others */
};

static struct json_object *fresh(const struct object *deployment)
{
    struct json_object *json = json_new_object();
    json_set_str(json, "uid", deployment != NULL ? deployment->uid : "");
    return json;
}

/*
 * The Deployment is at 0 by our hand, and the record of what it had is lost (the state ConfigMap
 * was deleted): as many as kubeadm gives it are better than none when DNS needs them.
 */
static struct json_object *lost(const struct object *deployment)
{
    struct field_owner owner;
    if (deployment == NULL || json_get_int(deployment->body, "spec/replicas", 1) != 0 ||
        !managed_fields_owner(deployment->body, "spec/replicas", &owner) ||
        strcmp(owner.manager, "yurt-steward") != 0) {
        return NULL;
    }
    struct json_object *json = fresh(deployment);
    json_set_int(json, "before", REPLICAS_OF_KUBEADM);
    json_set_bool(json, "cut", true);
    return json;
}

void coredns_record_read(const struct snapshot *seen, const struct object *deployment,
                         struct coredns_record *ret_record)
{
    size_t len = 0;
    const char *text = snapshot_record(seen, record_key, &len);
    struct json_object *json = NULL;
    *ret_record = (struct coredns_record){0};
    if (text != NULL && json_parse(text, len, &json, NULL) == 0 && deployment != NULL &&
        strcmp(json_get_str_or(json, "uid", ""), deployment->uid) == 0) {
        ret_record->was = json;
        ret_record->now = json_copy(json);
        return;
    }
    json_unref(json);
    ret_record->other = text != NULL;
    ret_record->was = lost(deployment);
    ret_record->now = ret_record->was != NULL ? json_copy(ret_record->was) : fresh(deployment);
}

void coredns_record_finish(struct coredns_record *record)
{
    json_unref(record->was);
    json_unref(record->now);
    *record = (struct coredns_record){0};
}

bool coredns_record_write(const struct coredns_record *record, const struct snapshot *seen,
                          const char *reason, struct plan *plan)
{
    if (record->was != NULL && json_same(record->was, record->now)) {
        return false;
    }
    AUTO_FREE char *text = json_text(record->now);
    struct json_object *data = json_new_object();
    json_set_str(data, record_key, text);
    plan_record_take(plan, seen, data, reason);
    return true;
}

void coredns_record_drop(const struct snapshot *seen, const char *reason, struct plan *plan)
{
    struct json_object *data = json_new_object();
    json_set_str(data, record_key, NULL);
    plan_record_take(plan, seen, data, reason);
    plan->state = PLAN_CHANGING;
}

int64_t coredns_record_since(struct json_object *object, const char *name, int64_t wall_ms)
{
    int64_t now_s = (wall_ms + 999) / 1000;
    int64_t since_s = json_get_int(json_member(object, name), "", 0);
    if (since_s <= 0 || since_s > now_s) {
        json_set_int(object, name, now_s);
        since_s = now_s;
    }
    return wall_ms - since_s * 1000;
}
