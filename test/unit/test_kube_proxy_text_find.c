/* What is refused, and where the message points to. */
#include "adjust/kube_proxy_text_find.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "unit/unit.h"

/* Lines 1 and 2 of most texts below; what the rows give begins in line 3. */
#define HEAD "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"
#define CC "clientConnection:\n"

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
    {"a: {b: !!str, c: d}\n" CC "  kubeconfig: /x\n", 3, 8, "a tag without a blank"},
    {"clientConnection: {kubeconfig: &b !,str /x}\n", 3, 32, "a tag without a blank"},
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
    {"\xff\xfe"
     "a\0",
     1, 1, "UTF-16"},
    {"{\"apiVersion\": \"kubeproxy.config.k8s.io/v1alpha1\",", 1, 51, "did not find"},
};

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

/* The place stays the same with other line breaks and behind a byte order mark. */
static const struct {
    const char *before;
    const char *line_break;
} forms[] = {{"", "\n"}, {"", "\r\n"}, {"", "\r"}, {"\xef\xbb\xbf", "\n"}};

START_TEST(refuses)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct buf in = BUF_INIT(4096);
        buf_puts(&in, forms[i].before);
        AUTO_FREE char *text = xasprintf(HEAD "%s", refused[_i].in);
        for (const char *at = text; *at != '\0'; at++) {
            buf_append(&in, *at == '\n' ? forms[i].line_break : at,
                       *at == '\n' ? strlen(forms[i].line_break) : 1);
        }
        check_refused(in.data, in.len, &refused[_i]);
        buf_finish(&in);
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
        char *more =
            xasprintf("%sa%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", in, i, i,
                      i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
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

/* What the finding tells about entries that are in force, for put_back. */
START_TEST(finds_entries)
{
    static const char in[] = HEAD "mode: a\nclientConnection: {qps: 0, kubeconfig: \"\"}\n";
    struct kube_proxy_finding finding;
    struct kube_proxy_text report = {0};
    ck_assert_int_eq(kube_proxy_text_find(in, strlen(in), &finding, &report), 0);
    ck_assert(finding.has_section && finding.has_entry && !finding.effective);
    ck_assert_uint_eq(finding.section_pair, 3);
    ck_assert_uint_eq(finding.entry_pair, 1);
    ck_assert_ptr_eq(finding.section, yaml_map_value(finding.root, 3));
    kube_proxy_finding_finish(&finding);
    kube_proxy_text_finish(&report);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kube_proxy_text_find");
    TCase *rows = tcase_create("rows");
    tcase_add_loop_test(rows, refuses, 0, ARRAY_LEN(refused));
    tcase_add_loop_test(rows, refuses_other_documents, 0, ARRAY_LEN(whole));
    tcase_add_test(rows, finds_entries);
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
