/*
 * The log: one line a record on stderr, as logfmt-like text or as JSON.
 *
 *     LOG_INFO("repaired", "adjustment", id, "undoneBy", who);
 *     2026-11-24T08:05:12.345Z INFO  repaired adjustment=service-topology undoneBy=kubeadm
 *
 * Values are strings; a NULL value is written as an empty one. Control characters, quotes and
 * invalid UTF-8 are escaped, so that a record stays one line whatever a server sent. Libraries
 * below pkg/app log at debug level only.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
};

enum log_format {
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
};

/* Process-wide: the one mutable global of the program. Default: info, text. */
void log_configure(enum log_level level, enum log_format format);
/* "debug", "info", "warn", "error"; returns 0, or -1 for another word. */
int log_level_parse(const char *word, enum log_level *ret_level);
/* "text", "json"; returns 0, or -1 for another word. */
int log_format_parse(const char *word, enum log_format *ret_format);
bool log_enabled(enum log_level level);

struct log_field {
    const char *key;
    const char *value;
};

void log_write(enum log_level level, const char *message, const struct log_field *fields,
               size_t count);

/* Appends the record with the given wall-clock time and no newline; pure, for tests. */
void log_render(struct buf *out, enum log_format format, long long wall_ms, enum log_level level,
                const char *message, const struct log_field *fields, size_t count);

#define LOG_FIELDS(...)                                                                            \
    (const struct log_field *)(const char *const[]){__VA_ARGS__},                                  \
        sizeof((const char *const[]){__VA_ARGS__}) / (sizeof(struct log_field))
#define LOG_AT(level, message, ...)                                                                \
    do {                                                                                           \
        if (log_enabled(level)) {                                                                  \
            log_write(level, message, LOG_FIELDS(__VA_ARGS__));                                    \
        }                                                                                          \
    } while (0)

/* A message, then at least one pair of key and value. */
#define LOG_DEBUG(message, ...) LOG_AT(LOG_LEVEL_DEBUG, message, __VA_ARGS__)
#define LOG_INFO(message, ...) LOG_AT(LOG_LEVEL_INFO, message, __VA_ARGS__)
#define LOG_WARN(message, ...) LOG_AT(LOG_LEVEL_WARN, message, __VA_ARGS__)
#define LOG_ERROR(message, ...) LOG_AT(LOG_LEVEL_ERROR, message, __VA_ARGS__)

#endif
