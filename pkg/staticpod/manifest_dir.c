#include "staticpod/manifest_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

void manifest_dir_finish(struct manifest_dir *dir)
{
    for (size_t i = 0; i < dir->len; i++) {
        free(dir->list[i].name);
        free(dir->list[i].text);
    }
    free(dir->list);
    *dir = (struct manifest_dir){0};
}

/* The kubelet leaves out what begins with a dot, and nothing else. */
static int is_manifest_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* By bytes, as the kubelet sorts; alphasort() goes by the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Reads a little more than is allowed, so that a larger file is known by its length. */
static int read_text(int fd, const char *path, struct manifest_text *manifest, struct err *err)
{
    AUTO(buf) struct buf text = BUF_INIT(STATICPOD_TEXT_MAX + 65536);
    char piece[65536];
    while (text.len <= STATICPOD_TEXT_MAX) {
        ssize_t got = read(fd, piece, sizeof(piece));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, ERR_INVALID, errno, "cannot read %s", path);
        }
        if (got == 0) {
            break;
        }
        buf_append(&text, piece, (size_t)got);
    }
    manifest->len = text.len;
    manifest->text = buf_take(&text);
    return 0;
}

static int read_manifest(const char *path, struct manifest_text *manifest, struct err *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && (errno == ELOOP || errno == ENXIO)) {
        return 0; /* a symbolic link, a socket: text stays NULL */
    }
    if (fd < 0) {
        return err_set_errno(err, ERR_INVALID, errno, "cannot open %s", path);
    }
    int result = fstat(fd, &info) < 0
                     ? err_set_errno(err, ERR_INVALID, errno, "cannot look at %s", path)
                     : 0;
    if (result == 0 && S_ISREG(info.st_mode)) {
        result = read_text(fd, path, manifest, err);
    }
    close(fd);
    return result;
}

static int read_entry(const char *path, const char *name, struct manifest_dir *dir, struct err *err)
{
    AUTO_FREE char *file = xasprintf("%s/%s", path, name);
    struct manifest_text manifest = {0};
    struct err failure;
    if (read_manifest(file, &manifest, &failure) < 0) {
        if (failure.kind == ERR_NOT_FOUND) {
            return 0; /* gone since the directory was listed */
        }
        if (err != NULL) {
            *err = failure;
        }
        return -1;
    }
    manifest.name = xstrdup(name);
    dir->list[dir->len++] = manifest;
    return 0;
}

int manifest_dir_read(const char *path, struct manifest_dir *ret_dir, struct err *err)
{
    AUTO(manifest_dir) struct manifest_dir dir = {0};
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_manifest_name, compare_names);
    int result = count < 0 ? err_set_errno(err, ERR_INVALID, errno, "cannot read %s", path) : 0;
    dir.list = xcalloc(count > 0 ? (size_t)count : 1, sizeof(*dir.list));
    for (int i = 0; i < count; i++) {
        if (result == 0) {
            result = read_entry(path, entries[i]->d_name, &dir, err);
        }
        free(entries[i]);
    }
    free(entries);
    if (result == 0) {
        *ret_dir = dir;
        dir = (struct manifest_dir){0};
    }
    return result;
}
