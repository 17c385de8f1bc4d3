/* Flags in command and args, in every way they may be written. */
#include "staticpod/staticpod_words.h"

#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "unit/staticpod_edit_rig.h"
#include "unit/unit.h"

struct edited_row {
    const struct staticpod_wanted *wanted;
    const char *in;
    const char *out;
};

#define ALL "*,bootstrapsigner,tokencleaner"
#define OFF "-nodelifecycle,*,bootstrapsigner,tokencleaner"
#define OLD "InternalIP,ExternalIP,Hostname"
#define NEW "Hostname,InternalIP,ExternalIP"

static const struct edited_row edited[] = {
    /* replaced */
    {&rig_controllers, POD KCM "    - --controllers=" ALL "\n    - --port=0\n",
     POD KCM "    - --controllers=" OFF "\n    - --port=0\n"},
    {&rig_controllers, POD KCM "    - --controllers=* # why\n    # next\n    - --port=0\n",
     POD KCM "    - --controllers=-nodelifecycle,* # why\n    # next\n    - --port=0\n"},
    {&rig_controllers, POD KCM "    - \"--controllers=" ALL "\"\n",
     POD KCM "    - \"--controllers=" OFF "\"\n"},
    {&rig_controllers, POD KCM "    - '--controllers=*'\n",
     POD KCM "    - '--controllers=-nodelifecycle,*'\n"},
    {&rig_controllers, POD KCM "    - '--controllers=*,it''s'\n",
     POD KCM "    - '--controllers=-nodelifecycle,*,it''s'\n"},
    {&rig_controllers, POD KCM "    - --controllers=*,a b\n",
     POD KCM "    - \"--controllers=-nodelifecycle,*,a b\"\n"},
    {&rig_controllers, POD KCM "    - --controllers=*,a\\b\n",
     POD KCM "    - \"--controllers=-nodelifecycle,*,a\\\\b\"\n"},
    {&rig_controllers, POD KCM "    -   --controllers=*   \n",
     POD KCM "    -   --controllers=-nodelifecycle,*   \n"},
    /* two items */
    {&rig_controllers, POD KCM "    - --controllers\n    - \"*\"\n",
     POD KCM "    - --controllers\n    - \"-nodelifecycle,*\"\n"},
    {&rig_controllers, POD KCM "    - --controllers\n    - '*,a'\n    - --port=0\n",
     POD KCM "    - --controllers\n    - '-nodelifecycle,*,a'\n    - --port=0\n"},
    {&rig_controllers, POD KCM "    - --controllers\n    - a,*\n",
     POD KCM "    - --controllers\n    - \"-nodelifecycle,a,*\"\n"},
    {&rig_hostname, POD API "    - --kubelet-preferred-address-types\n    - " OLD "\n",
     POD API "    - --kubelet-preferred-address-types\n    - " NEW "\n"},
    /* command and args */
    {&rig_controllers,
     POD "  containers:\n  - command: [kube-controller-manager]\n    args:\n    - --a=b\n"
         "    - --controllers=*\n",
     POD "  containers:\n  - command: [kube-controller-manager]\n    args:\n    - --a=b\n"
         "    - --controllers=-nodelifecycle,*\n"},
    {&rig_controllers,
     POD "  containers:\n  - command:\n    - kube-controller-manager\n    - --controllers\n"
         "    args: ['*']\n",
     POD "  containers:\n  - command:\n    - kube-controller-manager\n    - --controllers\n"
         "    args: ['-nodelifecycle,*']\n"},
    {&rig_controllers,
     POD "  containers:\n  - name: kube-controller-manager\n    args:\n    - --controllers=*\n",
     POD "  containers:\n  - name: kube-controller-manager\n    args:\n"
         "    - --controllers=-nodelifecycle,*\n"},
    {&rig_controllers,
     POD "  containers:\n  - args:\n    - --controllers=*\n    command:\n"
         "    - /usr/local/bin/kube-controller-manager\n",
     POD "  containers:\n  - args:\n    - --controllers=-nodelifecycle,*\n    command:\n"
         "    - /usr/local/bin/kube-controller-manager\n"},
    {&rig_controllers,
     POD
     "  containers:\n  - command:\n    - /go-runner\n    - --log-file=/a/kube-controller-manager\n"
     "    - --\n    - /usr/bin/kube-controller-manager\n    - --controllers=*\n",
     POD
     "  containers:\n  - command:\n    - /go-runner\n    - --log-file=/a/kube-controller-manager\n"
     "    - --\n    - /usr/bin/kube-controller-manager\n"
     "    - --controllers=-nodelifecycle,*\n"},
    {&rig_controllers,
     POD "  containers:\n  - name: side\n    command: [x, --controllers=*]\n"
         "  - name: kcm\n"
         "    command:\n    - kube-controller-manager\n    - --controllers=*\n",
     POD "  containers:\n  - name: side\n    command: [x, --controllers=*]\n"
         "  - name: kcm\n"
         "    command:\n    - kube-controller-manager\n    - --controllers=-nodelifecycle,*\n"},
    /* another indentation, another order, quoted keys */
    {&rig_controllers,
     "kind: Pod\nspec:\n    hostNetwork: true\n    containers:\n      -   image: i\n"
     "          \"command\":\n              - kube-controller-manager\n"
     "              - --controllers=*\napiVersion: v1\n",
     "kind: Pod\nspec:\n    hostNetwork: true\n    containers:\n      -   image: i\n"
     "          \"command\":\n              - kube-controller-manager\n"
     "              - --controllers=-nodelifecycle,*\napiVersion: v1\n"},
    /* names as pflag reads them */
    {&rig_hostname, POD API "    - --kubelet_preferred_address_types=InternalIP\n",
     POD API "    - --kubelet_preferred_address_types=Hostname,InternalIP\n"},
    /* the value of another flag is none of ours */
    {&rig_hostname,
     POD API "    - --a\n    - $(B)\n    - --kubelet-preferred-address-types=InternalIP\n",
     POD API
     "    - --a\n    - $(B)\n    - --kubelet-preferred-address-types=Hostname,InternalIP\n"},
    /* repeated: the first one is changed */
    {&rig_controllers, POD KCM "    - --controllers=a\n    - --controllers=*\n",
     POD KCM "    - --controllers=-nodelifecycle,a\n    - --controllers=*\n"},
    /* added */
    {&rig_controllers, POD KCM "    - --port=0\n    image: i\n",
     POD KCM "    - --port=0\n    - --controllers=-nodelifecycle,*\n    image: i\n"},
    {&rig_controllers, POD KCM "    - --port=0 # last\n    # more\n",
     POD KCM "    - --port=0 # last\n    - --controllers=-nodelifecycle,*\n    # more\n"},
    {&rig_controllers, POD KCM, POD KCM "    - --controllers=-nodelifecycle,*\n"},
    {&rig_controllers,
     POD "  containers:\n  - command: [kube-controller-manager]\n    args:\n      - --port=0\n",
     POD "  containers:\n  - command: [kube-controller-manager]\n    args:\n      - --port=0\n"
         "      - --controllers=-nodelifecycle,*\n"},
    {&rig_controllers, POD "  containers:\n  - command: [kube-controller-manager]\n",
     POD "  containers:\n  - command: [kube-controller-manager, "
         "\"--controllers=-nodelifecycle,*\"]\n"},
    {&rig_controllers, POD "  containers:\n  - command: [kube-controller-manager, --port=0,]\n",
     POD "  containers:\n  - command: [kube-controller-manager, --port=0, "
         "\"--controllers=-nodelifecycle,*\",]\n"},
    {&rig_controllers, POD KCM "    args: []\n",
     POD KCM "    - --controllers=-nodelifecycle,*\n    args: []\n"},
    /* flow lists and JSON */
    {&rig_controllers,
     POD "  containers:\n  - command: [kube-controller-manager, --controllers=*, --port=0]\n",
     POD "  containers:\n  - command: [kube-controller-manager, "
         "\"--controllers=-nodelifecycle,*\", --port=0]\n"},
    {&rig_controllers,
     "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"command\":["
     "\"kube-controller-manager\",\"--controllers=*\"]}]}}\n",
     "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"command\":["
     "\"kube-controller-manager\",\"--controllers=-nodelifecycle,*\"]}]}}\n"},
    {&rig_controllers,
     "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"Pod\",\n  \"spec\": {\"containers\": "
     "[{\"command\""
     ": [\n    \"kube-controller-manager\",\n    \"--port=0\"\n  ]}]}\n}\n",
     "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"Pod\",\n  \"spec\": {\"containers\": "
     "[{\"command\""
     ": [\n    \"kube-controller-manager\",\n    \"--port=0\",\n"
     "    \"--controllers=-nodelifecycle,*\"\n  ]}]}\n}\n"},
    /* removed */
    {&rig_authority,
     POD API "    - --a=b\n    # the CA\n    - --kubelet-certificate-authority=/ca # here\n"
             "    - --c=d\n",
     POD API "    - --a=b\n    # the CA\n    - --c=d\n"},
    {&rig_authority, POD API "    - --kubelet-certificate-authority\n    - /ca\n    - --c=d\n",
     POD API "    - --c=d\n"},
    {&rig_authority,
     POD API "    - --kubelet-certificate-authority=/a\n    - --b=c\n"
             "    - --kubelet-certificate-authority=/d\n",
     POD API "    - --b=c\n"},
    {&rig_authority,
     POD "  containers:\n  - command: [kube-apiserver, --a=b,\n"
         "      --kubelet-certificate-authority, /ca,\n      --c=d]\n",
     POD "  containers:\n  - command: [kube-apiserver, --a=b,\n      --c=d]\n"},
    {&rig_authority,
     POD "  containers:\n  - command: [kube-apiserver]\n"
         "    args: [--kubelet-certificate-authority, /ca, --c=d]\n",
     POD "  containers:\n  - command: [kube-apiserver]\n    args: [--c=d]\n"},
    {&rig_authority,
     POD "  containers:\n  - command: [kube-apiserver, --kubelet-certificate-authority]\n"
         "    args: [/ca, --c=d]\n",
     POD "  containers:\n  - command: [kube-apiserver]\n    args: [--c=d]\n"},
    {&rig_authority,
     POD "  containers:\n  - command: [kube-apiserver]\n"
         "    args: [--kubelet-certificate-authority=/ca]\n",
     POD "  containers:\n  - command: [kube-apiserver]\n    args: []\n"},
    {&rig_authority,
     POD "  containers:\n  - command: [kube-apiserver]\n    args:\n"
         "    - --kubelet-certificate-authority=/ca\n    image: i\n",
     POD "  containers:\n  - command: [kube-apiserver]\n    args:\n    image: i\n"},
    {&rig_authority,
     "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {\"containers\": [{\"command\": [\n"
     "  \"kube-apiserver\",\n  \"--a=b\",\n  \"--kubelet-certificate-authority=/ca\"\n]}]}}\n",
     "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {\"containers\": [{\"command\": [\n"
     "  \"kube-apiserver\",\n  \"--a=b\"\n]}]}}\n"},
};

