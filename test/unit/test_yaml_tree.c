#include "yaml/yaml_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/unit.h"

static struct yaml_tree *parse(const char *text)
{
    struct yaml_tree *tree;
    struct err err = {0};
    ck_assert_msg(yaml_tree_parse(text, strlen(text), &tree, NULL, &err) == 0, "%s", err.text);
    return tree;
}

/* The node that indexes lead to: items of a sequence; key, value, key, value of a map. */
static const struct yaml_node *walk(const struct yaml_node *node, const char *indexes)
{
    for (; *indexes != '\0'; indexes++) {
        node = node->items[*indexes - '0'];
    }
    return node;
}

struct row {
    const char *text;
    const char *indexes;
    const char *source; /* the bytes of the node */
    const char *value;
    enum yaml_kind kind;
    enum yaml_style style;
};

#define SCALAR YAML_KIND_SCALAR
#define MAP YAML_KIND_MAP
#define SEQ YAML_KIND_SEQ
#define ALIAS YAML_KIND_ALIAS

static const struct row rows[] = {
    {"a", "", "a", "a", SCALAR, YAML_STYLE_PLAIN},
    {"\xef\xbb\xbf"
     "a",
     "", "a", "a", SCALAR, YAML_STYLE_PLAIN},
    {"a: b c  # d\n", "1", "b c", "b c", SCALAR, YAML_STYLE_PLAIN},
    {"a: b\n  c\n\n  d\nx: y", "1", "b\n  c\n\n  d", "b c\nd", SCALAR, YAML_STYLE_PLAIN},
    {"a: 'b''c' \n", "1", "'b''c'", "b'c", SCALAR, YAML_STYLE_SINGLE},
    {"a: \"b\\n\"#", "1", "\"b\\n\"", "b\n", SCALAR, YAML_STYLE_DOUBLE},
    {"a: |-\n  b\n  c\nx: y", "1", "|-\n  b\n  c\n", "b\nc", SCALAR, YAML_STYLE_LITERAL},
    {"a: |+ # z\n  b\n\nx: y", "1", "|+ # z\n  b\n\n", "b\n\n", SCALAR, YAML_STYLE_LITERAL},
    {"a: >\n  b\n  c", "1", ">\n  b\n  c", "b c", SCALAR, YAML_STYLE_FOLDED},
    {"a:\nx: y", "1", "", "", SCALAR, YAML_STYLE_PLAIN},
    {"a: # b\nx: y", "1", "", "", SCALAR, YAML_STYLE_PLAIN},
    {"a: &n !!str b", "1", "&n !!str b", "b", SCALAR, YAML_STYLE_PLAIN},
    {"&n a: b", "0", "&n a", "a", SCALAR, YAML_STYLE_PLAIN},
    {"a:\n  b: c\n\n  # d\ne: f\n", "1", "b: c", NULL, MAP, YAML_STYLE_BLOCK},
    {"a: &n\n  b: c # d\n", "1", "&n\n  b: c", NULL, MAP, YAML_STYLE_BLOCK},
    {"a:\n- b\n-  c \nx: y\n", "1", "- b\n-  c", NULL, SEQ, YAML_STYLE_BLOCK},
    {"a:\n- b\n-  c \nx: y\n", "11", "c", "c", SCALAR, YAML_STYLE_PLAIN},
    {"a: {b: c} # d", "1", "{b: c}", NULL, MAP, YAML_STYLE_FLOW},
    {"a: &n [\n b, # c\n d ] ", "1", "&n [\n b, # c\n d ]", NULL, SEQ, YAML_STYLE_FLOW},
    {"a: &n b\nc: *n # d", "3", "*n", "n", ALIAS, YAML_STYLE_PLAIN},
    {"\xe4\xb8\xad: \xf0\x9f\x98\x80\xc3\xa9 # \xe4\xb8\xad\nb: 'c\xc3\xa9'\n", "1",
     "\xf0\x9f\x98\x80\xc3\xa9", "\xf0\x9f\x98\x80\xc3\xa9", SCALAR, YAML_STYLE_PLAIN},
    {"\xe4\xb8\xad: \xf0\x9f\x98\x80\xc3\xa9 # \xe4\xb8\xad\nb: 'c\xc3\xa9'\n", "3", "'c\xc3\xa9'",
     "c\xc3\xa9", SCALAR, YAML_STYLE_SINGLE},
    {"\xe4\xb8\xad: [\xc3\xa9, {a: \xc3\xa9}] \nb: c\n", "11", "{a: \xc3\xa9}", NULL, MAP,
     YAML_STYLE_FLOW},
    {"a: b\r\nc: d\r\n", "3", "d", "d", SCALAR, YAML_STYLE_PLAIN},
    {"a: b\xc2\x85"
     "c: d\xe2\x80\xa8"
     "e: f\n",
     "5", "f", "f", SCALAR, YAML_STYLE_PLAIN},
    {"# x\n--- # y\na: b\n...\n", "1", "b", "b", SCALAR, YAML_STYLE_PLAIN},
};

