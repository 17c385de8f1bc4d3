#include "node/kubeadm_config_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "node/kubeadm_config.h"
#include "yaml/yaml.h"
#include "yaml/yaml_edit.h"
#include "json/json.h"

enum {
    INDENT_MAX = 64
};

/* One change while it is made. */
struct editor {
    const struct kubeadm_config_document *document;
    const struct kubeadm_config_place *place;
    const struct kubeadm_config_change *change;
    struct staticpod_refusal *refusal;
    size_t start; /* what is replaced */
    size_t end;
    char *replacement;
};

static void editor_finish(struct editor *editor)
{
    free(editor->replacement);
    editor->replacement = NULL;
}
DEFINE_AUTO_FINISH(editor, struct editor, editor_finish)

static int refuse(struct editor *editor, const struct yaml_node *node, const char *why)
{
    return kubeadm_config_refuse(editor->refusal, editor->document, node,
                                 "%s: change %s of %s by hand", why, editor->change->flag,
                                 editor->change->section);
}

static void replace_take(struct editor *editor, size_t start, size_t end, char *replacement)
{
    editor->start = start;
    editor->end = end;
    editor->replacement = replacement;
}

/* --- the same change as JSON --- */

static struct json_object *new_entry(const struct kubeadm_config_change *change)
{
    struct json_object *entry = json_new_object();
    json_set_str(entry, "name", change->flag);
    json_set_str(entry, "value", change->value);
    return entry;
}

static struct json_object *changed_list(const struct json_object *args,
                                        const struct kubeadm_config_change *change)
{
    struct json_object *list = json_new_array();
    for (size_t i = 0; i < json_array_len(args); i++) {
        bool target = change->verb != KUBEADM_CONFIG_ADD && i == change->entry;
        if (!target) {
            json_append_take(list, json_copy(json_array_at(args, i)));
        } else if (change->verb == KUBEADM_CONFIG_SET) {
            json_append_take(list, new_entry(change));
        }
    }
    if (change->verb == KUBEADM_CONFIG_ADD) {
        json_append_take(list, new_entry(change));
    }
    return list;
}

static struct json_object *changed_map(const struct json_object *args,
                                       const struct kubeadm_config_change *change)
{
    struct json_object *map = json_is_object(args) ? json_copy(args) : json_new_object();
    if (change->verb == KUBEADM_CONFIG_REMOVE) {
        json_del(map, change->flag);
    } else {
        json_set_str(map, change->flag, change->value);
    }
    return map;
}

/* extraArgs as it is to be. */
static struct json_object *changed_args(const struct editor *editor)
{
    const struct json_object *section =
        json_member(editor->document->json, editor->change->section);
    const struct json_object *args = json_member(section, "extraArgs");
    return (editor->document->list ? changed_list : changed_map)(args, editor->change);
}

static struct json_object *changed_document(const struct editor *editor)
{
    struct json_object *document = json_copy(editor->document->json);
    json_set_take(json_ensure_object(document, editor->change->section), "extraArgs",
                  changed_args(editor));
    return document;
}

/* --- pieces of text --- */

static struct json_object *new_pair(const char *key, struct json_object *value)
{
    struct json_object *pair = json_new_object();
    json_set_take(pair, key, value);
    return pair;
}

/* The line break that the text has: that of its first line. */
static void put_break(const struct editor *editor, struct buf *out)
{
    const struct kubeadm_config_document *document = editor->document;
    size_t end = yaml_line_end(document->text, document->len, 0);
    size_t next = yaml_line_next(document->text, document->len, 0);
    if (next > end) {
        buf_append(out, document->text + end, next - end);
    } else {
        buf_puts(out, "\n");
    }
}

/* The value in block style, without its last line break; lines but the first are indented. */
static char *block_text(const struct editor *editor, const struct json_object *value, size_t indent)
{
    AUTO(buf) struct buf out = BUF_INIT(KUBEADM_CONFIG_TEXT_MAX);
    AUTO_FREE char *text = yaml_emit(value);
    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        if (line != text) {
            put_break(editor, &out);
            buf_printf(&out, "%*s", (int)indent, "");
        }
        buf_append(&out, line, len);
        line += len + (line[len] == '\n');
    }
    return buf_take(&out);
}

/* A member of a flow map: what stands between the braces. */
static char *flow_member(const struct json_object *pair)
{
    AUTO_FREE char *text = json_text(pair);
    return xstrndup(text + 1, strlen(text) - 2);
}

