#include "yaml/yaml_scalar.h"

#include <math.h>
#include <string.h>

#include "unit/unit.h"

#define NUL YAML_TYPE_NULL
#define BOOL YAML_TYPE_BOOL
#define INT YAML_TYPE_INT
#define UINT YAML_TYPE_UINT
#define FLOAT YAML_TYPE_FLOAT
#define STR YAML_TYPE_STRING

struct row {
    const char *text;
    enum yaml_type type;
    double number; /* of every type but UINT and STR */
};

/* What goyaml v2.4.4 makes of plain scalars. */
static const struct row rows[] = {
    {"", NUL, 0},
    {"~", NUL, 0},
    {"null", NUL, 0},
    {"Null", NUL, 0},
    {"NULL", NUL, 0},
    {"nUll", STR, 0},
    {"y", BOOL, 1},
    {"Yes", BOOL, 1},
    {"on", BOOL, 1},
    {"TRUE", BOOL, 1},
    {"tRue", STR, 0},
    {"N", BOOL, 0},
    {"no", BOOL, 0},
    {"Off", BOOL, 0},
    {"false", BOOL, 0},
    {"0", INT, 0},
    {"-0", INT, 0},
    {"+1", INT, 1},
    {"1_000", INT, 1000},
    {"1__0_", INT, 10},
    {"_1", STR, 0},
    {"0x1F", INT, 31},
    {"-0X1f", INT, -31},
    {"0x", STR, 0},
    {"0xg", STR, 0},
    {"0b101", INT, 5},
    {"-0b1", INT, -1},
    {"0b2", STR, 0},
    {"0o17", INT, 15},
    {"017", INT, 15},
    {"08", FLOAT, 8},
    {"0o8", STR, 0},
    {"-", STR, 0},
    {"+", STR, 0},
    {"--1", STR, 0},
    {"9223372036854775807", INT, 0x1p63},
    {"-9223372036854775808", INT, -0x1p63},
    {"9223372036854775808", UINT, 0},
    {"18446744073709551615", UINT, 0},
    {"+9223372036854775808", FLOAT, 0x1p63},
    {"18446744073709551616", FLOAT, 0x1p64},
    {"-9223372036854775809", FLOAT, -0x1p63},
    {"1.5", FLOAT, 1.5},
    {"1.", FLOAT, 1},
    {".5", FLOAT, 0.5},
    {"+.5", FLOAT, 0.5},
    {".", STR, 0},
    {".5.", STR, 0},
    {"1e3", FLOAT, 1000},
    {"1E+3", FLOAT, 1000},
    {".5e-1", FLOAT, 0.05},
    {"1e", STR, 0},
    {"1e+", STR, 0},
    {"1.5e3.2", STR, 0},
    {"1_0.5_0", FLOAT, 10.5},
    {".5_0", FLOAT, 0.5},
    {"._5", STR, 0},
    {".5_", STR, 0},
    {".5e1_0", FLOAT, 5e9},
    {"1e400", STR, 0},
    {"-1e400", STR, 0},
    {"1e-400", FLOAT, 0},
    {".inf", FLOAT, INFINITY},
    {"-.INF", FLOAT, -INFINITY},
    {".nan", FLOAT, NAN},
    {".iNf", STR, 0},
    {"inf", STR, 0},
    {"nan", STR, 0},
    {"0x1p3", STR, 0},
    {"12:30", STR, 0},
    {"2026-11-24", STR, 0},
    {"<<", STR, 0},
    {"=", STR, 0},
    {"/x", STR, 0},
};

static struct yaml_node plain(const char *text)
{
    return (struct yaml_node){.kind = YAML_KIND_SCALAR,
                              .style = YAML_STYLE_PLAIN,
                              .implicit = true,
                              .value = text,
                              .value_len = strlen(text)};
}

static double number_of(const struct yaml_scalar *scalar)
{
    switch (scalar->type) {
    case YAML_TYPE_BOOL:
        return scalar->boolean;
    case YAML_TYPE_INT:
        return (double)scalar->integer;
    case YAML_TYPE_FLOAT:
        return scalar->number;
    default:
        return 0;
    }
}

START_TEST(plain_scalars)
{
    const struct row *row = &rows[_i];
    struct yaml_node node = plain(row->text);
    struct yaml_scalar scalar;
    ck_assert_int_eq(yaml_scalar_resolve(&node, &scalar, NULL), 0);
    ck_assert_msg(scalar.type == row->type, "%s: type %d", row->text, scalar.type);
    double number = number_of(&scalar);
    ck_assert_msg(number == row->number || (isnan(number) && isnan(row->number)), "%s: %g",
                  row->text, number);
}
END_TEST

START_TEST(large_naturals)
{
    struct yaml_node node = plain("18446744073709551615");
    struct yaml_scalar scalar;
    ck_assert_int_eq(yaml_scalar_resolve(&node, &scalar, NULL), 0);
    ck_assert(scalar.natural == UINT64_MAX);
    node = plain("-9223372036854775808");
    ck_assert_int_eq(yaml_scalar_resolve(&node, &scalar, NULL), 0);
    ck_assert(scalar.integer == INT64_MIN);
}
END_TEST

struct tag_row {
    const char *tag;
    const char *text;
    int status;
    enum yaml_type type;
};

#define CORE "tag:yaml.org,2002:"

