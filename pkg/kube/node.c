#include "kube/node.h"

#include <string.h>

#include "base/alloc.h"

static void finish(struct object *object)
{
    free(((struct node *)object)->pool);
}

/* Whether the object has that member and it is that word. */
static bool says(const struct json_object *json, const char *name, const char *wanted)
{
    const char *word = json_str(json_member(json, name));
    return word != NULL && strcmp(word, wanted) == 0;
}

/* NULL when the label is absent or empty. */
static char *copy_pool(const struct json_object *labels)
{
    const char *pool = json_str(json_member(labels, "apps.openyurt.io/nodepool"));
    return pool != NULL && *pool != '\0' ? xstrdup(pool) : NULL;
}

static uint64_t digest_flags(uint64_t digest, const struct node *node)
{
    const bool flags[] = {
        node->edge,  node->edge_labelled, node->converted, node->host_network_pool,
        node->linux, node->unschedulable, node->ready,
    };
    return object_digest(digest, flags, sizeof(flags));
}

int node_project(const struct json_object *json, struct object **ret_object, struct err *err)
{
    struct object *object;
    if (object_create(json, sizeof(struct node), &object, err) < 0) {
        return -1;
    }
    struct node *node = (struct node *)object;
    const struct json_object *labels = json_get(json, "metadata/labels");

    object->finish = finish;
    node->pool = copy_pool(labels);
    node->edge_labelled = json_member(labels, "openyurt.io/is-edge-worker") != NULL;
    node->edge = says(labels, "openyurt.io/is-edge-worker", "true");
    node->converted =
        says(object_condition(json, "YurtNodeConversionFailed"), "reason", "Converted");
    node->host_network_pool = says(labels, "nodepool.openyurt.io/hostnetwork", "true");
    node->linux = json_member(labels, "kubernetes.io/os") == NULL ||
                  says(labels, "kubernetes.io/os", "linux");
    node->unschedulable = json_get_bool(json, "spec/unschedulable", false);
    node->ready = says(object_condition(json, "Ready"), "status", "True");
    object->digest = object_digest_str(object->digest, node->pool);
    object->digest = digest_flags(object->digest, node);
    *ret_object = object;
    return 0;
}

const struct node *node_of(const struct object *object)
{
    return (const struct node *)object;
}
