/* Identities: whom we talk to, who we are, by which way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/http.h"
#include "unit/fakepeer.h"
#include "unit/http_rig.h"
#include "unit/unit.h"

static struct http_rig rig;

static void finish(void)
{
    http_rig_finish(&rig);
}

static struct call echo(const struct http_target *target)
{
    struct call call = {0};
    http_rig_connect(&rig, target);
    call_run(&rig, &call, &(struct http_request){.method = "GET", .path = "/echo"});
    return call;
}

static void expect_unverified(const struct call *call, const char *text)
{
    call_expect_error(call, ERR_RETRY, text);
    ck_assert(!call->connected && !call->sent);
    ck_assert_int_eq(call->status, 0);
}

START_TEST(certificate_of_another_authority)
{
    http_rig_start(&rig, "otherca", "h2");
    struct http_target target = http_rig_target(&rig);
    char *other = fakepeer_pem("other-ca.pem");
    target.ca_pem = other;
    struct call call = echo(&target);
    expect_unverified(&call, "certificate");
    target.ca_pem = NULL; /* the system's roots */
    call = echo(&target);
    expect_unverified(&call, "certificate");
    ck_assert_int_eq(fakepeer_number("count otherca /echo"), 0);
    target.insecure_skip_verify = true;
    call = echo(&target);
    ck_assert_int_eq(call.status, 200);
    free(other);
    finish();
}
END_TEST

START_TEST(expired_certificate)
{
    http_rig_start(&rig, "expired", "expired");
    struct http_target target = http_rig_target(&rig);
    struct call call = echo(&target);
    expect_unverified(&call, "expired");
    finish();
}
END_TEST

START_TEST(certificate_of_another_name)
{
    http_rig_start(&rig, "named", "named");
    struct http_target target = http_rig_target(&rig);
    struct call call = echo(&target);
    expect_unverified(&call, "127.0.0.1");
    target.tls_server_name = "other.test";
    call = echo(&target);
    expect_unverified(&call, "other.test");
    finish();
}
END_TEST

START_TEST(tls_server_name_is_verified_and_host_stays)
{
    http_rig_start(&rig, "sni", "named");
    struct http_target target = http_rig_target(&rig);
    target.tls_server_name = "kube.test";
    struct call call = echo(&target);
    char authority[64];
    snprintf(authority, sizeof(authority), "\n:authority: 127.0.0.1:%d\n", rig.port);
    ck_assert_msg(call.kind == ERR_NONE, "%s", call.text);
    ck_assert_msg(strstr(call.body, authority) != NULL, "%s", call.body);
    struct call second = {0};
    call_run(&rig, &second, &(struct http_request){.method = "GET", .path = "/echo"});
    ck_assert_ptr_nonnull(strstr(second.body, "connection=1\n"));
    finish();
}
END_TEST

START_TEST(certificate_replaced_by_a_bad_one_heals)
{
    http_rig_start(&rig, "rotated", "h2");
    free(fakepeer_ask("identity rotated other"));
    struct call call = {0};
    call_run(&rig, &call, &(struct http_request){.method = "GET", .path = "/echo"});
    expect_unverified(&call, "certificate");
    struct http_target target = http_rig_target(&rig);
    char *other = fakepeer_pem("other-ca.pem");
    target.ca_pem = other;
    struct err err;
    ck_assert_int_eq(http_client_retarget(rig.client, &target, &err), 0);
    struct call later = {0};
    call_run(&rig, &later, &(struct http_request){.method = "GET", .path = "/echo"});
    ck_assert_int_eq(later.status, 200);
    free(other);
    finish();
}
END_TEST

START_TEST(client_certificate_is_shown)
{
    http_rig_start(&rig, "client", "h2");
    struct http_target target = http_rig_target(&rig);
    struct call call = echo(&target);
    ck_assert_ptr_nonnull(strstr(call.body, "client=None\n"));
    char *cert = fakepeer_pem("client.pem");
    char *key = fakepeer_pem("client.key");
    target.cert_pem = cert;
    target.key_pem = key;
    call = echo(&target);
    ck_assert_msg(call.kind == ERR_NONE, "%s", call.text);
    ck_assert_ptr_nonnull(strstr(call.body, "client=tester\n"));
    free(cert);
    free(key);
    finish();
}
END_TEST

