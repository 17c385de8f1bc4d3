#include "kube/exec_credential.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/timefmt.h"
#include "kube/base64.h"
#include "kube/pem.h"
#include "json/json.h"

#define INFO_NAME "KUBERNETES_EXEC_INFO"

void exec_credential_finish(struct exec_credential *credential)
{
    free(credential->token);
    free(credential->cert_pem);
    free(credential->key_pem);
    *credential = (struct exec_credential){0};
}

/* client-go refuses an answer in another version than the one that was asked for. */
static int check_kind(const struct json_object *doc, const char *api_version, struct err *err)
{
    const char *kind = json_get_str_or(doc, "kind", "");
    const char *version = json_get_str_or(doc, "apiVersion", "");
    if (strcmp(kind, "ExecCredential") != 0) {
        return err_set(err, ERR_INVALID, "output: kind must be ExecCredential, is \"%s\"", kind);
    }
    if (strcmp(version, api_version) != 0) {
        return err_set(err, ERR_INVALID, "output: apiVersion must be %s, is \"%s\"", api_version,
                       version);
    }
    return 0;
}

/* A string in status: NULL when absent, null or empty. */
static int take_string(const struct json_object *status, const char *name, char **ret_value,
                       struct err *err)
{
    size_t len;
    const struct json_object *member = json_member(status, name);
    const char *value = json_get_str_len(member, "", &len);
    if (member == NULL) {
        return 0;
    }
    if (value == NULL) {
        return err_set(err, ERR_INVALID, "output: status.%s must be a string, found %s", name,
                       json_type_word(member));
    }
    if (strlen(value) != len) {
        return err_set(err, ERR_INVALID, "output: status.%s holds a NUL character", name);
    }
    *ret_value = len != 0 ? xstrdup(value) : NULL;
    return 0;
}

static int take_expiry(const struct json_object *status, int64_t *ret_expires, struct err *err)
{
    AUTO_FREE char *stamp = NULL;
    if (take_string(status, "expirationTimestamp", &stamp, err) < 0) {
        return -1;
    }
    if (stamp != NULL && timefmt_parse(stamp, ret_expires) < 0) {
        return err_set(err, ERR_INVALID,
                       "output: status.expirationTimestamp \"%s\" is no RFC 3339 time", stamp);
    }
    return 0;
}

static int check_credential(const struct exec_credential *credential, struct err *err)
{
    if (credential->token == NULL && credential->cert_pem == NULL && credential->key_pem == NULL) {
        return err_set(err, ERR_INVALID,
                       "output: status holds neither a token nor a certificate "
                       "and key");
    }
    if ((credential->cert_pem == NULL) != (credential->key_pem == NULL)) {
        return err_set(err, ERR_INVALID, "output: status.%s is missing",
                       credential->cert_pem == NULL ? "clientCertificateData" : "clientKeyData");
    }
    if (credential->token != NULL && !kube_is_header_value(credential->token)) {
        return err_set(err, ERR_INVALID,
                       "output: status.token holds control characters, which no "
                       "header can carry");
    }
    if (credential->cert_pem != NULL &&
        pem_check_pair(credential->cert_pem, credential->key_pem, err) < 0) {
        return err_wrap(err, "output: status.clientCertificateData and clientKeyData");
    }
    return 0;
}

int exec_credential_parse(const char *text, size_t len, const char *api_version,
                          struct exec_credential *ret_credential, struct err *err)
{
    AUTO(json) struct json_object *doc = NULL;
    AUTO(exec_credential) struct exec_credential credential = {0};
    if (json_parse(text, len, &doc, err) < 0) {
        return err_wrap(err, "output: no ExecCredential in JSON");
    }
    const struct json_object *status = json_member(doc, "status");
    if (check_kind(doc, api_version, err) < 0) {
        return -1;
    }
    if (!json_is_object(status)) {
        return err_set(err, ERR_INVALID, "output: status is missing");
    }
    if (take_string(status, "token", &credential.token, err) < 0 ||
        take_string(status, "clientCertificateData", &credential.cert_pem, err) < 0 ||
        take_string(status, "clientKeyData", &credential.key_pem, err) < 0 ||
        take_expiry(status, &credential.expires_ms, err) < 0 ||
        check_credential(&credential, err) < 0) {
        return -1;
    }
    *ret_credential = credential;
    credential = (struct exec_credential){0};
    return 0;
}

static void set_if_any(struct json_object *object, const char *name, const char *value)
{
    if (value != NULL) {
        json_set_str(object, name, value);
    }
}

static struct json_object *cluster_info(const struct kube_config *config, const char *ca_pem)
{
    struct json_object *cluster = json_new_object();
    struct json_object *extra = NULL;
    json_set_str(cluster, "server", config->server);
    set_if_any(cluster, "tls-server-name", config->tls_server_name);
    if (config->insecure_skip_verify) {
        json_set_bool(cluster, "insecure-skip-tls-verify", true);
    }
    if (ca_pem != NULL) {
        AUTO_FREE char *data = base64_encode(ca_pem, strlen(ca_pem));
        json_set_str(cluster, "certificate-authority-data", data);
    }
    set_if_any(cluster, "proxy-url", config->proxy_url);
    const char *given = config->exec->cluster_config;
    if (given != NULL && json_parse(given, strlen(given), &extra, NULL) == 0) {
        json_set_take(cluster, "config", extra);
    }
    return cluster;
}

char *exec_credential_info(const struct kube_config *config, const char *ca_pem)
{
    AUTO(json) struct json_object *doc = json_new_object();
    json_set_str(doc, "kind", "ExecCredential");
    json_set_str(doc, "apiVersion", config->exec->api_version);
    struct json_object *spec = json_ensure_object(doc, "spec");
    if (config->exec->provide_cluster_info) {
        json_set_take(spec, "cluster", cluster_info(config, ca_pem));
    }
    json_set_bool(spec, "interactive", false);
    return json_text(doc);
}

static size_t count_strings(char *const strings[])
{
    size_t count = 0;
    while (strings != NULL && strings[count] != NULL) {
        count++;
    }
    return count;
}

/* Puts a copy of "NAME=value" in, in place of one with that name. */
static void put_variable(char **env, size_t *count, const char *variable)
{
    size_t name = strcspn(variable, "=");
    size_t at = 0;
    while (at < *count && (strncmp(env[at], variable, name) != 0 || env[at][name] != '=')) {
        at++;
    }
    *count += at == *count ? 1 : 0;
    free(env[at]);
    env[at] = xstrdup(variable);
}

char **exec_credential_env(char *const base[], char *const add[], const char *info)
{
    size_t from_base = count_strings(base);
    size_t from_add = count_strings(add);
    char **env = xcalloc(from_base + from_add + 2, sizeof(*env));
    size_t count = 0;
    for (size_t i = 0; i < from_base + from_add; i++) {
        put_variable(env, &count, i < from_base ? base[i] : add[i - from_base]);
    }
    AUTO_FREE char *last = xasprintf(INFO_NAME "=%s", info);
    put_variable(env, &count, last);
    return env;
}

void exec_credential_env_free(char **env)
{
    for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
        free(env[i]);
    }
    free(env);
}

int64_t exec_credential_renew_at(int64_t now_ms, int64_t expires_ms)
{
    const int64_t most = 60 * 1000;
    if (expires_ms == 0) {
        return 0;
    }
    if (expires_ms <= now_ms) {
        return now_ms;
    }
    int64_t margin = (expires_ms - now_ms) / 5;
    return expires_ms - (margin < most ? margin : most);
}
