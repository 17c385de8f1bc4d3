/*
 * A static pod's manifest, and where in it one component's container, command and arguments are.
 *
 * The text is really parsed, twice: as JSON, for what the kubelet understands, and as a located
 * tree, for where it is written. Whatever leaves a doubt about which container runs the component,
 * or about what an edit of it would touch besides, is refused, with the place and what to do. A
 * manifest owns its trees and words and borrows the text, which must outlive it. Pure.
 */
#ifndef STATICPOD_STATICPOD_MANIFEST_H
#define STATICPOD_STATICPOD_MANIFEST_H

#include <json-c/json_types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "yaml/yaml_tree.h"

enum {
    STATICPOD_TEXT_MAX = 10 << 20 /* the kubelet reads no more of a file (pkg/util/filesystem) */
};

enum staticpod_component {
    STATICPOD_CONTROLLER_MANAGER,
    STATICPOD_APISERVER,
};

/* "kube-controller-manager", "kube-apiserver". */
const char *staticpod_component_name(enum staticpod_component component);

struct staticpod_refusal {
    char *message; /* why, and what to do; without the place. NULL: not refused */
    size_t line;   /* from 1; 0 when it is nowhere in particular */
    size_t column;
    bool unrelated; /* it is readable, and no Pod, or one that does not run the component */
};

void staticpod_refusal_finish(struct staticpod_refusal *refusal);
DEFINE_AUTO_FINISH(staticpod_refusal, struct staticpod_refusal, staticpod_refusal_finish)

enum staticpod_list {
    STATICPOD_COMMAND,
    STATICPOD_ARGS,
    STATICPOD_LISTS, /* how many */
};

/* One item of command or args. */
struct staticpod_word {
    const struct yaml_node *node; /* as it is written; may be an alias */
    const char *value;
    enum staticpod_list list;
    size_t index; /* in its list */
};

struct staticpod_manifest {
    const char *text;
    size_t len;
    struct yaml_tree *tree;
    struct json_object *document;
    const struct yaml_node *root;
    size_t spec_pair; /* of spec in the root */
    const struct yaml_node *spec;
    const struct yaml_node *container; /* the one that runs the component */
    size_t container_index;
    const struct yaml_node *lists[STATICPOD_LISTS]; /* NULL: not there, or null */
    struct staticpod_word *words; /* what is executed: all of command, then all of args */
    size_t words_len;
    size_t first_flag; /* the word behind the program's name */
};

/* Returns 0, or -1 when it is refused: then `refusal` is set. Finish it in either case. */
int staticpod_manifest_read(const char *text, size_t len, enum staticpod_component component,
                            struct staticpod_manifest *ret_manifest,
                            struct staticpod_refusal *refusal) MUST_CHECK;
void staticpod_manifest_finish(struct staticpod_manifest *manifest);
DEFINE_AUTO_FINISH(staticpod_manifest, struct staticpod_manifest, staticpod_manifest_finish)

/* Sets the refusal to the place of the node. Returns -1. */
int staticpod_refuse(struct staticpod_refusal *refusal, const struct staticpod_manifest *manifest,
                     const struct yaml_node *node, const char *format, ...) PRINTF_LIKE(4, 5);

/*
 * Refuses what an edit of this node would change elsewhere too, or what gives its text another
 * meaning: an alias, an anchor that is used, a tag. `what` names it.
 */
int staticpod_check_editable(struct staticpod_refusal *refusal,
                             const struct staticpod_manifest *manifest,
                             const struct yaml_node *node, const char *what) MUST_CHECK;

#endif