static const struct tag_row tag_rows[] = {
    {NULL, "5", 0, STR}, /* quoted */
    {"!", "5", 0, STR},
    {CORE "str", "5", 0, STR},
    {CORE "int", "5", 0, INT},
    {CORE "int", "18446744073709551615", 0, UINT},
    {CORE "int", "5.5", -1, 0},
    {CORE "int", "x", -1, 0},
    {CORE "float", "5", 0, FLOAT},
    {CORE "float", "5.5", 0, FLOAT},
    {CORE "float", "x", -1, 0},
    {CORE "bool", "yes", 0, BOOL},
    {CORE "bool", "1", -1, 0},
    {CORE "null", "", 0, NUL},
    {CORE "null", "x", -1, 0},
    {CORE "timestamp", "2026-11-24", 0, STR},
    {CORE "timestamp", "x", -1, 0},
    {CORE "binary", "eA==", -1, 0},
    {CORE "map", "", -1, 0},
    {"!local", "5", -1, 0},
};

START_TEST(tagged_scalars)
{
    const struct tag_row *row = &tag_rows[_i];
    struct yaml_node node = plain(row->text);
    node.implicit = false;
    node.tag = row->tag;
    struct yaml_scalar scalar;
    struct err err = {0};
    ck_assert_int_eq(yaml_scalar_resolve(&node, &scalar, &err), row->status);
    if (row->status == 0) {
        ck_assert_int_eq(scalar.type, row->type);
    } else {
        ck_assert_int_eq(err.kind, ERR_INVALID);
    }
}
END_TEST

START_TEST(tagged_text_with_nul)
{
    struct yaml_node node = plain("5");
    struct yaml_scalar scalar;
    node.implicit = false;
    node.tag = CORE "int";
    node.value = "5\0x";
    node.value_len = 3;
    ck_assert_int_eq(yaml_scalar_resolve(&node, &scalar, NULL), -1);
}
END_TEST

static const char *const timestamps[] = {
    "2026-11-24",
    "2026-1-2",
    "2024-02-29",
    "2026-11-24T08:05:12Z",
    "2026-11-24t8:5:2Z",
    "2026-11-24T08:05:12.123456Z",
    "2026-11-24T08:05:12,5+01:00",
    "2026-11-24 08:05:12",
    "2026-11-24 08:05:12.5",
};

static const char *const no_timestamps[] = {
    "",
    "2026",
    "2026-11",
    "226-11-24",
    "20260-11-24",
    "2026-13-01",
    "2026-00-01",
    "2026-02-29",
    "2026-04-31",
    "2026-11-24T",
    "2026-11-24 ",
    "2026-11-24T08:05",
    "2026-11-24T08:05:12",
    "2026-11-24T24:05:12Z",
    "2026-11-24T08:60:12Z",
    "2026-11-24T08:05:60Z",
    "2026-11-24T08:05:12.Z",
    "2026-11-24T08:05:12+1:00",
    "2026-11-24T08:05:12+01",
    "2026-11-24 08:05:12Z",
    "2026-11-24x",
    "2026-111-24",
    "-11-24",
    "1900-02-29",
};

START_TEST(times)
{
    for (size_t i = 0; i < ARRAY_LEN(timestamps); i++) {
        ck_assert_msg(yaml_is_timestamp(timestamps[i]), "%s", timestamps[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(no_timestamps); i++) {
        ck_assert_msg(!yaml_is_timestamp(no_timestamps[i]), "%s", no_timestamps[i]);
    }
}
END_TEST

static const struct {
    double number;
    bool single;
    const char *text;
} floats[] = {
    {0.1, false, "0.1"},
    {1.5, false, "1.5"},
    {-2, false, "-2"},
    {0, false, "0"},
    {100000.5, false, "100000.5"},
    {1234567.5, false, "1.2345675e+06"},
    {1000000, false, "1e+06"},
    {123456, false, "123456"},
    {0.0001, false, "0.0001"},
    {0.00001, false, "1e-05"},
    {1e21, false, "1e+21"},
    {1e100, false, "1e+100"},
    {5e-324, false, "5e-324"},
    {1.7976931348623157e308, false, "1.7976931348623157e+308"},
    {3.141592653589793, false, "3.141592653589793"},
    {3.141592653589793, true, "3.1415927"},
    {0.1, true, "0.1"},
    {1e300, true, ".inf"},
    {INFINITY, false, ".inf"},
    {-INFINITY, false, "-.inf"},
    {NAN, false, ".nan"},
};

START_TEST(float_texts)
{
    char text[YAML_FLOAT_SIZE];
    yaml_float_text(floats[_i].number, floats[_i].single, text);
    ck_assert_str_eq(text, floats[_i].text);
}
END_TEST

START_TEST(type_words)
{
    ck_assert_str_eq(yaml_type_word(YAML_TYPE_NULL), "null");
    ck_assert_str_eq(yaml_type_word(YAML_TYPE_BOOL), "boolean");
    ck_assert_str_eq(yaml_type_word(YAML_TYPE_UINT), "number");
    ck_assert_str_eq(yaml_type_word(YAML_TYPE_STRING), "string");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("yaml_scalar");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, plain_scalars, 0, ARRAY_LEN(rows));
    tcase_add_test(all, large_naturals);
    tcase_add_loop_test(all, tagged_scalars, 0, ARRAY_LEN(tag_rows));
    tcase_add_test(all, tagged_text_with_nul);
    tcase_add_test(all, times);
    tcase_add_loop_test(all, float_texts, 0, ARRAY_LEN(floats));
    tcase_add_test(all, type_words);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
