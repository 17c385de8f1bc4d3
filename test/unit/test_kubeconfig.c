#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "kube/base64.h"
#include "kube/config.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

#define FIXTURES "test/fixtures/kubeconfig/"

static void load(const char *file, const char *context, struct kube_config *config)
{
    struct err err = {0};
    ck_assert_msg(kube_config_load(file, context, config, &err) == 0, "%s: %s", file, err.text);
}

static void same_as_file(const char *got, const char *path)
{
    AUTO_FREE char *wanted = unit_read_file(path, NULL);
    ck_assert_str_eq(got, wanted);
}

/* An absolute path, however it was made, is the fixture. */
static void is_fixture(const char *path, const char *name)
{
    AUTO_FREE char *fixture = xasprintf(FIXTURES "%s", name);
    AUTO_FREE char *wanted = realpath(fixture, NULL);
    AUTO_FREE char *got = realpath(path, NULL);
    ck_assert_int_eq(path[0], '/');
    ck_assert_str_eq(got, wanted);
}

START_TEST(data_as_kubeadm_writes_it)
{
    AUTO(kube_config) struct kube_config config = {0};
    load(FIXTURES "data.yaml", NULL, &config);
    ck_assert_str_eq(config.source, FIXTURES "data.yaml");
    ck_assert_str_eq(config.server, "https://10.0.0.1:6443");
    ck_assert_str_eq(config.namespace, "kube-system");
    same_as_file(config.ca_pem, FIXTURES "ca.crt");
    same_as_file(config.cert_pem, FIXTURES "client-rsa.crt");
    same_as_file(config.key_pem, FIXTURES "client-rsa.key");
    ck_assert_ptr_null(config.ca_file);
    ck_assert_ptr_null(config.cert_file);
    ck_assert_ptr_null(config.key_file);
    ck_assert_ptr_null(config.token);
    ck_assert_ptr_null(config.exec);
    ck_assert(!config.insecure_skip_verify);
}
END_TEST

START_TEST(files_relative_to_the_kubeconfig)
{
    AUTO(kube_config) struct kube_config config = {0};
    load(FIXTURES "files.yaml", NULL, &config);
    ck_assert_str_eq(config.server, "https://[fd00::1]:6443/prefix");
    ck_assert_str_eq(config.tls_server_name, "kubernetes.default");
    ck_assert_str_eq(config.proxy_url, "socks5://user:secret@proxy.example:1080");
    same_as_file(config.ca_pem, FIXTURES "ca.crt");
    same_as_file(config.cert_pem, FIXTURES "client-ec.crt");
    same_as_file(config.key_pem, FIXTURES "client-ec.key");
    is_fixture(config.ca_file, "ca.crt");
    is_fixture(config.cert_file, "client-ec.crt");
    is_fixture(config.key_file, "client-ec.key");
    ck_assert_str_eq(config.impersonate_user, "system:serviceaccount:kube-system:steward");
    ck_assert_str_eq(config.impersonate_uid, "4711");
    ck_assert_str_eq(config.impersonate_groups[0], "system:authenticated");
    ck_assert_str_eq(config.impersonate_groups[1], "group two");
    ck_assert_ptr_null(config.impersonate_groups[2]);
    ck_assert_ptr_null(config.namespace);
}
END_TEST

/* The file's token wins over the fixed one, the space around it goes. */
START_TEST(token_file_of_another_context)
{
    AUTO(kube_config) struct kube_config config = {0};
    load(FIXTURES "files.yaml", "by-token", &config);
    ck_assert_str_eq(config.server, "HTTPS://api.example");
    ck_assert_str_eq(config.token, "from-the-file");
    is_fixture(config.token_file, "token");
    ck_assert(config.insecure_skip_verify);
    ck_assert_ptr_null(config.ca_pem);
}
END_TEST

START_TEST(password)
{
    AUTO(kube_config) struct kube_config config = {0};
    load(FIXTURES "files.yaml", "by-password", &config);
    ck_assert_str_eq(config.username, "me");
    ck_assert_str_eq(config.password, "pass:word");
    ck_assert_ptr_null(config.cert_pem);
    ck_assert_ptr_null(config.impersonate_groups);
}
END_TEST

/* Surrogate pairs and "\/" are JSON but not YAML 1.1. */
START_TEST(json_and_nothing_secret_in_the_clear)
{
    AUTO(kube_config) struct kube_config config = {0};
    load(FIXTURES "config.json", NULL, &config);
    ck_assert_str_eq(config.server, "http://127.0.0.1:8080");
    ck_assert_ptr_null(config.token);
}
END_TEST