static const struct {
    const struct staticpod_wanted *wanted;
    const char *in;
} as_wanted[] = {
    {&rig_controllers, POD KCM "    - --controllers=-nodelifecycle,*\n"},
    {&rig_controllers, POD KCM "    - --controllers\n    - -nodelifecycle,*\n"},
    {&rig_controllers, POD KCM "    - --controllers=*\n    - --controllers=-nodelifecycle\n"},
    {&rig_controllers, POD KCM "    - --controllers=deployment\n"},
    {&rig_controllers, POD KCM "    - \"\\x2d-controllers=-nodelifecycle\"\n"},
    {&rig_hostname, POD API "    - --a=b\n"}, /* the default has Hostname first */
    {&rig_hostname, POD API "    - --kubelet-preferred-address-types=Hostname\n"},
    {&rig_hostname, POD API "    - --a=--kubelet-preferred-address-types=InternalIP\n"},
    {&rig_authority, POD API "    - --a=b\n"},
    {&rig_authority, POD API "    - --kubelet-certificate-authority=\n"},
    {&rig_authority, POD API "    - --kubelet-certificate-authority=/a\n"
                             "    - --kubelet-certificate-authority=\n"},
    {&rig_authority, POD API "    - --kubelet-certificate-authority-x=/ca\n"},
    {&rig_authority, POD API "    # - --kubelet-certificate-authority=/ca\n"},
};

