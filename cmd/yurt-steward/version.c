#include <stdio.h>

#include "verbs.h"

static int run(const struct verb *verb, int argc, char **argv)
{
    if (argc > 1) {
        return verb_misused(verb, "unexpected argument \"%s\"", argv[1]);
    }
    printf("yurt-steward %s\n", YURT_STEWARD_VERSION);
    return 0;
}

const struct verb verb_version = {
    .name = "version",
    .summary = "print the version",
    .usage = "Usage: yurt-steward version\n"
             "\n"
             "Prints the version.\n",
    .run = run,
};
