/*
 * Which Events are worth a request, and what is in it. Pure: time is a parameter, no I/O.
 *
 * As client-go does for events.k8s.io/v1, with the filters of its core/v1 correlator:
 *
 *   - The first occurrence is POSTed. The second makes it a series, by PATCH. Later ones are
 *     counted here; the count is refreshed every 30 minutes and when the series ends, which is
 *     after 6 minutes without an occurrence. The next one then is a new Event.
 *   - The tenth different note within 10 minutes, all else being equal, and those behind it are
 *     one series, "(combined from similar events)". It keeps its first note: a server lets none
 *     be changed (ValidateEventUpdate).
 *   - An object gets 25 Events, then one every 5 minutes; more are suppressed. Counting is free.
 *   - Texts are cut to what the server takes, on a boundary of UTF-8; bytes that are not UTF-8
 *     become U+FFFD.
 *
 * Memory is bounded: for one object too many, the one that was quiet for longest is forgotten.
 * `now_ms` is monotonic and not negative, `wall_ms` goes into the Events.
 */
#ifndef KUBE_EVENT_CORRELATOR_H
#define KUBE_EVENT_CORRELATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "json/json.h"

enum {
    /* ValidateEventCreate */
    EVENT_WORD_MAX = 128, /* reason, action, reportingInstance */
    EVENT_NOTE_MAX = 1024,
    /* client-go */
    EVENT_SIMILAR_MAX = 10,
    EVENT_SIMILAR_MS = 600 * 1000,
    EVENT_BURST = 25,
    EVENT_INTERVAL_MS = 300 * 1000,
    EVENT_REFRESH_MS = 30 * 60 * 1000,
    EVENT_FINISH_MS = 6 * 60 * 1000,
    /* ours */
    EVENT_SERIES_MAX = 256,
    EVENT_OBJECTS_MAX = 256,
};

/* What happened. Borrowed; no string may be NULL, only `ns` and `uid` may be "". */
struct event {
    bool warning;
    const char *reason; /* UpperCamelCase */
    const char *action; /* what was attempted: "Repair" */
    const char *note;
    /* the object concerned */
    const char *api_version;
    const char *kind;
    const char *ns; /* "" for cluster scope: the Event goes to namespace default */
    const char *name;
    const char *uid;
};

enum event_verb {
    EVENT_NONE, /* nothing to send; the rest is empty */
    EVENT_POST,
    EVENT_PATCH,
};

/* A request to send. Owned by whoever holds it. */
struct event_command {
    enum event_verb verb;
    char *ns;
    char *name;               /* of the Event */
    struct json_object *body; /* the Event to POST, or the merge patch */
    /* of a PATCH: the Event with its series, to be POSTed where the server has it no more */
    struct json_object *whole;
};

void event_command_finish(struct event_command *command);
DEFINE_AUTO_FINISH(event_command, struct event_command, event_command_finish)

struct event_correlator;

/* `instance`: reportingInstance, copied. */
struct event_correlator *event_correlator_create(const char *controller, const char *instance);
void event_correlator_destroy(struct event_correlator *correlator);
DEFINE_AUTO_DESTROY(event_correlator, struct event_correlator, event_correlator_destroy)

/* It happened. Call event_correlator_due() before, until it returns false. */
void event_correlator_observe(struct event_correlator *correlator, const struct event *event,
                              int64_t now_ms, int64_t wall_ms, struct event_command *ret_command);
/*
 * Gives one command that is due by time; false when there is none (more). `closing`: ends every
 * series now.
 */
bool event_correlator_due(struct event_correlator *correlator, int64_t now_ms, bool closing,
                          struct event_command *ret_command);
/* When event_correlator_due() has something to do next; -1: never. */
int64_t event_correlator_next_ms(const struct event_correlator *correlator);
/* Occurrences that the filter kept from being sent and counted, since the start. */
uint64_t event_correlator_suppressed(const struct event_correlator *correlator);

#endif
