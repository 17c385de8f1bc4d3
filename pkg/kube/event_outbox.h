/*
 * The queue of Events to send: one request at a time, in order, each tried up to 12 times. Pure:
 * time and randomness are parameters, and the driver sends (event_recorder.h).
 *
 * An Event is worth a few tries, not more: what the server refuses is dropped and counted. A reply
 * may have been lost, so that an Event that exists already was recorded; one that is to be
 * patched and is gone (the server keeps them for an hour) is POSTed anew.
 */
#ifndef KUBE_EVENT_OUTBOX_H
#define KUBE_EVENT_OUTBOX_H

#include <stddef.h>

#include "base/err.h"
#include "kube/event_correlator.h"

enum {
    EVENT_TRIES_MAX = 12, /* client-go */
    EVENT_RETRY_FIRST_MS = 500,
    EVENT_RETRY_CAP_MS = 30 * 1000,
    EVENT_RETRY_AFTER_MAX_MS = 300 * 1000,
};

struct event_outbox;

/* `limit`: Events that it holds at most. */
struct event_outbox *event_outbox_create(size_t limit);
void event_outbox_destroy(struct event_outbox *outbox);
DEFINE_AUTO_DESTROY(event_outbox, struct event_outbox, event_outbox_destroy)

/* Takes the command and leaves it empty. Drops it when full. */
void event_outbox_push_take(struct event_outbox *outbox, struct event_command *command);
/*
 * The command to send now, which then is under way until event_outbox_reply(); borrowed until
 * then. NULL: none.
 */
const struct event_command *event_outbox_take(struct event_outbox *outbox, int64_t now_ms);
/* When event_outbox_take() has something next; 0: already, -1: only by a push or a reply. */
int64_t event_outbox_next_ms(const struct event_outbox *outbox);
/* What came back for the command under way; NULL: success. */
void event_outbox_reply(struct event_outbox *outbox, const struct err *err, int64_t now_ms,
                        uint64_t random);
/* The server was away and is back: what waits goes out, unless the server itself said when. */
void event_outbox_hurry(struct event_outbox *outbox);
/* Nothing is to be sent or under way. */
bool event_outbox_empty(const struct event_outbox *outbox);
/* Commands dropped when full, refused by the server or given up, since the start. */
uint64_t event_outbox_dropped(const struct event_outbox *outbox);

#endif
