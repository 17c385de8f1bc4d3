/* Local probes against scripted servers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "staticpod/probe.h"
#include "unit/fakepeer.h"
#include "unit/unit.h"

struct answer {
    int count;
    bool healthy;
    int64_t sent_ms;
    char text[512];
};

static struct loop *loop;

static void start(void)
{
    loop = loop_create();
}

static void finish(void)
{
    loop_destroy(loop);
}

static void note(void *arg, bool healthy, int64_t sent_ms, const char *text)
{
    struct answer *answer = arg;
    answer->count++;
    answer->healthy = healthy;
    answer->sent_ms = sent_ms;
    snprintf(answer->text, sizeof(answer->text), "%s", text);
}

static void ask(struct probe *probe, struct answer *answer)
{
    int before = answer->count;
    int64_t now_ms = loop_now_ms(loop);
    probe_send(probe);
    ck_assert_int_eq(answer->count, before); /* never from within */
    while (answer->count == before) {
        loop_run_once(loop);
    }
    ck_assert_int_eq(answer->count, before + 1);
    ck_assert(answer->sent_ms >= now_ms && answer->sent_ms <= loop_now_ms(loop));
}

static struct answer probe_once(const struct probe_target *target)
{
    struct answer answer = {0};
    struct err err;
    AUTO(probe) struct probe *probe = NULL;
    ck_assert_int_eq(probe_create(loop, target, note, &answer, &probe, &err), 0);
    ask(probe, &answer);
    return answer;
}

static struct probe_target target_of(const char *name, const char *kind)
{
    return (struct probe_target){
        .host = "127.0.0.1",
        .port = fakepeer_number("serve %s %s", name, kind),
        .https = true,
        .paths = {"/echo?livez", "/status?code=200"},
        .timeout_ms = 30000,
    };
}

START_TEST(all_paths_answer)
{
    struct probe_target target = target_of("good", "h2");
    struct answer answer = probe_once(&target);
    ck_assert_msg(answer.healthy, "%s", answer.text);
    ck_assert_str_eq(answer.text, "");
    ck_assert_int_eq(fakepeer_number("count good /echo"), 1);
    ck_assert_int_eq(fakepeer_number("count good /status"), 1);
}
END_TEST

/* The kubelet verifies none either: a component's certificate is its own, and may be old. */
START_TEST(certificate_does_not_matter)
{
    struct probe_target target = target_of("old", "expired");
    ck_assert(probe_once(&target).healthy);
    target = target_of("strange", "otherca");
    target.host = "localhost";
    ck_assert(probe_once(&target).healthy);
}
END_TEST

START_TEST(statuses_as_the_kubelet_takes_them)
{
    static const struct {
        const char *path;
        bool healthy;
    } table[] = {
        {"/status?code=204", true},  {"/status?code=302", true},  {"/status?code=399", true},
        {"/status?code=400", false}, {"/status?code=401", false}, {"/status?code=500", false},
    };
    struct probe_target target = target_of("statuses", "h1");
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        target.paths[0] = table[i].path;
        struct answer answer = probe_once(&target);
        ck_assert_msg(answer.healthy == table[i].healthy, "%s: %s", table[i].path, answer.text);
        ck_assert_int_eq(answer.text[0] == '\0', table[i].healthy);
    }
    ck_assert_int_eq(fakepeer_number("count statuses /status"), 6 + 3); /* the second path too */
}
END_TEST

START_TEST(second_path_fails)
{
    struct probe_target target = target_of("half", "h2");
    target.paths[1] = "/status?code=500";
    struct answer answer = probe_once(&target);
    ck_assert(!answer.healthy);
    ck_assert_ptr_nonnull(strstr(answer.text, "/status?code=500 answers with status 500"));
}
END_TEST

START_TEST(nobody_answers)
{
    struct probe_target target = target_of("silent", "h2");
    target.paths[0] = "/silent";
    target.timeout_ms = 200;
    struct answer answer = probe_once(&target);
    ck_assert(!answer.healthy);
    ck_assert_ptr_nonnull(strstr(answer.text, "/silent: "));
    target.port = 1; /* refused */
    target.https = false;
    answer = probe_once(&target);
    ck_assert(!answer.healthy);
    target.host = "::1";
    answer = probe_once(&target);
    ck_assert(!answer.healthy);
}
END_TEST

START_TEST(again_and_taken_back)
{
    struct answer answer = {0};
    struct err err;
    struct probe *probe = NULL;
    struct probe_target target = target_of("again", "h2");
    ck_assert_int_eq(probe_create(loop, &target, note, &answer, &probe, &err), 0);
    ask(probe, &answer);
    ask(probe, &answer);
    ck_assert_int_eq(fakepeer_number("count again /echo"), 2);
    probe_send(probe);
    probe_send(probe); /* one is under way */
    probe_destroy(probe);
    loop_run(loop);
    ck_assert_int_eq(answer.count, 2);
    ck_assert_int_le(fakepeer_number("count again /echo"), 3);
}
END_TEST

START_TEST(target_that_can_not_be)
{
    struct probe *probe = NULL;
    struct err err;
    struct probe_target target = {.host = "a host", .port = 1, .paths = {"/"}, .timeout_ms = 1};
    ck_assert_int_eq(probe_create(loop, &target, note, NULL, &probe, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot probe http://a host:1"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("staticpod probe");
    TCase *c = tcase_create("probe");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, start, finish);
    tcase_add_test(c, all_paths_answer);
    tcase_add_test(c, certificate_does_not_matter);
    tcase_add_test(c, statuses_as_the_kubelet_takes_them);
    tcase_add_test(c, second_path_fails);
    tcase_add_test(c, nobody_answers);
    tcase_add_test(c, again_and_taken_back);
    tcase_add_test(c, target_that_can_not_be);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    fakepeer_start("fake.unitpeer");
    int result = unit_main(suite());
    fakepeer_stop();
    return result;
}