static const struct {
    const struct staticpod_wanted *wanted;
    const char *in;
    size_t line;
    size_t column;
    const char *says;
} refused[] = {
    {&rig_controllers, POD KCM "    - --controllers\n", 10, 7, "--controllers has no value"},
    {&rig_controllers, POD KCM "    - --controllers\n    - --port=0\n", 10, 7, "has no value"},
    {&rig_controllers, POD KCM "    - --controllers=$(LIST)\n", 10, 7, "has a variable"},
    {&rig_controllers, POD KCM "    - --controllers\n    - $(LIST)\n", 11, 7, "has a variable"},
    {&rig_controllers, POD KCM "    - $(FLAGS)\n", 10, 7, "may become any flag"},
    {&rig_controllers, POD KCM "    - --$(NAME)=x\n", 10, 7, "may become any flag"},
    {&rig_controllers, POD KCM "    - --\n", 10, 7, "ends the flags"},
    {&rig_controllers, POD KCM "    - '--controllers=\"*\",a'\n", 10, 7, "a quote or a line break"},
    {&rig_controllers, POD KCM "    - |\n      --controllers=*\n", 10, 7,
     "a quote or a line break"},
    {&rig_controllers, POD KCM "    - |-\n      --controllers=*\n", 10, 7, "over several lines"},
    {&rig_controllers, POD KCM "    - --controllers=*,a\n      b\n", 10, 7, "over several lines"},
    {&rig_controllers, POD KCM "    - &a --controllers=*\n", 10, 7, "has an anchor"},
    {&rig_controllers, POD KCM "    - &a --controllers=*\nx: *a\n", 10, 7, "is used elsewhere"},
    {&rig_controllers, "x: &a --controllers=*\n" POD KCM "    - *a\n", 11, 7, "the alias *a"},
    {&rig_controllers, POD KCM "    - !!str --controllers=*\n", 10, 7, "has a tag"},
    {&rig_controllers, POD KCM "    - |-\n      --port=0\n", 10, 7, "add --controllers="},
    {&rig_controllers, POD "  containers:\n  - command:\n    -\n      kube-controller-manager\n", 9,
     7, "add --controllers="},
    {&rig_controllers,
     POD "  containers:\n  - command: [kube-controller-manager, # a\n      --b]\n", 8, 7,
     "a comment stands before"},
    {&rig_authority, POD API "    -\n      --kubelet-certificate-authority=/ca\n", 11, 7,
     "in a line of its own"},
    {&rig_authority,
     POD "  containers:\n  - command: [kube-apiserver, # a\n"
         "      --kubelet-certificate-authority=/ca]\n",
     8, 7, "a comment stands next to"},
};

