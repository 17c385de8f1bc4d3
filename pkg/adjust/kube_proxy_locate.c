#include "adjust/kube_proxy_locate.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

/* What a container's command line says. */
struct flags {
    const char *config; /* borrowed */
    bool master;
};

static void read_words(const struct json_object *words, struct flags *flags)
{
    for (size_t i = 0; i < json_array_len(words); i++) {
        const char *word = json_str(json_array_at(words, i));
        const char *next = json_str(json_array_at(words, i + 1));
        if (word == NULL) {
            continue;
        }
        if (strncmp(word, "--config=", 9) == 0) {
            flags->config = word + 9;
        } else if (strcmp(word, "--config") == 0 && next != NULL) {
            flags->config = next;
        } else if (strncmp(word, "--master=", 9) == 0 || strcmp(word, "--master") == 0) {
            flags->master = true;
        }
    }
}

/* The volume mount that holds the file, and the file's path within it. */
static const struct json_object *find_mount(const struct json_object *container, const char *file,
                                            const char **ret_inner)
{
    const struct json_object *mounts = json_member(container, "volumeMounts");
    const struct json_object *best = NULL;
    size_t best_len = 0;
    for (size_t i = 0; i < json_array_len(mounts); i++) {
        const struct json_object *mount = json_array_at(mounts, i);
        const char *path = json_get_str_or(mount, "mountPath", "");
        size_t len = strlen(path);
        while (len > 1 && path[len - 1] == '/') {
            len--;
        }
        if (len > best_len && strncmp(file, path, len) == 0 &&
            (file[len] == '/' || file[len] == '\0')) {
            best = mount;
            best_len = len;
        }
    }
    *ret_inner = best != NULL && file[best_len] == '/' ? file + best_len + 1 : "";
    return best;
}

static const struct json_object *find_volume(const struct json_object *spec, const char *name)
{
    const struct json_object *volumes = json_member(spec, "volumes");
    for (size_t i = 0; i < json_array_len(volumes); i++) {
        const struct json_object *volume = json_array_at(volumes, i);
        if (strcmp(json_get_str_or(volume, "name", ""), name) == 0) {
            return volume;
        }
    }
    return NULL;
}

/* The path within the volume of what is under `inner` in a mount of its `sub`. Caller frees. */
static char *join_path(const char *sub, const char *inner)
{
    size_t len = strlen(sub);
    while (len > 0 && sub[len - 1] == '/') {
        len--;
    }
    if (len == 0 || *inner == '\0') {
        return xasprintf("%.*s%s", (int)len, sub, inner);
    }
    return xasprintf("%.*s/%s", (int)len, sub, inner);
}

/* The key that a ConfigMap volume shows under the path, borrowed; NULL when none does. */
static const char *find_key(const struct json_object *source, const char *path)
{
    const struct json_object *items = json_member(source, "items");
    if (items == NULL) {
        return strchr(path, '/') == NULL && *path != '\0' ? path : NULL;
    }
    for (size_t i = 0; i < json_array_len(items); i++) {
        const struct json_object *item = json_array_at(items, i);
        if (strcmp(json_get_str_or(item, "path", ""), path) == 0) {
            return json_get_str(item, "key");
        }
    }
    return NULL;
}

static bool locate_file(const struct json_object *spec, const struct json_object *container,
                        const char *file, struct kube_proxy_place *place)
{
    const char *inner = "";
    const struct json_object *mount = find_mount(container, file, &inner);
    AUTO_FREE char *path = join_path(json_get_str_or(mount, "subPath", ""), inner);
    const struct json_object *volume = find_volume(spec, json_get_str_or(mount, "name", ""));
    const struct json_object *source = json_member(volume, "configMap");
    const char *name = json_get_str(source, "name");
    if (name == NULL) {
        snprintf(place->why, sizeof(place->why),
                 "DaemonSet kube-proxy: --config=%s is not in a ConfigMap volume", file);
        return false;
    }
    const char *key = find_key(source, path);
    if (key == NULL || strlen(key) >= sizeof(place->key) ||
        strlen(name) >= sizeof(place->configmap)) {
        snprintf(place->why, sizeof(place->why),
                 "DaemonSet kube-proxy: no key of ConfigMap %s is mounted as --config=%s", name,
                 file);
        return false;
    }
    snprintf(place->configmap, sizeof(place->configmap), "%s", name);
    snprintf(place->key, sizeof(place->key), "%s", key);
    return true;
}

bool kube_proxy_locate(const struct json_object *daemonset, struct kube_proxy_place *ret_place)
{
    *ret_place = (struct kube_proxy_place){0};
    const struct json_object *spec = json_get(daemonset, "spec/template/spec");
    const struct json_object *containers = json_member(spec, "containers");
    for (size_t i = 0; i < json_array_len(containers); i++) {
        const struct json_object *container = json_array_at(containers, i);
        struct flags flags = {0};
        read_words(json_member(container, "command"), &flags);
        read_words(json_member(container, "args"), &flags);
        ret_place->master = ret_place->master || flags.master;
        if (flags.config != NULL) {
            return locate_file(spec, container, flags.config, ret_place);
        }
    }
    snprintf(ret_place->why, sizeof(ret_place->why),
             "DaemonSet kube-proxy runs without --config: there is no ConfigMap to edit");
    return false;
}
