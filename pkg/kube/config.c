#include "kube/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/kubeconfig.h"

static void free_strings(char **strings)
{
    for (char **string = strings; string != NULL && *string != NULL; string++) {
        free(*string);
    }
    free(strings);
}

static void exec_free(struct kube_exec *exec)
{
    if (exec == NULL) {
        return;
    }
    free(exec->api_version);
    free_strings(exec->argv);
    free_strings(exec->env);
    free(exec->install_hint);
    free(exec->cluster_config);
    free(exec);
}

void kube_config_finish(struct kube_config *config)
{
    char *const strings[] = {
        config->source,          config->server,           config->ca_pem,
        config->ca_file,         config->cert_pem,         config->key_pem,
        config->cert_file,       config->key_file,         config->token,
        config->token_file,      config->username,         config->password,
        config->tls_server_name, config->proxy_url,        config->namespace,
        config->impersonate_uid, config->impersonate_user,
    };
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        free(strings[i]);
    }
    free_strings(config->impersonate_groups);
    exec_free(config->exec);
    *config = (struct kube_config){0};
}

/* The distinct, non-empty parts of a list divided by ':'. Ends at NULL; free_strings(). */
static char **split_paths(const char *list)
{
    char **paths = xcalloc(strlen(list) + 2, sizeof(*paths));
    size_t count = 0;
    while (*list != '\0') {
        size_t len = strcspn(list, ":");
        AUTO_FREE char *path = xstrndup(list, len);
        bool known = len == 0;
        for (size_t i = 0; i < count; i++) {
            known = known || strcmp(paths[i], path) == 0;
        }
        if (!known) {
            paths[count++] = take_ptr(path);
        }
        list += list[len] == ':' ? len + 1 : len;
    }
    return paths;
}

static int load_list(const char *list, const char *context, struct kube_config *ret_config,
                     struct err *err)
{
    char **paths = split_paths(list);
    int result = kubeconfig_load(paths, true, context, ret_config, err);
    free_strings(paths);
    return result == 0 ? 0 : err_wrap(err, "$KUBECONFIG");
}

static int load_in_cluster(const char *context, struct kube_config *ret_config, struct err *err)
{
    if (context != NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       "no kubeconfig to look up the context \"%s\" in: name one with "
                       "--kubeconfig or in $KUBECONFIG",
                       context);
    }
    return kube_config_in_cluster("", ret_config, err);
}

int kube_config_load(const char *file, const char *context, struct kube_config *ret_config,
                     struct err *err)
{
    const char *list = getenv("KUBECONFIG");
    const char *home = getenv("HOME");
    struct err why = {0};
    if (file != NULL) {
        char *const paths[] = {(char *)(uintptr_t)file, NULL};
        return kubeconfig_load(paths, false, context, ret_config, err);
    }
    if (list != NULL && *list != '\0') {
        return load_list(list, context, ret_config, err);
    }
    if (home != NULL && *home != '\0') {
        AUTO_FREE char *own = xasprintf("%s/.kube/config", home);
        char *const paths[] = {own, NULL};
        if (kubeconfig_load(paths, false, context, ret_config, &why) == 0) {
            return 0;
        }
        if (why.kind != ERR_NOT_FOUND) {
            return err_set(err, why.kind, "%s", why.text);
        }
    }
    return load_in_cluster(context, ret_config, err);
}
