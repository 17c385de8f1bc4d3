#include "staticpod/journal_store.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "staticpod/file_io.h"
#include "staticpod/manifest_file.h"

#define HEADER "journal.json"
#define STAGED ".new"

struct journal_store {
    const struct files *files;
    char *name;
    char *path; /* for messages */
    int dir;
};

/* --- opening --- */

/* Makes a directory and has the disk know it. */
static int make_dir(const struct files *files, int parent, const char *name, struct err *err)
{
    if (files->ops->mkdir(files->arg, parent, name, 0700) < 0 && errno != EEXIST) {
        return err_set(err, ERR_RETRY, "cannot make the directory %s: %s", name, strerror(errno));
    }
    return file_sync(files, parent, "the directory above", err);
}

/* Who may write there decides what is put back as root. */
static int check_dir(const struct files *files, int dir, const char *path, struct err *err)
{
    struct stat status;
    if (files->ops->fstat(files->arg, dir, &status) < 0) {
        return err_set(err, ERR_RETRY, "cannot look at %s: %s", path, strerror(errno));
    }
    if (status.st_uid != files->owner || (status.st_mode & 022) != 0) {
        return err_set(err, ERR_INVALID, "others than user %lu may write to %s",
                       (unsigned long)files->owner, path);
    }
    return 0;
}

static int enter(const struct files *files, int parent, const char *name, int *ret_dir,
                 struct err *err)
{
    int dir;
    if (make_dir(files, parent, name, err) < 0 ||
        file_open_dir(files, parent, name, &dir, err) < 0) {
        return -1;
    }
    if (check_dir(files, dir, name, err) < 0) {
        file_close(files, dir);
        return -1;
    }
    *ret_dir = dir;
    return 0;
}

static int lock(struct journal_store *store, struct err *err)
{
    if (store->files->ops->lock(store->files->arg, store->dir) < 0) {
        return err_set(err, errno == EWOULDBLOCK ? ERR_CONFLICT : ERR_RETRY, "cannot lock: %s",
                       errno == EWOULDBLOCK ? "another process works with it" : strerror(errno));
    }
    return 0;
}

/* BASE's last part and what is above it. */
static void split(const char *base, char **ret_above, char **ret_last)
{
    size_t len = strlen(base);
    while (len > 1 && base[len - 1] == '/') {
        len--;
    }
    size_t last = len;
    while (last > 0 && base[last - 1] != '/') {
        last--;
    }
    *ret_above = last > 0 ? xstrndup(base, last) : xstrdup(".");
    *ret_last = xstrndup(base + last, len - last);
}

static int open_dirs(struct journal_store *store, const char *base, struct err *err)
{
    const struct files *files = store->files;
    AUTO_FREE char *above = NULL;
    AUTO_FREE char *last = NULL;
    int top;
    int middle;
    split(base, &above, &last);
    if (file_open_dir(files, -1, above, &top, err) < 0) {
        return -1;
    }
    int result = enter(files, top, last, &middle, err);
    file_close(files, top);
    if (result == 0) {
        result = enter(files, middle, store->name, &store->dir, err);
        file_close(files, middle);
    }
    return result;
}

int journal_store_open(const struct files *files, const char *base, const char *name,
                       struct journal_store **ret_store, struct err *err)
{
    struct err failure;
    struct journal_store *store = xcalloc(1, sizeof(*store));
    store->files = files;
    store->name = xstrdup(name);
    store->path = xasprintf("%s/%s", base, name);
    store->dir = -1;
    if (open_dirs(store, base, &failure) < 0 || lock(store, &failure) < 0) {
        err_wrap(&failure, "cannot keep a journal in %s", store->path);
        journal_store_close(store);
        if (err != NULL) {
            *err = failure;
        }
        return -1;
    }
    *ret_store = store;
    return 0;
}

void journal_store_close(struct journal_store *store)
{
    if (store != NULL) {
        if (store->dir >= 0) {
            file_close(store->files, store->dir);
        }
        free(store->name);
        free(store->path);
        free(store);
    }
}

/* --- what is not needed any more --- */

static void remember(void *arg, const char *name)
{
    size_t len = strlen(name);
    size_t tail = strlen(STAGED);
    bool left_over = len > tail && strcmp(name + len - tail, STAGED) == 0;
    if (left_over || journal_is_digest(name)) {
        strmap_set(arg, name, NULL);
    }
}

static void forget(struct strmap *names, const struct manifest_content *content)
{
    if (content != NULL) {
        strmap_remove(names, content->digest);
    }
}

