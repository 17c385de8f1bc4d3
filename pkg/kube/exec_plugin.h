/*
 * Runs an exec credential plugin when it is due: at the start, before the credentials expire,
 * after a 401, and with back-off after a failure. Never two runs at a time.
 */
#ifndef KUBE_EXEC_PLUGIN_H
#define KUBE_EXEC_PLUGIN_H

#include "base/cleanup.h"
#include "base/err.h"
#include "kube/auth.h"
#include "kube/config.h"
#include "kube/exec_credential.h"
#include "loop/loop.h"

struct exec_plugin;

/* What a plugin brings, and to whom. */
struct exec_plugin_handler {
    /* A run is over: the credentials (what is taken from them is set to NULL), or NULL and why.
     * Must not destroy the plugin. */
    void (*done)(void *arg, struct exec_credential *credential, const struct err *err);
    /* The CA to tell the plugin about, NULL for none; borrowed for the call. */
    const char *(*ca_pem)(void *arg);
};

/* `config` has an exec and is borrowed, as is `periods`. */
struct exec_plugin *exec_plugin_create(struct loop *loop, const struct kube_config *config,
                                       const struct auth_periods *periods,
                                       const struct exec_plugin_handler *handler, void *arg);
void exec_plugin_destroy(struct exec_plugin *plugin);
/* Runs it now unless it is running. */
void exec_plugin_run(struct exec_plugin *plugin);
/* The credentials were refused: runs it, but not soon after another run, and not while the
 * back-off after a failure lasts. */
void exec_plugin_rejected(struct exec_plugin *plugin);

#endif
