/* Which hosts are names: in flags, and in the files that flags name. */
#include "staticpod/staticpod_names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "unit/staticpod_edit_rig.h"
#include "unit/unit.h"

/* "host (where), …; file (where), …" */
static char *listed(const struct staticpod_names *names)
{
    AUTO(buf) struct buf out = BUF_INIT(65536);
    for (size_t i = 0; i < names->hosts_len; i++) {
        buf_printf(&out, "%s%s (%s)", i > 0 ? ", " : "", names->hosts[i].text,
                   names->hosts[i].where);
    }
    buf_puts(&out, names->files_len > 0 ? "; " : "");
    for (size_t i = 0; i < names->files_len; i++) {
        buf_printf(&out, "%s%s (%s)", i > 0 ? ", " : "", names->files[i].text,
                   names->files[i].where);
    }
    return buf_take(&out);
}

static const struct {
    const char *in; /* behind the first flags */
    const char *out;
} in_flags[] = {
    {"", ""},
    {"    - --etcd-servers=https://127.0.0.1:2379\n", ""},
    {"    - --etcd-servers=https://[::1]:2379,http://[fd00::1]\n", ""},
    {"    - --etcd-servers=10.0.0.1:2379,10.0.0.2\n", ""},
    {"    - --etcd-servers=fd00::1\n", ""},
    {"    - --etcd-servers=https://localhost:2379\n", ""},
    {"    - --etcd-servers=unix:///run/etcd.sock,unixs://etcd\n", ""},
    {"    - --etcd-servers=\n", ""},
    {"    - --etcd-servers=https://10.0.0.1:2379,https://etcd-2.example:2379\n",
     "etcd-2.example (--etcd-servers)"},
    {"    - --etcd-servers\n    - etcd-1:2379,etcd-2,etcd-1\n",
     "etcd-1 (--etcd-servers), etcd-2 (--etcd-servers)"},
    {"    - --etcd-servers=https://u:p@etcd.example/x\n", "etcd.example (--etcd-servers)"},
    {"    - --etcd-servers=https://10.0.0.1.example\n", "10.0.0.1.example (--etcd-servers)"},
    {"    - --etcd-servers=https://localhost.example\n", "localhost.example (--etcd-servers)"},
    {"    - --etcd-servers-overrides=/events#https://10.0.0.1:2379;https://etcd-e:2379,/x#b\n",
     "etcd-e (--etcd-servers-overrides), b (--etcd-servers-overrides)"},
    {"    - --oidc-issuer-url=https://login.example/realm?x=1.2.3.4\n",
     "login.example (--oidc-issuer-url)"},
    /* not reached: it is only written into tokens */
    {"    - --service-account-issuer=https://kubernetes.default.svc.cluster.local\n", ""},
    {"    - --audit-webhook-config-file=/a\n    - --authorization-webhook-config-file=/b\n"
     "    - --authentication-token-webhook-config-file=/a\n    - --authentication-config=/c\n"
     "    - --authorization-config=/d\n    - --admission-control-config-file\n    - /e\n"
     "    - --egress-selector-config-file=\n",
     "; /a (--authentication-token-webhook-config-file), /c (--authentication-config), "
     "/b (--authorization-webhook-config-file), /d (--authorization-config), "
     "/e (--admission-control-config-file)"},
    {"    - --etcd-servers=https://etcd-1,https://etcd-2\n  hostAliases:\n  - ip: 10.0.0.1\n"
     "    hostnames: [a, etcd-1]\n",
     "etcd-2 (--etcd-servers)"},
};

static const struct {
    const char *in;
    const char *out;
} in_files[] = {
    {"", ""},
    {"kind: Config\nclusters:\n- name: b\n  cluster: {server: 'https://auth.example/x'}\n"
     "- name: a\n  cluster: {server: 10.0.0.1, proxy-url: 'socks5://proxy'}\n",
     "auth.example (server of /f), proxy (proxy-url of /f)"},
    {"kind: AuthenticationConfiguration\njwt:\n- issuer:\n    url: https://login.example\n"
     "    discoveryURL: https://find.example:8443/x\n    audiences: ['https://aud.example']\n",
     "login.example (url of /f), find.example (discoveryURL of /f)"},
    {"kind: AuthorizationConfiguration\nauthorizers:\n- type: Webhook\n  webhook:\n"
     "    connectionInfo: {type: KubeConfigFile, kubeConfigFile: /kc}\n",
     "; /kc (kubeConfigFile of /f)"},
    {"kind: EgressSelectorConfiguration\negressSelections:\n- name: cluster\n  connection:\n"
     "    transport: {tcp: {url: 'https://konnectivity:8131'}}\n",
     "konnectivity (url of /f)"},
    {"{\"server\": 5, \"url\": null, \"a\": [[{\"server\": \"h\"}]]}", "h (server of /f)"},
    {"server: https://known.example\nurl: https://known.example.com\n",
     "known.example.com (url of /f)"},
};

