/* What must be so before a static pod is changed: a replacement, the tunnel's DNS, no names. */
#include "node/precondition.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/staticpod_edit_rig.h"
#include "unit/unit.h"
#include "yaml/yaml.h"
#include "json/json.h"

/* The documents of a YAML text, as an array. */
static struct json_object *documents_of(const char *text)
{
    struct json_object *documents = NULL;
    struct err err;
    ck_assert_msg(yaml_to_json(text, strlen(text), &documents, &err) == 0, "%s", err.text);
    return documents;
}

/* Says it with `reason` (NULL: says nothing) and `says` in the message. */
static void check(const struct precondition *verdict, enum precondition_state state,
                  const char *reason, const char *says)
{
    ck_assert_msg(verdict->state == state, "%d: %s", (int)verdict->state,
                  verdict->message != NULL ? verdict->message : "");
    if (reason == NULL) {
        ck_assert_ptr_null(verdict->reason);
        ck_assert_ptr_null(verdict->message);
        return;
    }
    ck_assert_ptr_nonnull(verdict->reason);
    ck_assert_str_eq(verdict->reason, reason);
    ck_assert_msg(strstr(verdict->message, says) != NULL, "%s", verdict->message);
}

/* --- the replacement --- */

/* One Deployment: "NAME IMAGE AVAILABLE", and the lines of its container. */
#define DEPLOYMENT(name, image, available, more)                                                   \
    "metadata: {namespace: kube-system, name: " name "}\nstatus: {availableReplicas: " available   \
    "}\nspec:\n  template:\n    spec:\n      containers:\n      - name: " name                     \
    "\n        image: openyurt/" image "\n" more
#define MANAGER(version, more) DEPLOYMENT("yurt-manager", "yurt-manager:" version, "1", more)
#define ARGS(flag) "        args:\n        - --v=4\n        - \"" flag "\"\n"
#define MORE(word) "        - \"" word "\"\n"

