#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "dns/dns.h"
#include "dns/message.h"

struct dns_query {
    void (*done)(void *arg, enum dns_result result);
    void *arg;
    int fd;
    struct loop_io *io;
    struct loop_timer *again;
    struct loop_timer *limit;
    uint8_t message[DNS_MESSAGE_MAX];
    size_t message_len;
};

void dns_query_destroy(struct dns_query *query)
{
    if (query == NULL) {
        return;
    }
    loop_io_destroy(query->io);
    loop_timer_destroy(query->again);
    loop_timer_destroy(query->limit);
    if (query->fd >= 0) {
        close(query->fd);
    }
    free(query);
}

static void finish(struct dns_query *query, enum dns_result result)
{
    void (*done)(void *, enum dns_result) = query->done;
    void *arg = query->arg;
    dns_query_destroy(query);
    done(arg, result);
}

static void too_late(void *arg)
{
    finish(arg, DNS_SILENT);
}

/* A failed send, like a lost one, is silence: unreachable networks come and go. */
static void send_again(void *arg)
{
    struct dns_query *query = arg;
    ssize_t sent = send(query->fd, query->message, query->message_len, MSG_NOSIGNAL);
    (void)sent;
}

static void readable(void *arg, int fd, int events)
{
    struct dns_query *query = arg;
    uint8_t answer[DNS_MESSAGE_MAX + 1];
    (void)events;
    ssize_t len = recv(fd, answer, sizeof(answer), 0);
    if (len < 0) {
        return; /* ECONNREFUSED among them: the server may be about to listen */
    }
    int code = dns_message_answer(answer, (size_t)len, query->message, query->message_len);
    if (code >= 0) {
        finish(query, code == 0 || code == 3 ? DNS_ANSWERED : DNS_FAILED);
    }
}

/* A connected socket takes datagrams from that server only. */
static int open_socket(const struct dns_question *question, int *ret_fd, struct err *err)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_DGRAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
    };
    struct addrinfo *found = NULL;
    AUTO_FREE char *port = xasprintf("%u", (unsigned)question->port);
    if (getaddrinfo(question->address, port, &hints, &found) != 0) {
        return err_set(err, ERR_INVALID, "\"%s\" is no IP address", question->address);
    }
    int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        freeaddrinfo(found);
        return err_set_errno(err, ERR_RETRY, errno, "no socket to ask %s", question->address);
    }
    if (connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    *ret_fd = fd;
    return 0;
}

int dns_ask(struct loop *loop, const struct dns_question *question,
            void (*done)(void *arg, enum dns_result result), void *arg,
            struct dns_query **ret_query, struct err *err)
{
    uint8_t message[DNS_MESSAGE_MAX];
    int fd = -1;
    int len =
        dns_message_query(question->name, (uint16_t)loop_random(loop, 1U << 16), message, err);
    if (len < 0 || open_socket(question, &fd, err) < 0) {
        return -1;
    }
    struct dns_query *query = xcalloc(1, sizeof(*query));
    query->done = done;
    query->arg = arg;
    query->fd = fd;
    query->message_len = (size_t)len;
    memcpy(query->message, message, sizeof(message));
    query->limit = loop_timer_create(loop, too_late, query);
    query->again = loop_timer_create(loop, send_again, query);
    loop_timer_arm(query->limit, question->deadline_ms);
    if (fd >= 0) { /* without a route to the server there is nothing to hear either */
        query->io = loop_io_create(loop, fd, LOOP_READ, readable, query);
        send_again(query);
        loop_timer_arm(query->again, question->deadline_ms / 3);
    }
    *ret_query = query;
    return 0;
}
