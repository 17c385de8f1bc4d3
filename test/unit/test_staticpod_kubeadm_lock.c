/* Is kubeadm at work? Over a /proc of files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "staticpod/kubeadm_lock.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

#define COMMAND(words) kubeadm_command(words, sizeof(words) - 1)

START_TEST(commands_that_write_manifests)
{
    ck_assert_str_eq(COMMAND("kubeadm\0upgrade\0apply\0v1.37.2\0"), "upgrade");
    ck_assert_str_eq(COMMAND("/usr/bin/kubeadm\0init\0phase\0control-plane\0all\0"), "init");
    ck_assert_str_eq(COMMAND("./kubeadm-v1.37.2\0--v\0"
                             "5\0join\0"),
                     "join");
    ck_assert_str_eq(COMMAND("kubeadm\0reset"), "reset"); /* no NUL at the end */
}
END_TEST

START_TEST(others_do_not_count)
{
    ck_assert_ptr_null(COMMAND("kubeadm\0version\0"));
    ck_assert_ptr_null(COMMAND("kubeadm\0token\0create\0"));
    ck_assert_ptr_null(COMMAND("kubeadmin\0upgrade\0"));
    ck_assert_ptr_null(COMMAND("grep\0kubeadm\0upgrade\0"));
    ck_assert_ptr_null(COMMAND("kubeadm\0"));
    ck_assert_ptr_null(COMMAND("kubeadm"));
    ck_assert_ptr_null(kubeadm_command("", 0)); /* a kernel thread */
    ck_assert_ptr_null(COMMAND("kubeadm\0upgrades\0"));
}
END_TEST

static void write_cmdline(const char *dir, const char *name, const char *bytes, size_t len)
{
    tempdir_write(dir, name, "");
    AUTO_FREE char *path = tempdir_path(dir, name);
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(processes_are_looked_through)
{
    static const char shell[] = "bash\0-c\0kubeadm upgrade\0";
    static const char upgrade[] = "kubeadm\0upgrade\0node\0";
    struct err err;
    char *dir = tempdir_create();
    char *what = NULL;
    write_cmdline(dir, "1/cmdline", shell, sizeof(shell) - 1);
    write_cmdline(dir, "self/cmdline", upgrade, sizeof(upgrade) - 1); /* not a number */
    tempdir_write(dir, "7/status", "ended while it is looked at");
    ck_assert_int_eq(kubeadm_find(dir, &what, &err), 0);
    ck_assert_ptr_null(what);
    write_cmdline(dir, "42/cmdline", upgrade, sizeof(upgrade) - 1);
    ck_assert_int_eq(kubeadm_find(dir, &what, &err), 0);
    ck_assert_str_eq(what, "kubeadm upgrade (process 42)");
    free(what);
    tempdir_destroy(dir);
    ck_assert_int_eq(kubeadm_find("/nowhere", &what, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot look for kubeadm in /nowhere"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("kubeadm lock");
    TCase *c = tcase_create("kubeadm lock");
    tcase_add_test(c, commands_that_write_manifests);
    tcase_add_test(c, others_do_not_count);
    tcase_add_test(c, processes_are_looked_through);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
