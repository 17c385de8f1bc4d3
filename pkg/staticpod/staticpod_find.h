/*
 * Which file of a directory of static pods runs a component, and the edit of it.
 *
 * The kubelet reads every file whose name does not begin with a dot, sorted by bytes, and of
 * several Pods of one name takes the last: where more than one file is about a component, none is
 * edited. Pure.
 */
#ifndef STATICPOD_STATICPOD_FIND_H
#define STATICPOD_STATICPOD_FIND_H

#include <stddef.h>

#include "staticpod/staticpod_edit.h"

/* One file. */
struct manifest_text {
    char *name;
    char *text; /* NULL: not a regular file */
    size_t len;
};

struct staticpod_found {
    const struct manifest_text *manifest; /* that runs it, or would; NULL: none */
    const struct manifest_text *other;    /* one more; NULL: there is one only */
    struct staticpod_edit edit;           /* of `manifest`; REFUSED also for what is no file */
};

/* `list` is in the kubelet's order and borrowed by the result. */
void staticpod_find(const struct manifest_text *list, size_t len,
                    const struct staticpod_wanted *wanted, struct staticpod_found *ret_found);
void staticpod_found_finish(struct staticpod_found *found);
DEFINE_AUTO_FINISH(staticpod_found, struct staticpod_found, staticpod_found_finish)

#endif