START_TEST(several_files_first_wins)
{
    AUTO(kube_config) struct kube_config config = {0};
    setenv("KUBECONFIG",
           FIXTURES "not-there.yaml::" FIXTURES "merge-first.yaml:" FIXTURES
                    "sub/merge-second.yaml:" FIXTURES "merge-first.yaml",
           1);
    load(NULL, NULL, &config);
    ck_assert_str_eq(config.source, FIXTURES "merge-first.yaml");
    ck_assert_str_eq(config.server, "https://first");
    ck_assert_ptr_null(config.ca_pem); /* an entry counts whole: nothing is taken from the second */
    ck_assert_str_eq(config.token, "from-the-file");
    is_fixture(config.token_file, "token");
}
END_TEST

START_TEST(a_named_file_is_not_merged)
{
    AUTO(kube_config) struct kube_config config = {0};
    struct err err = {0};
    setenv("KUBECONFIG", FIXTURES "sub/merge-second.yaml", 1);
    ck_assert_int_eq(kube_config_load(FIXTURES "merge-first.yaml", NULL, &config, &err), -1);
    ck_assert_str_eq(err.text, FIXTURES "merge-first.yaml: current-context: not set; choose one "
                                        "with --context; there are: both");
    ck_assert_int_eq(err.kind, ERR_INVALID);
}
END_TEST

START_TEST(errors_in_merged_files_name_theirs)
{
    AUTO(kube_config) struct kube_config config = {0};
    struct err err = {0};
    char *dir = tempdir_create();
    AUTO_FREE char *one = tempdir_path(dir, "one");
    AUTO_FREE char *two = tempdir_path(dir, "two");
    AUTO_FREE char *list = xasprintf("%s:%s", one, two);
    AUTO_FREE char *wanted = xasprintf("$KUBECONFIG: %s:3: users[0].user.token: must be a string, "
                                       "found number; quote it",
                                       two);
    tempdir_write(dir, "one", "current-context: x\n");
    tempdir_write(dir, "two", "users:\n- user:\n    token: 1\n");
    setenv("KUBECONFIG", list, 1);
    ck_assert_int_eq(kube_config_load(NULL, NULL, &config, &err), -1);
    ck_assert_str_eq(err.text, wanted);
    tempdir_destroy(dir);
}
END_TEST

START_TEST(exec_plugin_in_full)
{
    AUTO(kube_config) struct kube_config config = {0};
    load(FIXTURES "exec.yaml", NULL, &config);
    const struct kube_exec *exec = config.exec;
    AUTO_FREE char *cwd = getcwd(NULL, 0);
    AUTO_FREE char *command = xasprintf("%s/" FIXTURES "./plugins/get-token", cwd);
    ck_assert_str_eq(exec->api_version, "client.authentication.k8s.io/v1");
    ck_assert_str_eq(exec->argv[0], command);
    ck_assert_str_eq(exec->argv[1], "--cluster");
    ck_assert_str_eq(exec->argv[2], "a b");
    ck_assert_ptr_null(exec->argv[3]);
    ck_assert_str_eq(exec->env[0], "REGION=north");
    ck_assert_str_eq(exec->env[1], "EMPTY=");
    ck_assert_ptr_null(exec->env[2]);
    ck_assert_str_eq(exec->install_hint, "install it:  [1mapt-get install get-token");
    ck_assert(exec->provide_cluster_info);
    ck_assert_str_eq(exec->cluster_config, "{\"audience\":\"06e3fbd18de8\"}");
}
END_TEST

START_TEST(exec_plugin_with_defaults)
{
    AUTO(kube_config) struct kube_config config = {0};
    load(FIXTURES "exec.yaml", "v1beta1", &config);
    ck_assert_str_eq(config.exec->api_version, "client.authentication.k8s.io/v1beta1");
    ck_assert_str_eq(config.exec->argv[0], "get-token");
    ck_assert_ptr_null(config.exec->argv[1]);
    ck_assert_ptr_null(config.exec->env[0]);
    ck_assert_ptr_null(config.exec->install_hint);
    ck_assert_ptr_null(config.exec->cluster_config);
    ck_assert(!config.exec->provide_cluster_info);
}
END_TEST

START_TEST(exec_plugin_is_not_asked_for_the_clear)
{
    AUTO(kube_config) struct kube_config config = {0};
    load(FIXTURES "exec.yaml", "in-the-clear", &config);
    ck_assert_ptr_null(config.exec);
}
END_TEST

