#include "kube/exec_credential.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/unit.h"
#include "json/json.h"

#define FIXTURES "test/fixtures/kubeconfig/"
#define V1 "client.authentication.k8s.io/v1"
#define HEAD "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\","

static const struct {
    const char *text;
    const char *token;
    int64_t expires_ms;
} good[] = {
    {HEAD "\"status\":{\"token\":\"t\"}}", "t", 0},
    {HEAD "\"spec\":{},\"more\":1,\"status\":{\"token\":\"t\",\"clientKeyData\":\"\"}}\n", "t", 0},
    {HEAD "\"status\":{\"token\":\"t\",\"expirationTimestamp\":null}}", "t", 0},
    {HEAD "\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"1970-01-01T00:00:01Z\"}}", "t",
     1000},
    {HEAD "\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"1970-01-01T01:00:02+01:00\"}}",
     "t", 2000},
};

START_TEST(good_output)
{
    AUTO(exec_credential) struct exec_credential credential = {0};
    struct err err = {0};
    ck_assert_msg(
        exec_credential_parse(good[_i].text, strlen(good[_i].text), V1, &credential, &err) == 0,
        "%s", err.text);
    ck_assert_str_eq(credential.token, good[_i].token);
    ck_assert_int_eq(credential.expires_ms, good[_i].expires_ms);
    ck_assert_ptr_null(credential.cert_pem);
    ck_assert_ptr_null(credential.key_pem);
}
END_TEST

static const struct {
    const char *text;
    const char *wanted;
} bad[] = {
    {"", "output: no ExecCredential in JSON: JSON ends too early at offset 0"},
    {"please log in", NULL},
    {HEAD "\"status\":{\"token\":\"t\"}} trailing", NULL},
    {"[]", "output: kind must be ExecCredential, is \"\""},
    {"{\"kind\":\"Status\"}", "output: kind must be ExecCredential, is \"Status\""},
    {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "beta1\",\"status\":{\"token\":\"t\"}}",
     "output: apiVersion must be " V1 ", is \"" V1 "beta1\""},
    {"{\"kind\":\"ExecCredential\"}", "output: apiVersion must be " V1 ", is \"\""},
    {HEAD "\"spec\":{}}", "output: status is missing"},
    {HEAD "\"status\":\"ok\"}", "output: status is missing"},
    {HEAD "\"status\":{}}", "output: status holds neither a token nor a certificate and key"},
    {HEAD "\"status\":{\"token\":\"\"}}",
     "output: status holds neither a token nor a certificate and key"},
    {HEAD "\"status\":{\"token\":7}}", "output: status.token must be a string, found number"},
    {HEAD "\"status\":{\"token\":\"a\\u0000b\"}}", "output: status.token holds a NUL character"},
    {HEAD "\"status\":{\"token\":\"a\\r\\nX-Injected: b\"}}",
     "output: status.token holds control characters, which no header can carry"},
    {HEAD "\"status\":{\"clientCertificateData\":\"x\"}}",
     "output: status.clientKeyData is missing"},
    {HEAD "\"status\":{\"token\":\"t\",\"clientKeyData\":\"x\"}}",
     "output: status.clientCertificateData is missing"},
    {HEAD "\"status\":{\"clientCertificateData\":\"x\",\"clientKeyData\":\"y\"}}",
     "output: status.clientCertificateData and clientKeyData: holds no PEM certificate"},
    {HEAD "\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"soon\"}}",
     "output: status.expirationTimestamp \"soon\" is no RFC 3339 time"},
    {HEAD "\"status\":{\"token\":\"t\",\"expirationTimestamp\":60}}",
     "output: status.expirationTimestamp must be a string, found number"},
};

START_TEST(bad_output)
{
    AUTO(exec_credential) struct exec_credential credential = {0};
    struct err err = {0};
    ck_assert_int_eq(
        exec_credential_parse(bad[_i].text, strlen(bad[_i].text), V1, &credential, &err), -1);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    if (bad[_i].wanted != NULL) {
        ck_assert_str_eq(err.text, bad[_i].wanted);
    } else {
        ck_assert_ptr_eq(strstr(err.text, "output: no ExecCredential in JSON: "), err.text);
    }
    ck_assert_ptr_null(credential.token);
}
END_TEST

/* What a plugin that has this pair prints. */
static char *pair_output(const char *cert, const char *key)
{
    AUTO(json) struct json_object *doc = json_new_object();
    AUTO_FREE char *cert_text = unit_read_file(cert, NULL);
    AUTO_FREE char *key_text = unit_read_file(key, NULL);
    json_set_str(doc, "kind", "ExecCredential");
    json_set_str(doc, "apiVersion", V1);
    struct json_object *status = json_ensure_object(doc, "status");
    json_set_str(status, "clientCertificateData", cert_text);
    json_set_str(status, "clientKeyData", key_text);
    return json_text(doc);
}

