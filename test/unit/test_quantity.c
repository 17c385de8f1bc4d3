#include "adjust/quantity.h"

#include "base/attr.h"
#include "unit/unit.h"

static const struct row {
    const char *text;
    int64_t milli; /* -1: refused */
} rows[] = {
    {"100m", 100},
    {"0.5", 500},
    {"1", 1000},
    {"1.250", 1250},
    {"0.125m", -1},
    {"1.5k", 1500000},
    {"70Mi", INT64_C(70) * 1024 * 1024 * 1000},
    {"1.5Gi", INT64_C(1536) * 1024 * 1024 * 1000},
    {"2M", 2000000000},
    {"8Ti", INT64_C(8) * 1024 * 1024 * 1024 * 1024 * 1000},
    {"10000Ti", -1},
    {"99999999999999999999", -1},
    {"0.00000000000000000001", -1},
    {"", -1},
    {"m", -1},
    {".5", -1},
    {"1.", -1},
    {"1.m", -1},
    {"-1", -1},
    {"+1", -1},
    {" 1", -1},
    {"1 ", -1},
    {"1e3", -1},
    {"1mi", -1},
    {"1.2.3", -1},
};

START_TEST(parses)
{
    int64_t milli = -1;
    int result = quantity_parse(rows[_i].text, &milli);
    ck_assert_int_eq(result, rows[_i].milli >= 0 ? 0 : -1);
    ck_assert_int_eq(milli, rows[_i].milli);
}
END_TEST

START_TEST(compares)
{
    ck_assert(quantity_same("1000m", "1"));
    ck_assert(quantity_same("1024Ki", "1Mi"));
    ck_assert(!quantity_same("1M", "1Mi"));
    ck_assert(quantity_same("1e3", "1e3"));
    ck_assert(!quantity_same("1e3", "1k"));
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("quantity");
    TCase *tcase = tcase_create("quantity");
    tcase_add_loop_test(tcase, parses, 0, ARRAY_LEN(rows));
    tcase_add_test(tcase, compares);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
