#include "kube/client.h"

#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "kube/auth.h"
#include "kube/prober.h"
#include "kube/status.h"
#include "kube/warning.h"

enum {
    DEADLINE_MS = 30000,
    BODY_MAX = 16 * 1024 * 1024,
};

/* One request or stream under way. */
struct call {
    struct kube_client *client; /* back */
    struct call *next;
    struct call **link; /* what points to this one */
    uint64_t id;
    uint64_t http_id;
    uint64_t epoch; /* of the connections it was sent on */
    char *method;
    char *path;
    bool retried; /* a 401 was answered with fresh credentials */
    void *arg;
    kube_done_fn *done;          /* NULL: a stream */
    char *accept;                /* not for streams */
    int64_t deadline_ms;         /* not for streams */
    int64_t send_within_ms;      /* neither */
    struct http_handler handler; /* of a stream */
};

struct kube_up_watch {
    struct kube_client *client; /* back */
    struct kube_up_watch *next;
    struct kube_up_watch **link;
    void (*up)(void *arg);
    void *arg;
};

struct kube_client {
    struct loop *loop;
    struct auth *auth;
    struct http_client *http;
    struct prober *prober;
    char *user_agent;
    struct kube_client_observer observer;
    struct warnings warnings;
    struct call *calls;
    uint64_t last_id;
    uint64_t epoch; /* counts the times that all connections were dropped */
    bool streams;   /* one was opened: somebody waits for the server when it is away */
    bool lost;      /* the observer was told so */
    char *distrust; /* what the observer was told last, NULL: all is well */
    int64_t outage_ms;
    struct kube_up_watch *up_watches; /* in order of registration */
    struct kube_up_watch *up_next;    /* the next to be told, while telling */
};

/* --- calls --- */

static struct call *call_create(struct kube_client *client, const char *method, const char *path,
                                void *arg)
{
    struct call *call = xcalloc(1, sizeof(*call));
    call->client = client;
    call->id = ++client->last_id;
    call->epoch = client->epoch;
    call->method = xstrdup(method);
    call->path = xstrdup(path);
    call->arg = arg;
    call->next = client->calls;
    call->link = &client->calls;
    if (call->next != NULL) {
        call->next->link = &call->next;
    }
    client->calls = call;
    return call;
}

static void call_destroy(struct call *call)
{
    *call->link = call->next;
    if (call->next != NULL) {
        call->next->link = call->link;
    }
    free(call->method);
    free(call->path);
    free(call->accept);
    free(call);
}

static void observe(const struct call *call, const struct http_response *response)
{
    struct kube_client *client = call->client;
    const struct kube_client_observer *observer = &client->observer;
    if (observer->request != NULL) {
        observer->request(observer->arg, call->method, call->path, response->status,
                          response->duration_ms);
    }
    AUTO_FREE char *text = warnings_take_new(&client->warnings, response->warning);
    if (text != NULL && observer->warning != NULL) {
        observer->warning(observer->arg, text);
    }
}

static void tell_distrust(struct kube_client *client, const char *what, const char *why)
{
    if (client->observer.distrust != NULL &&
        (client->distrust == NULL || strcmp(client->distrust, why) != 0)) {
        client->observer.distrust(client->observer.arg, what, why);
    }
    xstr_replace(&client->distrust, why);
}

/* Of a token or a CA that can't be renewed nobody would hear before the server refuses the old. */
static void look_at_credentials(struct kube_client *client, int http_status)
{
    const struct err *problem = auth_problem(client->auth);
    if (problem != NULL) {
        tell_distrust(client, "credentials cannot be renewed", problem->text);
    } else if (http_status == 401) {
        tell_distrust(client, "the API server refuses our credentials", "HTTP 401 Unauthorized");
    } else if (http_status != 0) {
        xstr_replace(&client->distrust, NULL);
    }
}

/*
 * What the answer tells of the server, if somebody is there to wait for it: none at all, unless it
 * was our own dropping of connections that ended the request, or one as without etcd.
 */
static void check_answer(const struct call *call, const struct http_response *response,
                         const struct err *err)
{
    struct kube_client *client = call->client;
    bool silent = err != NULL && err->kind != ERR_CANCELLED && response->status == 0;
    if (silent && client->streams && call->epoch == client->epoch) {
        kube_client_suspect(client);
    }
    if (response->status >= 500 && client->streams) {
        kube_client_doubt(client);
    }
    if (response->status == 401) {
        auth_rejected(client->auth);
    }
}

/* --- requests --- */

static void on_call_done(void *arg, const struct http_response *response, const struct err *err);

static const struct http_handler call_handler = {.done = on_call_done};

