#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/config.h"
#include "kube/pem.h"

#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

enum {
    NAMESPACE_SIZE_MAX = 256,
};

static int find_server(char **ret_server, struct err *err)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    bool has_host = host != NULL && *host != '\0';
    bool has_port = port != NULL && *port != '\0';
    if (!has_host && !has_port) {
        return err_set(err, ERR_NOT_FOUND,
                       "no kubeconfig, and not in a pod (KUBERNETES_SERVICE_HOST is not set): name "
                       "a kubeconfig with --kubeconfig or in $KUBECONFIG");
    }
    if (!has_host || !has_port) {
        return err_set(err, ERR_INVALID, "in-cluster: %s is set, but not %s",
                       has_host ? "KUBERNETES_SERVICE_HOST" : "KUBERNETES_SERVICE_PORT",
                       has_host ? "KUBERNETES_SERVICE_PORT" : "KUBERNETES_SERVICE_HOST");
    }
    size_t figures = strspn(port, "0123456789");
    if (port[figures] != '\0' || figures > 5 || atoi(port) < 1 || atoi(port) > 65535) {
        return err_set(err, ERR_INVALID, "in-cluster: KUBERNETES_SERVICE_PORT \"%s\" is no port",
                       port);
    }
    if (strpbrk(host, "/@?#[] \t\r\n") != NULL) {
        return err_set(err, ERR_INVALID, "in-cluster: KUBERNETES_SERVICE_HOST \"%s\" is no host",
                       host);
    }
    bool bracket = strchr(host, ':') != NULL;
    *ret_server =
        xasprintf("https://%s%s%s:%s", bracket ? "[" : "", host, bracket ? "]" : "", port);
    return 0;
}

static int load_ca(struct kube_config *config, struct err *err)
{
    size_t len;
    if (kube_read_file(config->ca_file, KUBE_CA_SIZE_MAX, &config->ca_pem, &len, err) < 0) {
        return -1;
    }
    if (pem_check_certificates(config->ca_pem, len, err) < 0) {
        return err_wrap(err, "%s", config->ca_file);
    }
    return 0;
}

/* Optional: a volume made by hand may not have it. */
static int load_namespace(const char *dir, struct kube_config *config, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/namespace", dir);
    AUTO_FREE char *text = NULL;
    size_t len;
    if (kube_read_file(path, NAMESPACE_SIZE_MAX, &text, &len, err) < 0) {
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    }
    text[strcspn(text, " \t\r\n")] = '\0';
    config->namespace = *text != '\0' ? take_ptr(text) : NULL;
    return 0;
}

static int load_account(const char *root, struct kube_config *config, struct err *err)
{
    AUTO_FREE char *dir = xasprintf("%s%s", root, ACCOUNT_DIR);
    struct err why = {0};
    config->source = xstrdup("in-cluster");
    config->token_file = xasprintf("%s/token", dir);
    config->ca_file = xasprintf("%s/ca.crt", dir);
    if (kube_read_token(config->token_file, &config->token, &why) < 0 ||
        load_ca(config, &why) < 0 || load_namespace(dir, config, &why) < 0) {
        /* a part is missing, not all: that is no ERR_NOT_FOUND */
        return err_set(err, ERR_INVALID, "in-cluster: %s", why.text);
    }
    return 0;
}

int kube_config_in_cluster(const char *root, struct kube_config *ret_config, struct err *err)
{
    AUTO(kube_config) struct kube_config config = {0};
    if (find_server(&config.server, err) < 0 || load_account(root, &config, err) < 0) {
        return -1;
    }
    *ret_config = config;
    config = (struct kube_config){0};
    return 0;
}
