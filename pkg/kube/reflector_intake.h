/*
 * What a reflector does with objects: projects them, collects a list of them, writes the store.
 *
 * An object that has no projection is left out; the rest of the collection is not. It is an error
 * to be told until the object is readable again, gone, or the collection is read anew.
 */
#ifndef KUBE_REFLECTOR_INTAKE_H
#define KUBE_REFLECTOR_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strmap.h"
#include "kube/object.h"
#include "kube/store.h"

struct reflector_intake {
    struct store *store; /* borrowed */
    const char *kind;    /* borrowed */
    object_project_fn *project;
    struct strmap collected; /* "namespace/name" to struct object */
    struct err unreadable;   /* why an object is left out; kind ERR_NONE: none is */
    char *unreadable_key;
};

void reflector_intake_init(struct reflector_intake *intake, struct store *store, const char *kind,
                           object_project_fn *project);
void reflector_intake_finish(struct reflector_intake *intake);

/* The collection is about to be read anew: forgets what was collected and what was unreadable. */
void reflector_intake_begin(struct reflector_intake *intake);
/* An item of a list, or an event while a list is streamed. */
void reflector_intake_collect(struct reflector_intake *intake, const struct json_object *json,
                              bool deleted);
/* What was collected replaces the store's content. */
void reflector_intake_commit(struct reflector_intake *intake, const char *version, bool rewind,
                             int64_t now_ms);
/* An event of a watch, into the store. */
void reflector_intake_apply(struct reflector_intake *intake, const struct json_object *json,
                            bool deleted, int64_t now_ms);

#endif
