/*
 * What apply and revert share: show the plan, ask, carry it out once.
 */
#ifndef CMD_ONCE_H
#define CMD_ONCE_H

#include "options.h"

/* What to know of other processes, for the verbs' usage. */
#define ONCE_LEASE                                                                                 \
    "It holds the Lease kube-system/yurt-steward for that time. While an operator holds it and\n"  \
    "is alive, nothing is written, and the exit status is 2. An operator that was started\n"       \
    "without --leader-elect has no Lease: then the preconditions of each write, on what was\n"     \
    "seen, are all that keeps the two apart.\n"                                                    \
    "\n"

#define ONCE_USAGE                                                                                 \
    "  --yes                    do not ask\n"                                                      \
    "  --timeout DURATION       give up after so long; default: 5m\n"

/* Runs the verb. Returns the exit status: 0 done, 1 not (yet) as was asked, or not wanted; 2 an
 * error. */
int once_run(const struct verb *verb, int argc, char **argv, bool revert);

#endif
