#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "kube/config.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

#define FIXTURES "test/fixtures/kubeconfig/"
#define ACCOUNT "var/run/secrets/kubernetes.io/serviceaccount/"

static void set_or_not(const char *name, const char *value)
{
    if (value != NULL) {
        setenv(name, value, 1);
    } else {
        unsetenv(name);
    }
}

static void set_service(const char *host, const char *port)
{
    set_or_not("KUBERNETES_SERVICE_HOST", host);
    set_or_not("KUBERNETES_SERVICE_PORT", port);
}

static char *account_create(void)
{
    char *root = tempdir_create();
    tempdir_write(root, ACCOUNT "token", "the-token\n");
    tempdir_write(root, ACCOUNT "namespace", "kube-system\n");
    tempdir_copy(root, ACCOUNT "ca.crt", FIXTURES "ca.crt");
    return root;
}

static void remove_file(const char *root, const char *name)
{
    AUTO_FREE char *path = tempdir_path(root, name);
    ck_assert_int_eq(remove(path), 0);
}

static const struct {
    const char *host;
    const char *port;
    const char *server;
} servers[] = {
    {"10.96.0.1", "443", "https://10.96.0.1:443"},
    {"fd00:10:96::1", "6443", "https://[fd00:10:96::1]:6443"},
    {"api.internal", "65535", "https://api.internal:65535"},
};

START_TEST(server_from_the_environment)
{
    char *root = account_create();
    AUTO(kube_config) struct kube_config config = {0};
    AUTO_FREE char *token_file = tempdir_path(root, ACCOUNT "token");
    AUTO_FREE char *ca_file = tempdir_path(root, ACCOUNT "ca.crt");
    AUTO_FREE char *ca = unit_read_file(FIXTURES "ca.crt", NULL);
    struct err err = {0};
    set_service(servers[_i].host, servers[_i].port);
    ck_assert_msg(kube_config_in_cluster(root, &config, &err) == 0, "%s", err.text);
    ck_assert_str_eq(config.source, "in-cluster");
    ck_assert_str_eq(config.server, servers[_i].server);
    ck_assert_str_eq(config.token, "the-token");
    ck_assert_str_eq(config.namespace, "kube-system");
    ck_assert_str_eq(config.ca_pem, ca);
    ck_assert_str_eq(config.ca_file, ca_file);
    ck_assert_str_eq(config.token_file, token_file);
    ck_assert(!config.insecure_skip_verify);
    tempdir_destroy(root);
}
END_TEST

static void fails(const char *root, enum err_kind kind, const char *text)
{
    AUTO(kube_config) struct kube_config config = {0};
    struct err err = {0};
    ck_assert_int_eq(kube_config_in_cluster(root, &config, &err), -1);
    ck_assert_str_eq(err.text, text);
    ck_assert_int_eq(err.kind, kind);
    ck_assert_ptr_null(config.server);
    ck_assert_int_eq(kube_config_in_cluster(root, &config, NULL), -1);
}

static const struct {
    const char *host;
    const char *port;
    enum err_kind kind;
    const char *text;
} bad_servers[] = {
    {NULL, NULL, ERR_NOT_FOUND,
     "no kubeconfig, and not in a pod (KUBERNETES_SERVICE_HOST is not set): name a kubeconfig with "
     "--kubeconfig or in $KUBECONFIG"},
    {"10.96.0.1", NULL, ERR_INVALID,
     "in-cluster: KUBERNETES_SERVICE_HOST is set, but not KUBERNETES_SERVICE_PORT"},
    {"", "443", ERR_INVALID,
     "in-cluster: KUBERNETES_SERVICE_PORT is set, but not KUBERNETES_SERVICE_HOST"},
    {"h", "0", ERR_INVALID, "in-cluster: KUBERNETES_SERVICE_PORT \"0\" is no port"},
    {"h", "65536", ERR_INVALID, "in-cluster: KUBERNETES_SERVICE_PORT \"65536\" is no port"},
    {"h", "99999999999999999999", ERR_INVALID,
     "in-cluster: KUBERNETES_SERVICE_PORT \"99999999999999999999\" is no port"},
    {"h", "tcp://10.0.0.1:443", ERR_INVALID,
     "in-cluster: KUBERNETES_SERVICE_PORT \"tcp://10.0.0.1:443\" is no port"},
    {"h/x", "443", ERR_INVALID, "in-cluster: KUBERNETES_SERVICE_HOST \"h/x\" is no host"},
};

START_TEST(server_that_is_none)
{
    char *root = account_create();
    set_service(bad_servers[_i].host, bad_servers[_i].port);
    fails(root, bad_servers[_i].kind, bad_servers[_i].text);
    tempdir_destroy(root);
}
END_TEST

/* What is in the account's directory instead of what should be; NULL: nothing. */
static const struct {
    const char *name;
    const char *content;
    const char *complaint; /* behind the file's path */
} bad_files[] = {
    {"token", NULL, NULL},
    {"token", "  \n", " holds no token: it is empty"},
    {"token", "a\nb", " holds no token: control characters in it"},
    {"ca.crt", NULL, NULL},
    {"ca.crt", "", ": holds no PEM certificate"},
    {"ca.crt", "-----BEGIN CERTIFICATE-----\nMII", ": line 1: BEGIN CERTIFICATE without its END"},
};

/* Without a CA there is no verification: never go on without one. */
START_TEST(fails_closed)
{
    char *root = account_create();
    AUTO_FREE char *name = xasprintf(ACCOUNT "%s", bad_files[_i].name);
    AUTO_FREE char *text =
        bad_files[_i].complaint != NULL
            ? xasprintf("in-cluster: %s/%s%s", root, name, bad_files[_i].complaint)
            : xasprintf("in-cluster: cannot read %s/%s: No such file or directory", root, name);
    set_service("10.96.0.1", "443");
    remove_file(root, name);
    if (bad_files[_i].content != NULL) {
        tempdir_write(root, name, bad_files[_i].content);
    }
    fails(root, ERR_INVALID, text);
    tempdir_destroy(root);
}
END_TEST

START_TEST(namespace_is_optional)
{
    char *root = account_create();
    AUTO(kube_config) struct kube_config config = {0};
    struct err err = {0};
    set_service("10.96.0.1", "443");
    remove_file(root, ACCOUNT "namespace");
    ck_assert_msg(kube_config_in_cluster(root, &config, &err) == 0, "%s", err.text);
    ck_assert_ptr_null(config.namespace);
    tempdir_write(root, ACCOUNT "namespace/x", "a directory");
    AUTO_FREE char *text =
        xasprintf("in-cluster: cannot read %s/" ACCOUNT "namespace: is a directory", root);
    fails(root, ERR_INVALID, text);
    tempdir_destroy(root);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("incluster");
    TCase *all = tcase_create("incluster");
    tcase_add_loop_test(all, server_from_the_environment, 0, (int)ARRAY_LEN(servers));
    tcase_add_loop_test(all, server_that_is_none, 0, (int)ARRAY_LEN(bad_servers));
    tcase_add_loop_test(all, fails_closed, 0, (int)ARRAY_LEN(bad_files));
    tcase_add_test(all, namespace_is_optional);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
