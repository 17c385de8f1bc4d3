#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/look.h"
#include "app/status.h"
#include "base/alloc.h"
#include "options.h"

static const struct option flags[] = {
    OPTIONS_CLUSTER,
    {"output", required_argument, NULL, 'o'},
    {NULL, 0, NULL, 0},
};

static int show(void *arg, const struct world *world, const struct look_rest *rest, int64_t wall_ms,
                int64_t now_ms)
{
    const bool *json = arg;
    AUTO(json) struct json_object *status = status_json(world, rest, wall_ms, now_ms);
    if (*json) {
        AUTO_FREE char *text = json_text_pretty(status);
        puts(text);
    } else {
        status_table(stdout, status, wall_ms);
    }
    return EXIT_SUCCESS;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct options options = {0};
    bool json = false;
    int flag;
    while ((flag = options_next(verb, argc, argv, "o:", flags, &options)) > 0) {
        if (strcmp(optarg, "json") != 0 && strcmp(optarg, "table") != 0) {
            return verb_misused(verb, "-o: \"%s\" is none of table, json", optarg);
        }
        json = strcmp(optarg, "json") == 0;
    }
    AUTO(kube_config) struct kube_config config = {0};
    if (flag < 0 || options_load_config(verb, &options, &config) < 0) {
        return EXIT_USAGE;
    }
    const struct look_wish wish = {.verb = verb->name,
                                   .inputs = STATUS_INPUTS,
                                   .leases = true,
                                   .rest = true,
                                   .show = show,
                                   .arg = &json};
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    int status = look_run(&config, &wish);
    if (fflush(stdout) != 0) {
        perror("yurt-steward status: cannot write");
        return EXIT_USAGE;
    }
    return status;
}

const struct verb verb_status = {
    .name = "status",
    .summary = "show each adjustment's state, what serves DNS, and the control-plane nodes",
    .usage = "Usage: yurt-steward status [FLAG…]\n"
             "\n"
             "Shows of each adjustment its mode, its state and since when, what holds it or who\n"
             "last undid it (as far back as the cluster keeps Events), and per pool of nodes how\n"
             "many DNS pods are ready. Of each control-plane node with an agent, how its\n"
             "manifests stand. It only reads. Exit status: 0, or 2 after an error.\n"
             "\n"
             "  -o, --output FORMAT      table (default) or json\n",
    .flags = OPTIONS_CLUSTER_USAGE,
    .run = run,
};
