#include "kube/exec_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "unit/authbench.h"
#include "unit/tempdir.h"
#include "unit/unit.h"
#include "json/json.h"

#define FIXTURES "test/fixtures/kubeconfig/"
#define V1 "client.authentication.k8s.io/v1"

#define CREDENTIAL(status)                                                                         \
    "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{" status "}}"
/* Every script notes that it runs, in its own directory. */
#define SCRIPT "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 99\necho run >>runs\n"
#define PRINT(status) "cat <<'END'\n" CREDENTIAL(status) "\nEND\n"
#define TOKEN_A SCRIPT PRINT("\"token\":\"a\"")
#define TOKEN_B SCRIPT PRINT("\"token\":\"b\"")
#define TOKEN_A_EXPIRED                                                                            \
    SCRIPT PRINT("\"token\":\"a\",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\"")

static void init_with_plugin(struct authbench *bench, const char *script)
{
    authbench_init(bench);
    tempdir_write_script(bench->dir, "plugin", script);
    bench->argv[0] = authbench_path(bench, "plugin");
    bench->exec.argv = bench->argv;
    bench->exec.env = bench->env;
    bench->exec.api_version = V1;
    bench->config.exec = &bench->exec;
}

static size_t count_runs(struct authbench *bench)
{
    AUTO_FREE char *path = tempdir_path(bench->dir, "runs");
    FILE *file = fopen(path, "r");
    size_t runs = 0;
    for (int c = 0; file != NULL && (c = fgetc(file)) != EOF;) {
        runs += c == '\n';
    }
    if (file != NULL) {
        fclose(file);
    }
    return runs;
}

static bool has_run_twice(struct authbench *bench)
{
    return count_runs(bench) >= 2;
}

static bool has_run_thrice(struct authbench *bench)
{
    return count_runs(bench) >= 3;
}

START_TEST(plugin_gives_a_token)
{
    struct authbench bench;
    init_with_plugin(&bench, TOKEN_A);
    authbench_start(&bench, &authbench_calm);
    ck_assert_ptr_null(authbench_authorization(&bench));
    RUN_UNTIL(&bench, is_ready);
    ck_assert_int_eq(bench.why.kind, ERR_NONE);
    ck_assert_str_eq(authbench_authorization(&bench), "Bearer a");
    ck_assert_int_eq(bench.changed, 0);
    authbench_run_for(&bench, 20);
    ck_assert_uint_eq(count_runs(&bench), 1);
    authbench_finish(&bench);
}
END_TEST

START_TEST(plugin_is_told_what_it_needs)
{
    struct authbench bench;
    init_with_plugin(&bench, SCRIPT
                     "printf '%s|%s|%s|' \"$1\" \"$2\" \"$REGION\" >told\n"
                     "printf '%s' \"$KUBERNETES_EXEC_INFO\" >>told\n"
                     "read -r line && echo \"input: $line\" >>told\n" PRINT("\"token\":\"a\""));
    bench.argv[1] = "--cluster";
    bench.argv[2] = "a b";
    bench.env[0] = "REGION=north";
    bench.exec.provide_cluster_info = true;
    bench.config.ca_pem = "ca\n";
    setenv("REGION", "south", 1);
    authbench_start(&bench, &authbench_calm);
    RUN_UNTIL(&bench, is_ready);
    AUTO_FREE char *path = tempdir_path(bench.dir, "told");
    AUTO_FREE char *told = unit_read_file(path, NULL);
    ck_assert_str_eq(told, "--cluster|a b|north|"
                           "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"spec\":{"
                           "\"cluster\":{\"server\":\"https://h\","
                           "\"certificate-authority-data\":\"Y2EK\"},\"interactive\":false}}");
    authbench_finish(&bench);
}
END_TEST

/* A script that prints the pair from its directory as JSON needs a JSON text: written here. */
static void write_pair(struct authbench *bench, const char *cert, const char *key)
{
    AUTO(json) struct json_object *doc = json_new_object();
    AUTO_FREE char *cert_text = unit_read_file(cert, NULL);
    AUTO_FREE char *key_text = unit_read_file(key, NULL);
    json_set_str(doc, "kind", "ExecCredential");
    json_set_str(doc, "apiVersion", V1);
    struct json_object *status = json_ensure_object(doc, "status");
    json_set_str(status, "clientCertificateData", cert_text);
    json_set_str(status, "clientKeyData", key_text);
    AUTO_FREE char *text = json_text(doc);
    tempdir_write(bench->dir, "credential", text);
}

