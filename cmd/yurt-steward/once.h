/*
 * What apply and revert share: show the plan, ask, carry it out once.
 */
#ifndef CMD_ONCE_H
#define CMD_ONCE_H

#include "options.h"

#define ONCE_USAGE                                                                                 \
    "  --yes                    do not ask\n"                                                      \
    "  --timeout DURATION       give up after so long; default: 5m\n"

/* Runs the verb. Returns the exit status: 0 done, 1 not (yet) as was asked, or not wanted; 2 an
 * error. */
int once_run(const struct verb *verb, int argc, char **argv, bool revert);

#endif
