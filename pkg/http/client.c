#include "http/http.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "http/private.h"

enum {
    POOL_MAX = 8,
};

struct http_client {
    struct loop *loop;
    struct http_identity *identity;
    struct http_multi *multi; /* NULL while the client is being destroyed */
    struct loop_deferred *deferred;
    struct http_exchange *first; /* all that are not done yet, the oldest first */
    struct http_exchange *last;
    struct http_exchange *ready_first; /* those with something to deliver */
    struct http_exchange *ready_last;
    size_t active; /* transfers in curl */
    uint64_t last_id;
    uint64_t round; /* of delivery: what is queued in it waits for the next one */
    bool delivering;
    bool destroyed; /* from within a delivery, which then frees the client */
    int64_t last_byte_ms;
    CURL *pool[POOL_MAX]; /* transfers without a job: making one anew is costly */
    size_t pool_len;
};

/* --- what exchanges ask for --------------------------------------------------------------------
 */

struct loop *http_client_loop(const struct http_client *client)
{
    return client->loop;
}

void http_client_note_byte(struct http_client *client, int64_t now_ms)
{
    client->last_byte_ms = now_ms;
}

void http_client_queue(struct http_client *client, struct http_exchange *exchange)
{
    if (exchange->queued) {
        return;
    }
    exchange->queued = true;
    exchange->round = client->round;
    exchange->next_ready = NULL;
    if (client->ready_last != NULL) {
        client->ready_last->next_ready = exchange;
    } else {
        client->ready_first = exchange;
    }
    client->ready_last = exchange;
    loop_deferred_schedule(client->deferred);
}

static void unqueue(struct http_client *client, struct http_exchange *exchange)
{
    if (!exchange->queued) {
        return;
    }
    struct http_exchange *before = NULL;
    struct http_exchange **slot = &client->ready_first;
    while (*slot != exchange) {
        before = *slot;
        slot = &before->next_ready;
    }
    *slot = exchange->next_ready;
    if (client->ready_last == exchange) {
        client->ready_last = before;
    }
    exchange->queued = false;
}

static void link_last(struct http_client *client, struct http_exchange *exchange)
{
    exchange->previous = client->last;
    if (client->last != NULL) {
        client->last->next = exchange;
    } else {
        client->first = exchange;
    }
    client->last = exchange;
}

void http_client_unlink(struct http_client *client, struct http_exchange *exchange)
{
    unqueue(client, exchange);
    if (exchange->previous != NULL) {
        exchange->previous->next = exchange->next;
    } else {
        client->first = exchange->next;
    }
    if (exchange->next != NULL) {
        exchange->next->previous = exchange->previous;
    } else {
        client->last = exchange->previous;
    }
}

static CURL *take_easy(struct http_client *client)
{
    if (client->pool_len != 0) {
        return client->pool[--client->pool_len];
    }
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        abort();
    }
    return easy;
}

static void give_easy(struct http_client *client, CURL *easy)
{
    if (client->pool_len == POOL_MAX) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    client->pool[client->pool_len++] = easy;
}

void http_client_detach(struct http_client *client, struct http_exchange *exchange)
{
    if (exchange->easy == NULL) {
        return;
    }
    if (exchange->held) {
        exchange->held = false;
    } else {
        http_multi_remove(client->multi, exchange->easy);
        client->active--;
        http_client_note_opened(client);
    }
    give_easy(client, exchange->easy);
    exchange->easy = NULL;
}

static void transfer_ended(void *arg, CURL *easy, CURLcode result);

/* --- one connection ----------------------------------------------------------------------------
 *
 * Requests that are made while a connection is being made are to go over that one. curl sees to it
 * (CURLOPT_PIPEWAIT), but not while it still has an older connection to the server that is closing
 * (7.88): then each request makes a connection of its own. So while one request has none yet, the
 * others wait outside of curl.
 */

void http_client_note_opened(struct http_client *client)
{
    loop_deferred_schedule(client->deferred);
}

static bool is_opening(const struct http_client *client)
{
    for (const struct http_exchange *at = client->first; at != NULL; at = at->next) {
        if (at->easy != NULL && !at->held && !at->sent && !at->fresh) {
            return true;
        }
    }
    return false;
}

/*
 * curl 7.88 takes an idle HTTP/2 connection that the server has closed for a live one; a write
 * sent on it would be lost, and nobody could say whether it was carried out.
 */
static void drop_lost_connections(struct http_client *client)
{
    if (client->active == 0 && http_multi_lost_connection(client->multi)) {
        http_multi_destroy(client->multi);
        client->multi = http_multi_create(client->loop, transfer_ended, client);
    }
}

static void enter_curl(struct http_client *client, struct http_exchange *exchange)
{
    drop_lost_connections(client);
    exchange->held = false;
    client->active++;
    http_multi_add(client->multi, exchange->easy);
}

static void release_held(struct http_client *client)
{
    if (client->multi == NULL || is_opening(client)) {
        return;
    }
    for (struct http_exchange *at = client->first; at != NULL; at = at->next) {
        if (at->held) {
            enter_curl(client, at);
        }
    }
}

/* --- delivery ----------------------------------------------------------------------------------
 */

static void transfer_ended(void *arg, CURL *easy, CURLcode result)
{
    struct http_client *client = arg;
    char *private = NULL;
    HTTP_MUST(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private));
    struct http_exchange *exchange = (struct http_exchange *)(void *)private;
    http_client_detach(client, exchange);
    http_exchange_finish_curl(exchange, result);
}

