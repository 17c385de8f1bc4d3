#include "staticpod/staticpod_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "yaml/yaml_edit.h"
#include "yaml/yaml_scalar.h"
#include "json/json.h"

static void add_change(struct staticpod_word_changes *changes, struct staticpod_word_change change)
{
    changes->list = xreallocarray(changes->list, changes->len + 1, sizeof(*changes->list));
    changes->list[changes->len++] = change;
}

void staticpod_word_replace_take(struct staticpod_word_changes *changes, size_t word, char *value)
{
    add_change(changes, (struct staticpod_word_change){
                            .kind = STATICPOD_WORD_REPLACE, .word = word, .value = value});
}

void staticpod_word_remove(struct staticpod_word_changes *changes, size_t word)
{
    add_change(changes,
               (struct staticpod_word_change){.kind = STATICPOD_WORD_REMOVE, .word = word});
}

void staticpod_word_append(struct staticpod_word_changes *changes, const char *value)
{
    add_change(changes, (struct staticpod_word_change){.kind = STATICPOD_WORD_APPEND,
                                                       .value = xstrdup(value)});
}

void staticpod_word_changes_finish(struct staticpod_word_changes *changes)
{
    for (size_t i = 0; i < changes->len; i++) {
        free(changes->list[i].value);
    }
    free(changes->list);
    *changes = (struct staticpod_word_changes){0};
}

static const struct staticpod_word_change *change_of(const struct staticpod_word_changes *changes,
                                                     size_t word)
{
    for (size_t i = 0; i < changes->len; i++) {
        if (changes->list[i].kind != STATICPOD_WORD_APPEND && changes->list[i].word == word) {
            return &changes->list[i];
        }
    }
    return NULL;
}

/* The list that new items go to. */
static enum staticpod_list last_list(const struct staticpod_manifest *manifest)
{
    return manifest->words[manifest->words_len - 1].list;
}

struct json_object *staticpod_words_list(const struct staticpod_manifest *manifest,
                                         const struct staticpod_word_changes *changes,
                                         enum staticpod_list list)
{
    struct json_object *array = json_new_array();
    for (size_t i = 0; i < manifest->words_len; i++) {
        const struct staticpod_word_change *change = change_of(changes, i);
        if (manifest->words[i].list != list ||
            (change != NULL && change->kind == STATICPOD_WORD_REMOVE)) {
            continue;
        }
        json_append_take(array,
                         json_new_str(change != NULL ? change->value : manifest->words[i].value));
    }
    for (size_t i = 0; i < changes->len; i++) {
        if (changes->list[i].kind == STATICPOD_WORD_APPEND && last_list(manifest) == list) {
            json_append_take(array, json_new_str(changes->list[i].value));
        }
    }
    return array;
}

/* --- how an item is written --- */

/* Whether the text means itself without quotes, in block lists and in flow lists. */
static bool is_plain(const char *value, bool flow)
{
    const struct yaml_node node = {.kind = YAML_KIND_SCALAR, .implicit = true, .value = value};
    struct yaml_scalar scalar;
    if (strncmp(value, "--", 2) != 0 && !isalpha((unsigned char)value[0])) {
        return false;
    }
    for (const char *at = value; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("-_./=*+", *at) == NULL &&
            (flow || *at != ',')) {
            return false;
        }
    }
    return yaml_scalar_resolve(&node, &scalar, NULL) == 0 && scalar.type == YAML_TYPE_STRING;
}

static char *quote_double(const char *value)
{
    AUTO(buf) struct buf out = BUF_INIT(2 * strlen(value) + 2);
    buf_puts(&out, "\"");
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\') {
            buf_puts(&out, "\\");
        }
        buf_append(&out, value, 1);
    }
    buf_puts(&out, "\"");
    return buf_take(&out);
}

static char *render(const char *value, enum yaml_style style, bool flow)
{
    if (style == YAML_STYLE_SINGLE) {
        return yaml_quote_single(value);
    }
    return style == YAML_STYLE_PLAIN && is_plain(value, flow) ? xstrdup(value)
                                                              : quote_double(value);
}

static const struct yaml_node *list_of(const struct staticpod_manifest *manifest, size_t word)
{
    return manifest->lists[manifest->words[word].list];
}

