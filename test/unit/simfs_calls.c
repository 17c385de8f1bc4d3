/* The calls on a file system that forgets, as a table. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/simfs_nodes.h"
#include "unit/unit.h"

struct call {
    bool refused; /* fails without being done */
    bool lying;   /* done, and fails all the same */
};

static struct call begin(struct simfs *sim)
{
    long number = ++sim->calls;
    bool chosen =
        sim->fail_at != 0 && (sim->fail_forever ? number >= sim->fail_at : number == sim->fail_at);
    sim->ended = sim->ended || (sim->end_at != 0 && number >= sim->end_at);
    if (sim->ended) {
        errno = EIO;
        return (struct call){.refused = true};
    }
    if (chosen) {
        errno = sim->fail_errno;
    }
    return (struct call){.refused = chosen && !sim->fail_done, .lying = chosen && sim->fail_done};
}

static ssize_t end(struct simfs *sim, struct call call, ssize_t result)
{
    if (sim->observe != NULL && !sim->ended) {
        int saved = errno;
        sim->observe(sim->observe_arg);
        errno = saved;
    }
    if (call.lying) {
        errno = sim->fail_errno;
        return -1;
    }
    return result;
}

static int refuse(int number)
{
    errno = number;
    return -1;
}

static int new_fd(struct simfs *sim, int node)
{
    for (int i = 0; i < SIMFS_FDS; i++) {
        if (!sim->fds[i].used) {
            sim->fds[i] = (struct simfs_fd){.used = true, .node = node};
            return i + 1000; /* none that the kernel knows */
        }
    }
    ck_abort_msg("a descriptor is never closed");
    return -1;
}

static struct simfs_fd *fd_of(struct simfs *sim, int fd)
{
    unit_holds(fd >= 1000 && fd < 1000 + SIMFS_FDS && sim->fds[fd - 1000].used);
    return &sim->fds[fd - 1000];
}

static struct simfs_node *node_of(struct simfs *sim, int fd)
{
    return &sim->nodes[fd_of(sim, fd)->node];
}

static int do_open(struct simfs *sim, int dir, const char *name, int flags, mode_t mode)
{
    int parent = dir < 0 ? 0 : fd_of(sim, dir)->node;
    int node = dir < 0 ? simfs_resolve(sim, name, NULL, NULL) : simfs_lookup(sim, parent, name);
    if ((flags & O_CREAT) != 0) {
        if (node >= 0) {
            return refuse(EEXIST); /* nobody here makes one without O_EXCL */
        }
        node = simfs_new_node(sim, false, mode);
        simfs_make_entry(sim, parent, name)->now = node;
    }
    if (node < 0) {
        return refuse(ENOENT);
    }
    if ((flags & O_DIRECTORY) != 0 && !sim->nodes[node].is_dir) {
        return refuse(ENOTDIR);
    }
    return new_fd(sim, node);
}

static int sim_open(void *arg, int dir, const char *name, int flags, mode_t mode)
{
    struct call call = begin(arg);
    /* an open that failed and left a descriptor behind there is not */
    bool done = !call.refused && !(call.lying && (flags & O_CREAT) == 0);
    int fd = done ? do_open(arg, dir, name, flags, mode) : -1;
    if (fd >= 0 && call.lying) {
        fd_of(arg, fd)->used = false;
    }
    return (int)end(arg, call, fd);
}

static int sim_close(void *arg, int fd)
{
    struct call call = begin(arg);
    struct simfs *sim = arg;
    struct simfs_fd *it = fd_of(arg, fd);
    if (it->locks) {
        sim->nodes[it->node].locked = false;
    }
    it->used = false;
    return (int)end(arg, call, call.refused ? -1 : 0);
}

static ssize_t sim_pread(void *arg, int fd, void *data, size_t len, off_t at)
{
    struct call call = begin(arg);
    const struct simfs_data *now = &node_of(arg, fd)->now;
    size_t left = (size_t)at < now->len ? now->len - (size_t)at : 0;
    size_t got = len < left ? len : left;
    if (got != 0) {
        memcpy(data, now->bytes + at, got);
    }
    return end(arg, call, call.refused ? -1 : (ssize_t)got);
}

static ssize_t sim_write(void *arg, int fd, const void *data, size_t len)
{
    struct call call = begin(arg);
    struct simfs *sim = arg;
    if (call.refused) {
        return end(arg, call, -1);
    }
    struct simfs_fd *it = fd_of(arg, fd);
    struct simfs_node *node = node_of(arg, fd);
    size_t put = len < SIMFS_WRITE_MAX ? len : SIMFS_WRITE_MAX;
    node->now.bytes = xreallocarray(node->now.bytes, it->at + put + 1, 1);
    memcpy(node->now.bytes + it->at, data, put);
    if (!call.lying) { /* what a failed write wrote is written over by the next */
        it->at += put;
    }
    node->now.len = it->at;
    node->now.bytes[it->at] = '\0';
    node->ctime = ++sim->clock;
    return end(arg, call, (ssize_t)put);
}

static int sim_fsync(void *arg, int fd)
{
    struct call call = begin(arg);
    if (!call.refused) {
        struct simfs_node *node = node_of(arg, fd);
        simfs_data_copy(&node->disk, &node->now);
        for (int i = 0; i < SIMFS_ENTRIES; i++) {
            node->entries[i].disk = node->entries[i].now;
        }
        simfs_forget_entries(node);
    }
    return (int)end(arg, call, call.refused ? -1 : 0);
}

