/*
 * Requests to the API server: paths, credentials, JSON bodies, Status as errors.
 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "http/http.h"
#include "kube/config.h"
#include "kube/resource.h"
#include "loop/loop.h"
#include "json/json.h"

struct kube_client;

/*
 * "/api/v1/namespaces/NS/configmaps/NAME/SUB": `ns` NULL or "" for cluster scope or all
 * namespaces, `name` and `subresource` NULL where not wanted. Percent-encoded. Caller frees.
 */
char *kube_path(const struct kube_resource *resource, const char *ns, const char *name,
                const char *subresource);
/* Appends "?key=value" or "&key=value", percent-encoded. */
void kube_query_add(struct buf *path, const char *key, const char *value);
/* "v1", "apps/v1". Caller frees. */
char *kube_api_version(const struct kube_resource *resource);

/* What a request came back with; borrowed for the call. */
struct kube_reply {
    int http_status;
    const struct json_object *json; /* NULL when the body was empty or not JSON */
};

/*
 * `err` is NULL on 2xx. ERR_RETRY with http_status 0 means no answer: the request may or may not
 * have been carried out.
 */
typedef void kube_done_fn(void *arg, const struct kube_reply *reply, const struct err *err);

struct kube_request {
    const char *method;
    const char *path;               /* with query; copied */
    const char *content_type;       /* of the body; NULL: application/json */
    const char *accept;             /* NULL: application/json */
    const struct json_object *body; /* NULL: none; serialized at once */
    int64_t deadline_ms;            /* 0: 30 s */
    int64_t send_within_ms;         /* not sent later, as in http.h; 0: any time */
};

/* For metrics and tests; all slots optional, called for every finished request. */
struct kube_client_observer {
    void (*request)(void *arg, const char *method, const char *path, int http_status,
                    int64_t duration_ms);
    /* A Warning header (299), once per text. */
    void (*warning)(void *arg, const char *text);
    /* Something is wrong with what the two sides identify themselves by: once while it is so. */
    void (*distrust)(void *arg, const char *what, const char *why);
    /* The server could not be reached, and why; or answered again (see availability.h). */
    void (*lost)(void *arg, const char *why);
    void (*recovered)(void *arg, int64_t down_ms);
    void *arg;
};

/* `config` is borrowed and must outlive it. */
int kube_client_create(struct loop *loop, const struct kube_config *config, const char *user_agent,
                       const struct kube_client_observer *observer, struct kube_client **ret_client,
                       struct err *err) MUST_CHECK;
/* Pending requests complete (ERR_CANCELLED) before it returns. */
void kube_client_destroy(struct kube_client *client);
DEFINE_AUTO_DESTROY(kube_client, struct kube_client, kube_client_destroy)
/* Calls `ready` once, from the loop, when credentials are there or can't be had. */
void kube_client_start(struct kube_client *client, void (*ready)(void *arg, const struct err *err),
                       void *arg);

/* Completes exactly once, from the loop. Returns an id for kube_cancel, never 0. */
uint64_t kube_submit(struct kube_client *client, const struct kube_request *request,
                     kube_done_fn *done, void *arg);
void kube_cancel(struct kube_client *client, uint64_t id);

/*
 * For reflectors: a request whose body is delivered as it comes. Credentials are added behind the
 * request's headers. The id is for kube_cancel. From the first stream on, the server is asked for
 * a sign of life when nothing was received for 5 s.
 */
uint64_t kube_stream(struct kube_client *client, const struct http_request *request,
                     const struct http_handler *handler, void *arg);

/* Ends a running stream when nothing was received for so long; 0: never. */
void kube_stream_set_silence(struct kube_client *client, uint64_t id, int64_t silence_ms);

/* --- availability: one probe for the whole operator --- */

/* Whether the server is believed to be reachable and ready. True at the start. */
bool kube_client_up(const struct kube_client *client);
/*
 * Somebody could not reach the server: probe it about every half second until it answers
 * (connection, then /readyz). Idempotent.
 */
void kube_client_suspect(struct kube_client *client);
/*
 * The server gave an answer as one gives that is starting or stopping (5xx; 403, before its
 * authorizer has read its roles): ask /readyz once, and if it is not ready, until it is. With
 * streams open, every answer with 5xx does so.
 */
void kube_client_doubt(struct kube_client *client);
/* How long the last outage lasted; 0: none, or a suspicion that was wrong. */
int64_t kube_client_outage_ms(const struct kube_client *client);
/*
 * Registers a function that runs, from the loop, each time the server is found up again, false
 * alarms included: what failed because of it may be tried again at once. In order of registration.
 */
struct kube_up_watch;
struct kube_up_watch *kube_client_on_up(struct kube_client *client, void (*up)(void *arg),
                                        void *arg);
void kube_up_watch_destroy(struct kube_up_watch *watch);

#endif
