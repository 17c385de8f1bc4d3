/* Pods, projected to where they are and whether they serve. Pure. */
#ifndef KUBE_POD_H
#define KUBE_POD_H

#include "kube/object.h"

struct pod {
    struct object object; /* first */
    char *node;           /* spec.nodeName; NULL: not bound */
    char *owner_uid;      /* uid of the controlling owner; NULL: none */
    char *owner_kind;     /* "DaemonSet", "ReplicaSet"; NULL: none */
    char *generation;     /* label pod-template-generation, which the DaemonSet controller sets to
                             the template's generation; NULL: absent */
    char *trouble;        /* why a container does not run: "CrashLoopBackOff"; NULL: none waits */
    char *app;            /* label k8s-app; NULL: absent */
    char *ip;             /* status.podIP; NULL: none yet */
    bool ready;           /* condition Ready is True */
    bool ended;           /* phase Succeeded or Failed */
};

object_project_fn pod_project;
const struct pod *pod_of(const struct object *object);

#endif
