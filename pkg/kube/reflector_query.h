/*
 * What the machine commands, as a request path. Pure.
 */
#ifndef KUBE_REFLECTOR_QUERY_H
#define KUBE_REFLECTOR_QUERY_H

#include "kube/reflector.h"
#include "kube/reflector_machine.h"

/* For LIST, CHECK and WATCH. Caller frees. */
char *reflector_path(const struct reflector_spec *spec, const struct reflector_output *command);

#endif