static const struct {
    const char *in;
    bool off; /* nodelifecycle, already */
    const char *reason;
    const char *says;
} replacements[] = {
    {"", false, "NoReplacement", "there is no Deployment yurt-manager or yurt-controller-manager"},
    {"", true, "NoNodeLifecycle", "nodelifecycle is off in kube-controller-manager, and unless"},
    /* by version */
    {DEPLOYMENT("yurt-controller-manager", "yurt-controller-manager:v0.7.0", "1", ""), false, NULL,
     NULL},
    {DEPLOYMENT("yurt-controller-manager", "yurt-controller-manager:v1.1.1", "1", ""), false, NULL,
     NULL},
    {DEPLOYMENT("yurt-controller-manager", "yurt-controller-manager:v1.2.2", "1", ""), false,
     "NoReplacement", "of this version has no nodelifecycle"},
    {MANAGER("v1.3.4", ARGS("--controllers=*")), false, "NoReplacement",
     "Deployment kube-system/yurt-manager (openyurt/yurt-manager:v1.3.4) of this version"},
    {MANAGER("v1.4.0", ""), false, NULL, NULL},
    {MANAGER("1.5.1-rc1", ""), false, NULL, NULL},
    {MANAGER("v1.5@sha256:00", ""), false, NULL, NULL},
    {MANAGER("v1.6.0", ""), false, "ReplacementUnknown", "does not name nodelifecycle"},
    {MANAGER("v1.6.0", ARGS("--controllers=*")), false, NULL, NULL},
    {MANAGER("v1.7.0", ARGS("--controllers=-nodelifecycle,*")), false, "NoReplacement",
     "has nodelifecycle off (--controllers=-nodelifecycle,*). Since 1.6 OpenYurt leaves it"},
    {MANAGER("v1.7.0", ARGS("--controllers=-nodelifecycle,*")), true, "NoNodeLifecycle",
     "Set kube-controller-manager: Revert"},
    {MANAGER("v1.8.0", ARGS("--controllers=*")), false, "ReplacementUnknown", "does not name"},
    {MANAGER("v1.8.0", ARGS("--controllers=*,nodelifecycle")), false, NULL, NULL},
    {MANAGER("latest", ""), false, "ReplacementUnknown", "does not name nodelifecycle"},
    {MANAGER("latest", ARGS("--controllers=nodelifecycle")), false, NULL, NULL},
    {MANAGER("latest", ARGS("--controllers=-nodelifecycle,*")), true, "NoNodeLifecycle", "off"},
    {DEPLOYMENT("yurt-manager", "yurt-manager@sha256:00", "1", ""), false, "ReplacementUnknown",
     "does not name"},
    {DEPLOYMENT("yurt-manager", "yurt-manager", "1", ""), false, "ReplacementUnknown", "does not"},
    {MANAGER("v1", ""), false, "ReplacementUnknown", "does not name"},
    {MANAGER("v1.5x", ""), false, "ReplacementUnknown", "does not name"},
    {MANAGER("v2024.1", ""), false, "ReplacementUnknown", "does not name"},
    /* by --controllers, as IsControllerEnabled */
    {MANAGER("v1.4.0", ARGS("--controllers=nodepool")), false, "NoReplacement", "off"},
    {MANAGER("v1.4.0", ARGS("--controllers=")), false, "NoReplacement", "off"},
    {MANAGER("v1.4.0", ARGS("--controllers=*,-nodelifecycle")), false, "NoReplacement", "off"},
    {MANAGER("v1.4.0", ARGS("--controllers=nodelifecycle,-nodelifecycle")), false, NULL, NULL},
    {MANAGER("v1.4.0", ARGS("--controllers=-node-life-cycle-controller,*")), false, "NoReplacement",
     "off"},
    {MANAGER("v1.7.0", ARGS("--controllers=node-life-cycle-controller")), false, NULL, NULL},
    {MANAGER("v1.4.0", ARGS("--controllers") MORE("-nodelifecycle,*")), false, "NoReplacement",
     "off"},
    {MANAGER("v1.4.0", ARGS("--controllers=nodepool") MORE("--controllers=*")), false, NULL, NULL},
    {MANAGER("v1.4.0", ARGS("--controllers=$(C)")), false, "ReplacementUnknown", "not seen"},
    {MANAGER("v1.4.0", ARGS("--controllers")), false, "ReplacementUnknown", "not seen"},
    {MANAGER("v1.4.0", "        command: [sh, -c, 'x --controllers=y']\n"), false,
     "ReplacementUnknown", "not seen"},
    {MANAGER("v1.4.0",
             "        command: [/usr/local/bin/yurt-manager, --controllers=-nodelifecycle]"
             "\n        args: ['--controllers=*']\n"),
     false, "NoReplacement", "off"},
    /* whether it is there */
    {DEPLOYMENT("yurt-manager", "yurt-manager:v1.5.0", "0", ""), false, "ReplacementNotReady",
     "has no available pod"},
    {DEPLOYMENT("yurt-manager", "yurt-manager:v1.5.0", "0", ""), true, "ReplacementNotReady",
     "See why"},
    {DEPLOYMENT("other", "yurt-manager:v1.5.0", "1", ""), false, "NoReplacement", "no Deployment"},
    {"metadata: {name: r, namespace: y, labels: {app.kubernetes.io/name: yurt-manager}}\n"
     "status: {availableReplicas: 2}\nspec: {template: {spec: {containers: [{name: proxy}, {name: "
     "m,"
     " image: 'r:5000/yurt-manager:v1.5.0', command: [/bin/yurt-manager]}]}}}\n",
     false, NULL, NULL},
    {"metadata: {name: yurt-manager, namespace: kube-system}\nspec: {template: {spec: {containers: "
     "[{name: a}]}}}\n",
     false, "ReplacementUnknown", "has no container that runs yurt-manager"},
    /* several: the one that does most */
    {DEPLOYMENT("yurt-controller-manager", "yurt-controller-manager:v1.2.0", "1",
                "") "---\n" MANAGER("v1.5.0", ""),
     false, NULL, NULL},
    {DEPLOYMENT("yurt-manager", "yurt-manager:v1.5.0", "0", "") "---\n" DEPLOYMENT(
         "yurt-controller-manager", "yurt-controller-manager:v1.2.0", "1", ""),
     false, "ReplacementNotReady", "kube-system/yurt-manager"},
};

START_TEST(judges_the_replacement)
{
    AUTO(json) struct json_object *deployments = documents_of(replacements[_i].in);
    const char *reason = replacements[_i].reason;
    struct precondition_replacement_input input = {
        .deployments = deployments, .required = true, .off_already = replacements[_i].off};
    AUTO(precondition) struct precondition held = {0};
    AUTO(precondition) struct precondition open = {0};
    precondition_replacement(&input, &held);
    check(&held, reason != NULL ? PRECONDITION_HELD : PRECONDITION_OPEN, reason,
          replacements[_i].says);
    input.required = false;
    precondition_replacement(&input, &open);
    check(&open, PRECONDITION_OPEN, reason, replacements[_i].says);
}
END_TEST

