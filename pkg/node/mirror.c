#include "node/mirror.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/object.h"
#include "json/json.h"

enum {
    DEADLINE_MS = 5000
};

void mirror_init(struct mirror *mirror, struct loop *loop, struct kube_client *client,
                 void (*answered)(void *arg), void *arg)
{
    *mirror = (struct mirror){.loop = loop, .client = client, .answered = answered, .arg = arg};
}

void mirror_finish(struct mirror *mirror)
{
    kube_cancel(mirror->client, mirror->request);
    json_unref(mirror->pod);
    mirror->request = 0;
    mirror->pod = NULL;
}

static void on_answer(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct mirror *mirror = arg;
    mirror->request = 0;
    mirror->asked_ms = mirror->sent_ms;
    json_unref(mirror->pod);
    mirror->pod = err == NULL ? json_ref(reply->json) : NULL;
    mirror->known = err == NULL || err->kind == ERR_NOT_FOUND;
    if (err != NULL) {
        mirror->err = *err;
    }
    mirror->answered(mirror->arg);
}

void mirror_ask(struct mirror *mirror, const char *ns, const char *pod)
{
    if (mirror->request != 0) {
        return;
    }
    AUTO_FREE char *path = kube_path(&resource_pod, ns, pod, NULL);
    const struct kube_request request = {.method = "GET", .path = path, .deadline_ms = DEADLINE_MS};
    mirror->sent_ms = loop_now_ms(mirror->loop);
    mirror->request = kube_submit(mirror->client, &request, on_answer, mirror);
}

const char *mirror_hash(const struct mirror *mirror)
{
    return json_get_str(mirror->pod, "metadata/annotations/kubernetes.io~1config.hash");
}

bool mirror_ready(const struct mirror *mirror)
{
    const struct json_object *ready = object_condition(mirror->pod, "Ready");
    return strcmp(json_get_str_or(ready, "status", ""), "True") == 0;
}
