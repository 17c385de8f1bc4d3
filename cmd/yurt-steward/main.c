/*
 * yurt-steward: keeps OpenYurt's adjustments of a cluster's own components in force.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "verbs.h"

static const struct verb *const verbs[] = {&verb_run,   &verb_node,   &verb_plan,   &verb_status,
                                           &verb_apply, &verb_revert, &verb_version};

static void print_usage(FILE *out)
{
    fputs("yurt-steward keeps OpenYurt's adjustments of a cluster's own components in force.\n"
          "\n"
          "Usage: yurt-steward VERB [FLAG…]\n"
          "\n"
          "Verbs:\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        fprintf(out, "  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
    }
    fputs("\nyurt-steward VERB --help explains one.\n", out);
}

static void print_verb_usage(FILE *out, const struct verb *verb)
{
    fprintf(out, "%s%s", verb->usage, verb->flags != NULL ? verb->flags : "");
}

int verb_misused(const struct verb *verb, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "yurt-steward %s: ", verb->name);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("\n\n", stderr);
    print_verb_usage(stderr, verb);
    return EXIT_USAGE;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i]->name, name) == 0) {
            return verbs[i];
        }
    }
    return NULL;
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_verb_usage(stdout, verb);
            return EXIT_SUCCESS;
        }
    }
    return verb->run(verb, argc, argv);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return EXIT_SUCCESS;
    }
    const struct verb *verb = find_verb(argv[1]);
    if (verb == NULL) {
        fprintf(stderr, "yurt-steward: unknown verb \"%s\"\n\n", argv[1]);
        print_usage(stderr);
        return EXIT_USAGE;
    }
    return run_verb(verb, argc - 1, argv + 1);
}
