/*
 * Errors as values.
 *
 * A fallible function returns 0, or -1 after filling in the `struct err` that its caller
 * provides as the last argument. Callers decide by `kind`, never by the text. Each layer wraps
 * once with what it attempted, so that the text reads outermost first:
 *
 *     cannot read kubeconfig /etc/x: users[0].user.tokenFile: No such file or directory
 *
 * Outputs (ret_*) are untouched on failure. A NULL `err` is allowed where the text is not
 * wanted.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdint.h>

#include "base/attr.h"

enum err_kind {
    ERR_NONE = 0,
    ERR_NOT_FOUND, /* the object or file is not there */
    ERR_CONFLICT,  /* a precondition did not hold: look again, then decide anew */
    ERR_GONE,      /* a resourceVersion or continue token is too old (HTTP 410) */
    ERR_DENIED,    /* not authenticated or not allowed (HTTP 401, 403) */
    ERR_RETRY,     /* may go better later: the network, an overloaded or failing server */
    ERR_INVALID,   /* the input is wrong and stays wrong until somebody changes it */
    ERR_CANCELLED, /* the caller took the request back, or the process is stopping */
    ERR_FATAL,     /* the process cannot go on */
};

enum {
    ERR_TEXT_MAX = 1024
};

struct err {
    enum err_kind kind;
    int http_status;        /* 0: did not come from an HTTP response */
    int64_t retry_after_ms; /* what the server asked for; 0: it did not */
    char text[ERR_TEXT_MAX];
};

/* -1 in a form that the compiler sees: a failed function's outputs are known to be unused. */
static inline int err_failed(void)
{
    return -1;
}

/* Sets kind and text, clears the rest. Returns -1, so that a function can `return err_set(…)`. */
#define err_set(...) (err_fill(__VA_ARGS__), err_failed())
void err_fill(struct err *err, enum err_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* As err_set with ": " and strerror(errnum) behind the text; ENOENT becomes ERR_NOT_FOUND. */
#define err_set_errno(...) (err_fill_errno(__VA_ARGS__), err_failed())
void err_fill_errno(struct err *err, enum err_kind kind, int errnum, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Puts "<formatted>: " before the text, keeps all else. Returns -1. */
#define err_wrap(...) (err_fill_outer(__VA_ARGS__), err_failed())
void err_fill_outer(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* The kind in words for logs and metrics: "not-found", "conflict", … */
const char *err_kind_name(enum err_kind kind);

#endif
