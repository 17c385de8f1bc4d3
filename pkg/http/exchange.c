#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "http/private.h"

enum {
    CONNECT_DEFAULT_MS = 10000,
};

static void limit_reached(void *arg);

struct http_exchange *http_exchange_create(struct http_client *client, uint64_t id, char *what_take,
                                           const struct http_handler *handler, void *arg)
{
    struct http_exchange *exchange = xcalloc(1, sizeof(*exchange));
    exchange->client = client;
    exchange->id = id;
    exchange->what = what_take;
    exchange->handler = *handler;
    exchange->arg = arg;
    exchange->started_ms = clock_mono_ms();
    exchange->last_byte_ms = exchange->started_ms;
    exchange->timer = loop_timer_create(http_client_loop(client), limit_reached, exchange);
    buf_init(&exchange->body, SIZE_MAX / 4);
    return exchange;
}

void http_exchange_destroy(struct http_exchange *exchange)
{
    loop_timer_destroy(exchange->timer);
    curl_slist_free_all(exchange->headers);
    buf_finish(&exchange->body);
    free(exchange->what);
    free(exchange->content_type);
    free(exchange->warning);
    free(exchange->reason);
    free(exchange);
}

/* --- limits ---------------------------------------------------------------------------------- */

struct limit {
    int64_t at_ms; /* 0: none */
    int64_t ms;
    const char *text; /* what it means to reach it */
};

static struct limit next_limit(const struct http_exchange *exchange)
{
    struct limit limit = {0};
    if (!exchange->sent) {
        limit = (struct limit){.at_ms = exchange->started_ms + exchange->connect_ms,
                               .ms = exchange->connect_ms,
                               .text = "no connection"};
    } else if (exchange->silence_ms > 0) {
        limit = (struct limit){.at_ms = exchange->last_byte_ms + exchange->silence_ms,
                               .ms = exchange->silence_ms,
                               .text = "nothing received"};
    }
    int64_t deadline = exchange->started_ms + exchange->deadline_ms;
    if (exchange->deadline_ms > 0 && (limit.at_ms == 0 || deadline <= limit.at_ms)) {
        limit =
            (struct limit){.at_ms = deadline, .ms = exchange->deadline_ms, .text = "not finished"};
    }
    return limit;
}

static void arm(struct http_exchange *exchange)
{
    struct limit limit = next_limit(exchange);
    if (limit.at_ms != 0) {
        loop_timer_arm(exchange->timer, limit.at_ms - clock_mono_ms());
    }
}

/* Bytes only move the time of the last one; the timer finds out here whether it came too early. */
static void limit_reached(void *arg)
{
    struct http_exchange *exchange = arg;
    struct limit limit = next_limit(exchange);
    if (limit.at_ms == 0) {
        return;
    }
    if (clock_mono_ms() < limit.at_ms) {
        arm(exchange);
        return;
    }
    AUTO_FREE char *reason = xasprintf("%s within %lld ms", limit.text, (long long)limit.ms);
    http_client_detach(exchange->client, exchange);
    http_exchange_finish(exchange, ERR_RETRY, reason);
}

void http_exchange_set_silence(struct http_exchange *exchange, int64_t silence_ms)
{
    exchange->silence_ms = silence_ms;
    arm(exchange);
}

void http_exchange_start(struct http_exchange *exchange)
{
    arm(exchange);
}

/* --- curl's callbacks: they only record --------------------------------------------------------
 */

static void note_byte(struct http_exchange *exchange)
{
    exchange->last_byte_ms = clock_mono_ms();
    http_client_note_byte(exchange->client, exchange->last_byte_ms);
}

/*
 * Runs before the request is sent, on a connection that is made. curl sends a request again by
 * itself when a connection that was in use before is lost without a reply; for a write nobody
 * knows then whether the server has carried it out, so the owner has to look first.
 */