static bool only(const char *text, size_t start, size_t end, const char *allowed)
{
    for (size_t i = start; i < end; i++) {
        if (strchr(allowed, text[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* The column of what begins its line; -1: something else stands before it. */
static int column_of(const struct editor *editor, size_t offset, const char *before)
{
    const char *text = editor->document->text;
    size_t start = yaml_line_start(text, editor->document->len, offset);
    return only(text, start, offset, before) && offset - start <= INDENT_MAX ? (int)(offset - start)
                                                                             : -1;
}

static size_t end_of_pair(const struct yaml_node *map, size_t pair)
{
    size_t key = yaml_map_key(map, pair)->end;
    size_t value = yaml_map_value(map, pair)->end;
    return value > key ? value : key;
}

/* Lines behind what ends at `end`, in the column. */
static void insert_lines(struct editor *editor, size_t end, size_t column,
                         const struct json_object *value)
{
    AUTO(buf) struct buf out = BUF_INIT(KUBEADM_CONFIG_TEXT_MAX);
    AUTO_FREE char *text = block_text(editor, value, column);
    size_t at = yaml_line_end(editor->document->text, editor->document->len, end - 1);
    put_break(editor, &out);
    buf_printf(&out, "%*s%s", (int)column, "", text);
    replace_take(editor, at, at, buf_take(&out));
}

/* --- what is added --- */

static int add_pair(struct editor *editor, const struct yaml_node *map,
                    const struct json_object *pair)
{
    size_t last = map->count - 1;
    size_t end = end_of_pair(map, last);
    if (map->style == YAML_STYLE_FLOW) {
        AUTO_FREE char *member = flow_member(pair);
        replace_take(editor, end, end, xasprintf(", %s", member));
        return 0;
    }
    int column = column_of(editor, yaml_map_key(map, last)->start, " ");
    if (column < 0) {
        return refuse(editor, yaml_map_key(map, last), "this does not stand in lines of its own");
    }
    insert_lines(editor, end, (size_t)column, pair);
    return 0;
}

static int add_item(struct editor *editor, const struct yaml_node *list)
{
    const struct yaml_node *last = list->items[list->count - 1];
    AUTO(json) struct json_object *entry = new_entry(editor->change);
    if (list->style == YAML_STYLE_FLOW) {
        AUTO_FREE char *text = json_text(entry);
        replace_take(editor, last->end, last->end, xasprintf(", %s", text));
        return 0;
    }
    int column = column_of(editor, last->start, " -");
    const char *text = editor->document->text;
    size_t start = yaml_line_start(text, editor->document->len, last->start);
    size_t dash = start + strspn(text + start, " ");
    if (column < 0 || dash >= last->start || !only(text, dash + 1, last->start, " ")) {
        return refuse(editor, last, "this does not stand in lines of its own");
    }
    AUTO(json) struct json_object *items = json_new_array();
    json_append_take(items, json_ref(entry));
    insert_lines(editor, last->end, dash - start, items);
    return 0;
}

/* A pair whose value is nothing, or is to be: written anew where it stands. */
static int replace_pair(struct editor *editor, const struct yaml_node *map, size_t pair,
                        const struct json_object *wanted)
{
    const char *text = editor->document->text;
    const struct yaml_node *key = yaml_map_key(map, pair);
    const struct yaml_node *value = yaml_map_value(map, pair);
    int column = column_of(editor, key->start, " ");
    size_t end = end_of_pair(map, pair);
    if (value->end == value->start) { /* nothing is written: up to the ':' */
        end = key->end + strcspn(text + key->end, ":") + 1;
    } else if (!only(text, key->end, value->start, ": \t\r\n")) {
        return refuse(editor, value, "something stands between the key and its value");
    } else if (memchr(text + value->start, '#', value->end - value->start) != NULL) {
        return refuse(editor, value, "there may be a comment in it");
    }
    if (map->style == YAML_STYLE_FLOW) {
        AUTO_FREE char *member = flow_member(wanted);
        replace_take(editor, key->start, end, take_ptr(member));
    } else if (column < 0) {
        return refuse(editor, key, "this does not stand in lines of its own");
    } else {
        replace_take(editor, key->start, end, block_text(editor, wanted, (size_t)column));
    }
    return 0;
}

static int add(struct editor *editor)
{
    const struct kubeadm_config_place *place = editor->place;
    const struct yaml_node *root = editor->document->root;
    const struct kubeadm_config_change *change = editor->change;
    if (place->args != NULL && editor->document->list) {
        return add_item(editor, place->args);
    }
    if (place->args != NULL) {
        AUTO(json) struct json_object *flag = new_pair(change->flag, json_new_str(change->value));
        return add_pair(editor, place->args, flag);
    }
    AUTO(json) struct json_object *args = new_pair("extraArgs", changed_args(editor));
    if (place->section != NULL) {
        return place->args_pair < place->section->count
                   ? replace_pair(editor, place->section, place->args_pair, args)
                   : add_pair(editor, place->section, args);
    }
    AUTO(json) struct json_object *section = new_pair(change->section, json_ref(args));
    return place->section_pair < root->count
               ? replace_pair(editor, root, place->section_pair, section)
               : add_pair(editor, root, section);
}

/* --- what is there --- */

static const struct yaml_node *value_node(const struct editor *editor)
{
    const struct yaml_node *args = editor->place->args;
    const struct yaml_node *map = args;
    const char *key = editor->change->flag;
    if (editor->document->list) {
        map = args->items[editor->change->entry];
        key = "value";
    }
    return map->kind == YAML_KIND_MAP ? yaml_map_value(map, yaml_map_find(map, key, 0)) : map;
}

static bool is_flow(const struct editor *editor)
{
    const struct yaml_node *args = editor->place->args;
    return args->style == YAML_STYLE_FLOW ||
           (editor->document->list && args->items[editor->change->entry]->style == YAML_STYLE_FLOW);
}

static int set(struct editor *editor)
{
    const struct yaml_node *node = value_node(editor);
    const char *text = editor->document->text;
    if (node->kind != YAML_KIND_SCALAR || node->anchor != NULL || node->tag != NULL ||
        node->style == YAML_STYLE_LITERAL || node->style == YAML_STYLE_FOLDED ||
        yaml_line_end(text, editor->document->len, node->start) < node->end) {
        return refuse(editor, node, "this is not a text on one line");
    }
    AUTO(json) struct json_object *value = json_new_str(editor->change->value);
    char *written = node->style == YAML_STYLE_SINGLE ? yaml_quote_single(editor->change->value)
                    : node->style == YAML_STYLE_PLAIN && !is_flow(editor)
                        ? block_text(editor, value, 0)
                        : json_text(value);
    replace_take(editor, node->start, node->end, written);
    return 0;
}

static int remove_lines(struct editor *editor, const struct yaml_node *node, size_t end,
                        const char *before)
{
    const char *text = editor->document->text;
    size_t len = editor->document->len;
    if (column_of(editor, node->start, before) < 0) {
        return refuse(editor, node, "this does not stand in lines of its own");
    }
    replace_take(editor, yaml_line_start(text, len, node->start),
                 yaml_line_next(text, len, end - 1), xstrdup(""));
    return 0;
}

/* One of several in a flow map or list, with the comma that has no use then. */
static int remove_from_flow(struct editor *editor, size_t before, size_t start, size_t end,
                            size_t next)
{
    size_t from = before > 0 ? before : start;
    size_t to = before > 0 ? end : next;
    if (memchr(editor->document->text + from, '#', to - from) != NULL) {
        return refuse(editor, editor->place->args, "there may be a comment beside it");
    }
    replace_take(editor, from, to, xstrdup(""));
    return 0;
}

static int remove_item(struct editor *editor, const struct yaml_node *list)
{
    size_t at = editor->change->entry;
    const struct yaml_node *item = list->items[at];
    if (list->style != YAML_STYLE_FLOW) {
        return remove_lines(editor, item, item->end, " -");
    }
    return remove_from_flow(editor, at > 0 ? list->items[at - 1]->end : 0, item->start, item->end,
                            at + 1 < list->count ? list->items[at + 1]->start : item->end);
}

static int remove_pair(struct editor *editor, const struct yaml_node *map)
{
    size_t at = yaml_map_find(map, editor->change->flag, 0);
    const struct yaml_node *key = yaml_map_key(map, at);
    size_t end = end_of_pair(map, at);
    if (map->style != YAML_STYLE_FLOW) {
        return remove_lines(editor, key, end, " ");
    }
    return remove_from_flow(editor, at > 0 ? end_of_pair(map, at - 1) : 0, key->start, end,
                            at + 1 < map->count ? yaml_map_key(map, at + 1)->start : end);
}

static int remove_entry(struct editor *editor)
{
    const struct kubeadm_config_place *place = editor->place;
    if (place->args->count == 1) {
        AUTO(json) struct json_object *args = new_pair("extraArgs", changed_args(editor));
        return replace_pair(editor, place->section, place->args_pair, args);
    }
    return (editor->document->list ? remove_item : remove_pair)(editor, place->args);
}

/* --- */

/* Reads what the change made of the text: it must be what it makes of the JSON. */
static int verify(struct editor *editor, const char *text, size_t len)
{
    AUTO(json) struct json_object *documents = NULL;
    AUTO(json) struct json_object *wanted = changed_document(editor);
    if (yaml_to_json(text, len, &documents, NULL) < 0 || json_array_len(documents) != 1 ||
        !json_same(json_array_at(documents, 0), wanted)) {
        return refuse(editor, editor->place->args, "it can't be changed with certainty");
    }
    return 0;
}

int kubeadm_config_change(const struct kubeadm_config_document *document,
                          const struct kubeadm_config_place *place,
                          const struct kubeadm_config_change *change, char **ret_text,
                          size_t *ret_len, struct staticpod_refusal *refusal)
{
    static int (*const verbs[])(struct editor *) = {add, set, remove_entry};
    AUTO(editor)
    struct editor editor = {
        .document = document, .place = place, .change = change, .refusal = refusal};
    AUTO_FREE char *text = NULL;
    size_t len;
    if (verbs[change->verb](&editor) < 0) {
        return -1;
    }
    const struct yaml_edit edit = {
        .start = editor.start, .end = editor.end, .replacement = editor.replacement};
    if (yaml_edit_apply(document->text, document->len, &edit, 1, KUBEADM_CONFIG_TEXT_MAX, &text,
                        &len, NULL) < 0) {
        return refuse(&editor, NULL, "it would be larger than a ConfigMap may be");
    }
    if (verify(&editor, text, len) < 0) {
        return -1;
    }
    *ret_text = take_ptr(text);
    *ret_len = len;
    return 0;
}
