#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
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
#define V1 "      apiVersion: client.authentication.k8s.io/v1\n"
#define NEVER "      interactiveMode: Never\n"
#define COMMAND "      command: x\n"

/* Refused with exactly this text, '@' being the directory of the file "config" with this text. */
static const struct {
    const char *text;
    const char *wanted;
} refused[] = {
    /* not a kubeconfig at all */
    {"", "@/config: empty: put a kubeconfig there, or name another with --kubeconfig"},
    {"# nothing but this\n",
     "@/config: empty: put a kubeconfig there, or name another with --kubeconfig"},
    {"just words\n", "@/config:1: not a kubeconfig: must be a mapping, found string"},
    {"\n\n- a list\n", "@/config:3: not a kubeconfig: must be a mapping, found array"},
    {"kind: Pod\n" CONTEXT, "@/config:1: kind: not a kubeconfig: must be Config, is \"Pod\""},
    {CONTEXT "apiVersion: v2\n",
     "@/config:5: apiVersion: not a kubeconfig: must be v1, is \"v2\""},
    {CONTEXT "apiVersion: 1\n", "@/config:5: apiVersion: must be a string, found number"},
    {CONTEXT CLUSTER "users: {u: {}}\n", "@/config:9: users: must be a list, found object"},
    {CONTEXT CLUSTER "users:\n- u\n", "@/config:10: users[0]: must be a mapping, found string"},
    {CONTEXT CLUSTER "users:\n-\n  name: 1\n",
     "@/config:11: users[0].name: must be a string, found number; quote it"},
    {CONTEXT CLUSTER USER "    token: a\n- name: v\n- name: u\n",
     "@/config:14: users[2].name: the name \"u\" is there twice"},
    {CONTEXT CLUSTER USER "    token: [a\n", NULL},
    {CONTEXT CLUSTER USER "    token: a\n    token: b\n", NULL},

    /* context */
    {CLUSTER USER, "@/config: current-context: not set; choose one with --context; there are: "
                   "none"},
    {"current-context: x\ncontexts:\n- name: a\n- name: b\n",
     "@/config:1: current-context: no context \"x\"; choose one with --context; there are: a, b"},
    {"current-context: c\ncontexts:\n- name: c\n" CLUSTER USER,
     "@/config:3: contexts[0].context.cluster: missing: name a cluster; there are: k"},
    {"current-context: c\ncontexts:\n- name: c\n  context:\n    cluster: k\n" CLUSTER USER,
     "@/config:4: contexts[0].context.user: missing: name a user; there are: u"},
    {"current-context: c\ncontexts:\n- name: c\n  context:\n    cluster: z\n    user: u\n" CLUSTER
         USER,
     "@/config:5: contexts[0].context.cluster: no cluster \"z\"; there are: k"},
    {"current-context: c\ncontexts:\n- name: c\n  context:\n    cluster: k\n    user: z\n" CLUSTER
         USER,
     "@/config:6: contexts[0].context.user: no user \"z\"; there are: u"},
    {"current-context: c\ncontexts:\n- name: c\n  context:\n    cluster: k\n    user: u\n"
     "    namespace: A_b\n" CLUSTER USER,
     "@/config:7: contexts[0].context.namespace: \"A_b\" is no name of a namespace"},

    /* cluster */
    {CONTEXT USER "clusters:\n- name: k\n  cluster: {}\n",
     "@/config:10: clusters[0].cluster.server: missing: give the API server as https://HOST:PORT"},
    {CONTEXT USER "clusters:\n- name: k\n  cluster: {server: \"\"}\n",
     "@/config:10: clusters[0].cluster.server: missing: give the API server as https://HOST:PORT"},
    {CONTEXT USER "clusters:\n- name: k\n  cluster: {server: 10.0.0.1}\n",
     "@/config:10: clusters[0].cluster.server: \"10.0.0.1\" must be https://HOST[:PORT][/PREFIX]"},
    {CONTEXT USER "clusters:\n- name: k\n  cluster: {server: \"ftp://h\"}\n",
     "@/config:10: clusters[0].cluster.server: \"ftp://h\" must be https://HOST[:PORT][/PREFIX]"},
    {CONTEXT USER "clusters:\n- name: k\n  cluster: {server: \"https://\"}\n",
     "@/config:10: clusters[0].cluster.server: \"https://\" must be https://HOST[:PORT][/PREFIX]"},
    {CONTEXT USER "clusters:\n- name: k\n  cluster: {server: \"https://h:0\"}\n",
     "@/config:10: clusters[0].cluster.server: \"https://h:0\" must be "
     "https://HOST[:PORT][/PREFIX]"},
    {CONTEXT USER "clusters:\n- name: k\n  cluster: {server: \"https://u:p@h\"}\n",
     "@/config:10: clusters[0].cluster.server: \"https://u:p@h\" must be "
     "https://HOST[:PORT][/PREFIX]"},
    {CONTEXT USER "clusters:\n- name: k\n  cluster: {server: \"https://h/?a=b\"}\n",
     "@/config:10: clusters[0].cluster.server: \"https://h/?a=b\" must be "
     "https://HOST[:PORT][/PREFIX]"},
    {CONTEXT CLUSTER "    proxy-url: ftp://u:secret@p\n" USER,
     "@/config:9: clusters[0].cluster.proxy-url: must be http://HOST:PORT, https://HOST:PORT or "
     "socks5://HOST:PORT"},
    {CONTEXT CLUSTER "    proxy-url: http://:80\n" USER,
     "@/config:9: clusters[0].cluster.proxy-url: must be http://HOST:PORT, https://HOST:PORT or "
     "socks5://HOST:PORT"},
    {CONTEXT CLUSTER "    insecure-skip-tls-verify: \"yes\"\n" USER,
     "@/config:9: clusters[0].cluster.insecure-skip-tls-verify: must be true or false, found "
     "string"},
    {CONTEXT CLUSTER "    insecure-skip-tls-verify: true\n    certificate-authority: ca.crt\n" USER,
     "@/config:9: clusters[0].cluster.insecure-skip-tls-verify: contradicts certificate-authority: "
     "keep one of them"},
    {CONTEXT CLUSTER "    certificate-authority-data: AAEC\n    certificate-authority: ca.crt\n" USER,
     "@/config:9: clusters[0].cluster.certificate-authority-data: not PEM text: holds a NUL byte"},
    {CONTEXT CLUSTER "    certificate-authority-data: YWJj\n    certificate-authority: ca.crt\n" USER,
     "@/config:10: clusters[0].cluster.certificate-authority: contradicts "
     "certificate-authority-data: keep one of them"},
    {CONTEXT CLUSTER "    certificate-authority-data: YWJj\n    insecure-skip-tls-verify: on\n" USER,
     "@/config:10: clusters[0].cluster.insecure-skip-tls-verify: contradicts "
     "certificate-authority-data: keep one of them"},
    {CONTEXT CLUSTER "    certificate-authority-data: YWJj\n" USER,
     "@/config:9: clusters[0].cluster.certificate-authority-data: holds no PEM certificate"},
    {CONTEXT CLUSTER "    certificate-authority-data: YWJ\n" USER,
     "@/config:9: clusters[0].cluster.certificate-authority-data: not valid base64"},
    {CONTEXT CLUSTER "    certificate-authority: none.crt\n" USER,
     "@/config:9: clusters[0].cluster.certificate-authority: cannot read @/none.crt: No such file "
     "or directory"},
    {CONTEXT CLUSTER "    certificate-authority: .\n" USER,
     "@/config:9: clusters[0].cluster.certificate-authority: cannot read @/.: is a directory"},
    {CONTEXT CLUSTER "    certificate-authority: client.key\n" USER,
     "@/config:9: clusters[0].cluster.certificate-authority: @/client.key: holds no PEM "
     "certificate"},
    {CONTEXT CLUSTER "    certificate-authority: cut.crt\n" USER,
     "@/config:9: clusters[0].cluster.certificate-authority: @/cut.crt: line 1: BEGIN CERTIFICATE "
     "without its END"},
    {CONTEXT CLUSTER "    extensions: [x]\n" USER,
     "@/config:9: clusters[0].cluster.extensions[0]: must be a mapping, found string"},

    /* user */
    {CONTEXT CLUSTER USER "    token: 12345\n",
     "@/config:12: users[0].user.token: must be a string, found number; quote it"},
    {CONTEXT CLUSTER USER "    token: [a]\n",
     "@/config:12: users[0].user.token: must be a string, found array"},
    {CONTEXT CLUSTER USER "    token: \"a\\nb\"\n",
     "@/config:12: users[0].user.token: holds control characters, which no header can carry"},
    {CONTEXT CLUSTER USER "    token: \"a\\0b\"\n",
     "@/config:12: users[0].user.token: holds a NUL character"},
    {CONTEXT CLUSTER USER "    client-certificate-data: '%%%%'\n",
     "@/config:12: users[0].user.client-certificate-data: not valid base64"},
    {CONTEXT CLUSTER "users:\n- name: other\n  user:\n    client-key-data: '*'\n- name: u\n",
     "@/config:12: users[0].user.client-key-data: not valid base64"},
    {CONTEXT CLUSTER USER "    client-certificate: client.crt\n",
     "@/config:12: users[0].user.client-certificate: needs client-key or client-key-data beside "
     "it"},
    {CONTEXT CLUSTER USER "    client-certificate-data: YWJj\n",
     "@/config:12: users[0].user.client-certificate-data: needs client-key or client-key-data "
     "beside it"},
    {CONTEXT CLUSTER USER "    client-key: client.key\n",
     "@/config:12: users[0].user.client-key: needs client-certificate or client-certificate-data "
     "beside it"},
    {CONTEXT CLUSTER USER "    client-key: client.key\n    client-certificate: client.crt\n"
                          "    client-certificate-data: YWJj\n",
     "@/config:13: users[0].user.client-certificate: contradicts client-certificate-data: keep one "
     "of them"},
    {CONTEXT CLUSTER USER "    client-key: client.key\n    client-certificate: client.crt\n"
                          "    client-key-data: YWJj\n",
     "@/config:12: users[0].user.client-key: contradicts client-key-data: keep one of them"},
    {CONTEXT CLUSTER USER "    client-key: none.key\n    client-certificate: client.crt\n",
     "@/config:12: users[0].user.client-key: cannot read @/none.key: No such file or directory"},
    {CONTEXT CLUSTER USER "    client-key: client.crt\n    client-certificate: client.crt\n",
     "@/config:12: users[0].user.client-key: @/client.crt: holds no PEM private key"},
    {CONTEXT CLUSTER USER "    client-key: other.key\n    client-certificate: client.crt\n",
     "@/config:12: users[0].user.client-key: the private key is not the certificate's"},
    {CONTEXT CLUSTER USER "    client-key: encrypted.key\n    client-certificate: client.crt\n",
     "@/config:12: users[0].user.client-key: @/encrypted.key: the private key is encrypted; "
     "decrypt it first"},
    {CONTEXT CLUSTER USER "    tokenFile: none\n",
     "@/config:12: users[0].user.tokenFile: cannot read @/none: No such file or directory"},
    {CONTEXT CLUSTER USER "    tokenFile: empty\n",
     "@/config:12: users[0].user.tokenFile: @/empty holds no token: it is empty"},
    {CONTEXT CLUSTER USER "    token: a\n    username: b\n",
     "@/config:13: users[0].user.username: contradicts token: keep one of them"},
    {CONTEXT CLUSTER USER "    tokenFile: a\n    password: b\n",
     "@/config:13: users[0].user.password: contradicts tokenFile: keep one of them"},
    {CONTEXT CLUSTER USER "    username: a:b\n",
     "@/config:12: users[0].user.username: must not hold a colon (RFC 7617)"},
    {CONTEXT CLUSTER USER "    auth-provider: {name: gcp}\n",
     "@/config:12: users[0].user.auth-provider: not supported: use an exec credential plugin or a "
     "token instead"},

    /* impersonation */
    {CONTEXT CLUSTER USER "    as-groups: [a]\n",
     "@/config:12: users[0].user.as-groups: needs a user to impersonate beside it (as)"},
    {CONTEXT CLUSTER USER "    as-uid: a\n",
     "@/config:12: users[0].user.as-uid: needs a user to impersonate beside it (as)"},
    {CONTEXT CLUSTER USER "    as: a\n    as-user-extra: {a: [b]}\n",
     "@/config:13: users[0].user.as-user-extra: not supported: remove it"},
    {CONTEXT CLUSTER USER "    as: \"a\\nb\"\n",
     "@/config:12: users[0].user.as: holds control characters"},
    {CONTEXT CLUSTER USER "    as: a\n    as-uid: \"a\\tb\"\n",
     "@/config:13: users[0].user.as-uid: holds control characters"},
    {CONTEXT CLUSTER USER "    as: a\n    as-groups:\n    - a\n    - \"b\\rc\"\n",
     "@/config:15: users[0].user.as-groups[1]: holds control characters"},
    {CONTEXT CLUSTER USER "    as: a\n    as-groups: [a, b, c, d, e, f, g, h, i]\n",
     "@/config:13: users[0].user.as-groups: more than 8 groups are not supported"},
    {CONTEXT CLUSTER USER "    as: a\n    as-groups:\n    - a\n    - 7\n",
     "@/config:15: users[0].user.as-groups[1]: must be a string, found number; quote it"},

    /* exec */
    {CONTEXT CLUSTER USER "    token: a\n    exec:\n" V1 COMMAND NEVER,
     "@/config:13: users[0].user.exec: contradicts token: keep one of them"},
    {CONTEXT CLUSTER USER "    tokenFile: a\n    exec:\n" V1 COMMAND NEVER,
     "@/config:13: users[0].user.exec: contradicts tokenFile: keep one of them"},
    {CONTEXT CLUSTER USER "    username: a\n    exec:\n" V1 COMMAND NEVER,
     "@/config:13: users[0].user.exec: contradicts username and password: keep one of them"},
    {CONTEXT CLUSTER USER "    exec:\n" V1 COMMAND NEVER
                          "    client-certificate: client.crt\n    client-key: client.key\n",
     "@/config:12: users[0].user.exec: contradicts the client certificate: keep one of them"},
    {CONTEXT CLUSTER USER "    exec: get-token\n",
     "@/config:12: users[0].user.exec: must be a mapping, found string"},
    {CONTEXT CLUSTER USER "    exec:\n" COMMAND NEVER,
     "@/config:12: users[0].user.exec.apiVersion: missing: must be client.authentication.k8s.io/v1 "
     "or client.authentication.k8s.io/v1beta1"},
    {CONTEXT CLUSTER USER "    exec:\n      apiVersion: client.authentication.k8s.io/v1alpha1\n",
     "@/config:13: users[0].user.exec.apiVersion: must be client.authentication.k8s.io/v1 or "
     "client.authentication.k8s.io/v1beta1"},
    {CONTEXT CLUSTER USER "    exec:\n" V1 NEVER,
     "@/config:12: users[0].user.exec.command: missing: name the credential plugin to run"},
    {CONTEXT CLUSTER USER "    exec:\n" V1 COMMAND,
     "@/config:12: users[0].user.exec.interactiveMode: missing: must be Never or IfAvailable"},
    {CONTEXT CLUSTER USER "    exec:\n" V1 COMMAND "      interactiveMode: Always\n",
     "@/config:15: users[0].user.exec.interactiveMode: Always is not possible: there is no "
     "terminal; use Never or IfAvailable"},
    {CONTEXT CLUSTER USER "    exec:\n" V1 COMMAND "      interactiveMode: Sometimes\n",
     "@/config:15: users[0].user.exec.interactiveMode: must be Never or IfAvailable"},
    {CONTEXT CLUSTER USER "    exec:\n" V1 COMMAND NEVER "      args: --x\n",
     "@/config:16: users[0].user.exec.args: must be a list, found string"},
    {CONTEXT CLUSTER USER "    exec:\n" V1 COMMAND NEVER "      args: [8080]\n",
     "@/config:16: users[0].user.exec.args[0]: must be a string, found number; quote it"},
    {CONTEXT CLUSTER USER "    exec:\n" V1 COMMAND NEVER "      env:\n      - name: A\n"
                          "        value: 1\n",
     "@/config:18: users[0].user.exec.env[0].value: must be a string, found number; quote it"},
    {CONTEXT CLUSTER USER "    exec:\n" V1 COMMAND NEVER "      env:\n      - value: A\n",
     "@/config:17: users[0].user.exec.env[0].name: missing: give the variable a name"},
    {CONTEXT CLUSTER USER "    exec:\n" V1 COMMAND NEVER "      env: [{name: A=B}]\n",
     "@/config:16: users[0].user.exec.env[0].name: must not hold an equals sign"},
    {CONTEXT CLUSTER USER "    exec:\n" V1 COMMAND NEVER "      env: [A]\n",
     "@/config:16: users[0].user.exec.env[0]: must be a mapping, found string"},
};

