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
    char *cluster_config; /* JSON that the cluster has for plugins (its extension
                             client.authentication.k8s.io/exec); NULL: none */
};

enum {
    KUBE_IMPERSONATE_GROUPS_MAX = 8, /* each is a header of every request */
    KUBE_CA_SIZE_MAX = 4 << 20,
    KUBE_KEY_SIZE_MAX = 1 << 20, /* a client certificate chain or its key */
    KUBE_TOKEN_SIZE_MAX = 64 << 10,
};

/*
 * Strings are owned by the structure; NULL: absent. With an http:// server there are no
 * credentials: as in client-go they are never sent in the clear.
 */
struct kube_config {
    char *source;  /* where it came from, for messages: a path, or "in-cluster" */
    char *server;  /* http:// or https://, without a slash at the end */
    char *ca_pem;  /* NULL with insecure_skip_verify false: the system's roots */
    char *ca_file; /* where ca_pem came from, to be re-read */
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
 * As kubectl finds it: `file` when given, else the files in $KUBECONFIG (merged, first wins; files
 * that are not there are skipped, but one must be), else ~/.kube/config when it is there, else the
 * pod's service account; `context` NULL means current-context. Errors name file, line and key:
 *
 *     /home/me/.kube/config:12: users[0].user.client-key-data: not valid base64
 *
 * ERR_NOT_FOUND when there is nothing at all, else ERR_INVALID.
 */
int kube_config_load(const char *file, const char *context, struct kube_config *ret_config,
                     struct err *err) MUST_CHECK;

/*
 * The pod's service account below `root` ("" in production): KUBERNETES_SERVICE_HOST and _PORT,
 * token, ca.crt, namespace. A CA that cannot be read is an error, never "no verification".
 */
int kube_config_in_cluster(const char *root, struct kube_config *ret_config,
                           struct err *err) MUST_CHECK;

/* Reads a whole regular file of at most `limit` bytes. NUL-terminated; caller frees.
 * ERR_NOT_FOUND when it is not there, else ERR_INVALID. */
int kube_read_file(const char *path, size_t limit, char **ret_text, size_t *ret_len,
                   struct err *err) MUST_CHECK;

/* Reads a token file: what is in it without the space around it. Empty, or with characters that
 * no header can carry: ERR_INVALID. Caller frees. */
int kube_read_token(const char *path, char **ret_token, struct err *err) MUST_CHECK;
/* Whether the text can be the value of an HTTP header: no control characters. */
bool kube_is_header_value(const char *text);

#endif
