/*
 * The file functions that the transaction is made of, as a table: tests put a failing one, one
 * that loses power, and one that is killed in its place.
 *
 * Each slot is the system call of its name, errno included, with `arg` first. All are mandatory.
 * Names are relative to a directory's descriptor, so that a directory that is moved away in the
 * middle is noticed and never followed.
 */
#ifndef STATICPOD_FILE_OPS_H
#define STATICPOD_FILE_OPS_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct file_ops {
    /* `dir` -1: `name` is a path */
    int (*open)(void *arg, int dir, const char *name, int flags, mode_t mode);
    int (*close)(void *arg, int fd);
    ssize_t (*pread)(void *arg, int fd, void *data, size_t len, off_t at);
    ssize_t (*write)(void *arg, int fd, const void *data, size_t len);
    int (*fsync)(void *arg, int fd);
    int (*fstat)(void *arg, int fd, struct stat *ret_status);
    int (*fchmod)(void *arg, int fd, mode_t mode);
    int (*fchown)(void *arg, int fd, uid_t uid, gid_t gid);
    /* security.selinux; the value as getxattr gives it */
    ssize_t (*get_label)(void *arg, int fd, char *value, size_t size);
    int (*set_label)(void *arg, int fd, const char *value, size_t len);
    int (*rename)(void *arg, int dir, const char *from, const char *to);
    int (*unlink)(void *arg, int dir, const char *name);
    int (*mkdir)(void *arg, int dir, const char *name, mode_t mode);
    /* flock: exclusive, without waiting */
    int (*lock)(void *arg, int fd);
    /* Every name in the directory but . and .. */
    int (*list)(void *arg, int dir, void (*visit)(void *visit_arg, const char *name),
                void *visit_arg);
};

struct files {
    const struct file_ops *ops;
    void *arg;
    uid_t owner; /* who must own what is read: nobody else may decide what runs as root */
};

/* The kernel's. */
extern const struct file_ops file_ops_kernel;

#endif
