/* dnsPolicy and dnsConfig: added, replaced, followed, refused. */
#include "staticpod/staticpod_dns.h"

#include <string.h>

#include "base/attr.h"
#include "unit/staticpod_edit_rig.h"
#include "unit/unit.h"

#define NONE "  dnsPolicy: None\n"
#define CONFIG                                                                                     \
    "  dnsConfig:\n"                                                                               \
    "    nameservers:\n"                                                                           \
    "    - 1.2.3.4\n"                                                                              \
    "    searches:\n"                                                                              \
    "    - kube-system.svc.cluster.local\n"                                                        \
    "    - svc.cluster.local\n"                                                                    \
    "    - cluster.local\n"                                                                        \
    "    options:\n"                                                                               \
    "    - name: ndots\n"                                                                          \
    "      value: \"5\"\n"
#define FLOW                                                                                       \
    "{\"nameservers\":[\"1.2.3.4\"],\"searches\":[\"kube-system.svc.cluster.local\","              \
    "\"svc.cluster.local\",\"cluster.local\"],\"options\":[{\"name\":\"ndots\",\"value\":\"5\"}]}"

struct edited_row {
    const char *in;
    const char *out;
};

static const struct edited_row edited[] = {
    /* neither is there */
    {POD API "  hostNetwork: true\n", POD NONE CONFIG API "  hostNetwork: true\n"},
    {"apiVersion: v1\nkind: Pod\nspec: # of the pod\n\n  # the only one\n" API,
     "apiVersion: v1\nkind: Pod\nspec: # of the pod\n" NONE CONFIG "\n  # the only one\n" API},
    {"apiVersion: v1\nkind: Pod\nspec:\n    containers:\n      - name: kube-apiserver\n"
     "        args:\n          - --a=b\n",
     "apiVersion: v1\nkind: Pod\nspec:\n    dnsPolicy: None\n    dnsConfig:\n"
     "        nameservers:\n          - 1.2.3.4\n        searches:\n"
     "          - kube-system.svc.cluster.local\n          - svc.cluster.local\n"
     "          - cluster.local\n        options:\n          - name: ndots\n"
     "            value: \"5\"\n    containers:\n      - name: kube-apiserver\n"
     "        args:\n          - --a=b\n"},
    /* one of them is */
    {POD API "  # theirs\n  dnsPolicy: ClusterFirst # as ever\n  hostNetwork: true\n",
     POD API "  # theirs\n" CONFIG "  dnsPolicy: None # as ever\n  hostNetwork: true\n"},
    {POD API "  dnsPolicy: \"Default\"\n", POD API CONFIG "  dnsPolicy: \"None\"\n"},
    {POD API "  dnsPolicy: 'ClusterFirstWithHostNet'\n", POD API CONFIG "  dnsPolicy: 'None'\n"},
    {POD API "  dnsPolicy:\n", POD API CONFIG "  dnsPolicy: None\n"},
    {POD API "  dnsPolicy: ~\n", POD API CONFIG "  dnsPolicy: None\n"},
    {POD API NONE, POD API CONFIG NONE},
    {POD API CONFIG, POD API NONE CONFIG},
    /* both are */
    {POD API "  dnsPolicy: Default\n" CONFIG, POD API NONE CONFIG},
    {POD API NONE "  dnsConfig:\n    nameservers:\n    - 10.0.0.1\n    - 10.0.0.2\n"
                  "  hostNetwork: true\n",
     POD API NONE CONFIG "  hostNetwork: true\n"},
    {POD API NONE "  dnsConfig: # theirs\n    # gone\n    searches: [a]\n    options:\n"
                  "    - name: x # kept\n  # after\n",
     POD API NONE "  dnsConfig: # theirs\n    # gone\n    nameservers:\n    - 1.2.3.4\n"
                  "    searches:\n    - kube-system.svc.cluster.local\n    - svc.cluster.local\n"
                  "    - cluster.local\n    options:\n    - name: ndots\n"
                  "      value: \"5\" # kept\n  # after\n"},
    {POD API NONE "  dnsConfig:\n   searches:\n   - a\n",
     POD API NONE "  dnsConfig:\n   nameservers:\n   - 1.2.3.4\n   searches:\n"
                  "   - kube-system.svc.cluster.local\n   - svc.cluster.local\n   - cluster.local\n"
                  "   options:\n   - name: ndots\n     value: \"5\"\n"},
    {POD API "  dnsPolicy: Default\n  dnsConfig: {nameservers: [10.0.0.1, 10.0.0.2]} # x\n",
     POD API "  dnsPolicy: None\n  dnsConfig: " FLOW " # x\n"},
    {POD API NONE "  dnsConfig:\n", POD API NONE "  dnsConfig: " FLOW "\n"},
    {POD API NONE "  dnsConfig: null # x\n", POD API NONE "  dnsConfig: " FLOW " # x\n"},
    {POD API NONE "  dnsConfig: {}\n", POD API NONE "  dnsConfig: " FLOW "\n"},
    /* the address has changed */
    {POD API NONE
     "  dnsConfig: # theirs\n    options: [{value: '5', name: ndots}] # a\n    searches:\n"
     "    - kube-system.svc.cluster.local\n    # b\n    - svc.cluster.local\n    - cluster.local\n"
     "    nameservers:\n    - 10.0.0.1 # c\n",
     POD API NONE
     "  dnsConfig: # theirs\n    options: [{value: '5', name: ndots}] # a\n    searches:\n"
     "    - kube-system.svc.cluster.local\n    # b\n    - svc.cluster.local\n    - cluster.local\n"
     "    nameservers:\n    - 1.2.3.4 # c\n"},
    /* flow maps and JSON */
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"command\":["
     "\"kube-apiserver\"]}]}}\n",
     "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"command\":["
     "\"kube-apiserver\"]}], \"dnsPolicy\": \"None\", \"dnsConfig\": " FLOW "}}\n"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\n  \"dnsPolicy\": \"Default\",\n"
     "  \"containers\":[{\"command\":[\"kube-apiserver\"]}]\n}}\n",
     "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\n  \"dnsPolicy\": \"None\",\n"
     "  \"containers\":[{\"command\":[\"kube-apiserver\"]}],\n  \"dnsConfig\": " FLOW "\n}}\n"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"dnsPolicy\":null,\"dnsConfig\":null,"
     "\"containers\":[{\"command\":[\"kube-apiserver\"]}]}}\n",
     "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"dnsPolicy\":\"None\",\"dnsConfig\":" FLOW
     ","
     "\"containers\":[{\"command\":[\"kube-apiserver\"]}]}}\n"},
    {"# YAML\n{apiVersion: v1, kind: Pod, spec: {dnsPolicy: , containers: [{command: "
     "[kube-apiserver]}]}}\n",
     "# YAML\n{apiVersion: v1, kind: Pod, spec: {dnsPolicy:  \"None\", containers: [{command: "
     "[kube-apiserver]}], \"dnsConfig\": " FLOW "}}\n"},
};

