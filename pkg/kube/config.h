/*
 * How to reach an API server and who to be: a kubeconfig, or the pod's own service account.
 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"

/* An `exec` credential plugin (client.authentication.k8s.io/v1 and v1beta1). */
struct kube_exec {
    char *api_version;
    char **argv; /* command and arguments, NULL-terminated; relative commands are resolved */
    char **env;  /* "NAME=value" to add, NULL-terminated */
    char *install_hint;
    bool provide_cluster_info;
};

/* Strings are owned by the structure; NULL: absent. */
struct kube_config {
    char *source; /* where it came from, for messages: a path, or "in-cluster" */
    char *server;
    char *ca_pem;  /* NULL with insecure_skip_verify false: the system's roots */
    char *ca_file; /* re-read every 5 minutes when set */
    char *cert_pem;
    char *key_pem;
    char *cert_file; /* set together with key_file when they came from files, to be re-read */
    char *key_file;
    char *token;
    char *token_file; /* re-read every 60 s when set; wins over token */
    char *username;   /* basic authentication, with password */
    char *password;
    char *tls_server_name;
    char *proxy_url;
    char *namespace;
    char *impersonate_user;
    char *impersonate_uid;
    char **impersonate_groups; /* NULL-terminated, may be NULL */
    bool insecure_skip_verify;
    struct kube_exec *exec;
};

void kube_config_finish(struct kube_config *config);
DEFINE_AUTO_FINISH(kube_config, struct kube_config, kube_config_finish)

/*
 * As kubectl finds it: `file` when given, else the files in $KUBECONFIG (merged, first wins), else
 * ~/.kube/config when it is there, else the pod's service account; `context` NULL means
 * current-context. Errors name file, line and key; ERR_NOT_FOUND when there is nothing at all.
 */
int kube_config_load(const char *file, const char *context, struct kube_config *ret_config,
                     struct err *err) MUST_CHECK;

/*
 * The pod's service account below `root` ("" in production): KUBERNETES_SERVICE_HOST and _PORT,
 * token, ca.crt, namespace. A CA that cannot be read is an error, never "no verification".
 */
int kube_config_in_cluster(const char *root, struct kube_config *ret_config, struct err *err)
    MUST_CHECK;

/* Reads a whole regular file of at most `limit` bytes. NUL-terminated; caller frees. */
int kube_read_file(const char *path, size_t limit, char **ret_text, size_t *ret_len,
                   struct err *err) MUST_CHECK;

#endif
