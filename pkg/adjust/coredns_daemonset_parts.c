#include "adjust/coredns_daemonset_parts.h"

#include <string.h>

static const char record_key[] = "coredns-daemonset";

/* Ours is known by its label: the record is older than its uid. Another's is known by its uid. */
static bool is_of(const struct json_object *record, const struct object *live)
{
    if (json_get_bool(record, "created", false)) {
        return live == NULL || coredns_daemonset_ours(live);
    }
    return live != NULL && strcmp(json_get_str_or(record, "uid", ""), live->uid) == 0;
}

struct daemonset_record daemonset_record_read(const struct snapshot *seen,
                                              const struct object *live)
{
    size_t len = 0;
    const char *text = snapshot_record(seen, record_key, &len);
    AUTO(json) struct json_object *json = NULL;
    if (text == NULL) {
        return (struct daemonset_record){0};
    }
    if (json_parse(text, len, &json, NULL) < 0 || !is_of(json, live)) {
        return (struct daemonset_record){.stale = true};
    }
    bool created = json_get_bool(json, "created", false);
    bool reverting = json_get_bool(json, "reverting", false);
    return (struct daemonset_record){
        .json = take_ptr(json), .created = created, .reverting = reverting};
}

void daemonset_record_finish(struct daemonset_record *record)
{
    json_unref(record->json);
}

void daemonset_record_write_take(struct plan *plan, const struct snapshot *seen,
                                 struct json_object *json, const char *reason)
{
    struct json_object *data = json_new_object();
    AUTO_FREE char *text = json != NULL ? json_text(json) : NULL;
    json_set_str(data, record_key, text);
    json_unref(json);
    plan_record_take(plan, seen, data, reason);
    plan->state = PLAN_CHANGING;
}

bool coredns_daemonset_ours(const struct object *daemonset)
{
    const struct json_object *labels = json_get(daemonset->body, "metadata/labels");
    const char *owner = json_str(json_member(labels, COREDNS_OWNER_LABEL));
    return owner != NULL && strcmp(owner, COREDNS_OWNER) == 0;
}

void coredns_daemonset_expect(struct json_object *body, const struct object *live)
{
    if (*live->uid != '\0') {
        struct json_object *metadata = json_ensure_object(body, "metadata");
        json_set_str(metadata, "uid", live->uid);
        json_set_str(metadata, "resourceVersion", live->resource_version);
    }
}

struct selection {
    const struct json_object *labels;
    const char *key;   /* the first that the labels have not as the selector has it */
    const char *value; /* what the selector asks for */
};

static bool match_label(void *arg, const char *name, const struct json_object *value)
{
    struct selection *selection = arg;
    if (!json_same(json_member(selection->labels, name), value)) {
        selection->key = name;
        selection->value = json_str(value);
    }
    return selection->key == NULL;
}

bool coredns_daemonset_selected(const struct snapshot *seen, const struct json_object *template,
                                const char *whose, struct plan *plan)
{
    const struct object *service = snapshot_only(seen, INPUT_DNS_SERVICE);
    if (service == NULL) {
        return true; /* who makes it later decides; service-topology says that it is missing */
    }
    struct selection selection = {.labels = json_get(template, "metadata/labels")};
    json_each(json_get(service->body, "spec/selector"), match_label, &selection);
    if (selection.key == NULL) {
        return true;
    }
    plan_hold(plan, true, "Refused",
              "Service kube-system/%s selects pods with label %s=%s, which "
              "spec.template.metadata.labels of %s has not: its pods would not serve",
              service->name, selection.key, selection.value != NULL ? selection.value : "", whose);
    return false;
}
