#include "kube/pod.h"

#include <stddef.h>
#include <string.h>

#include "base/attr.h"

/* A string that is there and says something: a pod that is not bound may have "" too. */
static const char *filled(const struct json_object *json, const char *path)
{
    const char *text = json_get_str(json, path);
    return text != NULL && *text != '\0' ? text : NULL;
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
static const char *find_trouble(const struct json_object *json)
{
    const struct json_object *containers = json_get(json, "status/containerStatuses");
    for (size_t i = 0; i < json_array_len(containers); i++) {
        const char *reason = filled(json_array_at(containers, i), "state/waiting/reason");
        if (reason != NULL && strcmp(reason, "ContainerCreating") != 0 &&
            strcmp(reason, "PodInitializing") != 0) {
            return reason;
        }
    }
    return NULL;
}

int pod_project(const struct json_object *json, struct object **ret_object, struct err *err)
{
    struct object *object;
    const struct json_object *owner = find_owner(json);
    const struct object_word words[] = {
        {offsetof(struct pod, node), filled(json, "spec/nodeName")},
        {offsetof(struct pod, owner_uid), filled(owner, "uid")},
        {offsetof(struct pod, owner_kind), filled(owner, "kind")},
        {offsetof(struct pod, app), json_get_str(json, "metadata/labels/k8s-app")},
        {offsetof(struct pod, ip), filled(json, "status/podIP")},
        {offsetof(struct pod, generation), filled(json, "metadata/labels/pod-template-generation")},
        {offsetof(struct pod, trouble), find_trouble(json)},
    };
    if (object_create(json, sizeof(struct pod), words, ARRAY_LEN(words), &object, err) < 0) {
        return -1;
    }
    struct pod *pod = (struct pod *)object;
    const char *phase = json_get_str_or(json, "status/phase", "");

    pod->ready =
        strcmp(json_get_str_or(object_condition(json, "Ready"), "status", ""), "True") == 0;
    pod->ended = strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;

    const bool flags[] = {pod->ready, pod->ended};
    object->digest = object_digest(object->digest, flags, sizeof(flags));
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        object->digest = object_digest_str(object->digest, words[i].text);
    }
    *ret_object = object;
    return 0;
}

const struct pod *pod_of(const struct object *object)
{
    return (const struct pod *)object;
}
