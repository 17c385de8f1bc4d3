/* EndpointSlices, projected. Pure. */
#ifndef KUBE_SLICE_H
#define KUBE_SLICE_H

#include "kube/object.h"

struct slice_endpoint {
    char *address; /* the first one */
    char *node;    /* nodeName; NULL: absent */
    char *pod;     /* targetRef.name when its kind is Pod; NULL otherwise */
    bool ready;    /* conditions.ready; absent counts as true (EndpointSlice API) */
};

struct slice {
    struct object object;     /* first */
    int64_t update_trigger_s; /* annotation openyurt.io/update-trigger, unix seconds; 0: none */
    size_t len;
    struct slice_endpoint *endpoints;
};

object_project_fn slice_project;
const struct slice *slice_of(const struct object *object);

#endif