/* The only place that calls the owners' functions, but for http_client_destroy(). */
static void deliver(void *arg)
{
    struct http_client *client = arg;
    uint64_t round = ++client->round;
    client->delivering = true;
    while (!client->destroyed && client->ready_first != NULL &&
           client->ready_first->round != round) {
        struct http_exchange *exchange = client->ready_first;
        unqueue(client, exchange);
        http_exchange_deliver(exchange);
    }
    client->delivering = false;
    if (client->destroyed) {
        free(client);
        return;
    }
    release_held(client);
    if (client->ready_first != NULL) {
        loop_deferred_schedule(client->deferred);
    }
}

/* --- the public functions ----------------------------------------------------------------------
 */

int http_client_create(struct loop *loop, const struct http_target *target,
                       struct http_client **ret_client, struct err *err)
{
    HTTP_MUST(curl_global_init(CURL_GLOBAL_DEFAULT));
    struct http_identity *identity;
    if (http_identity_create(target, &identity, err) < 0) {
        curl_global_cleanup();
        return -1;
    }
    struct http_client *client = xcalloc(1, sizeof(*client));
    client->loop = loop;
    client->identity = identity;
    client->multi = http_multi_create(loop, transfer_ended, client);
    client->deferred = loop_deferred_create(loop, deliver, client);
    client->last_byte_ms = clock_mono_ms();
    *ret_client = client;
    return 0;
}

/* Takes it away from its owner; a delivery in progress frees it. */
static void drop(struct http_client *client, struct http_exchange *exchange)
{
    http_client_detach(client, exchange);
    http_client_unlink(client, exchange);
    exchange->taken_back = true;
    if (!exchange->delivering) {
        http_exchange_destroy(exchange);
    }
}

static void leave_curl(struct http_client *client)
{
    for (struct http_exchange *at = client->first; at != NULL; at = at->next) {
        http_client_detach(client, at);
    }
    http_multi_destroy(client->multi);
    client->multi = NULL;
    while (client->pool_len != 0) {
        curl_easy_cleanup(client->pool[--client->pool_len]);
    }
}

void http_client_destroy(struct http_client *client)
{
    if (client == NULL) {
        return;
    }
    leave_curl(client);
    while (client->first != NULL) {
        struct http_exchange *exchange = client->first;
        exchange->ended = true;
        exchange->ended_ms = clock_mono_ms();
        exchange->failure = ERR_CANCELLED;
        xstr_replace(&exchange->reason, "the client is being stopped");
        http_client_unlink(client, exchange);
        exchange->taken_back = true;
        bool delivering = exchange->delivering;
        http_exchange_deliver_end(exchange);
        if (!delivering) {
            http_exchange_destroy(exchange);
        }
    }
    loop_deferred_destroy(client->deferred);
    http_identity_destroy(client->identity);
    curl_global_cleanup();
    client->destroyed = true;
    if (!client->delivering) {
        free(client);
    }
}

static void reset_to(struct http_client *client, struct http_identity *identity)
{
    for (struct http_exchange *at = client->first; at != NULL; at = at->next) {
        if (!at->ended) {
            http_client_detach(client, at);
            http_exchange_finish(at, ERR_RETRY, "connections were dropped");
        }
    }
    leave_curl(client);
    if (identity != client->identity) {
        http_identity_destroy(client->identity);
        client->identity = identity;
    }
    client->multi = http_multi_create(client->loop, transfer_ended, client);
}

void http_client_reset(struct http_client *client)
{
    reset_to(client, client->identity);
}

int http_client_retarget(struct http_client *client, const struct http_target *target,
                         struct err *err)
{
    struct http_identity *identity;
    if (http_identity_create(target, &identity, err) < 0) {
        return -1;
    }
    reset_to(client, identity);
    return 0;
}

static void start(struct http_client *client, struct http_exchange *exchange,
                  const struct http_request *request)
{
    struct err err;
    CURL *easy = take_easy(client);
    if (http_exchange_prepare(exchange, client->identity, request, easy, &err) < 0) {
        give_easy(client, easy);
        http_exchange_finish(exchange, err.kind, err.text);
        return;
    }
    exchange->easy = easy;
    exchange->held = true;
    if (exchange->fresh || !is_opening(client)) {
        enter_curl(client, exchange);
    }
    http_exchange_start(exchange);
}

uint64_t http_submit(struct http_client *client, const struct http_request *request,
                     const struct http_handler *handler, void *arg)
{
    char *what = xasprintf("%s %s", request->method, client->identity->label);
    struct http_exchange *exchange =
        http_exchange_create(client, ++client->last_id, what, handler, arg);
    link_last(client, exchange);
    uint64_t id = exchange->id;
    if (client->multi != NULL) {
        start(client, exchange, request);
    } /* else http_client_destroy() is going through the list and comes by */
    return id;
}

void http_set_silence(struct http_client *client, uint64_t id, int64_t silence_ms)
{
    for (struct http_exchange *at = client->first; at != NULL; at = at->next) {
        if (at->id == id && !at->ended) {
            http_exchange_set_silence(at, silence_ms);
            return;
        }
    }
}

void http_cancel(struct http_client *client, uint64_t id)
{
    for (struct http_exchange *at = client->first; at != NULL; at = at->next) {
        if (at->id == id) {
            drop(client, at);
            return;
        }
    }
}

int64_t http_client_idle_ms(const struct http_client *client)
{
    return clock_mono_ms() - client->last_byte_ms;
}
