#include "unit/http_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "unit/fakepeer.h"

void http_rig_start(struct http_rig *rig, const char *name, const char *kind)
{
    *rig = (struct http_rig){.loop = loop_create(), .name = name};
    rig->port = fakepeer_number("serve %s %s", name, kind);
    rig->ca_pem = fakepeer_pem("ca.pem");
    snprintf(rig->url, sizeof(rig->url), "%s://127.0.0.1:%d",
             strcmp(kind, "plain") == 0 ? "http" : "https", rig->port);
    struct http_target target = http_rig_target(rig);
    http_rig_connect(rig, &target);
}

void http_rig_finish(struct http_rig *rig)
{
    http_client_destroy(rig->client);
    loop_destroy(rig->loop);
    free(rig->ca_pem);
}

struct http_target http_rig_target(const struct http_rig *rig)
{
    return (struct http_target){.server = rig->url, .ca_pem = rig->ca_pem, .user_agent = "rig/1"};
}

void http_rig_connect(struct http_rig *rig, const struct http_target *target)
{
    struct err err = {0};
    http_client_destroy(rig->client);
    rig->client = NULL;
    ck_assert_msg(http_client_create(rig->loop, target, &rig->client, &err) == 0, "%s", err.text);
}

static void wake(void *arg)
{
    int *passed = arg;
    (*passed)++;
}

void http_rig_idle(struct http_rig *rig, int64_t ms)
{
    int passed = 0;
    struct loop_timer *timer = loop_timer_create(rig->loop, wake, &passed);
    loop_timer_arm(timer, ms);
    while (passed == 0) {
        loop_run_once(rig->loop);
    }
    loop_timer_destroy(timer);
}

static void note_response(struct call *call, const struct http_response *response)
{
    call->status = response->status;
    call->retry_after_ms = response->retry_after_ms;
    call->duration_ms = response->duration_ms;
    call->connected = response->connected;
    call->sent = response->sent;
    snprintf(call->content_type, sizeof(call->content_type), "%s", response->content_type);
    snprintf(call->warning, sizeof(call->warning), "%s", response->warning);
}

static void note_body(struct call *call, const char *data, size_t len)
{
    if (call->len + len < sizeof(call->body)) {
        memcpy(call->body + call->len, data, len);
        call->body[call->len + len] = '\0';
    }
    call->len += len;
}

static void came_head(void *arg, const struct http_response *head)
{
    struct call *call = arg;
    ck_assert_int_eq(call->pieces, 0);
    ck_assert_int_eq(call->dones, call->dones_before);
    ck_assert_uint_eq(head->body_len, 0);
    call->heads++;
    note_response(call, head);
    if (call->on_head != NULL) {
        call->on_head(call);
    }
}

static void came_data(void *arg, const char *data, size_t len)
{
    struct call *call = arg;
    ck_assert_int_eq(call->heads, 1);
    ck_assert_int_eq(call->dones, call->dones_before);
    call->pieces++;
    note_body(call, data, len);
    if (call->on_data != NULL) {
        call->on_data(call);
    }
}

static void came_done(void *arg, const struct http_response *response, const struct err *err)
{
    struct call *call = arg;
    call->dones++;
    note_response(call, response);
    note_body(call, response->body, response->body_len);
    call->kind = err != NULL ? err->kind : ERR_NONE;
    snprintf(call->text, sizeof(call->text), "%s", err != NULL ? err->text : "");
    if (err != NULL) {
        ck_assert_int_eq(err->http_status, response->status);
        ck_assert_int_eq(err->retry_after_ms, response->retry_after_ms);
    }
    if (call->on_done != NULL) {
        call->on_done(call);
    }
}

void call_submit(struct http_rig *rig, struct call *call, const struct http_request *request)
{
    static const struct http_handler whole = {.head = came_head, .done = came_done};
    static const struct http_handler stream = {
        .head = came_head, .data = came_data, .done = came_done};
    call->dones_before = call->dones;
    call->rig = rig;
    call->id = http_submit(rig->client, request, call->stream ? &stream : &whole, call);
    ck_assert_uint_ne(call->id, 0);
    ck_assert_int_eq(call->dones, call->dones_before); /* never from within */
}

void call_get(struct http_rig *rig, struct call *call, const char *path)
{
    call_submit(rig, call, &(struct http_request){.method = "GET", .path = path});
}

void call_wait(struct http_rig *rig, const int *counter, int wanted)
{
    int passed = 0;
    struct loop_timer *timer = loop_timer_create(rig->loop, wake, &passed);
    loop_timer_arm(timer, 10000);
    while (*counter < wanted) {
        ck_assert_msg(passed == 0, "%d instead of %d after 10 s", *counter, wanted);
        loop_run_once(rig->loop);
    }
    loop_timer_destroy(timer);
}

void call_run(struct http_rig *rig, struct call *call, const struct http_request *request)
{
    call_submit(rig, call, request);
    call_wait(rig, &call->dones, 1);
}

void call_expect(const struct call *call, int status, const char *body)
{
    ck_assert_msg(call->kind == ERR_NONE, "%s", call->text);
    ck_assert_int_eq(call->dones, 1);
    ck_assert_int_eq(call->heads, 1);
    ck_assert_int_eq(call->status, status);
    ck_assert_str_eq(call->body, body);
    ck_assert(call->connected && call->sent);
}

void call_expect_error(const struct call *call, enum err_kind kind, const char *part)
{
    ck_assert_int_eq(call->dones, 1);
    ck_assert_msg(call->kind == kind && strstr(call->text, part) != NULL, "%s: \"%s\"",
                  err_kind_name(call->kind), call->text);
}
