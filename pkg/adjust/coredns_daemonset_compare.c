#include "adjust/coredns_daemonset_compare.h"

#include <string.h>

#include "adjust/quantity.h"
#include "base/alloc.h"
#include "base/attr.h"

/* x-kubernetes-list-map-keys of the pod template's lists. */
static const struct list_keys {
    const char *list;
    const char *key;
    const char *second; /* NULL: one key is enough */
} merged_lists[] = {
    {"containers", "name", NULL},
    {"initContainers", "name", NULL},
    {"volumes", "name", NULL},
    {"env", "name", NULL},
    {"imagePullSecrets", "name", NULL},
    {"hostAliases", "ip", NULL},
    {"volumeMounts", "mountPath", NULL},
    {"volumeDevices", "devicePath", NULL},
    {"ports", "containerPort", "protocol"},
};

/* Maps of which the API owns all or nothing: a member too many is a difference. */
static const char *const whole_maps[] = {"nodeSelector", "matchLabels"};

/* What is compared: `path` is where it is, `name` the last name in it. */
struct spot {
    const char *path;
    const char *name;
    const char *parent; /* the name above it */
};

static char *differ(const struct json_object *want, const struct json_object *have,
                    const struct spot *spot);

struct members {
    const struct json_object *have;
    const struct spot *spot;
    char *difference;
};

static bool differ_member(void *arg, const char *name, const struct json_object *value)
{
    struct members *members = arg;
    AUTO_FREE char *escaped = json_pointer_escape(name);
    AUTO_FREE char *path = *members->spot->path != '\0'
                               ? xasprintf("%s/%s", members->spot->path, escaped)
                               : xstrdup(escaped);
    const struct spot spot = {path, name, members->spot->name};
    members->difference = differ(value, json_member(members->have, name), &spot);
    return members->difference == NULL;
}

static bool is_whole_map(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(whole_maps); i++) {
        if (strcmp(whole_maps[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static char *differ_objects(const struct json_object *want, const struct json_object *have,
                            const struct spot *spot)
{
    if (is_whole_map(spot->name) && json_object_len(want) != json_object_len(have)) {
        return xstrdup(spot->path);
    }
    struct members members = {have, spot, NULL};
    json_each(want, differ_member, &members);
    return members.difference;
}

static const struct list_keys *find_keys(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(merged_lists); i++) {
        if (strcmp(merged_lists[i].list, name) == 0) {
            return &merged_lists[i];
        }
    }
    return NULL;
}

/* The item with the same keys; a port without protocol is one of TCP. */
static const struct json_object *find_item(const struct json_object *list,
                                           const struct json_object *item,
                                           const struct list_keys *keys)
{
    for (size_t i = 0; i < json_array_len(list); i++) {
        const struct json_object *candidate = json_array_at(list, i);
        if (json_same(json_member(candidate, keys->key), json_member(item, keys->key)) &&
            (keys->second == NULL || strcmp(json_get_str_or(candidate, keys->second, "TCP"),
                                            json_get_str_or(item, keys->second, "TCP")) == 0)) {
            return candidate;
        }
    }
    return NULL;
}

/* Items have no path of their own: managedFields names them by their keys. */
static char *differ_arrays(const struct json_object *want, const struct json_object *have,
                           const struct spot *spot)
{
    const struct list_keys *keys = find_keys(spot->name);
    const struct spot item_spot = {spot->path, "", spot->name};
    if (keys == NULL && json_array_len(want) != json_array_len(have)) {
        return xstrdup(spot->path);
    }
    for (size_t i = 0; i < json_array_len(want); i++) {
        const struct json_object *item = json_array_at(want, i);
        const struct json_object *other =
            keys != NULL ? find_item(have, item, keys) : json_array_at(have, i);
        AUTO_FREE char *difference =
            other == NULL ? xstrdup(spot->path) : differ(item, other, &item_spot);
        if (difference != NULL) {
            return xstrdup(spot->path);
        }
    }
    return NULL;
}

/* The API server keeps no empty map or list where it has not a meaning of its own. */
static bool is_empty(const struct json_object *value)
{
    return json_is_null(value) || (json_is_object(value) && json_object_len(value) == 0) ||
           (json_is_array(value) && json_array_len(value) == 0);
}

static bool same_scalar(const struct json_object *want, const struct json_object *have,
                        const struct spot *spot)
{
    const char *a = json_str(want);
    const char *b = json_str(have);
    bool quantity = strcmp(spot->parent, "requests") == 0 || strcmp(spot->parent, "limits") == 0;
    return quantity && a != NULL && b != NULL ? quantity_same(a, b) : json_same(want, have);
}

static char *differ(const struct json_object *want, const struct json_object *have,
                    const struct spot *spot)
{
    if (have == NULL && is_empty(want)) {
        return NULL;
    }
    if (json_is_object(want) && json_is_object(have)) {
        return differ_objects(want, have, spot);
    }
    if (json_is_array(want) && json_is_array(have)) {
        return differ_arrays(want, have, spot);
    }
    return same_scalar(want, have, spot) ? NULL : xstrdup(spot->path);
}

char *coredns_daemonset_difference(const struct json_object *want, const struct json_object *have)
{
    const struct spot root = {"", "", ""};
    return differ(want, have, &root);
}
