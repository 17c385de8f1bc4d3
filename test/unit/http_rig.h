/*
 * What the tests of pkg/http share: a loop, a client of one scripted server, and calls that write
 * down what their handler was told.
 */
#ifndef TEST_UNIT_HTTP_RIG_H
#define TEST_UNIT_HTTP_RIG_H

#include <check.h>
#include <stdbool.h>

#include "http/http.h"
#include "loop/loop.h"

struct http_rig {
    struct loop *loop;
    struct http_client *client;
    char *ca_pem;
    char url[64];
    int port;
    const char *name; /* the server's, for the peer's commands */
};

/* Starts server `name` of the peer's `kind` and makes a client for it. */
void http_rig_start(struct http_rig *rig, const char *name, const char *kind);
void http_rig_finish(struct http_rig *rig);
/* What the rig's own client was made with; to be varied. */
struct http_target http_rig_target(const struct http_rig *rig);
/* Makes a client of `target` in place of the one that is there. */
void http_rig_connect(struct http_rig *rig, const struct http_target *target);
/* Runs the loop for so long. */
void http_rig_idle(struct http_rig *rig, int64_t ms);

struct call {
    struct http_rig *rig;
    uint64_t id;
    bool stream; /* set before call_submit(): the handler takes pieces */
    void (*on_head)(struct call *call);
    void (*on_data)(struct call *call);
    void (*on_done)(struct call *call);
    struct call *other; /* for the three above */
    int heads;
    int pieces;
    int dones;
    int dones_before; /* when it was submitted last */
    int status;
    size_t len; /* of body */
    char body[8192];
    char content_type[64];
    char warning[128];
    int64_t retry_after_ms;
    int64_t duration_ms;
    bool connected;
    bool sent;
    enum err_kind kind;
    char text[ERR_TEXT_MAX];
};

void call_submit(struct http_rig *rig, struct call *call, const struct http_request *request);
/* GET without limits. */
void call_get(struct http_rig *rig, struct call *call, const char *path);
/* Runs the loop until `*counter` has reached `wanted`; fails after 10 s. */
void call_wait(struct http_rig *rig, const int *counter, int wanted);
/* Submits, waits for the end. */
void call_run(struct http_rig *rig, struct call *call, const struct http_request *request);
/* A whole response with this status and body. */
void call_expect(const struct call *call, int status, const char *body);
/* Exactly one end, with this error whose text contains `part`. */
void call_expect_error(const struct call *call, enum err_kind kind, const char *part);

#endif
