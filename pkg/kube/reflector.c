#include "kube/reflector.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "kube/list_decoder.h"
#include "kube/reflector_intake.h"
#include "kube/reflector_machine.h"
#include "kube/reflector_query.h"
#include "kube/watch_decoder.h"

enum {
    /* A connection that takes longer is left to the prober, which has more patience: what waits
     * goes over the one that it made. */
    CONNECT_MS = 2000,
    LIST_DEADLINE_MS = 65000, /* the API server itself gives up after 60 s */
    LIST_SILENCE_MS = 30000,
    /* Bookmarks come about once a minute, from servers that send any. */
    WATCH_SILENCE_MS = 180000,
    WATCH_GRACE_MS = 5000, /* behind timeoutSeconds */
    ERROR_BODY_MAX = 64 * 1024,
};

struct reflector {
    struct loop *loop;
    struct kube_client *client;
    struct reflector_spec spec; /* its strings are owned */
    struct reflector_machine machine;
    struct loop_timer *timer;
    struct loop_deferred *up_now; /* delivers UP when a wait for the server finds it up */
    struct kube_up_watch *up_watch;

    uint64_t request; /* under way; 0: none */
    int status;       /* of its head */
    bool checking;    /* its items are of no interest */
    struct list_decoder *list;
    struct watch_decoder *watch;
    struct buf error_body;

    struct reflector_intake intake;
    struct reflector_health health;
    bool bookmarks; /* this server sends some */
};

static enum reflector_store_action step(struct reflector *self,
                                        const struct reflector_input *input);

/* --- health --- */

static void note_error(struct reflector *self, const char *what, const struct err *err)
{
    self->health.last_error = *err;
    err_wrap(&self->health.last_error, "cannot %s %s", what, self->spec.resource->plural);
    LOG_DEBUG("reflector", "resource", self->spec.resource->plural, "error",
              self->health.last_error.text);
}

static void note_status(struct reflector *self, const char *what, const struct kube_status *status)
{
    struct err err;
    kube_status_to_err(status, &err);
    note_error(self, what, &err);
}

static void note_well(struct reflector *self)
{
    self->health.last_error = (struct err){0};
}

/* --- lists --- */

static void end_list(struct reflector *self, const struct kube_status *status)
{
    self->health.stale = false;
    note_status(self, "list", status);
    step(self, &(struct reflector_input){.type = REFLECTOR_IN_LIST_FAILED, .status = *status});
}

static void end_list_broken(struct reflector *self, const struct err *err)
{
    struct kube_status status = {.code = err->http_status, .retry_after_ms = err->retry_after_ms};
    snprintf(status.message, sizeof(status.message), "%.*s", (int)sizeof(status.message) - 1,
             err->text);
    end_list(self, &status);
}

static void on_list_head(void *arg, const struct http_response *head)
{
    struct reflector *self = arg;
    self->status = head->status;
}

static void on_list_data(void *arg, const char *data, size_t len)
{
    struct reflector *self = arg;
    if (self->status != 200) {
        buf_append(&self->error_body, data, len);
        return;
    }
    const struct json_object *item;
    struct err err;
    int got;
    list_decoder_feed(self->list, data, len);
    while ((got = list_decoder_next(self->list, &item, &err)) > 0) {
        if (!self->checking) {
            reflector_intake_collect(&self->intake, item, false);
        }
    }
    if (got < 0) {
        end_list_broken(self, &err);
    }
}

static void on_no_answer(struct reflector *self, const char *what, const struct err *err)
{
    note_error(self, what, err);
    step(self, &(struct reflector_input){.type = REFLECTOR_IN_NO_ANSWER});
}

static void refused(const struct reflector *self, const struct http_response *response,
                    struct kube_status *ret_status)
{
    kube_status_from_response(response->status, buf_str(&self->error_body), self->error_body.len,
                              response->retry_after_ms, ret_status);
}

static void on_list_done(void *arg, const struct http_response *response, const struct err *err)
{
    struct reflector *self = arg;
    self->request = 0;
    struct err failure;
    struct list_envelope envelope;
    if (err != NULL && err->kind == ERR_CANCELLED) {
        return; /* the client is being destroyed */
    }
    if (response->status == 0) {
        on_no_answer(self, "list", err);
    } else if (response->status != 200) {
        struct kube_status status;
        refused(self, response, &status);
        end_list(self, &status);
    } else if (err != NULL) {
        end_list_broken(self, &(struct err){.kind = err->kind, .text = "the answer was cut short"});
    } else if (list_decoder_finish(self->list, &envelope, &failure) != 0) {
        end_list_broken(self, &failure);
    } else {
        step(self, &(struct reflector_input){.type = REFLECTOR_IN_PAGE,
                                             .version = envelope.resource_version,
                                             .continue_token = envelope.continue_token});
    }
}

/* --- watches --- */

static void on_watch_error(struct reflector *self, const struct kube_status *status)
{
    self->health.stale = false;
    note_status(self, "watch", status);
    step(self, &(struct reflector_input){.type = REFLECTOR_IN_WATCH_ERROR, .status = *status});
}

