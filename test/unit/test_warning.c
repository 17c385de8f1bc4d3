#include "kube/warning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "unit/unit.h"

START_TEST(headers)
{
    static const struct {
        const char *header;
        const char *text; /* NULL: nothing to be told */
    } rows[] = {
        {"299 - \"v1beta1 is deprecated\"", "v1beta1 is deprecated"},
        {"299 apiserver \"a \\\"b\\\" \\\\ c\" \"Wed, 21 Oct 2026 07:28:00 GMT\"", "a \"b\" \\ c"},
        {"299 - \"no end", "no end"},
        {"299 - \"\\", "\\"},
        {"299 - \"\"", ""},
        {"199 - \"miscellaneous\"", NULL},
        {"299 -", NULL},
        {"", NULL},
        {NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct warnings warnings;
        warnings_init(&warnings);
        char *text = warnings_take_new(&warnings, rows[i].header);
        ck_assert_pstr_eq(text, rows[i].text);
        free(text);
        /* not again */
        ck_assert_ptr_null(warnings_take_new(&warnings, rows[i].header));
        warnings_finish(&warnings);
    }
}
END_TEST

START_TEST(what_is_remembered_is_bounded)
{
    struct warnings warnings;
    warnings_init(&warnings);
    for (int i = 0; i < 1000; i++) {
        char header[64];
        snprintf(header, sizeof(header), "299 - \"number %d\"", i);
        char *text = warnings_take_new(&warnings, header);
        ck_assert_ptr_nonnull(text);
        free(text);
        ck_assert_uint_le(warnings.seen.len, 64);
    }
    warnings_finish(&warnings);
}
END_TEST

START_TEST(huge_texts_are_cut)
{
    static char header[5000] = "299 - \"";
    struct warnings warnings;
    warnings_init(&warnings);
    memset(header + 7, 'x', sizeof(header) - 8);
    char *text = warnings_take_new(&warnings, header);
    ck_assert_uint_eq(strlen(text), 1023);
    free(text);
    warnings_finish(&warnings);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("warning");
    TCase *c = tcase_create("warning");
    tcase_add_test(c, headers);
    tcase_add_test(c, what_is_remembered_is_bounded);
    tcase_add_test(c, huge_texts_are_cut);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
