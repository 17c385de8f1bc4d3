#include "yaml/yaml_edit.h"

#include <stdlib.h>
#include <string.h>

#include "unit/unit.h"

static const struct {
    const char *text;
    struct yaml_edit edits[3];
    size_t count;
    const char *wanted; /* NULL: refused */
} rows[] = {
    {"abc", {{0}}, 0, "abc"},
    {"", {{0, 0, "x"}}, 1, "x"},
    {"abc", {{1, 1, "x"}}, 1, "axbc"},
    {"abc", {{0, 0, "x"}, {3, 3, "y"}}, 2, "xabcy"},
    {"abc", {{1, 2, ""}}, 1, "ac"},
    {"abc", {{0, 3, "xyzzy"}}, 1, "xyzzy"},
    {"abcdef", {{0, 1, "xx"}, {2, 3, ""}, {5, 5, "y"}}, 3, "xxbdeyf"},
    {"abc", {{0, 1, "x"}, {1, 2, "y"}}, 2, "xyc"},
    {"abc", {{1, 1, "x"}, {1, 1, "y"}, {1, 2, "z"}}, 3, "axyzc"},
    {"abc", {{1, 3, "x"}, {2, 3, "y"}}, 2, NULL},
    {"abc", {{2, 3, "x"}, {0, 1, "y"}}, 2, NULL},
    {"abc", {{2, 1, "x"}}, 1, NULL},
    {"abc", {{2, 4, "x"}}, 1, NULL},
    {"abc", {{4, 4, "x"}}, 1, NULL},
    {"abcdef", {{3, 3, "12345"}}, 1, NULL}, /* over the limit of 10 */
    {"abcdef", {{3, 3, "1234"}}, 1, "abc1234def"},
};

START_TEST(applies)
{
    char *text = NULL;
    size_t len = 0;
    struct err err = {0};
    int status = yaml_edit_apply(rows[_i].text, strlen(rows[_i].text), rows[_i].edits,
                                 rows[_i].count, 10, &text, &len, &err);
    if (rows[_i].wanted == NULL) {
        ck_assert_int_eq(status, -1);
        ck_assert_int_eq(err.kind, ERR_INVALID);
        ck_assert_ptr_null(text);
    } else {
        ck_assert_int_eq(status, 0);
        ck_assert_str_eq(text, rows[_i].wanted);
        ck_assert_uint_eq(len, strlen(rows[_i].wanted));
    }
    free(text);
}
END_TEST

static const struct {
    const char *text;
    size_t offset;
    size_t start;
    size_t end;
    size_t next;
} lines[] = {
    {"", 0, 0, 0, 0},
    {"ab", 0, 0, 2, 2},
    {"ab", 2, 0, 2, 2},
    {"ab\ncd\nef", 0, 0, 2, 3},
    {"ab\ncd\nef", 2, 0, 2, 3},
    {"ab\ncd\nef", 3, 3, 5, 6},
    {"ab\ncd\nef", 4, 3, 5, 6},
    {"ab\ncd\nef", 7, 6, 8, 8},
    {"ab\ncd\n", 6, 6, 6, 6},
    {"ab\r\ncd\r\n", 1, 0, 2, 4},
    {"ab\r\ncd\r\n", 2, 0, 2, 4},
    {"ab\r\ncd\r\n", 3, 0, 2, 4},
    {"ab\r\ncd\r\n", 4, 4, 6, 8},
    {"ab\rcd\r", 2, 0, 2, 3},
    {"ab\rcd\r", 4, 3, 5, 6},
    {"ab\n\rcd", 3, 3, 3, 4},
    {"\n\n", 1, 1, 1, 2},
    {"\r\n", 1, 0, 0, 2},
};

START_TEST(finds_lines)
{
    const char *text = lines[_i].text;
    size_t len = strlen(text);
    ck_assert_uint_eq(yaml_line_start(text, len, lines[_i].offset), lines[_i].start);
    ck_assert_uint_eq(yaml_line_end(text, len, lines[_i].offset), lines[_i].end);
    ck_assert_uint_eq(yaml_line_next(text, len, lines[_i].offset), lines[_i].next);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("yaml_edit");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, applies, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(all, finds_lines, 0, ARRAY_LEN(lines));
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
