/*
 * The API resources the operator speaks of.
 */
#ifndef KUBE_RESOURCE_H
#define KUBE_RESOURCE_H

/* One resource collection of the API. Strings are static. */
struct kube_resource {
    const char *group;   /* "" for the core group */
    const char *version; /* "v1" */
    const char *kind;    /* "ConfigMap" */
    const char *plural;  /* "configmaps" */
};

extern const struct kube_resource resource_configmap;
extern const struct kube_resource resource_service;
extern const struct kube_resource resource_pod;
extern const struct kube_resource resource_node;
extern const struct kube_resource resource_daemonset;
extern const struct kube_resource resource_deployment;
extern const struct kube_resource resource_endpointslice;
extern const struct kube_resource resource_lease;

#endif
