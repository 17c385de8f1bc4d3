#include "node/kubeadm_config_document.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "node/kubeadm_config.h"
#include "yaml/yaml.h"
#include "json/json.h"

int kubeadm_config_refuse(struct staticpod_refusal *refusal,
                          const struct kubeadm_config_document *document,
                          const struct yaml_node *node, const char *format, ...)
{
    struct yaml_place place = {0};
    va_list args;
    va_start(args, format);
    char *message = xvasprintf(format, args);
    va_end(args);
    if (node != NULL) {
        place = yaml_place(document->text, document->len, node->start);
    }
    staticpod_refusal_finish(refusal);
    *refusal =
        (struct staticpod_refusal){.message = message, .line = place.line, .column = place.column};
    return -1;
}

/* --- read --- */

static int refuse_unreadable(struct staticpod_refusal *refusal,
                             const struct kubeadm_config_document *document, const struct err *err)
{
    return kubeadm_config_refuse(refusal, document, NULL, "it can't be read: %s", err->text);
}

static int check_kind(struct kubeadm_config_document *document, struct staticpod_refusal *refusal)
{
    static const char *const versions[] = {"kubeadm.k8s.io/v1beta1", "kubeadm.k8s.io/v1beta2",
                                           "kubeadm.k8s.io/v1beta3", "kubeadm.k8s.io/v1beta4"};
    const char *kind = json_get_str_or(document->json, "kind", "");
    const char *version = json_get_str_or(document->json, "apiVersion", "");
    if (strcmp(kind, "ClusterConfiguration") != 0) {
        return kubeadm_config_refuse(refusal, document, document->root,
                                     "\"%.64s\" where a ClusterConfiguration is expected", kind);
    }
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        if (strcmp(version, versions[i]) == 0) {
            document->list = i == 3;
            return 0;
        }
    }
    return kubeadm_config_refuse(refusal, document, document->root,
                                 "apiVersion \"%.64s\" is not known: change extraArgs by hand",
                                 version);
}

static int take_only_document(struct kubeadm_config_document *document,
                              const struct json_object *documents,
                              struct staticpod_refusal *refusal)
{
    const struct json_object *json = json_array_at(documents, 0);
    document->root = yaml_tree_root(document->tree);
    if (json_array_len(documents) != 1 || !json_is_object(json) ||
        document->root->kind != YAML_KIND_MAP) {
        return kubeadm_config_refuse(refusal, document, NULL,
                                     "not one document with a ClusterConfiguration");
    }
    document->json = json_ref(json);
    return check_kind(document, refusal);
}

int kubeadm_config_document_read(const char *text, size_t len,
                                 struct kubeadm_config_document *ret_document,
                                 struct staticpod_refusal *refusal)
{
    AUTO(json) struct json_object *documents = NULL;
    struct err err;
    *ret_document = (struct kubeadm_config_document){.text = text, .len = len};
    if (len > KUBEADM_CONFIG_TEXT_MAX) {
        return kubeadm_config_refuse(refusal, ret_document, NULL, "larger than a ConfigMap may be");
    }
    if (yaml_to_json(text, len, &documents, &err) < 0 ||
        yaml_tree_parse(text, len, &ret_document->tree, NULL, &err) < 0) {
        return refuse_unreadable(refusal, ret_document, &err);
    }
    return take_only_document(ret_document, documents, refusal);
}

void kubeadm_config_document_finish(struct kubeadm_config_document *document)
{
    yaml_tree_destroy(document->tree);
    json_unref(document->json);
    *document = (struct kubeadm_config_document){0};
}

/* --- where extraArgs are --- */

/* What an edit would change elsewhere too, or what comes from elsewhere. */
static int check_node(const struct kubeadm_config_document *document, const struct yaml_node *node,
                      const char *name, struct staticpod_refusal *refusal)
{
    if (node->kind == YAML_KIND_ALIAS || node->anchor != NULL || node->tag != NULL) {
        return kubeadm_config_refuse(refusal, document, node,
                                     "%s has an alias, an anchor or a tag: write it out, or change "
                                     "it by hand",
                                     name);
    }
    for (size_t i = 0; node->kind == YAML_KIND_MAP && i < node->count; i++) {
        if (yaml_map_is_merge(node, i)) {
            return kubeadm_config_refuse(refusal, document, yaml_map_key(node, i),
                                         "%s has a merge key (<<): write it out, or change it by "
                                         "hand",
                                         name);
        }
    }
    return 0;
}

