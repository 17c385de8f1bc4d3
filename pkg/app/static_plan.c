#include "app/static_plan.h"

#include <stdlib.h>

#include "app/show.h"
#include "base/alloc.h"
#include "base/textdiff.h"
#include "control/plan.h"
#include "staticpod/manifest_dir.h"
#include "json/json.h"

/* One component while its plan is made. */
struct planner {
    const struct static_plan_wish *wish;
    struct staticpod_wanted wanted;
    const char *component;
    struct staticpod_found found;
    struct plan plan; /* its state and notes */
};

static void planner_finish(struct planner *planner)
{
    staticpod_found_finish(&planner->found);
    plan_finish(&planner->plan);
}

/* --- one component --- */

static void tell_refusal(struct planner *planner)
{
    const struct staticpod_refusal *refusal = &planner->found.edit.refusal;
    AUTO_FREE char *place =
        refusal->line > 0 ? xasprintf(", line %zu, column %zu", refusal->line, refusal->column)
                          : xstrdup("");
    plan_hold(&planner->plan, true, "Refused", "%s%s: %s; nothing would be written",
              planner->found.manifest->name, place, refusal->message);
}

static void conclude(struct planner *planner)
{
    struct plan *plan = &planner->plan;
    bool apiserver = planner->wanted.component == STATICPOD_APISERVER;
    if (planner->found.manifest == NULL) {
        plan_note(plan, false, "ManifestMissing", "no file in %s runs %s", planner->wish->dir,
                  planner->component);
        plan->state = PLAN_NOT_APPLICABLE;
        return;
    }
    if (plan->state == PLAN_HELD) {
        return;
    }
    if (planner->found.edit.outcome == STATICPOD_REFUSED) {
        tell_refusal(planner);
        return;
    }
    if (apiserver && planner->wanted.nameserver == NULL) {
        plan_hold(plan, false, "NoNameserver",
                  "dnsPolicy and dnsConfig are left out: the address of the tunnel's DNS Service "
                  "is not known here");
    }
    if (planner->found.edit.outcome == STATICPOD_EDITED) {
        plan->state = PLAN_CHANGING;
    }
}

static void make_plan(struct planner *planner, const struct manifest_dir *dir)
{
    struct staticpod_found *found = &planner->found;
    planner->component = staticpod_component_name(planner->wanted.component);
    staticpod_find(dir->list, dir->len, &planner->wanted, found);
    if (found->other != NULL) {
        plan_hold(&planner->plan, true, "SeveralManifests",
                  "%s and %s are both about %s, and the kubelet takes the last one of a name: move "
                  "one out of the directory",
                  found->manifest->name, found->other->name, planner->component);
    }
    conclude(planner);
}

/* --- what is shown --- */

static char *diff_of(const struct planner *planner)
{
    AUTO_FREE char *from = xasprintf("live/%s", planner->found.manifest->name);
    AUTO_FREE char *to = xasprintf("planned/%s", planner->found.manifest->name);
    return textdiff_unified(planner->found.manifest->text, planner->found.edit.text, from, to);
}

static void show_text(FILE *out, const struct planner *planner)
{
    const struct plan *plan = &planner->plan;
    fprintf(out, "%s: %s\n", planner->component, plan_state_word(plan->state));
    for (size_t i = 0; i < plan->notes_len; i++) {
        fprintf(out, "  %s%s: %s\n", plan->notes[i].held ? "held, " : "", plan->notes[i].reason,
                plan->notes[i].message);
    }
    if (plan->state != PLAN_CHANGING) {
        return;
    }
    AUTO_FREE char *diff = diff_of(planner);
    for (size_t i = 0; i < planner->found.edit.changes.len; i++) {
        fprintf(out, "# %s\n", planner->found.edit.changes.list[i]);
    }
    fputs(diff, out);
}

static void add_json(struct json_object *actions, struct json_object *held,
                     const struct planner *planner)
{
    const struct plan *plan = &planner->plan;
    for (size_t i = 0; i < plan->notes_len; i++) {
        if (!plan->notes[i].held) {
            continue;
        }
        struct json_object *note = json_new_object();
        json_set_str(note, "adjustment", planner->component);
        json_set_str(note, "reason", plan->notes[i].reason);
        json_set_str(note, "message", plan->notes[i].message);
        json_append_take(held, note);
    }
    if (plan->state != PLAN_CHANGING) {
        return;
    }
    AUTO_FREE char *diff = diff_of(planner);
    struct json_object *action = json_new_object();
    struct json_object *changes = json_new_array();
    for (size_t i = 0; i < planner->found.edit.changes.len; i++) {
        json_append_take(changes, json_new_str(planner->found.edit.changes.list[i]));
    }
    json_set_str(action, "adjustment", planner->component);
    json_set_str(action, "verb", "write");
    json_set_str(json_ensure_object(action, "target"), "file", planner->found.manifest->name);
    json_set_take(action, "changes", changes);
    json_set_str(action, "diff", diff);
    json_append_take(actions, action);
}

static void show_json(FILE *out, const struct planner *planners, size_t count)
{
    AUTO(json) struct json_object *doc = json_new_object();
    struct json_object *actions = json_new_array();
    struct json_object *held = json_new_array();
    for (size_t i = 0; i < count; i++) {
        add_json(actions, held, &planners[i]);
    }
    json_set_take(doc, "actions", actions);
    json_set_take(doc, "held", held);
    AUTO_FREE char *text = json_text_pretty(doc);
    fprintf(out, "%s\n", text);
}

int static_plan_show(FILE *out, const struct static_plan_wish *wish, int *ret_status,
                     struct err *err)
{
    AUTO(manifest_dir) struct manifest_dir dir = {0};
    struct planner planners[] = {
        {.wish = wish,
         .wanted = {.component = STATICPOD_CONTROLLER_MANAGER, .nodelifecycle_off = true}},
        {.wish = wish,
         .wanted = {.component = STATICPOD_APISERVER,
                    .hostname_first = true,
                    .no_certificate_authority = wish->no_certificate_authority,
                    .nameserver = wish->nameserver,
                    .cluster_domain = wish->cluster_domain,
                    .names_allowed = wish->names_allowed}},
    };
    if (manifest_dir_read(wish->dir, &dir, err) < 0) {
        return -1;
    }
    *ret_status = SHOW_NOTHING;
    for (size_t i = 0; i < ARRAY_LEN(planners); i++) {
        make_plan(&planners[i], &dir);
        *ret_status = planners[i].plan.state == PLAN_CHANGING ? SHOW_SOMETHING : *ret_status;
        if (!wish->json) {
            show_text(out, &planners[i]);
        }
    }
    if (wish->json) {
        show_json(out, planners, ARRAY_LEN(planners));
    }
    for (size_t i = 0; i < ARRAY_LEN(planners); i++) {
        planner_finish(&planners[i]);
    }
    return 0;
}
