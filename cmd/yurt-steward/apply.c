#include "once.h"

static int run(const struct verb *verb, int argc, char **argv)
{
    return once_run(verb, argc, argv, false);
}

const struct verb verb_apply = {
    .name = "apply",
    .summary = "bring adjustments into force once, without the operator",
    .usage = "Usage: yurt-steward apply [FLAG…] [ADJUSTMENT…]\n"
             "\n"
             "Shows the plan, asks, and carries it out: the named adjustments, or all that are\n"
             "not on Ignore. Runs until they are in force. The ConfigMap is not changed, so\n"
             "nothing keeps them in force afterwards; that is what `run` is for. Exit status:\n"
             "0 in force, 1 not (yet) or not wanted, 2 an error.\n"
             "\n" ONCE_LEASE ONCE_USAGE,
    .flags = OPTIONS_CLUSTER_USAGE OPTIONS_LOG_USAGE,
    .run = run,
};
