#include "kube/workload.h"

static const char *const counts[] = {
    "observedGeneration", "replicas",        "readyReplicas",
    "availableReplicas",  "updatedReplicas", "desiredNumberScheduled",
    "numberAvailable",    "numberReady",     "updatedNumberScheduled",
};

int workload_project(const struct json_object *json, struct object **ret_object, struct err *err)
{
    struct object *object;
    if (object_project_whole(json, &object, err) < 0) {
        return -1;
    }
    const struct json_object *status = json_member(json, "status");
    struct json_object *kept = json_ensure_object(object->body, "status");
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        int64_t count = json_get_int(status, counts[i], 0);
        object->digest = object_digest(object->digest, &count, sizeof(count));
        if (json_member(status, counts[i]) != NULL) {
            json_set_int(kept, counts[i], count);
        }
    }
    *ret_object = object;
    return 0;
}

bool workload_observed(const struct object *object)
{
    return json_get_int(object->body, "status/observedGeneration", 0) >=
           json_get_int(object->body, "metadata/generation", 0);
}
