#include "kube/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "unit/authbench.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

#define FIXTURES "test/fixtures/kubeconfig/"

static char *const groups[] = {"g1", "g2", NULL};

static const struct {
    struct kube_config config;
    const char *wanted; /* "name: value" lines */
} identities[] = {
    {{.server = "https://h"}, ""},
    {{.token = "t"}, "Authorization: Bearer t\n"},
    {{.username = "Aladdin", .password = "open sesame"},
     "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n"}, /* RFC 7617 section 2 */
    {{.username = "u"}, "Authorization: Basic dTo=\n"},
    {{.password = "p"}, "Authorization: Basic OnA=\n"},
    {{.token = "t", .impersonate_user = "me"}, "Authorization: Bearer t\nImpersonate-User: me\n"},
    {{.impersonate_user = "me", .impersonate_uid = "7", .impersonate_groups = (char **)groups},
     "Impersonate-User: me\nImpersonate-Uid: 7\nImpersonate-Group: g1\nImpersonate-Group: g2\n"},
};

START_TEST(headers)
{
    struct authbench bench;
    struct http_header got[HTTP_HEADERS_MAX] = {{.name = "Accept", .value = "x"}};
    AUTO(buf) struct buf text = BUF_INIT(4096);
    authbench_init(&bench);
    bench.config = identities[_i].config;
    authbench_start(&bench, &authbench_calm);
    RUN_UNTIL(&bench, is_ready);
    ck_assert_int_eq(bench.why.kind, ERR_NONE);
    size_t used = auth_headers(bench.auth, got, 1);
    ck_assert_str_eq(got[0].name, "Accept");
    for (size_t i = 1; i < used; i++) {
        buf_printf(&text, "%s: %s\n", got[i].name, got[i].value);
    }
    ck_assert_ptr_null(got[used].name);
    ck_assert_str_eq(buf_str(&text), identities[_i].wanted);
    authbench_finish(&bench);
}
END_TEST

START_TEST(target)
{
    struct authbench bench;
    struct http_target got;
    authbench_init(&bench);
    bench.config = (struct kube_config){
        .server = "https://h",
        .ca_pem = "ca",
        .cert_pem = "cert",
        .key_pem = "key",
        .tls_server_name = "name",
        .proxy_url = "http://p",
        .insecure_skip_verify = true,
    };
    authbench_create(&bench, &authbench_calm);
    auth_target(bench.auth, "agent", &got);
    ck_assert_str_eq(got.server, "https://h");
    ck_assert_str_eq(got.ca_pem, "ca");
    ck_assert_str_eq(got.cert_pem, "cert");
    ck_assert_str_eq(got.key_pem, "key");
    ck_assert_str_eq(got.tls_server_name, "name");
    ck_assert_str_eq(got.proxy_url, "http://p");
    ck_assert_str_eq(got.user_agent, "agent");
    ck_assert(got.insecure_skip_verify);
    authbench_finish(&bench);
}
END_TEST

START_TEST(ready_comes_from_the_loop_and_once)
{
    struct authbench bench;
    authbench_init(&bench);
    authbench_start(&bench, &auth_periods_default);
    ck_assert_int_eq(bench.ready, 0);
    RUN_UNTIL(&bench, is_ready);
    authbench_run_for(&bench, 20);
    ck_assert_int_eq(bench.ready, 1);
    ck_assert_int_eq(bench.changed, 0);
    authbench_finish(&bench);
}
END_TEST

static void destroy_in_ready(void *arg, const struct err *err)
{
    struct authbench *bench = arg;
    authbench_note_ready(bench, err);
    auth_destroy(bench->auth);
    bench->auth = NULL;
}

START_TEST(destroyed_in_ready)
{
    struct authbench bench;
    authbench_init(&bench);
    authbench_create(&bench, &authbench_calm);
    auth_start(bench.auth, destroy_in_ready, &bench);
    RUN_UNTIL(&bench, is_ready);
    ck_assert_ptr_null(bench.auth);
    authbench_finish(&bench);
}
END_TEST

/* --- token files --- */

static void start_with_token_file(struct authbench *bench, const struct auth_periods *periods)
{
    authbench_init(bench);
    bench->config.token_file = authbench_path(bench, "token");
    tempdir_write(bench->dir, "token", "a\n");
    authbench_start(bench, periods);
    RUN_UNTIL(bench, is_ready);
    ck_assert_int_eq(bench->why.kind, ERR_NONE);
    ck_assert_str_eq(authbench_authorization(bench), "Bearer a");
}

