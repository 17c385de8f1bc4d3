/*
 * The top-level object is copied to `envelope` but for what is between the brackets of its member
 * "items". There, each object is collected in `item` and parsed on its own. Both are judged by
 * json_parse(): the scanner only finds where strings, objects and arrays end, and may take broken
 * JSON for good, because what it cuts out of it stays broken.
 */
#include "kube/list_decoder.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "kube/status.h"

enum {
    ENVELOPE_MAX = 1024 * 1024,
    ITEM_KEEP = 64 * 1024, /* memory kept from one item to the next */
    ITEMS_DEPTH = 2,       /* nesting between two items */
};

enum state {
    STATE_BEFORE,      /* the top-level object */
    STATE_ENVELOPE,    /* in it, not among its items */
    STATE_FIRST_ITEM,  /* an item or ']' has to come */
    STATE_NEXT_ITEM,   /* an item has to come */
    STATE_ITEM,        /* in an item */
    STATE_BEHIND_ITEM, /* ',' or ']' has to come */
    STATE_BEHIND,      /* the top-level object */
};

struct list_decoder {
    char *kind; /* of the list: "PodList" */
    enum state state;
    const char *input;
    size_t input_len;
    unsigned depth; /* open objects and arrays of the whole response */
    bool in_string;
    bool escaped;      /* behind a backslash in a string */
    size_t name_start; /* in `envelope`, of the last string directly in the top-level object */
    bool items_follow; /* the name "items" and its ':' came last */
    bool items_seen;
    struct buf envelope;
    struct buf item;
    struct json_object *parsed_item;
    struct json_object *parsed_envelope;
    bool failed;
};

struct list_decoder *list_decoder_create(const char *kind, size_t item_limit)
{
    struct list_decoder *decoder = xcalloc(1, sizeof(*decoder));
    decoder->kind = xasprintf("%sList", kind);
    buf_init(&decoder->envelope, ENVELOPE_MAX);
    buf_init(&decoder->item, item_limit);
    return decoder;
}

void list_decoder_destroy(struct list_decoder *decoder)
{
    if (decoder != NULL) {
        json_unref(decoder->parsed_item);
        json_unref(decoder->parsed_envelope);
        buf_finish(&decoder->envelope);
        buf_finish(&decoder->item);
        free(decoder->kind);
        free(decoder);
    }
}

