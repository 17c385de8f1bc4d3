#include "kube/kubeconfig.h"

#include <string.h>

#include "base/alloc.h"
#include "kube/kubeconfig_fields.h"

static int no_context(const struct kubeconfig_set *set, const char *wanted, struct err *err)
{
    AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX);
    AUTO(buf) struct buf paths = BUF_INIT(ERR_TEXT_MAX);
    struct kubeconfig_at current;
    kubeconfig_set_names(set, KUBECONFIG_CONTEXTS, &names);
    kubeconfig_set_paths(set, &paths);
    if (wanted != NULL) {
        return err_set(err, ERR_INVALID, "%s: contexts: no context \"%s\"; there are: %s",
                       buf_str(&paths), wanted, buf_str(&names));
    }
    const char *name = kubeconfig_set_current(set, &current);
    if (name != NULL) {
        return kubeconfig_doc_fail(current.doc, err, current.path,
                                   "no context \"%s\"; choose one with --context; there are: %s",
                                   name, buf_str(&names));
    }
    return err_set(err, ERR_INVALID,
                   "%s: current-context: not set; choose one with --context; there are: %s",
                   buf_str(&paths), buf_str(&names));
}

static int find_context(const struct kubeconfig_set *set, const char *wanted,
                        struct kubeconfig_at *ret_context, struct err *err)
{
    struct kubeconfig_at current;
    const char *name = wanted != NULL ? wanted : kubeconfig_set_current(set, &current);
    if (name == NULL || !kubeconfig_set_find(set, KUBECONFIG_CONTEXTS, name, ret_context)) {
        return no_context(set, wanted, err);
    }
    return 0;
}

/* The cluster or user that the context names. */
static int find_named(const struct kubeconfig_set *set, const struct kubeconfig_at *context,
                      enum kubeconfig_list list, const char *name, struct kubeconfig_at *ret_at,
                      struct err *err)
{
    const char *what = list == KUBECONFIG_USERS ? "user" : "cluster";
    if (name != NULL && kubeconfig_set_find(set, list, name, ret_at)) {
        return 0;
    }
    AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX);
    kubeconfig_set_names(set, list, &names);
    if (name == NULL) {
        return kubeconfig_entry_fail(context, err, what, "missing: name a %s; there are: %s", what,
                                     buf_str(&names));
    }
    return kubeconfig_entry_fail(context, err, what, "no %s \"%s\"; there are: %s", what, name,
                                 buf_str(&names));
}

/* DNS label, RFC 1123 section 2.1 as Kubernetes reads it. */
static bool is_label(const char *text)
{
    size_t len = strlen(text);
    return len != 0 && len <= 63 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
           text[0] != '-' && text[len - 1] != '-';
}

static int apply(const struct kubeconfig_set *set, const struct kubeconfig_at *at,
                 const struct kubeconfig_context *context, struct kube_config *config,
                 struct err *err)
{
    struct kubeconfig_at cluster;
    struct kubeconfig_at user;
    if (find_named(set, at, KUBECONFIG_CLUSTERS, context->cluster, &cluster, err) < 0 ||
        find_named(set, at, KUBECONFIG_USERS, context->user, &user, err) < 0) {
        return -1;
    }
    if (context->namespace != NULL && !is_label(context->namespace)) {
        return kubeconfig_entry_fail(at, err, "namespace", "\"%s\" is no name of a namespace",
                                     context->namespace);
    }
    config->source = xstrdup(cluster.doc->path);
    config->namespace = xstrdup(context->namespace);
    if (kubeconfig_apply_cluster(&cluster, config, err) < 0 ||
        kubeconfig_apply_user(&user, config, err) < 0) {
        return -1;
    }
    return kubeconfig_apply_exec(&user, &cluster, config, err);
}

int kubeconfig_load(char *const paths[], bool skip_missing, const char *context,
                    struct kube_config *ret_config, struct err *err)
{
    AUTO(kubeconfig_set) struct kubeconfig_set set = {0};
    AUTO(kube_config) struct kube_config config = {0};
    struct kubeconfig_context entry = {0};
    struct kubeconfig_at at;
    if (kubeconfig_set_read(paths, skip_missing, &set, err) < 0 ||
        find_context(&set, context, &at, err) < 0 ||
        kubeconfig_bind(at.doc, at.path, &kubeconfig_context_table, &entry, err) < 0 ||
        apply(&set, &at, &entry, &config, err) < 0) {
        return -1;
    }
    *ret_config = config;
    config = (struct kube_config){0};
    return 0;
}
