#include "node/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "json/json.h"

enum {
    SECOND_MS = 1000,
    NOTICE_S = 20, /* the kubelet looks at its directory that often where inotify tells it nothing
                      (fileCheckFrequency) */
    GRACE_S = 30,  /* terminationGracePeriodSeconds, when absent */
    CONTROLLER_MANAGER_PORT = 10257,
    APISERVER_PORT = 6443,
};

/* --- probes --- */

/* The first of the probes that asks by HTTP; NULL: none does. */
static const struct json_object *find_probe(const struct json_object *container)
{
    static const char *const names[] = {"livenessProbe", "startupProbe", "readinessProbe"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct json_object *probe = json_member(container, names[i]);
        if (json_is_object(json_member(probe, "httpGet"))) {
            return json_member(probe, "httpGet");
        }
    }
    return NULL;
}

static int named_port(const struct json_object *container, const char *name)
{
    const struct json_object *ports = json_member(container, "ports");
    for (size_t i = 0; i < json_array_len(ports); i++) {
        const struct json_object *port = json_array_at(ports, i);
        if (strcmp(json_get_str_or(port, "name", ""), name) == 0) {
            return (int)json_get_int(port, "containerPort", 0);
        }
    }
    return 0;
}

static int probe_port(const struct json_object *container, const struct json_object *probe)
{
    const char *name = json_get_str(probe, "port");
    int64_t port = name == NULL ? json_get_int(probe, "port", 0) : named_port(container, name);
    return port > 0 && port <= 65535 ? (int)port : 0;
}

static void read_probe(const struct json_object *container, enum staticpod_component component,
                       struct facts *facts)
{
    const struct json_object *probe = find_probe(container);
    int usual =
        component == STATICPOD_APISERVER ? (int)APISERVER_PORT : (int)CONTROLLER_MANAGER_PORT;
    int port = probe_port(container, probe);
    facts->host = xstrdup(json_get_str_or(probe, "host", "127.0.0.1"));
    facts->port = port > 0 ? port : usual;
    facts->https = port == 0 || strcmp(json_get_str_or(probe, "scheme", "HTTP"), "HTTPS") == 0;
}

/* --- time --- */

/* How long the kubelet lets the pod fail before it starts it anew. */
static int64_t probe_seconds(const struct json_object *container)
{
    const struct json_object *probe = json_member(container, "startupProbe");
    if (!json_is_object(probe)) {
        probe = json_member(container, "livenessProbe");
    }
    return json_get_int(probe, "initialDelaySeconds", 0) +
           json_get_int(probe, "failureThreshold", 3) * json_get_int(probe, "periodSeconds", 10);
}

static int64_t budget(const struct json_object *document, const struct json_object *container)
{
    int64_t seconds = NOTICE_S + probe_seconds(container) +
                      json_get_int(document, "spec/terminationGracePeriodSeconds", GRACE_S);
    bool sane = seconds > 0 && seconds < 3600;
    return (sane ? seconds : 3600) * SECOND_MS;
}

bool facts_read(const char *text, size_t len, enum staticpod_component component,
                struct facts *ret_facts)
{
    AUTO(staticpod_manifest) struct staticpod_manifest manifest = {0};
    AUTO(staticpod_refusal) struct staticpod_refusal refusal = {0};
    *ret_facts = (struct facts){0};
    if (staticpod_manifest_read(text, len, component, &manifest, &refusal) < 0) {
        return false;
    }
    const struct json_object *document = manifest.document;
    const struct json_object *container =
        json_array_at(json_get(document, "spec/containers"), manifest.container_index);
    *ret_facts = (struct facts){
        .ns = xstrdup(json_get_str_or(document, "metadata/namespace", "kube-system")),
        .pod = xstrdup(json_get_str_or(document, "metadata/name", "")),
        .image = xstrdup(json_get_str_or(container, "image", "")),
        .budget_ms = budget(document, container),
        .document = json_ref(document),
        .container = manifest.container_index,
    };
    read_probe(container, component, ret_facts);
    return true;
}

void facts_finish(struct facts *facts)
{
    free(facts->ns);
    free(facts->pod);
    free(facts->image);
    free(facts->host);
    json_unref(facts->document);
    *facts = (struct facts){0};
}

/* --- the mirror pod --- */

/* An absent, a null and an empty list are the same. */
static bool same_list(const struct json_object *a, const struct json_object *b, const char *name)
{
    const struct json_object *left = json_member(a, name);
    const struct json_object *right = json_member(b, name);
    return (json_array_len(left) == 0 && json_array_len(right) == 0) || json_same(left, right);
}

static const struct json_object *container_named(const struct json_object *pod, const char *name)
{
    const struct json_object *containers = json_get(pod, "spec/containers");
    for (size_t i = 0; i < json_array_len(containers); i++) {
        const struct json_object *container = json_array_at(containers, i);
        if (strcmp(json_get_str_or(container, "name", ""), name) == 0) {
            return container;
        }
    }
    return NULL;
}

static bool same_dns(const struct json_object *document, const struct json_object *pod)
{
    static const char usual[] = "ClusterFirst"; /* what the API server fills in */
    const struct json_object *wanted = json_get(document, "spec/dnsConfig");
    const struct json_object *got = json_get(pod, "spec/dnsConfig");
    return strcmp(json_get_str_or(document, "spec/dnsPolicy", usual),
                  json_get_str_or(pod, "spec/dnsPolicy", usual)) == 0 &&
           (wanted == NULL ? got == NULL : json_same(wanted, got));
}

bool facts_match(const struct facts *facts, const struct json_object *pod)
{
    const struct json_object *wanted =
        json_array_at(json_get(facts->document, "spec/containers"), facts->container);
    const struct json_object *got = container_named(pod, json_get_str_or(wanted, "name", ""));
    return got != NULL && same_list(wanted, got, "command") && same_list(wanted, got, "args") &&
           same_dns(facts->document, pod);
}

bool facts_same_pod(const struct facts *a, const struct facts *b)
{
    return json_same(a->document, b->document);
}