START_TEST(token_file_is_read_again)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    periods.token_ms = AUTHBENCH_SOON;
    start_with_token_file(&bench, &periods);
    tempdir_write(bench.dir, "token", "b\n");
    RUN_UNTIL(&bench, has_token_b);
    ck_assert_int_eq(bench.changed, 0);
    authbench_finish(&bench);
}
END_TEST

START_TEST(token_stays_when_its_file_fails)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    periods.token_ms = AUTHBENCH_SOON;
    start_with_token_file(&bench, &periods);
    AUTO_FREE char *wanted = xasprintf("%s holds no token: it is empty", bench.config.token_file);
    tempdir_write(bench.dir, "token", "");
    RUN_UNTIL(&bench, has_problem);
    ck_assert_str_eq(auth_problem(bench.auth)->text, wanted);
    ck_assert_str_eq(authbench_authorization(&bench), "Bearer a");
    ck_assert_int_eq(remove(bench.config.token_file), 0);
    authbench_run_for(&bench, 5 * AUTHBENCH_SOON);
    ck_assert_str_eq(authbench_authorization(&bench), "Bearer a");
    tempdir_write(bench.dir, "token", "b");
    RUN_UNTIL(&bench, has_no_problem);
    ck_assert_str_eq(authbench_authorization(&bench), "Bearer b");
    authbench_finish(&bench);
}
END_TEST

START_TEST(token_is_read_at_once_when_rejected)
{
    struct authbench bench;
    start_with_token_file(&bench, &authbench_calm);
    tempdir_write(bench.dir, "token", "b");
    authbench_run_for(&bench, 20);
    ck_assert_str_eq(authbench_authorization(&bench), "Bearer a");
    auth_rejected(bench.auth);
    ck_assert_str_eq(authbench_authorization(&bench), "Bearer b");
    authbench_finish(&bench);
}
END_TEST

START_TEST(token_file_that_comes_late)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    periods.token_ms = AUTHBENCH_SOON;
    authbench_init(&bench);
    bench.config.token_file = authbench_path(&bench, "token");
    AUTO_FREE char *wanted =
        xasprintf("cannot read %s: No such file or directory", bench.config.token_file);
    authbench_start(&bench, &periods);
    RUN_UNTIL(&bench, is_ready);
    ck_assert_str_eq(bench.why.text, wanted);
    ck_assert_ptr_null(authbench_authorization(&bench));
    tempdir_write(bench.dir, "token", "a");
    RUN_UNTIL(&bench, has_token_a);
    ck_assert_int_eq(bench.ready, 1);
    authbench_finish(&bench);
}
END_TEST

/* The token read with the config serves until the file does. */
START_TEST(fixed_token_beside_a_file)
{
    struct authbench bench;
    authbench_init(&bench);
    bench.config.token = "fixed";
    bench.config.token_file = authbench_path(&bench, "token");
    authbench_start(&bench, &authbench_calm);
    RUN_UNTIL(&bench, is_ready);
    ck_assert_int_eq(bench.why.kind, ERR_NONE);
    ck_assert_str_eq(authbench_authorization(&bench), "Bearer fixed");
    ck_assert(has_problem(&bench));
    tempdir_write(bench.dir, "token", "a");
    auth_rejected(bench.auth);
    ck_assert_str_eq(authbench_authorization(&bench), "Bearer a");
    authbench_finish(&bench);
}
END_TEST

/* --- CA and certificate files --- */

static void ca_is(const struct authbench *bench, const char *fixture)
{
    AUTO_FREE char *wanted = unit_read_file(fixture, NULL);
    struct http_target got;
    auth_target(bench->auth, "x", &got);
    ck_assert_str_eq(got.ca_pem, wanted);
}

static char *start_with_ca_file(struct authbench *bench, const struct auth_periods *periods)
{
    char *ca = unit_read_file(FIXTURES "ca.crt", NULL);
    authbench_init(bench);
    bench->config.ca_file = authbench_path(bench, "ca.crt");
    bench->config.ca_pem = ca;
    tempdir_write(bench->dir, "ca.crt", ca);
    authbench_start(bench, periods);
    RUN_UNTIL(bench, is_ready);
    return ca;
}