/* The pair, and its value when that is of the kind and not empty. */
static int find_pair(const struct kubeadm_config_document *document, const struct yaml_node *map,
                     const char *name, enum yaml_kind kind, size_t *ret_pair,
                     const struct yaml_node **ret_value, struct staticpod_refusal *refusal)
{
    size_t pair = yaml_map_find(map, name, 0);
    *ret_pair = pair;
    *ret_value = NULL;
    if (pair == map->count) {
        return 0;
    }
    const struct yaml_node *value = yaml_map_value(map, pair);
    if (check_node(document, value, name, refusal) < 0) {
        return -1;
    }
    if (value->kind == kind) {
        *ret_value = value->count > 0 ? value : NULL;
        return 0;
    }
    /* an empty one of the other kind is none that kubeadm reads; a scalar may be null */
    bool null = value->kind == YAML_KIND_SCALAR && value->implicit &&
                (*value->value == '\0' || strcmp(value->value, "null") == 0 ||
                 strcmp(value->value, "~") == 0);
    return null ? 0
                : kubeadm_config_refuse(refusal, document, value,
                                        "%s is not written as this apiVersion wants it: change it "
                                        "by hand",
                                        name);
}

int kubeadm_config_find(const struct kubeadm_config_document *document, const char *section,
                        struct kubeadm_config_place *ret_place, struct staticpod_refusal *refusal)
{
    *ret_place = (struct kubeadm_config_place){0};
    if (check_node(document, document->root, "the document", refusal) < 0 ||
        find_pair(document, document->root, section, YAML_KIND_MAP, &ret_place->section_pair,
                  &ret_place->section, refusal) < 0) {
        return -1;
    }
    if (ret_place->section == NULL) {
        return 0;
    }
    return find_pair(document, ret_place->section, "extraArgs",
                     document->list ? YAML_KIND_SEQ : YAML_KIND_MAP, &ret_place->args_pair,
                     &ret_place->args, refusal);
}

/* --- values --- */

static void add(struct kubeadm_config_values *values, const char *value, size_t entry)
{
    values->list = xreallocarray(values->list, values->len + 1, sizeof(*values->list));
    values->entries = xreallocarray(values->entries, values->len + 1, sizeof(*values->entries));
    values->list[values->len] = value;
    values->entries[values->len++] = entry;
}

static int find_in_list(const struct kubeadm_config_document *document,
                        const struct kubeadm_config_place *place, const struct json_object *args,
                        const char *flag, struct kubeadm_config_values *values,
                        struct staticpod_refusal *refusal)
{
    for (size_t i = 0; i < json_array_len(args); i++) {
        const struct json_object *entry = json_array_at(args, i);
        const char *name = json_str(json_member(entry, "name"));
        const char *value = json_str(json_member(entry, "value"));
        if (name == NULL || value == NULL || json_object_len(entry) != 2) {
            return kubeadm_config_refuse(refusal, document, place->args->items[i],
                                         "an item of extraArgs that is not a name and a value, "
                                         "both texts: change it by hand");
        }
        if (strcmp(name, flag) == 0) {
            add(values, value, i);
        }
    }
    return 0;
}

static int find_in_map(const struct kubeadm_config_document *document,
                       const struct kubeadm_config_place *place, const struct json_object *args,
                       const char *flag, struct kubeadm_config_values *values,
                       struct staticpod_refusal *refusal)
{
    size_t pair = yaml_map_find(place->args, flag, 0);
    if (pair == place->args->count) {
        return 0;
    }
    const char *value = json_str(json_member(args, flag));
    if (value == NULL) {
        return kubeadm_config_refuse(refusal, document, yaml_map_value(place->args, pair),
                                     "%s is not a text: change it by hand", flag);
    }
    add(values, value, 0);
    return 0;
}

int kubeadm_config_values_find(const struct kubeadm_config_document *document,
                               const struct kubeadm_config_place *place, const char *section,
                               const char *flag, struct kubeadm_config_values *ret_values,
                               struct staticpod_refusal *refusal)
{
    const struct json_object *args = json_member(json_member(document->json, section), "extraArgs");
    *ret_values = (struct kubeadm_config_values){0};
    if (place->args == NULL) {
        return 0;
    }
    return (document->list ? find_in_list : find_in_map)(document, place, args, flag, ret_values,
                                                         refusal);
}

void kubeadm_config_values_finish(struct kubeadm_config_values *values)
{
    free(values->list);
    free(values->entries);
    *values = (struct kubeadm_config_values){0};
}