static void on_watch_head(void *arg, const struct http_response *head)
{
    struct reflector *self = arg;
    self->status = head->status;
    if (head->status == 200) {
        self->health.watches++;
        step(self, &(struct reflector_input){.type = REFLECTOR_IN_OPEN});
        if (self->machine.state == REFLECTOR_WATCHING) {
            self->health.stale = false;
            note_well(self);
        }
    }
}

static void on_object_event(struct reflector *self, const struct watch_event *event)
{
    bool bookmark = event->type == WATCH_BOOKMARK;
    struct reflector_input input = {.type = bookmark ? REFLECTOR_IN_BOOKMARK : REFLECTOR_IN_EVENT,
                                    .version = event->resource_version,
                                    .initial_events_end = event->initial_events_end};
    if (bookmark && !self->bookmarks) {
        self->bookmarks = true; /* from now on silence means something, on this stream too */
        kube_stream_set_silence(self->client, self->request, WATCH_SILENCE_MS);
    }
    self->health.events++;
    enum reflector_store_action action = step(self, &input);
    int64_t now_ms = loop_now_ms(self->loop);
    bool deleted = event->type == WATCH_DELETED;
    if (self->machine.state == REFLECTOR_WATCHING) {
        self->health.verified_ms = now_ms;
    }
    if (action == REFLECTOR_APPLY) {
        reflector_intake_apply(&self->intake, event->object, deleted, now_ms);
    } else if (action == REFLECTOR_COLLECT) {
        reflector_intake_collect(&self->intake, event->object, deleted);
    } else if (action == REFLECTOR_COMMIT) {
        note_well(self);
    }
}

static void on_watch_event(struct reflector *self, const struct watch_event *event)
{
    if (event->skip != NULL) {
        LOG_DEBUG("event passed over", "resource", self->spec.resource->plural, "reason",
                  event->skip);
        step(self, &(struct reflector_input){.type = REFLECTOR_IN_SKIPPED});
    } else if (event->type == WATCH_ERROR) {
        struct kube_status status = event->status;
        on_watch_error(self, &status);
    } else {
        on_object_event(self, event);
    }
}

/* Any event may end this request, and its decoder with it. */
static void on_watch_data(void *arg, const char *data, size_t len)
{
    struct reflector *self = arg;
    if (self->status != 200) {
        buf_append(&self->error_body, data, len);
        return;
    }
    uint64_t request = self->request;
    struct watch_event event;
    struct err err;
    watch_decoder_feed(self->watch, data, len);
    while (self->request == request) {
        int got = watch_decoder_next(self->watch, &event, &err);
        if (got == 0) {
            return;
        }
        if (got < 0) {
            note_error(self, "watch", &err);
            step(self, &(struct reflector_input){.type = REFLECTOR_IN_GARBLED});
            return;
        }
        on_watch_event(self, &event);
    }
}

static void on_watch_done(void *arg, const struct http_response *response, const struct err *err)
{
    struct reflector *self = arg;
    self->request = 0;
    if (err != NULL && err->kind == ERR_CANCELLED) {
        return; /* the client is being destroyed */
    }
    if (response->status == 0) {
        on_no_answer(self, "watch", err);
    } else if (response->status != 200) {
        struct kube_status status;
        refused(self, response, &status);
        on_watch_error(self, &status);
    } else {
        step(self, &(struct reflector_input){.type = REFLECTOR_IN_WATCH_END});
    }
}

/* --- carrying out what the machine says --- */

/* Takes back the request under way and all that belongs to it. */
static void stop(struct reflector *self)
{
    kube_cancel(self->client, self->request);
    self->request = 0;
    self->status = 0;
    list_decoder_destroy(take_ptr(self->list));
    watch_decoder_destroy(take_ptr(self->watch));
    buf_shrink(&self->error_body);
    loop_timer_disarm(self->timer);
}

static void send_list(struct reflector *self, const char *path, bool checking)
{
    static const struct http_handler handler = {
        .head = on_list_head, .data = on_list_data, .done = on_list_done};
    const struct http_request request = {
        .method = "GET",
        .path = path,
        .headers = {{"Accept", "application/json"}},
        .accept_gzip = true,
        .connect_ms = CONNECT_MS,
        .deadline_ms = LIST_DEADLINE_MS,
        .silence_ms = LIST_SILENCE_MS,
    };
    self->checking = checking;
    self->list = list_decoder_create(self->spec.resource->kind, LIST_ITEM_MAX);
    self->request = kube_stream(self->client, &request, &handler, self);
}

static void send_watch(struct reflector *self, const char *path, int timeout_s)
{
    static const struct http_handler handler = {
        .head = on_watch_head, .data = on_watch_data, .done = on_watch_done};
    const struct http_request request = {
        .method = "GET",
        .path = path,
        .headers = {{"Accept", "application/json"}},
        .connect_ms = CONNECT_MS,
        .deadline_ms = (int64_t)timeout_s * 1000 + WATCH_GRACE_MS,
        .silence_ms = self->bookmarks ? WATCH_SILENCE_MS : 0,
    };
    self->watch = watch_decoder_create(self->spec.resource->kind, WATCH_FRAME_MAX);
    self->request = kube_stream(self->client, &request, &handler, self);
}

