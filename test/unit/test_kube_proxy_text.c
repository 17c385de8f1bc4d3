/* What is edited and what is left; test_kube_proxy_text_find.c has what is refused. */
#include "adjust/kube_proxy_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/unit.h"
#include "json/json.h"

/* Lines 1 and 2 of every text below; what the rows give begins in line 3. */
#define HEAD "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"
#define CC "clientConnection:\n"

struct edited_row {
    const char *in;
    const char *out;
    const char *value;
};

static const struct edited_row edited[] = {
    /* a block map */
    {CC "  kubeconfig: /x\n  qps: 0\n", CC "  #kubeconfig: /x\n  qps: 0\n", "/x"},
    {CC "  qps: 0\n  kubeconfig: /x\nmode: a\n", CC "  qps: 0\n  #kubeconfig: /x\nmode: a\n", "/x"},
    {CC "  kubeconfig: /x\n", CC "  #kubeconfig: /x\n", "/x"},
    {CC "  kubeconfig: /x\nmode: a\n", CC "  #kubeconfig: /x\nmode: a\n", "/x"},
    {CC " kubeconfig: /x\n", CC " #kubeconfig: /x\n", "/x"},
    {CC "        kubeconfig: /x\n        qps: 0\n", CC "        #kubeconfig: /x\n        qps: 0\n",
     "/x"},
    {CC "  kubeconfig: /x # y\n", CC "  #kubeconfig: /x # y\n", "/x"},
    {CC "  kubeconfig: /x\t# y\n", CC "  #kubeconfig: /x\t# y\n", "/x"},
    {CC "  kubeconfig: /x   \n  qps: 0 \n", CC "  #kubeconfig: /x   \n  qps: 0 \n", "/x"},
    {"clientConnection: # a\n  # b\n  kubeconfig: /x\n  # c\n\n",
     "clientConnection: # a\n  # b\n  #kubeconfig: /x\n  # c\n\n", "/x"},
    {CC "  contentType:\n  kubeconfig: /x\n  qps:\n",
     CC "  contentType:\n  #kubeconfig: /x\n  qps:\n", "/x"},
    {CC "  contentType: |\n    a\n\n  kubeconfig: /x\n",
     CC "  contentType: |\n    a\n\n  #kubeconfig: /x\n", "/x"},
    {CC "  contentType: |+\n  kubeconfig: /x\n  a: b\n   c\n",
     CC "  contentType: |+\n  #kubeconfig: /x\n  a: b\n   c\n", "/x"},
    {CC "  kubeconfig: /x\n  unknown:\n    kubeconfig: /y\n",
     CC "  #kubeconfig: /x\n  unknown:\n    kubeconfig: /y\n", "/x"},
    /* keys */
    {"\"clientConnection\":\n  \"kubeconfig\": /x\n",
     "\"clientConnection\":\n  #\"kubeconfig\": /x\n", "/x"},
    {CC "  'kubeconfig' : /x\n", CC "  #'kubeconfig' : /x\n", "/x"},
    {CC "  \"kube\\x63onfig\": /x\n", CC "  #\"kube\\x63onfig\": /x\n", "/x"},
    {CC "  !!str kubeconfig: /x\n", CC "  #!!str kubeconfig: /x\n", "/x"},
    {CC "  Kubeconfig: /y\n  kubeconfig: /x\n", CC "  Kubeconfig: /y\n  #kubeconfig: /x\n", "/x"},
    /* values */
    {CC "  kubeconfig: \"/x # y\"\n", CC "  #kubeconfig: \"/x # y\"\n", "/x # y"},
    {CC "  kubeconfig: 'it''s'\n", CC "  #kubeconfig: 'it''s'\n", "it's"},
    {CC "  kubeconfig: \" \"\n", CC "  #kubeconfig: \" \"\n", " "},
    {CC "  kubeconfig: !!str 5\n", CC "  #kubeconfig: !!str 5\n", "5"},
    {CC "  kubeconfig: ! 5\n", CC "  #kubeconfig: ! 5\n", "5"},
    {CC "  kubeconfig: \"5\"\n", CC "  #kubeconfig: \"5\"\n", "5"},
    {CC "  kubeconfig: 2026-11-24\n", CC "  #kubeconfig: 2026-11-24\n", "2026-11-24"},
    {CC "  kubeconfig: ~/x\n", CC "  #kubeconfig: ~/x\n", "~/x"},
    {CC "  kubeconfig: &unused /x\n", CC "  #kubeconfig: &unused /x\n", "/x"},
    {CC "  kubeconfig: /\xc3\xa9\xe4\xb8\xad\n  qps: 0\n",
     CC "  #kubeconfig: /\xc3\xa9\xe4\xb8\xad\n  qps: 0\n", "/\xc3\xa9\xe4\xb8\xad"},
    {"a: \xf0\x9f\x98\x80 # \xe4\xb8\xad\n" CC "  kubeconfig: /x\n",
     "a: \xf0\x9f\x98\x80 # \xe4\xb8\xad\n" CC "  #kubeconfig: /x\n", "/x"},
    /* over several lines */
    {CC "  kubeconfig:\n    /x\n  qps: 0\n", CC "  #kubeconfig:\n  #  /x\n  qps: 0\n", "/x"},
    {CC "  kubeconfig: # a\n    # b\n\n    /x # c\n  qps: 0\n",
     CC "  #kubeconfig: # a\n    # b\n\n  #  /x # c\n  qps: 0\n", "/x"},
    {CC "  kubeconfig: !!str\n    /x\n  qps: 0\n", CC "  #kubeconfig: !!str\n  #  /x\n  qps: 0\n",
     "/x"},
    {CC "  kubeconfig: >-\n    /a\n    b\n  qps: 0\n",
     CC "  #kubeconfig: >-\n  #  /a\n  #  b\n  qps: 0\n", "/a b"},
    {CC "  qps: 0\n  kubeconfig: |+ # a\n    /a\n\n\nmode: a\n",
     CC "  qps: 0\n  #kubeconfig: |+ # a\n  #  /a\n\n\nmode: a\n", "/a\n\n\n"},
    {CC "  kubeconfig: |-\n\n    # a\n    kubeconfig: b\n  # c\n  qps: 0\n",
     CC "  #kubeconfig: |-\n\n  #  # a\n  #  kubeconfig: b\n  # c\n  qps: 0\n",
     "\n# a\nkubeconfig: b"},
    {CC "  kubeconfig: \"/a\n\n    b\\\n    c\" # d\n  qps: 0\n",
     CC "  #kubeconfig: \"/a\n\n  #  b\\\n  #  c\" # d\n  qps: 0\n", "/a\nbc"},
    {CC "  kubeconfig: /a\n   b\n     c\n", CC "  #kubeconfig: /a\n  # b\n  #   c\n", "/a b c"},
    /* flow maps and JSON */
    {"clientConnection: {kubeconfig: /x, qps: 0}\n",
     "clientConnection: {kubeconfig: \"\", qps: 0}\n", "/x"},
    {"clientConnection: {kubeconfig: /x}\n", "clientConnection: {kubeconfig: \"\"}\n", "/x"},
    {"clientConnection: {qps: 0, \"kubeconfig\":'/x' } # a\n",
     "clientConnection: {qps: 0, \"kubeconfig\":\"\" } # a\n", "/x"},
    {"clientConnection: {\n  qps: 0, # a\n  kubeconfig: &b !!str\n    /x\n    y, # c\n}\n",
     "clientConnection: {\n  qps: 0, # a\n  kubeconfig: \"\", # c\n}\n", "/x y"},
    {"clientConnection: {a: {kubeconfig: /y}, kubeconfig: /x}\n",
     "clientConnection: {a: {kubeconfig: /y}, kubeconfig: \"\"}\n", "/x"},
    {"clientConnection:\n  {kubeconfig: /x}\n", "clientConnection:\n  {kubeconfig: \"\"}\n", "/x"},
    /* around it */
    {"mode: a\nmode: b\n" CC "  kubeconfig: /x\n", "mode: a\nmode: b\n" CC "  #kubeconfig: /x\n",
     "/x"},
    {"kubeconfig: /y\nwindowsRunAsService: true\na: |\n  " CC "    kubeconfig: /z\n" CC
     "  kubeconfig: /x\n# kubeconfig: /w\n",
     "kubeconfig: /y\nwindowsRunAsService: true\na: |\n  " CC "    kubeconfig: /z\n" CC
     "  #kubeconfig: /x\n# kubeconfig: /w\n",
     "/x"},
    {"clientConnection: &unused\n  kubeconfig: /x\nmode: a\n",
     "clientConnection: &unused\n  #kubeconfig: /x\nmode: a\n", "/x"},
    {"clientConnection: !!map\n  kubeconfig: /x\n  qps: 0\n",
     "clientConnection: !!map\n  #kubeconfig: /x\n  qps: 0\n", "/x"},
    {"a: &a {qps: 1}\n" CC "  <<: *a\n  kubeconfig: /x\n",
     "a: &a {qps: 1}\n" CC "  <<: *a\n  #kubeconfig: /x\n", "/x"},
    {CC "  <<: [{kubeconfig: \"\"}, {kubeconfig: }]\n  kubeconfig: /x\n",
     CC "  <<: [{kubeconfig: \"\"}, {kubeconfig: }]\n  #kubeconfig: /x\n", "/x"},
    {CC "  kubeconfig: /x\n...\n" CC "  kubeconfig: /y\n",
     CC "  #kubeconfig: /x\n...\n" CC "  kubeconfig: /y\n", "/x"},
    {CC "  kubeconfig: /x\n---\n" CC "  kubeconfig: [\n",
     CC "  #kubeconfig: /x\n---\n" CC "  kubeconfig: [\n", "/x"},
};

