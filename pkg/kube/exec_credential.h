/*
 * The protocol of exec credential plugins, without running any: what a plugin is told in its
 * environment, what its output means, and when the credentials are due for renewal.
 *
 * https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
 */
#ifndef KUBE_EXEC_CREDENTIAL_H
#define KUBE_EXEC_CREDENTIAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "kube/config.h"

/* A token, or a certificate with its key, or both. Strings are owned; NULL: absent. */
struct exec_credential {
    char *token;
    char *cert_pem;
    char *key_pem;
    int64_t expires_ms; /* wall clock; 0: they do not expire */
};

void exec_credential_finish(struct exec_credential *credential);
DEFINE_AUTO_FINISH(exec_credential, struct exec_credential, exec_credential_finish)

/* Reads what a plugin of that apiVersion has written. ERR_INVALID says what is wrong with it. */
int exec_credential_parse(const char *text, size_t len, const char *api_version,
                          struct exec_credential *ret_credential, struct err *err) MUST_CHECK;

/*
 * The value of KUBERNETES_EXEC_INFO: not interactive, and the cluster when config->exec asks for
 * it, with `ca_pem` (NULL: none) as its CA. Caller frees.
 */
char *exec_credential_info(const struct kube_config *config, const char *ca_pem);

/*
 * The environment for a plugin: `base`, then `add`, then KUBERNETES_EXEC_INFO, where a later
 * variable replaces an earlier one of the same name. All three end at NULL or are NULL. Owned by
 * the caller: exec_credential_env_free().
 */
char **exec_credential_env(char *const base[], char *const add[], const char *info);
void exec_credential_env_free(char **env);

/*
 * When to run the plugin again, on the wall clock, for credentials received at `now_ms`: a fifth
 * of their life before they expire, at most a minute. Never before `now_ms`; 0: not needed.
 */
int64_t exec_credential_renew_at(int64_t now_ms, int64_t expires_ms);

#endif
