/*
 * A DaemonSet kube-system/coredns that somebody else made: its selector can't be changed and its
 * owner would put it back, so it is not taken over. It only gets what it needs to be on every node:
 * the toleration. Image, resources, placement and update strategy stay its owner's.
 */
#include <string.h>

#include "adjust/coredns_daemonset_parts.h"
#include "base/alloc.h"
#include "kube/resource.h"

#define TOLERATIONS "spec/template/spec/tolerations"

/* Without key and effect it covers every taint (core/v1, Toleration). */
static bool tolerates_all(const struct json_object *tolerations)
{
    for (size_t i = 0; i < json_array_len(tolerations); i++) {
        const struct json_object *toleration = json_array_at(tolerations, i);
        if (strcmp(json_get_str_or(toleration, "operator", ""), "Exists") == 0 &&
            *json_get_str_or(toleration, "key", "") == '\0' &&
            *json_get_str_or(toleration, "effect", "") == '\0' &&
            json_member(toleration, "tolerationSeconds") == NULL) {
            return true;
        }
    }
    return false;
}

/* Replaces the list as one; NULL takes it away. */
static struct action *set_tolerations_take(struct plan *plan, const struct object *live,
                                           struct json_object *tolerations)
{
    struct json_object *body = json_new_object();
    coredns_daemonset_expect(body, live);
    struct json_object *template = json_ensure_object(json_ensure_object(body, "spec"), "template");
    json_set_take(json_ensure_object(template, "spec"), "tolerations", tolerations);
    struct action *action =
        plan_add_take(plan, ACTION_PATCH, &resource_daemonset, live->ns, live->name, body);
    if (action != NULL) {
        action->patch_type = PATCH_MERGE;
        action->input = INPUT_DNS_DAEMONSET;
    }
    plan->state = PLAN_CHANGING;
    return action;
}

static void record_tolerations(const struct snapshot *seen, const struct object *live,
                               const struct json_object *tolerations, struct plan *plan)
{
    struct json_object *json = json_new_object();
    json_set_str(json, "uid", live->uid);
    json_set_str(json, "resourceVersion", live->resource_version);
    json_set_take(json_ensure_object(json, "before"), "tolerations", json_copy(tolerations));
    daemonset_record_write_take(plan, seen, json,
                                "record the DaemonSet's tolerations as they were");
}

static void add_toleration(const struct snapshot *seen, const struct object *live,
                           const struct daemonset_record *record, struct plan *plan)
{
    const struct json_object *old = json_get(live->body, TOLERATIONS);
    bool known = record->json != NULL && !record->reverting;
    const char *recorded_at = json_get_str_or(record->json, "resourceVersion", "");
    bool repair = known && strcmp(recorded_at, live->resource_version) != 0;
    if (!known) {
        record_tolerations(seen, live, old, plan);
    }
    struct json_object *tolerations = json_is_array(old) ? json_copy(old) : json_new_array();
    struct json_object *toleration = json_new_object();
    json_set_str(toleration, "operator", "Exists");
    json_append_take(tolerations, toleration);
    struct action *action = set_tolerations_take(plan, live, tolerations);
    action_reason(action, repair ? "Repaired" : "Enforced",
                  "let DaemonSet kube-system/coredns tolerate every taint");
    if (action != NULL && repair) {
        action->field = xstrdup(TOLERATIONS);
    }
}

static const char *image_of(const struct object *workload)
{
    return workload != NULL
               ? json_get_str_or(workload->body, "spec/template/spec/containers/0/image", "")
               : "";
}

void coredns_foreign_enforce(const struct snapshot *seen, const struct object *live,
                             struct plan *plan)
{
    const struct json_object *template = json_get(live->body, "spec/template");
    const char *app = json_str(json_member(json_get(template, "metadata/labels"), "k8s-app"));
    if (app == NULL || strcmp(app, "kube-dns") != 0) {
        plan_hold(plan, true, "ForeignDaemonSet",
                  "DaemonSet kube-system/coredns was made by somebody else and its "
                  "spec.template.metadata.labels[k8s-app] is \"%s\", not kube-dns, by which DNS "
                  "pods are found; rename or delete it",
                  app != NULL ? app : "");
        return;
    }
    if (!coredns_daemonset_selected(seen, template, "DaemonSet kube-system/coredns", plan)) {
        return;
    }
    const char *image = image_of(snapshot_only(seen, INPUT_DNS_DEPLOYMENT));
    plan_note(plan, false, "ForeignDaemonSet",
              "DaemonSet kube-system/coredns was made by somebody else: it is made to tolerate "
              "every taint; its image%s, resources, placement and update strategy are left alone",
              *image != '\0' && strcmp(image, image_of(live)) != 0
                  ? " (not the one of Deployment kube-system/coredns)"
                  : "");
    AUTO(daemonset_record) struct daemonset_record record = daemonset_record_read(seen, live);
    if (!tolerates_all(json_get(live->body, TOLERATIONS))) {
        add_toleration(seen, live, &record, plan);
    } else if (record.reverting) {
        struct json_object *again = json_copy(record.json);
        json_del(again, "reverting");
        daemonset_record_write_take(plan, seen, again, "take up the adjustment again");
    }
}

void coredns_foreign_revert(const struct snapshot *seen, const struct object *live,
                            const struct daemonset_record *record, struct plan *plan)
{
    if (!coredns_others_reverted(seen, plan)) {
        return;
    }
    const struct json_object *before = json_get(record->json, "before/tolerations");
    if (json_same(before, json_get(live->body, TOLERATIONS))) {
        daemonset_record_write_take(plan, seen, NULL,
                                    "the DaemonSet is as it was: drop the record");
        return;
    }
    if (!record->reverting) {
        struct json_object *marked = json_copy(record->json);
        json_set_bool(marked, "reverting", true);
        daemonset_record_write_take(plan, seen, marked,
                                    "record that the tolerations are being put back");
    }
    action_reason(set_tolerations_take(plan, live, json_copy(before)), "Reverted",
                  "put the tolerations of DaemonSet kube-system/coredns back");
}