START_TEST(finds_in_flags)
{
    AUTO_FREE char *in = xasprintf(POD API "%s", in_flags[_i].in);
    AUTO(staticpod_manifest) struct staticpod_manifest manifest;
    AUTO(staticpod_refusal) struct staticpod_refusal refusal = {0};
    AUTO(staticpod_names) struct staticpod_names names = {0};
    ck_assert_int_eq(
        staticpod_manifest_read(in, strlen(in), STATICPOD_APISERVER, &manifest, &refusal), 0);
    ck_assert_int_eq(staticpod_names_in_flags(&manifest, &names, &refusal), 0);
    AUTO_FREE char *out = listed(&names);
    ck_assert_str_eq(out, in_flags[_i].out);
}
END_TEST

/* The manifest that names the files; hostAliases count for them too. */
static void read_manifest(struct staticpod_manifest *manifest)
{
    static const char in[] =
        POD API "  hostAliases: [{ip: 10.0.0.1, hostnames: [known.example]}]\n";
    AUTO(staticpod_refusal) struct staticpod_refusal refusal = {0};
    ck_assert_int_eq(
        staticpod_manifest_read(in, strlen(in), STATICPOD_APISERVER, manifest, &refusal), 0);
}

START_TEST(finds_in_files)
{
    AUTO(staticpod_manifest) struct staticpod_manifest manifest;
    AUTO(staticpod_names) struct staticpod_names names = {0};
    const char *in = in_files[_i].in;
    read_manifest(&manifest);
    ck_assert_int_eq(staticpod_names_in_file(&manifest, "/f", in, strlen(in), &names, NULL), 0);
    AUTO_FREE char *out = listed(&names);
    ck_assert_str_eq(out, in_files[_i].out);
}
END_TEST

START_TEST(tells_unreadable_file)
{
    AUTO(staticpod_manifest) struct staticpod_manifest manifest;
    AUTO(staticpod_names) struct staticpod_names names = {0};
    struct err err;
    read_manifest(&manifest);
    ck_assert_int_eq(staticpod_names_in_file(&manifest, "/f", "a: [", 4, &names, &err), -1);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_msg(strncmp(err.text, "/f: line 1", 10) == 0, "%s", err.text);
}
END_TEST

/* dnsPolicy is not set where a name is needed, unless that is allowed, or it is set already. */
START_TEST(hinders_the_edit)
{
    static const char in[] = POD API "    - --etcd-servers\n    - https://etcd.example:2379\n";
    static const char variable[] = POD API "    - --etcd-servers=https://$(HOST):2379\n";
    struct staticpod_wanted wanted = rig_dns;
    rig_check_refused(&wanted, in, strlen(in), 11, 7, "--etcd-servers has the DNS name etcd.ex");
    rig_check_refused(&wanted, variable, strlen(variable), 10, 7, "has a variable");
    rig_check_as_wanted(&rig_hostname, in);
    wanted.names_allowed = true;
    AUTO(staticpod_edit) struct staticpod_edit edit;
    ck_assert_int_eq(staticpod_edit(in, strlen(in), &wanted, &edit), STATICPOD_EDITED);
    rig_check_as_wanted(&rig_dns, edit.text);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("staticpod_names");
    TCase *rows = tcase_create("rows");
    tcase_add_loop_test(rows, finds_in_flags, 0, ARRAY_LEN(in_flags));
    tcase_add_loop_test(rows, finds_in_files, 0, ARRAY_LEN(in_files));
    tcase_add_test(rows, tells_unreadable_file);
    tcase_add_test(rows, hinders_the_edit);
    suite_add_tcase(suite, rows);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
