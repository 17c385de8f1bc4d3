/*
 * Whether a live workload has all that is wanted of it, as server-side apply sees it. Pure.
 *
 * The API server adds defaults, and other writers may add fields and list items of their own,
 * which an apply does not take away: only what is wanted counts. Lists that the API merges by a key
 * (containers by name, ports by number, …) are compared by it; all other lists, and the maps that
 * the API treats as one piece (nodeSelector), have to be the same length. Quantities are compared
 * by value.
 */
#ifndef ADJUST_COREDNS_DAEMONSET_COMPARE_H
#define ADJUST_COREDNS_DAEMONSET_COMPARE_H

#include "json/json.h"

/*
 * The json_get path of the first difference, down to a list that is merged by key; NULL: there is
 * none. Owned by the caller.
 */
char *coredns_daemonset_difference(const struct json_object *want, const struct json_object *have);

#endif