/* Lines 1 to 4, 5 to 8, 9 to 11 of what follows. */
#define CONTEXT "current-context: c\ncontexts:\n- name: c\n  context: {cluster: k, user: u}\n"
#define CLUSTER "clusters:\n- name: k\n  cluster:\n    server: https://h:6443\n"
#define USER "users:\n- name: u\n  user:\n"

/* Taken as client-go takes them. */
static const struct {
    const char *text;
    const char *server;
    const char *token;
} taken[] = {
    {CONTEXT CLUSTER USER "    token: a\n", "https://h:6443", "a"},
    {CONTEXT CLUSTER "users:\n- name: u\n", "https://h:6443", NULL},
    {CONTEXT CLUSTER "users:\n- {name: u, user: null}\n- {user: {}}\n- {user: {}}\n",
     "https://h:6443", NULL},
    {CONTEXT CLUSTER USER "    token: a\n    tokenFile: none\n", "https://h:6443", "a"},
    {CONTEXT CLUSTER USER "    token: a\n    username: \"\"\n    exec: null\n    as-groups: []\n",
     "https://h:6443", "a"},
    {CONTEXT CLUSTER "    proxy-url: \"\"\n    certificate-authority: \"\"\n" USER
                     "    token: >-\n      a\n",
     "https://h:6443", "a"},
    {"apiVersion: v1\nkind: Config\nunknown: 1\n" CONTEXT CLUSTER USER "    token: a\n    b: c\n",
     "https://h:6443", "a"},
    {"\xef\xbb\xbf" CONTEXT CLUSTER USER "    token: a\n", "https://h:6443", "a"},
    {"---\n" CONTEXT CLUSTER USER "    token: a\n---\nanother: document\n...\n: [not\n",
     "https://h:6443", "a"},
    {CONTEXT USER "    token: a\nclusters:\n- name: k\n  cluster: {server: \"https://[::1]\"}\n",
     "https://[::1]", "a"},
    {CONTEXT USER
     "    token: a\nclusters:\n- name: k\n  cluster: {server: \"https://h/k8s/c//\"}\n",
     "https://h/k8s/c", "a"},
    {"x: &user\n  token: a\n" CONTEXT CLUSTER "users:\n- name: u\n  user: *user\n",
     "https://h:6443", "a"},
    {"x: &user\n  token: a\n" CONTEXT CLUSTER "users:\n- name: u\n  user: {<<: *user}\n",
     "https://h:6443", "a"},
};

START_TEST(taken_as_kubectl_takes_it)
{
    char *dir = tempdir_create();
    AUTO(kube_config) struct kube_config config = {0};
    AUTO_FREE char *path = tempdir_path(dir, "config");
    tempdir_write(dir, "config", taken[_i].text);
    load(path, NULL, &config);
    ck_assert_str_eq(config.server, taken[_i].server);
    ck_assert_pstr_eq(config.token, taken[_i].token);
    tempdir_destroy(dir);
}
END_TEST

/* base64 in several lines, and one of certificate and key as data: neither is re-read. */
START_TEST(file_and_data_mixed)
{
    char *dir = tempdir_create();
    AUTO(kube_config) struct kube_config config = {0};
    AUTO_FREE char *path = tempdir_path(dir, "config");
    AUTO_FREE char *cert = unit_read_file(FIXTURES "client-ec.crt", NULL);
    AUTO_FREE char *data = base64_encode(cert, strlen(cert));
    AUTO_FREE char *text = xasprintf(
        CONTEXT CLUSTER USER "    client-key: k\n    client-certificate-data: |\n      %.64s\n"
                             "      %s\n",
        data, data + 64);
    tempdir_write(dir, "config", text);
    tempdir_copy(dir, "k", FIXTURES "client-ec.key");
    load(path, NULL, &config);
    ck_assert_str_eq(config.cert_pem, cert);
    same_as_file(config.key_pem, FIXTURES "client-ec.key");
    ck_assert_ptr_null(config.cert_file);
    ck_assert_ptr_null(config.key_file);
    tempdir_destroy(dir);
}
END_TEST

static void fails(const char *file, const char *context, enum err_kind kind, const char *text)
{
    AUTO(kube_config) struct kube_config config = {0};
    struct err err = {0};
    ck_assert_int_eq(kube_config_load(file, context, &config, &err), -1);
    ck_assert_str_eq(err.text, text);
    ck_assert_int_eq(err.kind, kind);
}

