/*
 * The agent is killed with SIGKILL at each call of the transaction, on a real directory; the next
 * one comes to the end all the same.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "unit/staticpod_rig.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

/* --- the kernel's calls, one of which is the last --- */

static long calls;
static long last_call; /* 0: none */

static void count_call(void)
{
    if (++calls == last_call) {
        kill(getpid(), SIGKILL);
    }
}

static int killed_open(void *arg, int dir, const char *name, int flags, mode_t mode)
{
    count_call();
    return file_ops_kernel.open(arg, dir, name, flags, mode);
}

static ssize_t killed_write(void *arg, int fd, const void *data, size_t len)
{
    count_call();
    /* in pieces, so that there is a moment at which half of it is there */
    return file_ops_kernel.write(arg, fd, data, len > 300 ? 300 : len);
}

/* The disk is not waited for: a killed process leaves what the kernel has, synced or not. */
static int killed_fsync(void *arg, int fd)
{
    (void)arg;
    (void)fd;
    count_call();
    return 0;
}

static int killed_fchmod(void *arg, int fd, mode_t mode)
{
    count_call();
    return file_ops_kernel.fchmod(arg, fd, mode);
}

static int killed_fchown(void *arg, int fd, uid_t uid, gid_t gid)
{
    count_call();
    return file_ops_kernel.fchown(arg, fd, uid, gid);
}

static int killed_rename(void *arg, int dir, const char *from, const char *to)
{
    count_call();
    return file_ops_kernel.rename(arg, dir, from, to);
}

static int killed_unlink(void *arg, int dir, const char *name)
{
    count_call();
    return file_ops_kernel.unlink(arg, dir, name);
}

static int killed_mkdir(void *arg, int dir, const char *name, mode_t mode)
{
    count_call();
    return file_ops_kernel.mkdir(arg, dir, name, mode);
}

static struct file_ops killed_ops(void)
{
    struct file_ops ops = file_ops_kernel;
    ops.open = killed_open;
    ops.write = killed_write;
    ops.fsync = killed_fsync;
    ops.fchmod = killed_fchmod;
    ops.fchown = killed_fchown;
    ops.rename = killed_rename;
    ops.unlink = killed_unlink;
    ops.mkdir = killed_mkdir;
    return ops;
}

/* --- the node --- */

struct node {
    char *dir;
    char *manifests;
    char *journals;
    char *path;
    char *old_text;
    char *wanted;
    struct file_ops ops;
};

static char *peek(void *arg)
{
    const struct node *node = arg;
    return unit_read_file(node->path, NULL);
}

static void node_start(struct node *node, const char *word)
{
    node->dir = tempdir_create();
    node->manifests = tempdir_path(node->dir, "manifests");
    node->journals = tempdir_path(node->dir, "journals");
    node->path = tempdir_path(node->manifests, RIG_NAME);
    node->old_text = staticpod_rig_manifest("old");
    node->wanted = staticpod_rig_manifest(word);
    node->ops = killed_ops();
    tempdir_write(node->dir, "manifests/" RIG_NAME, node->old_text);
    ck_assert_int_eq(chmod(node->path, 0640), 0);
}

static void node_finish(struct node *node)
{
    tempdir_destroy(node->dir);
    free(node->manifests);
    free(node->journals);
    free(node->path);
    free(node->old_text);
    free(node->wanted);
}

static void agent_init(struct staticpod_rig *rig, struct node *node)
{
    staticpod_rig_init(rig, &node->ops, NULL);
    rig->manifests = node->manifests;
    rig->journals = node->journals;
    rig->peek = peek;
    rig->arg = node;
    staticpod_rig_want(rig, node->wanted);
}

/* An agent in a process of its own; false: it was not killed. */
static bool run_killed(struct node *node, long at)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct staticpod_rig rig;
        calls = 0;
        last_call = at;
        agent_init(&rig, node);
        staticpod_rig_settle(&rig, NULL);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    ck_assert(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return killed;
}

static void check_whole(const struct node *node)
{
    struct stat status;
    AUTO_FREE char *text = unit_read_file(node->path, NULL);
    unit_holds(strcmp(text, node->old_text) == 0 || strcmp(text, node->wanted) == 0);
    unit_holds(stat(node->path, &status) == 0 && (status.st_mode & 07777) == 0640);
}

static void check_end(struct node *node, bool good)
{
    struct staticpod_rig rig;
    AUTO_FREE char *staged = tempdir_path(node->manifests, RIG_STAGED);
    last_call = 0;
    agent_init(&rig, node);
    staticpod_rig_settle(&rig, NULL);
    check_whole(node);
    AUTO_FREE char *text = unit_read_file(node->path, NULL);
    unit_holds(strcmp(text, good ? node->wanted : node->old_text) == 0);
    unit_holds(keeper_journal(rig.keeper)->phase == JOURNAL_IDLE);
    unit_holds((keeper_journal(rig.keeper)->latch.wanted[0] == '\0') == good);
    unit_holds(access(staged, F_OK) < 0);
    staticpod_rig_finish(&rig);
}

START_TEST(killed_at_every_call)
{
    bool good = _i == 0;
    bool killed = true;
    long at = 0;
    while (killed) {
        struct node node;
        node_start(&node, good ? "new" : "broken");
        killed = run_killed(&node, ++at);
        check_whole(&node);
        check_end(&node, good);
        node_finish(&node);
    }
    ck_assert_int_gt(at, 50);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("staticpod kill");
    TCase *c = tcase_create("kill");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, killed_at_every_call, 0, 2);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
