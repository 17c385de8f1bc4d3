#include "options.h"

#include <stdio.h>

/* 1: taken, 0: a flag of the verb's own, -1: misused */
static int take_shared(const struct verb *verb, int flag, struct options *options)
{
    switch (flag) {
    case OPTION_KUBECONFIG:
        options->kubeconfig = optarg;
        return 1;
    case OPTION_CONTEXT:
        options->context = optarg;
        return 1;
    case OPTION_LOG_LEVEL:
        if (log_level_parse(optarg, &options->log_level) < 0) {
            verb_misused(verb, "--log-level: \"%s\" is none of debug, info, warn, error", optarg);
            return -1;
        }
        return 1;
    case OPTION_LOG_FORMAT:
        if (log_format_parse(optarg, &options->log_format) < 0) {
            verb_misused(verb, "--log-format: \"%s\" is none of text, json", optarg);
            return -1;
        }
        return 1;
    default:
        return 0;
    }
}

int options_next(const struct verb *verb, int argc, char **argv, const char *letters,
                 const struct option *flags, struct options *options)
{
    int flag;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, letters, flags, NULL)) != -1) {
        if (flag == '?') {
            verb_misused(verb, "unknown flag, or a flag without its value: \"%s\"",
                         argv[optind - 1]);
            return -1;
        }
        int taken = take_shared(verb, flag, options);
        if (taken <= 0) {
            return taken < 0 ? -1 : flag;
        }
    }
    if (optind < argc && !options->operands) {
        verb_misused(verb, "unexpected argument \"%s\"", argv[optind]);
        return -1;
    }
    return 0;
}

int options_load_config(const struct verb *verb, const struct options *options,
                        struct kube_config *ret_config)
{
    struct err err;
    if (kube_config_load(options->kubeconfig, options->context, ret_config, &err) < 0) {
        fprintf(stderr, "yurt-steward %s: %s\n", verb->name, err.text);
        return -1;
    }
    return 0;
}
