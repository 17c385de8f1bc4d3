/* Cancel, reset and destroy, from everywhere: each request ends once or, taken back, not at all. */
#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http.h"
#include "unit/fakepeer.h"
#include "unit/http_rig.h"
#include "unit/unit.h"

static struct http_rig rig;

/*
 * In place of the C library's, so that a name can take long to be looked up: nothing may wait for
 * the thread that does it.
 */
static atomic_bool lookups_held; /* lookups of slow.test last until this is false */
static atomic_int lookups_ended;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
    if (node != NULL && strcmp(node, "slow.test") == 0) {
        usleep(1500 * 1000);
        while (atomic_load(&lookups_held)) {
            usleep(1000);
        }
        atomic_fetch_add(&lookups_ended, 1);
        return EAI_FAIL;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, result);
}

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

/* How far a request has come before something happens to it. */
enum stage {
    JUST_SUBMITTED,
    RESOLVING,
    CONNECTING,
    WAITING,   /* for the head */
    STREAMING, /* some of the body has come */
    BUFFERING, /* the same without pieces */
    COMPLETE,  /* done has run */
    STAGES,
};

static void bring_to(struct call *call, enum stage stage, const char *server)
{
    struct http_target target = http_rig_target(&rig);
    switch (stage) {
    case JUST_SUBMITTED:
        call_get(&rig, call, "/echo");
        break;
    case RESOLVING:
        target.server = "https://slow.test:6443";
        http_rig_connect(&rig, &target);
        call_get(&rig, call, "/echo");
        http_rig_idle(&rig, 50);
        break;
    case CONNECTING:
        free(fakepeer_ask("mute %s", server));
        call_get(&rig, call, "/echo");
        http_rig_idle(&rig, 50);
        break;
    case WAITING:
        call_get(&rig, call, "/silent");
        while (fakepeer_number("count %s /silent", server) == 0) {
            http_rig_idle(&rig, 10);
        }
        break;
    case STREAMING:
        call->stream = true;
        call_get(&rig, call, "/pieces?n=3&end=no");
        call_wait(&rig, &call->pieces, 1);
        break;
    case BUFFERING:
        call_get(&rig, call, "/pieces?n=3&end=no");
        call_wait(&rig, &call->heads, 1);
        break;
    case COMPLETE:
    case STAGES:
        call_run(&rig, call, &(struct http_request){.method = "GET", .path = "/echo"});
        break;
    }
}

START_TEST(cancel_at_every_stage)
{
    http_rig_start(&rig, "cancel", "h2");
    struct call call = {0};
    bring_to(&call, (enum stage)_i, "cancel");
    struct call seen = call;
    http_cancel(rig.client, call.id);
    http_cancel(rig.client, call.id);
    http_cancel(rig.client, 0);
    http_rig_idle(&rig, 100);
    ck_assert_int_eq(call.heads, seen.heads);
    ck_assert_int_eq(call.pieces, seen.pieces);
    ck_assert_int_eq(call.dones, seen.dones);
    if (_i != CONNECTING && _i != RESOLVING) {
        expect_next_works();
        ck_assert_int_le(fakepeer_number("connections cancel"), 2);
    }
    finish();
}
END_TEST

START_TEST(slow_name_lookup_is_not_waited_for)
{
    http_rig_start(&rig, "slow", "h2");
    struct call call = {0};
    struct http_target target = http_rig_target(&rig);
    target.server = "https://slow.test:6443";
    http_rig_connect(&rig, &target);
    atomic_store(&lookups_held, true);
    int ended = atomic_load(&lookups_ended);
    call_run(&rig, &call,
             &(struct http_request){.method = "GET", .path = "/echo", .connect_ms = 100});
    call_expect_error(&call, ERR_RETRY, "https://slow.test:6443");
    call_get(&rig, &call, "/echo");
    http_rig_idle(&rig, 20);
    http_cancel(rig.client, call.id);
    ck_assert_int_eq(atomic_load(&lookups_ended), ended);
    atomic_store(&lookups_held, false);
    while (atomic_load(&lookups_ended) == ended) { /* the thread ends and finds nobody */
        http_rig_idle(&rig, 10);
    }
    finish();
}
END_TEST