static void send_request(struct reflector *self, const struct reflector_output *out)
{
    /* The continue token belongs to the decoder of the page before. */
    AUTO_FREE char *path = reflector_path(&self->spec, out);
    bool first_page = out->command == REFLECTOR_LIST && out->continue_token[0] == '\0';
    LOG_DEBUG("reflector", "request", path);
    stop(self);
    if (first_page || out->send_initial_events) {
        reflector_intake_begin(&self->intake);
    }
    if (out->command == REFLECTOR_WATCH) {
        send_watch(self, path, out->timeout_s);
    } else {
        send_list(self, path, out->command == REFLECTOR_CHECK);
    }
}

static void commit(struct reflector *self, bool rewind)
{
    int64_t now_ms = loop_now_ms(self->loop);
    self->health.lists++;
    self->health.synced = true;
    self->health.stale = false;
    self->health.verified_ms = now_ms;
    reflector_intake_commit(&self->intake, self->machine.held, rewind, now_ms);
}

static void carry_out(struct reflector *self, const struct reflector_output *out)
{
    if (out->store == REFLECTOR_COMMIT) {
        commit(self, out->rewind);
    } else if (out->store == REFLECTOR_DISCARD) {
        reflector_intake_begin(&self->intake);
    }
    if (out->doubt) {
        kube_client_doubt(self->client);
    }
    switch (out->command) {
    case REFLECTOR_NONE:
        break;
    case REFLECTOR_LIST:
    case REFLECTOR_CHECK:
    case REFLECTOR_WATCH:
        send_request(self, out);
        break;
    case REFLECTOR_WAIT:
        stop(self);
        break;
    case REFLECTOR_WAIT_UP:
        stop(self);
        if (kube_client_up(self->client)) {
            loop_deferred_schedule(self->up_now);
        }
        break;
    }
    if (out->timer_ms >= 0) {
        loop_timer_arm(self->timer, out->timer_ms);
    }
}

static enum reflector_store_action step(struct reflector *self, const struct reflector_input *input)
{
    struct reflector_output out;
    reflector_step(&self->machine, input, loop_now_ms(self->loop), &out);
    carry_out(self, &out);
    return out.store;
}

static void on_timer(void *arg)
{
    step(arg, &(struct reflector_input){.type = REFLECTOR_IN_TIMER});
}

static void on_up_now(void *arg)
{
    step(arg, &(struct reflector_input){.type = REFLECTOR_IN_UP});
}

static void on_up(void *arg)
{
    struct reflector *self = arg;
    int64_t outage_ms = kube_client_outage_ms(self->client);
    bool waits =
        self->machine.state == REFLECTOR_BLOCKED || self->machine.state == REFLECTOR_WAITING;
    self->health.stale = self->health.stale || (waits && outage_ms > 0);
    step(self, &(struct reflector_input){.type = REFLECTOR_IN_UP, .outage_ms = outage_ms});
}

/* --- life --- */

static char *copy_present(const char *text)
{
    return text != NULL ? xstrdup(text) : NULL;
}

struct reflector *reflector_create(struct loop *loop, struct kube_client *client,
                                   const struct reflector_spec *spec, struct store *store)
{
    struct reflector *self = xcalloc(1, sizeof(*self));
    self->loop = loop;
    self->client = client;
    self->spec = *spec;
    self->spec.ns = copy_present(spec->ns);
    self->spec.name = copy_present(spec->name);
    self->spec.label_selector = copy_present(spec->label_selector);
    buf_init(&self->error_body, ERROR_BODY_MAX);
    reflector_intake_init(&self->intake, store, spec->resource->kind, spec->project);
    reflector_machine_init(&self->machine, spec->name != NULL, spec->list_only,
                           loop_random(loop, UINT64_MAX));
    self->timer = loop_timer_create(loop, on_timer, self);
    self->up_now = loop_deferred_create(loop, on_up_now, self);
    self->up_watch = kube_client_on_up(client, on_up, self);
    step(self, &(struct reflector_input){.type = REFLECTOR_IN_START});
    return self;
}

void reflector_destroy(struct reflector *reflector)
{
    if (reflector == NULL) {
        return;
    }
    stop(reflector);
    kube_up_watch_destroy(reflector->up_watch);
    loop_deferred_destroy(reflector->up_now);
    loop_timer_destroy(reflector->timer);
    reflector_intake_finish(&reflector->intake);
    buf_finish(&reflector->error_body);
    free((char *)reflector->spec.ns);
    free((char *)reflector->spec.name);
    free((char *)reflector->spec.label_selector);
    free(reflector);
}

void reflector_health(const struct reflector *reflector, struct reflector_health *ret_health)
{
    *ret_health = reflector->health;
    ret_health->watching = reflector->machine.state == REFLECTOR_WATCHING;
    if (ret_health->last_error.kind == ERR_NONE) {
        reflector_intake_health(&reflector->intake, &ret_health->last_error);
    }
}
