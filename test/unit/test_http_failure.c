/* What can go wrong between submitting and the end of a response. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http.h"
#include "unit/fakepeer.h"
#include "unit/http_rig.h"
#include "unit/unit.h"

static struct http_rig rig;

static void finish(void)
{
    http_rig_finish(&rig);
}

static void expect_next_works(void)
{
    struct call next = {0};
    call_run(&rig, &next, &(struct http_request){.method = "GET", .path = "/size?n=10"});
    call_expect(&next, 200, "0123456789");
}

static const struct {
    const char *kind;
    const char *path;
    const char *text;
} cuts[] = {
    {"h2", "/cut?how=reset", "reset by peer"},
    {"h2", "/cut?how=fin", "not closed cleanly"},
    {"h2", "/cut?how=orderly", "not closed cleanly"},
    {"h2", "/cut?how=half-record", "not closed cleanly"},
    {"h2", "/reset?code=2", "INTERNAL_ERROR"},
    {"h2", "/reset?code=7", ""},
    {"h2", "/reset?code=8", "CANCEL"},
    {"h2", "/goaway?last=0", ""},
    {"h1", "/cut?how=reset", "reset by peer"},
    {"h1", "/cut?how=fin", ""},
    {"h1", "/cut?how=orderly", ""},
    {"plain", "/cut?how=fin", ""},
};

START_TEST(lost_in_mid_body)
{
    http_rig_start(&rig, "cut", cuts[_i].kind);
    struct call whole = {0};
    struct call stream = {.stream = true};
    call_run(&rig, &whole, &(struct http_request){.method = "GET", .path = cuts[_i].path});
    call_expect_error(&whole, ERR_RETRY, cuts[_i].text);
    ck_assert(whole.connected && whole.sent);
    ck_assert_int_eq(whole.status, 200);
    call_run(&rig, &stream, &(struct http_request){.method = "GET", .path = cuts[_i].path});
    call_expect_error(&stream, ERR_RETRY, cuts[_i].text);
    ck_assert_str_eq(stream.body, "piece\n");
    expect_next_works();
    finish();
}
END_TEST

START_TEST(all_streams_learn_that_the_connection_is_lost)
{
    static const char *const paths[] = {"/goaway?last=0", "/cut?how=orderly", "/cut?how=reset"};
    http_rig_start(&rig, "together", "h2");
    static struct call calls[5];
    memset(calls, 0, sizeof(calls));
    for (size_t i = 0; i + 1 < ARRAY_LEN(calls); i++) {
        calls[i].stream = i % 2 == 0;
        call_get(&rig, &calls[i], "/pieces?n=2&end=no");
        call_wait(&rig, &calls[i].heads, 1);
    }
    struct call *last = &calls[ARRAY_LEN(calls) - 1];
    call_get(&rig, last, paths[_i]);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        call_wait(&rig, &calls[i].dones, 1);
        call_expect_error(&calls[i], ERR_RETRY, "");
    }
    expect_next_works();
    ck_assert_int_eq(fakepeer_number("connections together"), 2);
    finish();
}
END_TEST

START_TEST(goaway_lets_streams_end_and_new_ones_move)
{
    http_rig_start(&rig, "goaway", "h2");
    struct call watch = {.stream = true};
    struct call call = {.stream = true};
    call_get(&rig, &watch, "/pieces?n=8&pause=0.1");
    call_wait(&rig, &watch.pieces, 1);
    call_get(&rig, &call, "/goaway"); /* the later stream: both may go on */
    call_wait(&rig, &call.pieces, 1);
    http_rig_idle(&rig, 100);
    expect_next_works();
    ck_assert_int_eq(fakepeer_number("connections goaway"), 2);
    call_wait(&rig, &call.dones, 1);
    call_wait(&rig, &watch.dones, 1);
    call_expect(&call, 200, "piece\npiece\n");
    ck_assert_msg(watch.kind == ERR_NONE, "%s", watch.text);
    ck_assert_uint_eq(watch.len, 8 * strlen("piece\n"));
    finish();
}
END_TEST

