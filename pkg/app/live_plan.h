/*
 * One look at a live cluster: fills a world once and shows its plans.
 */
#ifndef APP_LIVE_PLAN_H
#define APP_LIVE_PLAN_H

#include <stdbool.h>

#include "app/intent.h"
#include "kube/config.h"

/* `intent` (NULL: as the ConfigMap says) is put on top of the ConfigMap. Returns an exit status:
 * SHOW_NOTHING, SHOW_SOMETHING, or 2 after a message on stderr. */
int live_plan(const struct kube_config *config, const struct intent *intent, bool json);

#endif