static const char *const in_force[] = {
    "",
    "mode: a\n",
    CC,
    "clientConnection: null\n",
    "clientConnection: ~\n",
    "clientConnection: {}\n",
    "clientConnection: !!null\n",
    CC "  qps: 0\n",
    CC "  #kubeconfig: /x\n",
    CC "  # kubeconfig: /x\n  qps: 0\n",
    CC "  kubeconfig:\n",
    CC "  kubeconfig: # /x\n  qps: 0\n",
    CC "  kubeconfig: ~\n",
    CC "  kubeconfig: Null\n",
    CC "  kubeconfig: \"\"\n",
    CC "  kubeconfig: ''\n",
    CC "  kubeconfig: !!str\n",
    CC "  kubeconfig: |\n  qps: 0\n",
    CC "  ? kubeconfig\n",
    CC "  Kubeconfig: /x\n",
    CC "  ' kubeconfig': /x\n",
    "clientConnection: {kubeconfig}\n",
    "clientConnection: {kubeconfig: }\n",
    "clientConnection: {kubeconfig: \"\", qps: 0}\n",
    "clientConnection: {\"kubeconfig\":null}\n",
    "clientconnection:\n  kubeconfig: /x\n",
    "kubeconfig: /x\n" CC "  qps: {kubeconfig: /x}\n",
    "a: |\n  " CC "    kubeconfig: /x\n",
    "a: &a {qps: 0}\nclientConnection: *a\n",
    "a: &a {kubeconfig: \"\"}\n" CC "  <<: *a\n",
    "a: &a ~\nclientConnection: *a\n",
    "a: &a \"\"\n" CC "  kubeconfig: *a\n",
    "<<: {clientConnection: {qps: 0}}\n",
    "---\n" CC "  kubeconfig: /x\n",
    "...\n" CC "  kubeconfig: /x\n",
};

