/*
 * The list decoder on any bytes. Properties: however the response is cut, the outcome is the same;
 * and it is what json_parse() of the whole and a walk over its items give: the same items and
 * envelope where that is a list of objects, a failure where it is anything else.
 *
 * Input: a byte that says how to cut, then the response.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "kube/list_decoder.h"

enum {
    OUT_LIMIT = 16 * 1024 * 1024,
};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void put_envelope(struct buf *out, const char *version, const char *token, int64_t remaining)
{
    buf_printf(out, "%s %s %lld\n", version, token, (long long)remaining);
}

static int feed(struct list_decoder *decoder, const char *data, size_t len, struct buf *out,
                struct err *err)
{
    AUTO_FREE char *copy = malloc(len);
    memcpy(copy, data, len);
    list_decoder_feed(decoder, copy, len);
    const struct json_object *item;
    int got;
    while ((got = list_decoder_next(decoder, &item, err)) > 0) {
        AUTO_FREE char *text = json_text(item);
        buf_printf(out, "%s\n", text);
    }
    return got;
}

/* Returns 0 and the items and envelope as text, or -1 and the items up to there. */
static int decode(const char *data, size_t len, size_t step, char **ret_text, struct err *err)
{
    struct buf out = BUF_INIT(OUT_LIMIT);
    AUTO(list_decoder) struct list_decoder *decoder = list_decoder_create("Pod", LIST_ITEM_MAX);
    struct list_envelope envelope;
    int result = 0;
    for (size_t at = 0; at < len && result == 0; at += step) {
        result = feed(decoder, data + at, len - at < step ? len - at : step, &out, err);
    }
    if (result == 0) {
        result = list_decoder_finish(decoder, &envelope, err);
    }
    if (result == 0) {
        put_envelope(&out, envelope.resource_version, envelope.continue_token, envelope.remaining);
    }
    *ret_text = buf_take(&out);
    return result;
}

/* The same from the whole; -1 when it is no list of objects. */
static int walk(const char *data, size_t len, char **ret_text)
{
    AUTO(json) struct json_object *list = NULL;
    AUTO(buf) struct buf out = BUF_INIT(OUT_LIMIT);
    if (json_parse(data, len, &list, NULL) < 0 ||
        strcmp(json_get_str_or(list, "kind", ""), "PodList") != 0) {
        return -1;
    }
    const struct json_object *items = json_member(list, "items");
    if (items != NULL && !json_is_array(items)) {
        return -1;
    }
    for (size_t i = 0; i < json_array_len(items); i++) {
        if (!json_is_object(json_array_at(items, i))) {
            return -1;
        }
        AUTO_FREE char *text = json_text(json_array_at(items, i));
        buf_printf(&out, "%s\n", text);
    }
    put_envelope(&out, json_get_str_or(list, "metadata/resourceVersion", ""),
                 json_get_str_or(list, "metadata/continue", ""),
                 json_get_int(list, "metadata/remainingItemCount", 0));
    *ret_text = buf_take(&out);
    return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    const char *body = (const char *)data + 1;
    size_t len = size - 1;
    struct err err = {.kind = ERR_NONE};
    struct err err_of_pieces = {.kind = ERR_NONE};
    AUTO_FREE char *whole = NULL;
    AUTO_FREE char *pieces = NULL;
    AUTO_FREE char *walked = NULL;
    int result = decode(body, len, len, &whole, &err);
    int result_of_pieces = decode(body, len, (size_t)data[0] % 64 + 1, &pieces, &err_of_pieces);
    must(result == result_of_pieces && strcmp(whole, pieces) == 0);
    must(err.kind == err_of_pieces.kind && strcmp(err.text, err_of_pieces.text) == 0);
    if (walk(body, len, &walked) < 0) {
        must(result < 0);
    } else if (result < 0) {
        /* json_parse() takes the last of repeated members */
        must(strstr(err.text, "two members") != NULL);
    } else {
        must(strcmp(whole, walked) == 0);
    }
    return 0;
}
