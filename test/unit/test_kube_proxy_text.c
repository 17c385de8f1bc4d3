#include "adjust/kube_proxy_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "json/json.h"
#include "unit/unit.h"

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
    {"clientConnection: {kubeconfig: /x, qps: 0}\n", "clientConnection: {kubeconfig: \"\", qps: 0}\n",
     "/x"},
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

struct refused_row {
    const char *in;
    size_t line;
    size_t column;
    const char *says;
};

static const struct refused_row refused[] = {
    /* broken already */
    {CC "\tkubeconfig: /x\n", 4, 1, "cannot start any token"},
    {CC "  kubeconfig: /x\n qps: 0\n", 5, 2, "did not find expected key"},
    {CC "  kubeconfig: [/x\n", 5, 1, "did not find"},
    {"clientConnection: *nowhere\n", 3, 19, "*nowhere without an anchor"},
    {"a: &a [*a]\n" CC "  kubeconfig: /x\n", 3, 8, "inside its own anchor"},
    {"a: \"\xff\"\n", 3, 5, "invalid UTF-8"},
    {"a: \x01\n", 3, 4, "control characters"},
    {"a: !!binary /x\n" CC "  kubeconfig: /x\n", 3, 4, "!!binary"},
    {CC "  !!binary a3ViZWNvbmZpZw==: /x\n", 4, 3, "!!binary"},
    /* twice */
    {CC "  kubeconfig: \"\"\n  kubeconfig: /x\n", 5, 3, "twice"},
    {CC "  kubeconfig: /x\n  'kubeconfig': \"\"\n", 5, 3, "twice"},
    {"clientConnection: {kubeconfig: /x, \"kubeconfig\": /y}\n", 3, 36, "twice"},
    {CC "  kubeconfig: /x\n" CC "  qps: 0\n", 5, 1, "twice"},
    {"kind: KubeProxyConfiguration\n", 3, 1, "twice"},
    {"a: &k kubeconfig\n" CC "  kubeconfig: /x\n  *k : /y\n", 6, 3, "twice"},
    /* supplied from elsewhere */
    {"a: &a {kubeconfig: /x}\nclientConnection: *a\n", 4, 19, "alias *a"},
    {"a: &a {kubeconfig: /x}\n" CC "  <<: *a\n  qps: 1\n", 5, 3, "merge key"},
    {"a: &a {kubeconfig: /x}\n" CC "  qps: 1\n  <<: [{qps: 2}, {<<: *a}]\n", 6, 3, "merge key"},
    {CC "  <<: {kubeconfig: /x}\n  kubeconfig: \"\"\n", 4, 3, "merge key"},
    {CC "  <<: 5\n  kubeconfig: /x\n", 4, 3, "merge key"},
    {"<<: {clientConnection: {kubeconfig: /x}}\n", 3, 1, "merge key"},
    {"<<: {clientConnection: {<<: {kubeconfig: /x}}}\n" CC "  qps: 0\n", 3, 1, "merge key"},
    {"a: &a /x\n" CC "  kubeconfig: *a\n", 5, 15, "alias *a"},
    {"a: &a {kubeconfig: /x}\n" CC "  <<: *a\n  kubeconfig: /x\n", 5, 3, "merge key"},
    /* others rely on it */
    {CC "  kubeconfig: &a /x\nb: *a\n", 4, 15, "&a is used elsewhere"},
    {CC "  &a kubeconfig: /x\nb: *a\n", 4, 3, "&a is used elsewhere"},
    {"clientConnection: &a\n  kubeconfig: /x\nb: *a\n", 3, 19, "&a is used elsewhere"},
    /* not certain */
    {CC "  ? kubeconfig\n  : /x\n", 4, 5, "explicit key"},
    {CC "  qps: 0 # ?\n  ?\n    kubeconfig\n  : /x\n", 6, 5, "explicit key"},
    {"clientConnection: {qps: 0, ? kubeconfig : /x}\n", 3, 30, "explicit key"},
    {"? clientConnection\n: kubeconfig: /x\n  qps: 0\n", 4, 1, "not indented"},
    {CC "  kubeconfig: \"/a\n b\"\n", 5, 1, "not indented"},
    {CC "  kubeconfig: \"/a\n\tb\"\n", 5, 1, "not indented"},
    {CC "  kubeconfig: \"/a\xc2\x85  b\"\n", 4, 3, "line break"},
    {CC "  kubeconfig: /x # a\xe2\x80\xa8  qps: 0\n", 4, 3, "line break"},
    {CC "  kubeconfig: /x # a\xe2\x80\xa9", 4, 3, "line break"},
    {"clientConnection: !!map\n  kubeconfig: /x\n", 4, 3, "without changing anything else"},
    /* not what it should be */
    {"clientConnection: a\n", 3, 19, "clientConnection is a string"},
    {"clientConnection: \"\"\n", 3, 19, "clientConnection is a string"},
    {"clientConnection: 5\n", 3, 19, "clientConnection is a number"},
    {"clientConnection: [{kubeconfig: /x}]\n", 3, 19, "clientConnection is a sequence"},
    {CC "- kubeconfig: /x\n", 4, 1, "clientConnection is a sequence"},
    {CC "  kubeconfig: 5\n", 4, 15, "kubeconfig is a number"},
    {CC "  kubeconfig: on\n", 4, 15, "kubeconfig is a boolean"},
    {CC "  kubeconfig: !!int \"5\"\n", 4, 15, "kubeconfig is a number"},
    {CC "  kubeconfig: !!int /x\n", 4, 15, "not a !!int"},
    {CC "  kubeconfig: {a: b}\n", 4, 15, "kubeconfig is a map"},
    {CC "  kubeconfig: [/x]\n", 4, 15, "kubeconfig is a sequence"},
    {CC "  kubeconfig: \"/x\\0\"\n", 4, 15, "with NUL"},
};

