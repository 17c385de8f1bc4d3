/*
 * HTTP requests to one server over one TLS identity. The only package that includes curl.h.
 *
 * Requests are submitted and complete exactly once, always from the loop and never from within
 * http_submit() or http_cancel(). All requests of a client share HTTP/2 connections (one as a
 * rule); a server that speaks HTTP/1.1 only gets a connection per concurrent request.
 * TLS is verified always unless `insecure_skip_verify` says otherwise, TLS 1.2 at least. No
 * redirect is followed, no cookie kept, no environment proxy used (proxy is explicit).
 *
 * Nothing blocks: names are resolved off the loop, curl's sockets and timers are the loop's.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "loop/loop.h"

/* Who the server is and who we are. Strings are copied by http_client_create(); NULL: absent. */
struct http_target {
    const char *server;   /* https://host[:port][/prefix], or http:// for tests */
    const char *ca_pem;   /* NULL: the system's roots */
    const char *cert_pem; /* client certificate chain and key, both or none */
    const char *key_pem;
    const char *tls_server_name; /* name to verify and to send as SNI instead of the host */
    const char *proxy_url;       /* http://, https:// or socks5:// */
    bool insecure_skip_verify;
    const char *user_agent;
};

struct http_header {
    const char *name;
    const char *value;
};

enum {
    HTTP_HEADERS_MAX = 16,
};

/* Everything is copied by http_submit(). */
struct http_request {
    const char *method; /* "GET", "PUT", … */
    const char *path;   /* from the root, already percent-encoded, with its query */
    struct http_header headers[HTTP_HEADERS_MAX]; /* ends at the first NULL name */
    const char *body;                             /* NULL: none */
    size_t body_len;
    bool accept_gzip;      /* offer gzip and decode it; never on streams */
    bool fresh_connection; /* do not reuse a connection; later requests may reuse this one */
    int64_t connect_ms;    /* limit for name look-up, TCP and TLS; 0: 10 s */
    int64_t deadline_ms;   /* limit for all of it; 0: none */
    int64_t silence_ms;    /* ends it when no byte came for so long; 0: never */
    /* Not sent later than that, however long the process was suspended meanwhile; 0: any time. */
    int64_t send_within_ms;
    size_t body_limit; /* response bytes delivered at most (without `data`: kept); 0: none */
};

/* What the response was. Strings are borrowed for the call. */
struct http_response {
    int status;       /* 0: no response came */
    const char *body; /* all of it, unless the handler has `data` */
    size_t body_len;
    const char *content_type; /* "" when absent */
    int64_t retry_after_ms;   /* 0: absent */
    const char *warning;      /* first Warning header, "" when absent */
    bool untrusted;           /* the server's certificate could not be verified */
    bool connected;           /* the connection was made (false: refused, unreachable, TLS, DNS) */
    bool sent;                /* the request may have reached the server */
    int64_t duration_ms;
};

/* `done` is mandatory. */
struct http_handler {
    /* The response's head is there; not called when no response came. */
    void (*head)(void *arg, const struct http_response *head);
    /* A piece of the body, as it comes. With it, nothing is kept for `done`. */
    void (*data)(void *arg, const char *data, size_t len);
    /* The end. `err` is NULL when a whole response came, whatever its status; otherwise
     * ERR_RETRY (network, time limits, connection lost in mid-body, a server certificate that
     * can't be verified, http_client_reset), ERR_INVALID (our own TLS identity or the request
     * can't be used, body over the limit) or ERR_CANCELLED (http_client_destroy; to answer that
     * one with http_submit() is to be told ERR_CANCELLED again). A GET or HEAD whose reused
     * connection is lost before a byte came is sent again on another connection; anything else
     * is sent at most once. */
    void (*done)(void *arg, const struct http_response *response, const struct err *err);
};

struct http_client;

int http_client_create(struct loop *loop, const struct http_target *target,
                       struct http_client **ret_client, struct err *err) MUST_CHECK;
/* Cancels what is under way: every pending `done` runs (ERR_CANCELLED) before this returns. */
void http_client_destroy(struct http_client *client);
DEFINE_AUTO_DESTROY(http_client, struct http_client, http_client_destroy)

/*
 * Drops all connections; requests under way end with ERR_RETRY soon, from the loop. Later
 * requests make new connections. For a connection found dead and for changed identities.
 */
void http_client_reset(struct http_client *client);
/* As http_client_reset with a new identity. On failure the old one stays. */
int http_client_retarget(struct http_client *client, const struct http_target *target,
                         struct err *err) MUST_CHECK;

/* Returns an id, never 0. Failures to start are reported through `done` too. */
uint64_t http_submit(struct http_client *client, const struct http_request *request,
                     const struct http_handler *handler, void *arg);
/* Ends a running request too when no byte came for so long, counted from the last one; 0: never. */
void http_set_silence(struct http_client *client, uint64_t id, int64_t silence_ms);
/* Takes a request back: none of its callbacks runs any more. An id that is done or 0: no-op. */
void http_cancel(struct http_client *client, uint64_t id);

/* Time since the last byte was received on any request of this client; for liveness checks. */
int64_t http_client_idle_ms(const struct http_client *client);

/* Percent-encodes for a path segment or a query value (RFC 3986 unreserved kept). Caller frees. */
char *http_escape(const char *text);

#endif
