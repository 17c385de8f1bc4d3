#include "staticpod/probe.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "http/http.h"

struct probe {
    struct loop *loop;
    struct http_client *client;
    char *paths[PROBE_PATHS_MAX];
    int64_t timeout_ms;
    void (*done)(void *arg, bool healthy, int64_t sent_ms, const char *text);
    void *arg;
    uint64_t request; /* under way; 0: none */
    size_t at;        /* the path that is asked */
    int64_t sent_ms;
};

static void ask(struct probe *probe);

static void finish(struct probe *probe, const char *text)
{
    probe->request = 0;
    probe->done(probe->arg, *text == '\0', probe->sent_ms, text);
}

/* The API server lists what is not ready in the body, a line each. */
static void finish_refused(struct probe *probe, const struct http_response *response)
{
    AUTO_FREE char *text = xasprintf("%s answers with status %d: %.200s", probe->paths[probe->at],
                                     response->status, response->body);
    for (char *c = strchr(text, '\n'); c != NULL; c = strchr(c, '\n')) {
        *c = ' ';
    }
    finish(probe, text);
}

static void answered(void *arg, const struct http_response *response, const struct err *err)
{
    struct probe *probe = arg;
    if (err != NULL) {
        AUTO_FREE char *text = xasprintf("%s: %s", probe->paths[probe->at], err->text);
        finish(probe, text);
    } else if (response->status < 200 || response->status >= 400) {
        finish_refused(probe, response);
    } else if (++probe->at < PROBE_PATHS_MAX && probe->paths[probe->at] != NULL) {
        ask(probe);
    } else {
        finish(probe, "");
    }
}

static void ask(struct probe *probe)
{
    static const struct http_handler handler = {.done = answered};
    struct http_request request = {
        .method = "GET",
        .path = probe->paths[probe->at],
        .fresh_connection = true,
        .connect_ms = probe->timeout_ms,
        .deadline_ms = probe->timeout_ms,
        .body_limit = 64 << 10,
    };
    probe->request = http_submit(probe->client, &request, &handler, probe);
}

void probe_send(struct probe *probe)
{
    if (probe->request == 0) {
        probe->at = 0;
        probe->sent_ms = loop_now_ms(probe->loop);
        ask(probe);
    }
}

int probe_create(struct loop *loop, const struct probe_target *target,
                 void (*done)(void *arg, bool healthy, int64_t sent_ms, const char *text),
                 void *arg, struct probe **ret_probe, struct err *err)
{
    bool brackets = strchr(target->host, ':') != NULL;
    AUTO_FREE char *server =
        xasprintf("%s://%s%s%s:%d", target->https ? "https" : "http", brackets ? "[" : "",
                  target->host, brackets ? "]" : "", target->port);
    struct http_target http = {
        .server = server, .insecure_skip_verify = true, .user_agent = "yurt-steward-probe"};
    struct http_client *client = NULL;
    if (http_client_create(loop, &http, &client, err) < 0) {
        return err_wrap(err, "cannot probe %s", server);
    }
    struct probe *probe = xcalloc(1, sizeof(*probe));
    *probe = (struct probe){
        .loop = loop, .client = client, .timeout_ms = target->timeout_ms, .done = done, .arg = arg};
    for (size_t i = 0; i < PROBE_PATHS_MAX; i++) {
        probe->paths[i] = xstrdup(target->paths[i]);
    }
    *ret_probe = probe;
    return 0;
}

void probe_destroy(struct probe *probe)
{
    if (probe != NULL) {
        http_cancel(probe->client, probe->request);
        http_client_destroy(probe->client);
        for (size_t i = 0; i < PROBE_PATHS_MAX; i++) {
            free(probe->paths[i]);
        }
        free(probe);
    }
}
