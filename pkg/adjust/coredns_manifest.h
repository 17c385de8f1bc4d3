/*
 * manifests/coredns-daemonset.yaml, as it was when this program was built.
 */
#ifndef ADJUST_COREDNS_MANIFEST_H
#define ADJUST_COREDNS_MANIFEST_H

#include "json/json.h"

/* The pod template of its DaemonSet. Owned by the caller. */
int coredns_manifest_template(struct json_object **ret_template, struct err *err) MUST_CHECK;

#endif