START_TEST(certificate_and_key)
{
    AUTO(exec_credential) struct exec_credential credential = {0};
    AUTO_FREE char *text = pair_output(FIXTURES "client-rsa.crt", FIXTURES "client-rsa.key");
    AUTO_FREE char *cert = unit_read_file(FIXTURES "client-rsa.crt", NULL);
    AUTO_FREE char *key = unit_read_file(FIXTURES "client-rsa.key", NULL);
    ck_assert_int_eq(exec_credential_parse(text, strlen(text), V1, &credential, NULL), 0);
    ck_assert_str_eq(credential.cert_pem, cert);
    ck_assert_str_eq(credential.key_pem, key);
    ck_assert_ptr_null(credential.token);
}
END_TEST

START_TEST(certificate_with_another_key)
{
    AUTO(exec_credential) struct exec_credential credential = {0};
    AUTO_FREE char *text = pair_output(FIXTURES "client-rsa.crt", FIXTURES "client-ec.key");
    struct err err = {0};
    ck_assert_int_eq(exec_credential_parse(text, strlen(text), V1, &credential, &err), -1);
    ck_assert_str_eq(err.text, "output: status.clientCertificateData and clientKeyData: the "
                               "private key is not the certificate's");
}
END_TEST

static void info_is(const struct kube_config *config, const char *ca_pem, const char *wanted)
{
    AUTO_FREE char *info = exec_credential_info(config, ca_pem);
    ck_assert_str_eq(info, wanted);
}

START_TEST(info)
{
    struct kube_exec exec = {.api_version = V1};
    struct kube_config config = {.server = "https://h", .exec = &exec};
    info_is(&config, "ca", HEAD "\"spec\":{\"interactive\":false}}");
    exec.provide_cluster_info = true;
    info_is(&config, NULL,
            HEAD "\"spec\":{\"cluster\":{\"server\":\"https://h\"},\"interactive\":false}}");
    exec.cluster_config = "{\"audience\":[1]}";
    config.tls_server_name = "name";
    config.proxy_url = "http://p";
    config.insecure_skip_verify = true;
    info_is(&config, "ca\n",
            HEAD "\"spec\":{\"cluster\":{\"server\":\"https://h\",\"tls-server-name\":\"name\","
                 "\"insecure-skip-tls-verify\":true,\"certificate-authority-data\":\"Y2EK\","
                 "\"proxy-url\":\"http://p\",\"config\":{\"audience\":[1]}},"
                 "\"interactive\":false}}");
}
END_TEST

/* getenv() finds the first, Go's os/exec keeps the last: so each name may be there once only. */
START_TEST(environment)
{
    char *const base[] = {"PATH=/bin", "A=1", "KUBERNETES_EXEC_INFO=old", "AB=2", NULL};
    char *const add[] = {"A=3", "NEW=4", "NEW=5", "EMPTY=", NULL};
    static const char *const wanted[] = {
        "PATH=/bin", "A=3", "KUBERNETES_EXEC_INFO={}", "AB=2", "NEW=5", "EMPTY=",
    };
    char **env = exec_credential_env(base, add, "{}");
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        ck_assert_str_eq(env[i], wanted[i]);
    }
    ck_assert_ptr_null(env[ARRAY_LEN(wanted)]);
    exec_credential_env_free(env);
    env = exec_credential_env(NULL, NULL, "x");
    ck_assert_str_eq(env[0], "KUBERNETES_EXEC_INFO=x");
    ck_assert_ptr_null(env[1]);
    exec_credential_env_free(env);
    exec_credential_env_free(NULL);
}
END_TEST

static const struct {
    int64_t now_ms;
    int64_t expires_ms;
    int64_t wanted;
} renewals[] = {
    {1000, 0, 0},      /* for ever */
    {1000, 999, 1000}, /* over already: now */
    {1000, 1000, 1000},
    {1000, 11000, 9000},      /* a fifth of ten seconds before */
    {1000, 301000, 241000},   /* a fifth of five minutes is a minute */
    {1000, 3601000, 3541000}, /* never more than that */
    {-5000, 5000, 3000},      /* a clock before 1970 */
    {INT64_C(1790000000000), INT64_C(1790000900000), INT64_C(1790000840000)},
};

START_TEST(renewal)
{
    ck_assert_int_eq(exec_credential_renew_at(renewals[_i].now_ms, renewals[_i].expires_ms),
                     renewals[_i].wanted);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("exec_credential");
    TCase *all = tcase_create("exec_credential");
    tcase_add_loop_test(all, good_output, 0, (int)ARRAY_LEN(good));
    tcase_add_loop_test(all, bad_output, 0, (int)ARRAY_LEN(bad));
    tcase_add_test(all, certificate_and_key);
    tcase_add_test(all, certificate_with_another_key);
    tcase_add_test(all, info);
    tcase_add_test(all, environment);
    tcase_add_loop_test(all, renewal, 0, (int)ARRAY_LEN(renewals));
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
