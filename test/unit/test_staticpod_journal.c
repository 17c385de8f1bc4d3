/* The journal as text, and on a disk. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "staticpod/journal_store.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

#define NAME "kube-apiserver.yaml"
#define DIGEST "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* of "abc" */

static struct manifest_content *content_of(const char *text)
{
    struct manifest_content like = {.mode = 0600, .uid = 3, .gid = 4, .label = NULL};
    return manifest_content_create(text, strlen(text), &like);
}

static struct journal make_journal(void)
{
    struct journal journal = {
        .phase = JOURNAL_PENDING,
        .original = content_of("original"),
        .previous = content_of("abc"),
        .written = content_of("written\n"),
        .restarts = true,
        .hash_before = xstrdup("hash"),
        .input = xstrdup("v1 \"quoted\""),
        .budget_ms = 240000,
        .soak_ms = 30000,
        .resumed = 2,
    };
    journal.written->label = xstrdup("system_u:object_r:etc_t:s0");
    memcpy(journal.applied, DIGEST, sizeof(DIGEST));
    journal_set_latch(&journal, DIGEST, "v0", "not healthy");
    return journal;
}

static void expect_content(const struct manifest_content *got, const struct manifest_content *want)
{
    ck_assert_str_eq(got->digest, want->digest);
    ck_assert_uint_eq(got->len, want->len);
    ck_assert_uint_eq(got->mode, want->mode);
    ck_assert_uint_eq(got->uid, want->uid);
    ck_assert_uint_eq(got->gid, want->gid);
    ck_assert((got->label == NULL) == (want->label == NULL));
    ck_assert(got->label == NULL || strcmp(got->label, want->label) == 0);
}

static void expect_journal(const struct journal *got, const struct journal *want)
{
    ck_assert_int_eq(got->phase, want->phase);
    expect_content(got->original, want->original);
    expect_content(got->previous, want->previous);
    expect_content(got->written, want->written);
    ck_assert_str_eq(got->applied, want->applied);
    ck_assert_str_eq(got->latch.wanted, want->latch.wanted);
    ck_assert_str_eq(got->latch.input, want->latch.input);
    ck_assert_str_eq(got->latch.why, want->latch.why);
    ck_assert_str_eq(got->hash_before, want->hash_before);
    ck_assert_str_eq(got->input, want->input);
    ck_assert(got->restarts == want->restarts && got->revert == want->revert);
    ck_assert_int_eq(got->budget_ms, want->budget_ms);
    ck_assert_int_eq(got->soak_ms, want->soak_ms);
    ck_assert_int_eq(got->resumed, want->resumed);
}

