#include "kube/pod.h"

#include <string.h>

#include "base/alloc.h"

static void finish(struct object *object)
{
    struct pod *pod = (struct pod *)object;
    free(pod->node);
    free(pod->owner_uid);
    free(pod->owner_kind);
    free(pod->generation);
    free(pod->trouble);
    free(pod->app);
    free(pod->ip);
}

/* A string that is there and says something: a pod that is not bound may have "" too. */
static char *copy_filled(const struct json_object *json, const char *path)
{
    const char *text = json_get_str(json, path);
    return text != NULL && *text != '\0' ? xstrdup(text) : NULL;
}

/* The owner that is its controller; NULL: none. */
static const struct json_object *find_owner(const struct json_object *json)
{
    const struct json_object *owners = json_get(json, "metadata/ownerReferences");
    for (size_t i = 0; i < json_array_len(owners); i++) {
        const struct json_object *owner = json_array_at(owners, i);
        if (json_get_bool(owner, "controller", false)) {
            return owner;
        }
    }
    return NULL;
}

/* The first container that waits for more than its turn to start. */
static char *copy_trouble(const struct json_object *json)
{
    const struct json_object *containers = json_get(json, "status/containerStatuses");
    for (size_t i = 0; i < json_array_len(containers); i++) {
        char *reason = copy_filled(json_array_at(containers, i), "state/waiting/reason");
        if (reason != NULL && strcmp(reason, "ContainerCreating") != 0 &&
            strcmp(reason, "PodInitializing") != 0) {
            return reason;
        }
        free(reason);
    }
    return NULL;
}

int pod_project(const struct json_object *json, struct object **ret_object, struct err *err)
{
    struct object *object;
    if (object_create(json, sizeof(struct pod), &object, err) < 0) {
        return -1;
    }
    struct pod *pod = (struct pod *)object;
    const char *phase = json_get_str_or(json, "status/phase", "");

    object->finish = finish;
    pod->node = copy_filled(json, "spec/nodeName");
    pod->owner_uid = copy_filled(find_owner(json), "uid");
    pod->owner_kind = copy_filled(find_owner(json), "kind");
    pod->generation = copy_filled(json, "metadata/labels/pod-template-generation");
    pod->trouble = copy_trouble(json);
    pod->app = xstrdup(json_get_str(json, "metadata/labels/k8s-app"));
    pod->ip = copy_filled(json, "status/podIP");
    pod->ready =
        strcmp(json_get_str_or(object_condition(json, "Ready"), "status", ""), "True") == 0;
    pod->ended = strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;

    const bool flags[] = {pod->ready, pod->ended};
    const char *const words[] = {pod->node, pod->owner_uid,  pod->owner_kind, pod->app,
                                 pod->ip,   pod->generation, pod->trouble};
    object->digest = object_digest(object->digest, flags, sizeof(flags));
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        object->digest = object_digest_str(object->digest, words[i]);
    }
    *ret_object = object;
    return 0;
}

const struct pod *pod_of(const struct object *object)
{
    return (const struct pod *)object;
}
