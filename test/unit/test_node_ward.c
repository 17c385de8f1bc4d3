/* One manifest in the agent's care, on real files; nobody is asked anything. */
#include "node/ward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

#define FIXTURE "test/fixtures/kubeadm-1.37.2/kube-controller-manager.yaml"
#define NAME "kube-controller-manager.yaml"

struct bench {
    struct loop *loop;
    struct kube_config config;
    struct kube_client *client;
    struct files files;
    char *top;
    char *manifests;
    char *journals;
    struct ward ward;
    struct ward_asked asked;
    char *said; /* the last reason */
};

static void turn(void *arg)
{
    (void)arg;
}

static void happened(void *arg, bool warning, const char *reason, const char *message)
{
    struct bench *bench = arg;
    (void)warning;
    (void)message;
    xstr_replace(&bench->said, reason);
}

static void start(struct bench *bench)
{
    struct err err;
    static char server[] = "http://127.0.0.1:1";
    *bench = (struct bench){
        .loop = loop_create(),
        .config = {.server = server},
        .files = {.ops = &file_ops_kernel, .owner = geteuid()},
        .top = tempdir_create(),
        .asked = {.mode = MODE_ENFORCE,
                  .wanted = {.component = STATICPOD_CONTROLLER_MANAGER, .nodelifecycle_off = true},
                  .input = "nodelifecycle off",
                  .soak_ms = 1000},
    };
    ck_assert_int_eq(
        kube_client_create(bench->loop, &bench->config, "test", NULL, &bench->client, &err), 0);
    bench->manifests = tempdir_path(bench->top, "manifests");
    bench->journals = tempdir_path(bench->top, "journals");
    tempdir_copy(bench->top, "manifests/" NAME, FIXTURE);
    const struct ward_place place = {&bench->files, bench->manifests, bench->journals, "cp-1"};
    const struct ward_ops ops = {turn, happened, bench};
    ward_init(&bench->ward, bench->loop, bench->client, STATICPOD_CONTROLLER_MANAGER, &place, &ops);
}

static void finish(struct bench *bench)
{
    ward_finish(&bench->ward);
    kube_client_destroy(bench->client);
    loop_destroy(bench->loop);
    free(bench->manifests);
    free(bench->journals);
    free(bench->said);
    tempdir_destroy(bench->top);
}

static void look(struct bench *bench)
{
    AUTO(manifest_dir) struct manifest_dir dir = {0};
    struct err err;
    ck_assert_int_eq(manifest_dir_read(bench->manifests, &dir, &err), 0);
    ward_look(&bench->ward, &dir, NULL, &bench->asked);
}

static void expect(struct bench *bench, const struct precondition *verdict,
                   enum standing_state state, const char *reason, const char *text)
{
    AUTO(standing) struct standing standing = {0};
    ward_judge(&bench->ward, &bench->asked, verdict, &standing);
    ck_assert_str_eq(standing_word(standing.state), standing_word(state));
    ck_assert_str_eq(standing.reason, reason);
    ck_assert_msg(strstr(standing.message, text) != NULL, "%s", standing.message);
}

START_TEST(what_is_found_out)
{
    struct bench bench;
    start(&bench);
    look(&bench);
    ck_assert(bench.ward.present && bench.ward.assessment.differs);
    ck_assert_str_eq(bench.ward.facts.pod, "kube-controller-manager");
    ck_assert_str_eq(bench.ward.probe_url, "https://127.0.0.1:10257");
    ck_assert(ward_wants_change(&bench.ward, &bench.asked));
    bench.asked.mode = MODE_OBSERVE;
    look(&bench);
    ck_assert(!ward_wants_change(&bench.ward, &bench.asked));
    expect(&bench, NULL, STANDING_DRIFT, "Drift", "if enforced");
    AUTO(precondition) struct precondition held = {0};
    precondition_say(&held, PRECONDITION_HELD, true, "NoReplacement", "nobody %s", "is there");
    expect(&bench, &held, STANDING_DRIFT, "Drift", "held then: nobody is there");
    bench.asked.mode = MODE_IGNORE;
    look(&bench);
    expect(&bench, NULL, STANDING_IGNORED, "Ignored", "");
    bench.asked.mode = MODE_REVERT;
    look(&bench);
    expect(&bench, NULL, STANDING_REVERTED, "Reverted", "");
    finish(&bench);
}
END_TEST

START_TEST(held_then_written)
{
    struct bench bench;
    start(&bench);
    AUTO_FREE char *path = tempdir_path(bench.top, "manifests/" NAME);
    AUTO_FREE char *before = unit_read_file(path, NULL);
    AUTO(precondition) struct precondition held = {0};
    precondition_say(&held, PRECONDITION_HELD, true, "NoReplacement", "nobody %s", "is there");
    look(&bench);
    ward_turn(&bench.ward, &bench.asked, held.message, 1000);
    expect(&bench, &held, STANDING_HELD, "NoReplacement", "nobody is there");
    AUTO_FREE char *still = unit_read_file(path, NULL);
    ck_assert_str_eq(before, still);
    int64_t wake_ms = ward_turn(&bench.ward, &bench.asked, NULL, 2000);
    ck_assert_str_eq(bench.said, "Written");
    ck_assert_int_le(wake_ms, 2000 + 1000); /* it is asked again and again */
    ck_assert(ward_is_changing(&bench.ward));
    expect(&bench, &held, STANDING_CHANGING, "Verifying", "");
    AUTO_FREE char *after = unit_read_file(path, NULL);
    ck_assert_ptr_nonnull(strstr(after, "--controllers=-nodelifecycle,*"));
    /* nobody answers: at the end of its time it is put back, and not tried again */
    look(&bench);
    ward_turn(&bench.ward, &bench.asked, NULL, 2000 + bench.ward.facts.budget_ms + 1000);
    ck_assert_str_eq(bench.said, "RolledBack");
    AUTO_FREE char *back = unit_read_file(path, NULL);
    ck_assert_str_eq(before, back);
    look(&bench);
    ck_assert(!ward_wants_change(&bench.ward, &bench.asked));
    ward_turn(&bench.ward, &bench.asked, NULL, 1000000);
    expect(&bench, NULL, STANDING_ROLLED_BACK, "RolledBack", "tried again when");
    bench.asked.input = "nodelifecycle off, once more";
    ck_assert(ward_wants_change(&bench.ward, &bench.asked));
    finish(&bench);
}
END_TEST

