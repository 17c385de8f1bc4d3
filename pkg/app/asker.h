/*
 * Asks DNS servers for plans: at most so many at a time, each result into the observations.
 */
#ifndef APP_ASKER_H
#define APP_ASKER_H

#include "base/strmap.h"
#include "control/plan.h"
#include "loop/loop.h"

struct asker;

/*
 * `observations` maps addresses to struct dns_observation, made with STRMAP_INIT(free); borrowed.
 * `idle` runs, from the loop, when all that was asked for is answered.
 */
struct asker *asker_create(struct loop *loop, struct strmap *observations, void (*idle)(void *arg),
                           void *arg);
void asker_destroy(struct asker *asker);
/* Asks the servers that the plan wants for `name`; what is being asked is not asked again. */
void asker_ask(struct asker *asker, const struct plan *plan, const char *name);

#endif
