#include "adjust/kube_proxy_text_find.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "yaml/yaml_scalar.h"

static const char api_version[] = "kubeproxy.config.k8s.io/v1alpha1";
static const char kind[] = "KubeProxyConfiguration";
static const char core_tag[] = "tag:yaml.org,2002:";

struct finder {
    struct kube_proxy_finding *finding;
    struct kube_proxy_text *report;
};

static void set_refused(struct kube_proxy_text *report, struct yaml_place place, char *message_take)
{
    report->outcome = KUBE_PROXY_TEXT_REFUSED;
    report->line = place.line;
    report->column = place.column;
    free(report->message);
    report->message = message_take;
}

int kube_proxy_text_refuse(struct kube_proxy_text *report, const char *text, size_t len,
                           size_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_refused(report, yaml_place(text, len, offset), xvasprintf(format, args));
    va_end(args);
    return -1;
}

static int PRINTF_LIKE(3, 4)
    refuse(struct finder *finder, const struct yaml_node *node, const char *format, ...)
{
    const struct kube_proxy_finding *finding = finder->finding;
    va_list args;
    va_start(args, format);
    set_refused(finder->report, yaml_place(finding->text, finding->len, node->start),
                xvasprintf(format, args));
    va_end(args);
    return -1;
}

/* What is too large or cannot be read. */
static int parse(struct finder *finder)
{
    struct kube_proxy_finding *finding = finder->finding;
    struct yaml_place place = {0};
    struct err err;
    if (finding->len > KUBE_PROXY_TEXT_MAX) {
        set_refused(
            finder->report, place,
            xasprintf("larger than %d bytes: no ConfigMap can hold it", (int)KUBE_PROXY_TEXT_MAX));
        return -1;
    }
    if (yaml_tree_parse(finding->text, finding->len, &finding->tree, &place, &err) < 0) {
        int prefix = place.line == 0
                         ? 0
                         : snprintf(NULL, 0, "line %zu, column %zu: ", place.line, place.column);
        set_refused(finder->report, place,
                    xasprintf("%s: it must be repaired by hand, kube-proxy may not be able to read "
                              "it either",
                              err.text + prefix));
        return -1;
    }
    finding->root = yaml_tree_root(finding->tree);
    return 0;
}

