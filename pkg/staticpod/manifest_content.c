#include "staticpod/manifest_content.h"

#include <string.h>

#include "base/alloc.h"

struct manifest_content *manifest_content_create(const char *bytes, size_t len,
                                                 const struct manifest_content *like)
{
    struct manifest_content *content = xcalloc(1, sizeof(*content));
    content->bytes = xcalloc(len + 1, 1);
    if (len != 0) {
        memcpy(content->bytes, bytes, len);
    }
    content->len = len;
    content->mode = like->mode;
    content->uid = like->uid;
    content->gid = like->gid;
    content->label = xstrdup(like->label);
    sha256_hex(content->bytes, len, content->digest);
    return content;
}

struct manifest_content *manifest_content_copy(const struct manifest_content *content)
{
    return content != NULL ? manifest_content_create(content->bytes, content->len, content) : NULL;
}

void manifest_content_finish(struct manifest_content *content)
{
    free(content->bytes);
    free(content->label);
    *content = (struct manifest_content){0};
}

void manifest_content_destroy(struct manifest_content *content)
{
    if (content != NULL) {
        manifest_content_finish(content);
        free(content);
    }
}

bool manifest_content_same(const struct manifest_content *a, const struct manifest_content *b)
{
    return a != NULL && b != NULL && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}