START_TEST(cancel_spares_other_streams)
{
    http_rig_start(&rig, "spares", "h2");
    struct call watch = {.stream = true};
    struct call call = {.stream = true};
    call_get(&rig, &watch, "/pieces?n=10&pause=0.05");
    call_get(&rig, &call, "/pieces?n=10&pause=0.05");
    call_wait(&rig, &call.pieces, 1);
    http_cancel(rig.client, call.id);
    call_wait(&rig, &watch.dones, 1);
    ck_assert_msg(watch.kind == ERR_NONE, "%s", watch.text);
    ck_assert_uint_eq(watch.len, 10 * strlen("piece\n"));
    ck_assert_int_eq(fakepeer_number("connections spares"), 1);
    finish();
}
END_TEST

START_TEST(reset_at_every_stage)
{
    http_rig_start(&rig, "reset", "h2");
    struct call call = {0};
    bring_to(&call, (enum stage)_i, "reset");
    struct call seen = call;
    int64_t start = clock_mono_ms();
    http_client_reset(rig.client);
    ck_assert_int_lt(clock_mono_ms() - start, 1000);
    ck_assert_int_eq(call.dones, seen.dones); /* from the loop, not from within */
    call_wait(&rig, &call.dones, 1);
    http_rig_idle(&rig, 50);
    ck_assert_int_eq(call.dones, 1);
    if (_i != COMPLETE) {
        call_expect_error(&call, ERR_RETRY, "connections were dropped");
    }
    ck_assert_int_eq(fakepeer_number("open reset"), 0);
    if (_i != CONNECTING && _i != RESOLVING) {
        expect_next_works();
    }
    finish();
}
END_TEST

START_TEST(destroy_at_every_stage)
{
    http_rig_start(&rig, "destroy", "h2");
    struct call call = {0};
    bring_to(&call, (enum stage)_i, "destroy");
    int64_t start = clock_mono_ms();
    http_client_destroy(rig.client);
    ck_assert_int_lt(clock_mono_ms() - start, 1000);
    rig.client = NULL;
    ck_assert_int_eq(call.dones, 1);
    ck_assert_int_eq(call.kind, _i == COMPLETE ? ERR_NONE : ERR_CANCELLED);
    http_rig_idle(&rig, 50);
    ck_assert_int_eq(call.dones, 1);
    finish();
}
END_TEST

static void act_nothing(struct call *call)
{
    (void)call;
}

static void act_cancel_self(struct call *call)
{
    http_cancel(rig.client, call->id);
}

static void act_cancel_other(struct call *call)
{
    http_cancel(rig.client, call->other->id);
}

static void act_cancel_both(struct call *call)
{
    http_cancel(rig.client, call->other->id);
    http_cancel(rig.client, call->id);
}

static void act_submit(struct call *call)
{
    static struct call more;
    more = (struct call){0};
    (void)call;
    call_get(&rig, &more, "/echo");
}

static void act_reset(struct call *call)
{
    (void)call;
    http_client_reset(rig.client);
}

static void act_destroy(struct call *call)
{
    struct http_client *client = rig.client;
    (void)call;
    rig.client = NULL;
    http_client_destroy(client);
}

static const struct {
    void (*act)(struct call *call);
    bool self_ends; /* its `done` still comes when it has not come yet */
    bool other_ends;
    bool other_fails;
} acts[] = {
    {act_nothing, true, true, false},       {act_cancel_self, false, true, false},
    {act_cancel_other, true, false, false}, {act_cancel_both, false, false, false},
    {act_submit, true, true, false},        {act_reset, true, true, true},
    {act_destroy, true, true, true},
};

enum {
    ACTS = ARRAY_LEN(acts),
    IN_HEAD = 0,
    IN_DATA = 1,
    IN_DONE = 2,
};

static void once(struct call *call, void (*act)(struct call *call))
{
    call->on_head = NULL;
    call->on_data = NULL;
    call->on_done = NULL;
    act(call);
}

static int act_chosen; /* an index of acts */
static int acts_run;

