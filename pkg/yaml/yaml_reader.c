/* libyaml's events into located trees. */
#include "yaml/yaml_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "base/utf8.h"

enum {
    ANCHORS_MAX = 4096,
};

/* A node while its document is read. `node` is first: a node of the tree is one of these. */
struct draft {
    struct yaml_node node;
    size_t weight;   /* nodes in it with all aliases written out */
    unsigned height; /* levels of maps and sequences in it, itself included */
    bool complete;
};

struct yaml_reader {
    const char *text;
    size_t len;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool has_event;
    /* libyaml's marks count characters: the byte offset of the last mark that was asked for. */
    size_t mark_index;
    size_t mark_byte;
    size_t nodes;
    size_t alias_nodes;
    struct yaml_tree *tree;  /* being read */
    struct strmap anchors;   /* of this document: name to draft */
    struct yaml_place place; /* of the error */
};

static const char byte_order_mark[] = "\xef\xbb\xbf";

static bool has_bom(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, byte_order_mark, 3) == 0;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

struct yaml_place yaml_place(const char *text, size_t len, size_t offset)
{
    struct yaml_place place = {.line = 1, .column = 1};
    for (size_t i = has_bom(text, len) ? 3 : 0; i < offset && i < len; i++) {
        if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == len || text[i + 1] != '\n'))) {
            place.line++;
            place.column = 1;
        } else if (!is_continuation(text[i])) {
            place.column++;
        }
    }
    return place;
}

static int PRINTF_LIKE(3, 0)
    set_err_at(struct err *err, struct yaml_place place, const char *format, va_list args)
{
    AUTO_FREE char *message = xvasprintf(format, args);
    return err_set(err, ERR_INVALID, "line %zu, column %zu: %s", place.line, place.column, message);
}

int yaml_err_at(struct err *err, const char *text, size_t len, size_t offset, const char *format,
                ...)
{
    va_list args;
    va_start(args, format);
    set_err_at(err, yaml_place(text, len, offset), format, args);
    va_end(args);
    return -1;
}

static int PRINTF_LIKE(4, 5)
    fail_at(struct yaml_reader *reader, size_t offset, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    reader->place = yaml_place(reader->text, reader->len, offset);
    set_err_at(err, reader->place, format, args);
    va_end(args);
    return -1;
}

/* Bytes before character number `index`. Marks mostly move forward, so this walks from the last. */
static size_t byte_of(struct yaml_reader *reader, size_t index)
{
    while (reader->mark_index < index && reader->mark_byte < reader->len) {
        do {
            reader->mark_byte++;
        } while (reader->mark_byte < reader->len &&
                 is_continuation(reader->text[reader->mark_byte]));
        reader->mark_index++;
    }
    while (reader->mark_index > index && reader->mark_byte > 0) {
        do {
            reader->mark_byte--;
        } while (reader->mark_byte > 0 && is_continuation(reader->text[reader->mark_byte]));
        reader->mark_index--;
    }
    return reader->mark_byte;
}

static int fail_parser(struct yaml_reader *reader, struct err *err)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    if (parser->error == YAML_MEMORY_ERROR) {
        abort();
    }
    size_t offset = parser->error == YAML_READER_ERROR
                        ? parser->problem_offset
                        : byte_of(reader, parser->problem_mark.index);
    return fail_at(reader, offset, err, "%s%s%s", parser->context != NULL ? parser->context : "",
                   parser->context != NULL ? ", " : "", problem);
}

static void drop_event(struct yaml_reader *reader)
{
    if (reader->has_event) {
        yaml_event_delete(&reader->event);
        reader->has_event = false;
    }
}

static int next_event(struct yaml_reader *reader, struct err *err)
{
    drop_event(reader);
    if (yaml_parser_parse(&reader->parser, &reader->event) == 0) {
        return fail_parser(reader, err);
    }
    reader->has_event = true;
    return 0;
}

static const char *copy_name(struct yaml_reader *reader, const yaml_char_t *name)
{
    return name == NULL ? NULL
                        : yaml_arena_copy(&reader->tree->arena, name, strlen((const char *)name));
}

/* The anchor is known from here on, also to aliases within the node, which are refused. */
static int add_anchor(struct yaml_reader *reader, struct draft *draft, struct err *err)
{
    if (draft->node.anchor == NULL) {
        return 0;
    }
    if (reader->anchors.len >= ANCHORS_MAX) {
        return fail_at(reader, draft->node.start, err, "more than %d anchors", (int)ANCHORS_MAX);
    }
    strmap_set(&reader->anchors, draft->node.anchor, draft);
    return 0;
}

