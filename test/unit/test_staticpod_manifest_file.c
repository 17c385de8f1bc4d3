/* Replacing a manifest in a real directory, and all that may stand in its place. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "staticpod/manifest_file.h"
#include "unit/staticpod_rig.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

static struct files disk;
static char *top;
static char *dir;
static char *path;
static struct manifest_seen seen;
static struct err err;

static void start(void)
{
    disk = (struct files){.ops = &file_ops_kernel, .owner = geteuid()};
    top = tempdir_create();
    dir = tempdir_path(top, "manifests");
    path = tempdir_path(dir, RIG_NAME);
    tempdir_write(top, "manifests/" RIG_NAME, "old");
    seen = (struct manifest_seen){0};
    err = (struct err){0};
}

static void finish(void)
{
    manifest_seen_finish(&seen);
    free(path);
    free(dir);
    tempdir_destroy(top);
}

static void look(void)
{
    manifest_seen_finish(&seen);
    ck_assert_msg(manifest_file_read(&disk, dir, RIG_NAME, &seen, &err) == 0, "%s", err.text);
}

static void expect_unread(enum err_kind kind, const char *text)
{
    struct manifest_seen none;
    ck_assert_int_eq(manifest_file_read(&disk, dir, RIG_NAME, &none, &err), -1);
    ck_assert_int_eq(err.kind, kind);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

static int replace(const char *text)
{
    AUTO(manifest_content)
    struct manifest_content *content = manifest_content_create(text, strlen(text), seen.content);
    return manifest_file_replace(&disk, dir, RIG_NAME, &seen, content, &err);
}

static void expect_text(const char *text)
{
    AUTO_FREE char *got = unit_read_file(path, NULL);
    ck_assert_str_eq(got, text);
}

static void expect_no_staged(void)
{
    AUTO_FREE char *staged = tempdir_path(dir, RIG_STAGED);
    struct stat status;
    ck_assert(lstat(staged, &status) < 0 && errno == ENOENT);
}

START_TEST(mode_and_owner_are_kept)
{
    struct stat before;
    struct stat after;
    ck_assert_int_eq(chmod(path, 0604), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(path, 0, 12345), 0);
    }
    ck_assert_int_eq(stat(path, &before), 0);
    look();
    ck_assert_str_eq(seen.content->bytes, "old");
    ck_assert_int_eq(replace("new"), 0);
    expect_text("new");
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_eq(after.st_mode, before.st_mode);
    ck_assert_uint_eq(after.st_uid, before.st_uid);
    ck_assert_uint_eq(after.st_gid, before.st_gid);
    ck_assert_uint_ne(after.st_ino, before.st_ino); /* another file: never in place */
    expect_no_staged();
}
END_TEST

/* Where the file system takes one; the file system in memory always does. */
START_TEST(label_is_kept)
{
    static const char label[] = "system_u:object_r:etc_t:s0";
    char got[64] = "";
    if (setxattr(path, "security.selinux", label, sizeof(label), 0) < 0) {
        ck_assert(errno == EPERM || errno == ENOTSUP || errno == EACCES || errno == EINVAL);
        return;
    }
    look();
    ck_assert_str_eq(seen.content->label, label);
    ck_assert_int_eq(replace("new"), 0);
    ck_assert_int_eq(getxattr(path, "security.selinux", got, sizeof(got)), (ssize_t)sizeof(label));
    ck_assert_str_eq(got, label);
}
END_TEST

START_TEST(symbolic_links)
{
    AUTO_FREE char *target = tempdir_path(top, "elsewhere");
    ck_assert_int_eq(rename(path, target), 0);
    ck_assert_int_eq(symlink(target, path), 0);
    expect_unread(ERR_INVALID, RIG_NAME " is a symbolic link");
}
END_TEST

START_TEST(directories)
{
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    expect_unread(ERR_INVALID, RIG_NAME " is a directory");
}
END_TEST

START_TEST(fifos_are_not_waited_for)
{
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_unread(ERR_INVALID, RIG_NAME " is not a regular file");
}
END_TEST

START_TEST(files_of_others)
{
    disk.owner = geteuid() + 1;
    expect_unread(ERR_INVALID, "belongs to user");
}
END_TEST

START_TEST(large_files)
{
    ck_assert_int_eq(truncate(path, MANIFEST_SIZE_MAX), 0);
    look();
    ck_assert_uint_eq(seen.content->len, MANIFEST_SIZE_MAX);
    ck_assert_int_eq(truncate(path, MANIFEST_SIZE_MAX + 1), 0);
    expect_unread(ERR_INVALID, "larger than 10485760 bytes");
}
END_TEST

