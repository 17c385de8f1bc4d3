/*
 * The pod template of the CoreDNS DaemonSet, derived from the one of the cluster's own Deployment
 * (or the built-in one). Pure.
 *
 * Everything is kept as it is but what would keep CoreDNS from being on every Linux node once:
 * spreading, taints, host ports. Deriving from what was derived gives the same again.
 */
#ifndef ADJUST_COREDNS_TEMPLATE_H
#define ADJUST_COREDNS_TEMPLATE_H

#include "adjust/policy.h"
#include "json/json.h"

/* What the DaemonSet's pods have and the Deployment's have not, so that they can be told apart. */
#define COREDNS_COMPONENT_LABEL "yurt-steward.io/component"
#define COREDNS_COMPONENT "coredns"
/* A node whose label says "off" gets no pod of the DaemonSet. */
#define COREDNS_NODE_LABEL "yurt-steward.io/coredns"

/*
 * Derives, with the image and the requests that the policy names. Refuses (ERR_INVALID, naming the
 * field) a template that could not serve. Owned by the caller.
 */
int coredns_template_derive(const struct json_object *source, const struct policy *policy,
                            struct json_object **ret_template, struct err *err) MUST_CHECK;

/*
 * JSON pointers, below the pod template, of what is in a live template and may not be: what
 * deriving strips. An array of strings, empty when all is well. Owned by the caller.
 */
struct json_object *coredns_template_strays(const struct json_object *live);

#endif
