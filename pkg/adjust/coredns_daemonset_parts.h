/*
 * What the files of `coredns-daemonset` share: its record, and which DaemonSet is whose.
 */
#ifndef ADJUST_COREDNS_DAEMONSET_PARTS_H
#define ADJUST_COREDNS_DAEMONSET_PARTS_H

#include "adjust/policy.h"
#include "control/plan.h"

#define COREDNS_OWNER_LABEL "app.kubernetes.io/managed-by"
#define COREDNS_OWNER "yurt-steward"

/*
 * What was there before, in the state ConfigMap under the key "coredns-daemonset":
 *
 *     created          true: nothing was there
 *     uid              of the DaemonSet; of one of ours, once it was seen
 *     before           of another's: what was changed, as it was
 *     resourceVersion  of another's, when it was recorded: while it is still that, nothing was
 *                      written yet
 *     reverting        true: Revert has begun to put `before` back
 */
struct daemonset_record {
    struct json_object *json; /* NULL: no record that can be read */
    bool stale;               /* there is one, and it is of another object or can't be read */
    bool created;
    bool reverting;
};

/* The record for the live DaemonSet (NULL: there is none). To be finished. */
struct daemonset_record daemonset_record_read(const struct snapshot *seen,
                                              const struct object *live);
void daemonset_record_finish(struct daemonset_record *record);
DEFINE_AUTO_FINISH(daemonset_record, struct daemonset_record, daemonset_record_finish)
/* Plans the record anew; NULL drops it. */
void daemonset_record_write_take(struct plan *plan, const struct snapshot *seen,
                                 struct json_object *json, const char *reason);

/* Whether the DaemonSet carries our label: made by us, and ours to change as a whole. */
bool coredns_daemonset_ours(const struct object *daemonset);

/*
 * Whether the DNS Service finds pods with the template's labels; otherwise the plan holds and says
 * why not. `whose` is the template, for the message.
 */
bool coredns_daemonset_selected(const struct snapshot *seen, const struct json_object *template,
                                const char *whose, struct plan *plan);

/* Names the object as it was seen as the precondition of a write; a dump may have no uid. */
void coredns_daemonset_expect(struct json_object *body, const struct object *live);

/* Another's DaemonSet: brings what is needed into it, and back out again. */
void coredns_foreign_enforce(const struct snapshot *seen, const struct object *live,
                             struct plan *plan);
void coredns_foreign_revert(const struct snapshot *seen, const struct object *live,
                            const struct daemonset_record *record, struct plan *plan);

/* Whether what relies on the DaemonSet was put back before; otherwise the plan holds. */
bool coredns_others_reverted(const struct snapshot *seen, struct plan *plan);

/* Takes a DaemonSet of ours away, once nobody needs it. */
void coredns_daemonset_remove(const struct snapshot *seen, const struct object *live,
                              int64_t now_ms, struct plan *plan);

#endif
