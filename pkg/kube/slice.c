#include "kube/slice.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

static void finish(struct object *object)
{
    struct slice *slice = (struct slice *)object;
    for (size_t i = 0; i < slice->len; i++) {
        free(slice->endpoints[i].address);
        free(slice->endpoints[i].node);
        free(slice->endpoints[i].pod);
    }
    free(slice->endpoints);
}

static int64_t read_trigger(const struct json_object *json)
{
    const char *text = json_get_str(json, "metadata/annotations/openyurt.io~1update-trigger");
    if (text == NULL || *text < '0' || *text > '9') {
        return 0;
    }
    char *end;
    errno = 0;
    long long seconds = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0 ? seconds : 0;
}

/* discovery.k8s.io/v1beta1, all there is up to 1.20, names the node in the topology. */
static const char *node_name(const struct json_object *endpoint)
{
    const char *name = json_get_str(endpoint, "nodeName");
    return name != NULL ? name : json_get_str(endpoint, "topology/kubernetes.io~1hostname");
}

static void read_endpoint(const struct json_object *json, const char *address,
                          struct slice_endpoint *ret_endpoint)
{
    bool is_pod = strcmp(json_get_str_or(json, "targetRef/kind", ""), "Pod") == 0;
    *ret_endpoint = (struct slice_endpoint){
        .address = xstrdup(address),
        .node = xstrdup(node_name(json)),
        .pod = is_pod ? xstrdup(json_get_str(json, "targetRef/name")) : NULL,
        .ready = json_get_bool(json, "conditions/ready", true),
    };
}

static uint64_t digest_endpoint(uint64_t digest, const struct slice_endpoint *endpoint)
{
    digest = object_digest_str(digest, endpoint->address);
    digest = object_digest_str(digest, endpoint->node);
    digest = object_digest_str(digest, endpoint->pod);
    return object_digest(digest, endpoint->ready ? "1" : "0", 1);
}

static void read_endpoints(const struct json_object *json, struct slice *slice)
{
    const struct json_object *endpoints = json_get(json, "endpoints");
    size_t count = json_array_len(endpoints);
    slice->endpoints = count != 0 ? xcalloc(count, sizeof(*slice->endpoints)) : NULL;
    for (size_t i = 0; i < count; i++) {
        const struct json_object *endpoint = json_array_at(endpoints, i);
        const char *address = json_get_str(endpoint, "addresses/0");
        if (address != NULL) {
            read_endpoint(endpoint, address, &slice->endpoints[slice->len++]);
        }
    }
}

int slice_project(const struct json_object *json, struct object **ret_object, struct err *err)
{
    struct object *object;
    if (object_create(json, sizeof(struct slice), &object, err) < 0) {
        return -1;
    }
    struct slice *slice = (struct slice *)object;

    object->finish = finish;
    slice->update_trigger_s = read_trigger(json);
    read_endpoints(json, slice);
    object->digest =
        object_digest(object->digest, &slice->update_trigger_s, sizeof(slice->update_trigger_s));
    for (size_t i = 0; i < slice->len; i++) {
        object->digest = digest_endpoint(object->digest, &slice->endpoints[i]);
    }
    *ret_object = object;
    return 0;
}

const struct slice *slice_of(const struct object *object)
{
    return (const struct slice *)object;
}
