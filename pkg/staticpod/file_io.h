/*
 * What the journal and the manifest's replacement have in common: reading a file that may be
 * anything, and writing one so that a power cut leaves the old or the new one.
 *
 * An interrupted call is made again. Errors: ERR_NOT_FOUND for a file that is not there,
 * ERR_INVALID for one that is refused whatever it holds, ERR_RETRY for all else that a call says,
 * a directory that is not there included.
 */
#ifndef STATICPOD_FILE_IO_H
#define STATICPOD_FILE_IO_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "staticpod/file_ops.h"
#include "staticpod/manifest_content.h"

/* A directory, by path (`dir` -1) or by name. The descriptor is the caller's, for file_close(). */
int file_open_dir(const struct files *files, int dir, const char *name, int *ret_dir,
                  struct err *err) MUST_CHECK;
void file_close(const struct files *files, int fd);
int file_sync(const struct files *files, int fd, const char *what, struct err *err) MUST_CHECK;

struct file_read {
    struct stat status;
    struct manifest_content *content; /* owned by the caller */
};

/*
 * Opens and reads a regular file of at most `limit` bytes that is owned as it must be. Anything
 * else, a symbolic link too, is refused and never waited for.
 */
int file_read(const struct files *files, int dir, const char *name, size_t limit,
              struct file_read *ret_read, struct err *err) MUST_CHECK;
/*
 * Makes a new file with that content, mode, owner and label, its data on the disk and read back.
 * What was left over under that name is removed before; on failure none is left, as far as the
 * disk lets it be removed.
 */
int file_stage(const struct files *files, int dir, const char *name,
               const struct manifest_content *content, struct err *err) MUST_CHECK;
/* Puts what was staged in the place of another file, or of none, for good. */
int file_publish(const struct files *files, int dir, const char *staged, const char *name,
                 struct err *err) MUST_CHECK;
/* One that is not there is fine. */
int file_remove(const struct files *files, int dir, const char *name, struct err *err) MUST_CHECK;
/* The same where another error is the one to tell. */
void file_discard(const struct files *files, int dir, const char *name);

#endif
