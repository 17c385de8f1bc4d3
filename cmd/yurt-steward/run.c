#include <getopt.h>
#include <stdio.h>

#include "app/operator.h"
#include "base/log.h"
#include "verbs.h"

static const struct option flags[] = {
    {"kubeconfig", required_argument, NULL, 'k'},
    {"context", required_argument, NULL, 'c'},
    {"log-level", required_argument, NULL, 'l'},
    {"log-format", required_argument, NULL, 'f'},
    {NULL, 0, NULL, 0},
};

struct settings {
    const char *kubeconfig;
    const char *context;
    enum log_level level;
    enum log_format format;
};

static int read_flags(const struct verb *verb, int argc, char **argv, struct settings *settings)
{
    int flag;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
        switch (flag) {
        case 'k':
            settings->kubeconfig = optarg;
            break;
        case 'c':
            settings->context = optarg;
            break;
        case 'l':
            if (log_level_parse(optarg, &settings->level) < 0) {
                return verb_misused(verb, "--log-level: \"%s\" is none of debug, info, warn, error",
                                    optarg);
            }
            break;
        case 'f':
            if (log_format_parse(optarg, &settings->format) < 0) {
                return verb_misused(verb, "--log-format: \"%s\" is none of text, json", optarg);
            }
            break;
        default:
            return verb_misused(verb, "unknown flag, or a flag without its value: \"%s\"",
                                argv[optind - 1]);
        }
    }
    return optind < argc ? verb_misused(verb, "unexpected argument \"%s\"", argv[optind]) : 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct settings settings = {.level = LOG_LEVEL_INFO, .format = LOG_FORMAT_TEXT};
    int misused = read_flags(verb, argc, argv, &settings);
    if (misused != 0) {
        return misused;
    }
    log_configure(settings.level, settings.format);
    AUTO(kube_config) struct kube_config config = {0};
    struct err err;
    if (kube_config_load(settings.kubeconfig, settings.context, &config, &err) < 0) {
        fprintf(stderr, "yurt-steward run: %s\n", err.text);
        return EXIT_USAGE;
    }
    return operator_run(&config);
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
             "  --kubeconfig FILE        how to reach the cluster; default: $KUBECONFIG,\n"
             "                           ~/.kube/config, or the pod's service account\n"
             "  --context NAME           the context to use instead of the current one\n"
             "  --log-level LEVEL        debug, info (default), warn or error\n"
             "  --log-format FORMAT      text (default) or json\n",
    .run = run,
};
