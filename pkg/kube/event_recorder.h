/*
 * Events (events.k8s.io/v1): what the operator did and why, on the objects concerned.
 *
 * Recording never blocks and never fails the caller: a bounded queue (1000, dropped when full),
 * spam filter (burst 25, then one per 300 s, per source and object), aggregation (10 similar in
 * 600 s), series for repeats (the second occurrence PATCHes series.count 2, later ones count here
 * and are refreshed every 30 minutes, finished after 6 idle minutes). The correlation is pure
 * (event_correlator.h); this is its driver.
 */
#ifndef KUBE_EVENT_RECORDER_H
#define KUBE_EVENT_RECORDER_H

#include "kube/client.h"

struct event {
    bool warning;
    const char *reason; /* UpperCamelCase, at most 128 bytes */
    const char *action; /* what was attempted: "Repair", at most 128 bytes */
    const char *note;   /* cut to 1024 bytes on a UTF-8 boundary */
    /* the object concerned */
    const char *api_version;
    const char *kind;
    const char *ns; /* "" for cluster scope: the Event goes to namespace default */
    const char *name;
    const char *uid; /* may be "" */
};

struct event_recorder;
/* `instance`: reportingInstance, at most 128 bytes. Controller is "yurt-steward". */
struct event_recorder *event_recorder_create(struct loop *loop, struct kube_client *client,
                                             const char *instance);
void event_recorder_destroy(struct event_recorder *recorder);
/* Everything is copied. */
void event_record(struct event_recorder *recorder, const struct event *event);
/* Calls `done` once when all that is queued was sent or given up, at the latest after limit_ms. */
void event_recorder_drain(struct event_recorder *recorder, int64_t limit_ms,
                          void (*done)(void *arg), void *arg);
/* Dropped by queue, filter or refusal of the server. */
uint64_t event_recorder_dropped(const struct event_recorder *recorder);

#endif