/* Whole texts that are none of kube-proxy's. */
static const struct refused_row whole[] = {
    {"", 1, 1, "empty"},
    {"# only a comment\n", 1, 1, "empty"},
    {"---\n---\n" HEAD CC "  kubeconfig: /x\n", 2, 1, "a null where"},
    {"- a\n", 1, 1, "a sequence where"},
    {"kind: KubeProxyConfiguration\n", 1, 1, "no apiVersion"},
    {"apiVersion: kubeproxy.config.k8s.io/v1alpha1\n", 1, 1, "no kind"},
    {"apiVersion: kubeproxy.config.k8s.io/v1alpha2\nkind: KubeProxyConfiguration\n", 1, 13,
     "apiVersion is kubeproxy.config.k8s.io/v1alpha2"},
    {"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeletConfiguration\n", 2, 7,
     "kind is KubeletConfiguration"},
    {"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: [a]\n", 2, 7, "kind is sequence"},
    {"%YAML 1.2\n---\n" HEAD, 1, 1, "must be 1.1"},
    {"\xff\xfe" "a\0", 1, 1, "UTF-16"},
    {"{\"apiVersion\": \"kubeproxy.config.k8s.io/v1alpha1\",", 1, 51, "did not find"},
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
    with_head,      with_crlf,            with_cr,              with_bom,
    with_directive, without_last_newline, with_second_document, between,
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

static void check_refused(const char *in, size_t len, const struct refused_row *row)
{
    struct kube_proxy_text done;
    kube_proxy_text_take_out(in, len, &done);
    ck_assert_msg(done.outcome == KUBE_PROXY_TEXT_REFUSED, "outcome %d for:\n%s", done.outcome, in);
    ck_assert_msg(strstr(done.message, row->says) != NULL, "\"%s\" is not in \"%s\"", row->says,
                  done.message);
    ck_assert_msg(done.line == row->line && done.column == row->column, "%zu:%zu, not %zu:%zu: %s",
                  done.line, done.column, row->line, row->column, in);
    ck_assert_ptr_null(done.text);
    kube_proxy_text_finish(&done);
}

START_TEST(refuses)
{
    static char *(*const same_places[])(const char *text) = {with_head, with_crlf, with_cr,
                                                             with_bom};
    for (size_t i = 0; i < ARRAY_LEN(same_places); i++) {
        char *in = same_places[i](refused[_i].in);
        check_refused(in, strlen(in), &refused[_i]);
        free(in);
    }
}
END_TEST

START_TEST(refuses_other_documents)
{
    const struct refused_row *row = &whole[_i];
    check_refused(row->in, strlen(row->in), row);
}
END_TEST

START_TEST(refuses_nul)
{
    static const char in[] = HEAD "clientConnection: {}\n\0kubeconfig";
    const struct refused_row row = {.line = 4, .column = 1, .says = "NUL"};
    check_refused(in, sizeof(in) - 1, &row);
}
END_TEST

START_TEST(refuses_too_large)
{
    const struct refused_row row = {.says = "larger than"};
    size_t len = KUBE_PROXY_TEXT_MAX + 1;
    char *in = xmalloc(len + 1);
    memset(in, '#', len);
    in[len] = '\0';
    check_refused(in, len, &row);
    free(in);
}
END_TEST

/* One byte more would be one too many for a ConfigMap. */
START_TEST(refuses_to_outgrow)
{
    static const char start[] = HEAD CC "  kubeconfig: /x\n#";
    const struct refused_row row = {.line = 4, .column = 3, .says = "longer than"};
    struct kube_proxy_text done;
    char *in = xmalloc(KUBE_PROXY_TEXT_MAX + 1);
    memset(in, 'x', KUBE_PROXY_TEXT_MAX);
    in[KUBE_PROXY_TEXT_MAX] = '\0';
    memcpy(in, start, strlen(start));
    check_refused(in, KUBE_PROXY_TEXT_MAX, &row);
    ck_assert_int_eq(kube_proxy_text_take_out(in, KUBE_PROXY_TEXT_MAX - 1, &done),
                     KUBE_PROXY_TEXT_EDITED);
    ck_assert_uint_eq(done.len, KUBE_PROXY_TEXT_MAX);
    kube_proxy_text_finish(&done);
    free(in);
}
END_TEST

START_TEST(refuses_deep_nesting)
{
    const struct refused_row row = {.line = 3, .column = 67, .says = "nested more than 64 deep"};
    char deep[101];
    memset(deep, '[', 100);
    deep[100] = '\0';
    char *in = xasprintf(HEAD "a: %s", deep);
    check_refused(in, strlen(in), &row);
    free(in);
}
END_TEST

START_TEST(refuses_alias_bomb)
{
    const struct refused_row row = {.line = 7, .column = 38, .says = "aliases stand for more than"};
    char *in = xstrdup(HEAD "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 12; i++) {
        char *more = xasprintf("%sa%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n",
                               in, i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1,
                               i - 1, i - 1);
        free(in);
        in = more;
    }
    check_refused(in, strlen(in), &row);
    free(in);
}
END_TEST

START_TEST(warns_of_case)
{
    static const char in[] = HEAD CC "  qps: 0\n  KubeConfig: /x\n";
    static const char other[] = HEAD "ClientConnection:\n  kubeconfig: /x\n";
    struct kube_proxy_text done;
    kube_proxy_text_take_out(in, strlen(in), &done);
    ck_assert_str_eq(done.warning, "KubeConfig in line 5 is not kubeconfig: kube-proxy ignores it, "
                                   "and so does this");
    kube_proxy_text_finish(&done);
    kube_proxy_text_take_out(other, strlen(other), &done);
    ck_assert_ptr_nonnull(strstr(done.warning, "ClientConnection in line 3"));
    kube_proxy_text_finish(&done);
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
    tcase_add_loop_test(rows, refuses, 0, ARRAY_LEN(refused));
    tcase_add_loop_test(rows, refuses_other_documents, 0, ARRAY_LEN(whole));
    tcase_add_loop_test(rows, fixture_outcomes, 0, ARRAY_LEN(fixtures));
    tcase_add_loop_test(rows, kubeadm_configs, 0, 2);
    suite_add_tcase(suite, rows);
    TCase *limits = tcase_create("limits");
    tcase_add_test(limits, refuses_nul);
    tcase_add_test(limits, refuses_too_large);
    tcase_add_test(limits, refuses_to_outgrow);
    tcase_add_test(limits, refuses_deep_nesting);
    tcase_add_test(limits, refuses_alias_bomb);
    tcase_add_test(limits, warns_of_case);
    suite_add_tcase(suite, limits);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
