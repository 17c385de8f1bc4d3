#include "staticpod/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/utf8.h"

enum {
    PIECE = 8192,
    LABEL_MAX = 512,
    MODE_BITS = 07777,
};

#define NO_EINTR(result, call)                                                                     \
    do {                                                                                           \
        (result) = (call);                                                                         \
    } while ((result) < 0 && errno == EINTR)

/* As err_set_errno, but ENOENT is no "not found": of a directory or in mid-work it is no fact about
 * the file. */
static int failed(struct err *err, const char *what, const char *name)
{
    return err_set(err, ERR_RETRY, "cannot %s %s: %s", what, name, strerror(errno));
}

int file_open_dir(const struct files *files, int dir, const char *name, int *ret_dir,
                  struct err *err)
{
    int fd;
    NO_EINTR(fd, files->ops->open(files->arg, dir, name, O_RDONLY | O_DIRECTORY, 0));
    if (fd < 0) {
        return failed(err, "open the directory", name);
    }
    *ret_dir = fd;
    return 0;
}

void file_close(const struct files *files, int fd)
{
    /* what was written was synced before: nothing is lost by an error here, and Linux closes the
     * descriptor even when it says EINTR */
    (void)files->ops->close(files->arg, fd);
}

int file_sync(const struct files *files, int fd, const char *what, struct err *err)
{
    int result;
    NO_EINTR(result, files->ops->fsync(files->arg, fd));
    return result < 0 ? failed(err, "sync", what) : 0;
}

/* --- reading --- */

static int check_status(const struct files *files, const struct stat *status, const char *name,
                        size_t limit, struct err *err)
{
    if (!S_ISREG(status->st_mode)) {
        return err_set(err, ERR_INVALID, "%s is %s", name,
                       S_ISDIR(status->st_mode) ? "a directory" : "not a regular file");
    }
    if (status->st_uid != files->owner) {
        return err_set(err, ERR_INVALID, "%s belongs to user %lu, not to %lu", name,
                       (unsigned long)status->st_uid, (unsigned long)files->owner);
    }
    if (status->st_size < 0 || (size_t)status->st_size > limit) {
        return err_set(err, ERR_INVALID, "%s is larger than %zu bytes", name, limit);
    }
    return 0;
}

static int read_bytes(const struct files *files, int fd, const char *name, struct buf *bytes,
                      struct err *err)
{
    AUTO_FREE char *piece = xmalloc(PIECE);
    for (;;) {
        ssize_t got;
        NO_EINTR(got, files->ops->pread(files->arg, fd, piece, PIECE, (off_t)bytes->len));
        if (got < 0) {
            return failed(err, "read", name);
        }
        if (got == 0) {
            return 0;
        }
        if (buf_append(bytes, piece, (size_t)got) < 0) { /* it has grown since */
            return err_set(err, ERR_INVALID, "%s is larger than %zu bytes", name, bytes->limit);
        }
    }
}

static int read_label(const struct files *files, int fd, const char *name, char **ret_label,
                      struct err *err)
{
    char value[LABEL_MAX + 1];
    ssize_t len;
    NO_EINTR(len, files->ops->get_label(files->arg, fd, value, LABEL_MAX));
    if (len < 0 && errno != ENODATA && errno != ENOTSUP) {
        return failed(err, "read the SELinux context of", name);
    }
    if (len > 0) {
        value[len] = '\0';
        if (!utf8_valid(value, strlen(value), NULL)) { /* the journal could not hold it */
            return err_set(err, ERR_INVALID, "the SELinux context of %s is not text", name);
        }
    }
    *ret_label = len > 0 ? xstrdup(value) : NULL;
    return 0;
}

static int read_open(const struct files *files, int fd, const char *name, size_t limit,
                     struct file_read *ret_read, struct err *err)
{
    struct stat status;
    AUTO(buf) struct buf bytes = BUF_INIT(limit);
    AUTO_FREE char *label = NULL;
    if (files->ops->fstat(files->arg, fd, &status) < 0) {
        return failed(err, "look at", name);
    }
    if (check_status(files, &status, name, limit, err) < 0 ||
        read_bytes(files, fd, name, &bytes, err) < 0 ||
        read_label(files, fd, name, &label, err) < 0) {
        return -1;
    }
    struct manifest_content like = {
        .mode = status.st_mode & MODE_BITS,
        .uid = status.st_uid,
        .gid = status.st_gid,
        .label = label,
    };
    ret_read->status = status;
    ret_read->content = manifest_content_create(buf_str(&bytes), bytes.len, &like);
    return 0;
}

