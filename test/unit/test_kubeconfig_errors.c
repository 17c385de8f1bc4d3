#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "kube/config.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

#define FIXTURES "test/fixtures/kubeconfig/"

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
    {CONTEXT "apiVersion: v2\n", "@/config:5: apiVersion: not a kubeconfig: must be v1, is \"v2\""},
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
    {CONTEXT CLUSTER
     "    certificate-authority-data: AAEC\n    certificate-authority: ca.crt\n" USER,
     "@/config:9: clusters[0].cluster.certificate-authority-data: not PEM text: holds a NUL byte"},
    {CONTEXT CLUSTER
     "    certificate-authority-data: YWJj\n    certificate-authority: ca.crt\n" USER,
     "@/config:10: clusters[0].cluster.certificate-authority: contradicts "
     "certificate-authority-data: keep one of them"},
    {CONTEXT CLUSTER
     "    certificate-authority-data: YWJj\n    insecure-skip-tls-verify: on\n" USER,
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

static Suite *suite(void)
{
    Suite *suite = suite_create("kubeconfig_errors");
    TCase *all = tcase_create("kubeconfig_errors");
    tcase_add_loop_test(all, refused_with_file_line_and_key, 0, (int)ARRAY_LEN(refused));
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