static bool is_flow(const struct staticpod_manifest *manifest, size_t word)
{
    return list_of(manifest, word)->style == YAML_STYLE_FLOW;
}

/* --- replaced --- */

static bool on_one_line(const struct staticpod_manifest *manifest, const struct yaml_node *node)
{
    return node->style != YAML_STYLE_LITERAL && node->style != YAML_STYLE_FOLDED &&
           yaml_line_end(manifest->text, manifest->len, node->start) >= node->end;
}

static int check_item(const struct staticpod_manifest *manifest, const struct yaml_node *node,
                      struct staticpod_refusal *refusal)
{
    if (staticpod_check_editable(refusal, manifest, node, "the flag") < 0) {
        return -1;
    }
    if (node->anchor != NULL || !on_one_line(manifest, node)) {
        return staticpod_refuse(refusal, manifest, node,
                                "the flag %s: write it on one line, as an item of its own",
                                node->anchor != NULL ? "has an anchor" : "goes over several lines");
    }
    return 0;
}

static void replace(const struct staticpod_manifest *manifest,
                    const struct staticpod_word_change *change, struct staticpod_spans *spans)
{
    const struct yaml_node *node = manifest->words[change->word].node;
    staticpod_spans_add_take(spans, node->start, node->end,
                             render(change->value, node->style, is_flow(manifest, change->word)));
}

/* --- removed --- */

