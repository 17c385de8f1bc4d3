/* The table of the kernel's file functions. */
#include "staticpod/file_ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LABEL "security.selinux"

static int kernel_open(void *arg, int dir, const char *name, int flags, mode_t mode)
{
    (void)arg;
    return openat(dir < 0 ? AT_FDCWD : dir, name, flags | O_CLOEXEC | O_NOCTTY, mode);
}

static int kernel_close(void *arg, int fd)
{
    (void)arg;
    return close(fd);
}

static ssize_t kernel_pread(void *arg, int fd, void *data, size_t len, off_t at)
{
    (void)arg;
    return pread(fd, data, len, at);
}

static ssize_t kernel_write(void *arg, int fd, const void *data, size_t len)
{
    (void)arg;
    return write(fd, data, len);
}

static int kernel_fsync(void *arg, int fd)
{
    (void)arg;
    return fsync(fd);
}

static int kernel_fstat(void *arg, int fd, struct stat *ret_status)
{
    (void)arg;
    return fstat(fd, ret_status);
}

static int kernel_fchmod(void *arg, int fd, mode_t mode)
{
    (void)arg;
    return fchmod(fd, mode);
}

static int kernel_fchown(void *arg, int fd, uid_t uid, gid_t gid)
{
    (void)arg;
    return fchown(fd, uid, gid);
}

static ssize_t kernel_get_label(void *arg, int fd, char *value, size_t size)
{
    (void)arg;
    return fgetxattr(fd, LABEL, value, size);
}

static int kernel_set_label(void *arg, int fd, const char *value, size_t len)
{
    (void)arg;
    return fsetxattr(fd, LABEL, value, len, 0);
}

static int kernel_rename(void *arg, int dir, const char *from, const char *to)
{
    (void)arg;
    return renameat(dir, from, dir, to);
}

static int kernel_unlink(void *arg, int dir, const char *name)
{
    (void)arg;
    return unlinkat(dir, name, 0);
}

static int kernel_mkdir(void *arg, int dir, const char *name, mode_t mode)
{
    (void)arg;
    return mkdirat(dir, name, mode);
}

static int kernel_lock(void *arg, int fd)
{
    (void)arg;
    return flock(fd, LOCK_EX | LOCK_NB);
}

static int kernel_list(void *arg, int dir, void (*visit)(void *visit_arg, const char *name),
                       void *visit_arg)
{
    (void)arg;
    /* a descriptor of its own: the stream closes it, and has a position */
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (stream == NULL) {
        int saved = errno;
        if (fd >= 0) {
            close(fd);
        }
        errno = saved;
        return -1;
    }
    errno = 0;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            visit(visit_arg, entry->d_name);
        }
        errno = 0;
    }
    int failed = errno;
    closedir(stream);
    errno = failed;
    return failed == 0 ? 0 : -1;
}

const struct file_ops file_ops_kernel = {
    .open = kernel_open,
    .close = kernel_close,
    .pread = kernel_pread,
    .write = kernel_write,
    .fsync = kernel_fsync,
    .fstat = kernel_fstat,
    .fchmod = kernel_fchmod,
    .fchown = kernel_fchown,
    .get_label = kernel_get_label,
    .set_label = kernel_set_label,
    .rename = kernel_rename,
    .unlink = kernel_unlink,
    .mkdir = kernel_mkdir,
    .lock = kernel_lock,
    .list = kernel_list,
};
