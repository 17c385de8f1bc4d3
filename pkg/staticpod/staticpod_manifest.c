#include "staticpod/staticpod_manifest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "yaml/yaml.h"
#include "yaml/yaml_scalar.h"
#include "json/json.h"

struct reader {
    struct staticpod_manifest *manifest;
    struct staticpod_refusal *refusal;
    const char *component; /* its name */
};

const char *staticpod_component_name(enum staticpod_component component)
{
    return component == STATICPOD_APISERVER ? "kube-apiserver" : "kube-controller-manager";
}

void staticpod_refusal_finish(struct staticpod_refusal *refusal)
{
    free(refusal->message);
    *refusal = (struct staticpod_refusal){0};
}

static int set_refusal(struct staticpod_refusal *refusal, struct yaml_place place,
                       char *message_take)
{
    free(refusal->message);
    *refusal = (struct staticpod_refusal){
        .message = message_take, .line = place.line, .column = place.column};
    return -1;
}

int staticpod_refuse(struct staticpod_refusal *refusal, const struct staticpod_manifest *manifest,
                     const struct yaml_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_refusal(refusal, yaml_place(manifest->text, manifest->len, node->start),
                xvasprintf(format, args));
    va_end(args);
    return -1;
}

int staticpod_check_editable(struct staticpod_refusal *refusal,
                             const struct staticpod_manifest *manifest,
                             const struct yaml_node *node, const char *what)
{
    if (node->kind == YAML_KIND_ALIAS) {
        return staticpod_refuse(refusal, manifest, node,
                                "%s is the alias *%s: write it out, then it can be edited", what,
                                node->value);
    }
    if (node->referenced) {
        return staticpod_refuse(refusal, manifest, node,
                                "the anchor &%s of %s is used elsewhere: write it out there",
                                node->anchor, what);
    }
    if (node->tag != NULL) {
        return staticpod_refuse(refusal, manifest, node, "%s has a tag: take the tag away", what);
    }
    return 0;
}

static int PRINTF_LIKE(3, 4)
    refuse(struct reader *reader, const struct yaml_node *node, const char *format, ...)
{
    const struct staticpod_manifest *manifest = reader->manifest;
    va_list args;
    va_start(args, format);
    set_refusal(reader->refusal, yaml_place(manifest->text, manifest->len, node->start),
                xvasprintf(format, args));
    va_end(args);
    return -1;
}

/* An error of pkg/yaml begins with its place when it has one. */
static int refuse_unreadable(struct reader *reader, const struct err *err)
{
    struct yaml_place place = {0};
    int prefix = 0;
    if (sscanf(err->text, "line %zu, column %zu: %n", &place.line, &place.column, &prefix) < 2) {
        place = (struct yaml_place){0};
        prefix = 0;
    }
    return set_refusal(reader->refusal, place,
                       xasprintf("%s: it must be repaired by hand", err->text + prefix));
}

static int unrelated(struct reader *reader)
{
    reader->refusal->unrelated = true;
    return -1;
}

/* Where the document begins that follows the first one; for one that is known to be there. */
static struct yaml_place second_document(const struct staticpod_manifest *manifest)
{
    return yaml_place(manifest->text, manifest->len, yaml_tree_end(manifest->tree));
}

static int take_only_document(struct reader *reader, const struct json_object *documents)
{
    struct staticpod_manifest *manifest = reader->manifest;
    for (size_t i = 1; i < json_array_len(documents); i++) {
        if (!json_is_null(json_array_at(documents, i))) {
            return set_refusal(reader->refusal, second_document(manifest),
                               xstrdup("several documents, of which the kubelet reads the first "
                                       "only: leave one"));
        }
    }
    const struct json_object *document = json_array_at(documents, 0);
    if (!json_is_object(document)) {
        set_refusal(reader->refusal, (struct yaml_place){.line = 1, .column = 1},
                    xasprintf("%s where a Pod is expected",
                              document == NULL ? "nothing" : json_type_word(document)));
        return unrelated(reader);
    }
    manifest->document = json_ref(document);
    manifest->root = yaml_tree_root(manifest->tree);
    return 0;
}

