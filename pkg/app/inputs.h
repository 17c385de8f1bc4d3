/*
 * How each input is watched.
 */
#ifndef APP_INPUTS_H
#define APP_INPUTS_H

#include "adjust/policy.h"
#include "control/snapshot.h"
#include "kube/reflector.h"

/* What to watch for the input. Strings are borrowed from `policy`, or from the result itself. */
struct input_watch {
    struct reflector_spec spec;
    char selector[128];
};
void input_watch(enum input input, const struct policy *policy, struct input_watch *ret_watch);
/* "dns-service", … for logs. */
const char *input_name(enum input input);
/* Whether an object of a dump belongs to the input. */
bool input_takes(enum input input, const struct policy *policy, const struct json_object *object);

#endif
