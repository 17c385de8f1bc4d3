/*
 * What a component's manifest says of the pod that the kubelet makes of it: its name, where it is
 * probed, how long it may take to start, and whether a mirror pod is made of this manifest. Pure.
 */
#ifndef NODE_FACTS_H
#define NODE_FACTS_H

#include <json-c/json_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "staticpod/staticpod_manifest.h"

/* Owned. */
struct facts {
    char *ns;
    char *pod;         /* metadata.name; the mirror pod has the node's behind it */
    char *image;       /* of the component's container; "": none is given */
    char *host;        /* that its probes ask */
    int port;          /* a named one resolved */
    bool https;        /* of the port */
    int64_t budget_ms; /* from the write of a new manifest to a pod that has started */
    struct json_object *document;
    size_t container; /* index of the component's */
};

/* False: the text is none that an edit would take; `ret_facts` is empty then. */
bool facts_read(const char *text, size_t len, enum staticpod_component component,
                struct facts *ret_facts);
void facts_finish(struct facts *facts);
DEFINE_AUTO_FINISH(facts, struct facts, facts_finish)

/* Whether the pod runs the component as the manifest says: command, arguments and DNS. */
bool facts_match(const struct facts *facts, const struct json_object *pod);
/* Whether both make the same pod: they differ in comments and layout at most. */
bool facts_same_pod(const struct facts *a, const struct facts *b);

#endif