/* What begins with '{' is JSON to the kubelet (apimachinery's yaml.ToJSON), never YAML. */
static int check_json(struct reader *reader)
{
    const struct staticpod_manifest *manifest = reader->manifest;
    AUTO(json) struct json_object *unused = NULL;
    struct err err;
    size_t at = 0;
    while (at < manifest->len && strchr(" \t\r\n", manifest->text[at]) != NULL) {
        at++;
    }
    if (at == manifest->len || manifest->text[at] != '{' ||
        json_parse(manifest->text, manifest->len, &unused, &err) == 0) {
        return 0;
    }
    return set_refusal(reader->refusal, yaml_place(manifest->text, manifest->len, at),
                       xasprintf("it begins as JSON, as which the kubelet reads it, and is none: "
                                 "%s",
                                 err.text));
}

static int parse(struct reader *reader)
{
    struct staticpod_manifest *manifest = reader->manifest;
    AUTO(json) struct json_object *documents = NULL;
    struct err err;
    if (manifest->len > STATICPOD_TEXT_MAX) {
        return set_refusal(reader->refusal, (struct yaml_place){0},
                           xasprintf("larger than %d MiB, more than the kubelet reads",
                                     (int)(STATICPOD_TEXT_MAX >> 20)));
    }
    if (yaml_to_json(manifest->text, manifest->len, &documents, &err) < 0 ||
        yaml_tree_parse(manifest->text, manifest->len, &manifest->tree, NULL, &err) < 0) {
        return refuse_unreadable(reader, &err);
    }
    return check_json(reader) < 0 ? -1 : take_only_document(reader, documents);
}

/* The maps on the way to what is edited: nothing in them may come from elsewhere. */
static int check_map(struct reader *reader, const struct yaml_node *map, const char *what)
{
    if (staticpod_check_editable(reader->refusal, reader->manifest, map, what) < 0) {
        return -1;
    }
    if (map->kind != YAML_KIND_MAP) {
        return refuse(reader, map, "%s is not a map: repair it by hand", what);
    }
    for (size_t i = 0; i < map->count; i++) {
        if (yaml_map_is_merge(map, i)) {
            return refuse(reader, yaml_map_key(map, i),
                          "a merge key (<<) in %s: write out what it merges", what);
        }
    }
    return 0;
}

static int check_word(struct reader *reader, const char *key, const char *wanted)
{
    const struct yaml_node *root = reader->manifest->root;
    const char *value = json_get_str(reader->manifest->document, key);
    size_t pair = yaml_map_find(root, key, 0);
    if (value != NULL && strcmp(value, wanted) == 0) {
        return 0;
    }
    if (pair == root->count) {
        refuse(reader, root, "no %s: it must be %s", key, wanted);
    } else {
        refuse(reader, yaml_map_value(root, pair), "%s is %.64s, it must be %s", key,
               value != NULL ? value : "not a string", wanted);
    }
    return unrelated(reader);
}

static int find_spec(struct reader *reader)
{
    struct staticpod_manifest *manifest = reader->manifest;
    if (check_map(reader, manifest->root, "the manifest") < 0 ||
        check_word(reader, "apiVersion", "v1") < 0 || check_word(reader, "kind", "Pod") < 0) {
        return -1;
    }
    manifest->spec_pair = yaml_map_find(manifest->root, "spec", 0);
    if (manifest->spec_pair == manifest->root->count) {
        return refuse(reader, manifest->root, "no spec");
    }
    manifest->spec = yaml_map_value(manifest->root, manifest->spec_pair);
    return check_map(reader, manifest->spec, "spec");
}

/* --- one container --- */

struct candidate {
    const struct yaml_node *map;
    const char *name; /* "" when it has none */
    const struct yaml_node *lists[STATICPOD_LISTS];
    struct staticpod_word *words;
    size_t words_len;
    size_t first_flag;
};

