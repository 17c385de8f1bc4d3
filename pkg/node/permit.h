/*
 * The permission to change a manifest: the Lease kube-system/yurt-steward-node, held only for so
 * long as a change is wanted or under way, so that one control-plane node changes at a time.
 */
#ifndef NODE_PERMIT_H
#define NODE_PERMIT_H

#include "base/cleanup.h"
#include "kube/client.h"

#define PERMIT_LEASE "yurt-steward-node"

struct permit;

/* `changed` runs on the loop when it was got, lost or given up. `identity`: unique to the process.
 */
struct permit *permit_create(struct loop *loop, struct kube_client *client, const char *identity,
                             void (*changed)(void *arg), void *arg);
/* A Lease that is held is left to run out. */
void permit_destroy(struct permit *permit);
DEFINE_AUTO_DESTROY(permit, struct permit, permit_destroy)
/* Whether it is wanted from now on. Not wanted: given up, so that another node may have it. */
void permit_want(struct permit *permit, bool wanted);
/* Whether a change may begin at this very moment. */
bool permit_held(const struct permit *permit);
/* Monotonic, when it was got last. */
int64_t permit_got_ms(const struct permit *permit);
/* Who has it, as last seen; "" when nobody or unknown. */
const char *permit_holder(const struct permit *permit);
/* Whether it is being given up, or another wish was not carried out yet. */
bool permit_is_busy(const struct permit *permit);

#endif
