/*
 * metav1.Status, the API server's way to say no, as an error.
 */
#ifndef KUBE_STATUS_H
#define KUBE_STATUS_H

#include <stdbool.h>

#include "base/err.h"
#include "json/json.h"

/* What a Status or a bare HTTP response says; fixed size, no ownership. */
struct kube_status {
    int code;        /* HTTP status; 0: unknown */
    char reason[64]; /* "Expired", "Gone", "Conflict", … or "" */
    char message[512];
    int64_t retry_after_ms; /* details.retryAfterSeconds or Retry-After; 0: absent */
    bool too_large_version; /* 504 Timeout with cause ResourceVersionTooLarge, or the legacy text */
};

/* Reads a Status object (an in-stream ERROR's object, or a response body). */
void kube_status_from_json(const struct json_object *json, struct kube_status *ret_status);
/* Reads an HTTP response whose status is not 2xx; the body may be anything. */
void kube_status_from_response(int http_status, const char *body, size_t len,
                               int64_t retry_after_ms, struct kube_status *ret_status);
/* 404 not found, 409 and failed-test 422 conflict, 410 gone, 401/403 denied, 408/429/5xx retry,
 * other 4xx invalid. Returns -1. */
int kube_status_to_err(const struct kube_status *status, struct err *err);

#endif
