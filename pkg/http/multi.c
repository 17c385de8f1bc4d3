#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "http/private.h"

enum {
    /* Our side of the limit of streams on one connection; the server has a say too. */
    STREAMS_MAX = 1000,
    /* How long data that was sent may stay unacknowledged before the connection is given up:
     * finds a half-open connection in the midst of a request. */
    USER_TIMEOUT_MS = 30000,
};

struct http_multi {
    struct loop *loop;
    CURLM *curl;
    struct loop_timer *timer;
    void (*ended)(void *arg, CURL *easy, CURLcode result);
    void *arg;
    struct pollfd *sockets; /* of all connections, idle ones included; events POLLRDHUP */
    size_t sockets_len;
    size_t sockets_capacity;
};

static void drain(struct http_multi *multi)
{
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(multi->curl, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            multi->ended(multi->arg, message->easy_handle, message->data.result);
        }
    }
}

static void act(struct http_multi *multi, curl_socket_t socket, int events)
{
    int running;
    HTTP_MUST(curl_multi_socket_action(multi->curl, socket, events, &running));
    drain(multi);
}

static void timer_fired(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void socket_ready(void *arg, int fd, int events)
{
    act(arg, fd,
        ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
            ((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static int timer_wanted(CURLM *curl, long timeout_ms, void *arg)
{
    (void)curl;
    struct http_multi *multi = arg;
    if (timeout_ms < 0) {
        loop_timer_disarm(multi->timer);
    } else {
        loop_timer_arm(multi->timer, timeout_ms);
    }
    return 0;
}

/* Runs in curl_multi_cleanup() too. */
static int socket_wanted(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg)
{
    (void)easy;
    struct http_multi *multi = arg;
    struct loop_io *io = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        loop_io_destroy(io);
        return 0;
    }
    int events = ((what & CURL_POLL_IN) != 0 ? LOOP_READ : 0) |
                 ((what & CURL_POLL_OUT) != 0 ? LOOP_WRITE : 0);
    if (io != NULL) {
        loop_io_set_events(io, events);
    } else {
        io = loop_io_create(multi->loop, socket, events, socket_ready, multi);
        HTTP_MUST(curl_multi_assign(multi->curl, socket, io));
    }
    return 0;
}

static curl_socket_t socket_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct http_multi *multi = arg;
    const unsigned int user_timeout_ms = USER_TIMEOUT_MS;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) {
        return CURL_SOCKET_BAD;
    }
    /* Fails on what is not TCP, where it is not needed. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
    /* What a lost connection has not delivered ends with it. The kernel would go on trying, and a
     * write that was given up arrive once the network is back. */
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    if (multi->sockets_len == multi->sockets_capacity) {
        multi->sockets_capacity = 2 * multi->sockets_capacity + 4;
        multi->sockets =
            xreallocarray(multi->sockets, multi->sockets_capacity, sizeof(*multi->sockets));
    }
    multi->sockets[multi->sockets_len++] = (struct pollfd){.fd = fd, .events = POLLRDHUP};
    return fd;
}

static int socket_close(void *arg, curl_socket_t fd)
{
    struct http_multi *multi = arg;
    for (size_t i = 0; i < multi->sockets_len; i++) {
        if (multi->sockets[i].fd == fd) {
            multi->sockets[i] = multi->sockets[--multi->sockets_len];
            break;
        }
    }
    return close(fd);
}

bool http_multi_lost_connection(struct http_multi *multi)
{
    return poll(multi->sockets, multi->sockets_len, 0) > 0;
}

struct http_multi *http_multi_create(struct loop *loop,
                                     void (*ended)(void *arg, CURL *easy, CURLcode result),
                                     void *arg)
{
    struct http_multi *multi = xcalloc(1, sizeof(*multi));
    multi->loop = loop;
    multi->ended = ended;
    multi->arg = arg;
    multi->timer = loop_timer_create(loop, timer_fired, multi);
    multi->curl = curl_multi_init();
    if (multi->curl == NULL) {
        abort();
    }
    HTTP_MUST(curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, socket_wanted));
    HTTP_MUST(curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi));
    HTTP_MUST(curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, timer_wanted));
    HTTP_MUST(curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi));
    HTTP_MUST(curl_multi_setopt(multi->curl, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX));
    HTTP_MUST(curl_multi_setopt(multi->curl, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)STREAMS_MAX));
    return multi;
}

void http_multi_destroy(struct http_multi *multi)
{
    if (multi != NULL) {
        HTTP_MUST(curl_multi_cleanup(multi->curl));
        loop_timer_destroy(multi->timer);
        free(multi->sockets);
        free(multi);
    }
}

void http_multi_add(struct http_multi *multi, CURL *easy)
{
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_open));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, multi));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, socket_close));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, multi));
    HTTP_MUST(curl_multi_add_handle(multi->curl, easy));
}

void http_multi_remove(struct http_multi *multi, CURL *easy)
{
    HTTP_MUST(curl_multi_remove_handle(multi->curl, easy));
}
