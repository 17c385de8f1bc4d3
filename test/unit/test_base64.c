#include "kube/base64.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "unit/unit.h"

/* RFC 4648 section 10, and bytes of every kind. */
static const struct {
    const char *data;
    size_t len;
    const char *text;
} pairs[] = {
    {"", 0, ""},
    {"f", 1, "Zg=="},
    {"fo", 2, "Zm8="},
    {"foo", 3, "Zm9v"},
    {"foob", 4, "Zm9vYg=="},
    {"fooba", 5, "Zm9vYmE="},
    {"foobar", 6, "Zm9vYmFy"},
    {"\0\xff\xfb\xef", 4, "AP/77w=="},
};

START_TEST(both_ways)
{
    AUTO_FREE char *text = base64_encode(pairs[_i].data, pairs[_i].len);
    AUTO_FREE char *data = NULL;
    size_t len = 99;
    ck_assert_str_eq(text, pairs[_i].text);
    ck_assert_int_eq(base64_decode(text, strlen(text), &data, &len), 0);
    ck_assert_uint_eq(len, pairs[_i].len);
    ck_assert_mem_eq(data, pairs[_i].data, len);
    ck_assert_int_eq(data[len], '\0');
}
END_TEST

static const char *const refused[] = {
    "Z",    "Zg",    "Zg=",      "Zm9",   "Zg==Zg==", "Zg=a", "=",    "====",
    "Z===", "Zm9v=", "Zm9v====", "Zm 9v", "Zm9v\t",   "Zm-_", "Zm9*", "Zh==" /* bits left */,
    "Zm9=", "Zg=\n", "\xc3\xbc",
};

START_TEST(refused_text)
{
    char *data = NULL;
    size_t len = 99;
    ck_assert_int_eq(base64_decode(refused[_i], strlen(refused[_i]), &data, &len), -1);
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(len, 99);
}
END_TEST

START_TEST(nul_is_no_figure)
{
    char *data = NULL;
    size_t len = 99;
    ck_assert_int_eq(base64_decode("Zm9\0", 4, &data, &len), -1);
}
END_TEST

START_TEST(line_breaks_are_skipped)
{
    AUTO_FREE char *data = NULL;
    size_t len;
    ck_assert_int_eq(base64_decode("Z\r\nm9v\nYg=\n=\n", 13, &data, &len), 0);
    ck_assert_str_eq(data, "foob");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base64");
    TCase *all = tcase_create("base64");
    tcase_add_loop_test(all, both_ways, 0, (int)ARRAY_LEN(pairs));
    tcase_add_loop_test(all, refused_text, 0, (int)ARRAY_LEN(refused));
    tcase_add_test(all, nul_is_no_figure);
    tcase_add_test(all, line_breaks_are_skipped);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
