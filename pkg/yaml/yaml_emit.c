/* JSON values as block style YAML, through libyaml's emitter. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "yaml/yaml.h"
#include "yaml/yaml_scalar.h"
#include "json/json.h"

static void emit(yaml_emitter_t *emitter, yaml_event_t *event, int made)
{
    /* what can fail is memory, and text that is not UTF-8, which emit_text replaces */
    if (made == 0 || yaml_emitter_emit(emitter, event) == 0) {
        abort();
    }
}

static void emit_scalar(yaml_emitter_t *emitter, const char *text, size_t len,
                        yaml_scalar_style_t style)
{
    yaml_event_t event;
    emit(emitter, &event,
         yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)len, 1, 1,
                                      style));
}

/* Whether the text without quotes would be read as something else than this string. */
static bool needs_quotes(const char *text, size_t len)
{
    const struct yaml_node plain = {
        .kind = YAML_KIND_SCALAR, .implicit = true, .value = text, .value_len = len};
    struct yaml_scalar scalar;
    return yaml_scalar_resolve(&plain, &scalar, NULL) < 0 || scalar.type != YAML_TYPE_STRING ||
           yaml_is_timestamp(text) || strcmp(text, "<<") == 0; /* as a key it would merge */
}

/* Numbers in base 60 ("10:30"), which other readers of YAML 1.1 know:
 * [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)? */
static bool is_base60(const char *text)
{
    const char *at = text + (*text == '-' || *text == '+');
    size_t whole = strspn(at, "0123456789_");
    if (whole == 0 || *at == '_' || at[whole] != ':') {
        return false;
    }
    at += whole;
    while (*at == ':') {
        size_t digits = strspn(at + 1, "0123456789");
        if (digits == 0 || digits > 2 || (digits == 2 && at[1] > '5')) {
            return false;
        }
        at += 1 + digits;
    }
    if (*at == '.') {
        at += 1 + strspn(at + 1, "0123456789_");
    }
    return *at == '\0';
}

/* Line breaks that a reader would turn into '\n', or fold: NEL, LS, PS and CR. */
static bool has_odd_breaks(const char *text, size_t len)
{
    return memchr(text, '\r', len) != NULL || memmem(text, len, "\xc2\x85", 2) != NULL ||
           memmem(text, len, "\xe2\x80\xa8", 3) != NULL ||
           memmem(text, len, "\xe2\x80\xa9", 3) != NULL;
}

static yaml_scalar_style_t choose_style(const char *text, size_t len)
{
    if (has_odd_breaks(text, len)) {
        return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    }
    if (memchr(text, '\n', len) != NULL) {
        return YAML_LITERAL_SCALAR_STYLE; /* the emitter falls back where that is not possible */
    }
    return strlen(text) != len || needs_quotes(text, len) || is_base60(text)
               ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
               : YAML_PLAIN_SCALAR_STYLE;
}

static char *replace_invalid(const char *text, size_t len, size_t *ret_len)
{
    struct buf out = BUF_INIT(3 * len);
    for (size_t i = 0; i < len;) {
        size_t width = utf8_sequence_len(text + i, len - i);
        buf_append(&out, width != 0 ? text + i : "\xef\xbf\xbd", width != 0 ? width : 3);
        i += width != 0 ? width : 1;
    }
    *ret_len = out.len;
    return buf_take(&out);
}

static void emit_text(yaml_emitter_t *emitter, const char *text, size_t len)
{
    AUTO_FREE char *valid = NULL;
    if (!utf8_valid(text, len, NULL)) {
        valid = replace_invalid(text, len, &len);
        text = valid;
    }
    emit_scalar(emitter, text, len, choose_style(text, len));
}

static void emit_word(yaml_emitter_t *emitter, const char *word)
{
    emit_scalar(emitter, word, strlen(word), YAML_PLAIN_SCALAR_STYLE);
}

/* Null, booleans and numbers. */
static void emit_other(yaml_emitter_t *emitter, const struct json_object *value)
{
    AUTO_FREE char *text = json_text(value);
    if (strpbrk(text, ".eE") != NULL && strcmp(json_type_word(value), "number") == 0) {
        char number[YAML_FLOAT_SIZE];
        yaml_float_text(strtod(text, NULL), false, number);
        emit_word(emitter, number);
    } else {
        emit_word(emitter, text);
    }
}

struct members {
    const char **names;
    size_t len;
};

static bool add_name(void *arg, const char *name, const struct json_object *value)
{
    struct members *members = arg;
    (void)value;
    members->names[members->len++] = name;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters come behind everything else; what is not ASCII counts as one. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ((unsigned char)c & 0x80) != 0;
}

