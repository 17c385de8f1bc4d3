/* Putting back where others changed the text as well; test_kube_proxy_text.c has the plain case. */
#include <stdlib.h>
#include <string.h>

#include "adjust/kube_proxy_text.h"
#include "base/alloc.h"
#include "unit/unit.h"

#define HEAD "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"
#define CC "clientConnection:\n"

struct undone_row {
    const char *before;
    const char *current;
    const char *wanted;
};

static const struct undone_row undone[] = {
    /* our edit, and others' changes around it */
    {CC "  kubeconfig: /x\n  qps: 0\n", CC "  #kubeconfig: /x\n  qps: 5\n",
     CC "  kubeconfig: /x\n  qps: 5\n"},
    {CC "  kubeconfig: /x\n", "mode: a\n" CC "  #kubeconfig: /x\n",
     "mode: a\n" CC "  kubeconfig: /x\n"},
    {CC "  kubeconfig: /x\n", CC "  #kubeconfig: /x\n  qps: 0\nmode: a\n",
     CC "  kubeconfig: /x\n  qps: 0\nmode: a\n"},
    {CC "  kubeconfig: /x # y\n  qps: 0\n", CC "  burst: 1\n  #kubeconfig: /x # y\n# z",
     CC "  burst: 1\n  kubeconfig: /x # y\n# z"},
    {CC "  kubeconfig: /x\n", CC "  qps: 0\n  #kubeconfig: /x", CC "  qps: 0\n  kubeconfig: /x"},
    {CC "  kubeconfig: /x\n", CC "  #kubeconfig: /x\r\n  qps: 0\r\n",
     CC "  kubeconfig: /x\r\n  qps: 0\r\n"},
    {CC "  kubeconfig:\n    /x\n", CC "  #kubeconfig:\n  #  /x\n  qps: 0\n",
     CC "  kubeconfig:\n    /x\n  qps: 0\n"},
    {CC "  kubeconfig: |\n\n    /a\n    b\n\n  qps: 0\n",
     CC "  #kubeconfig: |\n\n  #  /a\n  #  b\n\n  qps: 5\n",
     CC "  kubeconfig: |\n\n    /a\n    b\n\n  qps: 5\n"},
    {"clientConnection: {kubeconfig: /x, qps: 0}\n",
     "clientConnection: {qps: 5, kubeconfig: \"\"}\n",
     "clientConnection: {qps: 5, kubeconfig: /x}\n"},
    {"clientConnection: {\"kubeconfig\":\"/x\"}\n",
     "clientConnection: {\"kubeconfig\":\"\"}\nmode: a\n",
     "clientConnection: {\"kubeconfig\":\"/x\"}\nmode: a\n"},
    /* the same comment elsewhere is not ours */
    {CC "  kubeconfig: /x\n",
     "a:\n  #kubeconfig: /x\n" CC "  #kubeconfig: /x\nb:\n  #kubeconfig: /x\n",
     "a:\n  #kubeconfig: /x\n" CC "  kubeconfig: /x\nb:\n  #kubeconfig: /x\n"},
    {CC "  kubeconfig: /x\n", CC "  #kubeconfig: /x\n  qps: 0\n---\n" CC "  #kubeconfig: /x\n",
     CC "  kubeconfig: /x\n  qps: 0\n---\n" CC "  #kubeconfig: /x\n"},
    /* nothing to undo */
    {CC "  kubeconfig: /x\n", CC "  kubeconfig: /x\n", CC "  kubeconfig: /x\n"},
    {CC "  kubeconfig: /x\n", CC "  kubeconfig: '/x'\n  qps: 5\n",
     CC "  kubeconfig: '/x'\n  qps: 5\n"},
    {CC "  qps: 0\n", CC "  qps: 5\n", CC "  qps: 5\n"},
    {CC "  qps: 0\n", CC "  kubeconfig: /x\n", CC "  kubeconfig: /x\n"},
    {CC "  qps: 0\n", "not even: [\n", "not even: [\n"},
    {"clientConnection: 5\n", "clientConnection: 5\n", "clientConnection: 5\n"},
};

struct conflict_row {
    const char *before;
    const char *current;
    const char *says;
};