static int sim_fstat(void *arg, int fd, struct stat *ret_status)
{
    struct call call = begin(arg);
    const struct simfs_node *node = node_of(arg, fd);
    *ret_status = (struct stat){
        .st_dev = 1,
        .st_ino = (ino_t)fd_of(arg, fd)->node,
        .st_mode = (node->is_dir ? S_IFDIR : S_IFREG) | node->now.mode,
        .st_uid = node->now.uid,
        .st_gid = node->now.gid,
        .st_size = (off_t)node->now.len,
        .st_ctim = {.tv_sec = node->ctime},
    };
    return (int)end(arg, call, call.refused ? -1 : 0);
}

static int sim_fchmod(void *arg, int fd, mode_t mode)
{
    struct call call = begin(arg);
    if (!call.refused) {
        node_of(arg, fd)->now.mode = mode;
    }
    return (int)end(arg, call, call.refused ? -1 : 0);
}

static int sim_fchown(void *arg, int fd, uid_t uid, gid_t gid)
{
    struct call call = begin(arg);
    if (!call.refused) {
        node_of(arg, fd)->now.uid = uid;
        node_of(arg, fd)->now.gid = gid != (gid_t)-1 ? gid : 0;
    }
    return (int)end(arg, call, call.refused ? -1 : 0);
}

static ssize_t sim_get_label(void *arg, int fd, char *value, size_t size)
{
    struct call call = begin(arg);
    const char *label = node_of(arg, fd)->now.label;
    if (call.refused) {
        return end(arg, call, -1);
    }
    if (label == NULL) {
        return end(arg, call, refuse(ENODATA));
    }
    unit_holds(strlen(label) + 1 < size);
    memcpy(value, label, strlen(label) + 1);
    return end(arg, call, (ssize_t)strlen(label) + 1);
}

static int sim_set_label(void *arg, int fd, const char *value, size_t len)
{
    struct call call = begin(arg);
    if (!call.refused) {
        struct simfs_data *now = &node_of(arg, fd)->now;
        free(now->label);
        now->label = xstrndup(value, len);
    }
    return (int)end(arg, call, call.refused ? -1 : 0);
}

static int do_rename(struct simfs *sim, int parent, const char *from, const char *to)
{
    int node = simfs_lookup(sim, parent, from);
    if (node < 0) {
        return refuse(ENOENT);
    }
    simfs_make_entry(sim, parent, from)->now = -1;
    simfs_make_entry(sim, parent, to)->now = node;
    sim->nodes[node].ctime = ++sim->clock;
    simfs_forget_entries(&sim->nodes[parent]);
    return 0;
}

static int sim_rename(void *arg, int dir, const char *from, const char *to)
{
    struct call call = begin(arg);
    return (int)end(arg, call, call.refused ? -1 : do_rename(arg, fd_of(arg, dir)->node, from, to));
}

static int sim_unlink(void *arg, int dir, const char *name)
{
    struct call call = begin(arg);
    struct simfs *sim = arg;
    int parent = fd_of(arg, dir)->node;
    if (call.refused) {
        return (int)end(arg, call, -1);
    }
    if (simfs_lookup(arg, parent, name) < 0) {
        return (int)end(arg, call, refuse(ENOENT));
    }
    simfs_make_entry(arg, parent, name)->now = -1;
    simfs_forget_entries(&sim->nodes[parent]);
    return (int)end(arg, call, 0);
}

static int sim_mkdir(void *arg, int dir, const char *name, mode_t mode)
{
    struct call call = begin(arg);
    int parent = fd_of(arg, dir)->node;
    if (call.refused) {
        return (int)end(arg, call, -1);
    }
    if (simfs_lookup(arg, parent, name) >= 0) {
        return (int)end(arg, call, refuse(EEXIST));
    }
    simfs_make_entry(arg, parent, name)->now = simfs_new_node(arg, true, mode);
    return (int)end(arg, call, 0);
}

static int sim_lock(void *arg, int fd)
{
    struct call call = begin(arg);
    struct simfs_node *node = node_of(arg, fd);
    if (call.refused) {
        return (int)end(arg, call, -1);
    }
    if (node->locked) {
        return (int)end(arg, call, refuse(EWOULDBLOCK));
    }
    node->locked = !call.lying;
    fd_of(arg, fd)->locks = !call.lying;
    return (int)end(arg, call, 0);
}

static int sim_list(void *arg, int dir, void (*visit)(void *visit_arg, const char *name),
                    void *visit_arg)
{
    struct call call = begin(arg);
    if (!call.refused) {
        simfs_visit_names(node_of(arg, dir), visit, visit_arg);
    }
    return (int)end(arg, call, call.refused ? -1 : 0);
}

const struct file_ops simfs_ops = {
    .open = sim_open,
    .close = sim_close,
    .pread = sim_pread,
    .write = sim_write,
    .fsync = sim_fsync,
    .fstat = sim_fstat,
    .fchmod = sim_fchmod,
    .fchown = sim_fchown,
    .get_label = sim_get_label,
    .set_label = sim_set_label,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .mkdir = sim_mkdir,
    .lock = sim_lock,
    .list = sim_list,
};
