/* Hosts that kube-apiserver reaches by name: in its flags, and in the files that these name. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "node/precondition.h"
#include "staticpod/staticpod_names.h"
#include "json/json.h"

enum {
    FILES_MAX = 64, /* there are seven flags, and few files name another */
};

struct search {
    const struct precondition_names_input *input;
    struct staticpod_manifest manifest;
    struct staticpod_names names;
};

static void search_finish(struct search *search)
{
    staticpod_manifest_finish(&search->manifest);
    staticpod_names_finish(&search->names);
}
DEFINE_AUTO_FINISH(search, struct search, search_finish)

/* --- where on the node a file of the container is --- */

/* What of the path is below the directory: "", or "/x"; NULL: it is elsewhere. */
static const char *below(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    while (len > 0 && dir[len - 1] == '/') {
        len--;
    }
    bool inside = strncmp(path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/');
    return inside ? path + len : NULL;
}

/* The mount that shows the path: the deepest one. */
static const struct json_object *find_mount(const struct json_object *mounts, const char *path)
{
    const struct json_object *found = NULL;
    const char *found_rest = NULL;
    for (size_t i = 0; i < json_array_len(mounts); i++) {
        const struct json_object *mount = json_array_at(mounts, i);
        const char *dir = json_get_str(mount, "mountPath");
        const char *rest = dir != NULL ? below(path, dir) : NULL;
        if (rest != NULL && (found_rest == NULL || rest > found_rest)) {
            found = mount;
            found_rest = rest;
        }
    }
    return found;
}

static const char *host_path_of(const struct json_object *spec, const char *volume)
{
    const struct json_object *volumes = json_member(spec, "volumes");
    for (size_t i = 0; i < json_array_len(volumes); i++) {
        const struct json_object *candidate = json_array_at(volumes, i);
        if (strcmp(json_get_str_or(candidate, "name", ""), volume) == 0) {
            return json_get_str(candidate, "hostPath/path");
        }
    }
    return NULL;
}

static bool climbs(const char *path)
{
    size_t len = strlen(path);
    return strstr(path, "/../") != NULL || strncmp(path, "../", 3) == 0 ||
           strcmp(path, "..") == 0 || (len >= 3 && strcmp(path + len - 3, "/..") == 0);
}

/* NULL: it is not on the node, or that is not known. Owned by the caller. */
static char *path_on_node(const struct search *search, const char *path)
{
    const struct json_object *spec = json_get(search->manifest.document, "spec");
    const struct json_object *containers = json_member(spec, "containers");
    const struct json_object *container =
        json_array_at(containers, search->manifest.container_index);
    const struct json_object *mount = find_mount(json_member(container, "volumeMounts"), path);
    const char *host = host_path_of(spec, json_get_str_or(mount, "name", ""));
    const char *sub = json_get_str_or(mount, "subPath", "");
    if (*path != '/' || climbs(path) || climbs(sub) || mount == NULL || host == NULL ||
        json_member(mount, "subPathExpr") != NULL) {
        return NULL;
    }
    return xasprintf("%s%s%s%s", host, *sub != '\0' ? "/" : "", sub,
                     below(path, json_get_str_or(mount, "mountPath", "")));
}

/* --- the search --- */

static int search_file(struct search *search, const struct staticpod_name *file, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t len;
    AUTO_FREE char *path = path_on_node(search, file->text);
    if (path == NULL) {
        return err_set(err, ERR_INVALID,
                       "%.200s stands on no hostPath volume of the manifest, so it can't be read",
                       file->text);
    }
    if (search->input->read(search->input->arg, path, &text, &len, err) < 0) {
        return -1;
    }
    return staticpod_names_in_file(&search->manifest, path, text, len, &search->names, err);
}

/* Files that a file names are searched as well; one that was named before is not added again. */
static int search_files(struct search *search, struct err *err)
{
    for (size_t i = 0; i < search->names.files_len && search->names.hosts_len == 0; i++) {
        if (i == FILES_MAX) {
            return err_set(err, ERR_INVALID, "more than %d files are named", FILES_MAX);
        }
        /* the list moves when it grows */
        AUTO_FREE char *path = xstrdup(search->names.files[i].text);
        const struct staticpod_name file = {.text = path};
        if (search_file(search, &file, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void say_refusal(const struct staticpod_refusal *refusal, struct precondition *verdict)
{
    AUTO_FREE char *place =
        refusal->line > 0 ? xasprintf("line %zu, column %zu: ", refusal->line, refusal->column)
                          : xstrdup("");
    precondition_say(verdict, PRECONDITION_HELD, true, "Refused",
                     "the manifest of kube-apiserver: %s%s", place, refusal->message);
}

static void say_name(const struct search *search, struct precondition *verdict)
{
    const struct staticpod_name *host = &search->names.hosts[0];
    bool allowed = search->input->allowed;
    precondition_say(verdict, allowed ? PRECONDITION_OPEN : PRECONDITION_HELD, true, "NamesNeeded",
                     "kube-apiserver reaches %.253s by its name (%.300s)%s, and the tunnel's DNS "
                     "can't be reached before kube-proxy runs: write its address there, or give "
                     "the manifest hostAliases%s",
                     host->text, host->where, search->names.hosts_len > 1 ? ", and others" : "",
                     allowed ? "" : ", or set kube-apiserver.names: Allow");
}

void precondition_names(const struct precondition_names_input *input, struct precondition *verdict)
{
    AUTO(search) struct search search = {.input = input};
    AUTO(staticpod_refusal) struct staticpod_refusal refusal = {0};
    struct err err;
    int result = staticpod_manifest_read(input->text, input->len, STATICPOD_APISERVER,
                                         &search.manifest, &refusal);
    if (result == 0) {
        result = staticpod_names_in_flags(&search.manifest, &search.names, &refusal);
        result = input->allowed ? 0 : result; /* a flag that can't be told has what is allowed */
    }
    if (result < 0) {
        say_refusal(&refusal, verdict);
        return;
    }
    if (!input->allowed && search_files(&search, &err) < 0) {
        precondition_say(verdict, PRECONDITION_HELD, true, "NamesUnknown",
                         "whether kube-apiserver reaches a host by its name is not known: %s; set "
                         "kube-apiserver.names: Allow if it does not",
                         err.text);
        return;
    }
    if (search.names.hosts_len > 0) {
        say_name(&search, verdict);
    }
}