static int before_sending(void *arg, char *peer, char *own, int peer_port, int own_port)
{
    (void)peer;
    (void)own;
    (void)peer_port;
    (void)own_port;
    struct http_exchange *exchange = arg;
    if (exchange->sent && !exchange->repeatable) {
        exchange->repeat_refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (exchange->send_within_ms > 0 &&
        clock_mono_ms() - exchange->started_ms >= exchange->send_within_ms) {
        exchange->too_late = true;
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->sent = true;
    exchange->connected = true;
    exchange->last_byte_ms = clock_mono_ms();
    arm(exchange);
    http_client_note_opened(exchange->client);
    return CURL_PREREQFUNC_OK;
}

/* The value when the line is the named header, else NULL; the caller frees. */
static char *header_value(const char *line, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    if (len <= name_len || line[name_len] != ':' || !curl_strnequal(line, name, name_len)) {
        return NULL;
    }
    size_t from = name_len + 1;
    while (from < len && (line[from] == ' ' || line[from] == '\t')) {
        from++;
    }
    while (len > from && strchr(" \t\r\n", line[len - 1]) != NULL) {
        len--;
    }
    return xstrndup(line + from, len - from);
}

static void begin_head(struct http_exchange *exchange, const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    exchange->status = space != NULL ? (int)strtol(space, NULL, 10) : 0;
    exchange->retry_after_ms = 0;
    xstr_replace(&exchange->content_type, NULL);
    xstr_replace(&exchange->warning, NULL);
}

static void take_header_line(struct http_exchange *exchange, const char *line, size_t len)
{
    AUTO_FREE char *type = header_value(line, len, "Content-Type");
    AUTO_FREE char *warning = header_value(line, len, "Warning");
    AUTO_FREE char *retry_after = header_value(line, len, "Retry-After");
    if (type != NULL) {
        xstr_replace(&exchange->content_type, type);
    }
    if (warning != NULL && exchange->warning == NULL) {
        exchange->warning = take_ptr(warning);
    }
    if (retry_after != NULL) {
        exchange->retry_after_ms = http_retry_after_parse(retry_after, clock_wall_ms());
    }
}

/* A line with its line end, NUL-terminated by nobody. Lines behind the body are trailers. */
static size_t header_came(char *line, size_t one, size_t len, void *arg)
{
    (void)one;
    struct http_exchange *exchange = arg;
    note_byte(exchange);
    if (exchange->head_complete) {
        return len;
    }
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) {
        begin_head(exchange, line, len);
    } else if (line[0] != '\r' && line[0] != '\n') {
        take_header_line(exchange, line, len);
    } else if (exchange->status >= 200) {
        /* Those below 200 announce another head. */
        exchange->head_complete = true;
        if (exchange->handler.head != NULL) {
            http_client_queue(exchange->client, exchange);
        }
    }
    return len;
}

static size_t body_came(char *data, size_t one, size_t len, void *arg)
{
    (void)one;
    struct http_exchange *exchange = arg;
    note_byte(exchange);
    if (exchange->body_limit != 0 && len > exchange->body_limit - exchange->body_received) {
        exchange->body_over_limit = true;
        return CURL_WRITEFUNC_ERROR;
    }
    exchange->body_received += len;
    if (buf_append(&exchange->body, data, len) < 0) {
        return CURL_WRITEFUNC_ERROR;
    }
    if (exchange->handler.data != NULL) {
        http_client_queue(exchange->client, exchange);
    }
    return len;
}

/* --- the request -------------------------------------------------------------------------------
 */

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static void add_header(struct http_exchange *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);
    if (longer == NULL) {
        abort();
    }
    exchange->headers = longer;
}

static int set_headers(struct http_exchange *exchange, const struct http_identity *identity,
                       const struct http_request *request, CURL *easy, struct err *err)
{
    bool typed = false;
    for (size_t i = 0; i < HTTP_HEADERS_MAX && request->headers[i].name != NULL; i++) {
        const struct http_header *header = &request->headers[i];
        if (has_control(header->name) || has_control(header->value)) {
            return err_set(err, ERR_INVALID, "header %zu: control character in it", i);
        }
        typed = typed || strcasecmp(header->name, "Content-Type") == 0;
        /* curl's way to spell a header without a value. */
        AUTO_FREE char *line = header->value[0] != '\0'
                                   ? xasprintf("%s: %s", header->name, header->value)
                                   : xasprintf("%s;", header->name);
        add_header(exchange, line);
    }
    if (!typed) {
        add_header(exchange, "Content-Type:"); /* or curl calls a body a web form */
    }
    add_header(exchange, "Expect:");
    if (identity->host_header != NULL) {
        add_header(exchange, identity->host_header);
    }
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers));
    return 0;
}

static void set_method(const struct http_request *request, CURL *easy)
{
    bool writes = strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
                  strcmp(request->method, "PATCH") == 0;
    if (request->body != NULL || writes) {
        HTTP_MUST(curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                   (curl_off_t)(request->body != NULL ? request->body_len : 0)));
        HTTP_MUST(curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS,
                                   request->body != NULL ? request->body : ""));
    }
    if (strcmp(request->method, "HEAD") == 0) {
        HTTP_MUST(curl_easy_setopt(easy, CURLOPT_NOBODY, 1L));
    } else {
        HTTP_MUST(curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method));
    }
}

static void set_recording(struct http_exchange *exchange, CURL *easy)
{
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_error));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_came));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_came));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange));
}

int http_exchange_prepare(struct http_exchange *exchange, const struct http_identity *identity,
                          const struct http_request *request, CURL *easy, struct err *err)
{
    exchange->repeatable =
        strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    exchange->connect_ms = request->connect_ms > 0 ? request->connect_ms : CONNECT_DEFAULT_MS;
    exchange->deadline_ms = request->deadline_ms;
    exchange->silence_ms = request->silence_ms;
    exchange->send_within_ms = request->send_within_ms;
    exchange->body_limit = request->body_limit;
    exchange->fresh = request->fresh_connection;
    if (request->path[0] != '/' || has_control(request->path) ||
        strpbrk(request->path, " #") != NULL) {
        return err_set(err, ERR_INVALID, "path is not absolute or not percent-encoded");
    }
    http_identity_apply(identity, easy);
    set_recording(exchange, easy);
    AUTO_FREE char *url = xasprintf("%s%s", identity->base, request->path);
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_URL, url));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)exchange->connect_ms));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->fresh_connection ? 1L : 0L));
    HTTP_MUST(
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, request->accept_gzip ? "gzip" : NULL));
    set_method(request, easy);
    return set_headers(exchange, identity, request, easy, err);
}