static const struct conflict_row conflicts[] = {
    {CC "  kubeconfig: /x\n", CC "  kubeconfig: /y\n", "another kubeconfig is set now"},
    {CC "  kubeconfig: /x\n", CC "  qps: 0\n",
     "the line that was commented out is not there any more: set clientConnection.kubeconfig to /x "
     "by hand"},
    {CC "  kubeconfig: /x\n", CC "    #kubeconfig: /x\n    qps: 0\n", "not there any more"},
    {CC "  kubeconfig: /x\n", CC "  #kubeconfig: /x # y\n", "not there any more"},
    {CC "  kubeconfig: /x\n", CC "  #kubeconfig: /x\n  qps: 0\n  #kubeconfig: /x\n",
     "more than once"},
    {CC "  kubeconfig: /x\n", "mode: a\n", "clientConnection is gone"},
    {CC "  kubeconfig: /x\n", "clientConnection: {qps: 0}\n", "not there any more"},
    {CC "  kubeconfig: /x\n", CC " a: |\n  #kubeconfig: /x\n", "changed around the line"},
    {CC "  kubeconfig: /x\n", CC "    qps: 0\n  #kubeconfig: /x\n", "changed around the line"},
    {CC "  kubeconfig: /x\n", CC "  kubeconfig: \"\"\n  #kubeconfig: /x\n",
     "changed around the line"},
    {CC "  kubeconfig: /x\n", CC "  #kubeconfig: /x\n  b: [\n", "line 6, column 1: while parsing"},
    {CC "  kubeconfig: /x\n", CC "  #kubeconfig: /x\n" CC,
     "line 5, column 1: clientConnection is "
     "there twice"},
    {"clientConnection: {kubeconfig: /x}\n", "clientConnection: {qps: 0}\n", "not there any more"},
    {"clientConnection: {kubeconfig: /x}\n", CC "  kubeconfig: \"\"\n", "not there any more"},
    {"clientConnection: {kubeconfig: /x}\n", "clientConnection: {kubeconfig: '', qps: 0}\n",
     "changed around the line"},
    {"clientConnection: 5\n", CC "  #kubeconfig: /x\n", "the recorded text is none"},
};

START_TEST(undoes)
{
    const struct undone_row *row = &undone[_i];
    char *before = xasprintf(HEAD "%s", row->before);
    char *current = xasprintf(HEAD "%s", row->current);
    char *wanted = xasprintf(HEAD "%s", row->wanted);
    char *text = NULL;
    size_t len = 0;
    struct err err = {0};
    int status = kube_proxy_text_put_back(current, strlen(current), before, strlen(before), &text,
                                          &len, &err);
    ck_assert_msg(status == 0, "%s for:\n%s", err.text, current);
    ck_assert_str_eq(text, wanted);
    ck_assert_uint_eq(len, strlen(wanted));
    free(text);
    free(wanted);
    free(current);
    free(before);
}
END_TEST

START_TEST(tells_conflicts)
{
    const struct conflict_row *row = &conflicts[_i];
    char *before = xasprintf(HEAD "%s", row->before);
    char *current = xasprintf(HEAD "%s", row->current);
    char *text = NULL;
    size_t len;
    struct err err = {0};
    ck_assert_int_eq(kube_proxy_text_put_back(current, strlen(current), before, strlen(before),
                                              &text, &len, &err),
                     -1);
    ck_assert_int_eq(err.kind, ERR_CONFLICT);
    ck_assert_msg(strstr(err.text, row->says) != NULL, "\"%s\" is not in \"%s\"", row->says,
                  err.text);
    ck_assert_ptr_null(text);
    free(current);
    free(before);
}
END_TEST

/* Texts are bytes with a length: nothing behind them may be looked at. */
START_TEST(needs_no_terminator)
{
    static const char before[] = HEAD CC "  kubeconfig: /x";
    static const char current[] = HEAD CC "  #kubeconfig: /x\n";
    size_t len = strlen(before);
    size_t current_len = strlen(current);
    char *exact_before = xmemdup(before, len);
    char *exact_current = xmemdup(current, current_len);
    char *text;
    size_t text_len;
    ck_assert_int_eq(kube_proxy_text_put_back(exact_current, current_len, exact_before, len, &text,
                                              &text_len, NULL),
                     0);
    ck_assert_str_eq(text, HEAD CC "  kubeconfig: /x\n");
    free(text);
    ck_assert_int_eq(
        kube_proxy_text_put_back(exact_before, len, exact_before, len, &text, &text_len, NULL), 0);
    ck_assert_str_eq(text, before);
    free(text);
    free(exact_current);
    free(exact_before);
}
END_TEST

START_TEST(nothing_recorded)
{
    struct err err;
    char *text;
    size_t len;
    ck_assert_int_eq(kube_proxy_text_put_back(HEAD, strlen(HEAD), NULL, 0, &text, &len, &err), -1);
    ck_assert_int_eq(err.kind, ERR_CONFLICT);
    ck_assert_int_eq(kube_proxy_text_put_back(NULL, 0, NULL, 0, &text, &len, &err), 0);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kube_proxy_text_undo");
    TCase *rows = tcase_create("rows");
    tcase_add_loop_test(rows, undoes, 0, ARRAY_LEN(undone));
    tcase_add_loop_test(rows, tells_conflicts, 0, ARRAY_LEN(conflicts));
    tcase_add_test(rows, needs_no_terminator);
    tcase_add_test(rows, nothing_recorded);
    suite_add_tcase(suite, rows);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
