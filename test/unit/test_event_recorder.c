#include "kube/event_recorder.h"

#include <string.h>

#include "base/alloc.h"
#include "kube/event_outbox.h"
#include "unit/unit.h"

/* A server: keeps what was asked, and answers from the loop, as kube_submit() does. */
struct server {
    struct loop *loop;
    struct loop_deferred *answer;
    kube_done_fn *done; /* NULL: nothing is asked */
    void *done_arg;
    enum err_kind replies[8]; /* the first ones; ERR_NONE afterwards */
    bool silent;              /* accepts and never answers */
    bool down;
    size_t looks; /* whether it is up */
    size_t requests;
    size_t cancelled;
    char method[8][8];
    char path[8][256];
    char content_type[8][64];
    struct json_object *body[8];
};

static uint64_t submit(void *arg, const struct kube_request *request, kube_done_fn *done,
                       void *done_arg)
{
    struct server *server = arg;
    ck_assert_msg(server->done == NULL, "two requests at a time");
    size_t i = server->requests++;
    ck_assert_uint_lt(i, 8);
    strncpy(server->method[i], request->method, sizeof(server->method[i]) - 1);
    strncpy(server->path[i], request->path, sizeof(server->path[i]) - 1);
    if (request->content_type != NULL) {
        strncpy(server->content_type[i], request->content_type,
                sizeof(server->content_type[i]) - 1);
    }
    server->body[i] = json_ref(request->body);
    server->done = done;
    server->done_arg = done_arg;
    if (!server->silent) {
        loop_deferred_schedule(server->answer);
    }
    return i + 1;
}

static void answer(void *arg)
{
    struct server *server = arg;
    const struct kube_reply reply = {.http_status = 0};
    struct err err = {.kind = server->replies[server->requests - 1]};
    kube_done_fn *done = take_ptr(server->done);
    done(server->done_arg, &reply, err.kind == ERR_NONE ? NULL : &err);
}

static void cancel(void *arg, uint64_t id)
{
    struct server *server = arg;
    ck_assert_uint_eq(id, server->requests);
    server->done = NULL;
    server->cancelled++;
}

static bool is_up(void *arg)
{
    struct server *server = arg;
    server->looks++;
    return !server->down;
}

static const struct event_sink sink = {.submit = submit, .cancel = cancel, .up = is_up};

static void server_init(struct server *server, struct loop *loop)
{
    *server = (struct server){.loop = loop};
    server->answer = loop_deferred_create(loop, answer, server);
}

static void server_finish(struct server *server)
{
    loop_deferred_destroy(server->answer);
    for (size_t i = 0; i < server->requests; i++) {
        json_unref(server->body[i]);
    }
}

static const struct event repaired = {
    .reason = "Repaired",
    .action = "Reconcile",
    .note = "put back",
    .api_version = "v1",
    .kind = "Service",
    .ns = "kube-system",
    .name = "kube-dns",
    .uid = "1b4e28ba",
};

static void record(struct event_recorder *recorder, const char *reason)
{
    struct event event = repaired;
    event.reason = reason;
    event_record(recorder, &event);
}

static void on_drained(void *arg)
{
    loop_stop(arg);
}

static void drain(struct event_recorder *recorder, struct loop *loop, int64_t limit_ms)
{
    event_recorder_drain(recorder, limit_ms, on_drained, loop);
    loop_run(loop);
}

