/*
 * What this node's agent says of its manifests, for `yurt-steward status`: one key, the node's
 * name, in the ConfigMap kube-system/yurt-steward-nodes, which all agents share.
 *
 * The value is JSON:
 *
 *     {"version": "v1", "manifests": {"kube-apiserver": {"mode": "Enforce", "state": "InForce",
 *      "since": "2026-11-24T08:05:12Z", "reason": "InForce", "message": ""}, …}}
 *
 * It is written by server-side apply under a field manager of the node's own, so that no agent can
 * touch another's key, and only when it changes.
 */
#ifndef NODE_REPORT_H
#define NODE_REPORT_H

#include <json-c/json_types.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "kube/client.h"

#define REPORT_CONFIGMAP "yurt-steward-nodes"

struct report;

/* Reads what was said last; `loaded` runs once, from the loop, when that is known or can't be had.
 */
struct report *report_create(struct loop *loop, struct kube_client *client, const char *node,
                             void (*loaded)(void *arg), void *arg);
void report_destroy(struct report *report);
DEFINE_AUTO_DESTROY(report, struct report, report_destroy)
bool report_is_loaded(const struct report *report);
/* The entry of a manifest as it was said last, by another process; NULL: none. Borrowed. */
const struct json_object *report_before(const struct report *report, const char *manifest);
/* Says it, unless that was said already; what fails is tried again by itself. */
void report_put(struct report *report, const struct json_object *said);
/* Whether all that was put has arrived. */
bool report_is_sent(const struct report *report);

#endif