START_TEST(plugin_gives_a_certificate)
{
    struct authbench bench;
    struct http_target got;
    struct auth_periods periods = authbench_calm;
    periods.rejected_ms = 0;
    init_with_plugin(&bench, SCRIPT "cat credential\n");
    write_pair(&bench, FIXTURES "client-ec.crt", FIXTURES "client-ec.key");
    AUTO_FREE char *cert = unit_read_file(FIXTURES "client-ec.crt", NULL);
    AUTO_FREE char *next_key = unit_read_file(FIXTURES "client-rsa.key", NULL);
    authbench_start(&bench, &periods);
    auth_target(bench.auth, "x", &got);
    ck_assert_ptr_null(got.cert_pem);
    RUN_UNTIL(&bench, is_ready);
    ck_assert_int_eq(bench.changed_when_ready, 1);
    ck_assert_ptr_null(authbench_authorization(&bench));
    auth_target(bench.auth, "x", &got);
    ck_assert_str_eq(got.cert_pem, cert);

    auth_rejected(bench.auth); /* the same again: nobody needs to know */
    RUN_UNTIL(&bench, has_run_twice);
    authbench_run_for(&bench, 50);
    ck_assert_int_eq(bench.changed, 1);
    bench.changed = 0;
    write_pair(&bench, FIXTURES "client-rsa.crt", FIXTURES "client-rsa.key");
    auth_rejected(bench.auth);
    RUN_UNTIL(&bench, has_changed);
    auth_target(bench.auth, "x", &got);
    ck_assert_str_eq(got.key_pem, next_key);
    authbench_finish(&bench);
}
END_TEST

START_TEST(plugin_runs_again_before_expiry)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    periods.renew_floor_ms = AUTHBENCH_SOON;
    init_with_plugin(&bench, TOKEN_A_EXPIRED);
    authbench_start(&bench, &periods);
    RUN_UNTIL(&bench, has_run_twice);
    tempdir_write_script(bench.dir, "plugin.new", TOKEN_B);
    AUTO_FREE char *from = tempdir_path(bench.dir, "plugin.new");
    ck_assert_int_eq(rename(from, bench.argv[0]), 0);
    RUN_UNTIL(&bench, has_token_b);
    authbench_finish(&bench);
}
END_TEST

START_TEST(plugin_does_not_run_faster_than_the_floor)
{
    struct authbench bench;
    init_with_plugin(&bench, TOKEN_A_EXPIRED);
    authbench_start(&bench, &authbench_calm);
    RUN_UNTIL(&bench, is_ready);
    authbench_run_for(&bench, 100);
    ck_assert_uint_eq(count_runs(&bench), 1);
    authbench_finish(&bench);
}
END_TEST

/* Runs that bring nothing, and what is said about them; '@' is the plugin's path. */
static const struct {
    const char *script;
    const char *hint;
    const char *wanted;
} failures[] = {
    {SCRIPT "exit 3\n", "install it", "exec plugin @: failed with exit code 3; install it"},
    {SCRIPT "kill -TERM $$\n", NULL, "exec plugin @: killed by signal 15"},
    {SCRIPT "echo '[]'\n", NULL, "exec plugin @: output: kind must be ExecCredential, is \"\""},
    {SCRIPT PRINT("\"token\":\"\""), "see the manual",
     "exec plugin @: output: status holds neither a token nor a certificate and key; see the "
     "manual"},
    {SCRIPT "exec sleep 600\n", NULL, "exec plugin @: not finished after 300 ms, killed"},
    {SCRIPT "exec cat /dev/zero\n", NULL,
     "exec plugin @: more than 1048576 bytes of output, killed"},
    {NULL, "apt-get install plugin",
     "exec plugin @: cannot run @: No such file or directory; apt-get install plugin"},
};

static char *expand(const char *text, const char *path)
{
    AUTO(buf) struct buf out = BUF_INIT(4096);
    for (; *text != '\0'; text++) {
        buf_append(&out, *text == '@' ? path : text, *text == '@' ? strlen(path) : 1);
    }
    return buf_take(&out);
}

START_TEST(plugin_fails)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    bool missing = failures[_i].script == NULL;
    bool slow = strstr(failures[_i].wanted, " 300 ms") != NULL;
    periods.plugin_ms = slow ? 300 : AUTHBENCH_PATIENCE_MS;
    init_with_plugin(&bench, missing ? "" : failures[_i].script);
    bench.exec.install_hint = (char *)failures[_i].hint;
    if (missing) {
        ck_assert_int_eq(remove(bench.argv[0]), 0);
    }
    authbench_start(&bench, &periods);
    RUN_UNTIL(&bench, is_ready);
    AUTO_FREE char *wanted = expand(failures[_i].wanted, bench.argv[0]);
    ck_assert_str_eq(bench.why.text, wanted);
    ck_assert_ptr_null(authbench_authorization(&bench));
    ck_assert_str_eq(auth_problem(bench.auth)->text, wanted);
    auth_rejected(bench.auth); /* the back-off holds */
    authbench_run_for(&bench, 50);
    ck_assert_uint_eq(count_runs(&bench), missing ? 0 : 1);
    authbench_finish(&bench);
}
END_TEST

