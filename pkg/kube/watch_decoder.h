/*
 * A watch stream, piece by piece, as events. Pure: no I/O, no clock.
 *
 * The stream is one JSON object a line, {"type": …, "object": …}. Pieces may be cut anywhere; the
 * events are the same however they are cut. At most one unfinished line is held, at most
 * `frame_limit` bytes of it, and a large line's memory is given back once it is read.
 *
 *     watch_decoder_feed(decoder, data, len);
 *     while ((got = watch_decoder_next(decoder, &event, err)) > 0) { … }
 */
#ifndef KUBE_WATCH_DECODER_H
#define KUBE_WATCH_DECODER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "kube/status.h"
#include "json/json.h"

enum {
    WATCH_FRAME_MAX = 16 * 1024 * 1024, /* client-go's limit for one frame */
};

enum watch_event_type {
    WATCH_ADDED,
    WATCH_MODIFIED,
    WATCH_DELETED,
    WATCH_BOOKMARK,
    WATCH_ERROR,
};

/* Pointers are borrowed until the next call of watch_decoder_next() or _destroy(). */
struct watch_event {
    enum watch_event_type type;
    const struct json_object *object; /* NULL with WATCH_ERROR */
    const char *resource_version;     /* of the object; never empty but with skip or WATCH_ERROR */
    bool initial_events_end;          /* a BOOKMARK that ends a streamed list */
    const char *skip;                 /* why this event is to be passed over (not what was asked
                                         for: another kind, a Table); NULL: it is not */
    struct kube_status status;        /* of WATCH_ERROR */
};

struct watch_decoder;

/* `kind` is what the objects must be, "Pod"; copied. */
struct watch_decoder *watch_decoder_create(const char *kind, size_t frame_limit);
void watch_decoder_destroy(struct watch_decoder *decoder);
DEFINE_AUTO_DESTROY(watch_decoder, struct watch_decoder, watch_decoder_destroy)

/*
 * Hands over the next piece, borrowed until watch_decoder_next() has returned 0 or -1; only then
 * may another piece follow.
 */
void watch_decoder_feed(struct watch_decoder *decoder, const char *data, size_t len);
/*
 * 1: `ret_event` is the next event; 0: more input is needed; -1 (ERR_INVALID): a frame that is too
 * long, no JSON or no event. The stream cannot be trusted from there on: every later call fails
 * likewise.
 */
int watch_decoder_next(struct watch_decoder *decoder, struct watch_event *ret_event,
                       struct err *err) MUST_CHECK;
/* Whether a line was begun and not ended: the stream was cut within a frame. */
bool watch_decoder_pending(const struct watch_decoder *decoder);

#endif
