/* The driver against a server that is a socket of this test, on loopback. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "dns/dns.h"
#include "unit.h"

enum {
    LONG_MS = 30000
};

struct rig {
    struct loop *loop;
    int server;
    uint16_t port;
    struct loop_io *io;
    int drop;  /* so many questions are not answered */
    int code;  /* of the answers */
    int heard; /* questions */
    int answers;
    enum dns_result result;
};

static void reply(void *arg, int fd, int events)
{
    struct rig *rig = arg;
    uint8_t message[512];
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    (void)events;
    ssize_t len = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&from, &from_len);
    ck_assert_int_gt(len, 12);
    rig->heard++;
    if (rig->drop-- > 0) {
        return;
    }
    message[2] |= 0x80;
    message[3] = (uint8_t)rig->code;
    ck_assert_int_eq(sendto(fd, message, (size_t)len, 0, (struct sockaddr *)&from, from_len), len);
}

static void rig_start(struct rig *rig)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rig->loop = loop_create();
    rig->server = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(rig->server, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(getsockname(rig->server, (struct sockaddr *)&address, &len), 0);
    rig->port = ntohs(address.sin_port);
    rig->io = loop_io_create(rig->loop, rig->server, LOOP_READ, reply, rig);
}

static void rig_end(struct rig *rig)
{
    loop_io_destroy(rig->io);
    close(rig->server);
    loop_destroy(rig->loop);
}

static void done(void *arg, enum dns_result result)
{
    struct rig *rig = arg;
    rig->answers++;
    rig->result = result;
    loop_stop(rig->loop);
}

static enum dns_result ask(struct rig *rig, int64_t deadline_ms)
{
    const struct dns_question question = {"127.0.0.1", rig->port, "a.b", deadline_ms};
    struct dns_query *query;
    struct err err;
    rig->answers = 0;
    ck_assert_int_eq(dns_ask(rig->loop, &question, done, rig, &query, &err), 0);
    ck_assert_int_eq(rig->answers, 0);
    loop_run(rig->loop);
    ck_assert_int_eq(rig->answers, 1);
    return rig->result;
}

START_TEST(answers_and_failures_are_told_apart)
{
    struct rig rig = {0};
    rig_start(&rig);
    ck_assert_int_eq(ask(&rig, LONG_MS), DNS_ANSWERED);
    rig.code = 3; /* NXDOMAIN: it serves, only not that */
    ck_assert_int_eq(ask(&rig, LONG_MS), DNS_ANSWERED);
    rig.code = 2;
    ck_assert_int_eq(ask(&rig, LONG_MS), DNS_FAILED);
    rig_end(&rig);
}
END_TEST

START_TEST(lost_question_is_asked_again)
{
    struct rig rig = {.drop = 1};
    rig_start(&rig);
    ck_assert_int_eq(ask(&rig, 1500), DNS_ANSWERED);
    ck_assert_int_eq(rig.heard, 2);
    rig_end(&rig);
}
END_TEST

START_TEST(silence_ends)
{
    struct rig rig = {.drop = 100};
    rig_start(&rig);
    ck_assert_int_eq(ask(&rig, 100), DNS_SILENT);
    rig_end(&rig);
}
END_TEST

START_TEST(destroyed_query_says_nothing)
{
    struct rig rig = {0};
    struct err err;
    struct dns_query *query;
    rig_start(&rig);
    const struct dns_question question = {"127.0.0.1", rig.port, "a.b", LONG_MS};
    ck_assert_int_eq(dns_ask(rig.loop, &question, done, &rig, &query, &err), 0);
    dns_query_destroy(query);
    while (rig.heard == 0) {
        loop_run_once(rig.loop);
    }
    ck_assert_int_eq(rig.answers, 0);
    rig_end(&rig);
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    struct rig rig = {0};
    struct err err;
    struct dns_query *query;
    rig_start(&rig);
    const struct dns_question question = {"localhost", rig.port, "a.b", LONG_MS};
    ck_assert_int_eq(dns_ask(rig.loop, &question, done, &rig, &query, &err), -1);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    rig_end(&rig);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("dns_query");
    TCase *c = tcase_create("dns_query");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, answers_and_failures_are_told_apart);
    tcase_add_test(c, lost_question_is_asked_again);
    tcase_add_test(c, silence_ends);
    tcase_add_test(c, destroyed_query_says_nothing);
    tcase_add_test(c, what_is_no_address_is_refused);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