START_TEST(spans)
{
    const struct row *row = &rows[_i];
    struct yaml_tree *tree = parse(row->text);
    const struct yaml_node *node = walk(yaml_tree_root(tree), row->indexes);
    char *source = xstrndup(row->text + node->start, node->end - node->start);
    ck_assert_str_eq(source, row->source);
    ck_assert_int_eq(node->kind, row->kind);
    if (row->value != NULL) {
        ck_assert_str_eq(node->value, row->value);
        ck_assert_uint_eq(node->value_len, strlen(row->value));
    }
    if (row->kind != ALIAS) {
        ck_assert_int_eq(node->style, row->style);
    }
    free(source);
    yaml_tree_destroy(tree);
}
END_TEST

START_TEST(names)
{
    struct yaml_tree *tree = parse("a: &n !!str b\nc: ! 5\nd: 5\ne: \"5\"\nf: *n\n");
    const struct yaml_node *root = yaml_tree_root(tree);
    ck_assert_str_eq(walk(root, "1")->anchor, "n");
    ck_assert_str_eq(walk(root, "1")->tag, "tag:yaml.org,2002:str");
    ck_assert(walk(root, "1")->referenced && !walk(root, "1")->implicit);
    ck_assert_str_eq(walk(root, "3")->tag, "!");
    ck_assert(!walk(root, "3")->implicit);
    ck_assert(walk(root, "5")->implicit && !walk(root, "5")->referenced);
    ck_assert_ptr_null(walk(root, "5")->anchor);
    ck_assert(!walk(root, "7")->implicit);
    ck_assert_ptr_eq(walk(root, "9")->target, walk(root, "1"));
    ck_assert_ptr_eq(yaml_node_follow(walk(root, "9")), walk(root, "1"));
    ck_assert_ptr_eq(yaml_node_follow(walk(root, "5")), walk(root, "5"));
    yaml_tree_destroy(tree);
}
END_TEST

/* An anchor's name may be given again: an alias means the last one before it. */
START_TEST(anchors_again)
{
    struct yaml_tree *tree = parse("[&n a, *n, &n b, *n]");
    const struct yaml_node *root = yaml_tree_root(tree);
    ck_assert_str_eq(walk(root, "1")->target->value, "a");
    ck_assert_str_eq(walk(root, "3")->target->value, "b");
    yaml_tree_destroy(tree);
}
END_TEST

START_TEST(finds_keys)
{
    struct yaml_tree *tree = parse("&k a: 1\nb: 2\n\"\\x61\": 3\n'b': 4\n*k : 5\n? [a]\n: 6\n");
    const struct yaml_node *root = yaml_tree_root(tree);
    ck_assert_uint_eq(root->count, 6);
    ck_assert_uint_eq(yaml_map_find(root, "a", 0), 0);
    ck_assert_uint_eq(yaml_map_find(root, "a", 1), 2);
    ck_assert_uint_eq(yaml_map_find(root, "a", 3), 4);
    ck_assert_uint_eq(yaml_map_find(root, "a", 5), 6);
    ck_assert_uint_eq(yaml_map_find(root, "b", 2), 3);
    ck_assert_uint_eq(yaml_map_find(root, "", 0), 6);
    ck_assert_str_eq(yaml_map_key(root, 1)->value, "b");
    ck_assert_str_eq(yaml_map_value(root, 1)->value, "2");
    yaml_tree_destroy(tree);
}
END_TEST

START_TEST(finds_merges)
{
    struct yaml_tree *tree =
        parse("a: &x {b: 1}\nc: &y [*x]\n<<: *x\n\"<<\": *x\n<<: [*x, {d: 1}]\n"
              "<<: 5\n<<: *y\n<<: []\n!!merge <<: {}\n<<: [*x, 5]\n");
    const struct yaml_node *root = yaml_tree_root(tree);
    size_t count;
    ck_assert(!yaml_map_is_merge(root, 0) && !yaml_map_is_merge(root, 3));
    ck_assert(yaml_map_is_merge(root, 2) && yaml_map_is_merge(root, 8));
    ck_assert_int_eq(yaml_map_merge_count(root, 2, &count), 0);
    ck_assert_uint_eq(count, 1);
    ck_assert_ptr_eq(yaml_map_merge_at(root, 2, 0), yaml_map_value(root, 0));
    ck_assert_int_eq(yaml_map_merge_count(root, 4, &count), 0);
    ck_assert_uint_eq(count, 2);
    ck_assert_ptr_eq(yaml_map_merge_at(root, 4, 0), yaml_map_value(root, 0));
    ck_assert_str_eq(yaml_map_key(yaml_map_merge_at(root, 4, 1), 0)->value, "d");
    ck_assert_int_eq(yaml_map_merge_count(root, 5, &count), -1);
    ck_assert_int_eq(yaml_map_merge_count(root, 6, &count), -1);
    ck_assert_int_eq(yaml_map_merge_count(root, 7, &count), 0);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(yaml_map_merge_count(root, 9, &count), -1);
    yaml_tree_destroy(tree);
}
END_TEST

