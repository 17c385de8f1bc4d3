#include "kube/status.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "unit/unit.h"

static void read_json(const char *text, struct kube_status *ret_status)
{
    AUTO(json) struct json_object *json = NULL;
    struct err err = {0};
    ck_assert_msg(json_parse(text, strlen(text), &json, &err) == 0, "%s: %s", text, err.text);
    kube_status_from_json(json, ret_status);
}

#define STATUS(members)                                                                            \
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\"," members "}"

/* What API servers send, and what comes of it. */
static const struct {
    const char *text;
    int code;
    enum err_kind kind;
    int64_t retry_after_ms;
    bool too_large_version;
} statuses[] = {
    {STATUS("\"message\":\"configmaps \\\"x\\\" not found\",\"reason\":\"NotFound\",\"code\":404"),
     404, ERR_NOT_FOUND, 0, false},
    {STATUS("\"message\":\"the object has been modified\",\"reason\":\"Conflict\",\"code\":409"),
     409, ERR_CONFLICT, 0, false},
    {STATUS("\"message\":\"x already exists\",\"reason\":\"AlreadyExists\",\"code\":409"), 409,
     ERR_CONFLICT, 0, false},
    /* a failed test of a JSON patch, as 1.20 to 1.37 say it */
    {STATUS("\"message\":\"the server rejected our request due to an error in our request\","
            "\"reason\":\"Invalid\",\"details\":{},\"code\":422"),
     422, ERR_CONFLICT, 0, false},
    {STATUS("\"message\":\"testing value /spec/replicas failed: test failed\","
            "\"reason\":\"Invalid\",\"code\":422"),
     422, ERR_CONFLICT, 0, false},
    {STATUS("\"message\":\"Testing value /spec/replicas failed\",\"reason\":\"Invalid\","
            "\"code\":422"),
     422, ERR_CONFLICT, 0, false},
    {STATUS("\"message\":\"testing path /spec/replicas failed: test failed\","
            "\"reason\":\"Invalid\",\"code\":422"),
     422, ERR_CONFLICT, 0, false},
    /* an object that fails validation */
    {STATUS("\"message\":\"Deployment.apps \\\"coredns\\\" is invalid: spec.replicas: Invalid "
            "value: -1: must be greater than or equal to 0\",\"reason\":\"Invalid\","
            "\"details\":{\"causes\":[{\"reason\":\"FieldValueInvalid\"}]},\"code\":422"),
     422, ERR_INVALID, 0, false},
    {STATUS("\"message\":\"too old resource version: 1 (5)\",\"reason\":\"Expired\",\"code\":410"),
     410, ERR_GONE, 0, false},
    {STATUS("\"message\":\"too old resource version: 1 (5)\",\"reason\":\"Gone\",\"code\":410"),
     410, ERR_GONE, 0, false},
    {STATUS("\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401"), 401,
     ERR_DENIED, 0, false},
    {STATUS("\"message\":\"forbidden\",\"reason\":\"Forbidden\",\"code\":403"), 403, ERR_DENIED, 0,
     false},
    {STATUS("\"message\":\"bad\",\"reason\":\"BadRequest\",\"code\":400"), 400, ERR_INVALID, 0,
     false},
    {STATUS("\"message\":\"x\",\"reason\":\"UnsupportedMediaType\",\"code\":415"), 415, ERR_INVALID,
     0, false},
    {STATUS("\"message\":\"x\",\"reason\":\"Timeout\",\"code\":408"), 408, ERR_RETRY, 0, false},
    {STATUS("\"message\":\"too many\",\"reason\":\"TooManyRequests\","
            "\"details\":{\"retryAfterSeconds\":7},\"code\":429"),
     429, ERR_RETRY, 7000, false},
    {STATUS("\"message\":\"x\",\"details\":{\"retryAfterSeconds\":-9223372036854775808},"
            "\"code\":429"),
     429, ERR_RETRY, 0, false},
    {STATUS("\"message\":\"x\",\"details\":{\"retryAfterSeconds\":9223372036854775807},"
            "\"code\":429"),
     429, ERR_RETRY, 600000, false},
    {STATUS("\"message\":\"etcdserver: leader changed\",\"reason\":\"InternalError\",\"code\":500"),
     500, ERR_RETRY, 0, false},
    {STATUS("\"message\":\"x\",\"reason\":\"ServiceUnavailable\",\"code\":503"), 503, ERR_RETRY, 0,
     false},
    /* a resourceVersion from the future: 1.18.6 and later, 1.17 to 1.18.5, before */
    {STATUS(
         "\"message\":\"Timeout: Too large resource version: 20, current: 10\","
         "\"reason\":\"Timeout\",\"details\":{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\","
         "\"message\":\"Too large resource version\"}],\"retryAfterSeconds\":1},\"code\":504"),
     504, ERR_RETRY, 1000, true},
    {STATUS("\"message\":\"x\",\"reason\":\"Timeout\",\"details\":{\"causes\":[{\"message\":"
            "\"Too large resource version\"}]},\"code\":504"),
     504, ERR_RETRY, 0, true},
    {STATUS("\"message\":\"Too large resource version: 20, current: 10\",\"reason\":\"Timeout\","
            "\"code\":504"),
     504, ERR_RETRY, 0, true},
    {STATUS("\"message\":\"request timed out\",\"reason\":\"Timeout\",\"code\":504"), 504,
     ERR_RETRY, 0, false},
    {STATUS("\"message\":\"Too large resource version: 20\",\"reason\":\"BadRequest\","
            "\"code\":400"),
     400, ERR_INVALID, 0, false},
    /* no code: the reason tells */
    {STATUS("\"message\":\"x\",\"reason\":\"Expired\""), 410, ERR_GONE, 0, false},
    {STATUS("\"message\":\"x\",\"reason\":\"Forbidden\",\"code\":0"), 403, ERR_DENIED, 0, false},
    {STATUS("\"message\":\"x\",\"reason\":\"SomethingNew\""), 0, ERR_RETRY, 0, false},
    {"{}", 0, ERR_RETRY, 0, false},
    {"[]", 0, ERR_RETRY, 0, false},
    {STATUS("\"message\":7,\"reason\":{},\"code\":\"410\",\"details\":[]"), 0, ERR_RETRY, 0, false},
    {STATUS("\"code\":99999999999"), 0, ERR_RETRY, 0, false},
};