static char *replace_all(const char *text, const char *what, const char *with)
{
    char *out = xstrdup("");
    for (const char *at; (at = strstr(text, what)) != NULL; text = at + strlen(what)) {
        char *longer = xasprintf("%s%.*s%s", out, (int)(at - text), text, with);
        free(out);
        out = longer;
    }
    char *whole_text = xasprintf("%s%s", out, text);
    free(out);
    return whole_text;
}

/* The same text written in other ways; each takes a string and gives a new one. */
static char *with_head(const char *text)
{
    return xasprintf(HEAD "%s", text);
}

static char *with_crlf(const char *text)
{
    char *whole_text = with_head(text);
    char *out = replace_all(whole_text, "\n", "\r\n");
    free(whole_text);
    return out;
}

static char *with_cr(const char *text)
{
    char *whole_text = with_head(text);
    char *out = replace_all(whole_text, "\n", "\r");
    free(whole_text);
    return out;
}

static char *with_bom(const char *text)
{
    return xasprintf("\xef\xbb\xbf" HEAD "%s", text);
}

static char *with_directive(const char *text)
{
    return xasprintf("# a\n%%YAML 1.1\n--- # b\n" HEAD "%s", text);
}

static char *without_last_newline(const char *text)
{
    char *out = with_head(text);
    size_t len = strlen(out);
    if (len > strlen(HEAD) && out[len - 1] == '\n') {
        out[len - 1] = '\0';
    }
    return out;
}

