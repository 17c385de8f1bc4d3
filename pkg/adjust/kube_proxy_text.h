/*
 * The text edit of kube-proxy's configuration: clientConnection.kubeconfig taken out, and put back.
 *
 * Pure functions on bytes. An edit changes one entry and nothing else: in a block map its lines are
 * commented out with the indentation kept, in a flow map (JSON too) its value becomes "". The text
 * is really parsed, with marks; then the bytes are changed, the result is parsed again, and both
 * trees must differ in that entry only. What cannot be edited with certainty is refused with the
 * place and what to do by hand. kube-proxy reads the first document of a text, and so do we.
 */
#ifndef ADJUST_KUBE_PROXY_TEXT_H
#define ADJUST_KUBE_PROXY_TEXT_H

#include <stddef.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"

enum {
    KUBE_PROXY_TEXT_MAX = 1 << 20 /* a ConfigMap's data is no larger */
};

enum kube_proxy_text_outcome {
    KUBE_PROXY_TEXT_IN_FORCE, /* no kubeconfig is in effect: nothing to do */
    KUBE_PROXY_TEXT_EDITED,   /* `text` is what to write */
    KUBE_PROXY_TEXT_REFUSED,  /* `message` says why; write nothing */
};

struct kube_proxy_text {
    enum kube_proxy_text_outcome outcome;
    char *text; /* EDITED: the new text, NUL-terminated behind `len` */
    size_t len;
    char *value;   /* the kubeconfig that is in effect; NULL: none, or it could not be told */
    char *warning; /* something odd that does not hinder; NULL: nothing */
    char *message; /* REFUSED: why, and what to do; without the place */
    size_t line;   /* REFUSED: the place, from 1; 0 when it is nowhere in particular */
    size_t column;
};

/* Sets all of ret_text, whose strings are released by kube_proxy_text_finish. */
enum kube_proxy_text_outcome kube_proxy_text_take_out(const char *text, size_t len,
                                                      struct kube_proxy_text *ret_text);
void kube_proxy_text_finish(struct kube_proxy_text *text);
DEFINE_AUTO_FINISH(kube_proxy_text, struct kube_proxy_text, kube_proxy_text_finish)

/*
 * The text that Revert writes, from the one that is there now and the one from before our edit.
 * If nobody else changed it, that is `before` to the byte; otherwise our edit alone is undone in
 * `current`. A kubeconfig of the same value in effect, or a `before` that needed no edit, give
 * `current` as it is. ERR_CONFLICT when our edit is not there at exactly one place, or another
 * kubeconfig is in effect: the text says what to do by hand. The result is owned by the caller
 * (free).
 */
int kube_proxy_text_put_back(const char *current, size_t len, const char *before, size_t before_len,
                             char **ret_text, size_t *ret_len, struct err *err) MUST_CHECK;

#endif