START_TEST(context_that_is_not_there)
{
    fails(FIXTURES "files.yaml", "nope", ERR_INVALID,
          FIXTURES "files.yaml: contexts: no context \"nope\"; there are: by-file, by-token, "
                   "by-password");
}
END_TEST

START_TEST(file_that_is_not_there)
{
    fails("/not/there", NULL, ERR_NOT_FOUND,
          "kubeconfig: cannot read /not/there: No such file or directory");
}
END_TEST

START_TEST(file_that_is_none)
{
    fails("test/fixtures", NULL, ERR_INVALID,
          "kubeconfig: cannot read test/fixtures: is a directory");
}
END_TEST

/* To go on with the pod's own account could mean to write to another cluster. */
START_TEST(list_of_files_that_are_not_there)
{
    setenv("KUBECONFIG", "/not/a:/not/b", 1);
    setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    fails(NULL, NULL, ERR_NOT_FOUND,
          "$KUBECONFIG: /not/a:/not/b: no such file: set KUBECONFIG to a kubeconfig, or name one "
          "with --kubeconfig");
}
END_TEST

static void clear_environment(void)
{
    unsetenv("KUBECONFIG");
    unsetenv("HOME");
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("KUBERNETES_SERVICE_PORT");
}

START_TEST(nothing_at_all)
{
    fails(NULL, NULL, ERR_NOT_FOUND,
          "no kubeconfig, and not in a pod (KUBERNETES_SERVICE_HOST is not set): name a kubeconfig "
          "with --kubeconfig or in $KUBECONFIG");
    fails(NULL, "c", ERR_NOT_FOUND,
          "no kubeconfig to look up the context \"c\" in: name one with --kubeconfig or in "
          "$KUBECONFIG");
}
END_TEST

START_TEST(file_at_home)
{
    char *home = tempdir_create();
    AUTO(kube_config) struct kube_config config = {0};
    AUTO_FREE char *broken = NULL;
    setenv("HOME", home, 1);
    setenv("KUBECONFIG", "", 1);
    tempdir_write(home, ".kube/config", CONTEXT CLUSTER USER "    token: a\n");
    load(NULL, NULL, &config);
    ck_assert_str_eq(config.token, "a");
    tempdir_write(home, ".kube/config", "");
    broken = xasprintf("%s/.kube/config: empty: put a kubeconfig there, or name another with "
                       "--kubeconfig",
                       home);
    fails(NULL, NULL, ERR_INVALID, broken);
    tempdir_destroy(home);
}
END_TEST

START_TEST(relative_path_without_directory)
{
    char *dir = tempdir_create();
    AUTO(kube_config) struct kube_config config = {0};
    AUTO_FREE char *wanted = tempdir_path(dir, "t");
    AUTO_FREE char *before = getcwd(NULL, 0);
    tempdir_write(dir, "config", CONTEXT CLUSTER USER "    tokenFile: t\n");
    tempdir_write(dir, "t", "secret");
    ck_assert_int_eq(chdir(dir), 0);
    load("config", NULL, &config);
    ck_assert_str_eq(config.token_file, wanted);
    ck_assert_int_eq(chdir(before), 0);
    tempdir_destroy(dir);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kubeconfig");
    TCase *all = tcase_create("kubeconfig");
    tcase_add_checked_fixture(all, clear_environment, NULL);
    tcase_add_test(all, data_as_kubeadm_writes_it);
    tcase_add_test(all, files_relative_to_the_kubeconfig);
    tcase_add_test(all, token_file_of_another_context);
    tcase_add_test(all, password);
    tcase_add_test(all, json_and_nothing_secret_in_the_clear);
    tcase_add_test(all, several_files_first_wins);
    tcase_add_test(all, a_named_file_is_not_merged);
    tcase_add_test(all, errors_in_merged_files_name_theirs);
    tcase_add_test(all, exec_plugin_in_full);
    tcase_add_test(all, exec_plugin_with_defaults);
    tcase_add_test(all, exec_plugin_is_not_asked_for_the_clear);
    tcase_add_loop_test(all, taken_as_kubectl_takes_it, 0, (int)ARRAY_LEN(taken));
    tcase_add_test(all, file_and_data_mixed);
    tcase_add_test(all, context_that_is_not_there);
    tcase_add_test(all, file_that_is_not_there);
    tcase_add_test(all, file_that_is_none);
    tcase_add_test(all, list_of_files_that_are_not_there);
    tcase_add_test(all, nothing_at_all);
    tcase_add_test(all, file_at_home);
    tcase_add_test(all, relative_path_without_directory);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