START_TEST(edits)
{
    rig_check_edited_variants(edited[_i].wanted, edited[_i].in, edited[_i].out);
}
END_TEST

/* A new line ends as the one that it stands behind. */
START_TEST(edits_mixed_line_breaks)
{
    rig_check_edited(&rig_controllers, POD KCM "    - --a\r\n    image: i\n",
                     POD KCM "    - --a\r\n    - --controllers=-nodelifecycle,*\r\n    image: i\n");
}
END_TEST

/* The last line has no end: then what is written has none either. */
START_TEST(edits_without_last_line_break)
{
    static const char in[] = POD KCM "    - --a";
    rig_check_edited(&rig_controllers, in,
                     POD KCM "    - --a\n    - --controllers=-nodelifecycle,*");
    rig_check_edited(&rig_controllers, POD KCM "    - --controllers=*",
                     POD KCM "    - --controllers=-nodelifecycle,*");
    rig_check_edited(&rig_authority, POD API "    - --kubelet-certificate-authority=/ca", POD API);
}
END_TEST

START_TEST(leaves_as_wanted)
{
    rig_check_as_wanted(as_wanted[_i].wanted, as_wanted[_i].in);
}
END_TEST

START_TEST(refuses)
{
    rig_check_refused(refused[_i].wanted, refused[_i].in, strlen(refused[_i].in), refused[_i].line,
                      refused[_i].column, refused[_i].says);
}
END_TEST

/* What nobody writes takes no time that grows with its square. */
START_TEST(refuses_many)
{
    AUTO(buf) struct buf in = BUF_INIT(1 << 16);
    buf_puts(&in, POD API);
    for (int i = 0; i <= 100; i++) {
        buf_puts(&in, "    - --kubelet-certificate-authority=/ca\n");
    }
    rig_check_refused(&rig_authority, in.data, in.len, 110, 7, "more than 100 times");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("staticpod_words");
    TCase *rows = tcase_create("rows");
    tcase_add_loop_test(rows, edits, 0, ARRAY_LEN(edited));
    tcase_add_test(rows, edits_mixed_line_breaks);
    tcase_add_test(rows, edits_without_last_line_break);
    tcase_add_loop_test(rows, leaves_as_wanted, 0, ARRAY_LEN(as_wanted));
    tcase_add_test(rows, refuses_many);
    tcase_add_loop_test(rows, refuses, 0, ARRAY_LEN(refused));
    suite_add_tcase(suite, rows);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
