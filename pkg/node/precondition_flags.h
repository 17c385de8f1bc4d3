/*
 * The values of a flag in a container's command and args, as JSON has them. Pure.
 *
 * For what is only looked at: a Deployment's template, a mirror pod. What is edited is read by
 * staticpod_flags.h, with places.
 */
#ifndef NODE_PRECONDITION_FLAGS_H
#define NODE_PRECONDITION_FLAGS_H

#include <json-c/json_types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct precondition_flags {
    const char **values; /* in their order, borrowed from the container */
    size_t len;
    bool doubtful; /* a word could hold the flag in a way that is not read: a shell, a variable */
};

/* All of --NAME (without the dashes), as `--x=v` or as two words. */
void precondition_flags_find(const struct json_object *container, const char *name,
                             struct precondition_flags *ret_flags);
void precondition_flags_finish(struct precondition_flags *flags);
DEFINE_AUTO_FINISH(precondition_flags, struct precondition_flags, precondition_flags_finish)

/* The first container that runs the program, by its name or its command; NULL: none does. */
const struct json_object *precondition_container(const struct json_object *pod_spec,
                                                 const char *program);

#endif
