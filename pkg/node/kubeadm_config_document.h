/*
 * A ClusterConfiguration as it is read: as JSON, for what kubeadm understands, and as a located
 * tree, for where extraArgs are written. Private to the kubeadm_config files.
 *
 * extraArgs is a map up to kubeadm's v1beta3, and a list of name and value from v1beta4 on, in
 * which a name may be repeated. A document owns its trees and borrows the text, which must outlive
 * it. Pure.
 */
#ifndef NODE_KUBEADM_CONFIG_DOCUMENT_H
#define NODE_KUBEADM_CONFIG_DOCUMENT_H

#include <json-c/json_types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "staticpod/staticpod_manifest.h"
#include "yaml/yaml_tree.h"

struct kubeadm_config_document {
    const char *text;
    size_t len;
    struct yaml_tree *tree;
    const struct yaml_node *root;
    struct json_object *json;
    bool list; /* extraArgs is a list */
};

/* Returns 0, or -1 when it is refused. Finish it in either case. */
int kubeadm_config_document_read(const char *text, size_t len,
                                 struct kubeadm_config_document *ret_document,
                                 struct staticpod_refusal *refusal) MUST_CHECK;
void kubeadm_config_document_finish(struct kubeadm_config_document *document);
DEFINE_AUTO_FINISH(kubeadm_config_document, struct kubeadm_config_document,
                   kubeadm_config_document_finish)

/* Where the extraArgs of a component are. Borrowed from the document. */
struct kubeadm_config_place {
    size_t section_pair;             /* in the root; its count when it is not there */
    const struct yaml_node *section; /* NULL: not there, null or empty */
    size_t args_pair;                /* in the section */
    const struct yaml_node *args;    /* NULL: not there, null or empty */
};

/* `section` is "apiServer" or "controllerManager". */
int kubeadm_config_find(const struct kubeadm_config_document *document, const char *section,
                        struct kubeadm_config_place *ret_place,
                        struct staticpod_refusal *refusal) MUST_CHECK;

/* One flag's values, in their order. */
struct kubeadm_config_values {
    const char **list; /* borrowed from the document */
    size_t *entries;   /* of a list: which items they are */
    size_t len;
};

int kubeadm_config_values_find(const struct kubeadm_config_document *document,
                               const struct kubeadm_config_place *place, const char *section,
                               const char *flag, struct kubeadm_config_values *ret_values,
                               struct staticpod_refusal *refusal) MUST_CHECK;
void kubeadm_config_values_finish(struct kubeadm_config_values *values);
DEFINE_AUTO_FINISH(kubeadm_config_values, struct kubeadm_config_values,
                   kubeadm_config_values_finish)

/* Sets the refusal to the place of the node; NULL: nowhere in particular. Returns -1. */
int kubeadm_config_refuse(struct staticpod_refusal *refusal,
                          const struct kubeadm_config_document *document,
                          const struct yaml_node *node, const char *format, ...) PRINTF_LIKE(4, 5);

#endif