static char *with_second_document(const char *text)
{
    return xasprintf(HEAD "%s---\n" HEAD CC "  kubeconfig: /second\n", text);
}

static char *between(const char *text)
{
    return xasprintf("\n# a\n---\nmetricsBindAddress: \"\"\n" HEAD "%s", text);
}

static char *(*const variants[])(const char *text) = {
    with_head,
    with_crlf,
    with_cr,
    with_bom,
    with_directive,
    without_last_newline,
    with_second_document,
    between,
};

static void check_again(const struct kube_proxy_text *done)
{
    struct kube_proxy_text again;
    ck_assert_int_eq(kube_proxy_text_take_out(done->text, done->len, &again),
                     KUBE_PROXY_TEXT_IN_FORCE);
    kube_proxy_text_finish(&again);
}

static void check_put_back(const struct kube_proxy_text *done, const char *before)
{
    char *back;
    size_t len;
    ck_assert_int_eq(
        kube_proxy_text_put_back(done->text, done->len, before, strlen(before), &back, &len, NULL),
        0);
    ck_assert_uint_eq(len, strlen(before));
    ck_assert_str_eq(back, before);
    free(back);
}

static void check_edited(const char *in, const char *out)
{
    struct kube_proxy_text done;
    kube_proxy_text_take_out(in, strlen(in), &done);
    ck_assert_msg(done.outcome == KUBE_PROXY_TEXT_EDITED, "outcome %d (%zu:%zu %s) for:\n%s",
                  done.outcome, done.line, done.column, done.message, in);
    ck_assert_str_eq(done.text, out);
    ck_assert_uint_eq(done.len, strlen(out));
    ck_assert_ptr_null(done.message);
    check_again(&done);
    check_put_back(&done, in);
    kube_proxy_text_finish(&done);
}

START_TEST(edits)
{
    const struct edited_row *row = &edited[_i];
    for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
        char *in = variants[i](row->in);
        char *out = variants[i](row->out);
        check_edited(in, out);
        free(in);
        free(out);
    }
}
END_TEST

START_TEST(tells_value)
{
    const struct edited_row *row = &edited[_i];
    struct kube_proxy_text done;
    char *in = with_head(row->in);
    kube_proxy_text_take_out(in, strlen(in), &done);
    ck_assert_str_eq(done.value, row->value);
    kube_proxy_text_finish(&done);
    free(in);
}
END_TEST

START_TEST(leaves_in_force)
{
    for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
        struct kube_proxy_text done;
        char *in = variants[i](in_force[_i]);
        kube_proxy_text_take_out(in, strlen(in), &done);
        ck_assert_msg(done.outcome == KUBE_PROXY_TEXT_IN_FORCE, "outcome %d (%zu:%zu %s) for:\n%s",
                      done.outcome, done.line, done.column, done.message, in);
        ck_assert_ptr_null(done.text);
        ck_assert_ptr_null(done.value);
        kube_proxy_text_finish(&done);
        free(in);
    }
}
END_TEST

struct fixture_row {
    const char *name;
    enum kube_proxy_text_outcome outcome;
};