/* The text with the directory for the '@' of each "@/". */
static char *expand(const char *text, const char *dir)
{
    AUTO(buf) struct buf out = BUF_INIT(4096);
    for (; *text != '\0'; text++) {
        bool here = strncmp(text, "@/", 2) == 0;
        buf_append(&out, here ? dir : text, here ? strlen(dir) : 1);
    }
    return buf_take(&out);
}

static char *refused_dir(const char *config)
{
    char *dir = tempdir_create();
    tempdir_write(dir, "config", config);
    tempdir_copy(dir, "ca.crt", FIXTURES "ca.crt");
    tempdir_copy(dir, "client.crt", FIXTURES "client-ec.crt");
    tempdir_copy(dir, "client.key", FIXTURES "client-ec.key");
    tempdir_copy(dir, "other.key", FIXTURES "client-rsa.key");
    tempdir_copy(dir, "encrypted.key", FIXTURES "client-encrypted.key");
    tempdir_write(dir, "cut.crt", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    tempdir_write(dir, "empty", " \n");
    return dir;
}

START_TEST(refused_with_file_line_and_key)
{
    const char *wanted = refused[_i].wanted;
    char *dir = refused_dir(refused[_i].text);
    AUTO(kube_config) struct kube_config config = {0};
    AUTO_FREE char *path = tempdir_path(dir, "config");
    AUTO_FREE char *text = wanted != NULL ? expand(wanted, dir) : NULL;
    AUTO_FREE char *prefix = xasprintf("%s:1", path);
    struct err err = {0};
    ck_assert_int_eq(kube_config_load(path, NULL, &config, &err), -1);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    if (text != NULL) {
        ck_assert_str_eq(err.text, text);
    } else {
        /* what pkg/yaml says is its affair, but the place comes first */
        ck_assert_msg(strncmp(err.text, prefix, strlen(prefix)) == 0, "%s", err.text);
        ck_assert_msg(strstr(err.text, ": not valid YAML: ") != NULL, "%s", err.text);
    }
    ck_assert_ptr_null(config.server);
    tempdir_destroy(dir);
}
END_TEST

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
    {CONTEXT USER "    token: a\nclusters:\n- name: k\n  cluster: {server: \"https://h/k8s/c//\"}\n",
     "https://h/k8s/c", "a"},
    {"x: &user\n  token: a\n" CONTEXT CLUSTER "users:\n- name: u\n  user: *user\n",
     "https://h:6443", "a"},
    {"x: &user\n  token: a\n" CONTEXT CLUSTER "users:\n- name: u\n  user: {<<: *user}\n",
     "https://h:6443", "a"},
};

START_TEST(taken_as_kubectl_takes_it)
{
    char *dir = refused_dir(taken[_i].text);
    AUTO(kube_config) struct kube_config config = {0};
    AUTO_FREE char *path = tempdir_path(dir, "config");
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
    char *dir = refused_dir(CONTEXT CLUSTER USER "    tokenFile: t\n");
    AUTO(kube_config) struct kube_config config = {0};
    AUTO_FREE char *wanted = tempdir_path(dir, "t");
    AUTO_FREE char *before = getcwd(NULL, 0);
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
    tcase_add_loop_test(all, refused_with_file_line_and_key, 0, (int)ARRAY_LEN(refused));
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
