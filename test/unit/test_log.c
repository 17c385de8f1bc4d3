#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "unit/unit.h"
#include "json/json.h"

static const long long when = 1795507512345;

static char *render(enum log_format format, const char *message, const char *value)
{
    const struct log_field fields[] = {{"id", "service-topology"}, {"v", value}};
    struct buf out = BUF_INIT(4096);
    log_render(&out, format, when, LOG_LEVEL_INFO, message, fields, ARRAY_LEN(fields));
    return buf_take(&out);
}

static const struct {
    const char *value;
    const char *text; /* behind "v=" */
} values[] = {
    {"plain", "plain"},
    {"a/b:c,d-1.2", "a/b:c,d-1.2"},
    {"", "\"\""},
    {NULL, "\"\""},
    {"two words", "\"two words\""},
    {"a=b", "\"a=b\""},
    {"say \"x\"", "\"say \\\"x\\\"\""},
    {"back\\slash", "\"back\\\\slash\""},
    {"two\nlines\r\t\x1b[31m\x7f", "\"two\\nlines\\u000d\\u0009\\u001b[31m\\u007f\""},
    {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
    {"bad\xff\xc3", "\"bad\\ufffd\\ufffd\""},
};

START_TEST(text_values)
{
    AUTO_FREE char *got = render(LOG_FORMAT_TEXT, "repaired", values[_i].value);
    AUTO_FREE char *wanted = xasprintf(
        "2026-11-24T08:05:12.345Z INFO  repaired id=service-topology v=%s", values[_i].text);
    ck_assert_str_eq(got, wanted);
}
END_TEST

/* Whatever a value holds, the record is one line, and as JSON it reads back. */
START_TEST(json_values)
{
    AUTO_FREE char *got = render(LOG_FORMAT_JSON, "two\nlines", values[_i].value);
    AUTO(json) struct json_object *record = NULL;
    struct err err;
    ck_assert_msg(json_parse(got, strlen(got), &record, &err) == 0, "%s: %s", got, err.text);
    ck_assert_ptr_null(strchr(got, '\n'));
    ck_assert_str_eq(json_get_str(record, "ts"), "2026-11-24T08:05:12.345Z");
    ck_assert_str_eq(json_get_str(record, "level"), "info");
    ck_assert_str_eq(json_get_str(record, "msg"), "two\nlines");
    const char *value = values[_i].value != NULL ? values[_i].value : "";
    if (strchr(value, '\xff') == NULL) {
        ck_assert_str_eq(json_get_str(record, "v"), value);
    } else {
        ck_assert_str_eq(json_get_str(record, "v"), "bad\xef\xbf\xbd\xef\xbf\xbd");
    }
}
END_TEST

START_TEST(text_message_is_one_line)
{
    struct buf out = BUF_INIT(4096);
    log_render(&out, LOG_FORMAT_TEXT, when, LOG_LEVEL_WARN, "a\nb\xff", NULL, 0);
    AUTO_FREE char *got = buf_take(&out);
    ck_assert_str_eq(got, "2026-11-24T08:05:12.345Z WARN  a\\nb\\ufffd");
}
END_TEST

START_TEST(words)
{
    enum log_level level = LOG_LEVEL_ERROR;
    enum log_format format = LOG_FORMAT_TEXT;
    ck_assert_int_eq(log_level_parse("debug", &level), 0);
    ck_assert_int_eq((int)level, LOG_LEVEL_DEBUG);
    ck_assert_int_eq(log_level_parse("warning", &level), -1);
    ck_assert_int_eq(log_level_parse("", &level), -1);
    ck_assert_int_eq(log_format_parse("json", &format), 0);
    ck_assert_int_eq((int)format, LOG_FORMAT_JSON);
    ck_assert_int_eq(log_format_parse("JSON", &format), -1);
}
END_TEST

START_TEST(levels_filter)
{
    ck_assert(log_enabled(LOG_LEVEL_INFO));
    ck_assert(!log_enabled(LOG_LEVEL_DEBUG));
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    ck_assert(!log_enabled(LOG_LEVEL_WARN));
    ck_assert(log_enabled(LOG_LEVEL_ERROR));
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
}
END_TEST

/* What log_write() puts on stderr for a value of so many bytes. */
static char *written(size_t value_len)
{
    AUTO_FREE char *value = xmalloc(value_len + 1);
    memset(value, 'x', value_len);
    value[value_len] = '\0';
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    LOG_INFO("m", "v", value);
    LOG_DEBUG("not enabled", "v", "x");
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    close(saved);
    rewind(file);
    char *text = xcalloc(1, 256 * 1024);
    ck_assert_uint_lt(fread(text, 1, 256 * 1024 - 1, file), 256 * 1024 - 1);
    fclose(file);
    return text;
}

START_TEST(written_records_end_with_one_newline)
{
    static const size_t lens[] = {1,     65493, 65494, 65495, 65496, 65497, 65498,
                                  65499, 65500, 65501, 65502, 65503, 65504, 100000};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        AUTO_FREE char *text = written(lens[i]);
        char *end = strchr(text, '\n');
        ck_assert_msg(end != NULL && end[1] == '\0', "length %zu", lens[i]);
    }
    AUTO_FREE char *huge = written(100000);
    ck_assert_ptr_nonnull(strstr(huge, "log record too long"));
}
END_TEST

static Suite *suite(void)
{
    Suite *log = suite_create("log");
    TCase *all = tcase_create("log");
    tcase_add_loop_test(all, text_values, 0, (int)ARRAY_LEN(values));
    tcase_add_loop_test(all, json_values, 0, (int)ARRAY_LEN(values));
    tcase_add_test(all, text_message_is_one_line);
    tcase_add_test(all, words);
    tcase_add_test(all, levels_filter);
    tcase_add_test(all, written_records_end_with_one_newline);
    suite_add_tcase(log, all);
    return log;
}

int main(void)
{
    return unit_main(suite());
}