static uint64_t digits_at(const char *text, uint64_t value, const char **ret_end)
{
    while (is_digit(*text)) {
        value = value * 10 + (uint64_t)(*text++ - '0');
    }
    *ret_end = text;
    return value;
}

/* Whether a digit other than 0 stands in the run of digits that ends before `at`. */
static bool within_number(const char *text, const char *at)
{
    while (at > text && is_digit(at[-1])) {
        if (*--at != '0') {
            return true;
        }
    }
    return false;
}

/* At the first byte in which they differ. Numbers are compared as such: item2 before item10. */
static int compare_rest(const char *name, const char *a, const char *b)
{
    if (is_letter(*a) != is_letter(*b)) {
        return is_letter(*a) ? 1 : -1;
    }
    if (!is_letter(*a)) {
        uint64_t before = (*a == '0' || *b == '0') && within_number(name, a);
        const char *a_end;
        const char *b_end;
        uint64_t a_value = digits_at(a, before, &a_end);
        uint64_t b_value = digits_at(b, before, &b_end);
        if (a_value != b_value) {
            return a_value < b_value ? -1 : 1;
        }
        if (a_end - a != b_end - b) {
            return a_end - a < b_end - b ? -1 : 1;
        }
    }
    return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

/* The order in which goyaml writes keys. */
static int compare_names(const void *a, const void *b)
{
    const char *first = *(const char *const *)a;
    const char *second = *(const char *const *)b;
    size_t same = 0;
    while (first[same] == second[same] && first[same] != '\0') {
        same++;
    }
    if (first[same] == '\0' || second[same] == '\0') {
        return first[same] == '\0' ? -1 : 1; /* names of one object are never equal */
    }
    return compare_rest(first, first + same, second + same);
}

static void emit_value(yaml_emitter_t *emitter, const struct json_object *value);

static void emit_object(yaml_emitter_t *emitter, const struct json_object *object)
{
    struct members members = {.names = xcalloc(json_object_len(object) + 1, sizeof(char *))};
    yaml_event_t event;
    json_each(object, add_name, &members);
    qsort(members.names, members.len, sizeof(*members.names), compare_names);
    emit(emitter, &event,
         yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
    for (size_t i = 0; i < members.len; i++) {
        emit_text(emitter, members.names[i], strlen(members.names[i]));
        emit_value(emitter, json_member(object, members.names[i]));
    }
    emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
    free(members.names);
}

static void emit_array(yaml_emitter_t *emitter, const struct json_object *array)
{
    yaml_event_t event;
    emit(emitter, &event,
         yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
    for (size_t i = 0; i < json_array_len(array); i++) {
        emit_value(emitter, json_array_at(array, i));
    }
    emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static void emit_value(yaml_emitter_t *emitter, const struct json_object *value)
{
    if (json_is_object(value)) {
        emit_object(emitter, value);
    } else if (json_is_array(value)) {
        emit_array(emitter, value);
    } else if (json_is_string(value)) {
        size_t len = 0;
        const char *text = json_get_str_len(value, "", &len);
        emit_text(emitter, text, len);
    } else {
        emit_other(emitter, value);
    }
}

static int write_out(void *arg, unsigned char *data, size_t len)
{
    return buf_append(arg, data, len) == 0;
}

static void emit_stream(yaml_emitter_t *emitter, const struct json_object *value)
{
    yaml_event_t event;
    emit(emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    emit_value(emitter, value);
    emit(emitter, &event, yaml_document_end_event_initialize(&event, 1));
    emit(emitter, &event, yaml_stream_end_event_initialize(&event));
}

/* The emitter marks the end of the document where kept blank lines end it, kubectl does not. At the
 * start of a line nothing else reads "...": the texts of scalars are indented or quoted. */
static void cut_end_mark(struct buf *out)
{
    static const char mark[] = "\n...\n";
    size_t len = strlen(mark);
    if (out->len >= len && memcmp(out->data + out->len - len, mark, len) == 0) {
        out->len -= len - 1;
        out->data[out->len] = '\0';
    }
}

char *yaml_emit(const struct json_object *value)
{
    /* no limit of its own: the text is at most so many times as large as the value */
    struct buf out = BUF_INIT(SIZE_MAX / 4);
    yaml_emitter_t emitter;
    if (yaml_emitter_initialize(&emitter) == 0) {
        abort();
    }
    yaml_emitter_set_output(&emitter, write_out, &out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1); /* never folded */
    emit_stream(&emitter, value);
    yaml_emitter_delete(&emitter);
    cut_end_mark(&out);
    return buf_take(&out);
}