/* A failure leaves more than is needed, which the next one removes. */
static void sweep(struct journal_store *store, const struct journal *journal)
{
    AUTO(strmap) struct strmap names = STRMAP_INIT(NULL);
    if (store->files->ops->list(store->files->arg, store->dir, remember, &names) < 0) {
        return;
    }
    forget(&names, journal->original);
    forget(&names, journal->previous);
    forget(&names, journal->written);
    for (size_t i = 0; i < names.len; i++) {
        file_discard(store->files, store->dir, names.entries[i].key);
    }
}

/* --- reading --- */

/* The file of that digest, if it is whole. */
static int read_bytes(struct journal_store *store, const char *digest,
                      struct manifest_content **ret_content, struct err *err)
{
    struct file_read got;
    if (file_read(store->files, store->dir, digest, MANIFEST_SIZE_MAX, &got, err) < 0) {
        return -1;
    }
    if (strcmp(got.content->digest, digest) != 0) {
        manifest_content_destroy(got.content);
        return err_set(err, ERR_INVALID, "damaged: %s is not what its name says", digest);
    }
    *ret_content = got.content;
    return 0;
}

/* Gives a content of which digest and length are known its bytes. */
static int fill(struct journal_store *store, struct manifest_content *content, struct err *err)
{
    AUTO(manifest_content) struct manifest_content *got = NULL;
    if (content == NULL) {
        return 0;
    }
    if (read_bytes(store, content->digest, &got, err) < 0) {
        if (err->kind == ERR_NOT_FOUND) {
            err->kind = ERR_INVALID; /* the journal is there and a part of it is not */
        }
        return -1;
    }
    if (got->len != content->len) {
        return err_set(err, ERR_INVALID, "damaged: the length of %s", content->digest);
    }
    content->bytes = take_ptr(got->bytes);
    return 0;
}

static int load(struct journal_store *store, struct journal *ret_journal, struct err *err)
{
    AUTO(journal) struct journal journal = {0};
    struct file_read header;
    if (file_read(store->files, store->dir, HEADER, JOURNAL_TEXT_MAX, &header, err) < 0) {
        if (err->kind != ERR_NOT_FOUND) {
            return -1;
        }
        *ret_journal = (struct journal){0};
        return 0;
    }
    int result =
        journal_decode(header.content->bytes, header.content->len, store->name, &journal, err);
    manifest_content_destroy(header.content);
    if (result < 0 || fill(store, journal.original, err) < 0 ||
        fill(store, journal.previous, err) < 0 || fill(store, journal.written, err) < 0) {
        return -1;
    }
    *ret_journal = journal;
    journal = (struct journal){0};
    return 0;
}

int journal_store_load(struct journal_store *store, struct journal *ret_journal, struct err *err)
{
    struct err failure;
    /* what a killed process renamed may be seen and not be on the disk: a power cut would bring
     * back the journal before, and what that names would be swept away */
    if (file_sync(store->files, store->dir, "the directory", &failure) < 0 ||
        load(store, ret_journal, &failure) < 0) {
        if (err != NULL) {
            *err = failure;
        }
        return err_wrap(err, "journal %s/%s", store->path, HEADER);
    }
    sweep(store, ret_journal); /* what a crash left */
    return 0;
}

/* --- writing --- */

static int write_file(struct journal_store *store, const char *name, const char *bytes, size_t len,
                      struct err *err)
{
    AUTO_FREE char *staged = xasprintf("%s%s", name, STAGED);
    struct manifest_content like = {
        .mode = 0600, .uid = store->files->owner, .gid = (gid_t)-1 /* as it comes */};
    AUTO(manifest_content)
    struct manifest_content *content = manifest_content_create(bytes, len, &like);
    if (file_stage(store->files, store->dir, staged, content, err) < 0) {
        return -1;
    }
    return file_publish(store->files, store->dir, staged, name, err);
}

/* What is there whole already stays. */
static int put(struct journal_store *store, const struct manifest_content *content, struct err *err)
{
    AUTO(manifest_content) struct manifest_content *there = NULL;
    if (content == NULL || read_bytes(store, content->digest, &there, NULL) == 0) {
        return 0;
    }
    return write_file(store, content->digest, content->bytes, content->len, err);
}

int journal_store_save(struct journal_store *store, const struct journal *journal, struct err *err)
{
    AUTO_FREE char *text = journal_encode(journal, store->name);
    if (put(store, journal->original, err) < 0 || put(store, journal->previous, err) < 0 ||
        put(store, journal->written, err) < 0 ||
        /* bytes that were there may have been put there by a save that could not sync them */
        file_sync(store->files, store->dir, "the directory", err) < 0 ||
        write_file(store, HEADER, text, strlen(text), err) < 0) {
        return err_wrap(err, "cannot write the journal %s/%s", store->path, HEADER);
    }
    sweep(store, journal);
    return 0;
}