static void send_call(struct call *call, const char *content_type, const char *body)
{
    struct http_request request = {
        .method = call->method,
        .path = call->path,
        .body = body,
        .body_len = body != NULL ? strlen(body) : 0,
        .accept_gzip = strcmp(call->method, "GET") == 0,
        .deadline_ms = call->deadline_ms,
        .send_within_ms = call->send_within_ms,
        .body_limit = BODY_MAX,
    };
    size_t used = 0;
    request.headers[used++] = (struct http_header){"Accept", call->accept};
    if (body != NULL) {
        request.headers[used++] = (struct http_header){"Content-Type", content_type};
    }
    auth_headers(call->client->auth, request.headers, used);
    call->epoch = call->client->epoch;
    call->http_id = http_submit(call->client->http, &request, &call_handler, call);
}

/* What came back, as a reply and an error; returns -1 with the error. */
static int read_reply(const struct http_response *response, const struct err *failure,
                      struct json_object **ret_json, struct kube_reply *ret_reply, struct err *err)
{
    if (failure != NULL) {
        *err = *failure;
        err->http_status = 0; /* even when it had begun: what it said is not known */
        return -1;
    }
    ret_reply->http_status = response->status;
    bool is_json = response->body_len != 0 && strstr(response->content_type, "json") != NULL;
    struct err bad = {0};
    bool broken = is_json && json_parse(response->body, response->body_len, ret_json, &bad) != 0;
    ret_reply->json = *ret_json;
    if (response->status < 200 || response->status > 299) {
        struct kube_status status;
        kube_status_from_response(response->status, response->body, response->body_len,
                                  response->retry_after_ms, &status);
        return kube_status_to_err(&status, err);
    }
    if (broken) {
        err_set(err, ERR_RETRY, "the answer cannot be read: %s", bad.text);
        err->http_status = response->status;
        return -1;
    }
    return 0;
}

static void on_call_done(void *arg, const struct http_response *response, const struct err *err)
{
    struct call *call = arg;
    observe(call, response);
    check_answer(call, response, err);
    if (response->status == 401 && err == NULL && !call->retried &&
        strcmp(call->method, "GET") == 0) {
        call->retried = true;
        send_call(call, NULL, NULL);
        return;
    }
    AUTO(json) struct json_object *json = NULL;
    struct kube_reply reply = {0};
    struct err failure = {0};
    bool failed = read_reply(response, err, &json, &reply, &failure) != 0;
    if (failed) {
        err_wrap(&failure, "%s %s", call->method, call->path);
    }
    kube_done_fn *done = call->done;
    void *done_arg = call->arg;
    call_destroy(call);
    done(done_arg, &reply, failed ? &failure : NULL);
}

uint64_t kube_submit(struct kube_client *client, const struct kube_request *request,
                     kube_done_fn *done, void *arg)
{
    struct call *call = call_create(client, request->method, request->path, arg);
    call->done = done;
    call->accept = xstrdup(request->accept != NULL ? request->accept : "application/json");
    call->deadline_ms = request->deadline_ms > 0 ? request->deadline_ms : DEADLINE_MS;
    call->send_within_ms = request->send_within_ms;
    AUTO_FREE char *body = request->body != NULL ? json_text(request->body) : NULL;
    send_call(call, request->content_type != NULL ? request->content_type : "application/json",
              body);
    return call->id;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    for (struct call *call = client->calls; call != NULL; call = call->next) {
        if (call->id == id) {
            http_cancel(client->http, call->http_id);
            call_destroy(call);
            return;
        }
    }
}

/* --- streams --- */

static void on_stream_head(void *arg, const struct http_response *head)
{
    struct call *call = arg;
    if (call->handler.head != NULL) {
        call->handler.head(call->arg, head);
    }
}

static void on_stream_data(void *arg, const char *data, size_t len)
{
    struct call *call = arg;
    call->handler.data(call->arg, data, len);
}

static void on_stream_done(void *arg, const struct http_response *response, const struct err *err)
{
    struct call *call = arg;
    observe(call, response);
    check_answer(call, response, err);
    /* gone before it is told: what it calls may cancel by id */
    struct http_handler handler = call->handler;
    void *handler_arg = call->arg;
    call_destroy(call);
    handler.done(handler_arg, response, err);
}

uint64_t kube_stream(struct kube_client *client, const struct http_request *request,
                     const struct http_handler *handler, void *arg)
{
    static const struct http_handler whole = {.head = on_stream_head, .done = on_stream_done};
    static const struct http_handler pieces = {
        .head = on_stream_head, .data = on_stream_data, .done = on_stream_done};
    struct call *call = call_create(client, request->method, request->path, arg);
    call->handler = *handler;
    struct http_request copy = *request;
    size_t used = 0;
    while (used < HTTP_HEADERS_MAX && copy.headers[used].name != NULL) {
        used++;
    }
    auth_headers(client->auth, copy.headers, used);
    call->http_id =
        http_submit(client->http, &copy, handler->data != NULL ? &pieces : &whole, call);
    if (!client->streams) {
        client->streams = true;
        prober_watch(client->prober);
    }
    return call->id;
}

