#include "kube/event_outbox.h"

#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/unit.h"

static void push(struct event_outbox *outbox, enum event_verb verb, const char *name)
{
    struct event_command command = {
        .verb = verb,
        .ns = xstrdup("kube-system"),
        .name = xstrdup(name),
        .body = json_new_str(verb == EVENT_POST ? "event" : "series"),
        .whole = verb == EVENT_POST ? NULL : json_new_str("event with series"),
    };
    event_outbox_push_take(outbox, &command);
    ck_assert_int_eq(command.verb, EVENT_NONE);
    ck_assert_ptr_null(command.name);
}

static void expect_take(struct event_outbox *outbox, int64_t now_ms, enum event_verb verb,
                        const char *name, const char *body)
{
    const struct event_command *command = event_outbox_take(outbox, now_ms);
    ck_assert_msg(command != NULL, "nothing to send, wanted %s", name);
    ck_assert_int_eq(command->verb, verb);
    ck_assert_str_eq(command->name, name);
    ck_assert_str_eq(json_str(command->body), body);
}

static void reply(struct event_outbox *outbox, enum err_kind kind, int http_status)
{
    const struct err err = {.kind = kind, .http_status = http_status};
    event_outbox_reply(outbox, kind == ERR_NONE ? NULL : &err, 0, 0);
}

START_TEST(one_at_a_time_in_order)
{
    AUTO(event_outbox) struct event_outbox *outbox = event_outbox_create(10);
    ck_assert(event_outbox_empty(outbox));
    ck_assert_int_eq(event_outbox_next_ms(outbox), -1);
    ck_assert_ptr_null(event_outbox_take(outbox, 0));
    push(outbox, EVENT_POST, "a");
    push(outbox, EVENT_PATCH, "a");
    ck_assert_int_eq(event_outbox_next_ms(outbox), 0);
    expect_take(outbox, 0, EVENT_POST, "a", "event");
    ck_assert_ptr_null(event_outbox_take(outbox, 0));
    ck_assert_int_eq(event_outbox_next_ms(outbox), -1);
    reply(outbox, ERR_NONE, 0);
    expect_take(outbox, 0, EVENT_PATCH, "a", "series");
    ck_assert(!event_outbox_empty(outbox));
    reply(outbox, ERR_NONE, 0);
    ck_assert(event_outbox_empty(outbox));
    ck_assert_uint_eq(event_outbox_dropped(outbox), 0);
}
END_TEST

START_TEST(full)
{
    AUTO(event_outbox) struct event_outbox *outbox = event_outbox_create(2);
    push(outbox, EVENT_POST, "a");
    push(outbox, EVENT_POST, "b");
    push(outbox, EVENT_POST, "c");
    ck_assert_uint_eq(event_outbox_dropped(outbox), 1);
    expect_take(outbox, 0, EVENT_POST, "a", "event");
    reply(outbox, ERR_NONE, 0);
    push(outbox, EVENT_POST, "d");
    expect_take(outbox, 0, EVENT_POST, "b", "event");
    reply(outbox, ERR_NONE, 0);
    expect_take(outbox, 0, EVENT_POST, "d", "event");
}
END_TEST

