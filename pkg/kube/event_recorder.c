#include "kube/event_recorder.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "kube/event_outbox.h"

static const char controller[] = "yurt-steward";
static const struct kube_resource resource_event = {
    .group = "events.k8s.io",
    .version = "v1",
    .kind = "Event",
    .plural = "events",
};

struct event_recorder {
    struct loop *loop;
    const struct event_sink *sink;
    void *sink_arg;
    struct kube_up_watch *up_watch; /* NULL: the sink is no client */
    struct event_correlator *correlator;
    struct event_outbox *outbox;
    struct loop_deferred *pump;
    struct loop_timer *wake;
    uint64_t request; /* 0: none under way */
    uint64_t late;    /* recorded after the drain began */
    bool closed;
    struct loop_timer *limit;
    void (*drained)(void *arg); /* NULL: no drain is waited for */
    void *drained_arg;
};

static uint64_t submit_to_client(void *arg, const struct kube_request *request, kube_done_fn *done,
                                 void *done_arg)
{
    return kube_submit(arg, request, done, done_arg);
}

static void cancel_at_client(void *arg, uint64_t id)
{
    kube_cancel(arg, id);
}

static bool is_client_up(void *arg)
{
    return kube_client_up(arg);
}

static const struct event_sink client_sink = {
    .submit = submit_to_client,
    .cancel = cancel_at_client,
    .up = is_client_up,
};

/* --- one request --- */

static void on_reply(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct event_recorder *recorder = arg;
    (void)reply;
    recorder->request = 0;
    if (err != NULL) {
        LOG_DEBUG("event not recorded", "error", err->text);
    }
    event_outbox_reply(recorder->outbox, err, loop_now_ms(recorder->loop),
                       loop_random(recorder->loop, UINT32_MAX));
    loop_deferred_schedule(recorder->pump);
}

static void send(struct event_recorder *recorder, const struct event_command *command)
{
    bool patch = command->verb == EVENT_PATCH;
    AUTO_FREE char *base =
        kube_path(&resource_event, command->ns, patch ? command->name : NULL, NULL);
    AUTO(buf) struct buf path = BUF_INIT(SIZE_MAX);
    buf_puts(&path, base);
    kube_query_add(&path, "fieldManager", controller);
    const struct kube_request request = {
        .method = patch ? "PATCH" : "POST",
        .path = buf_str(&path),
        .content_type = patch ? "application/merge-patch+json" : NULL,
        .body = command->body,
    };
    recorder->request = recorder->sink->submit(recorder->sink_arg, &request, on_reply, recorder);
}

/* --- what to do next --- */

static void queue_due(struct event_recorder *recorder)
{
    struct event_command command;
    while (event_correlator_due(recorder->correlator, loop_now_ms(recorder->loop), recorder->closed,
                                &command)) {
        event_outbox_push_take(recorder->outbox, &command);
    }
}

static void arm_wake(struct event_recorder *recorder)
{
    bool up = recorder->sink->up(recorder->sink_arg);
    int64_t outbox_ms = up ? event_outbox_next_ms(recorder->outbox) : -1;
    int64_t next_ms = event_correlator_next_ms(recorder->correlator);
    if (outbox_ms >= 0 && (next_ms < 0 || outbox_ms < next_ms)) {
        next_ms = outbox_ms;
    }
    if (next_ms < 0) {
        loop_timer_disarm(recorder->wake);
        return;
    }
    loop_timer_arm(recorder->wake, next_ms - loop_now_ms(recorder->loop));
}

/* Nothing of the recorder may be used behind this: it may be destroyed from `drained`. */
static void report_drained(struct event_recorder *recorder)
{
    void (*drained)(void *) = take_ptr(recorder->drained);
    loop_timer_disarm(recorder->limit);
    drained(recorder->drained_arg);
}