static bool known_tag(const struct yaml_node *node)
{
    static const char *const known[] = {"str",       "int", "float", "bool", "null",
                                        "timestamp", "map", "seq",   "merge"};
    if (node->tag == NULL || strcmp(node->tag, "!") == 0) {
        return true;
    }
    size_t prefix = strlen(core_tag);
    for (size_t i = 0; i < ARRAY_LEN(known) && strncmp(node->tag, core_tag, prefix) == 0; i++) {
        if (strcmp(node->tag + prefix, known[i]) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * Whether the tag ends at a blank. goyaml reads ",[]" on as part of a tag, libyaml does not, so
 * what a tag next to them means differs between kube-proxy and us.
 */
static bool tag_stands_apart(const struct kube_proxy_finding *finding, const struct yaml_node *node)
{
    const char *text = finding->text;
    size_t at = node->start;
    while (at < finding->len && text[at] != '!') {
        at++; /* an anchor may stand before the tag, without '!' in its name */
    }
    while (at < finding->len && strchr(" \t\r\n,", text[at]) == NULL) {
        at++;
    }
    return at == finding->len || text[at] != ',';
}

/* A tag such as !!binary may make another text of a key: nothing is certain with it. */
static int check_tags(struct finder *finder, const struct yaml_node *node)
{
    if (!known_tag(node)) {
        bool core = strncmp(node->tag, core_tag, strlen(core_tag)) == 0;
        return refuse(finder, node, "the tag %s%.64s is not understood: edit it by hand",
                      core ? "!!" : "", node->tag + (core ? strlen(core_tag) : 0));
    }
    if (node->tag != NULL && !tag_stands_apart(finder->finding, node)) {
        return refuse(finder, node, "a tag without a blank behind it: edit it by hand");
    }
    size_t items = node->kind == YAML_KIND_MAP ? 2 * node->count : node->count;
    for (size_t i = 0; i < items; i++) {
        if (check_tags(finder, node->items[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static const char *kind_word(const struct yaml_node *node)
{
    struct yaml_scalar scalar;
    if (node->kind != YAML_KIND_SCALAR) {
        return node->kind == YAML_KIND_MAP ? "map" : "sequence";
    }
    return yaml_scalar_resolve(node, &scalar, NULL) < 0 ? "value" : yaml_type_word(scalar.type);
}

static bool is_null(const struct yaml_node *node)
{
    struct yaml_scalar scalar;
    return node->kind == YAML_KIND_SCALAR && yaml_scalar_resolve(node, &scalar, NULL) == 0 &&
           scalar.type == YAML_TYPE_NULL;
}

static bool is_empty(const struct yaml_node *node)
{
    return is_null(node) || (node->kind == YAML_KIND_SCALAR && node->value_len == 0);
}

/*
 * The key of a merge pair that merges a map which passes the test, at whatever remove; NULL when
 * there is none. One that merges no map passes too: kube-proxy cannot read it.
 */
static const struct yaml_node *merging(const struct yaml_node *map,
                                       bool (*test)(const struct yaml_node *merged))
{
    for (size_t i = 0; i < map->count; i++) {
        size_t count;
        if (!yaml_map_is_merge(map, i)) {
            continue;
        }
        if (yaml_map_merge_count(map, i, &count) < 0) {
            return yaml_map_key(map, i);
        }
        for (size_t j = 0; j < count; j++) {
            const struct yaml_node *merged = yaml_map_merge_at(map, i, j);
            if (test(merged) || merging(merged, test) != NULL) {
                return yaml_map_key(map, i);
            }
        }
    }
    return NULL;
}

static bool has_kubeconfig(const struct yaml_node *map)
{
    size_t at = yaml_map_find(map, "kubeconfig", 0);
    while (at < map->count) {
        if (!is_empty(yaml_node_follow(yaml_map_value(map, at)))) {
            return true;
        }
        at = yaml_map_find(map, "kubeconfig", at + 1);
    }
    return false;
}

/* Whether a clientConnection that does not stand where it takes effect has a kubeconfig. */
static bool supplies_kubeconfig(const struct yaml_node *section)
{
    return section->kind == YAML_KIND_MAP &&
           (has_kubeconfig(section) || merging(section, has_kubeconfig) != NULL);
}

static bool has_section_with_kubeconfig(const struct yaml_node *map)
{
    size_t at = yaml_map_find(map, "clientConnection", 0);
    while (at < map->count) {
        if (supplies_kubeconfig(yaml_node_follow(yaml_map_value(map, at)))) {
            return true;
        }
        at = yaml_map_find(map, "clientConnection", at + 1);
    }
    return false;
}

/* The only pair with this key; ret_pair is the map's count when there is none. */
static int find_only(struct finder *finder, const struct yaml_node *map, const char *key,
                     size_t *ret_pair)
{
    size_t first = yaml_map_find(map, key, 0);
    size_t second = first < map->count ? yaml_map_find(map, key, first + 1) : map->count;
    if (second < map->count) {
        return refuse(finder, yaml_map_key(map, second),
                      "%s is there twice, of which kube-proxy takes the last: leave one", key);
    }
    *ret_pair = first;
    return 0;
}

static int check_word(struct finder *finder, const char *key, const char *wanted)
{
    const struct yaml_node *root = finder->finding->root;
    size_t pair;
    if (find_only(finder, root, key, &pair) < 0) {
        return -1;
    }
    if (pair == root->count) {
        return refuse(finder, root, "no %s: it must be %s", key, wanted);
    }
    const struct yaml_node *value = yaml_node_follow(yaml_map_value(root, pair));
    if (value->kind != YAML_KIND_SCALAR || strcmp(value->value, wanted) != 0) {
        return refuse(finder, yaml_map_value(root, pair), "%s is %.64s, not %s: not known here",
                      key, value->kind == YAML_KIND_SCALAR ? value->value : kind_word(value),
                      wanted);
    }
    return 0;
}

static int check_document(struct finder *finder)
{
    struct kube_proxy_finding *finding = finder->finding;
    if (finding->root == NULL) {
        return kube_proxy_text_refuse(finder->report, finding->text, finding->len, 0,
                                      "empty: a %s is expected", kind);
    }
    if (finding->root->kind != YAML_KIND_MAP) {
        return refuse(finder, finding->root, "a %s where a %s is expected",
                      kind_word(finding->root), kind);
    }
    if (check_tags(finder, finding->root) < 0 ||
        check_word(finder, "apiVersion", api_version) < 0) {
        return -1;
    }
    return check_word(finder, "kind", kind);
}

/* Names are case-sensitive to kube-proxy, which ignores this one; its writer may not know. */
static void warn_case(struct finder *finder, const struct yaml_node *map, const char *name)
{
    for (size_t i = 0; i < map->count && finder->report->warning == NULL; i++) {
        const struct yaml_node *key = yaml_node_follow(yaml_map_key(map, i));
        if (key->kind == YAML_KIND_SCALAR && strcasecmp(key->value, name) == 0 &&
            strcmp(key->value, name) != 0) {
            struct yaml_place place = yaml_place(finder->finding->text, finder->finding->len,
                                                 yaml_map_key(map, i)->start);
            finder->report->warning =
                xasprintf("%s in line %zu is not %s: kube-proxy ignores it, and so does this",
                          key->value, place.line, name);
        }
    }
}

static int find_section(struct finder *finder)
{
    struct kube_proxy_finding *finding = finder->finding;
    const struct yaml_node *root = finding->root;
    if (find_only(finder, root, "clientConnection", &finding->section_pair) < 0) {
        return -1;
    }
    warn_case(finder, root, "clientConnection");
    const struct yaml_node *merge = merging(root, has_section_with_kubeconfig);
    if (merge != NULL) {
        return refuse(
            finder, merge,
            "a merge key (<<) supplies clientConnection: write it out without kubeconfig");
    }
    finding->has_section = finding->section_pair < root->count;
    if (!finding->has_section) {
        return 0;
    }
    const struct yaml_node *value = yaml_map_value(root, finding->section_pair);
    const struct yaml_node *target = yaml_node_follow(value);
    if (target->kind != YAML_KIND_MAP && !is_null(target)) {
        return refuse(finder, value, "clientConnection is a %s, not a map: repair it by hand",
                      kind_word(target));
    }
    if (value->kind == YAML_KIND_ALIAS && supplies_kubeconfig(target)) {
        return refuse(finder, value,
                      "clientConnection is the alias *%s: write it out without kubeconfig",
                      value->value);
    }
    finding->section = value->kind == YAML_KIND_MAP ? value : NULL;
    return 0;
}

/* What is written at kubeconfig itself. */
static int check_value(struct finder *finder, const struct yaml_node *value)
{
    struct yaml_scalar scalar;
    struct err err;
    const struct yaml_node *target = yaml_node_follow(value);
    if (is_empty(target)) {
        return 0;
    }
    if (value->kind == YAML_KIND_ALIAS) {
        return refuse(finder, value, "kubeconfig is the alias *%s: comment the line out by hand",
                      value->value);
    }
    if (value->kind != YAML_KIND_SCALAR) {
        return refuse(finder, value, "kubeconfig is a %s, not a string: repair it by hand",
                      kind_word(value));
    }
    if (yaml_scalar_resolve(value, &scalar, &err) < 0) {
        return refuse(finder, value, "kubeconfig: %s: repair it by hand", err.text);
    }
    if (scalar.type != YAML_TYPE_STRING || strlen(value->value) != value->value_len) {
        return refuse(finder, value, "kubeconfig is %s%s, not a file name: repair it by hand",
                      scalar.type == YAML_TYPE_STRING ? "a text with NUL" : "a ",
                      scalar.type == YAML_TYPE_STRING ? "" : yaml_type_word(scalar.type));
    }
    finder->finding->effective = true;
    xstr_replace(&finder->report->value, value->value);
    return 0;
}

static int find_entry(struct finder *finder)
{
    struct kube_proxy_finding *finding = finder->finding;
    const struct yaml_node *section = finding->section;
    if (find_only(finder, section, "kubeconfig", &finding->entry_pair) < 0) {
        return -1;
    }
    warn_case(finder, section, "kubeconfig");
    const struct yaml_node *merge = merging(section, has_kubeconfig);
    if (merge != NULL) {
        return refuse(finder, merge,
                      "a merge key (<<) in clientConnection supplies kubeconfig: write out what is "
                      "merged, without kubeconfig");
    }
    finding->has_entry = finding->entry_pair < section->count;
    return finding->has_entry ? check_value(finder, yaml_map_value(section, finding->entry_pair))
                              : 0;
}

int kube_proxy_text_find(const char *text, size_t len, struct kube_proxy_finding *ret_finding,
                         struct kube_proxy_text *report)
{
    *ret_finding = (struct kube_proxy_finding){.text = text, .len = len};
    struct finder finder = {.finding = ret_finding, .report = report};
    if (parse(&finder) < 0 || check_document(&finder) < 0 || find_section(&finder) < 0) {
        return -1;
    }
    return ret_finding->section != NULL ? find_entry(&finder) : 0;
}

void kube_proxy_finding_finish(struct kube_proxy_finding *finding)
{
    yaml_tree_destroy(finding->tree);
    finding->tree = NULL;
}
