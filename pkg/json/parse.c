/* json-c's tokener, behind a check of what it takes though RFC 8259 does not. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "json/json.h"

struct scanner {
    unsigned depth;
    bool in_string;
    bool escaped;
    bool nul_in_string; /* the last string holds \u0000 */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int check_string_byte(struct scanner *scanner, const char *text, size_t len, size_t at,
                             struct err *err)
{
    char c = text[at];
    if ((unsigned char)c < 0x20) {
        return err_set(err, ERR_INVALID, "control character in a string at offset %zu", at);
    }
    if (scanner->escaped) {
        scanner->nul_in_string |= len - at >= 5 && memcmp(text + at, "u0000", 5) == 0;
        scanner->escaped = false;
    } else {
        scanner->escaped = c == '\\';
        scanner->in_string = c != '"';
    }
    return 0;
}

static bool is_digit(const char *text, size_t len, size_t at)
{
    return at < len && text[at] >= '0' && text[at] <= '9';
}

/* What json-c takes for a value or a part of one: NaN, Infinity, 'text', "1.", "-.5", "-01". */
static bool is_foreign(const char *text, size_t len, size_t at)
{
    bool in_exponent = at > 0 && (text[at - 1] == 'e' || text[at - 1] == 'E');
    switch (text[at]) {
    case 'N':
    case 'I':
    case '\'':
        return true;
    case '.':
        return at == 0 || !is_digit(text, len, at - 1) || !is_digit(text, len, at + 1);
    case '-':
        return !in_exponent && at + 1 < len && text[at + 1] == '0' && is_digit(text, len, at + 2);
    default:
        return false;
    }
}

/* A byte outside of strings. */
static int check_byte(struct scanner *scanner, const char *text, size_t len, size_t at,
                      struct err *err)
{
    char c = text[at];
    if (c == '"') {
        scanner->in_string = true;
        scanner->nul_in_string = false;
    } else if (c == '{' || c == '[') {
        scanner->depth++;
    } else if ((c == '}' || c == ']') && scanner->depth > 0) {
        scanner->depth--;
    }
    if (scanner->depth > JSON_DEPTH_MAX) {
        return err_set(err, ERR_INVALID, "nested more than %d deep at offset %zu",
                       (int)JSON_DEPTH_MAX, at);
    }
    if (is_foreign(text, len, at)) {
        return err_set(err, ERR_INVALID, "unexpected character at offset %zu", at);
    }
    if (c == ':' && scanner->nul_in_string) { /* json-c would cut the name there */
        return err_set(err, ERR_INVALID, "NUL in a name before offset %zu", at);
    }
    return 0;
}

static int check_text(const char *text, size_t len, struct err *err)
{
    struct scanner scanner = {0};
    size_t bad;
    if (len > INT32_MAX) {
        return err_set(err, ERR_INVALID, "document too large");
    }
    if (!utf8_valid(text, len, &bad)) {
        return err_set(err, ERR_INVALID, "invalid UTF-8 at offset %zu", bad);
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\0') {
            return err_set(err, ERR_INVALID, "NUL byte at offset %zu", i);
        }
        if ((scanner.in_string ? check_string_byte(&scanner, text, len, i, err)
                               : check_byte(&scanner, text, len, i, err)) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Parses as far as the value goes; ret_end is the offset behind it. */
static int parse_value(struct json_tokener *tokener, const char *text, size_t len,
                       struct json_object **ret_value, size_t *ret_end, struct err *err)
{
    struct json_object *value = json_tokener_parse_ex(tokener, text, (int)len);
    size_t end = json_tokener_get_parse_end(tokener);
    if (json_tokener_get_error(tokener) == json_tokener_continue) {
        /* a bare word or number ends only at a byte that cannot belong to it */
        value = json_tokener_parse_ex(tokener, " ", 1);
    }
    enum json_tokener_error status = json_tokener_get_error(tokener);
    if (status != json_tokener_success) {
        return err_set(err, ERR_INVALID, "%s at offset %zu",
                       status == json_tokener_continue ? "JSON ends too early"
                                                       : json_tokener_error_desc(status),
                       end);
    }
    *ret_value = value;
    *ret_end = end;
    return 0;
}

int json_parse(const char *text, size_t len, struct json_object **ret_value, struct err *err)
{
    if (check_text(text, len, err) < 0) {
        return -1;
    }
    /* json-c counts a scalar as a level of its own */
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
    if (tokener == NULL) {
        abort();
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    AUTO(json) struct json_object *value = NULL;
    size_t end;
    int result = parse_value(tokener, text, len, &value, &end, err);
    json_tokener_free(tokener);
    if (result < 0) {
        return -1;
    }
    for (size_t i = end; i < len; i++) {
        if (!is_space(text[i])) {
            return err_set(err, ERR_INVALID, "unexpected data behind the value at offset %zu", i);
        }
    }
    *ret_value = take_ptr(value);
    return 0;
}
