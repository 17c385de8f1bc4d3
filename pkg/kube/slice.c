#include "kube/slice.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
    ENDPOINT_WORDS = 3,
};

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

static const char *pod_name(const struct json_object *endpoint)
{
    bool is_pod = strcmp(json_get_str_or(endpoint, "targetRef/kind", ""), "Pod") == 0;
    return is_pod ? json_get_str(endpoint, "targetRef/name") : NULL;
}

static uint64_t digest_endpoint(uint64_t digest, const struct slice_endpoint *endpoint)
{
    digest = object_digest_str(digest, endpoint->address);
    digest = object_digest_str(digest, endpoint->node);
    digest = object_digest_str(digest, endpoint->pod);
    return object_digest(digest, endpoint->ready ? "1" : "0", 1);
}

/* Those that have an address; returns how many. */
static size_t find_endpoints(const struct json_object *json, const struct json_object **ret_found)
{
    const struct json_object *endpoints = json_get(json, "endpoints");
    size_t found = 0;
    for (size_t i = 0; i < json_array_len(endpoints); i++) {
        const struct json_object *endpoint = json_array_at(endpoints, i);
        if (json_get_str(endpoint, "addresses/0") != NULL) {
            ret_found[found++] = endpoint;
        }
    }
    return found;
}

/* The endpoints come behind the slice, in its block. */
static void name_endpoint(const struct json_object *endpoint, size_t index,
                          struct object_word ret_words[ENDPOINT_WORDS])
{
    size_t at = sizeof(struct slice) + index * sizeof(struct slice_endpoint);
    ret_words[0] = (struct object_word){at + offsetof(struct slice_endpoint, address),
                                        json_get_str(endpoint, "addresses/0")};
    ret_words[1] =
        (struct object_word){at + offsetof(struct slice_endpoint, node), node_name(endpoint)};
    ret_words[2] =
        (struct object_word){at + offsetof(struct slice_endpoint, pod), pod_name(endpoint)};
}

static int create_slice(const struct json_object *json, const struct json_object *const *endpoints,
                        size_t len, struct object **ret_object, struct err *err)
{
    AUTO_FREE struct object_word *words = xcalloc(len * ENDPOINT_WORDS, sizeof(*words));
    for (size_t i = 0; i < len; i++) {
        name_endpoint(endpoints[i], i, &words[i * ENDPOINT_WORDS]);
    }
    size_t size = sizeof(struct slice) + len * sizeof(struct slice_endpoint);
    if (object_create(json, size, words, len * ENDPOINT_WORDS, ret_object, err) < 0) {
        return -1;
    }
    struct slice *slice = (struct slice *)*ret_object;
    slice->len = len;
    slice->endpoints = len != 0 ? (struct slice_endpoint *)(slice + 1) : NULL;
    for (size_t i = 0; i < len; i++) {
        slice->endpoints[i].ready = json_get_bool(endpoints[i], "conditions/ready", true);
    }
    return 0;
}

int slice_project(const struct json_object *json, struct object **ret_object, struct err *err)
{
    struct object *object;
    size_t count = json_array_len(json_get(json, "endpoints"));
    AUTO_FREE const struct json_object **endpoints = xcalloc(count, sizeof(*endpoints));
    size_t len = find_endpoints(json, endpoints);
    if (create_slice(json, endpoints, len, &object, err) < 0) {
        return -1;
    }
    struct slice *slice = (struct slice *)object;

    slice->update_trigger_s = read_trigger(json);
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
