/*
 * Events (events.k8s.io/v1): what the operator did and why, on the objects concerned.
 *
 * Recording never blocks and never fails the caller. What is worth sending is decided by
 * event_correlator.h, what becomes of it by event_outbox.h (a queue of 1000, dropped when full);
 * both are pure, and this is their driver.
 */
#ifndef KUBE_EVENT_RECORDER_H
#define KUBE_EVENT_RECORDER_H

#include "kube/client.h"
#include "kube/event_correlator.h"

enum {
    EVENT_QUEUE_MAX = 1000, /* client-go */
};

/* Where requests go: as kube_submit(), kube_cancel() and kube_client_up(). All are mandatory. */
struct event_sink {
    uint64_t (*submit)(void *arg, const struct kube_request *request, kube_done_fn *done,
                       void *done_arg);
    void (*cancel)(void *arg, uint64_t id);
    bool (*up)(void *arg);
};

struct event_recorder;

/*
 * `instance`: reportingInstance. Controller is "yurt-steward". `client` is borrowed and must
 * outlive the recorder.
 */
struct event_recorder *event_recorder_create(struct loop *loop, struct kube_client *client,
                                             const char *instance);
/* The same with requests going to `sink`, which is borrowed. */
struct event_recorder *event_recorder_create_for(struct loop *loop, const struct event_sink *sink,
                                                 void *sink_arg, const char *instance);
/* Takes back the request that is under way and drops the rest. */
void event_recorder_destroy(struct event_recorder *recorder);
DEFINE_AUTO_DESTROY(event_recorder, struct event_recorder, event_recorder_destroy)

/*
 * The sink is up again, after so long; 0: it never was away, for all we know. Nothing is sent while
 * it is not up, and that costs an Event none of its tries. With a client it is called by itself.
 */
void event_recorder_up(struct event_recorder *recorder, int64_t outage_ms);

/* Everything is copied. */
void event_record(struct event_recorder *recorder, const struct event *event);
/*
 * Calls `done` once, from the loop, when all that is queued was sent or given up, at the latest
 * after limit_ms; what is left then is dropped. From now on nothing more is recorded. Once.
 */
void event_recorder_drain(struct event_recorder *recorder, int64_t limit_ms,
                          void (*done)(void *arg), void *arg);
/* Dropped by queue, filter, refusal of the server or after the drain. */
uint64_t event_recorder_dropped(const struct event_recorder *recorder);

#endif
