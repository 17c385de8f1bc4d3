#include "yaml/yaml_scalar.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const char core_tag[] = "tag:yaml.org,2002:";

struct word {
    const char *text;
    struct yaml_scalar scalar;
};

#define WORD_NULL(word)                                                                            \
    {                                                                                              \
        word,                                                                                      \
        {                                                                                          \
            .type = YAML_TYPE_NULL                                                                 \
        }                                                                                          \
    }
#define WORD_BOOL(word, is)                                                                        \
    {                                                                                              \
        word,                                                                                      \
        {                                                                                          \
            .type = YAML_TYPE_BOOL, .boolean = (is)                                                \
        }                                                                                          \
    }
#define WORD_FLOAT(word, is)                                                                       \
    {                                                                                              \
        word,                                                                                      \
        {                                                                                          \
            .type = YAML_TYPE_FLOAT, .number = (is)                                                \
        }                                                                                          \
    }

static const struct word words[] = {
    WORD_NULL(""),
    WORD_NULL("~"),
    WORD_NULL("null"),
    WORD_NULL("Null"),
    WORD_NULL("NULL"),
    WORD_BOOL("y", true),
    WORD_BOOL("Y", true),
    WORD_BOOL("yes", true),
    WORD_BOOL("Yes", true),
    WORD_BOOL("YES", true),
    WORD_BOOL("true", true),
    WORD_BOOL("True", true),
    WORD_BOOL("TRUE", true),
    WORD_BOOL("on", true),
    WORD_BOOL("On", true),
    WORD_BOOL("ON", true),
    WORD_BOOL("n", false),
    WORD_BOOL("N", false),
    WORD_BOOL("no", false),
    WORD_BOOL("No", false),
    WORD_BOOL("NO", false),
    WORD_BOOL("false", false),
    WORD_BOOL("False", false),
    WORD_BOOL("FALSE", false),
    WORD_BOOL("off", false),
    WORD_BOOL("Off", false),
    WORD_BOOL("OFF", false),
    WORD_FLOAT(".nan", NAN),
    WORD_FLOAT(".NaN", NAN),
    WORD_FLOAT(".NAN", NAN),
    WORD_FLOAT(".inf", INFINITY),
    WORD_FLOAT(".Inf", INFINITY),
    WORD_FLOAT(".INF", INFINITY),
    WORD_FLOAT("+.inf", INFINITY),
    WORD_FLOAT("+.Inf", INFINITY),
    WORD_FLOAT("+.INF", INFINITY),
    WORD_FLOAT("-.inf", -INFINITY),
    WORD_FLOAT("-.Inf", -INFINITY),
    WORD_FLOAT("-.INF", -INFINITY),
};

static bool find_word(const char *text, struct yaml_scalar *ret_scalar)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].text, text) == 0) {
            *ret_scalar = words[i].scalar;
            return true;
        }
    }
    return false;
}

/* The base that a prefix gives (Go's ParseInt with base 0), and the digits behind it. */
static unsigned prefix_base(const char **digits)
{
    const char *text = *digits;
    if (text[0] != '0' || text[1] == '\0') {
        return 10;
    }
    int letter = tolower((unsigned char)text[1]);
    unsigned base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    *digits += letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1;
    return base;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    int letter = tolower((unsigned char)c);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 16;
}

static bool read_natural(const char *text, uint64_t *ret_natural)
{
    uint64_t natural = 0;
    unsigned base = prefix_base(&text);
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        unsigned digit = (unsigned)digit_value(*text);
        if (digit >= base || __builtin_mul_overflow(natural, base, &natural) ||
            __builtin_add_overflow(natural, digit, &natural)) {
            return false;
        }
    }
    *ret_natural = natural;
    return true;
}

static bool read_integer(const char *text, struct yaml_scalar *ret_scalar)
{
    bool negative = *text == '-';
    bool sign = negative || *text == '+';
    uint64_t natural;
    if (!read_natural(text + sign, &natural)) {
        return false;
    }
    if (natural <= (uint64_t)INT64_MAX + negative) {
        int64_t integer = negative ? (int64_t)(0 - natural) : (int64_t)natural;
        *ret_scalar = (struct yaml_scalar){.type = YAML_TYPE_INT, .integer = integer};
        return true;
    }
    /* goyaml reads what is left as unsigned, which takes no sign */
    *ret_scalar = (struct yaml_scalar){.type = YAML_TYPE_UINT, .natural = natural};
    return !sign;
}