START_TEST(replies)
{
    enum outcome {
        RECORDED,
        DROPPED,
        LATER,
        ANEW
    };
    static const struct {
        enum event_verb verb;
        enum err_kind kind;
        int http_status;
        enum outcome outcome;
    } rows[] = {
        {EVENT_POST, ERR_NONE, 0, RECORDED},
        {EVENT_POST, ERR_CONFLICT, 409, RECORDED}, /* an earlier reply was lost */
        {EVENT_POST, ERR_DENIED, 403, DROPPED},
        {EVENT_POST, ERR_NOT_FOUND, 404, DROPPED},
        {EVENT_POST, ERR_INVALID, 422, DROPPED},
        {EVENT_POST, ERR_GONE, 410, DROPPED},
        {EVENT_POST, ERR_FATAL, 0, DROPPED},
        {EVENT_POST, ERR_DENIED, 401, LATER},
        {EVENT_POST, ERR_RETRY, 0, LATER},
        {EVENT_POST, ERR_RETRY, 503, LATER},
        {EVENT_POST, ERR_CANCELLED, 0, LATER},
        {EVENT_PATCH, ERR_NONE, 0, RECORDED},
        {EVENT_PATCH, ERR_NOT_FOUND, 404, ANEW},
        {EVENT_PATCH, ERR_CONFLICT, 409, LATER},
        {EVENT_PATCH, ERR_DENIED, 403, DROPPED},
        {EVENT_PATCH, ERR_RETRY, 429, LATER},
        {EVENT_PATCH, ERR_INVALID, 422, DROPPED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(event_outbox) struct event_outbox *outbox = event_outbox_create(10);
        push(outbox, rows[i].verb, "a");
        ck_assert_ptr_nonnull(event_outbox_take(outbox, 0));
        reply(outbox, rows[i].kind, rows[i].http_status);
        bool empty = rows[i].outcome == RECORDED || rows[i].outcome == DROPPED;
        ck_assert_msg(event_outbox_empty(outbox) == empty, "row %zu", i);
        ck_assert_msg(event_outbox_dropped(outbox) == (rows[i].outcome == DROPPED), "row %zu", i);
        ck_assert_msg((event_outbox_next_ms(outbox) > 0) == (rows[i].outcome == LATER), "row %zu",
                      i);
        if (rows[i].outcome == ANEW) {
            expect_take(outbox, 0, EVENT_POST, "a", "event with series");
            reply(outbox, ERR_NOT_FOUND, 404); /* the namespace is gone, too */
            ck_assert(event_outbox_empty(outbox));
            ck_assert_uint_eq(event_outbox_dropped(outbox), 1);
        }
    }
}
END_TEST

/* The server was away and is back: only what it asked for itself is still waited for. */
START_TEST(hurry_cuts_the_wait_short)
{
    AUTO(event_outbox) struct event_outbox *outbox = event_outbox_create(10);
    event_outbox_hurry(outbox); /* with nothing to send */
    push(outbox, EVENT_POST, "a");
    for (int i = 0; i < 8; i++) {
        ck_assert_ptr_nonnull(event_outbox_take(outbox, 0));
        event_outbox_hurry(outbox); /* under way already */
        ck_assert_int_eq(event_outbox_next_ms(outbox), -1);
        reply(outbox, ERR_RETRY, 0);
        ck_assert_int_gt(event_outbox_next_ms(outbox), 0);
        event_outbox_hurry(outbox);
        ck_assert_int_eq(event_outbox_next_ms(outbox), 0);
    }
    ck_assert_ptr_nonnull(event_outbox_take(outbox, 0));
    const struct err busy = {.kind = ERR_RETRY, .http_status = 429, .retry_after_ms = 7000};
    event_outbox_reply(outbox, &busy, 100, 0);
    ck_assert_int_ge(event_outbox_next_ms(outbox), 7100);
    event_outbox_hurry(outbox);
    ck_assert_int_eq(event_outbox_next_ms(outbox), 7100);
    ck_assert_ptr_nonnull(event_outbox_take(outbox, 7100));
    reply(outbox, ERR_RETRY, 0);
    event_outbox_hurry(outbox); /* of the answer before it said nothing */
    ck_assert_int_eq(event_outbox_next_ms(outbox), 0);
}
END_TEST

START_TEST(twelve_tries)
{
    const int64_t bounds[] = {500,   1000,  2000,  4000,  8000, 16000,
                              30000, 30000, 30000, 30000, 30000};
    const struct err err = {.kind = ERR_RETRY};
    AUTO(event_outbox) struct event_outbox *outbox = event_outbox_create(10);
    push(outbox, EVENT_POST, "a");
    push(outbox, EVENT_POST, "b");
    int64_t now = 0;
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        expect_take(outbox, now, EVENT_POST, "a", "event");
        uint64_t random = i % 2 == 0 ? 0 : (uint64_t)bounds[i] / 2; /* the ends of the jitter */
        event_outbox_reply(outbox, &err, now, random);
        int64_t delay = i % 2 == 0 ? bounds[i] / 2 : bounds[i];
        ck_assert_int_eq(event_outbox_next_ms(outbox), now + delay);
        ck_assert_ptr_null(event_outbox_take(outbox, now + delay - 1));
        now += delay;
    }
    expect_take(outbox, now, EVENT_POST, "a", "event");
    event_outbox_reply(outbox, &err, now, 0);
    ck_assert_uint_eq(event_outbox_dropped(outbox), 1);
    expect_take(outbox, now, EVENT_POST, "b", "event"); /* at once, with tries of its own */
    event_outbox_reply(outbox, &err, now, 0);
    ck_assert_int_eq(event_outbox_next_ms(outbox), now + 250);
}
END_TEST

START_TEST(retry_after)
{
    static const struct {
        int64_t asked_ms;
        int64_t delay_ms;
    } rows[] = {{0, 250}, {100, 250}, {7000, 7000}, {86400000, EVENT_RETRY_AFTER_MAX_MS}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(event_outbox) struct event_outbox *outbox = event_outbox_create(10);
        const struct err err = {.kind = ERR_RETRY, .retry_after_ms = rows[i].asked_ms};
        push(outbox, EVENT_POST, "a");
        event_outbox_take(outbox, 1000);
        event_outbox_reply(outbox, &err, 1000, 0);
        ck_assert_int_eq(event_outbox_next_ms(outbox), 1000 + rows[i].delay_ms);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("event_outbox");
    TCase *tests = tcase_create("event_outbox");
    tcase_add_test(tests, one_at_a_time_in_order);
    tcase_add_test(tests, full);
    tcase_add_test(tests, replies);
    tcase_add_test(tests, twelve_tries);
    tcase_add_test(tests, retry_after);
    tcase_add_test(tests, hurry_cuts_the_wait_short);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
