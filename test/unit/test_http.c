#include "http/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/private.h"
#include "unit/fakepeer.h"
#include "unit/http_rig.h"
#include "unit/unit.h"

static struct http_rig rig;

static void finish(void)
{
    http_rig_finish(&rig);
}

START_TEST(request_arrives_as_given)
{
    http_rig_start(&rig, "given", "h2");
    struct call call = {0};
    struct http_request request = {
        .method = "PATCH",
        .path = "/echo/a%2Fb/../c?x=1&y=%20",
        .headers = {{"Content-Type", "application/json-patch+json"}, {"X-Empty", ""}},
        .body = "[\"a\"\n]",
        .body_len = 6,
    };
    call_run(&rig, &call, &request);
    ck_assert_int_eq(call.status, 200);
    ck_assert_str_eq(call.content_type, "text/x-echo");
    char wanted[1024];
    snprintf(wanted, sizeof(wanted),
             "PATCH /echo/a%%2Fb/../c?x=1&y=%%20\nprotocol=h2\nconnection=1\nclient=None\n"
             ":authority: 127.0.0.1:%d\n:method: PATCH\n:path: /echo/a%%2Fb/../c?x=1&y=%%20\n"
             ":scheme: https\naccept: */*\ncontent-length: 6\n"
             "content-type: application/json-patch+json\nhost: 127.0.0.1:%d\nuser-agent: rig/1\n"
             "x-empty: \n\n[\"a\"\n]",
             rig.port, rig.port);
    call_expect(&call, 200, wanted);
    finish();
}
END_TEST

static const struct {
    const char *method;
    const char *body;
    const char *length_line; /* NULL: no Content-Length */
} methods[] = {
    {"GET", NULL, NULL},
    {"DELETE", NULL, NULL},
    {"DELETE", "{}", "\ncontent-length: 2\n"},
    {"POST", NULL, "\ncontent-length: 0\n"},
    {"PUT", "", "\ncontent-length: 0\n"},
    {"PUT", "abc", "\ncontent-length: 3\n"},
};

START_TEST(methods_with_and_without_body)
{
    http_rig_start(&rig, "methods", "h2");
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct call call = {0};
        const char *body = methods[i].body;
        call_run(&rig, &call,
                 &(struct http_request){.method = methods[i].method,
                                        .path = "/echo",
                                        .body = body,
                                        .body_len = body != NULL ? strlen(body) : 0});
        ck_assert_int_eq(call.status, 200);
        ck_assert_int_eq(strncmp(call.body, methods[i].method, strlen(methods[i].method)), 0);
        ck_assert_ptr_null(strstr(call.body, "content-type"));
        if (methods[i].length_line == NULL) {
            ck_assert_ptr_null(strstr(call.body, "content-length"));
        } else {
            ck_assert_ptr_nonnull(strstr(call.body, methods[i].length_line));
            ck_assert_ptr_nonnull(strstr(call.body, body != NULL ? body : ""));
        }
    }
    finish();
}
END_TEST

START_TEST(server_prefix_goes_before_the_path)
{
    http_rig_start(&rig, "prefix", "plain");
    struct http_target target = http_rig_target(&rig);
    char server[96];
    snprintf(server, sizeof(server), "%s/some/prefix/", rig.url);
    target.server = server;
    http_rig_connect(&rig, &target);
    struct call call = {0};
    call_run(&rig, &call, &(struct http_request){.method = "GET", .path = "/api/v1?limit=5"});
    ck_assert_ptr_nonnull(strstr(call.body, "GET /some/prefix/api/v1?limit=5\nprotocol=http/1.1"));
    finish();
}
END_TEST

static void run_shared(const char *name, const char *kind, int connections)
{
    static struct call calls[20];
    memset(calls, 0, sizeof(calls));
    int done = 0;
    http_rig_start(&rig, name, kind);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        call_get(&rig, &calls[i], "/shared");
    }
    while (done < 20) {
        done = 0;
        loop_run_once(rig.loop);
        for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
            done += calls[i].dones;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        call_expect(&calls[i], 200, "together\n");
    }
    ck_assert_int_eq(fakepeer_number("connections %s", name), connections);
    finish();
}

