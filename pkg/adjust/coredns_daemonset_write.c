#include "adjust/coredns_daemonset_write.h"

#include <string.h>

#include "adjust/coredns_daemonset_compare.h"
#include "adjust/coredns_daemonset_parts.h"
#include "adjust/coredns_template.h"
#include "base/alloc.h"
#include "base/attr.h"

/* Without server-side apply: the live object, with what is wanted put in. */
static struct json_object *replacement(const struct object *live, const struct json_object *wanted)
{
    AUTO(json) struct json_object *change = json_copy(wanted);
    struct json_object *body = json_copy(live->body);
    /* merging would keep what is not wanted any more */
    json_del(json_ensure_object(body, "spec"), "template");
    json_del(json_ensure_object(body, "spec"), "updateStrategy");
    json_del(json_ensure_object(body, "metadata"), "managedFields");
    json_del(body, "status");
    struct json_object *merged = json_merge_patch(body, change);
    json_unref(body);
    return merged;
}

static struct action *write_wanted(const struct snapshot *seen, const struct object *live,
                                   const struct json_object *wanted, struct plan *plan)
{
    enum action_verb verb = ACTION_PATCH;
    struct json_object *body = NULL;
    if (seen->can_apply) {
        body = json_copy(wanted);
    } else if (live == NULL) {
        verb = ACTION_CREATE;
        body = json_copy(wanted);
    } else {
        verb = ACTION_REPLACE;
        body = replacement(live, wanted);
    }
    if (live != NULL) {
        coredns_daemonset_expect(body, live);
    }
    struct action *action =
        plan_add_take(plan, verb, &resource_daemonset, "kube-system", "coredns", body);
    if (action != NULL) {
        action->patch_type = seen->can_apply ? PATCH_APPLY : PATCH_NONE;
        /* never on an object that appeared meanwhile: that one is not ours to take over */
        action->force = live != NULL;
        action->input = INPUT_DNS_DAEMONSET;
    }
    plan->state = PLAN_CHANGING;
    return action;
}

void coredns_daemonset_record(const struct snapshot *seen, const struct object *live,
                              struct plan *plan)
{
    struct json_object *json = json_new_object();
    json_set_bool(json, "created", true);
    if (live != NULL) {
        json_set_str(json, "uid", live->uid);
    }
    daemonset_record_write_take(plan, seen, json,
                                live != NULL ? "record which DaemonSet is made by us"
                                             : "record that there was no DaemonSet coredns");
}

void coredns_daemonset_create(const struct snapshot *seen, const char *whose,
                              const struct json_object *wanted, struct plan *plan)
{
    AUTO(daemonset_record) struct daemonset_record record = daemonset_record_read(seen, NULL);
    bool deleted = record.created && json_get_str(record.json, "uid") != NULL;
    if (!record.created) {
        coredns_daemonset_record(seen, NULL, plan);
    }
    struct action *action = write_wanted(seen, NULL, wanted, plan);
    action_reason(action, deleted ? "Repaired" : "Enforced",
                  "create DaemonSet kube-system/coredns from %s%s", whose,
                  deleted ? " again: it was deleted" : "");
    if (action != NULL && deleted) {
        action->field = xstrdup("spec");
    }
}

/*
 * What is in the template and may not be, of another writer: an apply takes away only what we
 * own, so it is removed one by one.
 */
static bool remove_strays(const struct object *live, struct plan *plan)
{
    const struct json_object *template = json_get(live->body, "spec/template");
    AUTO(json) struct json_object *strays = coredns_template_strays(template);
    if (json_array_len(strays) == 0) {
        return false;
    }
    struct json_object *body = json_new_array();
    const char *const tests[][2] = {{"/metadata/uid", live->uid},
                                    {"/metadata/resourceVersion", live->resource_version}};
    for (size_t i = 0; i < ARRAY_LEN(tests) && *live->uid != '\0'; i++) {
        struct json_object *step = json_new_object();
        json_set_str(step, "op", "test");
        json_set_str(step, "path", tests[i][0]);
        json_set_str(step, "value", tests[i][1]);
        json_append_take(body, step);
    }
    for (size_t i = 0; i < json_array_len(strays); i++) {
        AUTO_FREE char *pointer = xasprintf("/spec/template%s", json_str(json_array_at(strays, i)));
        struct json_object *step = json_new_object();
        json_set_str(step, "op", "remove");
        json_set_str(step, "path", pointer);
        json_append_take(body, step);
    }
    struct action *action =
        plan_add_take(plan, ACTION_PATCH, &resource_daemonset, live->ns, live->name, body);
    const char *first = json_str(json_array_at(strays, 0));
    action_reason(action, "Repaired", "remove spec/template%s from DaemonSet kube-system/coredns",
                  first);
    if (action != NULL) {
        action->patch_type = PATCH_JSON;
        action->input = INPUT_DNS_DAEMONSET;
        action->field = xasprintf("spec/template%s", first);
    }
    plan->state = PLAN_CHANGING;
    return true;
}

bool coredns_daemonset_update(const struct snapshot *seen, const struct object *live,
                              const char *whose, const struct json_object *wanted, bool repair,
                              struct plan *plan)
{
    AUTO_FREE char *in_spec =
        coredns_daemonset_difference(json_member(wanted, "spec"), json_member(live->body, "spec"));
    AUTO_FREE char *anywhere = coredns_daemonset_difference(wanted, live->body);
    if (anywhere == NULL) {
        return remove_strays(live, plan);
    }
    AUTO_FREE char *path = in_spec != NULL ? xasprintf("spec/%s", in_spec) : xstrdup(anywhere);
    struct action *action = write_wanted(seen, live, wanted, plan);
    if (repair && action != NULL) {
        action_reason(action, "Repaired", "put %s of DaemonSet kube-system/coredns back", path);
        action->field = xstrdup(path);
    } else {
        action_reason(action, "Updated", "update DaemonSet kube-system/coredns from %s: %s is new",
                      whose, in_spec != NULL ? path : "what was derived last");
    }
    return true;
}
