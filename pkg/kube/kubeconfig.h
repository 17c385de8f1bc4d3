/*
 * From kubeconfig files to a kube_config: chooses the context, takes its cluster and its user, and
 * refuses what contradicts itself. kube_config_load() in config.h is what callers use.
 */
#ifndef KUBE_KUBECONFIG_H
#define KUBE_KUBECONFIG_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "kube/config.h"
#include "kube/kubeconfig_set.h"

/* `paths` ends at NULL; `context` NULL: the current-context. */
int kubeconfig_load(char *const paths[], bool skip_missing, const char *context,
                    struct kube_config *ret_config, struct err *err) MUST_CHECK;

/* Whether the server, which is set, is an http:// one. */
bool kubeconfig_is_plain(const struct kube_config *config);

/* A cluster or user entry: where it is, and the file and line of any of its keys. */
int kubeconfig_entry_fail(const struct kubeconfig_at *entry, struct err *err, const char *key,
                          const char *format, ...) PRINTF_LIKE(4, 5);
int kubeconfig_entry_wrap(const struct kubeconfig_at *entry, struct err *err, const char *key);

/* These fill in their part of the config; on failure the caller finishes it. */
int kubeconfig_apply_cluster(const struct kubeconfig_at *at, struct kube_config *config,
                             struct err *err) MUST_CHECK;
int kubeconfig_apply_user(const struct kubeconfig_at *at, struct kube_config *config,
                          struct err *err) MUST_CHECK;
/* The plugin that the user at `at` has; `cluster` is where its cluster is. */
int kubeconfig_apply_exec(const struct kubeconfig_at *at, const struct kubeconfig_at *cluster,
                          struct kube_config *config, struct err *err) MUST_CHECK;

#endif
