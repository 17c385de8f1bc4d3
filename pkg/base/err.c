#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void reset(struct err *err, enum err_kind kind)
{
    err->kind = kind;
    err->http_status = 0;
    err->retry_after_ms = 0;
}

void err_fill(struct err *err, enum err_kind kind, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        reset(err, kind);
        vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
    }
}

void err_fill_errno(struct err *err, enum err_kind kind, int errnum, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        reset(err, errnum == ENOENT ? ERR_NOT_FOUND : kind);
        int used = vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
        if (used >= 0 && (size_t)used < sizeof(err->text)) {
            snprintf(err->text + used, sizeof(err->text) - (size_t)used, ": %s", strerror(errnum));
        }
    }
}

void err_fill_outer(struct err *err, const char *format, ...)
{
    if (err != NULL) {
        char outer[ERR_TEXT_MAX];
        char inner[ERR_TEXT_MAX];
        va_list args;
        va_start(args, format);
        vsnprintf(outer, sizeof(outer), format, args);
        va_end(args);
        memcpy(inner, err->text, sizeof(inner));
        size_t len = strnlen(outer, sizeof(outer) - 1);
        memcpy(err->text, outer, len + 1);
        snprintf(err->text + len, sizeof(err->text) - len, ": %s", inner);
    }
}

const char *err_kind_name(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE:
        return "none";
    case ERR_NOT_FOUND:
        return "not-found";
    case ERR_CONFLICT:
        return "conflict";
    case ERR_GONE:
        return "gone";
    case ERR_DENIED:
        return "denied";
    case ERR_RETRY:
        return "retry";
    case ERR_INVALID:
        return "invalid";
    case ERR_CANCELLED:
        return "cancelled";
    case ERR_FATAL:
        return "fatal";
    }
    return "unknown";
}
