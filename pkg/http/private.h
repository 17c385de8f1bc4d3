/*
 * What the files of this package share; not for other packages.
 *
 * Control runs one way. curl's callbacks (exchange.c) only record on the exchange and put it in
 * its client's ready queue; multi.c hands finished transfers to the client; one deferred function
 * (client.c) takes exchanges from the queue and calls the owners' functions. Owners are therefore
 * never called from within curl, and whatever they do (cancel, submit, reset, destroy) may call
 * curl at once.
 */
#ifndef HTTP_PRIVATE_H
#define HTTP_PRIVATE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/http.h"
#include "loop/loop.h"

/* Options whose failure can only mean a libcurl without what the program needs. */
#define HTTP_MUST(call)                                                                            \
    do {                                                                                           \
        if ((call) != 0) {                                                                         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* --- identity.c: the server and who we are, checked and in the form that curl takes ---------- */

struct http_identity {
    char *label;                   /* scheme://host[:port] of the real server, for error texts */
    char *base;                    /* what a request's path is put behind */
    char *host_header;             /* "Host: …" when the URL names another host, else NULL */
    struct curl_slist *connect_to; /* where that other host is to be found, else NULL */
    char *ca_pem;                  /* the three are borrowed by transfers in progress */
    char *cert_pem;
    char *key_pem;
    char *proxy_url;
    char *user_agent;
    bool insecure_skip_verify;
};

int http_identity_create(const struct http_target *target, struct http_identity **ret_identity,
                         struct err *err) MUST_CHECK;
void http_identity_destroy(struct http_identity *identity);
DEFINE_AUTO_DESTROY(http_identity, struct http_identity, http_identity_destroy)
/* Sets everything on the transfer that does not depend on the request. */
void http_identity_apply(const struct http_identity *identity, CURL *easy);

/* --- multi.c: curl's multi handle on the event loop ------------------------------------------ */

struct http_multi;

/* `ended` is told of each transfer that is over, never from within curl: it may remove it. */
struct http_multi *http_multi_create(struct loop *loop,
                                     void (*ended)(void *arg, CURL *easy, CURLcode result),
                                     void *arg);
/* Closes all connections. All transfers must have been removed. NULL is fine. */
void http_multi_destroy(struct http_multi *multi);
void http_multi_add(struct http_multi *multi, CURL *easy);
void http_multi_remove(struct http_multi *multi, CURL *easy);
/* Whether the other side has closed one of the connections. */
bool http_multi_lost_connection(struct http_multi *multi);

/* --- exchange.c: one request and its response ------------------------------------------------ */

struct http_exchange {
    struct http_client *client;
    uint64_t id;
    struct http_handler handler;
    void *arg;
    struct http_exchange *previous; /* the client's list of all */
    struct http_exchange *next;
    struct http_exchange *next_ready;
    bool queued;    /* in the ready queue */
    uint64_t round; /* of delivery in which it was queued */

    CURL *easy; /* NULL before it is prepared and once it has left curl */
    bool held;  /* it is prepared and waits outside of curl, see client.c */
    bool fresh; /* it wants a connection of its own */
    struct curl_slist *headers;
    char curl_error[CURL_ERROR_SIZE];
    char *what;      /* method and server, for error texts */
    bool repeatable; /* sending it twice does no harm (RFC 9110, 9.2.1: safe methods) */
    bool repeat_refused;
    bool too_late;

    struct loop_timer *timer; /* for the nearest of the three limits */
    int64_t connect_ms;
    int64_t deadline_ms;    /* 0: none */
    int64_t silence_ms;     /* 0: none */
    int64_t send_within_ms; /* 0: any time */
    int64_t started_ms;
    int64_t last_byte_ms; /* or when the request went out */

    int status; /* of the response whose head is being read */
    char *content_type;
    char *warning;
    int64_t retry_after_ms;
    bool sent;
    bool connected;
    bool untrusted;
    bool head_complete;
    bool head_delivered;
    struct buf body; /* not delivered yet; without `data` in the handler all of it */
    size_t body_limit;
    size_t body_received;
    bool body_over_limit;

    bool ended;
    int64_t ended_ms;
    enum err_kind failure; /* ERR_NONE: a whole response came */
    char *reason;

    bool delivering; /* one of the owner's functions is running */
    bool taken_back; /* no function of the owner may be called any more */
};

struct http_exchange *http_exchange_create(struct http_client *client, uint64_t id, char *what_take,
                                           const struct http_handler *handler, void *arg);
void http_exchange_destroy(struct http_exchange *exchange);
/* Sets the request on a fresh transfer; -1 when it is none that can be sent. */
int http_exchange_prepare(struct http_exchange *exchange, const struct http_identity *identity,
                          const struct http_request *request, CURL *easy,
                          struct err *err) MUST_CHECK;
/* Starts the clocks. */
void http_exchange_start(struct http_exchange *exchange);
/* As http_set_silence(). */
void http_exchange_set_silence(struct http_exchange *exchange, int64_t silence_ms);
/* Records the end; the transfer must have left curl. */
void http_exchange_finish(struct http_exchange *exchange, enum err_kind failure,
                          const char *reason);
/* As http_exchange_finish with curl's result. */
void http_exchange_finish_curl(struct http_exchange *exchange, CURLcode result);
/* Calls the owner's functions with what was recorded since; frees it when it is over. */
void http_exchange_deliver(struct http_exchange *exchange);
/* Calls `done`, whatever came before. */
void http_exchange_deliver_end(struct http_exchange *exchange);

/* --- client.c, for exchange.c ------------------------------------------------------------------
 */

/* Something was recorded that the owner should be told of. */
void http_client_queue(struct http_client *client, struct http_exchange *exchange);
/* It has a connection, or has left curl without: others may follow. */
void http_client_note_opened(struct http_client *client);
void http_client_note_byte(struct http_client *client, int64_t now_ms);
struct loop *http_client_loop(const struct http_client *client);
/* Takes the transfer out of curl. */
void http_client_detach(struct http_client *client, struct http_exchange *exchange);
/* Takes it off the client's lists; it is the caller's then. */
void http_client_unlink(struct http_client *client, struct http_exchange *exchange);

/* --- retry_after.c -------------------------------------------------------------------------------
 */

/* The header's value, seconds or an HTTP date, as a delay from `wall_ms`; 0 when it is none. At
 * most a day. */
int64_t http_retry_after_parse(const char *text, int64_t wall_ms);

#endif
