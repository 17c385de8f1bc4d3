/*
 * One look at a live cluster: fills a world once and shows its plans.
 */
#ifndef APP_LIVE_PLAN_H
#define APP_LIVE_PLAN_H

#include <stdbool.h>

#include "kube/config.h"

/* Returns an exit status: SHOW_NOTHING, SHOW_SOMETHING, or 2 after a message on stderr. */
int live_plan(const struct kube_config *config, bool json);

#endif