START_TEST(other_streams_survive_a_reset_stream)
{
    http_rig_start(&rig, "survive", "h2");
    struct call watch = {.stream = true};
    struct call call = {0};
    call_get(&rig, &watch, "/pieces?n=10&pause=0.05");
    call_wait(&rig, &watch.pieces, 1);
    call_run(&rig, &call, &(struct http_request){.method = "GET", .path = "/reset"});
    call_expect_error(&call, ERR_RETRY, "INTERNAL_ERROR");
    call_wait(&rig, &watch.dones, 1);
    ck_assert_msg(watch.kind == ERR_NONE, "%s", watch.text);
    ck_assert_uint_eq(watch.len, 10 * strlen("piece\n"));
    ck_assert_int_eq(fakepeer_number("connections survive"), 1);
    finish();
}
END_TEST

/*
 * A connection that is lost under a request it was reused for: curl would send that again. A
 * server that has got a write may have carried it out.
 */
static const struct {
    const char *kind;
    const char *method;
    int times;
} repeats[] = {
    {"h2", "PATCH", 1}, {"h2", "POST", 1}, {"h2", "PUT", 1}, {"h2", "DELETE", 1},
    {"h1", "PATCH", 1}, {"h1", "POST", 1}, {"h1", "GET", 6}, {"h2", "GET", 6},
};

START_TEST(writes_are_sent_once)
{
    http_rig_start(&rig, "once", repeats[_i].kind);
    expect_next_works();
    struct call call = {0};
    struct http_request request = {
        .method = repeats[_i].method, .path = "/cut?how=fin&head=no", .body = "{}", .body_len = 2};
    call_run(&rig, &call, &request);
    call_expect_error(&call, ERR_RETRY, repeats[_i].method);
    ck_assert(call.sent && call.connected);
    ck_assert_int_eq(call.status, 0);
    ck_assert_int_eq(call.heads, 0);
    int times = fakepeer_number("count once /cut");
    ck_assert_int_ge(times, 1);
    ck_assert_int_le(times, repeats[_i].times);
    expect_next_works();
    finish();
}
END_TEST

START_TEST(stale_connection_is_replaced)
{
    http_rig_start(&rig, "stale", "h2");
    expect_next_works();
    free(fakepeer_ask("drop stale %s", _i == 0 ? "orderly" : "reset"));
    http_rig_idle(&rig, 50);
    struct call call = {0};
    call_run(&rig, &call, &(struct http_request){.method = "POST", .path = "/size?n=10"});
    call_expect(&call, 200, "0123456789");
    finish();
}
END_TEST

START_TEST(refused_stream)
{
    http_rig_start(&rig, "refuse", "h2");
    struct call get = {0};
    struct call post = {0};
    call_run(&rig, &get, &(struct http_request){.method = "GET", .path = "/refuse?get"});
    call_expect(&get, 200, "taken\n"); /* never processed: sent again */
    call_run(&rig, &post, &(struct http_request){.method = "POST", .path = "/refuse?post"});
    call_expect_error(&post, ERR_RETRY, "not sent again");
    ck_assert_int_eq(fakepeer_number("count refuse /refuse"), 3);
    finish();
}
END_TEST

START_TEST(connection_refused)
{
    http_rig_start(&rig, "refused", "h2");
    free(fakepeer_ask("stop refused"));
    static struct call calls[5];
    memset(calls, 0, sizeof(calls));
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        call_get(&rig, &calls[i], "/echo");
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        call_wait(&rig, &calls[i].dones, 1);
        call_expect_error(&calls[i], ERR_RETRY, "GET https://127.0.0.1:");
        ck_assert(!calls[i].connected && !calls[i].sent);
        ck_assert_int_eq(calls[i].status, 0);
        ck_assert_int_lt(calls[i].duration_ms, 5000);
    }
    free(fakepeer_ask("start refused"));
    expect_next_works();
    finish();
}
END_TEST

START_TEST(unknown_host)
{
    http_rig_start(&rig, "unknown", "h2");
    struct http_target target = http_rig_target(&rig);
    target.server = "https://no-such-host.invalid:6443";
    http_rig_connect(&rig, &target);
    struct call call = {0};
    call_run(&rig, &call, &(struct http_request){.method = "GET", .path = "/echo"});
    call_expect_error(&call, ERR_RETRY, "GET https://no-such-host.invalid:6443: ");
    ck_assert(!call.connected && !call.sent);
    finish();
}
END_TEST