START_TEST(nothing_is_there)
{
    const struct precondition_replacement_input input = {.required = true};
    AUTO(precondition) struct precondition verdict = {0};
    precondition_replacement(&input, &verdict);
    check(&verdict, PRECONDITION_HELD, "NoReplacement", "there is no Deployment");
    ck_assert(verdict.warning);
}
END_TEST

/* --- the nameserver --- */

#define SERVICE(name, ip) "metadata: {name: " name ", namespace: kube-system}\nspec: {" ip "}\n"
#define RAVEN SERVICE("raven-proxy-dns", "clusterIP: 10.96.0.20")
#define TUNNEL SERVICE("yurt-tunnel-dns", "clusterIP: 10.96.0.30")
#define SLICE(service, endpoints)                                                                  \
    "metadata: {name: x, namespace: kube-system, labels: {kubernetes.io/service-name: " service    \
    "}}\nendpoints: [" endpoints "]\n"
#define READY "{addresses: [10.0.0.1], conditions: {ready: true}}"
#define UNREADY "{addresses: [10.0.0.1], conditions: {ready: false}}"

static const struct {
    const char *configured;
    const char *services;
    const char *slices;
    enum precondition_state state;
    const char *nameserver;
    const char *reason;
    const char *says;
} nameservers[] = {
    {"", "", "", PRECONDITION_NOT_APPLICABLE, NULL, "NoTunnelDNS",
     "no Service raven-proxy-dns or yurt-tunnel-dns"},
    {"", RAVEN, SLICE("raven-proxy-dns", READY), PRECONDITION_OPEN, "10.96.0.20", NULL, NULL},
    {"", TUNNEL, SLICE("yurt-tunnel-dns", READY), PRECONDITION_OPEN, "10.96.0.30", NULL, NULL},
    {"", TUNNEL "---\n" RAVEN, SLICE("raven-proxy-dns", READY), PRECONDITION_OPEN, "10.96.0.20",
     NULL, NULL},
    {"", SERVICE("raven-proxy-dns", "clusterIP: 'fd00::14'"), SLICE("raven-proxy-dns", READY),
     PRECONDITION_OPEN, "fd00::14", NULL, NULL},
    /* ready */
    {"", RAVEN, "", PRECONDITION_HELD, "10.96.0.20", "NameserverNotReady",
     "Service kube-system/raven-proxy-dns (10.96.0.20) has no ready endpoint"},
    {"", RAVEN, SLICE("raven-proxy-dns", UNREADY), PRECONDITION_HELD, "10.96.0.20",
     "NameserverNotReady", "no ready endpoint"},
    {"", RAVEN, SLICE("raven-proxy-dns", ""), PRECONDITION_HELD, "10.96.0.20", "NameserverNotReady",
     "no ready endpoint"},
    {"", RAVEN, SLICE("raven-proxy-dns", "{addresses: [], conditions: {ready: true}}"),
     PRECONDITION_HELD, "10.96.0.20", "NameserverNotReady", "no ready endpoint"},
    {"", RAVEN, SLICE("yurt-tunnel-dns", READY), PRECONDITION_HELD, "10.96.0.20",
     "NameserverNotReady", "no ready endpoint"},
    {"", RAVEN,
     SLICE("raven-proxy-dns", UNREADY) "---\n" SLICE("raven-proxy-dns", UNREADY ", " READY),
     PRECONDITION_OPEN, "10.96.0.20", NULL, NULL},
    {"", RAVEN, SLICE("raven-proxy-dns", "{addresses: [10.0.0.1]}"), PRECONDITION_OPEN,
     "10.96.0.20", NULL, NULL},
    {"", RAVEN "---\n" TUNNEL,
     SLICE("raven-proxy-dns", UNREADY) "---\n" SLICE("yurt-tunnel-dns", READY), PRECONDITION_HELD,
     "10.96.0.20", "NameserverNotReady", "raven-proxy-dns"},
    /* an address */
    {"", SERVICE("raven-proxy-dns", "clusterIP: None"), SLICE("raven-proxy-dns", READY),
     PRECONDITION_HELD, NULL, "NameserverWithoutAddress", "(clusterIP: \"None\")"},
    {"", SERVICE("raven-proxy-dns", "type: ExternalName"), "", PRECONDITION_HELD, NULL,
     "NameserverWithoutAddress", "(clusterIP: \"\")"},
    /* elsewhere */
    {"", "metadata: {name: raven-proxy-dns, namespace: other}\nspec: {clusterIP: 10.96.0.20}\n",
     SLICE("raven-proxy-dns", READY), PRECONDITION_NOT_APPLICABLE, NULL, "NoTunnelDNS",
     "no Service"},
    {"", RAVEN,
     "metadata: {name: x, namespace: other, labels: {kubernetes.io/service-name: "
     "raven-proxy-dns}}\n"
     "endpoints: [" READY "]\n",
     PRECONDITION_HELD, "10.96.0.20", "NameserverNotReady", "no ready endpoint"},
    /* configured */
    {"10.0.0.53", RAVEN, "", PRECONDITION_OPEN, "10.0.0.53", NULL, NULL},
    {"10.0.0.53", "", "", PRECONDITION_OPEN, "10.0.0.53", NULL, NULL},
    {"10.96.0.30", RAVEN "---\n" TUNNEL, SLICE("raven-proxy-dns", READY), PRECONDITION_HELD,
     "10.96.0.30", "NameserverNotReady", "yurt-tunnel-dns (10.96.0.30)"},
};

