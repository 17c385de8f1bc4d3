/*
 * A static pod's manifest as a file: looked at, and replaced without anybody ever seeing half of
 * it.
 *
 * The kubelet reads every file of the directory whose name does not begin with a dot, whatever its
 * ending; so nothing but one dot-file, manifest_file_staged(), is ever made there. A file is never
 * truncated or written in place. What is not a regular file, belongs to somebody else or is larger
 * than MANIFEST_SIZE_MAX (the kubelet's own limit) is refused with ERR_INVALID.
 */
#ifndef STATICPOD_MANIFEST_FILE_H
#define STATICPOD_MANIFEST_FILE_H

#include <time.h>

#include "base/attr.h"
#include "base/err.h"
#include "staticpod/file_ops.h"
#include "staticpod/manifest_content.h"

enum {
    MANIFEST_SIZE_MAX = 10 << 20 /* pkg/kubelet/config/file_linux.go: maxConfigLength */
};

/* A manifest as it was at one moment. */
struct manifest_seen {
    struct manifest_content *content; /* NULL: none */
    dev_t dev;
    ino_t ino;
    struct timespec ctime; /* moves with the bytes, the mode and the owner */
};

void manifest_seen_finish(struct manifest_seen *seen);
DEFINE_AUTO_FINISH(manifest_seen, struct manifest_seen, manifest_seen_finish)

/*
 * ERR_NOT_FOUND: the directory is there and the file is not. ERR_RETRY: it could not be found out,
 * also because the directory is not there.
 */
int manifest_file_read(const struct files *files, const char *dir, const char *name,
                       struct manifest_seen *ret_seen, struct err *err) MUST_CHECK;
/*
 * Puts `content` there, with its mode, owner and label, if the file is still what was seen: else
 * ERR_CONFLICT, and nothing is changed. After another error the file is the old or the new one:
 * look.
 */
int manifest_file_replace(const struct files *files, const char *dir, const char *name,
                          const struct manifest_seen *seen, const struct manifest_content *content,
                          struct err *err) MUST_CHECK;
/* Removes what a crash may have left of a replacement. */
int manifest_file_sweep(const struct files *files, const char *dir, const char *name,
                        struct err *err) MUST_CHECK;
/* Has the disk know the names in the directory as they are. */
int manifest_file_sync(const struct files *files, const char *dir, struct err *err) MUST_CHECK;
/* The name of the dot-file. Caller frees. */
char *manifest_file_staged(const char *name);

#endif