START_TEST(bad_input)
{
    struct bench bench;
    start(&bench);
    AUTO_FREE char *path = tempdir_path(bench.top, "manifests/" NAME);
    AUTO_FREE char *elsewhere = tempdir_path(bench.top, "elsewhere");
    ck_assert_int_eq(rename(path, elsewhere), 0);
    look(&bench);
    expect(&bench, NULL, STANDING_NOT_APPLICABLE, "ManifestMissing", "no file in");
    ck_assert_int_eq(symlink(elsewhere, path), 0);
    look(&bench);
    ck_assert(!ward_wants_change(&bench.ward, &bench.asked));
    expect(&bench, NULL, STANDING_REFUSED, "Unreadable", NAME);
    unlink(path);
    tempdir_copy(bench.top, "manifests/" NAME, FIXTURE);
    tempdir_copy(bench.top, "manifests/z", FIXTURE);
    look(&bench);
    ck_assert(!ward_wants_change(&bench.ward, &bench.asked));
    expect(&bench, NULL, STANDING_REFUSED, "Unclear", "and z are both about");
    ward_look(&bench.ward, NULL, "the directory is away", &bench.asked);
    expect(&bench, NULL, STANDING_REFUSED, "Unclear", "the directory is away");
    AUTO_FREE char *large = xcalloc(WARD_TEXT_MAX + 2, 1);
    memset(large, '#', WARD_TEXT_MAX + 1);
    AUTO_FREE char *z = tempdir_path(bench.top, "manifests/z");
    unlink(z);
    tempdir_write(bench.top, "manifests/" NAME, large);
    AUTO(manifest_dir) struct manifest_dir dir = {0};
    struct err err;
    ck_assert_int_eq(manifest_dir_read(bench.manifests, &dir, &err), 0);
    free(take_ptr(dir.list[0].text)); /* as the agent does */
    ward_look(&bench.ward, &dir, NULL, &bench.asked);
    expect(&bench, NULL, STANDING_REFUSED, "Unreadable", "are left alone");
    finish(&bench);
}
END_TEST

START_TEST(another_name)
{
    struct bench bench;
    start(&bench);
    AUTO_FREE char *path = tempdir_path(bench.top, "manifests/" NAME);
    AUTO_FREE char *other = tempdir_path(bench.top, "manifests/10-manager");
    look(&bench);
    ck_assert_int_eq(rename(path, other), 0);
    look(&bench);
    ck_assert_str_eq(bench.ward.file, "10-manager");
    ck_assert(ward_wants_change(&bench.ward, &bench.asked));
    ward_turn(&bench.ward, &bench.asked, NULL, 1000);
    ck_assert_str_eq(bench.said, "Written");
    finish(&bench);
}
END_TEST

START_TEST(disk_that_fails)
{
    struct bench bench;
    start(&bench);
    AUTO_FREE char *path = tempdir_path(bench.top, "manifests/" NAME);
    AUTO_FREE char *journal = tempdir_path(bench.top, "journals/" NAME);
    AUTO_FREE char *away = tempdir_path(bench.top, "away");
    look(&bench);
    ck_assert_int_eq(rename(journal, away), 0);
    tempdir_destroy(away); /* what is open is there, and takes nothing more */
    away = NULL;
    AUTO_FREE char *before = unit_read_file(path, NULL);
    int64_t wake_ms = ward_turn(&bench.ward, &bench.asked, NULL, 1000);
    ck_assert_str_eq(bench.said, "JournalFailed");
    ck_assert_int_gt(wake_ms, 1000);
    ck_assert(ward_is_backing_off(&bench.ward, 1000));
    ck_assert(!ward_is_backing_off(&bench.ward, wake_ms));
    expect(&bench, NULL, STANDING_HELD, "Retrying", "");
    AUTO_FREE char *after = unit_read_file(path, NULL);
    ck_assert_str_eq(before, after);
    finish(&bench);
}
END_TEST

/* Another agent on the node has it. */
START_TEST(journal_in_use)
{
    struct bench bench;
    struct bench other;
    start(&bench);
    start(&other);
    look(&bench);
    other.ward.place.journals = bench.journals;
    look(&other);
    ck_assert(!ward_wants_change(&other.ward, &other.asked));
    ck_assert_int_eq(ward_turn(&other.ward, &other.asked, NULL, 1000), INT64_MAX);
    expect(&other, NULL, STANDING_REFUSED, "JournalUnusable", "");
    keeper_close(take_ptr(bench.ward.keeper)); /* it ends */
    look(&other);
    ck_assert(ward_wants_change(&other.ward, &other.asked));
    finish(&other);
    finish(&bench);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node ward");
    TCase *c = tcase_create("ward");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, what_is_found_out);
    tcase_add_test(c, held_then_written);
    tcase_add_test(c, bad_input);
    tcase_add_test(c, another_name);
    tcase_add_test(c, disk_that_fails);
    tcase_add_test(c, journal_in_use);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
