/* What yaml_tree_parse and yaml_to_json refuse: encodings and limits. */
#include "yaml/yaml_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "unit/unit.h"

/* Fails with ERR_INVALID at the place (0, 0: nowhere), saying so. */
static void check_refused(const char *text, size_t len, size_t line, size_t column,
                          const char *says)
{
    struct yaml_tree *tree = NULL;
    struct yaml_place place = {.line = 77, .column = 77};
    struct err err = {0};
    ck_assert_int_eq(yaml_tree_parse(text, len, &tree, &place, &err), -1);
    ck_assert_ptr_null(tree);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_msg(strstr(err.text, says) != NULL, "\"%s\" is not in \"%s\"", says, err.text);
    ck_assert_msg(place.line == line && place.column == column, "%zu:%zu: %s", place.line,
                  place.column, err.text);
    AUTO_FREE char *prefix = xasprintf("line %zu, column %zu: ", line, column);
    ck_assert(line == 0 || strncmp(err.text, prefix, strlen(prefix)) == 0);
}

static const struct {
    const char *text;
    size_t len;
    size_t line;
    size_t column;
    const char *says;
} bad[] = {
    {"\xff\xfe"
     "a\0",
     4, 1, 1, "UTF-16"},
    {"\xfe\xff\0a", 4, 1, 1, "UTF-16"},
    {"a: \0", 4, 1, 4, "NUL"},
    {"a: b\n\xc3\xa9\0", 8, 2, 2, "NUL"},
    {"a: \xc0\x80", 5, 1, 4, "invalid UTF-8"},
    {"a: b\n c: \xed\xa0\x80", 12, 2, 5, "invalid UTF-8"},
    {"a: \xc3", 4, 1, 4, "invalid UTF-8"},
    {"a\n\x7f", 3, 2, 1, "control characters"},
    {"\xef\xbb\xbf"
     "a\x01",
     5, 1, 2, "control characters"},
    {"a: b: c", 7, 1, 5, "mapping values are not allowed"},
    {"a: 'b", 5, 1, 6, "while scanning a quoted scalar, found unexpected end of stream"},
    {"\xef\xbb\xbf"
     "a: 'b",
     8, 1, 6, "unexpected end of stream"},
    {"\xc3\xa9: @", 5, 1, 4, "cannot start any token"},
    {"a:\r  - b\r c: d", 14, 3, 2, "did not find expected key"},
    {"%YAML 1.2\n---\n", 14, 1, 1, "YAML 1.2, must be 1.1"},
    {"%YAML 2.1\n---\n", 14, 1, 1, "incompatible"},
    {"*a", 2, 1, 1, "alias *a without an anchor"},
    {"[&a [b, *a]]", 12, 1, 9, "stands inside its own anchor"},
};

START_TEST(bad_texts)
{
    check_refused(bad[_i].text, bad[_i].len, bad[_i].line, bad[_i].column, bad[_i].says);
}
END_TEST

START_TEST(too_large)
{
    size_t len = YAML_TEXT_MAX + 1;
    char *text = xmalloc(len);
    memset(text, '\n', len);
    check_refused(text, len, 0, 0, "larger than 16777216 bytes");
    struct yaml_tree *tree;
    ck_assert_int_eq(yaml_tree_parse(text, len - 1, &tree, NULL, NULL), 0);
    yaml_tree_destroy(tree);
    free(text);
}
END_TEST

static char *repeat(const char *piece, size_t times)
{
    struct buf out = BUF_INIT(YAML_TEXT_MAX);
    for (size_t i = 0; i < times; i++) {
        buf_puts(&out, piece);
    }
    return buf_take(&out);
}

START_TEST(too_many_values)
{
    char *commas = repeat("a,", YAML_NODES_MAX - 1);
    AUTO_FREE char *most = xasprintf("[%s]", commas);
    AUTO_FREE char *more = xasprintf("[%sa]", commas);
    struct yaml_tree *tree;
    ck_assert_int_eq(yaml_tree_parse(most, strlen(most), &tree, NULL, NULL), 0);
    ck_assert_uint_eq(yaml_tree_root(tree)->count, YAML_NODES_MAX - 1);
    yaml_tree_destroy(tree);
    check_refused(more, strlen(more), 1, strlen(more) - 1, "more than 2097152 values");
    free(commas);
}
END_TEST

START_TEST(too_deep)
{
    static const char *const openings[] = {"[", "- ", "{a: "};
    static const char *const closings[] = {"]", "", "}"};
    for (size_t i = 0; i < ARRAY_LEN(openings); i++) {
        AUTO_FREE char *open = repeat(openings[i], YAML_DEPTH_MAX);
        AUTO_FREE char *close = repeat(closings[i], YAML_DEPTH_MAX);
        AUTO_FREE char *most = xasprintf("%sa%s", open, close);
        AUTO_FREE char *more = xasprintf("%s%sa", open, openings[i]);
        struct yaml_tree *tree;
        ck_assert_int_eq(yaml_tree_parse(most, strlen(most), &tree, NULL, NULL), 0);
        yaml_tree_destroy(tree);
        check_refused(more, strlen(more), 1, strlen(open) + 1, "nested more than 64 deep");
    }
    AUTO_FREE char *endless = repeat("[", 1000000);
    check_refused(endless, strlen(endless), 1, 65, "nested more than 64 deep");
}
END_TEST