START_TEST(server_that_accepts_and_never_answers)
{
    http_rig_start(&rig, "mute", "h2");
    free(fakepeer_ask("mute mute"));
    static struct call calls[6]; /* all wait for the first one's connection */
    memset(calls, 0, sizeof(calls));
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        call_submit(&rig, &calls[i],
                    &(struct http_request){.method = "GET", .path = "/echo", .connect_ms = 300});
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        call_wait(&rig, &calls[i].dones, 1);
        call_expect_error(&calls[i], ERR_RETRY, "");
        ck_assert(!calls[i].connected && !calls[i].sent);
        ck_assert_int_ge(calls[i].duration_ms, 299);
        ck_assert_int_lt(calls[i].duration_ms, 2 * 300 + 800); /* not one after the other */
    }
    finish();
}
END_TEST

static const struct {
    struct http_request request;
    const char *text; /* NULL: ends well */
    int64_t at_least_ms;
    int64_t at_most_ms;
} limits[] = {
    {{.path = "/silent", .deadline_ms = 150}, "not finished within 150 ms", 149, 4000},
    {{.path = "/silent", .silence_ms = 150}, "nothing received within 150 ms", 149, 4000},
    {{.path = "/silent", .silence_ms = 150, .connect_ms = 9000}, "nothing received", 149, 4000},
    {{.path = "/silent", .silence_ms = 5000, .deadline_ms = 150}, "not finished", 149, 4000},
    {{.path = "/silent", .silence_ms = 150, .deadline_ms = 5000}, "nothing received", 149, 4000},
    {{.path = "/pieces?n=1&end=no", .silence_ms = 150}, "nothing received", 149, 4000},
    {{.path = "/pieces?n=6&pause=0.08", .silence_ms = 250}, NULL, 400, 8000},
    {{.path = "/pieces?n=100&pause=0.05", .silence_ms = 250, .deadline_ms = 400},
     "not finished within 400 ms",
     399,
     900},
    {{.path = "/pieces?n=6&pause=0.1", .connect_ms = 300}, NULL, 500, 8000},
};

START_TEST(time_limits)
{
    http_rig_start(&rig, "limits", "h2");
    struct call call = {.stream = true};
    struct http_request request = limits[_i].request;
    request.method = "GET";
    call_run(&rig, &call, &request);
    if (limits[_i].text != NULL) {
        call_expect_error(&call, ERR_RETRY, limits[_i].text);
    } else {
        ck_assert_msg(call.kind == ERR_NONE, "%s", call.text);
    }
    ck_assert(call.connected && call.sent);
    ck_assert_int_ge(call.duration_ms, limits[_i].at_least_ms);
    ck_assert_int_le(call.duration_ms, limits[_i].at_most_ms);
    expect_next_works();
    ck_assert_int_eq(fakepeer_number("connections limits"), 1);
    finish();
}
END_TEST

/* The process was suspended, or had no connection: what it may not do any more is not sent. */
START_TEST(writes_are_not_sent_late)
{
    http_rig_start(&rig, "late", _i % 2 == 0 ? "h2" : "h1");
    if (_i >= 2) {
        expect_next_works(); /* a connection is there already */
    }
    struct call late = {0};
    struct call timely = {0};
    struct http_request request = {
        .method = "PATCH", .path = "/echo", .body = "x", .body_len = 1, .send_within_ms = 1};
    call_submit(&rig, &late, &request);
    usleep(5000);
    call_wait(&rig, &late.dones, 1);
    call_expect_error(&late, ERR_RETRY, "in the time in which it might be sent");
    ck_assert(!late.sent && late.status == 0);
    request.send_within_ms = 60000;
    call_run(&rig, &timely, &request);
    ck_assert_int_eq(timely.status, 200);
    expect_next_works();
    finish();
}
END_TEST