static const char *skip_digits(const char *text)
{
    while (*text >= '0' && *text <= '9') {
        text++;
    }
    return text;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool looks_float(const char *text)
{
    const char *whole = text + (*text == '-' || *text == '+');
    const char *end = skip_digits(whole);
    bool digits = end > whole;
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        digits |= end > fraction;
    }
    if (digits && (*end == 'e' || *end == 'E')) {
        const char *exponent = end + 1;
        exponent += *exponent == '-' || *exponent == '+';
        end = skip_digits(exponent);
        digits = end > exponent;
    }
    return digits && *end == '\0';
}

static bool read_float(const char *text, struct yaml_scalar *ret_scalar)
{
    if (!looks_float(text)) {
        return false;
    }
    double number = strtod(text, NULL);
    *ret_scalar = (struct yaml_scalar){.type = YAML_TYPE_FLOAT, .number = number};
    return !isinf(number);
}

/* Whether every '_' stands between digits, as Go wants it where goyaml does not take it out. */
static bool good_underscores(const char *text)
{
    for (const char *at = strchr(text, '_'); at != NULL; at = strchr(at + 1, '_')) {
        if (at == text || !isdigit((unsigned char)at[-1]) || !isdigit((unsigned char)at[1])) {
            return false;
        }
    }
    return true;
}

static char *without_underscores(const char *text)
{
    char *plain = xmalloc(strlen(text) + 1);
    char *end = plain;
    for (; *text != '\0'; text++) {
        if (*text != '_') {
            *end++ = *text;
        }
    }
    *end = '\0';
    return plain;
}

static struct yaml_scalar resolve_text(const char *text)
{
    struct yaml_scalar scalar;
    if (find_word(text, &scalar)) {
        return scalar;
    }
    bool number = isdigit((unsigned char)*text) || *text == '+' || *text == '-';
    if (number || (*text == '.' && good_underscores(text))) {
        AUTO_FREE char *plain = without_underscores(text);
        if ((number && read_integer(plain, &scalar)) || read_float(plain, &scalar)) {
            return scalar;
        }
    }
    return (struct yaml_scalar){.type = YAML_TYPE_STRING};
}

/* One or two digits, from `low` to `high`. */
static bool read_field(const char **text, int low, int high, int *ret_value)
{
    const char *end = skip_digits(*text);
    if (end == *text || end - *text > 2) {
        return false;
    }
    *ret_value = atoi(*text);
    *text = end;
    return *ret_value >= low && *ret_value <= high;
}

static bool read_char(const char **text, const char *allowed)
{
    bool found = **text != '\0' && strchr(allowed, **text) != NULL;
    *text += found;
    return found;
}

static bool read_date(const char **text)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = atoi(*text);
    int month;
    int day;
    if (skip_digits(*text) - *text != 4) {
        return false;
    }
    *text += 4;
    if (!read_char(text, "-") || !read_field(text, 1, 12, &month) || !read_char(text, "-") ||
        !read_field(text, 1, days[month - 1], &day)) {
        return false;
    }
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month != 2 || day < 29 || leap;
}

static bool read_time(const char **text)
{
    int field;
    if (!read_field(text, 0, 23, &field) || !read_char(text, ":") ||
        !read_field(text, 0, 59, &field) || !read_char(text, ":") ||
        !read_field(text, 0, 59, &field)) {
        return false;
    }
    if ((**text == '.' || **text == ',') && isdigit((unsigned char)(*text)[1])) {
        *text = skip_digits(*text + 1);
    }
    return true;
}

/* "Z", or "+hh:mm". */
static bool read_zone(const char **text)
{
    int field;
    if (read_char(text, "Z")) {
        return true;
    }
    return read_char(text, "+-") && skip_digits(*text) - *text == 2 &&
           read_field(text, 0, 24, &field) && read_char(text, ":") &&
           skip_digits(*text) - *text == 2 && read_field(text, 0, 60, &field);
}

bool yaml_is_timestamp(const char *text)
{
    if (!read_date(&text)) {
        return false;
    }
    if (*text == '\0') {
        return true;
    }
    bool zone = *text != ' ';
    return read_char(&text, "Tt ") && read_time(&text) && (!zone || read_zone(&text)) &&
           *text == '\0';
}