static void candidate_finish(struct candidate *candidate)
{
    free(candidate->words);
    candidate->words = NULL;
}
DEFINE_AUTO_FINISH(candidate, struct candidate, candidate_finish)

static bool is_null(const struct yaml_node *node)
{
    struct yaml_scalar scalar;
    return node->kind == YAML_KIND_SCALAR && yaml_scalar_resolve(node, &scalar, NULL) == 0 &&
           scalar.type == YAML_TYPE_NULL;
}

static bool is_string(const struct yaml_node *node)
{
    struct yaml_scalar scalar;
    return node->kind == YAML_KIND_SCALAR && yaml_scalar_resolve(node, &scalar, NULL) == 0 &&
           scalar.type == YAML_TYPE_STRING && strlen(node->value) == node->value_len;
}

static int add_words(struct reader *reader, struct candidate *candidate, enum staticpod_list list)
{
    const struct yaml_node *sequence = yaml_node_follow(candidate->lists[list]);
    candidate->words = xreallocarray(candidate->words, candidate->words_len + sequence->count + 1,
                                     sizeof(*candidate->words));
    for (size_t i = 0; i < sequence->count; i++) {
        const struct yaml_node *item = yaml_node_follow(sequence->items[i]);
        if (!is_string(item)) {
            return refuse(reader, sequence->items[i],
                          "not a string, which the kubelet cannot read here: repair it by hand");
        }
        candidate->words[candidate->words_len++] = (struct staticpod_word){
            .node = sequence->items[i], .value = item->value, .list = list, .index = i};
    }
    return 0;
}

static int read_list(struct reader *reader, struct candidate *candidate, enum staticpod_list list)
{
    const char *key = list == STATICPOD_COMMAND ? "command" : "args";
    size_t pair = yaml_map_find(candidate->map, key, 0);
    if (pair == candidate->map->count) {
        return 0;
    }
    const struct yaml_node *value = yaml_map_value(candidate->map, pair);
    const struct yaml_node *sequence = yaml_node_follow(value);
    if (is_null(sequence)) {
        return 0;
    }
    if (sequence->kind != YAML_KIND_SEQ) {
        return refuse(reader, value, "%s is not a list: repair it by hand", key);
    }
    candidate->lists[list] = value;
    return add_words(reader, candidate, list);
}

