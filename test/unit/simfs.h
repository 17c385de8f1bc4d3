/*
 * A file system in memory that forgets what was not synced: for cutting the power at every call.
 *
 * It is stricter than any real one: a name is on the disk after its directory's fsync only, and a
 * file's data, mode and owner after the file's. At a power cut, each of these that was not synced
 * is kept, lost, or (data) kept in part, on its own.
 *
 * Calls are counted from 1. One of them, or all from one on, can fail, with or without having been
 * done; or the process can end at one: that and all later calls fail until simfs_restart().
 */
#ifndef TEST_UNIT_SIMFS_H
#define TEST_UNIT_SIMFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "staticpod/file_ops.h"

enum {
    SIMFS_NODES = 40,
    SIMFS_ENTRIES = 14,
    SIMFS_FDS = 16,
    SIMFS_WRITE_MAX = 200, /* bytes that one write takes */
    /* Ways to lose what was not synced; from SIMFS_RANDOM on, each thing by a coin. */
    SIMFS_LOSE_ALL = 0,
    SIMFS_KEEP_ALL = 1,
    SIMFS_KEEP_NAMES = 2, /* names and no data: the empty file after a rename */
    SIMFS_RANDOM = 3,
};

struct simfs_data {
    char *bytes;
    size_t len;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    char *label;
};

struct simfs_entry {
    char name[80]; /* "": none */
    int now;       /* the node; -1: no such name */
    int disk;
};

struct simfs_node {
    bool used;
    bool is_dir;
    bool locked;
    struct simfs_data now;
    struct simfs_data disk;
    int64_t ctime;
    struct simfs_entry entries[SIMFS_ENTRIES];
};

struct simfs_fd {
    bool used;
    int node;
    bool locks;
    size_t at; /* for write */
};

struct simfs {
    struct simfs_node nodes[SIMFS_NODES]; /* the first is the root */
    struct simfs_fd fds[SIMFS_FDS];
    int64_t clock;
    long calls;
    long fail_at; /* 0: none */
    int fail_errno;
    bool fail_done;    /* the call is done all the same */
    bool fail_forever; /* all from fail_at on */
    long end_at;       /* 0: never */
    bool ended;
    /* Runs after each call; may be NULL. */
    void (*observe)(void *arg);
    void *observe_arg;
};

extern const struct file_ops simfs_ops; /* `arg` is the struct simfs */

struct simfs *simfs_create(void);
void simfs_destroy(struct simfs *sim);
/* Makes a directory or a file, on the disk already. */
void simfs_make_dir(struct simfs *sim, const char *path);
void simfs_make_file(struct simfs *sim, const char *path, const char *text, mode_t mode, uid_t uid,
                     gid_t gid, const char *label);
/* What a path shows now; NULL: nothing is there. */
const struct simfs_data *simfs_peek(struct simfs *sim, const char *path);
/* Calls `visit` with each name of a directory as it is now. */
void simfs_names(struct simfs *sim, const char *path, void (*visit)(void *arg, const char *name),
                 void *arg);
/* A new process: all that was open is closed, no call fails any more. */
void simfs_restart(struct simfs *sim);
/* A power cut, then a new process. */
void simfs_power_cut(struct simfs *sim, unsigned way);

#endif
