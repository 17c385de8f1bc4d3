#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "kube/config.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

START_TEST(whole_file_up_to_the_limit)
{
    char *dir = tempdir_create();
    AUTO_FREE char *path = tempdir_path(dir, "f");
    AUTO_FREE char *text = NULL;
    AUTO_FREE char *wanted = xasprintf("cannot read %s: larger than 4 bytes", path);
    size_t len = 0;
    struct err err = {0};
    tempdir_write(dir, "f", "12345");
    ck_assert_int_eq(kube_read_file(path, 4, &text, &len, &err), -1);
    ck_assert_str_eq(err.text, wanted);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_ptr_null(text);
    ck_assert_int_eq(kube_read_file(path, 5, &text, &len, &err), 0);
    ck_assert_str_eq(text, "12345");
    ck_assert_uint_eq(len, 5);
    tempdir_destroy(dir);
}
END_TEST

START_TEST(empty_file)
{
    char *dir = tempdir_create();
    AUTO_FREE char *path = tempdir_path(dir, "f");
    AUTO_FREE char *text = NULL;
    size_t len = 9;
    tempdir_write(dir, "f", "");
    ck_assert_int_eq(kube_read_file(path, 0, &text, &len, NULL), 0);
    ck_assert_str_eq(text, "");
    ck_assert_uint_eq(len, 0);
    tempdir_destroy(dir);
}
END_TEST

/* Larger than one read. */
START_TEST(large_file)
{
    char *dir = tempdir_create();
    AUTO_FREE char *path = tempdir_path(dir, "f");
    AUTO_FREE char *content = xcalloc(1, 100001);
    AUTO_FREE char *text = NULL;
    size_t len;
    for (size_t i = 0; i < 100000; i++) {
        content[i] = (char)('a' + i % 23);
    }
    tempdir_write(dir, "f", content);
    ck_assert_int_eq(kube_read_file(path, 1 << 20, &text, &len, NULL), 0);
    ck_assert_uint_eq(len, 100000);
    ck_assert_str_eq(text, content);
    tempdir_destroy(dir);
}
END_TEST

/* Nobody writes into the FIFO: it must not block either. */
START_TEST(only_regular_files)
{
    char *dir = tempdir_create();
    AUTO_FREE char *path = tempdir_path(dir, "fifo");
    AUTO_FREE char *wanted = xasprintf("cannot read %s: not a regular file", path);
    char *text = NULL;
    size_t len;
    struct err err = {0};
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(kube_read_file(path, 100, &text, &len, &err), -1);
    ck_assert_str_eq(err.text, wanted);
    ck_assert_int_eq(kube_read_file("/not/there", 100, &text, &len, &err), -1);
    ck_assert_int_eq(err.kind, ERR_NOT_FOUND);
    tempdir_destroy(dir);
}
END_TEST

static const struct {
    const char *text;
    const char *token;
} tokens[] = {
    {"abc", "abc"}, {" \r\n\tabc\n\n", "abc"}, {"a b", "a b"}, {"", NULL}, {"\n \n", NULL},
    {"a\nb", NULL}, {"a\x7f", NULL},
};

START_TEST(token)
{
    char *dir = tempdir_create();
    AUTO_FREE char *path = tempdir_path(dir, "f");
    AUTO_FREE char *got = NULL;
    tempdir_write(dir, "f", tokens[_i].text);
    ck_assert_int_eq(kube_read_token(path, &got, NULL), tokens[_i].token != NULL ? 0 : -1);
    ck_assert_pstr_eq(got, tokens[_i].token);
    tempdir_destroy(dir);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kube_file");
    TCase *all = tcase_create("kube_file");
    tcase_add_test(all, whole_file_up_to_the_limit);
    tcase_add_test(all, empty_file);
    tcase_add_test(all, large_file);
    tcase_add_test(all, only_regular_files);
    tcase_add_loop_test(all, token, 0, (int)ARRAY_LEN(tokens));
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
