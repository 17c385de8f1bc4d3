/*
 * The directory of static pods, read as the kubelet reads it.
 */
#ifndef STATICPOD_MANIFEST_DIR_H
#define STATICPOD_MANIFEST_DIR_H

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "staticpod/staticpod_find.h"

/* Owns the files' texts. */
struct manifest_dir {
    struct manifest_text *list; /* in the kubelet's order */
    size_t len;
};

/*
 * Of a file that is too large only a little more than STATICPOD_TEXT_MAX is read. ERR_NOT_FOUND:
 * the directory is not there; ERR_INVALID: it, or a file in it, can't be read.
 */
int manifest_dir_read(const char *path, struct manifest_dir *ret_dir, struct err *err) MUST_CHECK;
void manifest_dir_finish(struct manifest_dir *dir);
DEFINE_AUTO_FINISH(manifest_dir, struct manifest_dir, manifest_dir_finish)

#endif
