/*
 * The watch decoder on any bytes. Property: however the stream is cut, the events, the failure and
 * what is pending are the same.
 *
 * Input: a byte that says how to cut, then the stream.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "kube/watch_decoder.h"

enum {
    FRAME_LIMIT = 512,
    OUT_LIMIT = 16 * 1024 * 1024,
};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void describe(struct buf *out, const struct watch_event *event)
{
    AUTO_FREE char *object = json_text(event->object);
    buf_printf(out, "%d %s %s %d %d %s %s %s\n", (int)event->type, event->resource_version, object,
               event->initial_events_end, event->status.code, event->status.reason,
               event->status.message, event->skip != NULL ? event->skip : "");
}

/* Returns false when the stream has failed. */
static bool feed(struct watch_decoder *decoder, const char *data, size_t len, struct buf *out)
{
    AUTO_FREE char *copy = malloc(len);
    memcpy(copy, data, len);
    watch_decoder_feed(decoder, copy, len);
    struct watch_event event;
    struct err err = {.kind = ERR_NONE};
    int got;
    while ((got = watch_decoder_next(decoder, &event, &err)) > 0) {
        describe(out, &event);
    }
    if (got < 0) {
        buf_printf(out, "%s %s\n", err_kind_name(err.kind), err.text);
    }
    return got == 0;
}

static char *decode(const char *data, size_t len, size_t step)
{
    struct buf out = BUF_INIT(OUT_LIMIT);
    AUTO(watch_decoder) struct watch_decoder *decoder = watch_decoder_create("Pod", FRAME_LIMIT);
    bool alive = true;
    for (size_t at = 0; at < len && alive; at += step) {
        alive = feed(decoder, data + at, len - at < step ? len - at : step, &out);
    }
    buf_puts(&out, watch_decoder_pending(decoder) ? "pending" : "");
    return buf_take(&out);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    const char *stream = (const char *)data + 1;
    AUTO_FREE char *whole = decode(stream, size - 1, size);
    AUTO_FREE char *pieces = decode(stream, size - 1, (size_t)data[0] % 64 + 1);
    AUTO_FREE char *bytes = decode(stream, size - 1, 1);
    if (strcmp(whole, pieces) != 0 || strcmp(whole, bytes) != 0) {
        abort();
    }
    return 0;
}
