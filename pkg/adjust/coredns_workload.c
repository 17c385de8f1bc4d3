#include "adjust/coredns_workload.h"

#include <stdlib.h>

#include "kube/workload.h"

#define MAX_UNAVAILABLE "spec/strategy/rollingUpdate/maxUnavailable"

static bool has_available(const struct object *deployment, int64_t wanted)
{
    return workload_observed(deployment) &&
           json_get_int(deployment->body, "status/availableReplicas", 0) >= wanted;
}

bool coredns_deployment_serves(const struct object *deployment)
{
    return has_available(deployment, 1);
}

bool coredns_deployment_available(const struct object *deployment)
{
    int64_t replicas = json_get_int(deployment->body, "spec/replicas", 1);
    const char *share = json_get_str(deployment->body, MAX_UNAVAILABLE); /* "25%" */
    int64_t spare = share != NULL ? replicas * atoi(share) / 100
                                  : json_get_int(deployment->body, MAX_UNAVAILABLE, 0);
    return has_available(deployment, replicas - spare > 1 ? replicas - spare : 1);
}

bool coredns_deployment_keeps_apart(const struct object *deployment)
{
    return json_array_len(json_get(deployment->body,
                                   "spec/template/spec/affinity/podAntiAffinity/"
                                   "requiredDuringSchedulingIgnoredDuringExecution")) > 0;
}
