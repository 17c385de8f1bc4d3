/*
 * A located tree of one YAML document, for edits that keep the text.
 *
 * Every node says which bytes of the text it came from, how it was written, and whether an alias
 * stands for it; nothing is resolved, expanded or merged. The tree owns its nodes and their
 * strings; it borrows the text, which must outlive it. Nodes are never changed.
 *
 * What is read is what libyaml reads: YAML 1.1 in UTF-8, with or without a byte order mark (a %YAML
 * directive with another version is refused, as goyaml does). It is bounded: YAML_TEXT_MAX bytes,
 * YAML_NODES_MAX nodes, YAML_DEPTH_MAX levels, and at most YAML_ALIAS_NODES_MAX nodes when all
 * aliases are written out, which refuses alias bombs before anybody follows an alias. Errors are
 * ERR_INVALID and begin "line L, column C: ".
 */
#ifndef YAML_YAML_TREE_H
#define YAML_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"

enum {
    YAML_TEXT_MAX = 16 << 20,
    YAML_NODES_MAX = 2 << 20,
    YAML_DEPTH_MAX = 64, /* maps and sequences within each other, aliases followed */
    YAML_ALIAS_NODES_MAX = 100000,
};

enum yaml_kind {
    YAML_KIND_SCALAR,
    YAML_KIND_MAP,
    YAML_KIND_SEQ,
    YAML_KIND_ALIAS,
};

enum yaml_style {
    YAML_STYLE_PLAIN,
    YAML_STYLE_SINGLE, /* 'x' */
    YAML_STYLE_DOUBLE, /* "x" */
    YAML_STYLE_LITERAL,
    YAML_STYLE_FOLDED,
    YAML_STYLE_BLOCK, /* maps and sequences by indentation */
    YAML_STYLE_FLOW,  /* {…} and […] */
};

struct yaml_node {
    enum yaml_kind kind;
    enum yaml_style style;
    /* Bytes of the text, anchor and tag included. A block map or sequence ends where its last
     * descendant ends; a block scalar behind its last line break; an absent value is empty. */
    size_t start;
    size_t end;
    const char *anchor; /* its name without '&'; NULL: none */
    const char *tag;    /* in full: "tag:yaml.org,2002:str"; NULL: none */
    bool implicit;      /* a scalar whose type follows from its text: plain without a tag */
    bool referenced;    /* an alias stands for this node */
    const char *value;  /* a scalar's text with escapes resolved; an alias's name */
    size_t value_len;   /* the text may hold NUL */
    const struct yaml_node *target; /* what an alias stands for: never an alias, never around it */
    const struct yaml_node *const *items; /* of a sequence; of a map: key, value, key, value, … */
    size_t count;                         /* items of a sequence, pairs of a map */
};

/* Where in a text, for people: lines as editors count them, columns in characters; from 1. */
struct yaml_place {
    size_t line;
    size_t column;
};

struct yaml_tree;

/*
 * Reads the first document and looks at nothing behind it. ret_place (may be NULL) is set on
 * failure: to where the error is, or to 0, 0 when it is nowhere in particular.
 */
int yaml_tree_parse(const char *text, size_t len, struct yaml_tree **ret_tree,
                    struct yaml_place *ret_place, struct err *err) MUST_CHECK;
void yaml_tree_destroy(struct yaml_tree *tree);
DEFINE_AUTO_DESTROY(yaml_tree, struct yaml_tree, yaml_tree_destroy)

/* The document's value; NULL when the text holds no document. */
const struct yaml_node *yaml_tree_root(const struct yaml_tree *tree);
/* Where the document ends: at "...", at the next "---", or at the end of the text. */
size_t yaml_tree_end(const struct yaml_tree *tree);

/* The place of the byte at `offset`. A byte order mark takes no column. */
struct yaml_place yaml_place(const char *text, size_t len, size_t offset);

/* The node itself, or what it stands for when it is an alias. */
const struct yaml_node *yaml_node_follow(const struct yaml_node *node);
const struct yaml_node *yaml_map_key(const struct yaml_node *map, size_t pair);
const struct yaml_node *yaml_map_value(const struct yaml_node *map, size_t pair);
/*
 * The first pair from number `from` on whose key is a scalar with this text, however it is quoted
 * and also through an alias; the map's count when there is none. So all pairs of a key are found
 * by going on from the last one.
 */
size_t yaml_map_find(const struct yaml_node *map, const char *key, size_t from);
/* Whether the pair's key is "<<", not quoted: its value is merged into the map. */
bool yaml_map_is_merge(const struct yaml_node *map, size_t pair);
/*
 * How many maps a merge pair merges: one, or those in a sequence, aliases followed. Returns 0, or
 * -1 when its value is neither.
 */
int yaml_map_merge_count(const struct yaml_node *map, size_t pair, size_t *ret_count) MUST_CHECK;
/* One of them; of a sequence, the first ones take precedence. */
const struct yaml_node *yaml_map_merge_at(const struct yaml_node *map, size_t pair, size_t index);

/* Whether both are written alike: same structure, styles, tags, anchors and texts. */
bool yaml_node_same(const struct yaml_node *a, const struct yaml_node *b);

#endif
