#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/kubeconfig.h"
#include "kube/kubeconfig_fields.h"

#define GROUP "client.authentication.k8s.io"
#define CLUSTER_EXTENSION GROUP "/exec"

struct plugin {
    const struct kubeconfig_at *user;
    struct kubeconfig_exec fields;
};

static int fail(const struct plugin *plugin, struct err *err, const char *key, const char *text)
{
    AUTO_FREE char *path = xasprintf("exec/%s", key);
    return kubeconfig_entry_fail(plugin->user, err, path, "%s", text);
}

static int check_version(const struct plugin *plugin, struct err *err)
{
    const char *version = plugin->fields.api_version;
    if (version == NULL) {
        return fail(plugin, err, "apiVersion",
                    "missing: must be " GROUP "/v1 or " GROUP "/v1beta1");
    }
    if (strcmp(version, GROUP "/v1") != 0 && strcmp(version, GROUP "/v1beta1") != 0) {
        return fail(plugin, err, "apiVersion", "must be " GROUP "/v1 or " GROUP "/v1beta1");
    }
    return 0;
}

/* v1 demands the mode; v1beta1 means IfAvailable without it (client-go SetDefaults_ExecConfig). */
static int check_mode(const struct plugin *plugin, struct err *err)
{
    static const char key[] = "interactiveMode";
    const char *mode = plugin->fields.interactive_mode;
    if (mode == NULL) {
        bool optional = strcmp(plugin->fields.api_version, GROUP "/v1beta1") == 0;
        return optional ? 0 : fail(plugin, err, key, "missing: must be Never or IfAvailable");
    }
    if (strcmp(mode, "Always") == 0) {
        return fail(plugin, err, key,
                    "Always is not possible: there is no terminal; use Never or IfAvailable");
    }
    if (strcmp(mode, "Never") != 0 && strcmp(mode, "IfAvailable") != 0) {
        return fail(plugin, err, key, "must be Never or IfAvailable");
    }
    return 0;
}

/* Only a command with a slash is a path; others are looked up in PATH. */
static char *resolve_command(const struct plugin *plugin)
{
    const char *command = plugin->fields.command;
    if (*command == '/' || strchr(command, '/') == NULL) {
        return xstrdup(command);
    }
    return xasprintf("%s/%s", plugin->user->doc->dir, command);
}

static void apply_argv(const struct plugin *plugin, struct kube_exec *exec)
{
    size_t count = json_array_len(plugin->fields.args);
    exec->argv = xcalloc(count + 2, sizeof(*exec->argv));
    exec->argv[0] = resolve_command(plugin);
    for (size_t i = 0; i < count; i++) {
        exec->argv[i + 1] = xstrdup(json_str(json_array_at(plugin->fields.args, i)));
    }
}

static int apply_env(const struct plugin *plugin, struct kube_exec *exec, struct err *err)
{
    size_t count = json_array_len(plugin->fields.env);
    exec->env = xcalloc(count + 1, sizeof(*exec->env));
    for (size_t i = 0; i < count; i++) {
        struct kubeconfig_env entry = {0};
        AUTO_FREE char *path = xasprintf("%s/exec/env/%zu", plugin->user->path, i);
        AUTO_FREE char *key = xasprintf("env/%zu/name", i);
        if (kubeconfig_bind(plugin->user->doc, path, &kubeconfig_env_table, &entry, err) < 0) {
            return -1;
        }
        if (entry.name == NULL || strchr(entry.name, '=') != NULL) {
            return fail(plugin, err, key,
                        entry.name == NULL ? "missing: give the variable a name"
                                           : "must not hold an equals sign");
        }
        exec->env[i] = xasprintf("%s=%s", entry.name, entry.value != NULL ? entry.value : "");
    }
    return 0;
}

/* The hint goes into error texts, which are one line on a terminal: no control characters. */
static char *clean_hint(const char *hint)
{
    char *clean = xstrdup(hint);
    for (char *c = clean; c != NULL && *c != '\0'; c++) {
        *c = iscntrl((unsigned char)*c) ? ' ' : *c;
    }
    return clean;
}

/* What the cluster has for plugins, as JSON. */
static char *cluster_config(const struct kubeconfig_at *cluster)
{
    const struct json_object *entry = json_get(cluster->doc->root, cluster->path);
    const struct json_object *extensions = json_member(entry, "extensions");
    for (size_t i = 0; i < json_array_len(extensions); i++) {
        const struct json_object *item = json_array_at(extensions, i);
        const struct json_object *value = json_member(item, "extension");
        if (value != NULL && strcmp(json_get_str_or(item, "name", ""), CLUSTER_EXTENSION) == 0) {
            return json_text(value);
        }
    }
    return NULL;
}

static int apply(const struct plugin *plugin, const struct kubeconfig_at *cluster,
                 struct kube_exec *exec, struct err *err)
{
    const struct kubeconfig_exec *fields = &plugin->fields;
    if (check_version(plugin, err) < 0 || check_mode(plugin, err) < 0) {
        return -1;
    }
    if (fields->command == NULL) {
        return fail(plugin, err, "command", "missing: name the credential plugin to run");
    }
    exec->api_version = xstrdup(fields->api_version);
    exec->install_hint = clean_hint(fields->install_hint);
    exec->provide_cluster_info = fields->provide_cluster_info;
    exec->cluster_config = fields->provide_cluster_info ? cluster_config(cluster) : NULL;
    apply_argv(plugin, exec);
    return apply_env(plugin, exec, err);
}

int kubeconfig_apply_exec(const struct kubeconfig_at *at, const struct kubeconfig_at *cluster,
                          struct kube_config *config, struct err *err)
{
    struct plugin plugin = {.user = at};
    /* nothing is sent in the clear, so nothing is asked for: checked, but dropped */
    AUTO(kube_config) struct kube_config dropped = {0};
    struct kube_config *target = kubeconfig_is_plain(config) ? &dropped : config;
    AUTO_FREE char *path = xasprintf("%s/exec", at->path);
    if (json_get(at->doc->root, path) == NULL) {
        return 0;
    }
    if (kubeconfig_bind(at->doc, path, &kubeconfig_exec_table, &plugin.fields, err) < 0) {
        return -1;
    }
    target->exec = xcalloc(1, sizeof(*target->exec));
    return apply(&plugin, cluster, target->exec, err);
}
