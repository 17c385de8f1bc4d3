/*
 * The flags that several verbs share: which cluster, and how to log. A verb lists them in its table
 * of flags with the macros below, beside its own, which it reads in its loop:
 *
 *     while ((flag = options_next(verb, argc, argv, "o:", flags, &options)) > 0) { … }
 *
 * The strings are borrowed from argv.
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/log.h"
#include "kube/config.h"
#include "verbs.h"

/* Above every character: a verb's own flags are letters. */
enum {
    OPTION_KUBECONFIG = 256,
    OPTION_CONTEXT,
    OPTION_LOG_LEVEL,
    OPTION_LOG_FORMAT
};

/* clang-format would take the last entry of a macro for a block */
/* clang-format off */
#define OPTIONS_CLUSTER                                                                            \
    {"kubeconfig", required_argument, NULL, OPTION_KUBECONFIG},                                    \
    {"context", required_argument, NULL, OPTION_CONTEXT}
#define OPTIONS_LOG                                                                                \
    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},                                      \
    {"log-format", required_argument, NULL, OPTION_LOG_FORMAT}
/* clang-format on */

#define OPTIONS_CLUSTER_USAGE                                                                      \
    "  --kubeconfig FILE        how to reach the cluster; default: $KUBECONFIG,\n"                 \
    "                           ~/.kube/config, or the pod's service account\n"                    \
    "  --context NAME           the context to use instead of the current one\n"
#define OPTIONS_LOG_USAGE                                                                          \
    "  --log-level LEVEL        debug, info (default), warn or error\n"                            \
    "  --log-format FORMAT      text (default) or json\n"

struct options {
    const char *kubeconfig; /* NULL: not given */
    const char *context;    /* NULL: not given */
    bool operands;          /* the verb takes arguments behind its flags, from argv[optind] on */
    enum log_level log_level;
    enum log_format log_format;
};

/*
 * The verb's next own flag, its value in optarg; the shared ones go into options on the way. 0 at
 * the end, -1 when misused, which has been said on stderr: the verb ends with EXIT_USAGE.
 */
int options_next(const struct verb *verb, int argc, char **argv, const char *letters,
                 const struct option *flags, struct options *options) MUST_CHECK;

/* Says what is wrong on stderr. */
int options_load_config(const struct verb *verb, const struct options *options,
                        struct kube_config *ret_config) MUST_CHECK;

#endif
