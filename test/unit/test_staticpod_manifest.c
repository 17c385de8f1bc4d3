/* What is no manifest that is edited, and where the message points to. */
#include "staticpod/staticpod_manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/staticpod_edit_rig.h"
#include "unit/unit.h"

#define FLAG "    - --controllers=*\n"
#define RUN "    command: [kube-controller-manager, --a=b]\n"

static const struct {
    const char *in;
    size_t line;
    size_t column;
    const char *says;
} refused[] = {
    /* not a Pod */
    {"", 1, 1, "nothing where a Pod is expected"},
    {"# nothing\n", 1, 1, "nothing where a Pod is expected"},
    {"[]\n", 1, 1, "array where a Pod is expected"},
    {"apiVersion: v1\nkind: Service\nspec: {}\n", 2, 7, "kind is Service, it must be Pod"},
    {"apiVersion: v1\nkind: PodList\nitems: []\n", 2, 7, "kind is PodList"},
    {"apiVersion: v1\nkind: [Pod]\nspec: {}\n", 2, 7, "kind is not a string"},
    {"apiVersion: apps/v1\nkind: Pod\nspec: {}\n", 1, 13, "apiVersion is apps/v1"},
    {"kind: Pod\nspec: {}\n", 1, 1, "no apiVersion"},
    {"apiVersion: v1\nspec: {}\n", 1, 1, "no kind"},
    {"apiVersion: v1\nkind: Pod\n", 1, 1, "no spec"},
    {"apiVersion: v1\nkind: Pod\nspec:\n", 3, 6, "spec is not a map"},
    {"apiVersion: v1\nkind: Pod\nspec: {hostNetwork: true}\n", 3, 7, "no containers"},
    {POD "  containers: 5\n", 6, 15, "containers is not a list"},
    {POD "  containers:\n  - 5\n", 7, 5, "not a map"},
    {POD "  containers: []\n", 6, 15, "no container runs kube-controller-manager"},
    {POD API FLAG, 7, 3, "no container runs kube-controller-manager"},
    {POD "  initContainers:\n  - name: a\n" RUN "  containers: []\n", 9, 15, "no container runs"},
    {" \n {apiVersion: v1}\n", 2, 2, "it begins as JSON"},
    {"{\"apiVersion\": \"v1\", \"kind\": \"Pod\",}\n", 1, 1, "it begins as JSON"},
    {POD "  containers:\n  - command: [env, P=/x/kube-controller-manager, --a]\n", 7, 3,
     "no container runs"},
    {POD "  containers:\n  - command: [run, x /kube-controller-manager]\n", 7, 3,
     "no container runs"},
    /* several */
    {POD KCM FLAG "---\n" POD KCM FLAG, 11, 1, "several documents"},
    {POD KCM FLAG "---\na: b\n", 11, 1, "several documents"},
    {"---\n---\n" POD KCM FLAG, 2, 1, "several documents"},
    {POD "  containers:\n  - name: a\n" RUN "  - name: b\n" RUN, 9, 5, "a second container"},
    {POD "  containers:\n  - name: a\n" RUN
         "  - name: kube-controller-manager\n    args: [--c=d]\n",
     9, 5, "a second container"},
    /* what runs it does not tell */
    {POD "  containers:\n  - command: [sh, -c, kube-controller-manager --controllers=*]\n", 7, 15,
     "started by a shell"},
    {POD "  containers:\n  - command: [/bin/sh, -c]\n    args:\n"
         "    - exec /usr/local/bin/kube-controller-manager --a=b\n",
     7, 15, "started by a shell"},
    {POD "  containers:\n  - name: kube-controller-manager\n    command: [/bin/bash, /run.sh]\n", 8,
     15, "started by a shell"},
    {POD "  containers:\n  - command: [sh, -c, 'exec \"$@\"', --, kube-controller-manager]\n", 7,
     15, "started by a shell"},
    {POD "  containers:\n  - name: kube-controller-manager\n    command: [/run, --a=b]\n", 7, 5,
     "no command that names"},
    {POD "  containers:\n  - name: kube-controller-manager\n", 7, 5, "no command that names"},
    {POD "  containers:\n  - name: kube-controller-manager\n    command: []\n    args: [--a]\n", 7,
     5, "no command that names"},
    {POD "  containers:\n  - command: kube-controller-manager\n", 7, 14, "command is not a list"},
    {POD KCM "    - 5\n", 10, 7, "not a string"},
    {POD KCM "    - true\n", 10, 7, "not a string"},
    {POD KCM "    - [--a]\n", 10, 7, "not a string"},
    {POD KCM "    - \"a\\0b\"\n", 10, 7, "not a string"},
    /* what comes from elsewhere, or goes there */
    {"x: &a {}\n" POD KCM FLAG "<<: *a\n", 12, 1, "a merge key (<<) in the manifest"},
    {"x: &a {}\n" POD "  <<: *a\n" KCM FLAG, 7, 3, "a merge key (<<) in spec"},
    {"x: &a {}\n" POD KCM FLAG "    <<: *a\n", 12, 5, "a merge key (<<) in the container"},
    {"x: &a {containers: []}\napiVersion: v1\nkind: Pod\nspec: *a\n", 4, 7, "spec is the alias"},
    {"x: &a []\n" POD "  containers: *a\n", 7, 15, "containers is the alias *a"},
    {"x: &a {command: [kube-controller-manager]}\n" POD "  containers:\n  - *a\n", 8, 5,
     "the container is the alias *a"},
    {"x: &a [kube-controller-manager]\n" POD "  containers:\n  - command: *a\n", 8, 14,
     "command is the alias *a"},
    {"apiVersion: v1\nkind: Pod\nspec: &a\n" KCM FLAG "x: *a\n", 3, 7, "&a of spec is used"},
    {POD "  containers: &a\n  - name: a\n" RUN "  initContainers: *a\n", 6, 15,
     "&a of containers is used"},
    {POD "  containers:\n  - &a\n    name: a\n" RUN "  initContainers: [*a]\n", 7, 5,
     "&a of the container is used"},
    {POD "  containers:\n  - command: &a [kube-controller-manager]\nx: *a\n", 7, 14,
     "&a of command is used"},
    {POD "  containers: !!seq\n  - name: a\n" RUN, 6, 15, "containers has a tag"},
    /* broken already */
    {POD KCM FLAG "    command: [a]\n", 11, 5, "command"},
    {POD KCM FLAG "spec: {}\n", 11, 1, "spec"},
    {POD KCM FLAG "metadata: {}\n", 11, 1, "metadata"},
    {POD KCM "\t- --controllers=*\n", 10, 1, "a tab character"},
    {POD KCM FLAG "   bad\n", 11, 4, "did not find expected key"},
    {POD "  containers: [\n", 7, 1, "did not find"},
    {POD KCM "    - *nowhere\n", 10, 7, "*nowhere without an anchor"},
    {POD KCM "    - \"\xff\"\n", 10, 8, "invalid UTF-8"},
    {POD KCM "    - \"\xc0\x80\"\n", 10, 8, "invalid UTF-8"},
    {POD KCM "    - \x01\n", 10, 7, "control characters"},
    {"%YAML 1.2\n---\n" POD KCM, 1, 1, "must be 1.1"},
    {POD KCM FLAG "x: !!binary aGk=\n", 11, 4, "binary"},
    {"x: &a [a, a, a, a, a, a, a, a, a, a]\ny: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
     "z: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
     "u: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
     "v: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
     "w: [*e, *e, *e]\n",
     5, 36, "aliases stand for more than"},
};