START_TEST(statuses_are_read)
{
    struct kube_status status;
    struct err err = {.http_status = -1};
    read_json(statuses[_i].text, &status);
    ck_assert_int_eq(status.code, statuses[_i].code);
    ck_assert_int_eq(status.retry_after_ms, statuses[_i].retry_after_ms);
    ck_assert(status.too_large_version == statuses[_i].too_large_version);
    ck_assert_int_eq(kube_status_to_err(&status, &err), -1);
    ck_assert_msg(err.kind == statuses[_i].kind, "%s: %s", statuses[_i].text,
                  err_kind_name(err.kind));
    ck_assert_int_eq(err.http_status, statuses[_i].code);
    ck_assert_int_eq(err.retry_after_ms, statuses[_i].retry_after_ms);
    ck_assert_int_eq(kube_status_to_err(&status, NULL), -1);
}
END_TEST

START_TEST(err_text)
{
    struct kube_status status;
    struct err err;
    read_json(STATUS("\"message\":\"pods \\\"x\\\" not found\",\"reason\":\"NotFound\","
                     "\"code\":404"),
              &status);
    kube_status_to_err(&status, &err);
    ck_assert_str_eq(err.text, "HTTP 404 NotFound: pods \"x\" not found");
    kube_status_from_response(503, NULL, 0, 0, &status);
    kube_status_to_err(&status, &err);
    ck_assert_str_eq(err.text, "HTTP 503: the server said no more");
    read_json("{\"message\":\"odd\"}", &status);
    kube_status_to_err(&status, &err);
    ck_assert_str_eq(err.text, "odd");
}
END_TEST

/* --- responses --- */

START_TEST(response_with_status)
{
    static const char body[] = STATUS("\"message\":\"slow down\",\"reason\":\"TooManyRequests\","
                                      "\"details\":{\"retryAfterSeconds\":7},\"code\":429");
    struct kube_status status;
    kube_status_from_response(429, body, sizeof(body) - 1, 0, &status);
    ck_assert_int_eq(status.retry_after_ms, 7000);
    ck_assert_str_eq(status.reason, "TooManyRequests");
    kube_status_from_response(429, body, sizeof(body) - 1, 3000, &status); /* the header wins */
    ck_assert_int_eq(status.retry_after_ms, 3000);
    kube_status_from_response(429, body, sizeof(body) - 1, INT64_MAX, &status);
    ck_assert_int_eq(status.retry_after_ms, 600000);
}
END_TEST

static const struct {
    const char *body;
    size_t len;
    const char *message;
} bodies[] = {
    {"", 0, ""},
    {"404 page not found\n", 19, "404 page not found"},
    {"<html>\r\n<body>", 14, "<html>"},
    {"a\tb\x01"
     "c\x7f"
     "d",
     7, "a b c d"},
    {"bad \xff\xc3", 6, "bad ??"},
    {"nul\0byte", 8, "nul byte"},
    {"{\"kind\":\"Pod\"}", 14, "{\"kind\":\"Pod\"}"},
    {"{\"kind\":", 8, "{\"kind\":"},
};

START_TEST(response_with_anything)
{
    struct kube_status status;
    kube_status_from_response(404, bodies[_i].body, bodies[_i].len, 0, &status);
    ck_assert_int_eq(status.code, 404);
    ck_assert_str_eq(status.message, bodies[_i].message);
    ck_assert_str_eq(status.reason, "");
}
END_TEST

START_TEST(response_message_is_cut_on_a_boundary)
{
    char body[2001];
    for (size_t i = 0; i < 2000; i += 2) {
        memcpy(body + i, "\xc3\xbc", 2);
    }
    struct kube_status status;
    kube_status_from_response(500, body, 2000, 0, &status);
    ck_assert_uint_eq(strlen(status.message), sizeof(status.message) - 2);
    ck_assert(utf8_valid(status.message, strlen(status.message), NULL));
}
END_TEST

static Suite *suite(void)
{
    Suite *status = suite_create("status");
    TCase *all = tcase_create("status");
    tcase_add_loop_test(all, statuses_are_read, 0, (int)ARRAY_LEN(statuses));
    tcase_add_test(all, err_text);
    tcase_add_test(all, response_with_status);
    tcase_add_loop_test(all, response_with_anything, 0, (int)ARRAY_LEN(bodies));
    tcase_add_test(all, response_message_is_cut_on_a_boundary);
    suite_add_tcase(status, all);
    return status;
}

int main(void)
{
    return unit_main(suite());
}