START_TEST(twenty_requests_share_one_connection)
{
    run_shared("one", "h2", 1);
}
END_TEST

START_TEST(http1_gets_a_connection_per_request)
{
    run_shared("many", "h1", 20);
}
END_TEST

START_TEST(fresh_connection_is_new_and_shared_later)
{
    http_rig_start(&rig, "fresh", "h2");
    struct call first = {0};
    struct call fresh = {0};
    call_run(&rig, &first, &(struct http_request){.method = "GET", .path = "/echo"});
    ck_assert_int_eq(fakepeer_number("connections fresh"), 1);
    call_run(&rig, &fresh,
             &(struct http_request){.method = "GET", .path = "/echo", .fresh_connection = true});
    ck_assert_ptr_nonnull(strstr(fresh.body, "connection=2"));
    struct call later = {0};
    call_run(&rig, &later, &(struct http_request){.method = "GET", .path = "/echo"});
    ck_assert_int_eq(fakepeer_number("connections fresh"), 2);
    finish();
}
END_TEST

START_TEST(stream_comes_in_pieces_in_order)
{
    http_rig_start(&rig, "pieces", "h2");
    struct call call = {.stream = true};
    call_get(&rig, &call, "/pieces?n=4&pause=0.05");
    call_wait(&rig, &call.pieces, 1);
    ck_assert_int_eq(call.dones, 0);
    call_wait(&rig, &call.dones, 1);
    ck_assert_int_ge(call.pieces, 3);
    call_expect(&call, 200, "piece\npiece\npiece\npiece\n");
    ck_assert_int_ge(call.duration_ms, 150);
    finish();
}
END_TEST

START_TEST(head_comes_before_the_body)
{
    http_rig_start(&rig, "head", "h2");
    struct call call = {0};
    call_get(&rig, &call, "/pieces?n=1&pause=5&end=no");
    call_wait(&rig, &call.heads, 1);
    ck_assert_int_eq(call.status, 200);
    ck_assert_int_eq(call.dones, 0);
    http_cancel(rig.client, call.id);
    finish();
}
END_TEST

START_TEST(large_bodies_on_parallel_streams)
{
    http_rig_start(&rig, "large", "h2");
    static struct call calls[6];
    memset(calls, 0, sizeof(calls));
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        calls[i].stream = i % 2 == 0;
        call_get(&rig, &calls[i], "/size?n=3000000");
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        call_wait(&rig, &calls[i].dones, 1);
        ck_assert_msg(calls[i].kind == ERR_NONE, "%s", calls[i].text);
        ck_assert_uint_eq(calls[i].len, 3000000);
    }
    ck_assert_int_eq(fakepeer_number("connections large"), 1);
    finish();
}
END_TEST

static void note_wake(void *arg)
{
    *(bool *)arg = true;
}

START_TEST(idle_streams_keep_the_loop_asleep)
{
    http_rig_start(&rig, "asleep", "h2");
    static struct call calls[12];
    memset(calls, 0, sizeof(calls));
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        calls[i].stream = true;
        call_get(&rig, &calls[i], "/pieces?n=3&end=no");
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        call_wait(&rig, &calls[i].pieces, 1);
    }
    http_rig_idle(&rig, 300);
    bool awake = false;
    int rounds = 0;
    struct loop_timer *timer = loop_timer_create(rig.loop, note_wake, &awake);
    loop_timer_arm(timer, 500);
    for (; !awake; rounds++) {
        loop_run_once(rig.loop);
    }
    ck_assert_int_le(rounds, 10);
    loop_timer_destroy(timer);
    finish();
}
END_TEST