START_TEST(refuses)
{
    rig_check_refused(&rig_controllers, refused[_i].in, strlen(refused[_i].in), refused[_i].line,
                      refused[_i].column, refused[_i].says);
}
END_TEST

START_TEST(refuses_nul)
{
    static const char in[] = POD KCM "    - \0\n";
    rig_check_refused(&rig_controllers, in, sizeof(in) - 1, 10, 7, "NUL byte");
}
END_TEST

START_TEST(refuses_large)
{
    static const char head[] = POD KCM FLAG "# ";
    size_t len = STATICPOD_TEXT_MAX;
    char *text = xmalloc(len + 2);
    memset(text, 'x', len + 1);
    memcpy(text, head, strlen(head));
    text[len + 1] = '\0';
    rig_check_refused(&rig_controllers, text, len + 1, 0, 0, "larger than 10 MiB");
    /* as large as allowed, and the edit makes it larger */
    rig_check_refused(&rig_controllers, text, len, 7, 5, "longer than 10485760 bytes");
    free(text);
}
END_TEST

START_TEST(refuses_deep)
{
    char *text = xasprintf(POD KCM FLAG "x: %070d", 0);
    for (char *at = strchr(text, '\0') - 70; *at != '\0'; at++) {
        *at = '[';
    }
    rig_check_refused(&rig_controllers, text, strlen(text), 11, 67, "nested more than 64 deep");
    free(text);
}
END_TEST

/* The words in the order in which they are executed, with where they stand. */
START_TEST(tells_words)
{
    static const char in[] = POD "  containers:\n  - name: side\n    image: i\n  - args: [--c, d]\n"
                                 "    command:\n    - /x/kube-apiserver\n    - --a=b\n";
    static const char *const words[] = {"/x/kube-apiserver", "--a=b", "--c", "d"};
    AUTO(staticpod_manifest) struct staticpod_manifest manifest;
    AUTO(staticpod_refusal) struct staticpod_refusal refusal = {0};
    ck_assert_int_eq(
        staticpod_manifest_read(in, strlen(in), STATICPOD_APISERVER, &manifest, &refusal), 0);
    ck_assert_uint_eq(manifest.container_index, 1);
    ck_assert_uint_eq(manifest.first_flag, 1);
    ck_assert_uint_eq(manifest.words_len, ARRAY_LEN(words));
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        ck_assert_str_eq(manifest.words[i].value, words[i]);
        ck_assert_uint_eq(manifest.words[i].index, i % 2);
        ck_assert_int_eq(manifest.words[i].list, i < 2 ? STATICPOD_COMMAND : STATICPOD_ARGS);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("staticpod_manifest");
    TCase *rows = tcase_create("rows");
    tcase_add_loop_test(rows, refuses, 0, ARRAY_LEN(refused));
    tcase_add_test(rows, refuses_nul);
    tcase_add_test(rows, refuses_large);
    tcase_add_test(rows, refuses_deep);
    tcase_add_test(rows, tells_words);
    suite_add_tcase(suite, rows);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