static int read_candidate(struct reader *reader, const struct yaml_node *item,
                          struct candidate *candidate)
{
    const struct yaml_node *map = yaml_node_follow(item);
    if (map->kind != YAML_KIND_MAP) {
        return refuse(reader, item, "a container that is not a map: repair it by hand");
    }
    size_t pair = yaml_map_find(map, "name", 0);
    const struct yaml_node *name =
        pair < map->count ? yaml_node_follow(yaml_map_value(map, pair)) : NULL;
    *candidate = (struct candidate){.map = map, .name = ""};
    if (name != NULL && is_string(name)) {
        candidate->name = name->value;
    }
    if (read_list(reader, candidate, STATICPOD_COMMAND) < 0) {
        return -1;
    }
    return read_list(reader, candidate, STATICPOD_ARGS);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool is_shell(const char *word)
{
    static const char *const shells[] = {"sh", "bash", "ash", "dash", "ksh", "zsh", "busybox"};
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (strcmp(base_name(word), shells[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A path to the component's program, not an option or a script that has it in its text. */
static bool is_program(const char *word, const char *component)
{
    return strpbrk(word, " \t\r\n=:;$") == NULL && strcmp(base_name(word), component) == 0;
}

static bool is_mentioned(const struct candidate *candidate, const char *component)
{
    for (size_t i = 0; i < candidate->words_len; i++) {
        if (strstr(candidate->words[i].value, component) != NULL) {
            return true;
        }
    }
    return strcmp(candidate->name, component) == 0;
}

/*
 * Whether this container runs the component: the program's name is one of the words (a wrapper such
 * as go-runner or hyperkube may stand before it), or the image's own entry point is what runs and
 * the container is named like the component. Refused when it may be, and its words do not tell.
 */
static int judge(struct reader *reader, struct candidate *candidate, bool *ret_runs)
{
    const char *component = reader->component;
    if (candidate->words_len > 0 && is_shell(candidate->words[0].value) &&
        is_mentioned(candidate, component)) {
        return refuse(reader, candidate->words[0].node,
                      "%s is started by a shell, whose script is not edited: write its flags as "
                      "items of command, or change the script by hand",
                      component);
    }
    for (size_t i = 0; i < candidate->words_len; i++) {
        if (is_program(candidate->words[i].value, component)) {
            candidate->first_flag = i + 1;
            *ret_runs = true;
            return 0;
        }
    }
    *ret_runs = strcmp(candidate->name, component) == 0;
    if (*ret_runs && (candidate->lists[STATICPOD_COMMAND] != NULL || candidate->words_len == 0)) {
        return refuse(reader, candidate->map,
                      "the container %s has no command that names %s: edit it by hand", component,
                      component);
    }
    return 0;
}

static int check_lists(struct reader *reader, const struct yaml_node *const *lists)
{
    static const char *const names[] = {"command", "args"};
    for (size_t i = 0; i < STATICPOD_LISTS; i++) {
        if (lists[i] != NULL &&
            staticpod_check_editable(reader->refusal, reader->manifest, lists[i], names[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int take_candidate(struct reader *reader, struct candidate *candidate,
                          const struct yaml_node *item, size_t index)
{
    struct staticpod_manifest *manifest = reader->manifest;
    if (manifest->container != NULL) {
        return refuse(reader, item, "a second container that runs %s: edit it by hand",
                      reader->component);
    }
    if (check_map(reader, item, "the container") < 0 || check_lists(reader, candidate->lists) < 0) {
        return -1;
    }
    manifest->container = item;
    manifest->container_index = index;
    memcpy(manifest->lists, candidate->lists, sizeof(manifest->lists));
    manifest->words = take_ptr(candidate->words);
    manifest->words_len = candidate->words_len;
    manifest->first_flag = candidate->first_flag;
    return 0;
}

static int read_container(struct reader *reader, const struct yaml_node *item, size_t index)
{
    AUTO(candidate) struct candidate candidate = {0};
    bool runs = false;
    if (read_candidate(reader, item, &candidate) < 0 || judge(reader, &candidate, &runs) < 0) {
        return -1;
    }
    return runs ? take_candidate(reader, &candidate, item, index) : 0;
}

static int find_container(struct reader *reader)
{
    const struct staticpod_manifest *manifest = reader->manifest;
    size_t pair = yaml_map_find(manifest->spec, "containers", 0);
    if (pair == manifest->spec->count) {
        return refuse(reader, manifest->spec, "no containers");
    }
    const struct yaml_node *list = yaml_map_value(manifest->spec, pair);
    if (staticpod_check_editable(reader->refusal, manifest, list, "containers") < 0) {
        return -1;
    }
    if (list->kind != YAML_KIND_SEQ) {
        return refuse(reader, list, "containers is not a list: repair it by hand");
    }
    for (size_t i = 0; i < list->count; i++) {
        if (read_container(reader, list->items[i], i) < 0) {
            return -1;
        }
    }
    if (manifest->container == NULL) {
        refuse(reader, list, "no container runs %s", reader->component);
        return unrelated(reader);
    }
    return 0;
}

int staticpod_manifest_read(const char *text, size_t len, enum staticpod_component component,
                            struct staticpod_manifest *ret_manifest,
                            struct staticpod_refusal *refusal)
{
    *ret_manifest = (struct staticpod_manifest){.text = text, .len = len};
    struct reader reader = {.manifest = ret_manifest,
                            .refusal = refusal,
                            .component = staticpod_component_name(component)};
    if (parse(&reader) < 0 || find_spec(&reader) < 0) {
        return -1;
    }
    return find_container(&reader);
}

void staticpod_manifest_finish(struct staticpod_manifest *manifest)
{
    free(manifest->words);
    json_unref(manifest->document);
    yaml_tree_destroy(manifest->tree);
    *manifest = (struct staticpod_manifest){0};
}