static void pump(void *arg)
{
    struct event_recorder *recorder = arg;
    queue_due(recorder);
    bool up = recorder->sink->up(recorder->sink_arg);
    const struct event_command *command =
        up ? event_outbox_take(recorder->outbox, loop_now_ms(recorder->loop)) : NULL;
    if (command != NULL) {
        send(recorder, command);
    }
    arm_wake(recorder);
    if (recorder->drained != NULL && event_outbox_empty(recorder->outbox)) {
        report_drained(recorder);
    }
}

static void stop_sending(struct event_recorder *recorder)
{
    if (recorder->request != 0) {
        recorder->sink->cancel(recorder->sink_arg, recorder->request);
        recorder->request = 0;
    }
}

static void on_limit(void *arg)
{
    struct event_recorder *recorder = arg;
    stop_sending(recorder);
    loop_timer_disarm(recorder->wake);
    report_drained(recorder);
}

/* --- public --- */

struct event_recorder *event_recorder_create_for(struct loop *loop, const struct event_sink *sink,
                                                 void *sink_arg, const char *instance)
{
    struct event_recorder *recorder = xcalloc(1, sizeof(*recorder));
    recorder->loop = loop;
    recorder->sink = sink;
    recorder->sink_arg = sink_arg;
    recorder->correlator = event_correlator_create(controller, instance);
    recorder->outbox = event_outbox_create(EVENT_QUEUE_MAX);
    recorder->pump = loop_deferred_create(loop, pump, recorder);
    recorder->wake = loop_timer_create(loop, pump, recorder);
    recorder->limit = loop_timer_create(loop, on_limit, recorder);
    return recorder;
}

void event_recorder_up(struct event_recorder *recorder, int64_t outage_ms)
{
    /* After a false alarm, what failed may fail again and raise the next one. */
    if (outage_ms > 0) {
        event_outbox_hurry(recorder->outbox);
    }
    loop_deferred_schedule(recorder->pump);
}

static void on_up(void *arg)
{
    struct event_recorder *recorder = arg;
    event_recorder_up(recorder, kube_client_outage_ms(recorder->sink_arg));
}

struct event_recorder *event_recorder_create(struct loop *loop, struct kube_client *client,
                                             const char *instance)
{
    struct event_recorder *recorder =
        event_recorder_create_for(loop, &client_sink, client, instance);
    recorder->up_watch = kube_client_on_up(client, on_up, recorder);
    return recorder;
}

void event_recorder_destroy(struct event_recorder *recorder)
{
    if (recorder == NULL) {
        return;
    }
    stop_sending(recorder);
    kube_up_watch_destroy(recorder->up_watch);
    loop_timer_destroy(recorder->limit);
    loop_timer_destroy(recorder->wake);
    loop_deferred_destroy(recorder->pump);
    event_outbox_destroy(recorder->outbox);
    event_correlator_destroy(recorder->correlator);
    free(recorder);
}

void event_record(struct event_recorder *recorder, const struct event *event)
{
    if (recorder->closed) {
        recorder->late++;
        return;
    }
    queue_due(recorder);
    struct event_command command;
    event_correlator_observe(recorder->correlator, event, loop_now_ms(recorder->loop),
                             clock_wall_ms(), &command);
    if (command.verb != EVENT_NONE) {
        event_outbox_push_take(recorder->outbox, &command);
    }
    loop_deferred_schedule(recorder->pump);
}

void event_recorder_drain(struct event_recorder *recorder, int64_t limit_ms,
                          void (*done)(void *arg), void *arg)
{
    recorder->closed = true;
    recorder->drained = done;
    recorder->drained_arg = arg;
    loop_timer_arm(recorder->limit, limit_ms);
    loop_deferred_schedule(recorder->pump);
}

uint64_t event_recorder_dropped(const struct event_recorder *recorder)
{
    return recorder->late + event_outbox_dropped(recorder->outbox) +
           event_correlator_suppressed(recorder->correlator);
}
