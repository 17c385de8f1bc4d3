/*
 * One or two files that belong together and are replaced while the program runs: a CA bundle, or
 * a client certificate with its key.
 *
 * New content is taken over when it is usable and reads the same at two checks in a row: a file
 * cut off between two certificates is usable PEM too, and certificate and key are as a rule
 * written one after the other.
 */
#ifndef KUBE_ROTATING_FILES_H
#define KUBE_ROTATING_FILES_H

#include "base/attr.h"
#include "base/err.h"

enum {
    ROTATING_FILES_MAX = 2
};

struct rotating_files {
    const char *paths[ROTATING_FILES_MAX]; /* borrowed; NULL from where there are no more */
    /* What is in force, and what was new at the last check (all NULL: nothing). Owned. */
    char *current[ROTATING_FILES_MAX];
    char *pending[ROTATING_FILES_MAX];
};

enum rotation {
    ROTATION_NONE,     /* nothing new */
    ROTATION_SETTLING, /* new content: check again soon */
    ROTATION_DONE,     /* `current` is new */
};

/* A CA bundle, now `ca_pem`; the path may be NULL: then it never changes. */
void rotating_files_init_ca(struct rotating_files *files, const char *path, const char *ca_pem);
/* A client certificate and its key; the same. */
void rotating_files_init_pair(struct rotating_files *files, const char *cert_path,
                              const char *key_path, const char *cert_pem, const char *key_pem);
void rotating_files_finish(struct rotating_files *files);
/* Reads the files. -1: they cannot be used; what is in force stays. */
int rotating_files_check(struct rotating_files *files, enum rotation *ret_rotation,
                         struct err *err) MUST_CHECK;

#endif
