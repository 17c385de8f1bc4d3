#include "kube/node.h"

#include <stddef.h>
#include <string.h>

#define POOL_LABEL "apps.openyurt.io/nodepool"

/* Whether the object has that member and it is that word. */
static bool says(const struct json_object *json, const char *name, const char *wanted)
{
    const char *word = json_str(json_member(json, name));
    return word != NULL && strcmp(word, wanted) == 0;
}

/* apimachinery pkg/util/validation, IsValidLabelValue */
static bool is_label_value(const char *text)
{
    static const char ends[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        bool inside = i > 0 && i + 1 < len;
        if (strchr(ends, text[i]) == NULL && !(inside && strchr("-_.", text[i]) != NULL)) {
            return false;
        }
    }
    return len <= 63;
}

/* NULL when the label is absent or empty. A pool by another name than its own would be one more. */
static int read_pool(const struct json_object *labels, const char **ret_pool, struct err *err)
{
    const char *pool = json_str(json_member(labels, POOL_LABEL));
    if (pool != NULL && !is_label_value(pool)) {
        return err_set(err, ERR_INVALID,
                       "metadata.labels[" POOL_LABEL "] is \"%.80s\", which is no label value",
                       pool);
    }
    *ret_pool = pool != NULL && *pool != '\0' ? pool : NULL;
    return 0;
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
    struct object_word pool = {offsetof(struct node, pool), NULL};
    const struct json_object *labels = json_get(json, "metadata/labels");
    if (read_pool(labels, &pool.text, err) < 0 ||
        object_create(json, sizeof(struct node), &pool, 1, &object, err) < 0) {
        return -1;
    }
    struct node *node = (struct node *)object;

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
