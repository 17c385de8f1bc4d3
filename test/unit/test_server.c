/* The server for probes, with clients that are sockets of this test, on loopback. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/server.h"
#include "unit.h"

enum {
    PATIENCE_MS = 60000
};

struct rig {
    struct loop *loop;
    struct loop_timer *tick; /* so that a run of the loop always ends */
    struct server *server;
    int asked;
};

static void answer(void *arg, const char *path, bool verbose, struct server_answer *ret_answer)
{
    struct rig *rig = arg;
    rig->asked++;
    ret_answer->status = strcmp(path, "/here") == 0 ? 200 : 404;
    buf_printf(&ret_answer->body, "%s%s\n", path, verbose ? " verbose" : "");
}

static void tick(void *arg)
{
    (void)arg;
}

static void rig_start(struct rig *rig)
{
    struct err err;
    *rig = (struct rig){.loop = loop_create()};
    rig->tick = loop_timer_create(rig->loop, tick, NULL);
    ck_assert_int_eq(server_create(rig->loop, "127.0.0.1:0", answer, rig, &rig->server, &err), 0);
    ck_assert_int_gt(server_port(rig->server), 0);
}

static void rig_end(struct rig *rig)
{
    server_destroy(rig->server);
    loop_timer_destroy(rig->tick);
    loop_destroy(rig->loop);
}

static void turn(struct rig *rig)
{
    loop_timer_arm(rig->tick, 10);
    loop_run_once(rig->loop);
}

static int dial(struct rig *rig)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port(rig->server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ssize_t sent = send(fd, text, strlen(text), MSG_NOSIGNAL);
    (void)sent; /* the server may have closed it: then there is no answer */
}

/* Reads until the peer closes it or `end` is there. */
static void listen_for(struct rig *rig, int fd, const char *end, char *text, size_t size)
{
    size_t len = 0;
    int64_t limit = clock_mono_ms() + PATIENCE_MS;
    text[0] = '\0';
    while (end == NULL || strstr(text, end) == NULL) {
        ssize_t got = recv(fd, text + len, size - 1 - len, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            return;
        }
        len += got > 0 ? (size_t)got : 0;
        text[len] = '\0';
        ck_assert_int_lt(clock_mono_ms(), limit);
        turn(rig);
    }
}

static void check(struct rig *rig, const char *request, const char *status, const char *body)
{
    char text[4096];
    int fd = dial(rig);
    say(fd, request);
    listen_for(rig, fd, body, text, sizeof(text));
    ck_assert_msg(strncmp(text, status, strlen(status)) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, body));
    close(fd);
}

START_TEST(requests_are_answered)
{
    struct rig rig;
    rig_start(&rig);
    check(&rig, "GET /here HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200", "\r\n\r\n/here\n");
    check(&rig, "GET /here?verbose HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200", "/here verbose\n");
    check(&rig, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404", "/gone\n");
    ck_assert_int_eq(rig.asked, 3);
    check(&rig, "HEAD /here HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200",
          "Content-Length: 6");
    rig_end(&rig);
}
END_TEST

START_TEST(other_methods_are_refused)
{
    struct rig rig;
    rig_start(&rig);
    check(&rig, "POST /here HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405",
          "only GET");
    check(&rig, "DELETE /here HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405", "only GET");
    ck_assert_int_eq(rig.asked, 0);
    rig_end(&rig);
}
END_TEST

/* A request that comes byte by byte, while others are answered. */
START_TEST(slow_client_holds_nobody_up)
{
    static const char request[] = "GET /here HTTP/1.1\r\nHost: x\r\n\r\n";
    struct rig rig;
    char text[4096];
    rig_start(&rig);
    int slow = dial(&rig);
    for (size_t i = 0; i + 1 < sizeof(request); i++) {
        char piece[2] = {request[i], '\0'};
        say(slow, piece);
        turn(&rig);
        if (i % 8 == 0) {
            check(&rig, request, "HTTP/1.1 200", "/here\n");
        }
    }
    listen_for(&rig, slow, "/here\n", text, sizeof(text));
    close(slow);
    rig_end(&rig);
}
END_TEST

START_TEST(garbage_and_endless_headers_end_in_a_close)
{
    struct rig rig;
    char text[8192];
    static char endless[2 * SERVER_MEMORY_MAX];
    rig_start(&rig);
    int fd = dial(&rig);
    say(fd, "\x16\x03\x01\x02\x00\x01\r\n\r\n");
    shutdown(fd, SHUT_WR);
    listen_for(&rig, fd, NULL, text, sizeof(text));
    close(fd);
    fd = dial(&rig);
    memset(endless, 'a', sizeof(endless) - 1);
    say(fd, "GET /here HTTP/1.1\r\nX-Long: ");
    for (int i = 0; i < 8; i++) {
        say(fd, endless);
        turn(&rig);
    }
    listen_for(&rig, fd, NULL, text, sizeof(text));
    ck_assert_ptr_null(strstr(text, "HTTP/1.1 200"));
    close(fd);
    check(&rig, "GET /here HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200", "/here\n");
    rig_end(&rig);
}
END_TEST

/* More connections than are allowed: those above wait or are closed; one that leaves makes room. */
START_TEST(connections_are_limited)
{
    struct rig rig;
    int fds[SERVER_CONNECTIONS_MAX + 8];
    rig_start(&rig);
    for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
        fds[i] = dial(&rig);
        turn(&rig);
    }
    for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
        close(fds[i]);
    }
    while (rig.asked == 0) { /* until it has noticed that they left, it closes new ones */
        char text[4096];
        int fd = dial(&rig);
        say(fd, "GET /here HTTP/1.1\r\nHost: x\r\n\r\n");
        listen_for(&rig, fd, "/here\n", text, sizeof(text));
        close(fd);
    }
    rig_end(&rig);
}
END_TEST

START_TEST(addresses_that_are_none_are_refused)
{
    static const char *const bad[] = {
        "", "8080", "localhost:80", "127.0.0.1:", "::1:80", "127.0.0.1:http", "192.0.2.1:1"};
    struct loop *loop = loop_create();
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct server *server;
        struct err err;
        ck_assert_int_eq(server_create(loop, bad[i], answer, NULL, &server, &err), -1);
        ck_assert_int_eq(err.kind, ERR_INVALID);
    }
    loop_destroy(loop);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("server");
    TCase *c = tcase_create("server");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, requests_are_answered);
    tcase_add_test(c, other_methods_are_refused);
    tcase_add_test(c, slow_client_holds_nobody_up);
    tcase_add_test(c, garbage_and_endless_headers_end_in_a_close);
    tcase_add_test(c, connections_are_limited);
    tcase_add_test(c, addresses_that_are_none_are_refused);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
