#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "loop/loop.h"
#include "loop/private.h"

/*
 * The child leads a process group of its own, so that killing it takes its children along. Its
 * end is noticed without reaping it (WNOWAIT): until its output is closed too, the pid stays
 * reserved and a kill can't hit a stranger.
 */
struct loop_child {
    struct loop *loop;
    pid_t pid;  /* 0 once reaped */
    int output; /* read end of the pipe, -1 once closed */
    bool ended;
    bool finished; /* `done` was called, or the owner has given it up */
    int64_t deadline_ms;
    struct loop_io *io;
    struct loop_timer *timer;
    struct loop_signal *sigchld;
    struct buf collected;
    void (*done)(void *arg, const struct loop_child_result *result);
    void *arg;
    struct loop_child *next_orphan;
};

static void stop_reading(struct loop_child *child)
{
    loop_io_destroy(child->io);
    child->io = NULL;
    if (child->output >= 0) {
        close(child->output);
        child->output = -1;
    }
}

static void child_free(struct loop_child *child)
{
    stop_reading(child);
    loop_timer_destroy(child->timer);
    loop_signal_destroy(child->sigchld);
    buf_finish(&child->collected);
    free(child);
}

/* True when the child is reaped; never waits. */
static bool child_reap(struct loop_child *child, int *ret_status)
{
    if (child->pid != 0 && waitpid(child->pid, ret_status, WNOHANG) != 0) {
        child->pid = 0;
    }
    return child->pid == 0;
}

/* The owner may destroy the child in `done`. */
static void report(struct loop_child *child, int status, const struct err *err)
{
    child->finished = true;
    loop_timer_disarm(child->timer);
    stop_reading(child);
    child->done(child->arg, &(struct loop_child_result){
                                .exit_status = status,
                                .output = buf_str(&child->collected),
                                .output_len = child->collected.len,
                                .err = err,
                            });
}

static void finish_if_over(struct loop_child *child)
{
    int status = 0;
    if (!child->finished && child->ended && child->output < 0 && child_reap(child, &status)) {
        report(child, status, NULL);
    }
}

static void fail(struct loop_child *child, const struct err *err)
{
    kill(-child->pid, SIGKILL);
    report(child, 0, err);
}

static void deadline_passed(void *arg)
{
    struct loop_child *child = arg;
    struct err err;
    err_set(&err, ERR_RETRY, "not finished after %lld ms, killed", (long long)child->deadline_ms);
    fail(child, &err);
}

static void output_ready(void *arg, int fd, int events)
{
    (void)events;
    struct loop_child *child = arg;
    char piece[16384];
    ssize_t got = read(fd, piece, sizeof(piece));
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        stop_reading(child);
        finish_if_over(child);
        return;
    }
    if (buf_append(&child->collected, piece, (size_t)got) < 0) {
        struct err err;
        err_set(&err, ERR_INVALID, "more than %zu bytes of output, killed", child->collected.limit);
        fail(child, &err);
    }
}

static void orphan_free(struct loop_child *child)
{
    struct loop_child **slot = &child->loop->orphans;
    while (*slot != child) {
        slot = &(*slot)->next_orphan;
    }
    *slot = child->next_orphan;
    child_free(child);
}

static void orphan_ended(void *arg, int signum)
{
    (void)signum;
    struct loop_child *child = arg;
    int status;
    if (child_reap(child, &status)) {
        orphan_free(child);
    }
}

static void some_child_ended(void *arg, int signum)
{
    (void)signum;
    struct loop_child *child = arg;
    int status;
    if (child->finished) {
        child_reap(child, &status);
        return;
    }
    siginfo_t info = {0};
    if (child->ended || waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
        info.si_pid == 0) {
        return;
    }
    child->ended = true;
    finish_if_over(child);
}

static int spawn_with(char *const argv[], char *const envp[], int output, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigset_t mask;
    sigemptyset(&mask);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* the loop ignores it, which an exec would hand on */
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &mask);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETPGROUP);
    int failed =
        posix_spawnp(ret_pid, argv[0], &actions, &attributes, argv, envp != NULL ? envp : environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failed;
}

int loop_child_spawn(struct loop *loop, char *const argv[], char *const envp[], int64_t deadline_ms,
                     size_t output_limit,
                     void (*done)(void *arg, const struct loop_child_result *result), void *arg,
                     struct loop_child **ret_child, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        return err_set_errno(err, ERR_RETRY, errno, "cannot run %s: pipe", argv[0]);
    }
    struct loop_child *child = xcalloc(1, sizeof(*child));
    child->loop = loop;
    child->output = ends[0];
    child->deadline_ms = deadline_ms;
    child->done = done;
    child->arg = arg;
    buf_init(&child->collected, output_limit);
    /* Before the child exists: its end can't be missed. */
    child->sigchld = loop_signal_create(loop, SIGCHLD, some_child_ended, child);
    fcntl(ends[1], F_SETFL, 0);
    int failed = spawn_with(argv, envp, ends[1], &child->pid);
    close(ends[1]);
    if (failed != 0) {
        child_free(child);
        return err_set_errno(err, failed == EAGAIN ? ERR_RETRY : ERR_INVALID, failed,
                             "cannot run %s", argv[0]);
    }
    child->io = loop_io_create(loop, ends[0], LOOP_READ, output_ready, child);
    child->timer = loop_timer_create(loop, deadline_passed, child);
    loop_timer_arm(child->timer, deadline_ms);
    *ret_child = child;
    return 0;
}

void loop_child_destroy(struct loop_child *child)
{
    if (child == NULL) {
        return;
    }
    int status;
    if (child->pid != 0 && !child->finished) {
        kill(-child->pid, SIGKILL);
    }
    if (child_reap(child, &status)) {
        child_free(child);
        return;
    }
    child->finished = true;
    loop_timer_disarm(child->timer);
    stop_reading(child);
    loop_signal_destroy(child->sigchld);
    child->sigchld = loop_signal_create(child->loop, SIGCHLD, orphan_ended, child);
    child->next_orphan = child->loop->orphans;
    child->loop->orphans = child;
}

void loop_child_finish_orphans(struct loop *loop)
{
    while (loop->orphans != NULL) {
        struct loop_child *child = loop->orphans;
        int status;
        child_reap(child, &status);
        loop->orphans = child->next_orphan;
        child_free(child);
    }
}