START_TEST(finds_the_nameserver)
{
    AUTO(json) struct json_object *services = documents_of(nameservers[_i].services);
    AUTO(json) struct json_object *slices = documents_of(nameservers[_i].slices);
    const struct precondition_dns_input input = {
        .configured = nameservers[_i].configured, .services = services, .slices = slices};
    AUTO(precondition_dns) struct precondition_dns dns;
    precondition_dns(&input, &dns);
    check(&dns.verdict, nameservers[_i].state, nameservers[_i].reason, nameservers[_i].says);
    if (nameservers[_i].nameserver == NULL) {
        ck_assert_ptr_null(dns.nameserver);
    } else {
        ck_assert_str_eq(dns.nameserver, nameservers[_i].nameserver);
    }
}
END_TEST

START_TEST(nameserver_in_force_is_gone)
{
    const struct precondition_dns_input input = {.in_force = "10.96.0.20"};
    AUTO(precondition_dns) struct precondition_dns dns;
    precondition_dns(&input, &dns);
    check(&dns.verdict, PRECONDITION_HELD, "NameserverGone", "names 10.96.0.20, and there is no");
    ck_assert_ptr_null(dns.nameserver);
}
END_TEST

/* --- names --- */

/* The node's files: "PATH\nTEXT". */
static const char *const files[] = {
    "/etc/kubernetes/authn.yaml\nkind: AuthenticationConfiguration\njwt:\n- issuer: {url: "
    "'https://login.example'}\n",
    "/etc/kubernetes/authz.yaml\nkind: AuthorizationConfiguration\nauthorizers:\n- webhook: "
    "{connectionInfo: {kubeConfigFile: /etc/kubernetes/kc.yaml}}\n",
    "/etc/kubernetes/kc.yaml\nclusters: [{cluster: {server: 'https://authz.example'}}]\n",
    "/etc/kubernetes/addresses.yaml\nclusters: [{cluster: {server: 'https://10.0.0.1'}}]\n",
    "/etc/kubernetes/itself.yaml\nx: {kubeConfigFile: /etc/kubernetes/itself.yaml}\n",
    "/srv/deep/s/kc.yaml\nclusters: [{cluster: {server: deep.example}}]\n",
    "/etc/kubernetes/broken.yaml\na: [\n",
};

static int read_file(void *arg, const char *path, char **ret_text, size_t *ret_len, struct err *err)
{
    (*(size_t *)arg)++;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        size_t len = strcspn(files[i], "\n");
        if (strlen(path) == len && memcmp(path, files[i], len) == 0) {
            *ret_text = xstrdup(files[i] + len + 1);
            *ret_len = strlen(*ret_text);
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "cannot read %s: not there", path);
}

#define VOLUMES                                                                                    \
    "    volumeMounts:\n    - {name: k8s, mountPath: /etc/kubernetes/}\n"                          \
    "    - {name: deep, mountPath: /etc/kubernetes/deep, subPath: s}\n"                            \
    "    - {name: any, mountPath: /etc/kubernetes/any, subPathExpr: $(X)}\n"                       \
    "    - {name: secret, mountPath: /secret}\n    - {name: one, mountPath: /one.yaml}\n"          \
    "    - {name: sub, mountPath: /sub, subPath: ../x}\n"                                          \
    "  volumes:\n  - {name: k8s, hostPath: {path: /etc/kubernetes}}\n"                             \
    "  - {name: deep, hostPath: {path: /srv/deep}}\n  - {name: any, hostPath: {path: /srv}}\n"     \
    "  - {name: secret, emptyDir: {}}\n"                                                           \
    "  - {name: one, hostPath: {path: /etc/kubernetes/kc.yaml}}\n"                                 \
    "  - {name: sub, hostPath: {path: /srv}}\n"