static void set_scalar(struct yaml_reader *reader, struct yaml_node *node)
{
    const yaml_event_t *event = &reader->event;
    static const enum yaml_style styles[] = {
        [YAML_ANY_SCALAR_STYLE] = YAML_STYLE_PLAIN,
        [YAML_PLAIN_SCALAR_STYLE] = YAML_STYLE_PLAIN,
        [YAML_SINGLE_QUOTED_SCALAR_STYLE] = YAML_STYLE_SINGLE,
        [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = YAML_STYLE_DOUBLE,
        [YAML_LITERAL_SCALAR_STYLE] = YAML_STYLE_LITERAL,
        [YAML_FOLDED_SCALAR_STYLE] = YAML_STYLE_FOLDED,
    };
    node->kind = YAML_KIND_SCALAR;
    node->style = styles[event->data.scalar.style];
    node->anchor = copy_name(reader, event->data.scalar.anchor);
    node->tag = copy_name(reader, event->data.scalar.tag);
    node->implicit = event->data.scalar.plain_implicit != 0 && node->tag == NULL;
    node->value_len = event->data.scalar.length;
    node->value = yaml_arena_copy(&reader->tree->arena, event->data.scalar.value, node->value_len);
}

static void set_collection(struct yaml_reader *reader, struct yaml_node *node)
{
    const yaml_event_t *event = &reader->event;
    bool map = event->type == YAML_MAPPING_START_EVENT;
    bool flow = map ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                    : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    node->kind = map ? YAML_KIND_MAP : YAML_KIND_SEQ;
    node->style = flow ? YAML_STYLE_FLOW : YAML_STYLE_BLOCK;
    node->anchor = copy_name(reader, map ? event->data.mapping_start.anchor
                                         : event->data.sequence_start.anchor);
    node->tag =
        copy_name(reader, map ? event->data.mapping_start.tag : event->data.sequence_start.tag);
}

static int set_alias(struct yaml_reader *reader, struct draft *draft, unsigned depth,
                     struct err *err)
{
    struct yaml_node *node = &draft->node;
    const char *name = (const char *)reader->event.data.alias.anchor;
    struct draft *target = strmap_get(&reader->anchors, name);
    if (target == NULL) {
        return fail_at(reader, node->start, err, "alias *%s without an anchor before it", name);
    }
    if (!target->complete) {
        return fail_at(reader, node->start, err, "alias *%s stands inside its own anchor", name);
    }
    reader->alias_nodes += target->weight;
    if (reader->alias_nodes > YAML_ALIAS_NODES_MAX) {
        return fail_at(reader, node->start, err, "aliases stand for more than %d values",
                       (int)YAML_ALIAS_NODES_MAX);
    }
    if (depth + target->height > YAML_DEPTH_MAX) {
        return fail_at(reader, node->start, err, "nested more than %d deep by alias *%s",
                       (int)YAML_DEPTH_MAX, name);
    }
    target->node.referenced = true;
    node->kind = YAML_KIND_ALIAS;
    node->value = copy_name(reader, reader->event.data.alias.anchor);
    node->value_len = strlen(node->value);
    node->target = &target->node;
    draft->weight = target->weight;
    draft->height = target->height;
    return 0;
}

struct items {
    const struct yaml_node **list;
    size_t len;
    size_t capacity;
};

static void add_item(struct items *items, const struct yaml_node *node)
{
    if (items->len == items->capacity) {
        items->capacity = items->capacity != 0 ? items->capacity * 2 : 8;
        items->list = xreallocarray(items->list, items->capacity, sizeof(*items->list));
    }
    items->list[items->len++] = node;
}

static int read_node(struct yaml_reader *reader, unsigned depth, struct draft **ret_draft,
                     struct err *err);

static bool at_collection_end(const struct yaml_reader *reader)
{
    return reader->event.type == YAML_MAPPING_END_EVENT ||
           reader->event.type == YAML_SEQUENCE_END_EVENT;
}

/* Reads up to the end event of the collection, which stays the current one. */
static int read_items(struct yaml_reader *reader, struct draft *draft, unsigned depth,
                      struct items *items, struct err *err)
{
    for (;;) {
        if (next_event(reader, err) < 0) {
            return -1;
        }
        if (at_collection_end(reader)) {
            return 0;
        }
        struct draft *item;
        if (read_node(reader, depth, &item, err) < 0) {
            return -1;
        }
        add_item(items, &item->node);
        draft->weight += item->weight;
        draft->height = item->height + 1 > draft->height ? item->height + 1 : draft->height;
    }
}

static int read_collection(struct yaml_reader *reader, struct draft *draft, unsigned depth,
                           struct err *err)
{
    struct yaml_node *node = &draft->node;
    if (depth >= YAML_DEPTH_MAX) {
        return fail_at(reader, node->start, err, "nested more than %d deep", (int)YAML_DEPTH_MAX);
    }
    set_collection(reader, node);
    draft->height = 1;
    if (add_anchor(reader, draft, err) < 0) {
        return -1;
    }
    struct items items = {0};
    int status = read_items(reader, draft, depth + 1, &items, err);
    if (status == 0) {
        node->items = (const void *)yaml_arena_copy(&reader->tree->arena, items.list,
                                                    items.len * sizeof(*items.list));
        node->count = node->kind == YAML_KIND_MAP ? items.len / 2 : items.len;
        if (node->style == YAML_STYLE_FLOW) {
            node->end = byte_of(reader, reader->event.end_mark.index);
        } else if (items.len > 0) {
            node->end = items.list[items.len - 1]->end;
        }
    }
    free(items.list);
    return status;
}

/* The node that the current event begins; `depth` is the number of collections around it. */
static int read_node(struct yaml_reader *reader, unsigned depth, struct draft **ret_draft,
                     struct err *err)
{
    struct draft *draft = yaml_arena_alloc(&reader->tree->arena, sizeof(*draft));
    draft->node.start = byte_of(reader, reader->event.start_mark.index);
    draft->node.end = byte_of(reader, reader->event.end_mark.index);
    draft->weight = 1;
    if (++reader->nodes > YAML_NODES_MAX) {
        return fail_at(reader, draft->node.start, err, "more than %d values", (int)YAML_NODES_MAX);
    }
    int status;
    switch (reader->event.type) {
    case YAML_SCALAR_EVENT:
        set_scalar(reader, &draft->node);
        status = add_anchor(reader, draft, err);
        break;
    case YAML_ALIAS_EVENT:
        status = set_alias(reader, draft, depth, err);
        break;
    default:
        status = read_collection(reader, draft, depth, err);
        break;
    }
    draft->complete = true;
    if (status == 0) {
        *ret_draft = draft;
    }
    return status;
}

static int check_text(struct yaml_reader *reader, struct err *err)
{
    const char *text = reader->text;
    size_t len = reader->len;
    if (len > YAML_TEXT_MAX) {
        return err_set(err, ERR_INVALID, "larger than %d bytes", (int)YAML_TEXT_MAX);
    }
    if (len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
        return fail_at(reader, 0, err, "UTF-16, must be UTF-8");
    }
    const char *nul = len != 0 ? memchr(text, '\0', len) : NULL;
    if (nul != NULL) {
        return fail_at(reader, (size_t)(nul - text), err, "NUL byte");
    }
    size_t bad;
    if (!utf8_valid(text, len, &bad)) {
        return fail_at(reader, bad, err, "invalid UTF-8");
    }
    return 0;
}

static int open_stream(struct yaml_reader *reader, struct err *err)
{
    if (check_text(reader, err) < 0) {
        return -1;
    }
    if (has_bom(reader->text, reader->len)) {
        reader->mark_byte = 3; /* libyaml takes it off before it counts */
    }
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)reader->text, reader->len);
    return next_event(reader, err);
}

