/*
 * The long-running operator: watches, decides, acts, says so. Returns when it was told to stop.
 */
#ifndef APP_OPERATOR_H
#define APP_OPERATOR_H

#include "kube/config.h"

/* Returns the process's exit status. `config` is borrowed. */
int operator_run(const struct kube_config *config);

#endif