/* A server of ours, without TLS: what TCP itself does is seen. */
static int listen_here(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

/* What was sent on a connection that is given up must not arrive later: it is broken off. */
START_TEST(connection_that_is_given_up)
{
    int port;
    int peer;
    ssize_t got;
    char url[64];
    char received[4096];
    int listener = listen_here(&port);
    http_rig_start(&rig, "given-up", "h2");
    struct http_target target = http_rig_target(&rig);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    target.server = url;
    http_rig_connect(&rig, &target);
    struct call call = {0};
    call_submit(
        &rig, &call,
        &(struct http_request){.method = "PATCH", .path = "/x", .body = "x", .body_len = 1});
    while ((peer = accept(listener, NULL, NULL)) < 0) {
        http_rig_idle(&rig, 5);
    }
    while (recv(peer, received, sizeof(received), MSG_PEEK | MSG_DONTWAIT) < 0) {
        http_rig_idle(&rig, 5);
    }
    http_client_reset(rig.client);
    call_wait(&rig, &call.dones, 1);
    call_expect_error(&call, ERR_RETRY, "");
    while ((got = recv(peer, received, sizeof(received), MSG_DONTWAIT)) > 0 ||
           (got < 0 && errno == EAGAIN)) {
        http_rig_idle(&rig, 5);
    }
    ck_assert_msg(got < 0 && errno == ECONNRESET, "got %zd, %s", got, strerror(errno));
    close(peer);
    close(listener);
    finish();
}
END_TEST

/* A watch whose server has shown that it sends bookmarks: from then on silence means something. */
START_TEST(silence_limit_of_a_running_stream)
{
    http_rig_start(&rig, "running", "h2");
    struct call call = {.stream = true};
    struct call other = {.stream = true};
    call_get(&rig, &call, "/pieces?n=1&end=no");
    call_wait(&rig, &call.pieces, 1);
    call_submit(&rig, &other,
                &(struct http_request){
                    .method = "GET", .path = "/pieces?n=1&pause=1.5", .silence_ms = 1000});
    call_wait(&rig, &other.heads, 1);
    http_set_silence(rig.client, call.id, 150);
    http_set_silence(rig.client, other.id, 0);
    call_wait(&rig, &call.dones, 1);
    call_expect_error(&call, ERR_RETRY, "nothing received within 150 ms");
    call_wait(&rig, &other.dones, 1);
    call_expect(&other, 200, "piece\n");
    http_set_silence(rig.client, call.id, 1); /* one that is done: no-op */
    expect_next_works();
    ck_assert_int_eq(fakepeer_number("connections running"), 1);
    finish();
}
END_TEST

START_TEST(body_over_the_limit_spares_the_connection)
{
    http_rig_start(&rig, "over", "h2");
    struct call watch = {.stream = true};
    struct call call = {0};
    call_get(&rig, &watch, "/pieces?n=10&pause=0.05");
    call_wait(&rig, &watch.pieces, 1);
    call_run(&rig, &call,
             &(struct http_request){.method = "GET", .path = "/size?n=900000", .body_limit = 5000});
    call_expect_error(&call, ERR_INVALID, "longer than 5000 bytes");
    call_wait(&rig, &watch.dones, 1);
    ck_assert_msg(watch.kind == ERR_NONE, "%s", watch.text);
    ck_assert_int_eq(fakepeer_number("connections over"), 1);
    finish();
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("http failures");
    TCase *tcase = tcase_create("failures");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, lost_in_mid_body, 0, (int)ARRAY_LEN(cuts));
    tcase_add_loop_test(tcase, all_streams_learn_that_the_connection_is_lost, 0, 3);
    tcase_add_test(tcase, goaway_lets_streams_end_and_new_ones_move);
    tcase_add_test(tcase, other_streams_survive_a_reset_stream);
    tcase_add_loop_test(tcase, writes_are_sent_once, 0, (int)ARRAY_LEN(repeats));
    tcase_add_loop_test(tcase, stale_connection_is_replaced, 0, 2);
    tcase_add_test(tcase, refused_stream);
    tcase_add_test(tcase, connection_refused);
    tcase_add_test(tcase, unknown_host);
    tcase_add_test(tcase, server_that_accepts_and_never_answers);
    tcase_add_loop_test(tcase, time_limits, 0, (int)ARRAY_LEN(limits));
    tcase_add_loop_test(tcase, writes_are_not_sent_late, 0, 4);
    tcase_add_test(tcase, connection_that_is_given_up);
    tcase_add_test(tcase, silence_limit_of_a_running_stream);
    tcase_add_test(tcase, body_over_the_limit_spares_the_connection);
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
