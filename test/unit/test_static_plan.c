/* Plans for a directory of manifests: which files count, what is shown, and what is refused. */
#include "app/static_plan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/show.h"
#include "base/alloc.h"
#include "base/attr.h"
#include "unit/tempdir.h"
#include "unit/unit.h"
#include "json/json.h"

#define FIXTURES "test/fixtures/kubeadm-1.37.2/"
#define GOLDEN "test/golden/staticpod/"
#define POD "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - command: "

static char *dir;

static void setup(void)
{
    dir = tempdir_create();
}

static void teardown(void)
{
    tempdir_destroy(dir);
}

static char *show(struct static_plan_wish wish, int *ret_status)
{
    char *text = NULL;
    size_t len = 0;
    struct err err;
    FILE *out = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(out);
    wish.dir = dir;
    ck_assert_msg(static_plan_show(out, &wish, ret_status, &err) == 0, "%s", err.text);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static void check_shown(struct static_plan_wish wish, int status, const char *says)
{
    int got;
    AUTO_FREE char *text = show(wish, &got);
    ck_assert_msg(strstr(text, says) != NULL, "no \"%s\" in:\n%s", says, text);
    ck_assert_int_eq(got, status);
}

static void copy_manifests(void)
{
    tempdir_copy(dir, "kube-controller-manager.yaml", FIXTURES "kube-controller-manager.yaml");
    tempdir_copy(dir, "kube-apiserver.yaml", FIXTURES "kube-apiserver.yaml");
    tempdir_write(dir, "etcd.yaml", POD "[etcd, --name=kube-apiserver]\n");
    tempdir_write(dir, ".kube-apiserver.yaml.new", "no manifest: [");
}

START_TEST(shows_diffs)
{
    int status;
    copy_manifests();
    AUTO_FREE char *text = show((struct static_plan_wish){.nameserver = "10.10.0.53"}, &status);
    unit_golden(GOLDEN "plan.txt", text);
    ck_assert_int_eq(status, SHOW_SOMETHING);
}
END_TEST

START_TEST(shows_json)
{
    int status;
    copy_manifests();
    AUTO_FREE char *text = show((struct static_plan_wish){.json = true}, &status);
    AUTO(json) struct json_object *json = NULL;
    ck_assert_int_eq(json_parse(text, strlen(text), &json, NULL), 0);
    ck_assert_uint_eq(json_array_len(json_get(json, "actions")), 2);
    ck_assert_str_eq(json_get_str(json, "actions/1/adjustment"), "kube-apiserver");
    ck_assert_str_eq(json_get_str(json, "actions/1/target/file"), "kube-apiserver.yaml");
    ck_assert_uint_eq(json_array_len(json_get(json, "actions/1/changes")), 1);
    ck_assert_ptr_nonnull(
        strstr(json_get_str(json, "actions/0/diff"), "+    - --controllers=-node"));
    ck_assert_uint_eq(json_array_len(json_get(json, "held")), 1);
    ck_assert_str_eq(json_get_str(json, "held/0/reason"), "NoNameserver");
    ck_assert_int_eq(status, SHOW_SOMETHING);
}
END_TEST

START_TEST(shows_that_nothing_is_to_do)
{
    tempdir_write(dir, "a.yaml", POD "[kube-controller-manager, --controllers=-nodelifecycle]\n");
    check_shown((struct static_plan_wish){.json = false}, SHOW_NOTHING,
                "kube-controller-manager: InForce\nkube-apiserver: NotApplicable\n"
                "  ManifestMissing: no file in ");
    check_shown((struct static_plan_wish){.json = true}, SHOW_NOTHING, "\"held\": [\n  ]");
}
END_TEST

START_TEST(follows_the_toggles)
{
    struct static_plan_wish wish = {.nameserver = "1.2.3.4"};
    tempdir_write(dir, "api",
                  POD "[kube-apiserver, --kubelet-certificate-authority=/ca,"
                      " --etcd-servers=https://etcd]\n");
    check_shown(wish, SHOW_NOTHING, "held, Refused: api, line 5, column 68: --etcd-servers has");
    wish.names_allowed = true;
    check_shown(wish, SHOW_SOMETHING, "+    - 1.2.3.4\n");
    wish.nameserver = NULL;
    check_shown(wish, SHOW_NOTHING, "kube-apiserver: Held\n  held, NoNameserver: dnsPolicy");
    wish.no_certificate_authority = true;
    check_shown(wish, SHOW_SOMETHING,
                "+  - command: [kube-apiserver, --etcd-servers=https://etcd]");
}
END_TEST

/* Any name counts for the kubelet, and so a backup does too. */
START_TEST(refuses_a_second_manifest)
{
    copy_manifests();
    tempdir_copy(dir, "kube-apiserver.yaml.bak", FIXTURES "kube-apiserver.yaml");
    check_shown((struct static_plan_wish){.nameserver = "1.2.3.4"}, SHOW_SOMETHING,
                "kube-apiserver: Held\n  held, SeveralManifests: kube-apiserver.yaml and "
                "kube-apiserver.yaml.bak are both");
}
END_TEST

START_TEST(refuses_what_is_no_manifest)
{
    AUTO_FREE char *path = tempdir_path(dir, "kube-apiserver.yaml");
    AUTO_FREE char *fifo = tempdir_path(dir, "kube-controller-manager.yaml");
    struct static_plan_wish wish = {.nameserver = "1.2.3.4"};
    tempdir_write(dir, "broken.yaml", "a: [");
    tempdir_write(dir, "kube-apiserver.yaml", "a: [");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    check_shown(wish, SHOW_NOTHING, "held, Refused: kube-apiserver.yaml, line 1, column 5: ");
    check_shown(wish, SHOW_NOTHING, "kube-controller-manager.yaml: not a regular file");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    check_shown(wish, SHOW_NOTHING, "kube-apiserver.yaml: not a regular file");
}
END_TEST

START_TEST(refuses_a_large_file)
{
    AUTO_FREE char *path = tempdir_path(dir, "kube-apiserver.yaml");
    tempdir_write(dir, "kube-apiserver.yaml", "#");
    ck_assert_int_eq(truncate(path, 64 << 20), 0);
    check_shown((struct static_plan_wish){.nameserver = "1.2.3.4"}, SHOW_NOTHING,
                "kube-apiserver.yaml: larger than 10 MiB");
}
END_TEST

START_TEST(tells_a_directory_that_is_not_there)
{
    struct err err;
    int status = -5;
    AUTO_FREE char *path = tempdir_path(dir, "none");
    const struct static_plan_wish wish = {.dir = path};
    ck_assert_int_eq(static_plan_show(stdout, &wish, &status, &err), -1);
    ck_assert_int_eq(err.kind, ERR_NOT_FOUND);
    ck_assert_int_eq(status, -5);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("static_plan");
    TCase *plans = tcase_create("plans");
    tcase_add_checked_fixture(plans, setup, teardown);
    tcase_add_test(plans, shows_diffs);
    tcase_add_test(plans, shows_json);
    tcase_add_test(plans, shows_that_nothing_is_to_do);
    tcase_add_test(plans, follows_the_toggles);
    tcase_add_test(plans, refuses_a_second_manifest);
    tcase_add_test(plans, refuses_what_is_no_manifest);
    tcase_add_test(plans, refuses_a_large_file);
    tcase_add_test(plans, tells_a_directory_that_is_not_there);
    suite_add_tcase(suite, plans);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