static const char *const as_wanted[] = {
    POD API NONE CONFIG,
    POD NONE API CONFIG,
    POD API "  dnsPolicy: \"None\"\n  dnsConfig: " FLOW "\n",
    POD API "  dnsConfig: " FLOW "\n  dnsPolicy: !!str None\n",
};

static const struct {
    const char *in;
    size_t line;
    size_t column;
    const char *says;
} refused[] = {
    {POD API "  dnsPolicy: &a Default\nx: *a\n", 10, 14, "&a of dnsPolicy is used elsewhere"},
    {POD API "  dnsPolicy: &a Default\n", 10, 14, "not edited with certainty"},
    {"x: &a Default\n" POD API "  dnsPolicy: *a\n", 11, 14, "dnsPolicy is the alias *a"},
    {POD API "  dnsPolicy: [None]\n", 10, 14, "not edited with certainty"},
    {POD API "  dnsPolicy: |-\n    Default\n", 10, 14, "not edited with certainty"},
    {POD API "  dnsPolicy: !!str Default\n", 10, 14, "has a tag"},
    {"x: &a {}\n" POD API "  dnsConfig: *a\n", 11, 14, "dnsConfig is the alias *a"},
    {POD API "  dnsConfig: &a {}\nx: *a\n", 10, 14, "&a of dnsConfig is used elsewhere"},
    {POD API "  dnsConfig: [1]\n", 10, 14, "not edited with certainty"},
    {POD API "  dnsConfig:\n  - 1\n", 11, 3, "not edited with certainty"},
    {POD API "  dnsConfig: x\n", 10, 14, "not edited with certainty"},
    {POD API "  dnsConfig: |\n    x\n", 10, 14, "not edited with certainty"},
    {POD API "  dnsConfig:\n    searches:\n    - |\n      a\n", 11, 5, "not edited with certainty"},
    {"x: &x {nameservers: [10.0.0.1]}\n" POD API NONE
     "  dnsConfig:\n    <<: *x\n    searches:\n    - kube-system.svc.cluster.local\n"
     "    - svc.cluster.local\n    - cluster.local\n    options: [{name: ndots, value: '5'}]\n",
     13, 5, "not edited with certainty"},
    {POD API "  dnsPolicy: Default\n  dnsPolicy: None\n", 11, 3, "dnsPolicy"},
    {"apiVersion: v1\nkind: Pod\nspec: {containers: [{command: [kube-apiserver]}], # a\n"
     "  hostNetwork: true}\n",
     3, 7, "not edited with certainty"},
    {"apiVersion: v1\nkind: Pod\nspec:\n  ? containers\n  : - command: [kube-apiserver]\n", 4, 3,
     "not edited with certainty"},
};