/* test/fixtures/kube-proxy-config: what a real kube-proxy 1.20.2 was given */
static const struct fixture_row fixtures[] = {
    {"absent", KUBE_PROXY_TEXT_IN_FORCE},   {"alias", KUBE_PROXY_TEXT_REFUSED},
    {"barecc", KUBE_PROXY_TEXT_IN_FORCE},   {"bom", KUBE_PROXY_TEXT_IN_FORCE},
    {"case", KUBE_PROXY_TEXT_IN_FORCE},     {"commented", KUBE_PROXY_TEXT_IN_FORCE},
    {"crlf", KUBE_PROXY_TEXT_EDITED},       {"docstart", KUBE_PROXY_TEXT_EDITED},
    {"dup", KUBE_PROXY_TEXT_REFUSED},       {"dupcc", KUBE_PROXY_TEXT_REFUSED},
    {"empty", KUBE_PROXY_TEXT_IN_FORCE},    {"json", KUBE_PROXY_TEXT_EDITED},
    {"mapcc", KUBE_PROXY_TEXT_IN_FORCE},    {"md2", KUBE_PROXY_TEXT_REFUSED},
    {"merge", KUBE_PROXY_TEXT_REFUSED},     {"miss", KUBE_PROXY_TEXT_EDITED},
    {"multidoc", KUBE_PROXY_TEXT_IN_FORCE}, {"nullcc", KUBE_PROXY_TEXT_IN_FORCE},
    {"nullkc", KUBE_PROXY_TEXT_IN_FORCE},   {"ok", KUBE_PROXY_TEXT_EDITED},
    {"plain", KUBE_PROXY_TEXT_EDITED},      {"quoted", KUBE_PROXY_TEXT_EDITED},
    {"scalar", KUBE_PROXY_TEXT_REFUSED},    {"tab", KUBE_PROXY_TEXT_REFUSED},
};

static void check_golden(const char *name, const char *in)
{
    struct kube_proxy_text done;
    char *path = xasprintf("test/golden/kube-proxy-text/%s", name);
    kube_proxy_text_take_out(in, strlen(in), &done);
    unit_golden(path, done.text);
    check_edited(in, done.text);
    kube_proxy_text_finish(&done);
    free(path);
}

START_TEST(fixture_outcomes)
{
    const struct fixture_row *row = &fixtures[_i];
    struct kube_proxy_text done;
    char *path = xasprintf("test/fixtures/kube-proxy-config/%s.yaml", row->name);
    char *name = xasprintf("%s.yaml", row->name);
    char *in = unit_read_file(path, NULL);
    ck_assert_int_eq(kube_proxy_text_take_out(in, strlen(in), &done), row->outcome);
    if (row->outcome == KUBE_PROXY_TEXT_EDITED) {
        check_golden(name, in);
    }
    kube_proxy_text_finish(&done);
    free(in);
    free(name);
    free(path);
}
END_TEST

/* What kubeadm really writes. */
START_TEST(kubeadm_configs)
{
    static const char *const versions[] = {"kubeadm-1.20.2", "kubeadm-1.37.2"};
    size_t len;
    char *path = xasprintf("test/fixtures/%s/configmap-kube-proxy.json", versions[_i]);
    char *text = unit_read_file(path, &len);
    struct json_object *configmap;
    ck_assert_int_eq(json_parse(text, len, &configmap, NULL), 0);
    check_golden(versions[_i], json_get_str(configmap, "data/config.conf"));
    json_unref(configmap);
    free(text);
    free(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kube_proxy_text");
    TCase *rows = tcase_create("rows");
    tcase_add_loop_test(rows, edits, 0, ARRAY_LEN(edited));
    tcase_add_loop_test(rows, tells_value, 0, ARRAY_LEN(edited));
    tcase_add_loop_test(rows, leaves_in_force, 0, ARRAY_LEN(in_force));
    tcase_add_loop_test(rows, fixture_outcomes, 0, ARRAY_LEN(fixtures));
    tcase_add_loop_test(rows, kubeadm_configs, 0, 2);
    suite_add_tcase(suite, rows);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
