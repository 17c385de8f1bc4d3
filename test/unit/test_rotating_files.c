#include "kube/rotating_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

#define FIXTURES "test/fixtures/kubeconfig/"

/* What a check came to, in one word. */
enum outcome {
    NONE = ROTATION_NONE,
    SETTLING = ROTATION_SETTLING,
    DONE = ROTATION_DONE,
    UNUSABLE,
};

static enum outcome check(struct rotating_files *files)
{
    enum rotation rotation;
    struct err err = {0};
    if (rotating_files_check(files, &rotation, &err) < 0) {
        ck_assert_str_ne(err.text, "");
        return UNUSABLE;
    }
    return (enum outcome)rotation;
}

/* One write, then the check: fixture names, NULL: leave as it is, "": remove, '@': this text. */
struct step {
    const char *first;
    const char *second;
    enum outcome wanted;
    const char *in_force; /* fixture whose text `current[0]` is after it */
};

static void put(const char *dir, const char *name, const char *content)
{
    AUTO_FREE char *path = tempdir_path(dir, name);
    if (content == NULL) {
        return;
    }
    if (*content == '\0') {
        ck_assert_int_eq(remove(path), 0);
    } else if (*content == '@') {
        tempdir_write(dir, name, content + 1);
    } else {
        AUTO_FREE char *from = xasprintf(FIXTURES "%s", content);
        tempdir_copy(dir, name, from);
    }
}

static void run(const char *dir, struct rotating_files *files, const struct step *steps,
                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *from = xasprintf(FIXTURES "%s", steps[i].in_force);
        AUTO_FREE char *text = unit_read_file(from, NULL);
        put(dir, "first", steps[i].first);
        put(dir, "second", steps[i].second);
        ck_assert_msg(check(files) == steps[i].wanted, "step %zu", i);
        ck_assert_msg(strcmp(files->current[0], text) == 0, "step %zu: not in force", i);
    }
}

#define CUT "@-----BEGIN CERTIFICATE-----\nMIIB\n"

START_TEST(ca_is_taken_over_when_it_is_whole_and_settled)
{
    static const struct step steps[] = {
        {"ca.crt", NULL, NONE, "ca.crt"},
        {"", NULL, UNUSABLE, "ca.crt"},
        {CUT, NULL, UNUSABLE, "ca.crt"},
        {"@\n", NULL, UNUSABLE, "ca.crt"},
        {"ca.crt", NULL, NONE, "ca.crt"},
        {"ca-next.crt", NULL, SETTLING, "ca.crt"},
        {CUT, NULL, UNUSABLE, "ca.crt"},
        {"ca-next.crt", NULL, SETTLING, "ca.crt"}, /* what was seen before the cut is forgotten */
        {"client-ec.crt", NULL, SETTLING, "ca.crt"},
        {"ca.crt", NULL, NONE, "ca.crt"},
        {"client-ec.crt", NULL, SETTLING, "ca.crt"},
        {"ca-next.crt", NULL, SETTLING, "ca.crt"},
        {NULL, NULL, DONE, "ca-next.crt"},
        {NULL, NULL, NONE, "ca-next.crt"},
    };
    char *dir = tempdir_create();
    AUTO_FREE char *path = tempdir_path(dir, "first");
    AUTO_FREE char *ca = unit_read_file(FIXTURES "ca.crt", NULL);
    struct rotating_files files;
    rotating_files_init_ca(&files, path, ca);
    run(dir, &files, steps, ARRAY_LEN(steps));
    rotating_files_finish(&files);
    tempdir_destroy(dir);
}
END_TEST

START_TEST(pair_is_taken_over_together)
{
    static const struct step steps[] = {
        {"client-ec.crt", "client-ec.key", NONE, "client-ec.crt"},
        {"client-rsa.crt", NULL, UNUSABLE, "client-ec.crt"}, /* the key is yet to come */
        {NULL, "client-rsa.key", SETTLING, "client-ec.crt"},
        {NULL, NULL, DONE, "client-rsa.crt"},
        {NULL, "client-rsa-pkcs1.key", SETTLING, "client-rsa.crt"}, /* the same key, rewritten */
        {NULL, NULL, DONE, "client-rsa.crt"},
        {NULL, "", UNUSABLE, "client-rsa.crt"},
        {NULL, CUT, UNUSABLE, "client-rsa.crt"},
        {"client-sec1.crt", "client-sec1.key", SETTLING, "client-rsa.crt"},
        {"client-ec.crt", NULL, UNUSABLE, "client-rsa.crt"},
        {"client-sec1.crt", NULL, SETTLING, "client-rsa.crt"},
        {NULL, NULL, DONE, "client-sec1.crt"},
    };
    char *dir = tempdir_create();
    AUTO_FREE char *first = tempdir_path(dir, "first");
    AUTO_FREE char *second = tempdir_path(dir, "second");
    AUTO_FREE char *cert = unit_read_file(FIXTURES "client-ec.crt", NULL);
    AUTO_FREE char *key = unit_read_file(FIXTURES "client-ec.key", NULL);
    struct rotating_files files;
    rotating_files_init_pair(&files, first, second, cert, key);
    run(dir, &files, steps, ARRAY_LEN(steps));
    AUTO_FREE char *wanted = unit_read_file(FIXTURES "client-sec1.key", NULL);
    ck_assert_str_eq(files.current[1], wanted);
    rotating_files_finish(&files);
    tempdir_destroy(dir);
}
END_TEST

START_TEST(without_files_nothing_changes)
{
    struct rotating_files files;
    rotating_files_init_ca(&files, NULL, "fixed");
    ck_assert_int_eq(check(&files), NONE);
    ck_assert_str_eq(files.current[0], "fixed");
    rotating_files_finish(&files);
    rotating_files_init_pair(&files, NULL, NULL, NULL, NULL);
    ck_assert_int_eq(check(&files), NONE);
    ck_assert_ptr_null(files.current[0]);
    rotating_files_finish(&files);
}
END_TEST

START_TEST(errors_name_the_file)
{
    char *dir = tempdir_create();
    AUTO_FREE char *path = tempdir_path(dir, "first");
    AUTO_FREE char *wanted = xasprintf("%s: holds no PEM certificate", path);
    struct rotating_files files;
    enum rotation rotation;
    struct err err = {0};
    tempdir_write(dir, "first", "words\n");
    rotating_files_init_ca(&files, path, "x");
    ck_assert_int_eq(rotating_files_check(&files, &rotation, &err), -1);
    ck_assert_str_eq(err.text, wanted);
    rotating_files_finish(&files);
    tempdir_destroy(dir);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("rotating_files");
    TCase *all = tcase_create("rotating_files");
    tcase_add_test(all, ca_is_taken_over_when_it_is_whole_and_settled);
    tcase_add_test(all, pair_is_taken_over_together);
    tcase_add_test(all, without_files_nothing_changes);
    tcase_add_test(all, errors_name_the_file);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
