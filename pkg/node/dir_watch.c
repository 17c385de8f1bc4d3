#include "node/dir_watch.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/alloc.h"

struct dir_watch {
    char *path;
    int fd;
    int id; /* of the directory; -1: none is watched */
    struct loop_io *io;
    void (*changed)(void *arg);
    void *arg;
};

enum {
    EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB |
             IN_DELETE_SELF | IN_MOVE_SELF
};

/* The directory is not at its path any more, or not watched. */
static void forget(struct dir_watch *watch)
{
    if (watch->id >= 0) {
        inotify_rm_watch(watch->fd, watch->id); /* fails when the kernel has removed it already */
        watch->id = -1;
    }
}

static void take(struct dir_watch *watch, const struct inotify_event *event)
{
    if (event->wd == watch->id &&
        (event->mask & (uint32_t)(IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) {
        forget(watch);
    }
}

static void ready(void *arg, int fd, int events)
{
    struct dir_watch *watch = arg;
    alignas(struct inotify_event) char data[4096];
    ssize_t len;
    (void)events;
    while ((len = read(fd, data, sizeof(data))) > 0) {
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const void *)(data + at);
            take(watch, event);
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
    watch->changed(watch->arg);
}

int dir_watch_create(struct loop *loop, const char *path, void (*changed)(void *arg), void *arg,
                     struct dir_watch **ret_watch, struct err *err)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
        return err_set_errno(err, ERR_RETRY, errno, "cannot watch %s", path);
    }
    struct dir_watch *watch = xcalloc(1, sizeof(*watch));
    *watch = (struct dir_watch){
        .path = xstrdup(path), .fd = fd, .id = -1, .changed = changed, .arg = arg};
    watch->io = loop_io_create(loop, fd, LOOP_READ, ready, watch);
    *ret_watch = watch;
    return 0;
}

void dir_watch_destroy(struct dir_watch *watch)
{
    if (watch != NULL) {
        loop_io_destroy(watch->io);
        close(watch->fd);
        free(watch->path);
        free(watch);
    }
}

int dir_watch_renew(struct dir_watch *watch, struct err *err)
{
    /* the same directory has the same id; another one gets another */
    int id = inotify_add_watch(watch->fd, watch->path, EVENTS | IN_ONLYDIR);
    if (id < 0) {
        int why = errno;
        forget(watch);
        return err_set_errno(err, ERR_RETRY, why, "cannot watch %s", watch->path);
    }
    if (id != watch->id) {
        forget(watch);
        watch->id = id;
    }
    return 0;
}
