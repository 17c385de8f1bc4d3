#include "adjust/quantity.h"

#include <string.h>

#include "base/attr.h"

static const struct unit {
    const char *suffix;
    int64_t milli;
} units[] = {
    {"", 1000},
    {"m", 1},
    {"k", 1000000},
    {"M", 1000000000},
    {"G", 1000000000000},
    {"T", 1000000000000000},
    {"Ki", INT64_C(1000) << 10},
    {"Mi", INT64_C(1000) << 20},
    {"Gi", INT64_C(1000) << 30},
    {"Ti", INT64_C(1000) << 40},
};

static int64_t find_unit(const char *suffix)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(units[i].suffix, suffix) == 0) {
            return units[i].milli;
        }
    }
    return 0;
}

int quantity_parse(const char *text, int64_t *ret_milli)
{
    size_t whole = strspn(text, "0123456789");
    const char *point = text + whole;
    size_t parts = *point == '.' ? strspn(point + 1, "0123456789") : 0;
    const char *suffix = point + (*point == '.' ? 1 + parts : 0);
    int64_t unit = find_unit(suffix);
    int64_t scale = 1;
    int64_t value = 0;
    if (whole == 0 || unit == 0 || (*point == '.' && parts == 0)) {
        return -1;
    }
    for (const char *at = text; at < suffix; at++) {
        if (*at == '.') {
            continue;
        }
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value) ||
            (at > point && __builtin_mul_overflow(scale, 10, &scale))) {
            return -1;
        }
    }
    if (__builtin_mul_overflow(value, unit, &value) || value % scale != 0) {
        return -1;
    }
    *ret_milli = value / scale;
    return 0;
}

bool quantity_same(const char *a, const char *b)
{
    int64_t a_milli;
    int64_t b_milli;
    if (quantity_parse(a, &a_milli) < 0 || quantity_parse(b, &b_milli) < 0) {
        return strcmp(a, b) == 0;
    }
    return a_milli == b_milli;
}
