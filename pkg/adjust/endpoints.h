/*
 * Which pods the EndpointSlices of the DNS Service hold, and where they serve.
 *
 * That a pod serves is judged by its own Ready condition and its node, never by the slice's
 * `ready`: since OpenYurt 1.6 a webhook marks endpoints on autonomous nodes ready even when they
 * are not.
 */
#ifndef ADJUST_ENDPOINTS_H
#define ADJUST_ENDPOINTS_H

#include "adjust/refs.h"
#include "control/snapshot.h"
#include "kube/node.h"
#include "kube/pod.h"

/* The pods (struct object) that a slice holds, by name and address; sealed. */
void endpoints_collect(const struct snapshot *seen, struct refs *ret_pods);
/* The live node on which the pod serves as an endpoint; NULL when it does not. */
const struct node *endpoints_node(const struct snapshot *seen, const struct refs *endpoints,
                                  const struct pod *pod);

#endif
