#include "control/plan.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/alloc.h"

static const char state_ns[] = "kube-system";
static const char state_name[] = "yurt-steward-state";

void plan_finish(struct plan *plan)
{
    for (size_t i = 0; i < plan->actions_len; i++) {
        free(plan->actions[i].ns);
        free(plan->actions[i].name);
        free(plan->actions[i].reason);
        free(plan->actions[i].field);
        json_unref(plan->actions[i].body);
    }
    for (size_t i = 0; i < plan->notes_len; i++) {
        free(plan->notes[i].message);
    }
    for (size_t i = 0; i < plan->dns_len; i++) {
        free(plan->dns[i]);
    }
    *plan = (struct plan){0};
}

struct action *plan_add_take(struct plan *plan, enum action_verb verb,
                             const struct kube_resource *resource, const char *ns, const char *name,
                             struct json_object *body)
{
    if (plan->actions_len == PLAN_ACTIONS_MAX) {
        json_unref(body);
        return NULL;
    }
    struct action *action = &plan->actions[plan->actions_len++];
    *action = (struct action){.verb = verb,
                              .resource = resource,
                              .ns = xstrdup(ns),
                              .name = xstrdup(name),
                              .body = body,
                              .input = INPUT_NONE};
    return action;
}

void action_reason(struct action *action, const char *event, const char *format, ...)
{
    if (action == NULL) {
        return;
    }
    va_list args;
    va_start(args, format);
    free(action->reason);
    action->reason = xvasprintf(format, args);
    va_end(args);
    action->event = event;
}

void plan_record_take(struct plan *plan, const struct snapshot *seen, struct json_object *data,
                      const char *reason)
{
    const struct object *state = snapshot_only(seen, INPUT_STATE);
    struct json_object *body = json_new_object();
    if (state == NULL) {
        json_set_str(body, "apiVersion", "v1");
        json_set_str(body, "kind", resource_configmap.kind);
    }
    struct json_object *metadata = json_ensure_object(body, "metadata");
    if (state == NULL) {
        json_set_str(metadata, "name", state_name);
        json_set_str(metadata, "namespace", state_ns);
        json_set_str(json_ensure_object(metadata, "labels"), "app.kubernetes.io/managed-by",
                     "yurt-steward");
        json_set_str(json_ensure_object(metadata, "annotations"), STATE_VERSION_ANNOTATION,
                     STATE_VERSION);
    } else {
        json_set_str(metadata, "resourceVersion", state->resource_version);
    }
    json_set_take(body, "data", data);
    struct action *action = plan_add_take(plan, state == NULL ? ACTION_CREATE : ACTION_PATCH,
                                          &resource_configmap, state_ns, state_name, body);
    if (action != NULL) {
        action->patch_type = state == NULL ? PATCH_NONE : PATCH_MERGE;
        action->input = INPUT_STATE;
        action_reason(action, NULL, "%s", reason);
    }
}

/* Takes the message. */
static void add_note(struct plan *plan, const struct note *note)
{
    if (plan->notes_len == PLAN_NOTES_MAX) {
        free(note->message);
        return;
    }
    plan->notes[plan->notes_len++] = *note;
}

void plan_note(struct plan *plan, bool warning, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_note(plan, &(struct note){
                       .warning = warning, .reason = reason, .message = xvasprintf(format, args)});
    va_end(args);
}

void plan_hold(struct plan *plan, bool warning, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_note(plan, &(struct note){.held = true,
                                  .warning = warning,
                                  .reason = reason,
                                  .message = xvasprintf(format, args)});
    va_end(args);
    plan->state = PLAN_HELD;
}

void plan_warn_after(struct plan *plan, int64_t after_ms, const char *reason, const char *format,
                     ...)
{
    va_list args;
    va_start(args, format);
    add_note(plan, &(struct note){.warning = true,
                                  .reason = reason,
                                  .message = xvasprintf(format, args),
                                  .after_ms = after_ms});
    va_end(args);
}

bool plan_want_dns(struct plan *plan, const char *address)
{
    if (plan->dns_len == PLAN_DNS_MAX) {
        return false;
    }
    plan->dns[plan->dns_len++] = xstrdup(address);
    return true;
}

void plan_requeue(struct plan *plan, int64_t ms)
{
    if (plan->requeue_ms == 0 || ms < plan->requeue_ms) {
        plan->requeue_ms = ms > 0 ? ms : 1;
    }
}

const char *plan_state_word(enum plan_state state)
{
    static const char *const words[] = {
        [PLAN_IN_FORCE] = "InForce",  [PLAN_CHANGING] = "Changing",
        [PLAN_HELD] = "Held",         [PLAN_NOT_APPLICABLE] = "NotApplicable",
        [PLAN_REVERTED] = "Reverted",
    };
    return words[state];
}

const char *action_verb_word(enum action_verb verb)
{
    static const char *const words[] = {
        [ACTION_CREATE] = "create",
        [ACTION_PATCH] = "patch",
        [ACTION_DELETE] = "delete",
        [ACTION_REPLACE] = "replace",
    };
    return words[verb];
}

const char *patch_type_content(enum patch_type type)
{
    static const char *const types[] = {
        [PATCH_NONE] = NULL,
        [PATCH_MERGE] = "application/merge-patch+json",
        [PATCH_JSON] = "application/json-patch+json",
        [PATCH_APPLY] = "application/apply-patch+yaml", /* of which JSON is a subset */
    };
    return types[type];
}

const char *patch_type_word(enum patch_type type)
{
    static const char *const words[] = {
        [PATCH_NONE] = "",
        [PATCH_MERGE] = "merge",
        [PATCH_JSON] = "json",
        [PATCH_APPLY] = "apply",
    };
    return words[type];
}