START_TEST(edits)
{
    rig_check_edited_variants(&rig_dns, edited[_i].in, edited[_i].out);
}
END_TEST

START_TEST(leaves_as_wanted)
{
    rig_check_as_wanted(&rig_dns, as_wanted[_i]);
}
END_TEST

START_TEST(refuses)
{
    rig_check_refused(&rig_dns, refused[_i].in, strlen(refused[_i].in), refused[_i].line,
                      refused[_i].column, refused[_i].says);
}
END_TEST

/* An address that the kubelet would not take is never written; nor is a domain. */
START_TEST(refuses_bad_values)
{
    static const struct {
        const char *nameserver;
        const char *domain;
    } bad[] = {
        {"", "cluster.local"},
        {"yurt-tunnel-dns", "cluster.local"},
        {"None", "cluster.local"},
        {"1.2.3", "cluster.local"},
        {"1.2.3.400", "cluster.local"},
        {"1.2.3.04", "cluster.local"},
        {"1.2.3.4\n", "cluster.local"},
        {"1.2.3.4:53", "cluster.local"},
        {"1.2.3.4", ""},
        {"1.2.3.4", "cluster.local."},
        {"1.2.3.4", "a..b"},
        {"1.2.3.4", "-a"},
        {"1.2.3.4", "a: b"},
        {"1.2.3.4", "Cluster.local"},
    };
    struct staticpod_wanted wanted = rig_dns;
    wanted.nameserver = bad[_i].nameserver;
    wanted.cluster_domain = bad[_i].domain;
    rig_check_refused(&wanted, POD API, strlen(POD API), 6, 3, "no dnsConfig that the kubelet");
}
END_TEST

START_TEST(writes_ipv6_and_domain)
{
    struct staticpod_wanted wanted = rig_dns;
    wanted.nameserver = "fd00::a";
    wanted.cluster_domain = "edge.example";
    rig_check_edited(&wanted, POD API,
                     POD NONE "  dnsConfig:\n    nameservers:\n    - \"fd00::a\"\n    searches:\n"
                              "    - kube-system.svc.edge.example\n    - svc.edge.example\n"
                              "    - edge.example\n    options:\n    - name: ndots\n"
                              "      value: \"5\"\n" API);
    wanted.cluster_domain = NULL;
    rig_check_edited(&wanted, POD API NONE "  dnsConfig: " FLOW "\n",
                     POD API NONE
                     "  dnsConfig: {\"nameservers\":[\"fd00::a\"],\"searches\":["
                     "\"kube-system.svc.cluster.local\",\"svc.cluster.local\",\"cluster.local\"],"
                     "\"options\":[{\"name\":\"ndots\",\"value\":\"5\"}]}\n");
}
END_TEST

/* The last line has no end: what is written in front of it has one. */
START_TEST(edits_without_last_line_break)
{
    rig_check_edited(&rig_dns, POD API "  dnsPolicy: Default", POD API CONFIG "  dnsPolicy: None");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("staticpod_dns");
    TCase *rows = tcase_create("rows");
    tcase_add_loop_test(rows, edits, 0, ARRAY_LEN(edited));
    tcase_add_loop_test(rows, leaves_as_wanted, 0, ARRAY_LEN(as_wanted));
    tcase_add_loop_test(rows, refuses, 0, ARRAY_LEN(refused));
    tcase_add_loop_test(rows, refuses_bad_values, 0, 14);
    tcase_add_test(rows, writes_ipv6_and_domain);
    tcase_add_test(rows, edits_without_last_line_break);
    suite_add_tcase(suite, rows);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