static void act_of_this_test(struct call *call)
{
    acts_run++;
    once(call, acts[act_chosen].act);
}

/* `_i`: in which callback, and what is done there. */
START_TEST(anything_from_any_callback)
{
    int where = _i / ACTS;
    int what = _i % ACTS;
    http_rig_start(&rig, "within", "h2");
    struct call other = {.stream = true};
    struct call call = {.stream = true, .other = &other};
    void (**slot[])(struct call *) = {&call.on_head, &call.on_data, &call.on_done};
    *slot[where] = act_of_this_test;
    call_get(&rig, &other, "/pieces?n=6&pause=0.03");
    call_wait(&rig, &other.pieces, 1);
    acts_run = 0;
    act_chosen = what;
    call_get(&rig, &call, "/pieces?n=2&pause=0.02");
    call_wait(&rig, &acts_run, 1);
    bool ends = acts[what].self_ends || where == IN_DONE;
    call_wait(&rig, &call.dones, ends ? 1 : 0);
    call_wait(&rig, &other.dones, acts[what].other_ends ? 1 : 0);
    http_rig_idle(&rig, 60); /* for what must not come */
    ck_assert_int_eq(call.dones, ends);
    ck_assert_int_eq(acts_run, 1);
    ck_assert_int_eq(call.heads, 1);
    ck_assert_int_eq(other.dones, acts[what].other_ends);
    ck_assert_int_eq(other.kind != ERR_NONE, acts[what].other_fails);
    finish();
}
END_TEST

static void submit_again(struct call *call)
{
    if (call->dones < 3) {
        call_get(&rig, call, "/echo");
    }
}

START_TEST(submit_from_done)
{
    http_rig_start(&rig, "again", "h2");
    struct call call = {.on_done = submit_again};
    call_get(&rig, &call, "/echo");
    call_wait(&rig, &call.dones, 3);
    ck_assert_int_eq(call.kind, ERR_NONE);
    http_rig_idle(&rig, 20);
    ck_assert_int_eq(call.dones, 3);
    call = (struct call){.on_done = submit_again};
    call_get(&rig, &call, "/echo");
    http_client_destroy(rig.client); /* each of the three is told */
    rig.client = NULL;
    ck_assert_int_eq(call.dones, 3);
    ck_assert_int_eq(call.kind, ERR_CANCELLED);
    finish();
}
END_TEST

static void submit_bad_again(struct call *call)
{
    if (call->dones < 1000) {
        call_get(&rig, call, "not a path");
    }
}

START_TEST(immediate_failures_starve_nobody)
{
    http_rig_start(&rig, "starve", "h2");
    struct call bad = {.on_done = submit_bad_again};
    struct call good = {0};
    call_get(&rig, &bad, "not a path");
    loop_run_once(rig.loop);
    loop_run_once(rig.loop);
    ck_assert_int_le(bad.dones, 2); /* one a round */
    call_get(&rig, &good, "/echo");
    call_wait(&rig, &good.dones, 1);
    bad.on_done = NULL;
    finish();
}
END_TEST

START_TEST(many_requests_reuse_what_there_is)
{
    http_rig_start(&rig, "flat", "h2");
    for (int i = 0; i < 300; i++) {
        expect_next_works();
    }
    ck_assert_int_eq(fakepeer_number("connections flat"), 1);
    finish();
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("http lifetimes");
    TCase *tcase = tcase_create("lifetimes");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, cancel_at_every_stage, 0, STAGES);
    tcase_add_test(tcase, slow_name_lookup_is_not_waited_for);
    tcase_add_test(tcase, cancel_spares_other_streams);
    tcase_add_loop_test(tcase, reset_at_every_stage, 0, STAGES);
    tcase_add_loop_test(tcase, destroy_at_every_stage, 0, STAGES);
    tcase_add_loop_test(tcase, anything_from_any_callback, 0, 3 * ACTS);
    tcase_add_test(tcase, submit_from_done);
    tcase_add_test(tcase, immediate_failures_starve_nobody);
    tcase_add_test(tcase, many_requests_reuse_what_there_is);
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
