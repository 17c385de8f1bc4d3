#include "once.h"

static int run(const struct verb *verb, int argc, char **argv)
{
    return once_run(verb, argc, argv, true);
}

const struct verb verb_revert = {
    .name = "revert",
    .summary = "put back what was there before the first change",
    .usage = "Usage: yurt-steward revert [FLAG…] [ADJUSTMENT…]\n"
             "\n"
             "Shows the plan, asks, and puts back what the named adjustments changed, or all\n"
             "that are not on Ignore. Their modes become Revert in the ConfigMap, where there is\n"
             "one, so that a running operator leaves it so. Exit status: 0 all is as it was,\n"
             "1 not (yet) or not wanted, 2 an error.\n"
             "\n" ONCE_LEASE ONCE_USAGE,
    .flags = OPTIONS_CLUSTER_USAGE OPTIONS_LOG_USAGE,
    .run = run,
};
