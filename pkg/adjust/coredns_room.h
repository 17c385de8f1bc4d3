/*
 * Where a Deployment whose required podAntiAffinity keeps its pods from the DaemonSet's can get
 * room. Pure.
 *
 * The operator does not make it by itself: it may not write Nodes, and leaving nodes out of the
 * DaemonSet's template would replace its pods on all the others, at the very moment when they are
 * all that serves.
 */
#ifndef ADJUST_COREDNS_ROOM_H
#define ADJUST_COREDNS_ROOM_H

#include "control/snapshot.h"
#include "kube/object.h"

/*
 * What to tell people, to be put behind a sentence that says what waits: the command and its nodes,
 * of which none leaves its pool without DNS. "" where nothing keeps the Deployment's pods apart.
 * Owned by the caller.
 */
char *coredns_room_advice(const struct snapshot *seen, const struct object *deployment);

#endif