/* --- the end -----------------------------------------------------------------------------------
 */

void http_exchange_finish(struct http_exchange *exchange, enum err_kind failure, const char *reason)
{
    exchange->ended = true;
    exchange->ended_ms = clock_mono_ms();
    exchange->failure = failure;
    xstr_replace(&exchange->reason, reason);
    loop_timer_disarm(exchange->timer);
    http_client_queue(exchange->client, exchange);
}

/*
 * What stays wrong until somebody changes the configuration. A server's certificate that can't be
 * verified is none of it: it may be in the middle of being replaced, as may our CA.
 */
static enum err_kind kind_of(const struct http_exchange *exchange, CURLcode result)
{
    switch (result) {
    case CURLE_OK:
        return ERR_NONE;
    case CURLE_WRITE_ERROR:
        return exchange->body_over_limit ? ERR_INVALID : ERR_RETRY;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return ERR_INVALID;
    default:
        return ERR_RETRY;
    }
}

/*
 * Results that mean that the last attempt got no connection, whatever an earlier one got. Curl's
 * only time limit is the one for connecting.
 */
static bool never_connected(CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PROXY:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return true;
    default:
        return false;
    }
}

void http_exchange_finish_curl(struct http_exchange *exchange, CURLcode result)
{
    AUTO_FREE char *over_limit = NULL;
    const char *reason = NULL;
    if (exchange->body_over_limit) {
        over_limit = xasprintf("the response is longer than %zu bytes", exchange->body_limit);
        reason = over_limit;
    } else if (exchange->too_late) {
        reason = "there was no connection in the time in which it might be sent";
    } else if (exchange->repeat_refused) {
        reason = "connection lost before the reply came; not sent again";
    } else if (result != CURLE_OK) {
        reason =
            exchange->curl_error[0] != '\0' ? exchange->curl_error : curl_easy_strerror(result);
    }
    exchange->untrusted = result == CURLE_PEER_FAILED_VERIFICATION;
    if (never_connected(result)) {
        exchange->connected = false;
    }
    http_exchange_finish(exchange, kind_of(exchange, result), reason);
}

/* --- delivery ----------------------------------------------------------------------------------
 */

static struct http_response response_of(const struct http_exchange *exchange)
{
    return (struct http_response){
        .status = exchange->head_complete ? exchange->status : 0,
        .body = exchange->handler.data == NULL ? buf_str(&exchange->body) : "",
        .body_len = exchange->handler.data == NULL ? exchange->body.len : 0,
        .content_type = exchange->content_type != NULL ? exchange->content_type : "",
        .retry_after_ms = exchange->retry_after_ms,
        .warning = exchange->warning != NULL ? exchange->warning : "",
        .connected = exchange->connected,
        .untrusted = exchange->untrusted,
        .sent = exchange->sent,
        .duration_ms =
            (exchange->ended ? exchange->ended_ms : clock_mono_ms()) - exchange->started_ms,
    };
}

static void deliver_head(struct http_exchange *exchange)
{
    exchange->head_delivered = true;
    if (exchange->handler.head != NULL) {
        struct http_response head = response_of(exchange);
        head.body = "";
        head.body_len = 0;
        exchange->handler.head(exchange->arg, &head);
    }
}

static void deliver_data(struct http_exchange *exchange)
{
    AUTO(buf) struct buf piece = exchange->body;
    exchange->body = BUF_INIT(piece.limit);
    exchange->handler.data(exchange->arg, buf_str(&piece), piece.len);
}

void http_exchange_deliver_end(struct http_exchange *exchange)
{
    struct err err;
    struct http_response response = response_of(exchange);
    if (exchange->failure == ERR_NONE) {
        exchange->handler.done(exchange->arg, &response, NULL);
        return;
    }
    err_set(&err, exchange->failure, "%s: %s", exchange->what, exchange->reason);
    err.http_status = response.status;
    err.retry_after_ms = response.retry_after_ms;
    exchange->handler.done(exchange->arg, &response, &err);
}

void http_exchange_deliver(struct http_exchange *exchange)
{
    exchange->delivering = true;
    if (exchange->head_complete && !exchange->head_delivered) {
        deliver_head(exchange);
    }
    if (!exchange->taken_back && exchange->handler.data != NULL && exchange->body.len != 0) {
        deliver_data(exchange);
    }
    exchange->delivering = false;
    if (exchange->taken_back) {
        http_exchange_destroy(exchange);
    } else if (exchange->ended) {
        http_client_unlink(exchange->client, exchange);
        http_exchange_deliver_end(exchange);
        http_exchange_destroy(exchange);
    }
}
