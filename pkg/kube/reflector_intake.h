/*
 * What a reflector does with objects: projects them, collects a list of them, writes the store.
 *
 * An object that has no projection is left out, and the store is told so; the rest of the
 * collection is not.
 */
#ifndef KUBE_REFLECTOR_INTAKE_H
#define KUBE_REFLECTOR_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "kube/object.h"
#include "kube/store.h"

struct reflector_intake {
    struct store *store; /* borrowed */
    const char *kind;    /* borrowed */
    object_project_fn *project;
    struct store_list *collected;
};

void reflector_intake_init(struct reflector_intake *intake, struct store *store, const char *kind,
                           object_project_fn *project);
void reflector_intake_finish(struct reflector_intake *intake);

/* The collection is about to be read anew: forgets what was collected. */
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
/* Why an object in the store is left out; kind ERR_NONE: none is. */
void reflector_intake_health(const struct reflector_intake *intake, struct err *ret_err);

#endif