/* An alias brings its anchor's levels to where it stands. */
START_TEST(too_deep_by_alias)
{
    AUTO_FREE char *open = repeat("[", 40);
    AUTO_FREE char *close = repeat("]", 40);
    AUTO_FREE char *most = xasprintf("[&a %s%s, %.23s*a%.23s]", open, close, open, close);
    AUTO_FREE char *more = xasprintf("[&a %s%s, %.24s*a%.24s]", open, close, open, close);
    struct yaml_tree *tree;
    ck_assert_int_eq(yaml_tree_parse(most, strlen(most), &tree, NULL, NULL), 0);
    yaml_tree_destroy(tree);
    check_refused(more, strlen(more), 1, strlen(more) - 26, "deep by alias *a");
}
END_TEST

/* Ten aliases of ten aliases of …: the nodes are counted before anybody follows them. */
START_TEST(alias_bomb)
{
    struct buf text = BUF_INIT(YAML_TEXT_MAX);
    buf_puts(&text, "- &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 30; i++) {
        buf_printf(&text, "- &a%d [", i);
        for (int j = 0; j < 10; j++) {
            buf_printf(&text, "*a%d, ", i - 1);
        }
        buf_puts(&text, "]\n");
    }
    check_refused(text.data, text.len, 5, 43, "aliases stand for more than 100000 values");
    buf_finish(&text);
}
END_TEST

START_TEST(many_aliases)
{
    char *aliases = repeat("*a,", YAML_ALIAS_NODES_MAX);
    AUTO_FREE char *most = xasprintf("[&a b,%s]", aliases);
    AUTO_FREE char *more = xasprintf("[&a b,%s*a]", aliases);
    struct yaml_tree *tree;
    ck_assert_int_eq(yaml_tree_parse(most, strlen(most), &tree, NULL, NULL), 0);
    yaml_tree_destroy(tree);
    check_refused(more, strlen(more), 1, strlen(more) - 2, "aliases stand for more than");
    free(aliases);
}
END_TEST

START_TEST(many_anchors)
{
    struct buf text = BUF_INIT(YAML_TEXT_MAX);
    for (int i = 0; i < 5000; i++) {
        buf_printf(&text, "- &a%d b\n", i);
    }
    check_refused(text.data, text.len, 4097, 3, "more than 4096 anchors");
    buf_finish(&text);
}
END_TEST

/* Document by document, the limits for all of them together. */
START_TEST(documents)
{
    static const char text[] = "a\n---\n---\n- &x b\n- *x\n...\n%YAML 1.1\n---\n*x";
    struct yaml_reader *reader;
    struct yaml_tree *tree;
    struct err err;
    ck_assert_int_eq(yaml_reader_create(text, strlen(text), &reader, NULL, &err), 0);
    ck_assert_int_eq(yaml_reader_next(reader, &tree, NULL, &err), 0);
    ck_assert_str_eq(yaml_tree_root(tree)->value, "a");
    yaml_tree_destroy(tree);
    ck_assert_int_eq(yaml_reader_next(reader, &tree, NULL, &err), 0);
    ck_assert_str_eq(yaml_tree_root(tree)->value, "");
    yaml_tree_destroy(tree);
    ck_assert_int_eq(yaml_reader_next(reader, &tree, NULL, &err), 0);
    ck_assert_uint_eq(yaml_tree_root(tree)->count, 2);
    yaml_tree_destroy(tree);
    ck_assert_int_eq(yaml_reader_next(reader, &tree, NULL, &err), -1);
    ck_assert_str_eq(err.text, "line 9, column 1: alias *x without an anchor before it");
    yaml_reader_destroy(reader);
}
END_TEST

START_TEST(end_of_documents)
{
    struct yaml_reader *reader;
    struct yaml_tree *tree;
    ck_assert_int_eq(yaml_reader_create("a", 1, &reader, NULL, NULL), 0);
    ck_assert_int_eq(yaml_reader_next(reader, &tree, NULL, NULL), 0);
    yaml_tree_destroy(tree);
    ck_assert_int_eq(yaml_reader_next(reader, &tree, NULL, NULL), 0);
    ck_assert_ptr_null(tree);
    yaml_reader_destroy(reader);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("yaml_reader");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, bad_texts, 0, ARRAY_LEN(bad));
    tcase_add_test(all, too_large);
    tcase_add_test(all, too_many_values);
    tcase_add_test(all, too_deep);
    tcase_add_test(all, too_deep_by_alias);
    tcase_add_test(all, alias_bomb);
    tcase_add_test(all, many_aliases);
    tcase_add_test(all, many_anchors);
    tcase_add_test(all, documents);
    tcase_add_test(all, end_of_documents);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
