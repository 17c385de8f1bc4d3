/*
 * What a manifest file is: its bytes, and what a replacement must keep of the file. Pure.
 *
 * The bytes are owned, NUL-terminated behind `len`, and any bytes: nothing here knows YAML.
 */
#ifndef STATICPOD_MANIFEST_CONTENT_H
#define STATICPOD_MANIFEST_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "staticpod/sha256.h"

struct manifest_content {
    char *bytes;
    size_t len;
    mode_t mode; /* permission bits only */
    uid_t uid;
    gid_t gid;
    char *label;                  /* SELinux context; NULL: the file has none */
    char digest[SHA256_HEX_SIZE]; /* of the bytes */
};

/* Bytes of one's own, with the mode, owner and label of `like`. Everything is copied. */
struct manifest_content *manifest_content_create(const char *bytes, size_t len,
                                                 const struct manifest_content *like);
/* NULL gives NULL. */
struct manifest_content *manifest_content_copy(const struct manifest_content *content);
/* An embedded one: frees what it owns. */
void manifest_content_finish(struct manifest_content *content);
void manifest_content_destroy(struct manifest_content *content);
DEFINE_AUTO_DESTROY(manifest_content, struct manifest_content, manifest_content_destroy)

/* The same bytes; mode and owner do not count. One that is NULL is the same as none. */
bool manifest_content_same(const struct manifest_content *a, const struct manifest_content *b);

#endif