#define FLAG(text) POD API "    - " text "\n" VOLUMES
#define AUTHN "--authentication-config="

static const struct {
    const char *in;
    const char *reason; /* NULL: open */
    const char *says;
    const char *reason_allowed;
} names[] = {
    {POD API "    - --etcd-servers=https://127.0.0.1:2379\n", NULL, NULL, NULL},
    {POD API "    - --etcd-servers=https://etcd.example:2379\n", "NamesNeeded",
     "reaches etcd.example by its name (--etcd-servers), and the tunnel's DNS", "NamesNeeded"},
    {POD API "    - --etcd-servers=https://e1,https://e2\n", "NamesNeeded",
     "e1 by its name (--etcd-servers), and others, and the tunnel's DNS", "NamesNeeded"},
    {POD API "    - --etcd-servers=$(ETCD)\n", "Refused", "line 10, column 7: ", NULL},
    {"kind: Pod", "Refused", "the manifest of kube-apiserver: ", "Refused"},
    {FLAG(AUTHN "/etc/kubernetes/authn.yaml"), "NamesNeeded",
     "login.example by its name (url of /etc/kubernetes/authn.yaml)", NULL},
    {FLAG("--authorization-config=/etc/kubernetes/authz.yaml"), "NamesNeeded",
     "authz.example by its name (server of /etc/kubernetes/kc.yaml)", NULL},
    {FLAG("--audit-webhook-config-file=/etc/kubernetes/addresses.yaml"), NULL, NULL, NULL},
    {FLAG(AUTHN "/etc/kubernetes/itself.yaml"), NULL, NULL, NULL},
    {FLAG(AUTHN "/etc/kubernetes/deep/kc.yaml"), "NamesNeeded",
     "deep.example by its name (server of /srv/deep/s/kc.yaml)", NULL},
    {FLAG(AUTHN "/one.yaml"), "NamesNeeded", "authz.example", NULL},
    {FLAG(AUTHN "/etc/kubernetes/missing.yaml"), "NamesUnknown",
     "cannot read /etc/kubernetes/missing.yaml: not there; set kube-apiserver.names: Allow", NULL},
    {FLAG(AUTHN "/etc/kubernetes/broken.yaml"), "NamesUnknown", "broken.yaml: line ", NULL},
    {FLAG(AUTHN "/etc/kubernetes/any/x"), "NamesUnknown", "stands on no hostPath volume", NULL},
    {FLAG(AUTHN "/secret/x"), "NamesUnknown", "/secret/x stands on no hostPath", NULL},
    {FLAG(AUTHN "/sub/x"), "NamesUnknown", "stands on no hostPath", NULL},
    {FLAG(AUTHN "/etc/kubernetesx/a"), "NamesUnknown", "stands on no hostPath", NULL},
    {FLAG(AUTHN "/etc/kubernetes/../shadow"), "NamesUnknown", "stands on no hostPath", NULL},
    {FLAG(AUTHN "/etc/kubernetes/.."), "NamesUnknown", "stands on no hostPath", NULL},
    {FLAG(AUTHN "relative.yaml"), "NamesUnknown", "stands on no hostPath", NULL},
};

START_TEST(finds_names)
{
    size_t reads = 0;
    struct precondition_names_input input = {
        .text = names[_i].in, .len = strlen(names[_i].in), .read = read_file, .arg = &reads};
    const char *allowed = names[_i].reason_allowed;
    bool refused = allowed != NULL && strcmp(allowed, "Refused") == 0;
    AUTO(precondition) struct precondition verdict = {0};
    AUTO(precondition) struct precondition verdict_allowed = {0};
    precondition_names(&input, &verdict);
    check(&verdict, names[_i].reason != NULL ? PRECONDITION_HELD : PRECONDITION_OPEN,
          names[_i].reason, names[_i].says);
    reads = 0;
    input.allowed = true;
    precondition_names(&input, &verdict_allowed);
    check(&verdict_allowed, refused ? PRECONDITION_HELD : PRECONDITION_OPEN, allowed, "");
    ck_assert_uint_eq(reads, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("node_precondition");
    TCase *tcase = tcase_create("rows");
    tcase_add_loop_test(tcase, judges_the_replacement, 0, ARRAY_LEN(replacements));
    tcase_add_test(tcase, nothing_is_there);
    tcase_add_loop_test(tcase, finds_the_nameserver, 0, ARRAY_LEN(nameservers));
    tcase_add_test(tcase, nameserver_in_force_is_gone);
    tcase_add_loop_test(tcase, finds_names, 0, ARRAY_LEN(names));
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
