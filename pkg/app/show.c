#include "app/show.h"

#include <stdlib.h>
#include <string.h>

#include "app/inputs.h"
#include "base/alloc.h"
#include "base/textdiff.h"
#include "base/timefmt.h"
#include "kube/client.h"
#include "yaml/yaml.h"

static bool has_held_note(const struct plan *plan)
{
    for (size_t i = 0; i < plan->notes_len; i++) {
        if (plan->notes[i].held) {
            return true;
        }
    }
    return false;
}

/* A plan that waits without saying for what still must not look like one with nothing to do. */
static void explain_wait(struct plan *plan)
{
    char after[TIMEFMT_SIZE];
    if (plan->state != PLAN_CHANGING || plan->actions_len > 0 || has_held_note(plan)) {
        return;
    }
    timefmt_duration(plan->requeue_ms, after);
    plan_hold(plan, false, "Waiting",
              "nothing to write at this moment; it goes on when something changes%s%s%s",
              plan->requeue_ms > 0 ? ", or after " : "", plan->requeue_ms > 0 ? after : "",
              plan->requeue_ms > 0 ? " at the latest" : "");
    plan->state = PLAN_CHANGING;
}

bool show_wants_leases(const struct world *world, int64_t wall_ms, int64_t now_ms)
{
    bool wants = false;
    for (size_t i = 0; i < adjustments_len; i++) {
        AUTO(plan) struct plan plan = {0};
        if (policy_mode(&world->policy, adjustments[i]) != MODE_IGNORE) {
            world_plan(world, adjustments[i], wall_ms, now_ms, &plan);
            wants = wants || plan.wants_leases;
        }
    }
    return wants;
}

/* --- JSON --- */

static struct json_object *action_json(const struct adjustment *adjustment, enum mode mode,
                                       const struct action *action)
{
    struct json_object *json = json_new_object();
    AUTO_FREE char *version = kube_api_version(action->resource);
    json_set_str(json, "adjustment", adjustment->id);
    json_set_str(json, "mode", mode_word(mode));
    json_set_str(json, "verb", action_verb_word(action->verb));
    struct json_object *target = json_ensure_object(json, "target");
    json_set_str(target, "apiVersion", version);
    json_set_str(target, "kind", action->resource->kind);
    json_set_str(target, "namespace", action->ns);
    json_set_str(target, "name", action->name);
    json_set_str(json, "patchType", patch_type_word(action->patch_type));
    json_set(json, "patch", action->body);
    json_set_str(json, "reason", action->reason);
    return json;
}

static void add_json(struct json_object *doc, const struct adjustment *adjustment, enum mode mode,
                     const struct plan *plan)
{
    struct json_object *actions = (struct json_object *)(uintptr_t)json_member(doc, "actions");
    struct json_object *held = (struct json_object *)(uintptr_t)json_member(doc, "held");
    for (size_t i = 0; i < plan->actions_len; i++) {
        json_append_take(actions, action_json(adjustment, mode, &plan->actions[i]));
    }
    for (size_t i = 0; i < plan->notes_len; i++) {
        if (plan->notes[i].held) {
            struct json_object *note = json_new_object();
            json_set_str(note, "adjustment", adjustment->id);
            json_set_str(note, "reason", plan->notes[i].reason);
            json_set_str(note, "message", plan->notes[i].message);
            json_append_take(held, note);
        }
    }
}

/* --- text --- */

static const struct object *find_target(const struct world *world, const struct action *action)
{
    return action->input == INPUT_NONE
               ? NULL
               : store_get(world->stores[action->input], action->ns, action->name);
}

/* The object as people read it: without what the server keeps for itself. */
static char *readable(const struct json_object *object)
{
    if (object == NULL) {
        return xstrdup("");
    }
    AUTO(json) struct json_object *copy = json_copy(object);
    struct json_object *metadata = json_ensure_object(copy, "metadata");
    json_del(metadata, "managedFields");
    json_del(metadata, "resourceVersion");
    return yaml_emit(copy);
}

static struct json_object *apply(const struct object *before, const struct action *action)
{
    struct json_object *after = NULL;
    struct err err;
    if (action->patch_type == PATCH_MERGE) {
        return json_merge_patch(before->body, action->body);
    }
    return json_json_patch(before->body, action->body, &after, &err) == 0 ? after : NULL;
}

static void show_diff(FILE *out, const char *name, const struct json_object *before,
                      const struct json_object *after)
{
    AUTO_FREE char *from = xasprintf("live/%s", name);
    AUTO_FREE char *to = xasprintf("planned/%s", name);
    AUTO_FREE char *old_text = readable(before);
    AUTO_FREE char *new_text = readable(after);
    AUTO_FREE char *diff = textdiff_unified(old_text, new_text, from, to);
    fputs(diff, out);
}

/* The diff; for what is not kept as JSON here, the request's body. */
static void show_change(FILE *out, const struct world *world, const struct action *action)
{
    const struct object *before = find_target(world, action);
    AUTO_FREE char *name = xasprintf("%s/%s/%s", action->resource->kind, action->ns, action->name);
    bool known = before != NULL && before->body != NULL && action->verb == ACTION_PATCH;
    AUTO(json) struct json_object *after = known ? apply(before, action) : NULL;
    if (action->input == INPUT_STATE) {
        return; /* the operator's own notes; -o json has them */
    }
    if (after != NULL) {
        show_diff(out, name, before->body, after);
        return;
    }
    AUTO_FREE char *body = json_text(action->body);
    fprintf(out, "%s %s\n  %s\n", action_verb_word(action->verb), name, body);
}

static void show_text(FILE *out, const struct world *world, const struct adjustment *adjustment,
                      enum mode mode, const struct plan *plan)
{
    fprintf(out, "%s: %s (mode %s)\n", adjustment->id, plan_state_word(plan->state),
            mode_word(mode));
    for (size_t i = 0; i < plan->notes_len; i++) {
        fprintf(out, "  %s%s: %s\n", plan->notes[i].held ? "held, " : "", plan->notes[i].reason,
                plan->notes[i].message);
    }
    for (size_t i = 0; i < plan->actions_len; i++) {
        fprintf(out, "# %s\n", plan->actions[i].reason);
        show_change(out, world, &plan->actions[i]);
    }
}

int show_plans(FILE *out, const struct world *world, bool json, int64_t wall_ms, int64_t now_ms)
{
    int result = SHOW_NOTHING;
    AUTO(json) struct json_object *doc = json_new_object();
    json_set_take(doc, "actions", json_new_array());
    json_set_take(doc, "held", json_new_array());
    for (size_t i = 0; i < adjustments_len; i++) {
        enum mode mode = policy_mode(&world->policy, adjustments[i]);
        AUTO(plan) struct plan plan = {0};
        if (mode == MODE_IGNORE) {
            continue;
        }
        world_plan(world, adjustments[i], wall_ms, now_ms, &plan);
        explain_wait(&plan);
        if (plan.actions_len > 0 || plan.state == PLAN_CHANGING) {
            result = SHOW_SOMETHING;
        }
        if (json) {
            add_json(doc, adjustments[i], mode, &plan);
        } else {
            show_text(out, world, adjustments[i], mode, &plan);
        }
    }
    if (json) {
        AUTO_FREE char *text = json_text_pretty(doc);
        fprintf(out, "%s\n", text);
    }
    return result;
}
