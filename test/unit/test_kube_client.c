#include "kube/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/fakepeer.h"
#include "unit/kube_rig.h"
#include "unit/tempdir.h"
#include "unit/unit.h"

struct outcome {
    struct kube_rig *rig;
    int dones;
    int http_status;
    enum err_kind kind;
    int err_status;
    int64_t retry_after_ms;
    char text[ERR_TEXT_MAX];
    char json[4096]; /* "" when there is none */
};

static void on_done(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct outcome *outcome = arg;
    outcome->dones++;
    outcome->http_status = reply->http_status;
    if (err != NULL) {
        outcome->kind = err->kind;
        outcome->err_status = err->http_status;
        outcome->retry_after_ms = err->retry_after_ms;
        snprintf(outcome->text, sizeof(outcome->text), "%s", err->text);
    }
    if (reply->json != NULL) {
        char *text = json_text(reply->json);
        snprintf(outcome->json, sizeof(outcome->json), "%s", text);
        free(text);
    }
}

static bool is_done(void *arg)
{
    return ((const struct outcome *)arg)->dones > 0;
}

static void run(struct kube_rig *rig, const struct kube_request *request, struct outcome *outcome)
{
    *outcome = (struct outcome){.rig = rig};
    ck_assert_uint_ne(kube_submit(rig->client, request, on_done, outcome), 0);
    ck_assert_int_eq(outcome->dones, 0); /* never from within */
    ck_assert_int_ge(kube_rig_until(rig, 10000, is_done, outcome), 0);
    kube_rig_idle(rig, 20);
    ck_assert_int_eq(outcome->dones, 1);
}

static void get(struct kube_rig *rig, const char *path, struct outcome *outcome)
{
    run(rig, &(struct kube_request){.method = "GET", .path = path}, outcome);
}

static void expect_line(const char *command, const char *wanted)
{
    char *line = fakepeer_ask("%s", command);
    ck_assert_str_eq(line, wanted);
    free(line);
}

START_TEST(a_request_and_its_answer)
{
    struct kube_rig rig;
    struct outcome outcome;
    kube_rig_start(&rig, "plain");
    get(&rig, "/echo?x=1", &outcome);
    ck_assert_int_eq(outcome.kind, ERR_NONE);
    ck_assert_int_eq(outcome.http_status, 200);
    ck_assert_str_eq(outcome.json, "{\"kind\":\"Echo\",\"method\":\"GET\",\"path\":\"/echo?x=1\","
                                   "\"agent\":\"rig/1\",\"accept\":\"application/json\"}");
    ck_assert_int_eq(rig.requests, 1);
    ck_assert_int_eq(rig.last_status, 200);

    run(&rig, &(struct kube_request){.method = "GET", .path = "/echo", .accept = "text/x"},
        &outcome);
    ck_assert_ptr_nonnull(strstr(outcome.json, "\"accept\":\"text/x\""));

    AUTO(json) struct json_object *body = json_new_object();
    json_set_int(body, "n", 1);
    run(&rig, &(struct kube_request){.method = "POST", .path = "/echo", .body = body}, &outcome);
    ck_assert_int_eq(outcome.kind, ERR_NONE);
    expect_line("body plain", "application/json {\"n\":1}");
    run(&rig,
        &(struct kube_request){.method = "PATCH",
                               .path = "/echo",
                               .body = body,
                               .content_type = "application/merge-patch+json"},
        &outcome);
    expect_line("body plain", "application/merge-patch+json {\"n\":1}");
    kube_rig_finish(&rig);
}
END_TEST

START_TEST(answers_that_are_no_json)
{
    struct kube_rig rig;
    struct outcome outcome;
    kube_rig_start(&rig, "nojson");
    get(&rig, "/text", &outcome);
    ck_assert_int_eq(outcome.kind, ERR_NONE);
    ck_assert_str_eq(outcome.json, "");
    get(&rig, "/broken", &outcome);
    ck_assert_int_eq(outcome.kind, ERR_RETRY);
    ck_assert_int_eq(outcome.err_status, 200);
    ck_assert_ptr_nonnull(strstr(outcome.text, "GET /broken: the answer cannot be read"));
    kube_rig_finish(&rig);
}
END_TEST