START_TEST(digests_are_sha256)
{
    static const struct {
        size_t len; /* of letters a */
        const char *digest;
    } table[] = {
        {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
        {56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
        {64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
        {1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    char got[SHA256_HEX_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        AUTO_FREE char *text = xmalloc(table[i].len + 1);
        memset(text, 'a', table[i].len);
        sha256_hex(text, table[i].len, got);
        ck_assert_str_eq(got, table[i].digest);
    }
    sha256_hex("abc", 3, got);
    ck_assert_str_eq(got, DIGEST);
}
END_TEST

START_TEST(text_and_back)
{
    struct journal journal = make_journal();
    struct journal back;
    struct err err;
    char *text = journal_encode(&journal, NAME);
    ck_assert_int_eq(journal_decode(text, strlen(text), NAME, &back, &err), 0);
    expect_journal(&back, &journal);
    ck_assert_ptr_null(back.original->bytes);
    journal_end_change(&journal);
    journal_finish(&back);
    free(text);
    text = journal_encode(&journal, NAME);
    ck_assert_int_eq(journal_decode(text, strlen(text), NAME, &back, &err), 0);
    ck_assert_int_eq(back.phase, JOURNAL_IDLE);
    ck_assert(back.previous == NULL && back.written == NULL && back.hash_before == NULL);
    ck_assert_ptr_nonnull(back.original);
    journal_finish(&back);
    journal_finish(&journal);
    free(text);
}
END_TEST

START_TEST(damage_is_refused)
{
    struct journal journal = make_journal();
    char *text = journal_encode(&journal, NAME);
    size_t len = strlen(text);
    for (size_t at = 0; at < len; at++) {
        struct journal back;
        struct err err = {0};
        char saved = text[at];
        if (at + 1 < len) { /* without the newline at the end it is whole */
            unit_holds(journal_decode(text, at, NAME, &back, &err) < 0);
            unit_holds(err.kind == ERR_INVALID);
        }
        text[at] = saved == 'x' ? 'y' : 'x';
        unit_holds(journal_decode(text, len, NAME, &back, &err) < 0);
        unit_holds(err.kind == ERR_INVALID);
        text[at] = saved;
    }
    journal_finish(&journal);
    free(text);
}
END_TEST

static void expect_refused(const char *text, const char *why)
{
    struct journal back;
    struct err err;
    ck_assert_int_eq(journal_decode(text, strlen(text), NAME, &back, &err), -1);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
}

START_TEST(what_else_is_refused)
{
    struct journal journal = {0};
    char *other = journal_encode(&journal, "other.yaml");
    expect_refused(other, "about another manifest: other.yaml");
    expect_refused("", "damaged");
    expect_refused("{}", "version 0");
    expect_refused("{\"version\": 2, \"sha256\": \"\"}", "version 2");
    expect_refused("{\"version\": 1, \"journal\": [], \"sha256\": \"\"}", "checksum");
    free(other);
}
END_TEST

/* --- on a disk --- */

static struct files disk;
static char *dir;
static char *base;

static void start(void)
{
    disk = (struct files){.ops = &file_ops_kernel, .owner = geteuid()};
    dir = tempdir_create();
    base = tempdir_path(dir, "lib/");
}

static void finish(void)
{
    free(base);
    tempdir_destroy(dir);
}

static struct journal_store *open_store(void)
{
    struct journal_store *store = NULL;
    struct err err;
    ck_assert_msg(journal_store_open(&disk, base, NAME, &store, &err) == 0, "%s", err.text);
    return store;
}

static void expect_damaged(const char *why)
{
    AUTO(journal_store) struct journal_store *store = open_store();
    struct journal back;
    struct err err;
    ck_assert_int_eq(journal_store_load(store, &back, &err), -1);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
}

static void save(const struct journal *journal)
{
    AUTO(journal_store) struct journal_store *store = open_store();
    struct err err;
    ck_assert_msg(journal_store_save(store, journal, &err) == 0, "%s", err.text);
}

START_TEST(saved_and_loaded)
{
    struct journal journal = make_journal();
    struct journal back;
    struct err err;
    struct stat status;
    struct journal_store *store = open_store();
    ck_assert_int_eq(journal_store_load(store, &back, &err), 0);
    ck_assert(back.phase == JOURNAL_IDLE && back.original == NULL);
    ck_assert_int_eq(journal_store_save(store, &journal, &err), 0);
    journal_store_close(store);
    store = open_store();
    ck_assert_int_eq(journal_store_load(store, &back, &err), 0);
    expect_journal(&back, &journal);
    ck_assert_str_eq(back.original->bytes, "original");
    ck_assert_str_eq(back.previous->bytes, "abc");
    ck_assert_str_eq(back.written->bytes, "written\n");
    AUTO_FREE char *bytes = tempdir_path(base, NAME "/" DIGEST);
    ck_assert_int_eq(stat(bytes, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    journal_end_change(&journal);
    ck_assert_int_eq(journal_store_save(store, &journal, &err), 0);
    ck_assert_int_eq(stat(bytes, &status), -1); /* none names it any more */
    journal_store_close(store);
    journal_finish(&back);
    journal_finish(&journal);
}
END_TEST

START_TEST(damage_on_the_disk_is_said)
{
    struct journal journal = make_journal();
    save(&journal);
    AUTO_FREE char *bytes = tempdir_path(base, NAME "/" DIGEST);
    tempdir_write(base, NAME "/" DIGEST, "abd");
    expect_damaged("is not what its name says");
    ck_assert_int_eq(unlink(bytes), 0);
    expect_damaged(DIGEST " is not there");
    ck_assert_int_eq(symlink("/dev/null", bytes), 0);
    expect_damaged("symbolic link");
    ck_assert_int_eq(unlink(bytes), 0);
    save(&journal); /* what is missing is written again */
    tempdir_write(base, NAME "/journal.json", "{");
    expect_damaged("/journal.json: damaged: ");
    journal_finish(&journal);
}
END_TEST

START_TEST(one_process_at_a_time)
{
    struct journal_store *second = NULL;
    struct err err;
    struct journal_store *store = open_store();
    ck_assert_int_eq(journal_store_open(&disk, base, NAME, &second, &err), -1);
    ck_assert_int_eq(err.kind, ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.text, "another process works with it"));
    journal_store_close(store);
    journal_store_close(open_store());
}
END_TEST

START_TEST(directories_that_others_write_to)
{
    struct journal_store *store = NULL;
    struct err err;
    ck_assert_int_eq(mkdir(base, 0700), 0);
    ck_assert_int_eq(chmod(base, 0777), 0);
    ck_assert_int_eq(journal_store_open(&disk, base, NAME, &store, &err), -1);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "may write to lib"));
    AUTO_FREE char *deep = tempdir_path(dir, "not/there");
    ck_assert_int_eq(journal_store_open(&disk, deep, NAME, &store, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot open the directory"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("staticpod journal");
    TCase *text = tcase_create("text");
    tcase_add_test(text, digests_are_sha256);
    tcase_add_test(text, text_and_back);
    tcase_add_test(text, damage_is_refused);
    tcase_add_test(text, what_else_is_refused);
    suite_add_tcase(s, text);
    TCase *on_disk = tcase_create("disk");
    tcase_add_checked_fixture(on_disk, start, finish);
    tcase_add_test(on_disk, saved_and_loaded);
    tcase_add_test(on_disk, damage_on_the_disk_is_said);
    tcase_add_test(on_disk, one_process_at_a_time);
    tcase_add_test(on_disk, directories_that_others_write_to);
    suite_add_tcase(s, on_disk);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
