/*
 * The response to a LIST, piece by piece, as items. Pure: no I/O, no clock.
 *
 * The response is never held whole: one item at a time is, and what stands around the items.
 * Pieces may be cut anywhere, members may come in any order. Items of a list that turns out to be
 * broken or of another kind have been handed out by then: put nothing in force before
 * list_decoder_finish() succeeded.
 *
 *     list_decoder_feed(decoder, data, len);
 *     while ((got = list_decoder_next(decoder, &item, err)) > 0) { … }
 */
#ifndef KUBE_LIST_DECODER_H
#define KUBE_LIST_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "json/json.h"

enum {
    LIST_ITEM_MAX = 16 * 1024 * 1024,
};

/* What stands around the items. Borrowed from the decoder. */
struct list_envelope {
    const char *resource_version; /* "" when absent */
    const char *continue_token;   /* "": this was the last page */
    int64_t remaining;            /* metadata.remainingItemCount; 0: absent */
};

struct list_decoder;

/* `kind` is what the items must be, "Pod" for a PodList; copied. */
struct list_decoder *list_decoder_create(const char *kind, size_t item_limit);
void list_decoder_destroy(struct list_decoder *decoder);
DEFINE_AUTO_DESTROY(list_decoder, struct list_decoder, list_decoder_destroy)

/*
 * Hands over the next piece, borrowed until list_decoder_next() has returned 0 or -1; only then may
 * another piece follow.
 */
void list_decoder_feed(struct list_decoder *decoder, const char *data, size_t len);
/*
 * 1: `ret_item` is the next item, borrowed until the next call; items of a list have neither
 * apiVersion nor kind. 0: more input is needed. -1 (ERR_INVALID): not a list, or an item over the
 * limit; every later call fails likewise.
 */
int list_decoder_next(struct list_decoder *decoder, const struct json_object **ret_item,
                      struct err *err) MUST_CHECK;
/*
 * At the end of the response. Fails with ERR_RETRY when it was cut short, with ERR_INVALID when it
 * is not a list of that kind, and as a Status says when it is one.
 */
int list_decoder_finish(struct list_decoder *decoder, struct list_envelope *ret_envelope,
                        struct err *err) MUST_CHECK;

#endif