START_TEST(plugin_is_tried_again)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    periods.backoff_min_ms = AUTHBENCH_SOON;
    init_with_plugin(&bench,
                     SCRIPT "test \"$(wc -l <runs)\" -ge 3 || exit 1\n" PRINT("\"token\":\"a\""));
    authbench_start(&bench, &periods);
    RUN_UNTIL(&bench, is_ready);
    ck_assert_int_eq(bench.why.kind, ERR_RETRY);
    RUN_UNTIL(&bench, has_token_a);
    ck_assert(has_no_problem(&bench));
    ck_assert_uint_eq(count_runs(&bench), 3);
    ck_assert_int_eq(bench.ready, 1);
    authbench_finish(&bench);
}
END_TEST

/* Doubled up to the limit: 20, 40, then 50 each, so that six runs take at least 10 + 20 + 3 * 25.
 */
START_TEST(plugin_backs_off)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    periods.backoff_min_ms = 20;
    periods.backoff_max_ms = 50;
    init_with_plugin(&bench, SCRIPT "exit 1\n");
    int64_t start = loop_now_ms(bench.loop);
    authbench_start(&bench, &periods);
    while (count_runs(&bench) < 6) {
        authbench_run_for(&bench, 1);
        ck_assert_int_lt(loop_now_ms(bench.loop) - start, AUTHBENCH_PATIENCE_MS);
    }
    ck_assert_int_ge(loop_now_ms(bench.loop) - start, 105);
    authbench_finish(&bench);
}
END_TEST

START_TEST(token_stays_when_the_plugin_fails)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    periods.rejected_ms = 0;
    init_with_plugin(&bench,
                     SCRIPT "test \"$(wc -l <runs)\" -lt 2 || exit 1\n" PRINT("\"token\":\"a\""));
    authbench_start(&bench, &periods);
    RUN_UNTIL(&bench, has_token_a);
    auth_rejected(bench.auth);
    RUN_UNTIL(&bench, has_problem);
    ck_assert_str_eq(authbench_authorization(&bench), "Bearer a");
    authbench_finish(&bench);
}
END_TEST

START_TEST(plugin_runs_again_when_rejected)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    periods.rejected_ms = 0;
    init_with_plugin(&bench, TOKEN_A);
    authbench_start(&bench, &periods);
    RUN_UNTIL(&bench, is_ready);
    auth_rejected(bench.auth);
    auth_rejected(bench.auth); /* while it runs */
    RUN_UNTIL(&bench, has_run_twice);
    authbench_run_for(&bench, 100);
    ck_assert_uint_eq(count_runs(&bench), 2);
    auth_rejected(bench.auth);
    RUN_UNTIL(&bench, has_run_thrice);
    authbench_finish(&bench);
}
END_TEST

START_TEST(plugin_is_left_alone_after_a_run)
{
    struct authbench bench;
    init_with_plugin(&bench, TOKEN_A);
    authbench_start(&bench, &authbench_calm);
    RUN_UNTIL(&bench, is_ready);
    auth_rejected(bench.auth);
    authbench_run_for(&bench, 100);
    ck_assert_uint_eq(count_runs(&bench), 1);
    authbench_finish(&bench);
}
END_TEST

START_TEST(destroyed_while_the_plugin_runs)
{
    struct authbench bench;
    init_with_plugin(&bench, SCRIPT "exec sleep 600\n");
    authbench_start(&bench, &authbench_calm);
    while (count_runs(&bench) == 0) {
        authbench_run_for(&bench, 1);
    }
    authbench_finish(&bench);
    ck_assert_int_eq(bench.ready, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("exec_plugin");
    TCase *all = tcase_create("exec_plugin");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, plugin_gives_a_token);
    tcase_add_test(all, plugin_is_told_what_it_needs);
    tcase_add_test(all, plugin_gives_a_certificate);
    tcase_add_test(all, plugin_runs_again_before_expiry);
    tcase_add_test(all, plugin_does_not_run_faster_than_the_floor);
    tcase_add_loop_test(all, plugin_fails, 0, (int)ARRAY_LEN(failures));
    tcase_add_test(all, plugin_is_tried_again);
    tcase_add_test(all, plugin_backs_off);
    tcase_add_test(all, token_stays_when_the_plugin_fails);
    tcase_add_test(all, plugin_runs_again_when_rejected);
    tcase_add_test(all, plugin_is_left_alone_after_a_run);
    tcase_add_test(all, destroyed_while_the_plugin_runs);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