START_TEST(posts_and_patches)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct server server;
    server_init(&server, loop);
    struct event_recorder *recorder =
        event_recorder_create_for(loop, &sink, &server, "yurt-steward-cp-1");
    for (int i = 0; i < 3; i++) {
        event_record(recorder, &repaired);
    }
    ck_assert_uint_eq(server.requests, 0); /* never from within the call */
    drain(recorder, loop, 60000);
    ck_assert_uint_eq(server.requests, 3);

    ck_assert_str_eq(server.method[0], "POST");
    ck_assert_str_eq(server.path[0], "/apis/events.k8s.io/v1/namespaces/kube-system/events"
                                     "?fieldManager=yurt-steward");
    ck_assert_str_eq(server.content_type[0], "");
    ck_assert_str_eq(json_get_str(server.body[0], "reportingInstance"), "yurt-steward-cp-1");
    AUTO_FREE char *patch_path = xasprintf(
        "/apis/events.k8s.io/v1/namespaces/kube-system/events/%s?fieldManager=yurt-steward",
        json_get_str(server.body[0], "metadata/name"));
    for (size_t i = 1; i < 3; i++) { /* the second occurrence; the end of the series */
        ck_assert_str_eq(server.method[i], "PATCH");
        ck_assert_str_eq(server.path[i], patch_path);
        ck_assert_str_eq(server.content_type[i], "application/merge-patch+json");
        ck_assert_int_eq(json_get_int(server.body[i], "series/count", 0), (int64_t)i + 1);
    }
    ck_assert_uint_eq(event_recorder_dropped(recorder), 0);

    event_record(recorder, &repaired); /* behind the drain */
    loop_run_once(loop);
    ck_assert_uint_eq(server.requests, 3);
    ck_assert_uint_eq(event_recorder_dropped(recorder), 1);
    event_recorder_destroy(recorder);
    server_finish(&server);
}
END_TEST

START_TEST(tries_again_and_goes_on)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct server server;
    server_init(&server, loop);
    server.replies[0] = ERR_RETRY;
    server.replies[2] = ERR_DENIED;
    struct event_recorder *recorder = event_recorder_create_for(loop, &sink, &server, "x");
    record(recorder, "First");
    record(recorder, "Second");
    record(recorder, "Third");
    int64_t began_ms = loop_now_ms(loop);
    drain(recorder, loop, 60000);
    ck_assert_int_ge(loop_now_ms(loop) - began_ms, EVENT_RETRY_FIRST_MS / 2);
    const char *const reasons[] = {"First", "First", "Second", "Third"};
    ck_assert_uint_eq(server.requests, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(json_get_str(server.body[i], "reason"), reasons[i]);
    }
    ck_assert_str_eq(json_get_str(server.body[1], "metadata/name"),
                     json_get_str(server.body[0], "metadata/name"));
    ck_assert_uint_eq(event_recorder_dropped(recorder), 1); /* the denied one */
    event_recorder_destroy(recorder);
    server_finish(&server);
}
END_TEST

START_TEST(a_server_that_is_away_is_waited_for)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct server server;
    server_init(&server, loop);
    server.down = true;
    struct event_recorder *recorder = event_recorder_create_for(loop, &sink, &server, "x");
    record(recorder, "First");
    record(recorder, "Second");
    loop_run_once(loop);
    ck_assert_uint_eq(server.requests, 0);
    server.down = false;
    event_recorder_up(recorder, 0);
    drain(recorder, loop, 60000);
    ck_assert_uint_eq(server.requests, 2);
    ck_assert_uint_eq(event_recorder_dropped(recorder), 0);
    event_recorder_destroy(recorder);
    server_finish(&server);
}
END_TEST

/* What is left is dropped; the wait for the server is a wait, no busy loop. */
START_TEST(drain_while_the_server_is_away)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct server server;
    server_init(&server, loop);
    server.down = true;
    struct event_recorder *recorder = event_recorder_create_for(loop, &sink, &server, "x");
    record(recorder, "First");
    drain(recorder, loop, 50);
    ck_assert_uint_eq(server.requests, 0);
    ck_assert_uint_le(server.looks, 8);
    event_recorder_destroy(recorder);
    server_finish(&server);
}
END_TEST

