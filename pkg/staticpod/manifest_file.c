#include "staticpod/manifest_file.h"

#include "base/alloc.h"
#include "staticpod/file_io.h"

void manifest_seen_finish(struct manifest_seen *seen)
{
    manifest_content_destroy(seen->content);
    *seen = (struct manifest_seen){0};
}

char *manifest_file_staged(const char *name)
{
    return xasprintf(".%s.yurt-steward", name);
}

static int look(const struct files *files, int dir, const char *name,
                struct manifest_seen *ret_seen, struct err *err)
{
    struct file_read got;
    if (file_read(files, dir, name, MANIFEST_SIZE_MAX, &got, err) < 0) {
        return -1;
    }
    *ret_seen = (struct manifest_seen){
        .content = got.content,
        .dev = got.status.st_dev,
        .ino = got.status.st_ino,
        .ctime = got.status.st_ctim,
    };
    return 0;
}

int manifest_file_read(const struct files *files, const char *dir, const char *name,
                       struct manifest_seen *ret_seen, struct err *err)
{
    int fd;
    if (file_open_dir(files, -1, dir, &fd, err) < 0) {
        return -1;
    }
    int result = look(files, fd, name, ret_seen, err);
    file_close(files, fd);
    return result;
}

/* The times as well as what they stand for: a clock's tick is long for two writes. */
static bool is_unchanged(const struct manifest_seen *a, const struct manifest_seen *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->ctime.tv_sec == b->ctime.tv_sec &&
           a->ctime.tv_nsec == b->ctime.tv_nsec && a->content->mode == b->content->mode &&
           a->content->uid == b->content->uid && a->content->gid == b->content->gid &&
           manifest_content_same(a->content, b->content);
}

static int check_unchanged(const struct files *files, int dir, const char *name,
                           const struct manifest_seen *seen, struct err *err)
{
    AUTO(manifest_seen) struct manifest_seen now = {0};
    if (look(files, dir, name, &now, err) < 0) {
        if (err->kind != ERR_RETRY) { /* it is gone, or something else: changed all the same */
            err->kind = ERR_CONFLICT;
        }
        return -1;
    }
    if (!is_unchanged(&now, seen)) {
        return err_set(err, ERR_CONFLICT, "%s has changed in the meantime", name);
    }
    return 0;
}

static int replace(const struct files *files, int dir, const char *name,
                   const struct manifest_seen *seen, const struct manifest_content *content,
                   struct err *err)
{
    AUTO_FREE char *staged = manifest_file_staged(name);
    if (file_stage(files, dir, staged, content, err) < 0) {
        return -1;
    }
    if (check_unchanged(files, dir, name, seen, err) < 0) {
        file_discard(files, dir, staged);
        return -1;
    }
    return file_publish(files, dir, staged, name, err);
}

int manifest_file_replace(const struct files *files, const char *dir, const char *name,
                          const struct manifest_seen *seen, const struct manifest_content *content,
                          struct err *err)
{
    struct err failure;
    int fd;
    if (file_open_dir(files, -1, dir, &fd, err) < 0) {
        return -1;
    }
    int result = replace(files, fd, name, seen, content, &failure);
    file_close(files, fd);
    if (result < 0 && err != NULL) {
        *err = failure;
    }
    return result;
}

int manifest_file_sweep(const struct files *files, const char *dir, const char *name,
                        struct err *err)
{
    AUTO_FREE char *staged = manifest_file_staged(name);
    int fd;
    if (file_open_dir(files, -1, dir, &fd, err) < 0) {
        return -1;
    }
    int result = file_remove(files, fd, staged, err);
    file_close(files, fd);
    return result;
}

int manifest_file_sync(const struct files *files, const char *dir, struct err *err)
{
    int fd;
    if (file_open_dir(files, -1, dir, &fd, err) < 0) {
        return -1;
    }
    int result = file_sync(files, fd, dir, err);
    file_close(files, fd);
    return result;
}
