/*
 * The verbs of the program: one file each, listed in main.c.
 */
#ifndef CMD_VERBS_H
#define CMD_VERBS_H

enum {
    EXIT_USAGE = 2
};

struct verb {
    const char *name;
    const char *summary; /* one line */
    const char *usage;   /* what `VERB --help` prints, */
    const char *flags;   /* and then: the flags it shares with others (options.h), or NULL */
    /* argv[0] is the verb. Returns the exit status. */
    int (*run)(const struct verb *verb, int argc, char **argv);
};

extern const struct verb verb_run;
extern const struct verb verb_node;
extern const struct verb verb_plan;
extern const struct verb verb_status;
extern const struct verb verb_apply;
extern const struct verb verb_revert;
extern const struct verb verb_version;

/* Says on stderr what was wrong, then the usage; returns EXIT_USAGE. */
int verb_misused(const struct verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
