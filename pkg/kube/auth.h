/*
 * Credentials that change while the program runs: token files (re-read every 60 s), CA and
 * client certificate files (every 5 minutes), exec plugins (before they expire, and after a 401).
 *
 * On a failure to renew, what was there stays in use (client-go CachingTokenSource). A half-written
 * CA or certificate is never put in force: it must parse, else the old one stays.
 */
#ifndef KUBE_AUTH_H
#define KUBE_AUTH_H

#include "base/err.h"
#include "http/http.h"
#include "kube/config.h"
#include "loop/loop.h"

struct auth;

/* `config` is borrowed and must outlive it. `changed` runs when the TLS identity (CA, client
 * certificate) changed: the owner retargets its http client with auth_target(). */
struct auth *auth_create(struct loop *loop, const struct kube_config *config,
                         void (*changed)(void *arg), void *arg);
void auth_destroy(struct auth *auth);
/* Calls `ready` once, from the loop, when credentials are there (immediately unless an exec plugin
 * has to run first); err is NULL or says why there are none. */
void auth_start(struct auth *auth, void (*ready)(void *arg, const struct err *err), void *arg);
/* The target with the identity as it is now; borrowed until the next `changed`. */
void auth_target(const struct auth *auth, const char *user_agent, struct http_target *ret_target);
/* Fills in Authorization and Impersonate-* headers from index `used` on; returns the new count. */
size_t auth_headers(struct auth *auth, struct http_header *headers, size_t used);
/* The server said 401: re-read the token, run the plugin again (at most once in 2 s). */
void auth_rejected(struct auth *auth);

#endif
