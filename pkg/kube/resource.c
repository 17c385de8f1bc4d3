#include "kube/resource.h"

const struct kube_resource resource_configmap = {"", "v1", "ConfigMap", "configmaps"};
const struct kube_resource resource_service = {"", "v1", "Service", "services"};
const struct kube_resource resource_pod = {"", "v1", "Pod", "pods"};
const struct kube_resource resource_node = {"", "v1", "Node", "nodes"};
const struct kube_resource resource_daemonset = {"apps", "v1", "DaemonSet", "daemonsets"};
const struct kube_resource resource_deployment = {"apps", "v1", "Deployment", "deployments"};
const struct kube_resource resource_endpointslice = {"discovery.k8s.io", "v1", "EndpointSlice",
                                                     "endpointslices"};
const struct kube_resource resource_lease = {"coordination.k8s.io", "v1", "Lease", "leases"};