static bool only(const char *text, size_t start, size_t end, const char *allowed)
{
    for (size_t i = start; i < end; i++) {
        if (strchr(allowed, text[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* Whether nothing but spaces and one '-' stand before the item in its line. */
static bool has_own_line(const struct staticpod_manifest *manifest, const struct yaml_node *node)
{
    const char *text = manifest->text;
    size_t start = yaml_line_start(text, manifest->len, node->start);
    size_t dashes = 0;
    for (size_t i = start; i < node->start; i++) {
        dashes += text[i] == '-';
    }
    return dashes == 1 && only(text, start, node->start, " -");
}

static int remove_line(const struct staticpod_manifest *manifest, const struct yaml_node *node,
                       struct staticpod_spans *spans, struct staticpod_refusal *refusal)
{
    const char *text = manifest->text;
    size_t start = yaml_line_start(text, manifest->len, node->start);
    if (!has_own_line(manifest, node)) {
        return staticpod_refuse(refusal, manifest, node,
                                "the flag does not stand in a line of its own: remove it by hand");
    }
    staticpod_spans_add_take(spans, start, yaml_line_next(text, manifest->len, node->end),
                             xstrdup(""));
    return 0;
}

/* The items `from` to `to` of a flow list, with the commas that have no use then. */
static int remove_from_flow(const struct staticpod_manifest *manifest, const struct yaml_node *list,
                            size_t from, size_t to, struct staticpod_spans *spans,
                            struct staticpod_refusal *refusal)
{
    size_t start = from > 0 ? list->items[from - 1]->end : list->items[from]->start;
    size_t end =
        from == 0 && to + 1 < list->count ? list->items[to + 1]->start : list->items[to]->end;
    for (size_t i = start + 1; i < end; i++) {
        if (manifest->text[i] == '#' && strchr(" \t\r\n", manifest->text[i - 1]) != NULL) {
            return staticpod_refuse(refusal, manifest, list->items[from],
                                    "a comment stands next to the flag: remove it by hand");
        }
    }
    staticpod_spans_add_take(spans, start, end, xstrdup(""));
    return 0;
}

static bool is_removed(const struct staticpod_word_changes *changes, size_t word)
{
    const struct staticpod_word_change *change = change_of(changes, word);
    return change != NULL && change->kind == STATICPOD_WORD_REMOVE;
}

/* The last of the words from this one on that are removed from the same list. */
static size_t run_end(const struct staticpod_manifest *manifest,
                      const struct staticpod_word_changes *changes, size_t word)
{
    size_t end = word;
    while (end + 1 < manifest->words_len && is_removed(changes, end + 1) &&
           manifest->words[end + 1].list == manifest->words[word].list) {
        end++;
    }
    return end;
}

static int remove_word(const struct staticpod_manifest *manifest,
                       const struct staticpod_word_changes *changes, size_t word,
                       struct staticpod_spans *spans, struct staticpod_refusal *refusal)
{
    const struct staticpod_word *words = manifest->words;
    if (!is_flow(manifest, word)) {
        return remove_line(manifest, words[word].node, spans, refusal);
    }
    if (word > 0 && is_removed(changes, word - 1) && words[word - 1].list == words[word].list) {
        return 0; /* gone with the one before */
    }
    size_t end = run_end(manifest, changes, word);
    return remove_from_flow(manifest, list_of(manifest, word), words[word].index, words[end].index,
                            spans, refusal);
}

/* --- added --- */

static int append_line(const struct staticpod_manifest *manifest, const struct yaml_node *last,
                       const char *value, struct staticpod_spans *spans,
                       struct staticpod_refusal *refusal)
{
    const char *text = manifest->text;
    size_t start = yaml_line_start(text, manifest->len, last->start);
    size_t end = yaml_line_end(text, manifest->len, last->end);
    size_t next = yaml_line_next(text, manifest->len, last->end);
    if (!on_one_line(manifest, last) || !has_own_line(manifest, last)) {
        return staticpod_refuse(refusal, manifest, last,
                                "no flag can be added behind one that does not stand in a line of "
                                "its own: add %s by hand",
                                value);
    }
    AUTO_FREE char *item = render(value, YAML_STYLE_PLAIN, false);
    /* the last line of the text may have no end; then the one before it tells what ends are like */
    size_t eol = next > end ? end : yaml_line_end(text, manifest->len, start > 0 ? start - 1 : 0);
    size_t eol_len = yaml_line_next(text, manifest->len, eol) - eol;
    staticpod_spans_add_take(spans, end, end,
                             xasprintf("%.*s%.*s%s", (int)eol_len, text + eol,
                                       (int)(last->start - start), text + start, item));
    return 0;
}

/* Divided from the item before it as that one is from its own, in JSON over several lines too. */
static int append_to_flow(const struct staticpod_manifest *manifest, const struct yaml_node *list,
                          const char *value, struct staticpod_spans *spans,
                          struct staticpod_refusal *refusal)
{
    const struct yaml_node *last = list->items[list->count - 1];
    const char *divider = ", ";
    size_t divider_len = strlen(divider);
    if (list->count > 1) {
        size_t start = list->items[list->count - 2]->end;
        divider = manifest->text + start;
        divider_len = last->start - start;
    }
    if (!only(divider, 0, divider_len, " \t\r\n,")) {
        return staticpod_refuse(refusal, manifest, last,
                                "a comment stands before the last flag: add %s by hand", value);
    }
    AUTO_FREE char *item = quote_double(value);
    staticpod_spans_add_take(spans, last->end, last->end,
                             xasprintf("%.*s%s", (int)divider_len, divider, item));
    return 0;
}

static int append(const struct staticpod_manifest *manifest, const char *value,
                  struct staticpod_spans *spans, struct staticpod_refusal *refusal)
{
    size_t last = manifest->words_len - 1;
    return is_flow(manifest, last)
               ? append_to_flow(manifest, list_of(manifest, last), value, spans, refusal)
               : append_line(manifest, manifest->words[last].node, value, spans, refusal);
}

int staticpod_words_edit(const struct staticpod_manifest *manifest,
                         const struct staticpod_word_changes *changes,
                         struct staticpod_spans *spans, struct staticpod_refusal *refusal)
{
    for (size_t i = 0; i < changes->len; i++) {
        const struct staticpod_word_change *change = &changes->list[i];
        if (change->kind == STATICPOD_WORD_APPEND) {
            if (append(manifest, change->value, spans, refusal) < 0) {
                return -1;
            }
            continue;
        }
        if (check_item(manifest, manifest->words[change->word].node, refusal) < 0) {
            return -1;
        }
        if (change->kind == STATICPOD_WORD_REPLACE) {
            replace(manifest, change, spans);
        } else if (remove_word(manifest, changes, change->word, spans, refusal) < 0) {
            return -1;
        }
    }
    return 0;
}