START_TEST(ca_is_taken_over)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    periods.files_ms = AUTHBENCH_SOON;
    periods.settle_ms = AUTHBENCH_SOON;
    periods.broken_ms = AUTHBENCH_SOON;
    AUTO_FREE char *ca = start_with_ca_file(&bench, &periods);
    authbench_run_for(&bench, 5 * AUTHBENCH_SOON);
    ck_assert_int_eq(bench.changed, 0);
    tempdir_write(bench.dir, "ca.crt", "-----BEGIN CERTIFICATE-----\nMIIB");
    RUN_UNTIL(&bench, has_problem);
    authbench_run_for(&bench, 5 * AUTHBENCH_SOON);
    ck_assert_int_eq(bench.changed, 0);
    ca_is(&bench, FIXTURES "ca.crt");
    tempdir_copy(bench.dir, "ca.crt", FIXTURES "ca-next.crt");
    RUN_UNTIL(&bench, has_changed);
    ck_assert(has_no_problem(&bench));
    ca_is(&bench, FIXTURES "ca-next.crt");
    authbench_run_for(&bench, 5 * AUTHBENCH_SOON);
    ck_assert_int_eq(bench.changed, 1);
    authbench_finish(&bench);
}
END_TEST

/* However often somebody looks, there is time between the two looks that count. */
START_TEST(ca_has_to_settle)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    periods.settle_ms = 100;
    AUTO_FREE char *ca = start_with_ca_file(&bench, &periods);
    int64_t start = loop_now_ms(bench.loop);
    tempdir_copy(bench.dir, "ca.crt", FIXTURES "ca-next.crt");
    while (bench.changed == 0) {
        auth_rejected(bench.auth);
        authbench_run_for(&bench, 1);
        ck_assert_int_lt(loop_now_ms(bench.loop) - start, AUTHBENCH_PATIENCE_MS);
    }
    ck_assert_int_ge(loop_now_ms(bench.loop) - start, 100);
    ca_is(&bench, FIXTURES "ca-next.crt");
    authbench_finish(&bench);
}
END_TEST

START_TEST(ca_is_looked_at_when_rejected)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    periods.settle_ms = AUTHBENCH_SOON;
    AUTO_FREE char *ca = start_with_ca_file(&bench, &periods);
    tempdir_copy(bench.dir, "ca.crt", FIXTURES "ca-next.crt");
    authbench_run_for(&bench, 5 * AUTHBENCH_SOON);
    ck_assert_int_eq(bench.changed, 0);
    auth_rejected(bench.auth);
    ck_assert_int_eq(bench.changed, 0); /* never from within the call */
    RUN_UNTIL(&bench, has_changed);
    ca_is(&bench, FIXTURES "ca-next.crt");
    authbench_finish(&bench);
}
END_TEST

START_TEST(certificate_and_key_are_taken_over)
{
    struct authbench bench;
    struct auth_periods periods = authbench_calm;
    struct http_target got;
    periods.files_ms = AUTHBENCH_SOON;
    periods.settle_ms = AUTHBENCH_SOON;
    periods.broken_ms = AUTHBENCH_SOON;
    AUTO_FREE char *cert = unit_read_file(FIXTURES "client-ec.crt", NULL);
    AUTO_FREE char *key = unit_read_file(FIXTURES "client-ec.key", NULL);
    AUTO_FREE char *next_cert = unit_read_file(FIXTURES "client-rsa.crt", NULL);
    AUTO_FREE char *next_key = unit_read_file(FIXTURES "client-rsa.key", NULL);
    authbench_init(&bench);
    bench.config.cert_file = authbench_path(&bench, "c");
    bench.config.key_file = authbench_path(&bench, "k");
    bench.config.cert_pem = cert;
    bench.config.key_pem = key;
    tempdir_write(bench.dir, "c", next_cert);
    tempdir_write(bench.dir, "k", key);
    authbench_start(&bench, &periods);
    RUN_UNTIL(&bench, has_problem);
    ck_assert_int_eq(bench.changed, 0);
    tempdir_write(bench.dir, "k", next_key);
    RUN_UNTIL(&bench, has_changed);
    auth_target(bench.auth, "x", &got);
    ck_assert_str_eq(got.cert_pem, next_cert);
    ck_assert_str_eq(got.key_pem, next_key);
    authbench_finish(&bench);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("auth");
    TCase *all = tcase_create("auth");
    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, headers, 0, (int)ARRAY_LEN(identities));
    tcase_add_test(all, target);
    tcase_add_test(all, ready_comes_from_the_loop_and_once);
    tcase_add_test(all, destroyed_in_ready);
    tcase_add_test(all, token_file_is_read_again);
    tcase_add_test(all, token_stays_when_its_file_fails);
    tcase_add_test(all, token_is_read_at_once_when_rejected);
    tcase_add_test(all, token_file_that_comes_late);
    tcase_add_test(all, fixed_token_beside_a_file);
    tcase_add_test(all, ca_is_taken_over);
    tcase_add_test(all, ca_has_to_settle);
    tcase_add_test(all, ca_is_looked_at_when_rejected);
    tcase_add_test(all, certificate_and_key_are_taken_over);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
