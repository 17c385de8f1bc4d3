#include "kube/watch_decoder.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

enum {
    LINE_KEEP = 64 * 1024, /* memory kept from one line to the next */
    SKIP_TEXT = 200,
};

struct watch_decoder {
    char *kind;
    struct buf line; /* the unfinished line */
    const char *input;
    size_t input_len;
    struct json_object *frame; /* of the last event */
    char skip[SKIP_TEXT];
    bool failed;
};

struct watch_decoder *watch_decoder_create(const char *kind, size_t frame_limit)
{
    struct watch_decoder *decoder = xcalloc(1, sizeof(*decoder));
    decoder->kind = xstrdup(kind);
    buf_init(&decoder->line, frame_limit);
    return decoder;
}

void watch_decoder_destroy(struct watch_decoder *decoder)
{
    if (decoder != NULL) {
        json_unref(decoder->frame);
        buf_finish(&decoder->line);
        free(decoder->kind);
        free(decoder);
    }
}

void watch_decoder_feed(struct watch_decoder *decoder, const char *data, size_t len)
{
    assert(decoder->input_len == 0);
    decoder->input = data;
    decoder->input_len = len;
}

/* Moves input to the line; true when the line is complete. */
static bool take_line(struct watch_decoder *decoder)
{
    if (decoder->input_len == 0) {
        return false;
    }
    const char *end = memchr(decoder->input, '\n', decoder->input_len);
    size_t len = end != NULL ? (size_t)(end - decoder->input) : decoder->input_len;
    buf_append(&decoder->line, decoder->input, len);
    size_t used = end != NULL ? len + 1 : len;
    decoder->input += used;
    decoder->input_len -= used;
    return end != NULL;
}

static bool is_blank(const struct buf *line)
{
    return strspn(buf_str(line), " \t\r") == line->len;
}

static void drop_line(struct watch_decoder *decoder)
{
    if (decoder->line.capacity > LINE_KEEP) {
        buf_shrink(&decoder->line);
    } else {
        buf_reset(&decoder->line);
    }
}

/* --- events --- */

static int read_type(const struct json_object *frame, enum watch_event_type *ret_type,
                     struct err *err)
{
    static const char *const words[] = {
        [WATCH_ADDED] = "ADDED",       [WATCH_MODIFIED] = "MODIFIED", [WATCH_DELETED] = "DELETED",
        [WATCH_BOOKMARK] = "BOOKMARK", [WATCH_ERROR] = "ERROR",
    };
    const char *word = json_str(json_member(frame, "type"));
    for (size_t i = 0; word != NULL && i < ARRAY_LEN(words); i++) {
        if (strcmp(word, words[i]) == 0) {
            *ret_type = (enum watch_event_type)i;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "unknown type of watch event: %s",
                   word != NULL ? word : "none given");
}

/* Why the object is not one of those asked for; NULL when it is. */
static const char *find_skip(struct watch_decoder *decoder, const struct json_object *object)
{
    const char *kind = json_get_str_or(object, "kind", "");
    if (strcmp(kind, decoder->kind) == 0) {
        return NULL;
    }
    snprintf(decoder->skip, sizeof(decoder->skip),
             "an object of kind \"%.60s\" where \"%.60s\" was asked for", kind, decoder->kind);
    return decoder->skip;
}

static int read_object(struct watch_decoder *decoder, const struct json_object *object,
                       struct watch_event *event, struct err *err)
{
    event->object = object;
    event->resource_version = json_get_str_or(object, "metadata/resourceVersion", "");
    event->skip = find_skip(decoder, object);
    if (event->skip == NULL && *event->resource_version == '\0') {
        return err_set(err, ERR_INVALID, "watch event with an object without resourceVersion");
    }
    event->initial_events_end =
        event->type == WATCH_BOOKMARK &&
        strcmp(json_get_str_or(object, "metadata/annotations/k8s.io~1initial-events-end", ""),
               "true") == 0;
    return 0;
}

static int read_frame(struct watch_decoder *decoder, struct watch_event *ret_event, struct err *err)
{
    struct watch_event event = {.resource_version = ""};
    if (json_parse(decoder->line.data, decoder->line.len, &decoder->frame, err) < 0) {
        return err_wrap(err, "watch frame");
    }
    const struct json_object *object = json_member(decoder->frame, "object");
    if (read_type(decoder->frame, &event.type, err) < 0) {
        return -1;
    }
    if (!json_is_object(object)) {
        return err_set(err, ERR_INVALID, "watch event without an object");
    }
    if (event.type == WATCH_ERROR) {
        kube_status_from_json(object, &event.status);
    } else if (read_object(decoder, object, &event, err) < 0) {
        return -1;
    }
    *ret_event = event;
    return 0;
}

static int fail(struct watch_decoder *decoder)
{
    decoder->failed = true;
    decoder->input_len = 0;
    buf_shrink(&decoder->line);
    return -1;
}

int watch_decoder_next(struct watch_decoder *decoder, struct watch_event *ret_event,
                       struct err *err)
{
    json_unref(take_ptr(decoder->frame));
    if (decoder->failed) {
        decoder->input_len = 0;
        return err_set(err, ERR_INVALID, "watch stream behind a frame that could not be read");
    }
    for (;;) {
        bool complete = take_line(decoder);
        if (decoder->line.overflow) {
            err_set(err, ERR_INVALID, "watch frame of more than %zu bytes", decoder->line.limit);
            return fail(decoder);
        }
        if (!complete) {
            return 0;
        }
        bool blank = is_blank(&decoder->line);
        int result = blank ? 0 : read_frame(decoder, ret_event, err);
        drop_line(decoder);
        if (result < 0) {
            return fail(decoder);
        }
        if (!blank) {
            return 1;
        }
    }
}

bool watch_decoder_pending(const struct watch_decoder *decoder)
{
    return !is_blank(&decoder->line);
}