void kube_stream_set_silence(struct kube_client *client, uint64_t id, int64_t silence_ms)
{
    for (const struct call *call = client->calls; call != NULL; call = call->next) {
        if (call->id == id) {
            http_set_silence(client->http, call->http_id, silence_ms);
            return;
        }
    }
}

/* --- availability --- */

/* The prober is gone while the last requests are told that the client is. */

bool kube_client_up(const struct kube_client *client)
{
    return client->prober != NULL && prober_up(client->prober);
}

void kube_client_suspect(struct kube_client *client)
{
    if (client->prober != NULL) {
        prober_suspect(client->prober);
    }
}

void kube_client_doubt(struct kube_client *client)
{
    if (client->prober != NULL) {
        prober_doubt(client->prober);
    }
}

int64_t kube_client_outage_ms(const struct kube_client *client)
{
    return client->outage_ms;
}

struct kube_up_watch *kube_client_on_up(struct kube_client *client, void (*up)(void *arg),
                                        void *arg)
{
    struct kube_up_watch *watch = xcalloc(1, sizeof(*watch));
    watch->client = client;
    watch->up = up;
    watch->arg = arg;
    watch->link = &client->up_watches;
    while (*watch->link != NULL) {
        watch->link = &(*watch->link)->next;
    }
    *watch->link = watch;
    return watch;
}

void kube_up_watch_destroy(struct kube_up_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    if (watch->client->up_next == watch) {
        watch->client->up_next = watch->next;
    }
    *watch->link = watch->next;
    if (watch->next != NULL) {
        watch->next->link = watch->link;
    }
    free(watch);
}

static void on_dropped(void *arg)
{
    struct kube_client *client = arg;
    client->epoch++;
}

static void on_lost(void *arg, const char *why)
{
    struct kube_client *client = arg;
    client->lost = true;
    if (client->observer.lost != NULL) {
        client->observer.lost(client->observer.arg, why);
    }
}

static void on_up(void *arg, int64_t outage_ms)
{
    struct kube_client *client = arg;
    client->outage_ms = outage_ms;
    if (client->lost && client->observer.recovered != NULL) {
        client->observer.recovered(client->observer.arg, outage_ms);
    }
    client->lost = false;
    client->up_next = client->up_watches;
    while (client->up_next != NULL) {
        struct kube_up_watch *watch = client->up_next;
        client->up_next = watch->next;
        watch->up(watch->arg);
    }
}

/* With a CA that can't be read, that is the reason. */
static void on_untrusted(void *arg, const char *why)
{
    struct kube_client *client = arg;
    if (auth_problem(client->auth) == NULL) {
        tell_distrust(client, "the API server's certificate is not trusted", why);
    }
}

static void on_probed(void *arg, const char *path, int http_status, int64_t duration_ms)
{
    struct kube_client *client = arg;
    look_at_credentials(client, http_status);
    if (client->observer.request != NULL) {
        client->observer.request(client->observer.arg, "GET", path, http_status, duration_ms);
    }
}

/* --- life --- */

/* An identity that cannot be used leaves the old one in force; the server will tell. */
static void on_identity_changed(void *arg)
{
    struct kube_client *client = arg;
    struct http_target target;
    struct err err;
    auth_target(client->auth, client->user_agent, &target);
    if (http_client_retarget(client->http, &target, &err) == 0) {
        client->epoch++;
    }
}

int kube_client_create(struct loop *loop, const struct kube_config *config, const char *user_agent,
                       const struct kube_client_observer *observer, struct kube_client **ret_client,
                       struct err *err)
{
    AUTO(kube_client) struct kube_client *client = xcalloc(1, sizeof(*client));
    client->loop = loop;
    client->user_agent = xstrdup(user_agent);
    if (observer != NULL) {
        client->observer = *observer;
    }
    warnings_init(&client->warnings);
    client->auth = auth_create(loop, config, on_identity_changed, client);
    struct http_target target;
    auth_target(client->auth, user_agent, &target);
    if (http_client_create(loop, &target, &client->http, err) != 0) {
        return -1;
    }
    const struct prober_hooks hooks = {.dropped = on_dropped,
                                       .lost = on_lost,
                                       .up = on_up,
                                       .untrusted = on_untrusted,
                                       .request = on_probed,
                                       .arg = client};
    client->prober = prober_create(loop, client->http, client->auth, &hooks);
    *ret_client = take_ptr(client);
    return 0;
}

void kube_client_destroy(struct kube_client *client)
{
    if (client == NULL) {
        return;
    }
    prober_destroy(take_ptr(client->prober));
    http_client_destroy(client->http);
    auth_destroy(client->auth);
    warnings_finish(&client->warnings);
    free(client->distrust);
    free(client->user_agent);
    free(client);
}

void kube_client_start(struct kube_client *client, void (*ready)(void *arg, const struct err *err),
                       void *arg)
{
    auth_start(client->auth, ready, arg);
}