static int tell_place(const struct yaml_reader *reader, struct yaml_place *ret_place)
{
    if (ret_place != NULL) {
        *ret_place = reader->place;
    }
    return -1;
}

int yaml_reader_create(const char *text, size_t len, struct yaml_reader **ret_reader,
                       struct yaml_place *ret_place, struct err *err)
{
    struct yaml_reader *reader = xcalloc(1, sizeof(*reader));
    reader->text = text != NULL ? text : ""; /* libyaml wants some, also when it is empty */
    reader->len = len;
    if (yaml_parser_initialize(&reader->parser) == 0) {
        abort();
    }
    if (open_stream(reader, err) < 0) {
        tell_place(reader, ret_place);
        yaml_reader_destroy(reader);
        return -1;
    }
    *ret_reader = reader;
    return 0;
}

void yaml_reader_destroy(struct yaml_reader *reader)
{
    if (reader != NULL) {
        drop_event(reader);
        yaml_parser_delete(&reader->parser);
        yaml_tree_destroy(reader->tree);
        strmap_finish(&reader->anchors);
        free(reader);
    }
}

/* The current event begins a document. */
static int check_version(struct yaml_reader *reader, struct err *err)
{
    const yaml_version_directive_t *version = reader->event.data.document_start.version_directive;
    if (version != NULL && (version->major != 1 || version->minor != 1)) {
        return fail_at(reader, byte_of(reader, reader->event.start_mark.index), err,
                       "YAML %d.%d, must be 1.1", version->major, version->minor);
    }
    return 0;
}

static int read_document(struct yaml_reader *reader, struct err *err)
{
    struct draft *root;
    if (check_version(reader, err) < 0) {
        return -1;
    }
    reader->tree = xcalloc(1, sizeof(*reader->tree));
    strmap_clear(&reader->anchors);
    if (next_event(reader, err) < 0 || read_node(reader, 0, &root, err) < 0 ||
        next_event(reader, err) < 0) {
        return -1;
    }
    reader->tree->root = &root->node;
    reader->tree->end = byte_of(reader, reader->event.start_mark.index);
    return 0;
}

int yaml_reader_next(struct yaml_reader *reader, struct yaml_tree **ret_tree,
                     struct yaml_place *ret_place, struct err *err)
{
    if (next_event(reader, err) < 0) {
        return tell_place(reader, ret_place);
    }
    if (reader->event.type == YAML_STREAM_END_EVENT) {
        *ret_tree = NULL;
        return 0;
    }
    if (read_document(reader, err) < 0) {
        return tell_place(reader, ret_place);
    }
    *ret_tree = take_ptr(reader->tree);
    return 0;
}
