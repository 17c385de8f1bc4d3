/*
 * A small HTTP server for probes and metrics, on the event loop: the only files that include
 * microhttpd.h.
 *
 * GET and HEAD only, answers made at once from memory. Connections, their memory and their time are
 * limited, so that slow and hostile clients take from each other, not from the operator.
 */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "base/buf.h"
#include "base/err.h"
#include "loop/loop.h"

enum {
    SERVER_CONNECTIONS_MAX = 32,
    SERVER_PER_ADDRESS_MAX = 8, /* one client can't take all of them: the kubelet gets its answer */
    SERVER_TIMEOUT_S = 10,      /* a connection that says nothing for so long is closed */
    SERVER_MEMORY_MAX = 16 * 1024,
    SERVER_BODY_MAX = 4 * 1024 * 1024,
};

struct server_answer {
    int status;               /* of HTTP */
    const char *content_type; /* static */
    struct buf body;          /* made with a limit; released by the server */
};

struct server;

/*
 * Listens on "ADDRESS:PORT", "[IPv6]:PORT" or ":PORT" (all addresses). `answer` is called on the
 * loop for each request; `path` is without its query, `verbose` says that the query has one. Fails
 * (ERR_INVALID) on an address that is none, or can't be listened on.
 */
int server_create(struct loop *loop, const char *address,
                  void (*answer)(void *arg, const char *path, bool verbose,
                                 struct server_answer *ret_answer),
                  void *arg, struct server **ret_server, struct err *err) MUST_CHECK;
void server_destroy(struct server *server);
/* The port that it listens on, for an address with port 0. */
int server_port(const struct server *server);

#endif