int file_read(const struct files *files, int dir, const char *name, size_t limit,
              struct file_read *ret_read, struct err *err)
{
    int fd;
    /* a FIFO would block the open itself */
    NO_EINTR(fd, files->ops->open(files->arg, dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0));
    if (fd < 0 && errno == ENOENT) {
        return err_set(err, ERR_NOT_FOUND, "%s is not there", name);
    }
    if (fd < 0 && errno == ELOOP) {
        return err_set(err, ERR_INVALID, "%s is a symbolic link", name);
    }
    if (fd < 0 && (errno == ENXIO || errno == ENODEV)) {
        return err_set(err, ERR_INVALID, "%s is not a regular file", name);
    }
    if (fd < 0) {
        return failed(err, "open", name);
    }
    int result = read_open(files, fd, name, limit, ret_read, err);
    file_close(files, fd);
    return result;
}

/* --- writing --- */

static int set_access(const struct files *files, int fd, const char *name,
                      const struct manifest_content *content, struct err *err)
{
    int result;
    /* the owner first: a change of owner may clear bits of the mode */
    NO_EINTR(result, files->ops->fchown(files->arg, fd, content->uid, content->gid));
    if (result < 0) {
        return failed(err, "set the owner of", name);
    }
    NO_EINTR(result, files->ops->fchmod(files->arg, fd, content->mode));
    if (result < 0) {
        return failed(err, "set the mode of", name);
    }
    if (content->label != NULL) {
        NO_EINTR(result,
                 files->ops->set_label(files->arg, fd, content->label, strlen(content->label) + 1));
        if (result < 0) {
            return failed(err, "set the SELinux context of", name);
        }
    }
    return 0;
}

static int write_bytes(const struct files *files, int fd, const char *name,
                       const struct manifest_content *content, struct err *err)
{
    for (size_t done = 0; done < content->len;) {
        ssize_t put;
        NO_EINTR(put,
                 files->ops->write(files->arg, fd, content->bytes + done, content->len - done));
        if (put < 0) {
            return failed(err, "write", name);
        }
        done += (size_t)put;
    }
    return 0;
}

static int read_back(const struct files *files, int fd, const char *name,
                     const struct manifest_content *content, struct err *err)
{
    AUTO(buf) struct buf bytes = BUF_INIT(content->len);
    if (read_bytes(files, fd, name, &bytes, err) < 0) {
        return -1;
    }
    if (bytes.len != content->len || memcmp(buf_str(&bytes), content->bytes, bytes.len) != 0) {
        return err_set(err, ERR_RETRY, "%s reads otherwise than it was written", name);
    }
    return 0;
}

int file_stage(const struct files *files, int dir, const char *name,
               const struct manifest_content *content, struct err *err)
{
    int fd;
    if (file_remove(files, dir, name, err) < 0) {
        return -1;
    }
    NO_EINTR(fd,
             files->ops->open(files->arg, dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    if (fd < 0) {
        return failed(err, "make", name);
    }
    int result = set_access(files, fd, name, content, err);
    if (result == 0) {
        result = write_bytes(files, fd, name, content, err);
    }
    if (result == 0) {
        result = file_sync(files, fd, name, err);
    }
    if (result == 0) {
        result = read_back(files, fd, name, content, err);
    }
    file_close(files, fd);
    if (result < 0) {
        file_discard(files, dir, name);
    }
    return result;
}

int file_publish(const struct files *files, int dir, const char *staged, const char *name,
                 struct err *err)
{
    int result;
    NO_EINTR(result, files->ops->rename(files->arg, dir, staged, name));
    if (result < 0) {
        failed(err, "replace", name);
        file_discard(files, dir, staged);
        return -1;
    }
    return file_sync(files, dir, "the directory", err);
}

int file_remove(const struct files *files, int dir, const char *name, struct err *err)
{
    int result;
    NO_EINTR(result, files->ops->unlink(files->arg, dir, name));
    return result < 0 && errno != ENOENT ? failed(err, "remove", name) : 0;
}

void file_discard(const struct files *files, int dir, const char *name)
{
    if (file_remove(files, dir, name, NULL) < 0) {
        LOG_DEBUG("a file is left over", "name", name); /* the next one of its kind removes it */
    }
}
