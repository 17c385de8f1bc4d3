#include "app/operator.h"
#include "options.h"
#include "verbs.h"

static const struct option flags[] = {
    OPTIONS_CLUSTER,
    OPTIONS_LOG,
    {"leader-elect", no_argument, NULL, 'e'},
    {"listen", required_argument, NULL, 'l'},
    {NULL, 0, NULL, 0},
};

static int run(const struct verb *verb, int argc, char **argv)
{
    struct options options = {.log_level = LOG_LEVEL_INFO, .log_format = LOG_FORMAT_TEXT};
    struct operator_options own = {0};
    int flag;
    while ((flag = options_next(verb, argc, argv, "", flags, &options)) > 0) {
        if (flag == 'e') {
            own.elects = true;
        } else {
            own.listen = optarg;
        }
    }
    if (flag < 0) {
        return EXIT_USAGE;
    }
    log_configure(options.log_level, options.log_format);
    AUTO(kube_config) struct kube_config config = {0};
    if (options_load_config(verb, &options, &config) < 0) {
        return EXIT_USAGE;
    }
    return operator_run(&config, &own);
}

const struct verb verb_run = {
    .name = "run",
    .summary = "run the operator until it is told to stop",
    .usage = "Usage: yurt-steward run [FLAG…]\n"
             "\n"
             "Watches the cluster and keeps the adjustments in force, as the ConfigMap\n"
             "kube-system/yurt-steward says; without it, it only reports. Logs to standard\n"
             "error. SIGTERM stops it in order, a second one at once.\n"
             "\n"
             "  --leader-elect           of several that run, only one acts: the holder of the\n"
             "                           Lease kube-system/yurt-steward\n"
             "  --listen ADDRESS         serve /livez, /readyz and /metrics there, e.g. :8080\n",
    .flags = OPTIONS_CLUSTER_USAGE OPTIONS_LOG_USAGE,
    .run = run,
};
