/*
 * What the state ConfigMap says of the CoreDNS Deployment, under the key "coredns-deployment":
 *
 *     uid         of the Deployment
 *     before      its replicas before the cut-over
 *     cut         true once it was seen at 0 replicas
 *     gateSince   since when the gate is open, unix seconds
 *     dark        pools without a ready DNS endpoint since the cut-over, each with its unix seconds
 *     fallback    what made us fall back: {"pools"}; the adjustment stays back while it is there
 *     fallbacks   how often that was
 *     reverting   true: the replicas were put back by Revert
 *
 * It is changed as JSON and written only when something in it changed, so on transitions.
 */
#ifndef ADJUST_COREDNS_RECORD_H
#define ADJUST_COREDNS_RECORD_H

#include "control/plan.h"
#include "control/snapshot.h"

struct coredns_record {
    struct json_object *was; /* NULL: there is none of this Deployment */
    struct json_object *now; /* as it is to be; never NULL */
    bool other;              /* there is one of another Deployment, or one that can't be read */
};

/* `deployment` NULL: there is none, so every record is another's. */
void coredns_record_read(const struct snapshot *seen, const struct object *deployment,
                         struct coredns_record *ret_record);
void coredns_record_finish(struct coredns_record *record);
DEFINE_AUTO_FINISH(coredns_record, struct coredns_record, coredns_record_finish)

/* Plans the write of what changed; true when there is something to write. */
bool coredns_record_write(const struct coredns_record *record, const struct snapshot *seen,
                          const char *reason, struct plan *plan);
void coredns_record_drop(const struct snapshot *seen, const char *reason, struct plan *plan);

/*
 * Milliseconds since the moment in member `name` of `object`, which begins now when it is absent
 * or, the clock having stepped back, in the future. Whole seconds are kept, rounded up: it may be
 * up to a second below 0, never too long.
 */
int64_t coredns_record_since(struct json_object *object, const char *name, int64_t wall_ms);

#endif