START_TEST(missing_file_and_directory)
{
    look();
    ck_assert_int_eq(unlink(path), 0);
    expect_unread(ERR_NOT_FOUND, "is not there");
    ck_assert_int_eq(replace("new"), -1);
    ck_assert_int_eq(err.kind, ERR_CONFLICT);
    expect_no_staged();
    ck_assert_int_eq(rmdir(dir), 0);
    expect_unread(ERR_RETRY, "cannot open the directory");
    ck_assert_int_eq(replace("new"), -1);
    ck_assert_int_eq(err.kind, ERR_RETRY);
    ck_assert_int_eq(mkdir(dir, 0755), 0); /* for finish() */
}
END_TEST

/* --- changed between the look and the rename --- */

static void change_bytes(void)
{
    tempdir_write(top, "manifests/" RIG_NAME, "other");
}

static void write_the_same_anew(void)
{
    AUTO_FREE char *other = tempdir_path(dir, ".other");
    tempdir_write(top, "manifests/.other", "old");
    ck_assert_int_eq(rename(other, path), 0);
}

static void change_mode(void)
{
    ck_assert_int_eq(chmod(path, 0400), 0);
}

static void put_a_link(void)
{
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("/dev/null", path), 0);
}

static void remove_it(void)
{
    ck_assert_int_eq(unlink(path), 0);
}

static void (*change)(void);

/* As the kernel's, with somebody else at work as soon as the new file is synced. */
static int fsync_then_change(void *arg, int fd)
{
    int result = file_ops_kernel.fsync(arg, fd);
    if (change != NULL) {
        change();
        change = NULL;
    }
    return result;
}

START_TEST(changed_in_the_meantime)
{
    static void (*const changes[])(void) = {change_bytes, write_the_same_anew, change_mode,
                                            put_a_link, remove_it};
    struct file_ops ops = file_ops_kernel;
    struct stat after = {0};
    ops.fsync = fsync_then_change;
    disk.ops = &ops;
    look();
    change = changes[_i];
    ck_assert_int_eq(replace("new"), -1);
    ck_assert_int_eq(err.kind, ERR_CONFLICT);
    ck_assert(change == NULL);
    expect_no_staged();
    if (changes[_i] == remove_it) {
        ck_assert(lstat(path, &after) < 0 && errno == ENOENT);
        return;
    }
    ck_assert_int_eq(lstat(path, &after), 0);
    ck_assert(changes[_i] == put_a_link ? S_ISLNK(after.st_mode) : S_ISREG(after.st_mode));
    if (changes[_i] == change_bytes) {
        expect_text("other");
    }
}
END_TEST

/* --- what a crash left --- */

START_TEST(leftovers_are_swept)
{
    tempdir_write(top, "manifests/" RIG_STAGED, "half a ma");
    tempdir_write(top, "manifests/.of-another", "stays");
    ck_assert_int_eq(manifest_file_sweep(&disk, dir, RIG_NAME, &err), 0);
    expect_no_staged();
    AUTO_FREE char *other = tempdir_path(dir, ".of-another");
    ck_assert_int_eq(access(other, F_OK), 0);
    ck_assert_int_eq(manifest_file_sweep(&disk, dir, RIG_NAME, &err), 0); /* none is fine */
    expect_text("old");
}
END_TEST

START_TEST(leftover_is_not_followed)
{
    AUTO_FREE char *staged = tempdir_path(dir, RIG_STAGED);
    AUTO_FREE char *victim = tempdir_path(top, "victim");
    tempdir_write(top, "victim", "precious");
    ck_assert_int_eq(symlink(victim, staged), 0);
    look();
    ck_assert_int_eq(replace("new"), 0);
    expect_text("new");
    AUTO_FREE char *text = unit_read_file(victim, NULL);
    ck_assert_str_eq(text, "precious");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("staticpod manifest file");
    TCase *c = tcase_create("file");
    tcase_add_checked_fixture(c, start, finish);
    tcase_add_test(c, mode_and_owner_are_kept);
    tcase_add_test(c, label_is_kept);
    tcase_add_test(c, symbolic_links);
    tcase_add_test(c, directories);
    tcase_add_test(c, fifos_are_not_waited_for);
    tcase_add_test(c, files_of_others);
    tcase_add_test(c, large_files);
    tcase_add_test(c, missing_file_and_directory);
    tcase_add_loop_test(c, changed_in_the_meantime, 0, 5);
    tcase_add_test(c, leftovers_are_swept);
    tcase_add_test(c, leftover_is_not_followed);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
