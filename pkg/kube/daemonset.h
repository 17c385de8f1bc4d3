/* DaemonSets: the whole object and, of its status, how many pods it wants. Pure. */
#ifndef KUBE_DAEMONSET_H
#define KUBE_DAEMONSET_H

#include "kube/object.h"

object_project_fn daemonset_project;

#endif