START_TEST(lost_event_is_posted_anew)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct server server;
    server_init(&server, loop);
    server.replies[1] = ERR_NOT_FOUND;
    struct event_recorder *recorder = event_recorder_create_for(loop, &sink, &server, "x");
    event_record(recorder, &repaired);
    event_record(recorder, &repaired);
    drain(recorder, loop, 60000);
    ck_assert_uint_eq(server.requests, 3);
    ck_assert_str_eq(server.method[2], "POST");
    ck_assert_str_eq(server.path[2], server.path[0]);
    ck_assert_str_eq(server.content_type[2], "");
    ck_assert_str_eq(json_get_str(server.body[2], "reason"), "Repaired");
    ck_assert_int_eq(json_get_int(server.body[2], "series/count", 0), 2);
    event_recorder_destroy(recorder);
    server_finish(&server);
}
END_TEST

START_TEST(drain_with_nothing_to_do)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct server server;
    server_init(&server, loop);
    struct event_recorder *recorder = event_recorder_create_for(loop, &sink, &server, "x");
    drain(recorder, loop, 60000); /* beyond the time limit of the test */
    ck_assert_uint_eq(server.requests, 0);
    event_recorder_destroy(recorder);
    server_finish(&server);
}
END_TEST

START_TEST(drain_has_a_limit)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct server server;
    server_init(&server, loop);
    server.silent = true;
    struct event_recorder *recorder = event_recorder_create_for(loop, &sink, &server, "x");
    record(recorder, "First");
    record(recorder, "Second");
    int64_t began_ms = loop_now_ms(loop);
    drain(recorder, loop, 100);
    ck_assert_int_ge(loop_now_ms(loop) - began_ms, 100);
    ck_assert_uint_eq(server.requests, 1);
    ck_assert_uint_eq(server.cancelled, 1);
    event_recorder_destroy(recorder);
    ck_assert_uint_eq(server.cancelled, 1);
    server_finish(&server);
}
END_TEST

START_TEST(destroy_takes_the_request_back)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct server server;
    server_init(&server, loop);
    server.silent = true;
    struct event_recorder *recorder = event_recorder_create_for(loop, &sink, &server, "x");
    record(recorder, "First");
    while (server.requests == 0) {
        loop_run_once(loop);
    }
    event_recorder_destroy(recorder);
    ck_assert_uint_eq(server.cancelled, 1);
    event_recorder_destroy(NULL);
    server_finish(&server);
}
END_TEST

static void destroy_recorder(void *arg)
{
    struct event_recorder **recorder = arg;
    event_recorder_destroy(take_ptr(*recorder));
}

START_TEST(may_be_destroyed_when_drained)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct server server;
    server_init(&server, loop);
    struct event_recorder *recorder = event_recorder_create_for(loop, &sink, &server, "x");
    record(recorder, "First");
    event_recorder_drain(recorder, 60000, destroy_recorder, &recorder);
    while (recorder != NULL) {
        loop_run_once(loop);
    }
    ck_assert_uint_eq(server.requests, 1);
    server_finish(&server);
}
END_TEST

START_TEST(queue_drops_when_full)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct server server;
    server_init(&server, loop);
    struct event_recorder *recorder = event_recorder_create_for(loop, &sink, &server, "x");
    for (int i = 0; i < EVENT_QUEUE_MAX + 5; i++) {
        AUTO_FREE char *name = xasprintf("object-%d", i);
        struct event event = repaired;
        event.name = name;
        event_record(recorder, &event);
    }
    ck_assert_uint_eq(event_recorder_dropped(recorder), 5);
    event_recorder_destroy(recorder);
    server_finish(&server);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("event_recorder");
    TCase *tests = tcase_create("event_recorder");
    tcase_set_timeout(tests, 20);
    tcase_add_test(tests, posts_and_patches);
    tcase_add_test(tests, tries_again_and_goes_on);
    tcase_add_test(tests, a_server_that_is_away_is_waited_for);
    tcase_add_test(tests, drain_while_the_server_is_away);
    tcase_add_test(tests, lost_event_is_posted_anew);
    tcase_add_test(tests, drain_with_nothing_to_do);
    tcase_add_test(tests, drain_has_a_limit);
    tcase_add_test(tests, destroy_takes_the_request_back);
    tcase_add_test(tests, may_be_destroyed_when_drained);
    tcase_add_test(tests, queue_drops_when_full);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
