/* What is asked of the CoreDNS Deployment in more than one place. Pure. */
#ifndef ADJUST_COREDNS_WORKLOAD_H
#define ADJUST_COREDNS_WORKLOAD_H

#include <stdbool.h>

#include "kube/object.h"

/* Whether a pod of it, as it is now, is available. */
bool coredns_deployment_serves(const struct object *deployment);
/* Whether as many are as it calls itself available with: all but its maxUnavailable, and one at
 * least. Waiting for all would wait for ever where one has no node to go to. */
bool coredns_deployment_available(const struct object *deployment);
/* Whether its pods have a required anti-affinity, which keeps the DaemonSet's pod off a node that
 * holds one of them, and the other way round (kubespray's CoreDNS). */
bool coredns_deployment_keeps_apart(const struct object *deployment);

#endif
