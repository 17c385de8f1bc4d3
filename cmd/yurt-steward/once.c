#include "once.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/look.h"
#include "app/operator.h"
#include "app/show.h"
#include "base/timefmt.h"

enum {
    FLAG_YES = 'y',
    FLAG_TIMEOUT = 't',
    DEFAULT_LIMIT_MS = 5 * 60 * 1000,
};

static const struct option flags[] = {
    OPTIONS_CLUSTER,
    OPTIONS_LOG,
    {"yes", no_argument, NULL, FLAG_YES},
    {"timeout", required_argument, NULL, FLAG_TIMEOUT},
    {NULL, 0, NULL, 0},
};

struct settings {
    struct options options;
    struct intent intent;
    int64_t limit_ms;
    bool yes;
};

/* 0, or the exit status of a misuse */
static int read_arguments(const struct verb *verb, int argc, char **argv, struct settings *settings)
{
    int flag;
    struct err err;
    while ((flag = options_next(verb, argc, argv, "y", flags, &settings->options)) > 0) {
        if (flag == FLAG_YES) {
            settings->yes = true;
        } else if (timefmt_parse_duration(optarg, &settings->limit_ms) < 0) {
            return verb_misused(verb, "--timeout: \"%s\" is no duration such as 5m", optarg);
        }
    }
    if (flag < 0) {
        return EXIT_USAGE;
    }
    for (int i = optind; i < argc; i++) {
        if (intent_choose(&settings->intent, argv[i], &err) < 0) {
            return verb_misused(verb, "%s", err.text);
        }
    }
    return 0;
}

/* A person's yes, on the terminal. */
static bool agreed(const struct verb *verb)
{
    char line[16];
    if (!isatty(STDIN_FILENO)) {
        fprintf(stderr, "yurt-steward %s: standard input is no terminal to ask on; give --yes\n",
                verb->name);
        return false;
    }
    fprintf(stderr, "%s this? [y/N] ", verb->name);
    return fgets(line, sizeof(line), stdin) != NULL &&
           (strcmp(line, "y\n") == 0 || strcmp(line, "yes\n") == 0);
}

static int show(void *arg, const struct world *world, const struct look_rest *rest, int64_t wall_ms,
                int64_t now_ms)
{
    (void)arg;
    (void)rest;
    return show_plans(stdout, world, false, wall_ms, now_ms);
}

int once_run(const struct verb *verb, int argc, char **argv, bool revert)
{
    struct settings settings = {
        .options = {.operands = true, .log_level = LOG_LEVEL_INFO, .log_format = LOG_FORMAT_TEXT},
        .intent = {.revert = revert},
        .limit_ms = DEFAULT_LIMIT_MS,
    };
    int misused = read_arguments(verb, argc, argv, &settings);
    if (misused != 0) {
        return misused;
    }
    AUTO(kube_config) struct kube_config config = {0};
    if (options_load_config(verb, &settings.options, &config) < 0) {
        return EXIT_USAGE;
    }
    log_configure(LOG_LEVEL_ERROR, settings.options.log_format);
    const struct look_wish wish = {.verb = verb->name, .intent = &settings.intent, .show = show};
    int planned = look_run(&config, &wish);
    if (fflush(stdout) != 0 || planned > SHOW_SOMETHING) {
        return EXIT_USAGE;
    }
    if (planned == SHOW_SOMETHING && !settings.yes && !agreed(verb)) {
        fprintf(stderr, "nothing was changed\n");
        return EXIT_FAILURE;
    }
    log_configure(settings.options.log_level, settings.options.log_format);
    return operator_run_once(&config, &settings.intent, settings.limit_ms);
}
