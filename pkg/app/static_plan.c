#include "app/static_plan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/show.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/textdiff.h"
#include "control/plan.h"
#include "staticpod/staticpod_edit.h"
#include "json/json.h"

struct manifest {
    char *name;
    char *text; /* NULL: not a regular file */
    size_t len;
};

struct directory {
    struct manifest *list; /* in the kubelet's order */
    size_t len;
};

/* One component while its plan is made. */
struct planner {
    const struct static_plan_wish *wish;
    struct staticpod_wanted wanted;
    const char *component;
    const struct manifest *manifest; /* that runs it, or would */
    struct staticpod_edit edit;
    struct plan plan; /* its state and notes */
};

static void directory_finish(struct directory *directory)
{
    for (size_t i = 0; i < directory->len; i++) {
        free(directory->list[i].name);
        free(directory->list[i].text);
    }
    free(directory->list);
}
DEFINE_AUTO_FINISH(directory, struct directory, directory_finish)

static void planner_finish(struct planner *planner)
{
    staticpod_edit_finish(&planner->edit);
    plan_finish(&planner->plan);
}

/* --- the directory --- */

/* The kubelet leaves out what begins with a dot, and nothing else. */
static int is_manifest_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* By bytes, as the kubelet sorts; alphasort() goes by the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Reads a little more than is allowed, so that a larger file is known by its length. */
static int read_text(int fd, const char *path, struct manifest *manifest, struct err *err)
{
    AUTO(buf) struct buf text = BUF_INIT(STATICPOD_TEXT_MAX + 65536);
    char piece[65536];
    while (text.len <= STATICPOD_TEXT_MAX) {
        ssize_t got = read(fd, piece, sizeof(piece));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, ERR_INVALID, errno, "cannot read %s", path);
        }
        if (got == 0) {
            break;
        }
        buf_append(&text, piece, (size_t)got);
    }
    manifest->len = text.len;
    manifest->text = buf_take(&text);
    return 0;
}

static int read_manifest(const char *path, struct manifest *manifest, struct err *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && (errno == ELOOP || errno == ENXIO)) {
        return 0; /* a symbolic link, a socket: text stays NULL */
    }
    if (fd < 0) {
        return err_set_errno(err, ERR_INVALID, errno, "cannot open %s", path);
    }
    int result = fstat(fd, &info) < 0
                     ? err_set_errno(err, ERR_INVALID, errno, "cannot look at %s", path)
                     : 0;
    if (result == 0 && S_ISREG(info.st_mode)) {
        result = read_text(fd, path, manifest, err);
    }
    close(fd);
    return result;
}

static int read_directory(const char *dir, struct directory *directory, struct err *err)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, is_manifest_name, compare_names);
    int result = count < 0 ? err_set_errno(err, ERR_INVALID, errno, "cannot read %s", dir) : 0;
    directory->list = xcalloc(count > 0 ? (size_t)count : 1, sizeof(*directory->list));
    for (int i = 0; i < count; i++) {
        if (result == 0) {
            AUTO_FREE char *path = xasprintf("%s/%s", dir, entries[i]->d_name);
            struct manifest *manifest = &directory->list[directory->len++];
            manifest->name = xstrdup(entries[i]->d_name);
            result = read_manifest(path, manifest, err);
        }
        free(entries[i]);
    }
    free(entries);
    return result;
}

/* --- one component --- */

static bool is_about(const struct manifest *manifest, const char *component)
{
    return strncmp(manifest->name, component, strlen(component)) == 0 ||
           (manifest->text != NULL &&
            memmem(manifest->text, manifest->len, component, strlen(component)) != NULL);
}

static void take_edit(struct planner *planner, const struct manifest *manifest,
                      struct staticpod_edit *edit)
{
    if (planner->manifest != NULL) {
        plan_hold(&planner->plan, true, "SeveralManifests",
                  "%s and %s are both about %s, and the kubelet takes the last one of a name: move "
                  "one out of the directory",
                  planner->manifest->name, manifest->name, planner->component);
        return;
    }
    planner->manifest = manifest;
    planner->edit = *edit;
    *edit = (struct staticpod_edit){0};
}

static void look_at(struct planner *planner, const struct manifest *manifest)
{
    AUTO(staticpod_edit) struct staticpod_edit edit = {.outcome = STATICPOD_REFUSED};
    if (!is_about(manifest, planner->component)) {
        return;
    }
    if (manifest->text == NULL) {
        edit.refusal.message = xstrdup("not a regular file");
    } else {
        staticpod_edit(manifest->text, manifest->len, &planner->wanted, &edit);
    }
    if (!edit.refusal.unrelated) {
        take_edit(planner, manifest, &edit);
    }
}

static void tell_refusal(struct planner *planner)
{
    const struct staticpod_refusal *refusal = &planner->edit.refusal;
    AUTO_FREE char *place =
        refusal->line > 0 ? xasprintf(", line %zu, column %zu", refusal->line, refusal->column)
                          : xstrdup("");
    plan_hold(&planner->plan, true, "Refused", "%s%s: %s; nothing would be written",
              planner->manifest->name, place, refusal->message);
}

static void conclude(struct planner *planner)
{
    struct plan *plan = &planner->plan;
    bool apiserver = planner->wanted.component == STATICPOD_APISERVER;
    if (planner->manifest == NULL) {
        plan_note(plan, false, "ManifestMissing", "no file in %s runs %s", planner->wish->dir,
                  planner->component);
        plan->state = PLAN_NOT_APPLICABLE;
        return;
    }
    if (plan->state == PLAN_HELD) {
        return;
    }
    if (planner->edit.outcome == STATICPOD_REFUSED) {
        tell_refusal(planner);
        return;
    }
    if (apiserver && planner->wanted.nameserver == NULL) {
        plan_hold(plan, false, "NoNameserver",
                  "dnsPolicy and dnsConfig are left out: the address of the tunnel's DNS Service "
                  "is not known here");
    }
    if (planner->edit.outcome == STATICPOD_EDITED) {
        plan->state = PLAN_CHANGING;
    }
}

static void make_plan(struct planner *planner, const struct directory *directory)
{
    planner->component = staticpod_component_name(planner->wanted.component);
    for (size_t i = 0; i < directory->len; i++) {
        look_at(planner, &directory->list[i]);
    }
    conclude(planner);
}

/* --- what is shown --- */

static char *diff_of(const struct planner *planner)
{
    AUTO_FREE char *from = xasprintf("live/%s", planner->manifest->name);
    AUTO_FREE char *to = xasprintf("planned/%s", planner->manifest->name);
    return textdiff_unified(planner->manifest->text, planner->edit.text, from, to);
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
    for (size_t i = 0; i < planner->edit.changes.len; i++) {
        fprintf(out, "# %s\n", planner->edit.changes.list[i]);
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
    for (size_t i = 0; i < planner->edit.changes.len; i++) {
        json_append_take(changes, json_new_str(planner->edit.changes.list[i]));
    }
    json_set_str(action, "adjustment", planner->component);
    json_set_str(action, "verb", "write");
    json_set_str(json_ensure_object(action, "target"), "file", planner->manifest->name);
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
    AUTO(directory) struct directory directory = {0};
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
    if (read_directory(wish->dir, &directory, err) < 0) {
        return -1;
    }
    *ret_status = SHOW_NOTHING;
    for (size_t i = 0; i < ARRAY_LEN(planners); i++) {
        make_plan(&planners[i], &directory);
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
