/*
 * Tells that something changed in a directory, by inotify on the loop.
 *
 * A hint, nothing more: what changed is to be looked at, and to be looked at from time to time
 * without a hint too, as not every file system and not every mount tells. A directory that is not
 * there, goes away or is another one than before is taken up by dir_watch_renew().
 */
#ifndef NODE_DIR_WATCH_H
#define NODE_DIR_WATCH_H

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "loop/loop.h"

struct dir_watch;

/* `path` is copied. `changed` runs on the loop, once for what came together. Fails (ERR_RETRY)
 * where the kernel has no more inotify instances. */
int dir_watch_create(struct loop *loop, const char *path, void (*changed)(void *arg), void *arg,
                     struct dir_watch **ret_watch, struct err *err) MUST_CHECK;
void dir_watch_destroy(struct dir_watch *watch);
DEFINE_AUTO_DESTROY(dir_watch, struct dir_watch, dir_watch_destroy)
/* Watches what is at the path now; ERR_NOT_FOUND: nothing. Cheap when that is watched already. */
int dir_watch_renew(struct dir_watch *watch, struct err *err);

#endif
