/*
 * The edit of a control-plane component's static pod manifest, whole.
 *
 * A pure function on bytes. The text is really parsed, with marks; then bytes are replaced, the
 * result is parsed again, and must be what was there before in everything but what was wanted, and
 * need no further edit. Comments, order, indentation and quotes stay. What cannot be edited with
 * certainty is refused, with the place and what to do by hand. Going back is not an edit: write the
 * bytes that were there before.
 */
#ifndef STATICPOD_STATICPOD_EDIT_H
#define STATICPOD_STATICPOD_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "staticpod/staticpod_manifest.h"
#include "staticpod/staticpod_sentences.h"

struct staticpod_wanted {
    enum staticpod_component component;
    /* kube-controller-manager */
    bool nodelifecycle_off;
    /* kube-apiserver */
    bool hostname_first;           /* in --kubelet-preferred-address-types */
    bool no_certificate_authority; /* --kubelet-certificate-authority taken out */
    const char *nameserver;        /* with dnsPolicy None; NULL: leave both alone */
    const char *cluster_domain;    /* NULL: cluster.local */
    bool names_allowed;            /* dnsPolicy None although flags name hosts by DNS names */
};

enum staticpod_outcome {
    STATICPOD_AS_WANTED, /* nothing to do */
    STATICPOD_EDITED,    /* `text` is what to write */
    STATICPOD_REFUSED,   /* `refusal` says why; write nothing */
};

struct staticpod_edit {
    enum staticpod_outcome outcome;
    char *text; /* EDITED: the new text, NUL-terminated behind `len` */
    size_t len;
    struct staticpod_sentences changes; /* EDITED: what was changed, for people */
    struct staticpod_refusal refusal;   /* REFUSED */
};

/* Sets all of ret_edit, which is released by staticpod_edit_finish. */
enum staticpod_outcome staticpod_edit(const char *text, size_t len,
                                      const struct staticpod_wanted *wanted,
                                      struct staticpod_edit *ret_edit);
/* Whether the text is as wanted; false also for one that would be refused. */
bool staticpod_edit_as_wanted(const char *text, size_t len, const struct staticpod_wanted *wanted);
void staticpod_edit_finish(struct staticpod_edit *edit);
DEFINE_AUTO_FINISH(staticpod_edit, struct staticpod_edit, staticpod_edit_finish)

#endif