static const struct {
    const char *a;
    const char *b;
    bool same;
} pairs[] = {
    {"a: [b, 'c']\n", "# x\na:   [b,\n  'c'] # y\n", true},
    {"a: b", "a: c", false},
    {"a: b", "b: b", false},
    {"a: b", "a: b\nc: d", false},
    {"a: b", "a: 'b'", false},
    {"a: |\n b\n", "a: \"b\\n\"", false},
    {"a: {b: c}", "a:\n  b: c\n", false},
    {"a: &x b", "a: b", false},
    {"a: &x b", "a: &x b", true},
    {"a: &x b", "a: &y b", false},
    {"a: !!str b", "a: b", false},
    {"a: !!str b", "a: !<tag:yaml.org,2002:str> b", true},
    {"[&x a, *x]", "[&x a, a]", false},
    {"[&x a, &y b, *x]", "[&x a, &y b, *y]", false},
    {"\"a\\0b\"", "\"a\\0c\"", false},
    {"[a]", "[[a]]", false},
};

START_TEST(compares)
{
    struct yaml_tree *a = parse(pairs[_i].a);
    struct yaml_tree *b = parse(pairs[_i].b);
    ck_assert(yaml_node_same(yaml_tree_root(a), yaml_tree_root(b)) == pairs[_i].same);
    ck_assert(yaml_node_same(yaml_tree_root(a), yaml_tree_root(a)));
    yaml_tree_destroy(a);
    yaml_tree_destroy(b);
}
END_TEST

static const struct {
    const char *text;
    size_t end;
    bool empty;
} ends[] = {
    {"", 0, true},
    {"# a\n", 4, true},
    {"a: b\n", 5, false},
    {"a: b", 4, false},
    {"a: b\n---\nc: [\n", 5, false},
    {"a: b\n...\n{\n", 5, false},
    {"---\n", 4, false},
    {"a: b\n# c\n---\n", 9, false},
    {"a: \xc3\xa9\n---\n", 6, false},
    {"--- a\n--- b", 6, false},
};

START_TEST(first_document_only)
{
    struct yaml_tree *tree = parse(ends[_i].text);
    ck_assert_uint_eq(yaml_tree_end(tree), ends[_i].end);
    ck_assert((yaml_tree_root(tree) == NULL) == ends[_i].empty);
    yaml_tree_destroy(tree);
}
END_TEST

static const struct {
    const char *text;
    size_t offset;
    struct yaml_place place;
} places[] = {
    {"", 0, {1, 1}},
    {"ab\ncd", 1, {1, 2}},
    {"ab\ncd", 2, {1, 3}},
    {"ab\ncd", 3, {2, 1}},
    {"ab\ncd", 99, {2, 3}},
    {"ab\r\ncd", 5, {2, 2}},
    {"ab\rcd", 4, {2, 2}},
    {"ab\r\rcd", 4, {3, 1}},
    {"\xc3\xa9\xf0\x9f\x98\x80"
     "a",
     6,
     {1, 3}},
    {"\xef\xbb\xbf"
     "ab",
     4,
     {1, 2}},
    {"a\xe2\x80\xa8"
     "b",
     4,
     {1, 3}},
};

START_TEST(tells_places)
{
    const char *text = places[_i].text;
    struct yaml_place place = yaml_place(text, strlen(text), places[_i].offset);
    ck_assert_uint_eq(place.line, places[_i].place.line);
    ck_assert_uint_eq(place.column, places[_i].place.column);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("yaml_tree");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, spans, 0, ARRAY_LEN(rows));
    tcase_add_test(all, names);
    tcase_add_test(all, anchors_again);
    tcase_add_test(all, finds_keys);
    tcase_add_test(all, finds_merges);
    tcase_add_loop_test(all, compares, 0, ARRAY_LEN(pairs));
    tcase_add_loop_test(all, first_document_only, 0, ARRAY_LEN(ends));
    tcase_add_loop_test(all, tells_places, 0, ARRAY_LEN(places));
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
