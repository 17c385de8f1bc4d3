#include "kube/status.h"

#include <string.h>

#include "base/utf8.h"

/* A server that asks for more is not believed: no watch shall be blind for longer. */
static const int64_t retry_after_max_ms = 10 * 60 * 1000;

/* metav1.StatusReason, for a Status that has no code. */
static const struct {
    const char *reason;
    int code;
} reason_codes[] = {
    {"BadRequest", 400},
    {"Unauthorized", 401},
    {"Forbidden", 403},
    {"NotFound", 404},
    {"MethodNotAllowed", 405},
    {"NotAcceptable", 406},
    {"AlreadyExists", 409},
    {"Conflict", 409},
    {"Gone", 410},
    {"Expired", 410},
    {"RequestEntityTooLarge", 413},
    {"UnsupportedMediaType", 415},
    {"Invalid", 422},
    {"TooManyRequests", 429},
    {"InternalError", 500},
    {"ServerTimeout", 500},
    {"ServiceUnavailable", 503},
    {"Timeout", 504},
};

/* Copies what fits, on one line, with bytes that are no UTF-8 as '?'. */
static void copy_line(char *out, size_t size, const char *text, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        size_t width = utf8_sequence_len(text + i, len - i);
        bool plain = width != 0 && (unsigned char)text[i] >= ' ' && text[i] != 0x7f;
        size_t step = width != 0 ? width : 1;
        if (used + (plain ? width : 1) >= size) {
            break;
        }
        if (plain) {
            memcpy(out + used, text + i, width);
            used += width;
        } else {
            out[used++] = width != 0 ? ' ' : '?';
        }
        i += step;
    }
    while (used > 0 && out[used - 1] == ' ') {
        used--;
    }
    out[used] = '\0';
}

static void copy_member(char *out, size_t size, const struct json_object *json, const char *path)
{
    size_t len = 0;
    const char *text = json_get_str_len(json, path, &len);
    copy_line(out, size, text, len);
}

static int code_of_reason(const char *reason)
{
    for (size_t i = 0; i < ARRAY_LEN(reason_codes); i++) {
        if (strcmp(reason, reason_codes[i].reason) == 0) {
            return reason_codes[i].code;
        }
    }
    return 0;
}

static int64_t bounded(int64_t value, int64_t most)
{
    return value < 0 ? 0 : value < most ? value : most;
}

/*
 * A watch cache that has not caught up with the version asked for (client-go
 * isTooLargeResourceVersionError): by cause since 1.18.6; by the cause's message in 1.17 and 1.18;
 * by the message before.
 */
static bool is_too_large_version(const struct json_object *json, const struct kube_status *status)
{
    static const char legacy[] = "Too large resource version";
    const struct json_object *causes = json_get(json, "details/causes");
    for (size_t i = 0; i < json_array_len(causes); i++) {
        const struct json_object *cause = json_array_at(causes, i);
        if (strcmp(json_get_str_or(cause, "reason", ""), "ResourceVersionTooLarge") == 0 ||
            strcmp(json_get_str_or(cause, "message", ""), legacy) == 0) {
            return true;
        }
    }
    return strstr(status->message, legacy) != NULL;
}

void kube_status_from_json(const struct json_object *json, struct kube_status *ret_status)
{
    struct kube_status status = {0};
    copy_member(status.reason, sizeof(status.reason), json, "reason");
    copy_member(status.message, sizeof(status.message), json, "message");
    int64_t code = json_get_int(json, "code", 0);
    status.code = code >= 100 && code <= 599 ? (int)code : code_of_reason(status.reason);
    int64_t seconds = json_get_int(json, "details/retryAfterSeconds", 0);
    status.retry_after_ms = bounded(seconds, retry_after_max_ms / 1000) * 1000;
    status.too_large_version = status.code == 504 && is_too_large_version(json, &status);
    *ret_status = status;
}

/* A proxy, a rate limiter in front of the API or a crash answers with plain text. */
static void read_text(const char *body, size_t len, struct kube_status *status)
{
    const char *end = len != 0 ? memchr(body, '\n', len) : NULL;
    copy_line(status->message, sizeof(status->message), body,
              end != NULL ? (size_t)(end - body) : len);
}

void kube_status_from_response(int http_status, const char *body, size_t len,
                               int64_t retry_after_ms, struct kube_status *ret_status)
{
    struct kube_status status = {0};
    AUTO(json) struct json_object *json = NULL;
    if (len != 0 && json_parse(body, len, &json, NULL) == 0 &&
        strcmp(json_get_str_or(json, "kind", ""), "Status") == 0) {
        kube_status_from_json(json, &status);
    } else {
        read_text(body, len, &status);
    }
    status.code = http_status;
    if (retry_after_ms > 0) {
        status.retry_after_ms = bounded(retry_after_ms, retry_after_max_ms);
    }
    *ret_status = status;
}

/*
 * A JSON patch that could not be applied. The API server answers 422 with this text of its own, in
 * which the failed test is not named (apiserver handlers/patch.go, NewGenericServerResponse); the
 * others are what the patch library says, for servers that pass it on. An object that fails
 * validation names itself and its fields instead: "Service \"x\" is invalid: …".
 */
static bool is_failed_patch(const char *message)
{
    static const char *const texts[] = {
        "the server rejected our request due to an error in our request",
        "esting value ", /* "Testing value /x failed" up to 1.15, "testing value …" since */
        "test failed",
        "testing path ",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strstr(message, texts[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static enum err_kind kind_of(const struct kube_status *status)
{
    switch (status->code) {
    case 401:
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_CONFLICT;
    case 410:
        return ERR_GONE;
    case 422:
        return is_failed_patch(status->message) ? ERR_CONFLICT : ERR_INVALID;
    case 408:
    case 429:
        return ERR_RETRY;
    default:
        return status->code >= 400 && status->code < 500 ? ERR_INVALID : ERR_RETRY;
    }
}

int kube_status_to_err(const struct kube_status *status, struct err *err)
{
    const char *message = status->message[0] != '\0' ? status->message : "the server said no more";
    if (status->code != 0) {
        err_set(err, kind_of(status), "HTTP %d%s%s: %s", status->code,
                status->reason[0] != '\0' ? " " : "", status->reason, message);
    } else {
        err_set(err, ERR_RETRY, "%s%s%s", status->reason, status->reason[0] != '\0' ? ": " : "",
                message);
    }
    if (err != NULL) {
        err->http_status = status->code;
        err->retry_after_ms = status->retry_after_ms;
    }
    return -1;
}