static int fail_tag(const struct yaml_node *node, const char *word, struct err *err)
{
    return err_set(err, ERR_INVALID, "\"%.64s\" is not a !!%s", node->value, word);
}

static int resolve_tagged(const struct yaml_node *node, const char *word,
                          struct yaml_scalar *ret_scalar, struct err *err)
{
    static const struct {
        const char *word;
        enum yaml_type type;
    } tags[] = {
        {"null", YAML_TYPE_NULL},
        {"bool", YAML_TYPE_BOOL},
        {"int", YAML_TYPE_INT},
        {"float", YAML_TYPE_FLOAT},
    };
    struct yaml_scalar scalar = resolve_text(node->value);
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (strcmp(tags[i].word, word) != 0) {
            continue;
        }
        if (tags[i].type == YAML_TYPE_FLOAT && scalar.type == YAML_TYPE_INT) {
            scalar =
                (struct yaml_scalar){.type = YAML_TYPE_FLOAT, .number = (double)scalar.integer};
        }
        bool natural = tags[i].type == YAML_TYPE_INT && scalar.type == YAML_TYPE_UINT;
        if (strlen(node->value) != node->value_len || (scalar.type != tags[i].type && !natural)) {
            return fail_tag(node, word, err);
        }
        *ret_scalar = scalar;
        return 0;
    }
    return err_set(err, ERR_INVALID, "unknown tag !!%s", word);
}

int yaml_scalar_resolve(const struct yaml_node *node, struct yaml_scalar *ret_scalar,
                        struct err *err)
{
    if (node->implicit) {
        *ret_scalar = resolve_text(node->value);
        return 0;
    }
    *ret_scalar = (struct yaml_scalar){.type = YAML_TYPE_STRING};
    if (node->tag == NULL || strcmp(node->tag, "!") == 0) {
        return 0;
    }
    if (strncmp(node->tag, core_tag, strlen(core_tag)) != 0) {
        return err_set(err, ERR_INVALID, "unknown tag %.64s", node->tag);
    }
    const char *word = node->tag + strlen(core_tag);
    if (strcmp(word, "str") == 0) {
        return 0;
    }
    if (strcmp(word, "timestamp") == 0) {
        return yaml_is_timestamp(node->value) ? 0 : fail_tag(node, word, err);
    }
    return resolve_tagged(node, word, ret_scalar, err);
}

const char *yaml_type_word(enum yaml_type type)
{
    switch (type) {
    case YAML_TYPE_NULL:
        return "null";
    case YAML_TYPE_BOOL:
        return "boolean";
    case YAML_TYPE_INT:
    case YAML_TYPE_UINT:
    case YAML_TYPE_FLOAT:
        return "number";
    case YAML_TYPE_STRING:
        break;
    }
    return "string";
}

/* The fewest significant digits in scientific form that read back as the same number. */
static void shortest(double number, bool single, char out[YAML_FLOAT_SIZE])
{
    for (int digits = 0; digits < 17; digits++) {
        snprintf(out, YAML_FLOAT_SIZE, "%.*e", digits, number);
        if (single ? strtof(out, NULL) == (float)number : strtod(out, NULL) == number) {
            return;
        }
    }
}

static bool special_text(double number, bool single, char out[YAML_FLOAT_SIZE])
{
    if (isnan(number)) {
        snprintf(out, YAML_FLOAT_SIZE, ".nan");
        return true;
    }
    if (isinf(number) || (single && fabs(number) > FLT_MAX)) {
        snprintf(out, YAML_FLOAT_SIZE, "%s.inf", number < 0 ? "-" : "");
        return true;
    }
    return false;
}

void yaml_float_text(double number, bool single, char out[YAML_FLOAT_SIZE])
{
    if (special_text(number, single, out)) {
        return;
    }
    double rounded = single ? (double)(float)number : number;
    shortest(rounded, single, out);
    int exponent = atoi(strchr(out, 'e') + 1);
    if (exponent >= -4 && exponent < 6) { /* else Go keeps the exponent */
        int digits = (int)strcspn(out, "e") - (*out == '-');
        int significant = digits > 1 ? digits - 1 : 1; /* without the point */
        int decimals = significant - 1 - exponent;
        snprintf(out, YAML_FLOAT_SIZE, "%.*f", decimals > 0 ? decimals : 0, rounded);
    }
}