static const char encrypted_key[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAc\n"
                                    "-----END ENCRYPTED PRIVATE KEY-----\n";
static const char broken_pem[] = "-----BEGIN CERTIFICATE-----\nnonsense\n"
                                 "-----END CERTIFICATE-----\n";

START_TEST(own_identity_that_cannot_be_used)
{
    http_rig_start(&rig, "unusable", "h2");
    char *cert = fakepeer_pem("client.pem");
    char *key = fakepeer_pem("client.key");
    char *locked = fakepeer_pem("locked.key");
    char *stranger = fakepeer_pem("stranger.key");
    const struct {
        const char *cert;
        const char *key;
        const char *ca;
    } cases[] = {
        {cert, stranger, rig.ca_pem},      {cert, locked, rig.ca_pem},
        {cert, encrypted_key, rig.ca_pem}, {broken_pem, key, rig.ca_pem},
        {cert, key, broken_pem},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_target target = http_rig_target(&rig);
        target.cert_pem = cases[i].cert;
        target.key_pem = cases[i].key;
        target.ca_pem = cases[i].ca;
        struct call call = echo(&target);
        call_expect_error(&call, ERR_INVALID, "");
        ck_assert(!call.connected && !call.sent);
    }
    ck_assert_int_eq(fakepeer_number("count unusable /echo"), 0);
    free(cert);
    free(key);
    free(locked);
    free(stranger);
    finish();
}
END_TEST

static const struct {
    struct http_target target;
    const char *text;
} bad_targets[] = {
    {{.server = NULL}, "no server URL"},
    {{.server = ""}, "server URL: "},
    {{.server = "127.0.0.1:6443"}, "server URL: "},
    {{.server = "ftp://host"}, "scheme must be https"},
    {{.server = "https://"}, "server URL: "},
    {{.server = "https://host:99999"}, "server URL: "},
    {{.server = "https://me:secret@host"}, "user name or password"},
    {{.server = "https://host/?x=1"}, "query or fragment"},
    {{.server = "https://host/#x"}, "query or fragment"},
    {{.server = "https://host", .ca_pem = "none"}, "CA certificate: no PEM"},
    {{.server = "https://host", .cert_pem = broken_pem}, "only one of them"},
    {{.server = "https://host", .key_pem = encrypted_key}, "only one of them"},
    {{.server = "https://host", .cert_pem = "x", .key_pem = encrypted_key},
     "client certificate: no PEM"},
    {{.server = "https://host", .cert_pem = broken_pem, .key_pem = "x"}, "client key: no PEM"},
    {{.server = "https://host", .tls_server_name = "a/b"}, "TLS server name"},
    {{.server = "https://host", .tls_server_name = ""}, "TLS server name"},
    {{.server = "https://host", .proxy_url = "u:secret@proxy:1"}, "proxy URL: must begin"},
    {{.server = "https://host", .proxy_url = "socks4://proxy:1"}, "proxy URL: must begin"},
};

START_TEST(targets_that_are_refused)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct http_client *client = NULL;
    struct err err;
    ck_assert_int_eq(http_client_create(loop, &bad_targets[_i].target, &client, &err), -1);
    ck_assert_ptr_null(client);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_msg(strstr(err.text, bad_targets[_i].text) != NULL, "%s", err.text);
    ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

START_TEST(refused_retarget_keeps_the_old_identity)
{
    http_rig_start(&rig, "kept", "h2");
    struct call watch = {.stream = true};
    call_get(&rig, &watch, "/pieces?n=4&pause=0.05");
    call_wait(&rig, &watch.pieces, 1);
    struct err err;
    ck_assert_int_eq(http_client_retarget(rig.client, &bad_targets[3].target, &err), -1);
    call_wait(&rig, &watch.dones, 1);
    call_expect(&watch, 200, "piece\npiece\npiece\npiece\n");
    finish();
}
END_TEST

START_TEST(proxy_is_used_when_it_is_given)
{
    http_rig_start(&rig, "proxied", "h2");
    struct http_target target = http_rig_target(&rig);
    char proxy[64];
    char wanted[64];
    snprintf(proxy, sizeof(proxy), "http://me:secret@127.0.0.1:%d", fakepeer_number("proxy"));
    target.proxy_url = proxy;
    struct call call = echo(&target);
    ck_assert_msg(call.kind == ERR_NONE, "%s", call.text);
    ck_assert_ptr_nonnull(strstr(call.body, "protocol=h2\n"));
    ck_assert_str_eq(call.content_type, "text/x-echo");
    char *heads = fakepeer_ask("proxied");
    snprintf(wanted, sizeof(wanted), "CONNECT 127.0.0.1:%d HTTP/1.1|", rig.port);
    ck_assert_msg(strstr(heads, wanted) != NULL, "%s", heads);
    ck_assert_ptr_nonnull(strstr(heads, "Proxy-Authorization: Basic bWU6c2VjcmV0|"));
    free(heads);
    finish();
}
END_TEST

START_TEST(proxy_that_denies)
{
    http_rig_start(&rig, "denied", "h2");
    struct http_target target = http_rig_target(&rig);
    char proxy[64];
    snprintf(proxy, sizeof(proxy), "http://me:secret@127.0.0.1:%d", fakepeer_number("proxy"));
    target.proxy_url = proxy;
    target.server = "https://denied.test:6443";
    struct call call = echo(&target);
    expect_unverified(&call, "403");
    ck_assert_ptr_null(strstr(call.text, "secret"));
    finish();
}
END_TEST

START_TEST(environment_proxies_are_not_used)
{
    http_rig_start(&rig, "environment", "h2");
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    struct http_target target = http_rig_target(&rig);
    struct call call = echo(&target);
    ck_assert_msg(call.kind == ERR_NONE, "%s", call.text);
    /* Nor what the environment exempts from a proxy that was given. */
    char proxy[64];
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", fakepeer_number("proxy"));
    target.proxy_url = proxy;
    target.server = "https://denied.test:6443";
    setenv("no_proxy", "*", 1);
    call = echo(&target);
    expect_unverified(&call, "403");
    finish();
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("http identities");
    TCase *tcase = tcase_create("identities");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, certificate_of_another_authority);
    tcase_add_test(tcase, expired_certificate);
    tcase_add_test(tcase, certificate_of_another_name);
    tcase_add_test(tcase, tls_server_name_is_verified_and_host_stays);
    tcase_add_test(tcase, certificate_replaced_by_a_bad_one_heals);
    tcase_add_test(tcase, client_certificate_is_shown);
    tcase_add_test(tcase, own_identity_that_cannot_be_used);
    tcase_add_loop_test(tcase, targets_that_are_refused, 0, (int)ARRAY_LEN(bad_targets));
    tcase_add_test(tcase, refused_retarget_keeps_the_old_identity);
    tcase_add_test(tcase, proxy_is_used_when_it_is_given);
    tcase_add_test(tcase, proxy_that_denies);
    tcase_add_test(tcase, environment_proxies_are_not_used);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    fakepeer_start("fake.unitpeer");
    int result = unit_main(suite());
    fakepeer_stop();
    return result;
}
