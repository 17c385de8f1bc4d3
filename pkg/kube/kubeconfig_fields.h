/*
 * The entries of a kubeconfig as structures, read through tables that name key, type and place.
 *
 * Keys that are not in the tables are ignored and absent, null and empty values are the same, as
 * in client-go (k8s.io/client-go/tools/clientcmd/api/v1).
 */
#ifndef KUBE_KUBECONFIG_FIELDS_H
#define KUBE_KUBECONFIG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "kube/kubeconfig_doc.h"

enum kubeconfig_type {
    KUBECONFIG_STRING,  /* const char *, borrowed from the document, NULL when empty */
    KUBECONFIG_BOOL,    /* bool */
    KUBECONFIG_PATH,    /* char *, owned, made absolute against the file's directory */
    KUBECONFIG_DATA,    /* char *, owned: PEM text that was base64 */
    KUBECONFIG_STRINGS, /* const struct json_object *, borrowed: an array of strings */
    KUBECONFIG_OBJECTS, /* the same: an array of mappings */
    KUBECONFIG_OBJECT,  /* the same: a mapping */
};

struct kubeconfig_field {
    const char *key;
    enum kubeconfig_type type;
    size_t offset; /* of the member */
};

struct kubeconfig_table {
    const struct kubeconfig_field *fields;
    size_t count;
};

struct kubeconfig_context {
    const char *cluster;
    const char *user;
    const char *namespace;
};

struct kubeconfig_cluster {
    const char *server;
    const char *tls_server_name;
    const char *proxy_url;
    bool insecure_skip_verify;
    char *ca_file;
    char *ca_data;
    const struct json_object *extensions;
};

struct kubeconfig_user {
    char *cert_file;
    char *cert_data;
    char *key_file;
    char *key_data;
    const char *token;
    char *token_file;
    const char *as;
    const char *as_uid;
    const struct json_object *as_groups;
    const struct json_object *as_user_extra;
    const char *username;
    const char *password;
    const struct json_object *auth_provider;
    const struct json_object *exec;
};

struct kubeconfig_exec {
    const char *api_version;
    const char *command;
    const struct json_object *args;
    const struct json_object *env;
    const char *install_hint;
    const char *interactive_mode;
    bool provide_cluster_info;
};

struct kubeconfig_env {
    const char *name;
    const char *value;
};

extern const struct kubeconfig_table kubeconfig_context_table;
extern const struct kubeconfig_table kubeconfig_cluster_table;
extern const struct kubeconfig_table kubeconfig_user_table;
extern const struct kubeconfig_table kubeconfig_exec_table;
extern const struct kubeconfig_table kubeconfig_env_table;

/*
 * Fills in the zeroed structure `ret_entry` from the mapping at `path` ("users/0/user"); an absent
 * mapping leaves it as it is. On failure it may be half filled: kubeconfig_release() in any case.
 */
int kubeconfig_bind(const struct kubeconfig_doc *doc, const char *path,
                    const struct kubeconfig_table *table, void *ret_entry,
                    struct err *err) MUST_CHECK;
/* Frees what the structure owns. */
void kubeconfig_release(const struct kubeconfig_table *table, void *entry);

#endif
