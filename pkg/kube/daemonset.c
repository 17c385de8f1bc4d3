#include "kube/daemonset.h"

int daemonset_project(const struct json_object *json, struct object **ret_object, struct err *err)
{
    struct object *object;
    if (object_project_whole(json, &object, err) < 0) {
        return -1;
    }
    int64_t wanted = json_get_int(json, "status/desiredNumberScheduled", 0);
    json_set_int(json_ensure_object(object->body, "status"), "desiredNumberScheduled", wanted);
    object->digest = object_digest(object->digest, &wanted, sizeof(wanted));
    *ret_object = object;
    return 0;
}