START_TEST(refusals_are_errors)
{
    static const struct {
        const char *path;
        enum err_kind kind;
        int status;
        int64_t retry_after_ms;
    } refusals[] = {
        {"/fail?code=404&reason=NotFound", ERR_NOT_FOUND, 404, 0},
        {"/fail?code=403", ERR_DENIED, 403, 0},
        {"/fail?code=409&reason=Conflict", ERR_CONFLICT, 409, 0},
        {"/fail?code=410", ERR_GONE, 410, 0},
        {"/fail?code=422&reason=Invalid", ERR_INVALID, 422, 0},
        {"/fail?code=429&after=7", ERR_RETRY, 429, 7000},
        {"/fail?code=500", ERR_RETRY, 500, 0},
        {"/fail?code=503", ERR_RETRY, 503, 0},
    };
    struct kube_rig rig;
    kube_rig_start(&rig, "refusals");
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct outcome outcome;
        get(&rig, refusals[i].path, &outcome);
        ck_assert_msg(outcome.kind == refusals[i].kind, "%s: %s", refusals[i].path, outcome.text);
        ck_assert_int_eq(outcome.http_status, refusals[i].status);
        ck_assert_int_eq(outcome.err_status, refusals[i].status);
        ck_assert_int_eq(outcome.retry_after_ms, refusals[i].retry_after_ms);
        ck_assert_ptr_nonnull(strstr(outcome.text, "GET /fail"));
        ck_assert_ptr_nonnull(strstr(outcome.text, "made up"));
        ck_assert_ptr_nonnull(strstr(outcome.json, "\"Status\""));
        ck_assert_int_eq(rig.last_status, refusals[i].status);
    }
    kube_rig_finish(&rig);
}
END_TEST

/* A write without an answer may have been carried out: it is not sent again. */
START_TEST(no_answer)
{
    struct kube_rig rig;
    struct outcome outcome;
    kube_rig_start(&rig, "noanswer");
    run(&rig, &(struct kube_request){.method = "POST", .path = "/reset"}, &outcome);
    ck_assert_int_eq(outcome.kind, ERR_RETRY);
    ck_assert_int_eq(outcome.err_status, 0);
    ck_assert_int_eq(outcome.http_status, 0);
    ck_assert_ptr_nonnull(strstr(outcome.text, "POST /reset"));
    expect_line("log noanswer", "POST /reset -");
    run(&rig, &(struct kube_request){.method = "POST", .path = "/hang", .deadline_ms = 200},
        &outcome);
    ck_assert_int_eq(outcome.kind, ERR_RETRY);
    ck_assert_int_eq(outcome.err_status, 0);
    expect_line("log noanswer", "POST /hang -");
    /* nobody watches: nobody is asked whether the server is there */
    ck_assert(kube_client_up(rig.client));
    ck_assert_int_eq(fakepeer_number("probes noanswer"), 0);
    kube_rig_finish(&rig);
}
END_TEST

START_TEST(a_rejected_token_is_read_again)
{
    struct kube_rig rig;
    struct outcome outcome;
    char *dir = tempdir_create();
    char *file = tempdir_path(dir, "token");
    kube_rig_start(&rig, "token");
    rig.config.token_file = xstrdup(file);
    tempdir_write(dir, "token", "old");
    kube_rig_connect(&rig);

    tempdir_write(dir, "token", "new");
    get(&rig, "/need-token?token=new", &outcome);
    ck_assert_int_eq(outcome.kind, ERR_NONE);
    ck_assert_str_eq(outcome.json, "{\"kind\":\"Fine\"}");
    expect_line("log token", "GET /need-token?token=new Bearer old|"
                             "GET /need-token?token=new Bearer new");
    /* once, and not for ever */
    get(&rig, "/need-token?token=other", &outcome);
    ck_assert_int_eq(outcome.kind, ERR_DENIED);
    ck_assert_int_eq(outcome.err_status, 401);
    expect_line("log token", "GET /need-token?token=other Bearer new|"
                             "GET /need-token?token=other Bearer new");
    /* a write fails, and the next one has the new token */
    tempdir_write(dir, "token", "newest");
    run(&rig, &(struct kube_request){.method = "POST", .path = "/need-token?token=newest"},
        &outcome);
    ck_assert_int_eq(outcome.kind, ERR_DENIED);
    run(&rig, &(struct kube_request){.method = "POST", .path = "/need-token?token=newest"},
        &outcome);
    ck_assert_int_eq(outcome.kind, ERR_NONE);
    expect_line("log token", "POST /need-token?token=newest Bearer new|"
                             "POST /need-token?token=newest Bearer newest");
    kube_rig_finish(&rig);
    free(file);
    tempdir_destroy(dir);
}
END_TEST