static const struct {
    const char *path;
    bool accept;
    const char *body; /* NULL: fails */
} gzip_cases[] = {
    {"/gzip", true, "one,two,three"},
    {"/gzip", false, "one,two,three"},
    {"/gzip?broken=yes", true, NULL},
    {"/gzip?members=3", true, NULL}, /* a limit of libcurl's: why streams never offer it */
};

START_TEST(gzip_only_when_asked_for)
{
    http_rig_start(&rig, "gzip", "h2");
    struct call call = {0};
    call_run(&rig, &call,
             &(struct http_request){.method = "GET",
                                    .path = gzip_cases[_i].path,
                                    .accept_gzip = gzip_cases[_i].accept});
    if (gzip_cases[_i].body != NULL) {
        call_expect(&call, 200, gzip_cases[_i].body);
    } else {
        call_expect_error(&call, ERR_RETRY, "GET https://127.0.0.1:");
    }
    struct call echo = {0};
    call_run(&rig, &echo,
             &(struct http_request){
                 .method = "GET", .path = "/echo", .accept_gzip = gzip_cases[_i].accept});
    ck_assert_int_eq(strstr(echo.body, "accept-encoding: gzip\n") != NULL, gzip_cases[_i].accept);
    ck_assert_ptr_null(gzip_cases[_i].accept ? NULL : strstr(echo.body, "accept-encoding"));
    finish();
}
END_TEST

START_TEST(response_headers)
{
    http_rig_start(&rig, "headers", "h2");
    struct call call = {0};
    call_run(&rig, &call,
             &(struct http_request){.method = "GET",
                                    .path =
                                        "/status?code=429&retry-after=7&content-type=text/plain&"
                                        "warning=299%20-%20%22old%20API%22"});
    call_expect(&call, 429, "said\n");
    ck_assert_int_eq(call.retry_after_ms, 7000);
    ck_assert_str_eq(call.content_type, "text/plain");
    ck_assert_str_eq(call.warning, "299 - \"old API\"");
    struct call bare = {0};
    call_run(&rig, &bare, &(struct http_request){.method = "GET", .path = "/status?code=503"});
    call_expect(&bare, 503, "said\n");
    ck_assert_int_eq(bare.retry_after_ms, 0);
    ck_assert_str_eq(bare.content_type, "");
    ck_assert_str_eq(bare.warning, "");
    finish();
}
END_TEST

/* 2026-11-24T08:05:12Z */
#define NOW_MS INT64_C(1795507512000)

static const struct {
    const char *text;
    int64_t ms;
} retry_afters[] = {
    {"0", 0},
    {"1", 1000},
    {"120", 120000},
    {"86401", 86400000},
    {"99999999999999999999999", 86400000},
    {"", 0},
    {"-1", 0},
    {"soon", 0},
    {"1.5x", 0},
    {"Tue, 24 Nov 2026 08:05:42 GMT", 30000},
    {"Tue, 24 Nov 2026 08:05:02 GMT", 0},
    {"Tuesday, 24-Nov-26 08:05:42 GMT", 30000},
    {"Tue, 24 Nov 2037 08:05:42 GMT", 86400000},
};

START_TEST(retry_after_values)
{
    ck_assert_int_eq(http_retry_after_parse(retry_afters[_i].text, NOW_MS), retry_afters[_i].ms);
}
END_TEST

static const struct {
    size_t limit;
    bool stream;
    bool fits;
} body_limits[] = {
    {1000, false, true}, {999, false, false}, {1000, true, true},
    {999, true, false},  {0, false, true},
};

START_TEST(body_limit_is_kept)
{
    http_rig_start(&rig, "limit", "h2");
    struct call call = {.stream = body_limits[_i].stream};
    call_run(&rig, &call,
             &(struct http_request){
                 .method = "GET", .path = "/size?n=1000", .body_limit = body_limits[_i].limit});
    if (body_limits[_i].fits) {
        ck_assert_msg(call.kind == ERR_NONE, "%s", call.text);
        ck_assert_uint_eq(call.len, 1000);
    } else {
        call_expect_error(&call, ERR_INVALID, "the response is longer than 999 bytes");
        ck_assert_uint_le(call.len, 999);
    }
    finish();
}
END_TEST

