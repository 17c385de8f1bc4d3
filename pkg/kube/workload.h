/*
 * DaemonSets and Deployments: the whole object and, of its status, only the counts that decisions
 * rest on (an object whose conditions' times change is not worth a reconcile). Pure.
 */
#ifndef KUBE_WORKLOAD_H
#define KUBE_WORKLOAD_H

#include "kube/object.h"

/* The body has `status` with those of these that are set: observedGeneration, replicas,
 * readyReplicas, availableReplicas, updatedReplicas; desiredNumberScheduled, numberAvailable,
 * numberReady, updatedNumberScheduled. */
object_project_fn workload_project;

/* Whether its controller has seen the object as it is now. */
bool workload_observed(const struct object *object);

#endif
