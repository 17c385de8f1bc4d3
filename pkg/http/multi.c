#include <stdlib.h>

#include "base/alloc.h"
#include "http/private.h"

enum {
    /* Our side of the limit of streams on one connection; the server has a say too. */
    STREAMS_MAX = 1000,
};

struct http_multi {
    struct loop *loop;
    CURLM *curl;
    struct loop_timer *timer;
    void (*ended)(void *arg, CURL *easy, CURLcode result);
    void *arg;
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
        free(multi);
    }
}

void http_multi_add(struct http_multi *multi, CURL *easy)
{
    HTTP_MUST(curl_multi_add_handle(multi->curl, easy));
}

void http_multi_remove(struct http_multi *multi, CURL *easy)
{
    HTTP_MUST(curl_multi_remove_handle(multi->curl, easy));
}