START_TEST(cancelled_and_destroyed)
{
    struct kube_rig rig;
    struct outcome first = {0};
    struct outcome second = {0};
    const struct kube_request request = {.method = "GET", .path = "/hang"};
    kube_rig_start(&rig, "cancel");
    uint64_t id = kube_submit(rig.client, &request, on_done, &first);
    ck_assert_uint_ne(kube_submit(rig.client, &request, on_done, &second), id);
    kube_cancel(rig.client, id);
    kube_cancel(rig.client, id);
    kube_cancel(rig.client, 0);
    kube_rig_idle(&rig, 100);
    ck_assert_int_eq(first.dones, 0);
    ck_assert_int_eq(second.dones, 0);
    kube_rig_finish(&rig);
    ck_assert_int_eq(first.dones, 0);
    ck_assert_int_eq(second.dones, 1);
    ck_assert_int_eq(second.kind, ERR_CANCELLED);
}
END_TEST

START_TEST(warnings_are_told_once)
{
    struct kube_rig rig;
    struct outcome outcome;
    kube_rig_start(&rig, "warnings");
    get(&rig, "/warn?text=old", &outcome);
    get(&rig, "/warn?text=old", &outcome);
    ck_assert_int_eq(rig.warnings, 1);
    ck_assert_str_eq(rig.last_warning, "old");
    get(&rig, "/warn?text=say%20%5C%22no%5C%22", &outcome);
    ck_assert_int_eq(rig.warnings, 2);
    ck_assert_str_eq(rig.last_warning, "say \"no\"");
    kube_rig_finish(&rig);
}
END_TEST

/* --- availability --- */

struct listener {
    struct kube_up_watch *watch;
    struct kube_up_watch **victim; /* destroyed by this one */
    int *order;
    int place; /* when it was called; 0: not */
};

static void on_up(void *arg)
{
    struct listener *listener = arg;
    listener->place = ++*listener->order;
    if (listener->victim != NULL) {
        kube_up_watch_destroy(take_ptr(*listener->victim));
    }
}

static bool was_called(void *arg)
{
    return ((const struct listener *)arg)->place > 0;
}

START_TEST(up_is_told_in_order_and_watches_may_go_meanwhile)
{
    struct kube_rig rig;
    struct listener listeners[4] = {0};
    int order = 0;
    kube_rig_start(&rig, "order");
    for (size_t i = 0; i < ARRAY_LEN(listeners); i++) {
        listeners[i].order = &order;
        listeners[i].watch = kube_client_on_up(rig.client, on_up, &listeners[i]);
    }
    listeners[0].victim = &listeners[1].watch; /* the next one */
    listeners[2].victim = &listeners[2].watch; /* itself */
    kube_client_suspect(rig.client);
    kube_client_suspect(rig.client);
    ck_assert(!kube_client_up(rig.client));
    ck_assert_int_eq(order, 0);
    ck_assert_int_ge(kube_rig_until(&rig, 5000, was_called, &listeners[3]), 0);
    ck_assert(kube_client_up(rig.client));
    ck_assert_int_eq(listeners[0].place, 1);
    ck_assert_int_eq(listeners[1].place, 0);
    ck_assert_int_eq(listeners[2].place, 2);
    ck_assert_int_eq(listeners[3].place, 3);
    /* a suspicion that was wrong is no outage */
    ck_assert_int_eq(kube_client_outage_ms(rig.client), 0);
    ck_assert_int_eq(rig.losses, 0);
    ck_assert_int_eq(rig.recoveries, 0);
    ck_assert_int_eq(fakepeer_number("probes order"), 1);
    kube_up_watch_destroy(listeners[0].watch);
    kube_up_watch_destroy(listeners[3].watch);
    kube_rig_finish(&rig);
}
END_TEST

START_TEST(an_outage_and_its_end)
{
    struct kube_rig rig;
    struct outcome outcome;
    struct listener listener = {0};
    int order = 0;
    listener.order = &order;
    kube_rig_start(&rig, "outage");
    listener.watch = kube_client_on_up(rig.client, on_up, &listener);
    get(&rig, "/echo", &outcome);
    free(fakepeer_ask("stop outage"));
    get(&rig, "/echo", &outcome);
    ck_assert_int_eq(outcome.kind, ERR_RETRY);
    kube_client_suspect(rig.client);
    kube_rig_idle(&rig, 1200);
    ck_assert_int_eq(rig.losses, 1);
    ck_assert_int_eq(order, 0);
    free(fakepeer_ask("start outage"));
    ck_assert_int_ge(kube_rig_until(&rig, 1000, was_called, &listener), 0);
    ck_assert_int_eq(rig.recoveries, 1);
    ck_assert_int_ge(kube_client_outage_ms(rig.client), 1200);
    ck_assert_int_eq(rig.outage_ms, kube_client_outage_ms(rig.client));
    /* the probe's connection serves the requests that waited */
    int connections = fakepeer_number("connections outage");
    get(&rig, "/echo", &outcome);
    ck_assert_int_eq(outcome.kind, ERR_NONE);
    ck_assert_int_eq(fakepeer_number("connections outage"), connections);
    kube_up_watch_destroy(listener.watch);
    kube_rig_finish(&rig);
}
END_TEST

