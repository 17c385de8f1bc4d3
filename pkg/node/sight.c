#include "node/sight.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "node/kubeadm_config.h"
#include "node/precondition.h"
#include "json/json.h"

enum {
    QUESTIONS_MAX = 24,
    DEADLINE_MS = 10000,
};

/* Where an answer goes: an offset of a member of struct sight_seen. */
struct question {
    struct sight *sight;
    uint64_t request; /* under way; 0: none */
    struct json_object **array;
    struct json_object **object; /* instead of an array */
};

struct sight {
    struct loop *loop;
    struct kube_client *client;
    char *node;
    void (*done)(void *arg, const struct err *err);
    void *arg;
    struct sight_seen seen;
    struct sight_seen fresh; /* being collected */
    struct question questions[QUESTIONS_MAX];
    size_t asked;
    size_t open; /* not answered yet */
    bool failed;
    struct err err; /* the first failure */
};

static void seen_finish(struct sight_seen *seen)
{
    json_unref(seen->nodes);
    json_unref(seen->pods);
    json_unref(seen->deployments);
    json_unref(seen->services);
    json_unref(seen->slices);
    json_unref(seen->kubeadm);
    *seen = (struct sight_seen){0};
}

struct sight *sight_create(struct loop *loop, struct kube_client *client, const char *node,
                           void (*done)(void *arg, const struct err *err), void *arg)
{
    struct sight *sight = xcalloc(1, sizeof(*sight));
    sight->loop = loop;
    sight->client = client;
    sight->node = xstrdup(node);
    sight->done = done;
    sight->arg = arg;
    return sight;
}

void sight_destroy(struct sight *sight)
{
    if (sight == NULL) {
        return;
    }
    for (size_t i = 0; i < sight->asked; i++) {
        kube_cancel(sight->client, sight->questions[i].request);
    }
    seen_finish(&sight->seen);
    seen_finish(&sight->fresh);
    free(sight->node);
    free(sight);
}

bool sight_is_reading(const struct sight *sight)
{
    return sight->open > 0;
}

const struct sight_seen *sight_seen(const struct sight *sight)
{
    return &sight->seen;
}

/* --- answers --- */

static bool has(const struct json_object *array, const struct json_object *object)
{
    const char *uid = json_get_str(object, "metadata/uid");
    for (size_t i = 0; uid != NULL && i < json_array_len(array); i++) {
        if (strcmp(json_get_str_or(json_array_at(array, i), "metadata/uid", ""), uid) == 0) {
            return true;
        }
    }
    return false;
}

static void add(struct json_object *array, const struct json_object *object)
{
    if (!has(array, object)) {
        json_append_take(array, json_ref(object));
    }
}

static void take(const struct question *question, const struct json_object *json)
{
    const struct json_object *items = json_member(json, "items");
    if (question->object != NULL) {
        *question->object = json_ref(json);
    } else if (!json_is_array(items)) {
        add(*question->array, json);
    }
    for (size_t i = 0; question->array != NULL && i < json_array_len(items); i++) {
        add(*question->array, json_array_at(items, i));
    }
}

static void conclude(struct sight *sight)
{
    if (!sight->failed) {
        seen_finish(&sight->seen);
        sight->seen = sight->fresh;
        sight->fresh = (struct sight_seen){0};
    }
    seen_finish(&sight->fresh);
    sight->asked = 0;
    sight->done(sight->arg, sight->failed ? &sight->err : NULL);
}

static void on_answer(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct question *question = arg;
    struct sight *sight = question->sight;
    question->request = 0;
    if (err == NULL) {
        take(question, reply->json);
    } else if (err->kind != ERR_NOT_FOUND && !sight->failed) {
        sight->failed = true;
        sight->err = *err;
    }
    if (--sight->open == 0) {
        conclude(sight);
    }
}

/* --- questions --- */

static struct question *ask(struct sight *sight, const char *path)
{
    struct question *question = &sight->questions[sight->asked++];
    const struct kube_request request = {.method = "GET", .path = path, .deadline_ms = DEADLINE_MS};
    *question = (struct question){.sight = sight};
    question->request = kube_submit(sight->client, &request, on_answer, question);
    sight->open++;
    return question;
}

static void ask_one(struct sight *sight, const struct kube_resource *resource, const char *ns,
                    const char *name, struct json_object **array)
{
    AUTO_FREE char *path = kube_path(resource, ns, name, NULL);
    ask(sight, path)->array = array;
}

static void ask_list(struct sight *sight, const struct kube_resource *resource, const char *ns,
                     const char *selector, const char *value, struct json_object **array)
{
    AUTO_FREE char *path = kube_path(resource, ns, NULL, NULL);
    AUTO(buf) struct buf query = BUF_INIT(4096);
    buf_puts(&query, path);
    kube_query_add(&query, selector, value);
    ask(sight, buf_str(&query))->array = array;
}

static void ask_services(struct sight *sight)
{
    AUTO(buf) struct buf names = BUF_INIT(1024);
    for (size_t i = 0; precondition_dns_services[i] != NULL; i++) {
        buf_printf(&names, "%s%s", i > 0 ? "," : "", precondition_dns_services[i]);
        ask_one(sight, &resource_service, "kube-system", precondition_dns_services[i],
                &sight->fresh.services);
    }
    AUTO_FREE char *selector = xasprintf("kubernetes.io/service-name in (%s)", buf_str(&names));
    ask_list(sight, &resource_endpointslice, "kube-system", "labelSelector", selector,
             &sight->fresh.slices);
}

void sight_read(struct sight *sight)
{
    struct sight_seen *fresh = &sight->fresh;
    if (sight->open > 0) {
        return;
    }
    sight->failed = false;
    *fresh = (struct sight_seen){
        .nodes = json_new_array(),
        .pods = json_new_array(),
        .deployments = json_new_array(),
        .services = json_new_array(),
        .slices = json_new_array(),
        .asked_ms = loop_now_ms(sight->loop),
    };
    ask_list(sight, &resource_node, NULL, "labelSelector", "node-role.kubernetes.io/control-plane",
             &fresh->nodes);
    ask_list(sight, &resource_node, NULL, "labelSelector", "node-role.kubernetes.io/master",
             &fresh->nodes);
    ask_one(sight, &resource_node, NULL, sight->node, &fresh->nodes);
    ask_list(sight, &resource_pod, "kube-system", "labelSelector", "tier=control-plane",
             &fresh->pods);
    for (size_t i = 0; precondition_replacement_names[i] != NULL; i++) {
        AUTO_FREE char *name = xasprintf("metadata.name=%s", precondition_replacement_names[i]);
        ask_list(sight, &resource_deployment, NULL, "fieldSelector", name, &fresh->deployments);
    }
    ask_services(sight);
    AUTO_FREE char *path =
        kube_path(&resource_configmap, KUBEADM_CONFIG_NAMESPACE, KUBEADM_CONFIG_NAME, NULL);
    ask(sight, path)->object = &fresh->kubeadm;
}
