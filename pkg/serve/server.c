#include "serve/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

struct server {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct loop_io *io;
    struct loop_timer *timer; /* connections that time out */
    int port;
    void (*answer)(void *arg, const char *path, bool verbose, struct server_answer *ret_answer);
    void *arg;
};

static enum MHD_Result queue_text(struct MHD_Connection *connection, int status,
                                  const char *content_type, const char *text, size_t len)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, (char *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection)
{
    static const char text[] = "only GET and HEAD\n";
    return queue_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", text,
                      sizeof(text) - 1);
}

/* A body that a client sends is read and dropped by the library. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **state)
{
    static char seen;
    struct server *server = arg;
    (void)version;
    (void)upload;
    if (*state == NULL) { /* called first with the headers, then, to answer, again */
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_len != 0) {
        *upload_len = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return refuse(connection);
    }
    struct server_answer answer = {
        .status = MHD_HTTP_OK, .content_type = "text/plain", .body = BUF_INIT(SERVER_BODY_MAX)};
    bool verbose = MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, "verbose",
                                                 strlen("verbose"), NULL, NULL) == MHD_YES;
    server->answer(server->arg, url, verbose, &answer);
    enum MHD_Result result = queue_text(connection, answer.status, answer.content_type,
                                        buf_str(&answer.body), answer.body.len);
    buf_finish(&answer.body);
    return result;
}

static void run(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    MHD_run(server->daemon);
    /* At its limit of connections the library listens no more, and takes that up again only at the
     * beginning of a run: the one that ended a connection is not enough. */
    MHD_run(server->daemon);
    if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES) {
        loop_timer_arm(server->timer, (int64_t)wait_ms);
    } else {
        loop_timer_disarm(server->timer);
    }
}

static void on_ready(void *arg, int fd, int events)
{
    (void)fd;
    (void)events;
    run(arg);
}

/* Splits "HOST:PORT"; the host may be empty, or in brackets. */
static int split(const char *address, char **ret_host, const char **ret_port, struct err *err)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon != NULL ? (size_t)(colon - address) : 0;
    bool bracketed = len >= 2 && address[0] == '[' && address[len - 1] == ']';
    if (colon == NULL || colon[1] == '\0' || (!bracketed && memchr(address, ':', len) != NULL)) {
        return err_set(err, ERR_INVALID,
                       "\"%s\" is no address to listen on, such as :8080 or [::1]:8080", address);
    }
    *ret_host = xstrndup(address + bracketed, len - 2 * (size_t)bracketed);
    *ret_port = colon + 1;
    return 0;
}

static int bind_socket(const struct addrinfo *at)
{
    static const int on = 1;
    static const int off = 0;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (at->ai_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, SERVER_CONNECTIONS_MAX) < 0) {
        int errnum = errno;
        close(fd);
        errno = errnum;
        return -1;
    }
    return fd;
}

/* Of all addresses, IPv6 first: it takes IPv4 too, where there is IPv6 at all. */
static int open_socket(const char *address, int *ret_fd, struct err *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    AUTO_FREE char *host = NULL;
    const char *port;
    int fd = -1;
    if (split(address, &host, &port, err) < 0) {
        return -1;
    }
    if (getaddrinfo(*host != '\0' ? host : NULL, port, &hints, &found) != 0) {
        return err_set(err, ERR_INVALID, "\"%s\" is no address to listen on", address);
    }
    for (int pass = 0; pass < 2 && fd < 0; pass++) {
        for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
            fd = (at->ai_family == AF_INET6) == (pass == 0) ? bind_socket(at) : -1;
        }
    }
    int errnum = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        return err_set_errno(err, ERR_INVALID, errnum, "cannot listen on %s", address);
    }
    *ret_fd = fd;
    return 0;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    char port[8] = "0";
    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
        getnameinfo((struct sockaddr *)&address, len, NULL, 0, port, sizeof(port), NI_NUMERICSERV);
    }
    return atoi(port);
}

static void timer_fired(void *arg)
{
    run(arg);
}

static struct MHD_Daemon *start_daemon(struct server *server, int fd)
{
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, server,
                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                            (unsigned)SERVER_PER_ADDRESS_MAX, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)SERVER_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)SERVER_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)SERVER_MEMORY_MAX, MHD_OPTION_END);
}

int server_create(struct loop *loop, const char *address,
                  void (*answer)(void *arg, const char *path, bool verbose,
                                 struct server_answer *ret_answer),
                  void *arg, struct server **ret_server, struct err *err)
{
    int fd;
    if (open_socket(address, &fd, err) < 0) {
        return -1;
    }
    struct server *server = xcalloc(1, sizeof(*server));
    server->loop = loop;
    server->answer = answer;
    server->arg = arg;
    server->port = port_of(fd);
    server->daemon = start_daemon(server, fd);
    if (server->daemon == NULL) {
        close(fd);
        free(server);
        return err_set(err, ERR_FATAL, "cannot serve on %s", address);
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    server->io = loop_io_create(loop, info->epoll_fd, LOOP_READ, on_ready, server);
    server->timer = loop_timer_create(loop, timer_fired, server);
    *ret_server = server;
    return 0;
}

void server_destroy(struct server *server)
{
    if (server == NULL) {
        return;
    }
    loop_io_destroy(server->io);
    loop_timer_destroy(server->timer);
    MHD_stop_daemon(server->daemon);
    free(server);
}

int server_port(const struct server *server)
{
    return server->port;
}