void list_decoder_feed(struct list_decoder *decoder, const char *data, size_t len)
{
    assert(decoder->input_len == 0);
    decoder->input = data;
    decoder->input_len = len;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int fail_unexpected(char c, struct err *err)
{
    return err_set(err, ERR_INVALID, "unexpected byte 0x%02x in a list",
                   (unsigned)(unsigned char)c);
}

/* Follows strings and nesting over one byte. */
static int scan(struct list_decoder *decoder, char c, struct err *err)
{
    if (decoder->in_string) {
        bool escapes = c == '\\' && !decoder->escaped;
        decoder->in_string = c != '"' || decoder->escaped;
        decoder->escaped = escapes;
    } else if (c == '"') {
        decoder->in_string = true;
    } else if (c == '{' || c == '[') {
        decoder->depth++;
        if (decoder->depth > JSON_DEPTH_MAX) {
            return err_set(err, ERR_INVALID, "list nested more than %d deep", (int)JSON_DEPTH_MAX);
        }
    } else if (c == '}' || c == ']') {
        decoder->depth--;
    }
    return 0;
}

/* --- around the items --- */

static int put_envelope(struct list_decoder *decoder, char c, struct err *err)
{
    if (buf_append(&decoder->envelope, &c, 1) < 0) {
        return err_set(err, ERR_INVALID, "list with more than %zu bytes beside its items",
                       decoder->envelope.limit);
    }
    return 0;
}

/* Whether the name before this ':' is "items", however it is spelled. */
static bool is_items_name(const struct list_decoder *decoder)
{
    AUTO(json) struct json_object *name = NULL;
    if (json_parse(decoder->envelope.data + decoder->name_start,
                   decoder->envelope.len - decoder->name_start, &name, NULL) < 0) {
        return false;
    }
    const char *word = json_str(name);
    return word != NULL && strcmp(word, "items") == 0;
}

/* Behind a ':' directly in the top-level object. */
static int take_name(struct list_decoder *decoder, struct err *err)
{
    if (!is_items_name(decoder)) {
        return 0;
    }
    if (decoder->items_seen) {
        return err_set(err, ERR_INVALID, "list with two members \"items\"");
    }
    decoder->items_seen = true;
    decoder->items_follow = true;
    return 0;
}

static int take_envelope(struct list_decoder *decoder, char c, struct err *err)
{
    bool begins_items = decoder->items_follow && c == '[';
    decoder->items_follow = decoder->items_follow && is_space(c);
    if (decoder->depth == 1 && !decoder->in_string) {
        if (c == '"') {
            decoder->name_start = decoder->envelope.len;
        } else if (c == ':' && take_name(decoder, err) < 0) {
            return -1;
        }
    }
    if (scan(decoder, c, err) < 0 || put_envelope(decoder, c, err) < 0) {
        return -1;
    }
    if (begins_items) {
        decoder->state = STATE_FIRST_ITEM;
    } else if (decoder->depth == 0) {
        decoder->state = STATE_BEHIND;
    }
    return 0;
}

/* --- items --- */

static int end_items(struct list_decoder *decoder, struct err *err)
{
    decoder->state = STATE_ENVELOPE;
    return scan(decoder, ']', err) < 0 ? -1 : put_envelope(decoder, ']', err);
}

/* The byte before or behind an item; the item's own first byte is not consumed. */
static int take_between(struct list_decoder *decoder, char c, bool *ret_used, struct err *err)
{
    *ret_used = true;
    if (is_space(c)) {
        return 0;
    }
    if (decoder->state == STATE_BEHIND_ITEM && c == ',') {
        decoder->state = STATE_NEXT_ITEM;
        return 0;
    }
    if (decoder->state != STATE_NEXT_ITEM && c == ']') {
        return end_items(decoder, err);
    }
    if (decoder->state == STATE_BEHIND_ITEM || c != '{') {
        return fail_unexpected(c, err);
    }
    decoder->state = STATE_ITEM;
    *ret_used = false;
    return 0;
}

static int parse_item(struct list_decoder *decoder, struct err *err)
{
    if (json_parse(decoder->item.data, decoder->item.len, &decoder->parsed_item, err) < 0) {
        return err_wrap(err, "list item");
    }
    if (decoder->item.capacity > ITEM_KEEP) {
        buf_shrink(&decoder->item);
    } else {
        buf_reset(&decoder->item);
    }
    decoder->state = STATE_BEHIND_ITEM;
    return 1;
}

/* Takes as much of the item as there is; 1 when it is complete. */
static int take_item(struct list_decoder *decoder, struct err *err)
{
    size_t used = 0;
    bool ended = false;
    while (used < decoder->input_len && !ended) {
        if (scan(decoder, decoder->input[used++], err) < 0) {
            return -1;
        }
        ended = decoder->depth == ITEMS_DEPTH;
    }
    if (buf_append(&decoder->item, decoder->input, used) < 0) {
        return err_set(err, ERR_INVALID, "list item of more than %zu bytes", decoder->item.limit);
    }
    decoder->input += used;
    decoder->input_len -= used;
    return ended ? parse_item(decoder, err) : 0;
}

/* Takes one byte outside of items. */
static int take_byte(struct list_decoder *decoder, struct err *err)
{
    char c = *decoder->input;
    bool used = true;
    int result = 0;
    switch (decoder->state) {
    case STATE_BEFORE:
        if (c == '{') {
            decoder->state = STATE_ENVELOPE;
            result = take_envelope(decoder, c, err);
        } else if (!is_space(c)) {
            result = fail_unexpected(c, err);
        }
        break;
    case STATE_ENVELOPE:
        result = take_envelope(decoder, c, err);
        break;
    case STATE_BEHIND:
        result = is_space(c) ? 0 : fail_unexpected(c, err);
        break;
    default:
        result = take_between(decoder, c, &used, err);
        break;
    }
    if (used) {
        decoder->input++;
        decoder->input_len--;
    }
    return result;
}

int list_decoder_next(struct list_decoder *decoder, const struct json_object **ret_item,
                      struct err *err)
{
    int result = 0;
    json_unref(take_ptr(decoder->parsed_item));
    if (decoder->failed) {
        decoder->input_len = 0;
        return err_set(err, ERR_INVALID, "list behind what could not be read");
    }
    while (result == 0 && decoder->input_len != 0) {
        result = decoder->state == STATE_ITEM ? take_item(decoder, err) : take_byte(decoder, err);
    }
    if (result < 0) {
        decoder->failed = true;
        decoder->input_len = 0;
    } else if (result == 1) {
        *ret_item = decoder->parsed_item;
    }
    return result;
}

/* --- the end --- */

static int check_envelope(const struct list_decoder *decoder, const struct json_object *envelope,
                          struct err *err)
{
    const char *kind = json_get_str_or(envelope, "kind", "");
    struct kube_status status;
    if (strcmp(kind, "Status") == 0) {
        kube_status_from_json(envelope, &status);
        if (status.code >= 400) {
            return kube_status_to_err(&status, err);
        }
    }
    if (strcmp(kind, decoder->kind) != 0) {
        return err_set(err, ERR_INVALID, "response of kind \"%.60s\" where \"%s\" was asked for",
                       kind, decoder->kind);
    }
    const struct json_object *items = json_member(envelope, "items");
    if (items != NULL && !json_is_array(items)) {
        return err_set(err, ERR_INVALID, "list whose items are no array but %s",
                       json_type_word(items));
    }
    return 0;
}

int list_decoder_finish(struct list_decoder *decoder, struct list_envelope *ret_envelope,
                        struct err *err)
{
    assert(decoder->input_len == 0);
    if (decoder->failed) {
        return err_set(err, ERR_INVALID, "list that could not be read");
    }
    if (decoder->state != STATE_BEHIND) {
        return err_set(err, ERR_RETRY, "list response was cut short");
    }
    json_unref(take_ptr(decoder->parsed_envelope));
    if (json_parse(decoder->envelope.data, decoder->envelope.len, &decoder->parsed_envelope, err) <
        0) {
        return err_wrap(err, "list response");
    }
    const struct json_object *envelope = decoder->parsed_envelope;
    if (check_envelope(decoder, envelope, err) < 0) {
        return -1;
    }
    *ret_envelope = (struct list_envelope){
        .resource_version = json_get_str_or(envelope, "metadata/resourceVersion", ""),
        .continue_token = json_get_str_or(envelope, "metadata/continue", ""),
        .remaining = json_get_int(envelope, "metadata/remainingItemCount", 0),
    };
    return 0;
}
