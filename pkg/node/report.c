#include "node/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "staticpod/sha256.h"
#include "json/json.h"

enum {
    MANAGER_MAX = 128, /* ValidateFieldManager */
    AGAIN_MS = 5000,
};

struct report {
    struct loop *loop;
    struct kube_client *client;
    char *node;
    void (*loaded)(void *arg);
    void *arg;
    bool is_loaded;
    struct json_object *before;
    char *wanted; /* what is to stand there; NULL: nothing yet */
    char *sent;   /* what arrived last */
    char *sending;
    uint64_t request; /* 0: none under way */
    bool complained;  /* that it is refused */
    struct loop_timer *again;
};

static void take_before(struct report *report, const struct json_object *configmap)
{
    size_t len = 0;
    const struct json_object *value = json_member(json_member(configmap, "data"), report->node);
    const char *text = json_get_str_len(value, "", &len);
    struct err err;
    if (text != NULL && json_parse(text, len, &report->before, &err) < 0) {
        LOG_DEBUG("what this node said last can't be read", "error", err.text);
    }
}

static void on_before(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct report *report = arg;
    report->request = 0;
    report->is_loaded = true;
    if (err == NULL) {
        take_before(report, reply->json);
    }
    report->loaded(report->arg);
}

static void send_wanted(void *arg);

struct report *report_create(struct loop *loop, struct kube_client *client, const char *node,
                             void (*loaded)(void *arg), void *arg)
{
    AUTO_FREE char *path = kube_path(&resource_configmap, "kube-system", REPORT_CONFIGMAP, NULL);
    const struct kube_request request = {.method = "GET", .path = path, .deadline_ms = AGAIN_MS};
    struct report *report = xcalloc(1, sizeof(*report));
    *report = (struct report){
        .loop = loop, .client = client, .node = xstrdup(node), .loaded = loaded, .arg = arg};
    report->again = loop_timer_create(loop, send_wanted, report);
    report->request = kube_submit(client, &request, on_before, report);
    return report;
}

void report_destroy(struct report *report)
{
    if (report == NULL) {
        return;
    }
    kube_cancel(report->client, report->request);
    loop_timer_destroy(report->again);
    json_unref(report->before);
    free(report->node);
    free(report->wanted);
    free(report->sent);
    free(report->sending);
    free(report);
}

bool report_is_loaded(const struct report *report)
{
    return report->is_loaded;
}

const struct json_object *report_before(const struct report *report, const char *manifest)
{
    return json_member(json_member(report->before, "manifests"), manifest);
}

bool report_is_sent(const struct report *report)
{
    return report->wanted == NULL ||
           (report->sent != NULL && strcmp(report->sent, report->wanted) == 0);
}

/* The node's name may be longer than a manager's may be. */
static char *manager_of(const char *node)
{
    char digest[SHA256_HEX_SIZE];
    char *manager = xasprintf("yurt-steward-node-%s", node);
    if (strlen(manager) > MANAGER_MAX) {
        sha256_hex(node, strlen(node), digest);
        free(manager);
        manager = xasprintf("yurt-steward-node-%s", digest);
    }
    return manager;
}

static void on_sent(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct report *report = arg;
    (void)reply;
    report->request = 0;
    if (err != NULL) {
        if (!report->complained && err->http_status != 0) {
            LOG_WARN("cannot say how the manifests stand", "error", err->text);
            report->complained = true;
        }
        free(take_ptr(report->sending));
    } else {
        free(report->sent);
        report->sent = take_ptr(report->sending);
        report->complained = false;
    }
    loop_timer_arm(report->again, err != NULL ? AGAIN_MS : 0);
}

static void send_wanted(void *arg)
{
    struct report *report = arg;
    if (report->request != 0 || report_is_sent(report)) {
        return;
    }
    AUTO_FREE char *path = kube_path(&resource_configmap, "kube-system", REPORT_CONFIGMAP, NULL);
    AUTO_FREE char *manager = manager_of(report->node);
    AUTO(buf) struct buf query = BUF_INIT(4096);
    AUTO(json) struct json_object *body = json_new_object();
    buf_puts(&query, path);
    kube_query_add(&query, "fieldManager", manager);
    kube_query_add(&query, "force", "true");
    json_set_str(body, "apiVersion", "v1");
    json_set_str(body, "kind", "ConfigMap");
    json_set_str(json_ensure_object(body, "metadata"), "name", REPORT_CONFIGMAP);
    json_set_str(json_ensure_object(body, "metadata"), "namespace", "kube-system");
    json_set_str(json_ensure_object(body, "data"), report->node, report->wanted);
    const struct kube_request request = {.method = "PATCH",
                                         .path = buf_str(&query),
                                         .content_type = "application/apply-patch+yaml",
                                         .body = body,
                                         .deadline_ms = AGAIN_MS};
    xstr_replace(&report->sending, report->wanted);
    report->request = kube_submit(report->client, &request, on_sent, report);
}

void report_put(struct report *report, const struct json_object *said)
{
    free(report->wanted);
    report->wanted = json_text(said);
    if (!loop_timer_armed(report->again)) {
        send_wanted(report);
    }
}
