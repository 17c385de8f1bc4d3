#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/timefmt.h"
#include "base/utf8.h"

enum {
    LOG_LINE_MAX = 64 * 1024
};

static struct {
    enum log_level level;
    enum log_format format;
} config = {LOG_LEVEL_INFO, LOG_FORMAT_TEXT};

static const char *const level_words[] = {"debug", "info", "warn", "error"};

void log_configure(enum log_level level, enum log_format format)
{
    config.level = level;
    config.format = format;
}

int log_level_parse(const char *word, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_words); i++) {
        if (strcmp(word, level_words[i]) == 0) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

int log_format_parse(const char *word, enum log_format *ret_format)
{
    if (strcmp(word, "text") == 0) {
        *ret_format = LOG_FORMAT_TEXT;
        return 0;
    }
    if (strcmp(word, "json") == 0) {
        *ret_format = LOG_FORMAT_JSON;
        return 0;
    }
    return -1;
}

bool log_enabled(enum log_level level)
{
    return level >= config.level;
}

/* Writes a value with JSON escapes, without the quotes around it. */
static void put_escaped(struct buf *out, const char *value)
{
    size_t len = strlen(value);
    for (size_t i = 0; i < len;) {
        unsigned char byte = (unsigned char)value[i];
        size_t width = utf8_sequence_len(value + i, len - i);
        if (width == 0) {
            buf_puts(out, "\\ufffd");
            i++;
            continue;
        }
        if (byte == '"' || byte == '\\') {
            buf_printf(out, "\\%c", byte);
        } else if (byte == '\n') {
            buf_puts(out, "\\n");
        } else if (byte < 0x20 || byte == 0x7f) {
            buf_printf(out, "\\u%04x", byte);
        } else {
            buf_append(out, value + i, width);
        }
        i += width;
    }
}

static bool needs_quotes(const char *value)
{
    if (*value == '\0') {
        return true;
    }
    for (const char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c == 0x7f ||
            (unsigned char)*c >= 0x80) {
            return true;
        }
    }
    return false;
}

static void put_quoted(struct buf *out, const char *value)
{
    buf_puts(out, "\"");
    put_escaped(out, value);
    buf_puts(out, "\"");
}

static void render_text(struct buf *out, const char *stamp, enum log_level level,
                        const char *message, const struct log_field *fields, size_t count)
{
    static const char *const tags[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
    buf_printf(out, "%s %s ", stamp, tags[level]);
    put_escaped(out, message);
    for (size_t i = 0; i < count; i++) {
        const char *value = fields[i].value != NULL ? fields[i].value : "";
        buf_printf(out, " %s=", fields[i].key);
        if (needs_quotes(value)) {
            put_quoted(out, value);
        } else {
            buf_puts(out, value);
        }
    }
}

static void render_json(struct buf *out, const char *stamp, enum log_level level,
                        const char *message, const struct log_field *fields, size_t count)
{
    buf_printf(out, "{\"ts\":\"%s\",\"level\":\"%s\",\"msg\":", stamp, level_words[level]);
    put_quoted(out, message);
    for (size_t i = 0; i < count; i++) {
        buf_puts(out, ",");
        put_quoted(out, fields[i].key);
        buf_puts(out, ":");
        put_quoted(out, fields[i].value != NULL ? fields[i].value : "");
    }
    buf_puts(out, "}");
}

void log_render(struct buf *out, enum log_format format, long long wall_ms, enum log_level level,
                const char *message, const struct log_field *fields, size_t count)
{
    char stamp[TIMEFMT_SIZE];
    timefmt_rfc3339_millis(wall_ms, stamp);
    if (format == LOG_FORMAT_JSON) {
        render_json(out, stamp, level, message, fields, count);
    } else {
        render_text(out, stamp, level, message, fields, count);
    }
}

void log_write(enum log_level level, const char *message, const struct log_field *fields,
               size_t count)
{
    AUTO(buf) struct buf line = BUF_INIT(LOG_LINE_MAX);
    log_render(&line, config.format, clock_wall_ms(), level, message, fields, count);
    if (buf_puts(&line, "\n") < 0) {
        buf_reset(&line);
        const struct log_field note = {"note", "a record over the line limit was left out"};
        log_render(&line, config.format, clock_wall_ms(), level, "log record too long", &note, 1);
        buf_puts(&line, "\n");
    }
    ssize_t written = write(STDERR_FILENO, line.data, line.len);
    (void)written; /* there is nowhere left to report to */
}
