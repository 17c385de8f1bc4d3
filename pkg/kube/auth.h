/*
 * Credentials that change while the program runs: token files (re-read every 60 s), CA and
 * client certificate files (every 5 minutes), exec plugins (before they expire, and after a 401).
 *
 * On a failure to renew, what was there stays in use (client-go CachingTokenSource). A half-written
 * CA or certificate is never put in force: it must be complete PEM, the key must belong to the
 * certificate as far as can be told, and it must read the same twice, a second apart.
 */
#ifndef KUBE_AUTH_H
#define KUBE_AUTH_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "http/http.h"
#include "kube/config.h"
#include "loop/loop.h"

struct auth;

/* How often, and how long. */
struct auth_periods {
    int64_t token_ms;       /* between two reads of a token file */
    int64_t files_ms;       /* between two reads of CA and certificate files */
    int64_t settle_ms;      /* a changed file counts once it is the same for so long */
    int64_t broken_ms;      /* until a file that could not be used is read again */
    int64_t rejected_ms;    /* after a run of the plugin, 401s start no other for so long */
    int64_t plugin_ms;      /* the most a run of the plugin may take */
    int64_t renew_floor_ms; /* between two runs, however soon the credentials expire */
    int64_t backoff_min_ms; /* after a failed run; doubled each time … */
    int64_t backoff_max_ms; /* … up to this */
};

/* 60 s, 5 min, 1 s, 10 s, 2 s, 30 s, 10 s, 1 s, 60 s. */
extern const struct auth_periods auth_periods_default;

/* `config` is borrowed and must outlive it. `changed` runs when the TLS identity (CA, client
 * certificate) changed: the owner retargets its http client with auth_target(). It must not
 * destroy the auth. */
struct auth *auth_create(struct loop *loop, const struct kube_config *config,
                         void (*changed)(void *arg), void *arg);
/* `periods` is copied. */
struct auth *auth_create_with_periods(struct loop *loop, const struct kube_config *config,
                                      const struct auth_periods *periods,
                                      void (*changed)(void *arg), void *arg);
void auth_destroy(struct auth *auth);
DEFINE_AUTO_DESTROY(auth, struct auth, auth_destroy)
/* Calls `ready` once, from the loop, when credentials are there (at the next turn unless an exec
 * plugin has to run first); err is NULL or says why there are none. With an error too, all is
 * tried again as the periods say, and requests use what it brings. `ready` may destroy the auth.
 * To be called once. */
void auth_start(struct auth *auth, void (*ready)(void *arg, const struct err *err), void *arg);
/* The target with the identity as it is now; borrowed until the next `changed`. */
void auth_target(const struct auth *auth, const char *user_agent, struct http_target *ret_target);
/* Fills in Authorization and Impersonate-* headers from index `used` on; returns the new count.
 * Takes at most 3 + KUBE_IMPERSONATE_GROUPS_MAX of them, for which there must be room: one left
 * out would be another identity. The values are borrowed until control is back at the loop. */
size_t auth_headers(struct auth *auth, struct http_header *headers, size_t used);
/* The server said 401: reads the token again, looks at the certificates, runs the plugin (at most
 * once in 2 s). */
void auth_rejected(struct auth *auth);
/* The server's certificate could not be verified: the CA file may have changed with it, and is
 * looked at again (at most once in a second). */
void auth_untrusted(struct auth *auth);
/* Why something could not be renewed last time, NULL when all is well; borrowed as above. */
const struct err *auth_problem(const struct auth *auth);

#endif
