/* Hints of what changes in a directory, on real files. */
#include "node/dir_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

struct bench {
    struct loop *loop;
    char *top;
    char *dir;
    struct dir_watch *watch;
    struct loop_timer *limit;
    int hints;
    bool late;
};

static void changed(void *arg)
{
    struct bench *bench = arg;
    bench->hints++;
}

static void too_late(void *arg)
{
    struct bench *bench = arg;
    bench->late = true;
}

static void start(struct bench *bench)
{
    struct err err;
    *bench = (struct bench){.loop = loop_create(), .top = tempdir_create()};
    bench->dir = tempdir_path(bench->top, "manifests");
    bench->limit = loop_timer_create(bench->loop, too_late, bench);
    loop_timer_arm(bench->limit, 60000);
    tempdir_write(bench->top, "manifests/a.yaml", "a\n");
    ck_assert_int_eq(dir_watch_create(bench->loop, bench->dir, changed, bench, &bench->watch, &err),
                     0);
    ck_assert_int_eq(dir_watch_renew(bench->watch, &err), 0);
}

static void finish(struct bench *bench)
{
    dir_watch_destroy(bench->watch);
    loop_timer_destroy(bench->limit);
    loop_destroy(bench->loop);
    free(bench->dir);
    tempdir_destroy(bench->top);
}

static void expect_hint(struct bench *bench)
{
    while (bench->hints == 0 && !bench->late) {
        loop_run_once(bench->loop);
    }
    ck_assert(!bench->late);
    bench->hints = 0;
}

START_TEST(files_come_change_and_go)
{
    struct bench bench;
    struct err err;
    start(&bench);
    tempdir_write(bench.top, "manifests/b.yaml", "b\n");
    expect_hint(&bench);
    AUTO_FREE char *from = tempdir_path(bench.top, "manifests/b.yaml");
    AUTO_FREE char *to = tempdir_path(bench.top, "manifests/a.yaml");
    ck_assert_int_eq(rename(from, to), 0);
    expect_hint(&bench);
    ck_assert_int_eq(dir_watch_renew(bench.watch, &err), 0); /* it is watched already */
    ck_assert_int_eq(unlink(to), 0);
    expect_hint(&bench);
    finish(&bench);
}
END_TEST

START_TEST(directory_is_replaced)
{
    struct bench bench;
    struct err err;
    start(&bench);
    AUTO_FREE char *away = tempdir_path(bench.top, "away");
    ck_assert_int_eq(rename(bench.dir, away), 0);
    expect_hint(&bench);
    ck_assert_int_eq(dir_watch_renew(bench.watch, &err), -1);
    ck_assert_int_eq(err.kind, ERR_NOT_FOUND);
    tempdir_write(bench.top, "manifests/c.yaml", "c\n");
    ck_assert_int_eq(dir_watch_renew(bench.watch, &err), 0);
    tempdir_write(bench.top, "away/a.yaml", "of the other\n");
    tempdir_write(bench.top, "manifests/c.yaml", "changed\n");
    expect_hint(&bench);
    finish(&bench);
}
END_TEST

START_TEST(another_directory_without_a_hint)
{
    struct bench bench;
    struct err err;
    start(&bench);
    AUTO_FREE char *away = tempdir_path(bench.top, "away");
    ck_assert_int_eq(rename(bench.dir, away), 0);
    tempdir_write(bench.top, "manifests/c.yaml", "c\n");
    ck_assert_int_eq(dir_watch_renew(bench.watch, &err), 0); /* before the loop has run */
    expect_hint(&bench);
    ck_assert_int_eq(dir_watch_renew(bench.watch, &err), 0);
    bench.hints = 0;
    tempdir_write(bench.top, "manifests/d.yaml", "d\n");
    expect_hint(&bench);
    finish(&bench);
}
END_TEST

START_TEST(no_directory)
{
    struct bench bench;
    struct err err;
    start(&bench);
    dir_watch_destroy(bench.watch);
    AUTO_FREE char *file = tempdir_path(bench.top, "manifests/a.yaml");
    ck_assert_int_eq(dir_watch_create(bench.loop, file, changed, &bench, &bench.watch, &err), 0);
    ck_assert_int_eq(dir_watch_renew(bench.watch, &err), -1);
    ck_assert_int_eq(err.kind, ERR_RETRY);
    finish(&bench);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node dir_watch");
    TCase *c = tcase_create("dir_watch");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, files_come_change_and_go);
    tcase_add_test(c, directory_is_replaced);
    tcase_add_test(c, another_directory_without_a_hint);
    tcase_add_test(c, no_directory);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