static const struct {
    struct http_request request;
    const char *text;
} bad_requests[] = {
    {{.method = "GET", .path = "relative"}, "path is not absolute"},
    {{.method = "GET", .path = "/a b"}, "not percent-encoded"},
    {{.method = "GET", .path = "/a\r\nX: y"}, "not percent-encoded"},
    {{.method = "GET", .path = "/", .headers = {{"A", "b"}, {"X", "y\r\nEvil: 1"}}}, "header 1"},
    {{.method = "GET", .path = "/", .headers = {{"X\n", "y"}}}, "header 0"},
};

START_TEST(requests_that_cannot_be_sent)
{
    http_rig_start(&rig, "bad", "h2");
    struct call call = {0};
    call_run(&rig, &call, &bad_requests[_i].request);
    call_expect_error(&call, ERR_INVALID, bad_requests[_i].text);
    ck_assert(!call.sent && !call.connected);
    ck_assert_int_eq(fakepeer_number("connections bad"), 0);
    struct call dropped = {0};
    call_submit(&rig, &dropped, &bad_requests[_i].request);
    http_cancel(rig.client, dropped.id);
    http_rig_idle(&rig, 10);
    ck_assert_int_eq(dropped.dones, 0);
    finish();
}
END_TEST

START_TEST(idle_time_counts_from_the_last_byte)
{
    http_rig_start(&rig, "idle", "h2");
    http_rig_idle(&rig, 60);
    ck_assert_int_ge(http_client_idle_ms(rig.client), 59);
    struct call call = {0};
    call_run(&rig, &call, &(struct http_request){.method = "GET", .path = "/echo"});
    ck_assert_int_lt(http_client_idle_ms(rig.client), 50);
    finish();
}
END_TEST

START_TEST(escape)
{
    static const char *const table[][2] = {
        {"", ""},
        {"kube-system", "kube-system"},
        {"AZaz09-._~", "AZaz09-._~"},
        {"a/b c?d=e&f+g%", "a%2Fb%20c%3Fd%3De%26f%2Bg%25"},
        {"\xc3\xa9\x7f", "%C3%A9%7F"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char *escaped = http_escape(table[i][0]);
        ck_assert_str_eq(escaped, table[i][1]);
        free(escaped);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("http");
    TCase *tcase = tcase_create("requests");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, request_arrives_as_given);
    tcase_add_test(tcase, methods_with_and_without_body);
    tcase_add_test(tcase, server_prefix_goes_before_the_path);
    tcase_add_test(tcase, twenty_requests_share_one_connection);
    tcase_add_test(tcase, http1_gets_a_connection_per_request);
    tcase_add_test(tcase, fresh_connection_is_new_and_shared_later);
    tcase_add_test(tcase, stream_comes_in_pieces_in_order);
    tcase_add_test(tcase, head_comes_before_the_body);
    tcase_add_test(tcase, large_bodies_on_parallel_streams);
    tcase_add_test(tcase, idle_streams_keep_the_loop_asleep);
    tcase_add_loop_test(tcase, gzip_only_when_asked_for, 0, (int)ARRAY_LEN(gzip_cases));
    tcase_add_test(tcase, response_headers);
    tcase_add_loop_test(tcase, retry_after_values, 0, (int)ARRAY_LEN(retry_afters));
    tcase_add_loop_test(tcase, body_limit_is_kept, 0, (int)ARRAY_LEN(body_limits));
    tcase_add_loop_test(tcase, requests_that_cannot_be_sent, 0, (int)ARRAY_LEN(bad_requests));
    tcase_add_test(tcase, idle_time_counts_from_the_last_byte);
    tcase_add_test(tcase, escape);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    fakepeer_start("fake.unitpeer");
    int result = unit_main(suite());
    fakepeer_stop();
    return result;
}
