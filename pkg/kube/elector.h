/*
 * Leader election: the driver of lease.h on the loop, with a watch on the Lease beside it.
 *
 * It is a candidate from its creation until it is released; it leads from each `gained` to the next
 * `lost`. Where client-go's processes end on a loss, this one stands by: nothing here resumes in
 * the middle, and after an outage of the API server that outlasts the Lease a process that has just
 * been restarted, with the kubelet's back-off before it and empty caches, is the slower way back.
 */
#ifndef KUBE_ELECTOR_H
#define KUBE_ELECTOR_H

#include "kube/client.h"

/* All slots are mandatory and run on the loop, in turns, `gained` first. */
struct elector_ops {
    void (*gained)(void *arg);
    void (*lost)(void *arg); /* stop writing at once */
    void *arg;
};

struct elector;

/*
 * The Lease is in kube-system, and `name` borrowed for ever; `identity` is copied and must be
 * unique to the process.
 */
struct elector *elector_create(struct loop *loop, struct kube_client *client, const char *name,
                               const char *identity, const struct elector_ops *ops);
/* Says nothing more; the Lease is left to run out. NULL is fine. */
void elector_destroy(struct elector *elector);
/* Whether it may write at this very moment. */
bool elector_leads(const struct elector *elector);
/* For how long it may from this moment on without another renewal; 0: it may not. */
int64_t elector_left_ms(const struct elector *elector);
/* Who else holds the Lease and was seen to write it; NULL: nobody that is known to be alive. */
const char *elector_rival(const struct elector *elector);
/* Who holds the Lease, as last seen; "" when nobody or unknown. */
const char *elector_holder(const struct elector *elector);
/*
 * Gives the Lease up, so that a standby takes over at once: everything that writes must have
 * stopped before. `done` runs once, from the loop, when that was answered or there was nothing to
 * give up.
 */
void elector_release(struct elector *elector, void (*done)(void *arg), void *arg);

#endif