/* --- identities --- */

static bool is_up(void *arg)
{
    return kube_client_up(arg);
}

/* A question to the server; it answers. */
static void probe(struct kube_rig *rig)
{
    kube_client_suspect(rig->client);
    ck_assert_int_ge(kube_rig_until(rig, 5000, is_up, rig->client), 0);
}

START_TEST(a_token_that_cannot_be_renewed_is_told_once)
{
    struct kube_rig rig;
    struct outcome outcome;
    char *dir = tempdir_create();
    char *file = tempdir_path(dir, "token");
    kube_rig_start(&rig, "distrust");
    rig.config.token_file = xstrdup(file);
    tempdir_write(dir, "token", "good");
    kube_rig_connect(&rig);
    probe(&rig);
    ck_assert_int_eq(rig.distrusts, 0);
    for (int time = 1; time <= 2; time++) {
        tempdir_write(dir, "token", "");
        get(&rig, "/need-token?token=other", &outcome);
        for (int i = 0; i < 3; i++) {
            probe(&rig);
            ck_assert_int_eq(rig.distrusts, time);
        }
        ck_assert_ptr_nonnull(strstr(rig.last_distrust, file));
        ck_assert_ptr_nonnull(strstr(rig.last_distrust, "credentials cannot be renewed: "));
        /* it is well again: what comes then is news */
        tempdir_write(dir, "token", "good");
        get(&rig, "/need-token?token=other", &outcome);
        probe(&rig);
    }
    ck_assert_int_eq(rig.distrusts, 2);
    kube_rig_finish(&rig);
    free(file);
    tempdir_destroy(dir);
}
END_TEST

static bool has_distrust(void *arg)
{
    return ((const struct kube_rig *)arg)->distrusts > 0;
}

START_TEST(a_server_that_is_not_trusted_is_told_once)
{
    struct kube_rig rig;
    struct outcome outcome;
    kube_rig_start(&rig, "stranger");
    xstr_replace(&rig.config.ca_pem, NULL); /* the system's roots */
    kube_rig_connect(&rig);
    get(&rig, "/echo", &outcome);
    ck_assert_int_eq(outcome.kind, ERR_RETRY);
    ck_assert_int_eq(rig.distrusts, 0); /* the prober finds it out */
    kube_client_suspect(rig.client);
    ck_assert_int_ge(kube_rig_until(&rig, 5000, has_distrust, &rig), 0);
    kube_rig_idle(&rig, 1500); /* some probes later */
    ck_assert_int_eq(rig.distrusts, 1);
    ck_assert_ptr_nonnull(strstr(rig.last_distrust, "certificate is not trusted: "));
    kube_rig_finish(&rig);
}
END_TEST

START_TEST(a_doubt_is_one_question)
{
    struct kube_rig rig;
    kube_rig_start(&rig, "doubt");
    kube_client_doubt(rig.client);
    kube_client_doubt(rig.client);
    kube_rig_idle(&rig, 200);
    ck_assert_int_eq(fakepeer_number("probes doubt"), 1);
    ck_assert(kube_client_up(rig.client));
    kube_rig_finish(&rig);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("kube_client");
    TCase *c = tcase_create("kube_client");
    tcase_set_timeout(c, 30);
    tcase_add_test(c, a_request_and_its_answer);
    tcase_add_test(c, answers_that_are_no_json);
    tcase_add_test(c, refusals_are_errors);
    tcase_add_test(c, no_answer);
    tcase_add_test(c, a_rejected_token_is_read_again);
    tcase_add_test(c, cancelled_and_destroyed);
    tcase_add_test(c, warnings_are_told_once);
    tcase_add_test(c, up_is_told_in_order_and_watches_may_go_meanwhile);
    tcase_add_test(c, an_outage_and_its_end);
    tcase_add_test(c, a_doubt_is_one_question);
    tcase_add_test(c, a_token_that_cannot_be_renewed_is_told_once);
    tcase_add_test(c, a_server_that_is_not_trusted_is_told_once);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    fakepeer_start("fake.kubepeer");
    int status = unit_main(suite());
    fakepeer_stop();
    return status;
}
