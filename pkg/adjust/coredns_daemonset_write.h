/*
 * How the DaemonSet that is ours is written: by server-side apply where the server has it, created
 * or replaced as a whole where it has not. Pure: what is written goes into the plan.
 *
 * An apply takes away what was applied before and is not wanted any more. It is also how the object
 * is first made: what was created by POST counts as an update's, and would stay for ever.
 */
#ifndef ADJUST_COREDNS_DAEMONSET_WRITE_H
#define ADJUST_COREDNS_DAEMONSET_WRITE_H

#include "control/plan.h"

/* Records that the DaemonSet is made by us. `live` NULL: it is not there yet, and as long as there
 * is no uid in the record, it never was. */
void coredns_daemonset_record(const struct snapshot *seen, const struct object *live,
                              struct plan *plan);
/* `whose`: what it was derived from, for messages, as in the next. */
void coredns_daemonset_create(const struct snapshot *seen, const char *whose,
                              const struct json_object *wanted, struct plan *plan);
/*
 * Brings the live one up to date; false: it is. `repair`: what differs was changed by somebody
 * else, not asked for anew.
 */
bool coredns_daemonset_update(const struct snapshot *seen, const struct object *live,
                              const char *whose, const struct json_object *wanted, bool repair,
                              struct plan *plan);

#endif
