#include "staticpod/staticpod_dns.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "yaml/yaml_edit.h"
#include "json/json.h"

enum {
    LINES_MAX = 64 * 1024,
    INDENT_MAX = 16,
    DOMAIN_MAX = 200, /* a search domain of at most 255 is made of it */
};

/* One edit while it is made. */
struct editor {
    const struct staticpod_manifest *manifest;
    const struct staticpod_dns *dns;
    struct json_object *config; /* what is wanted */
    size_t policy_pair;         /* in spec; its count when it is not there */
    size_t config_pair;
    bool policy_differs;
    bool config_differs;
    struct staticpod_spans *spans;
    struct staticpod_sentences *sentences;
    struct staticpod_refusal *refusal;
};

bool staticpod_is_address(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool is_domain(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= DOMAIN_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len && text[0] != '.' &&
           text[0] != '-' && strstr(text, "..") == NULL && text[len - 1] != '.' &&
           text[len - 1] != '-';
}

struct json_object *staticpod_dns_config(const struct staticpod_dns *dns)
{
    static const char *const prefixes[] = {"kube-system.svc.", "svc.", ""};
    struct json_object *nameservers = json_new_array();
    struct json_object *searches = json_new_array();
    struct json_object *options = json_new_array();
    struct json_object *ndots = json_new_object();
    struct json_object *config = json_new_object();
    json_append_take(nameservers, json_new_str(dns->nameserver));
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        AUTO_FREE char *search = xasprintf("%s%s", prefixes[i], dns->domain);
        json_append_take(searches, json_new_str(search));
    }
    json_set_str(ndots, "name", "ndots");
    json_set_str(ndots, "value", "5");
    json_append_take(options, ndots);
    json_set_take(config, "nameservers", nameservers);
    json_set_take(config, "searches", searches);
    json_set_take(config, "options", options);
    return config;
}

static bool policy_differs(const struct staticpod_manifest *manifest)
{
    return strcmp(json_get_str_or(manifest->document, "spec/dnsPolicy", ""), "None") != 0;
}

bool staticpod_dns_as_wanted(const struct staticpod_manifest *manifest,
                             const struct staticpod_dns *dns)
{
    AUTO(json) struct json_object *config = staticpod_dns_config(dns);
    return !policy_differs(manifest) &&
           json_same(json_get(manifest->document, "spec/dnsConfig"), config);
}

static int refuse_entry(struct editor *editor, const struct yaml_node *node, const char *key)
{
    return staticpod_refuse(editor->refusal, editor->manifest, node,
                            "%s is written in a way that is not edited with certainty: set it by "
                            "hand",
                            key);
}

static int check_value(struct editor *editor, const struct yaml_node *value, const char *key)
{
    if (staticpod_check_editable(editor->refusal, editor->manifest, value, key) < 0) {
        return -1;
    }
    return value->anchor != NULL ? refuse_entry(editor, value, key) : 0;
}

static bool on_one_line(const struct editor *editor, const struct yaml_node *node)
{
    const struct staticpod_manifest *manifest = editor->manifest;
    return node->style != YAML_STYLE_LITERAL && node->style != YAML_STYLE_FOLDED &&
           yaml_line_end(manifest->text, manifest->len, node->start) >= node->end;
}

static char *quoted_like(const struct yaml_node *node, const char *word, bool quoted)
{
    const char *quote = node->style == YAML_STYLE_SINGLE             ? "'"
                        : node->style == YAML_STYLE_DOUBLE || quoted ? "\""
                                                                     : "";
    /* an absent value is empty, directly behind the ':' */
    return xasprintf("%s%s%s%s", node->start == node->end ? " " : "", quote, word, quote);
}

/* --- what is there is replaced --- */

static int replace_policy(struct editor *editor)
{
    const struct yaml_node *value = yaml_map_value(editor->manifest->spec, editor->policy_pair);
    if (check_value(editor, value, "dnsPolicy") < 0) {
        return -1;
    }
    if (value->kind != YAML_KIND_SCALAR || !on_one_line(editor, value)) {
        return refuse_entry(editor, value, "dnsPolicy");
    }
    staticpod_spans_add_take(
        editor->spans, value->start, value->end,
        quoted_like(value, "None", editor->manifest->spec->style == YAML_STYLE_FLOW));
    staticpod_say(editor->sentences, "dnsPolicy: %s becomes None",
                  value->value_len > 0 ? value->value : "\"\"");
    return 0;
}

/* Whether dnsConfig is as wanted but for another nameserver, one: the address has changed. */
static bool other_nameserver_only(const struct editor *editor)
{
    const struct json_object *is = json_get(editor->manifest->document, "spec/dnsConfig");
    if (!json_is_object(is) || json_array_len(json_get(is, "nameservers")) != 1 ||
        json_get_str(is, "nameservers/0") == NULL) {
        return false;
    }
    AUTO(json) struct json_object *copy = json_copy(is);
    json_set(copy, "nameservers", json_get(editor->config, "nameservers"));
    return json_same(copy, editor->config);
}

static char *nameserver_like(const struct editor *editor, const struct yaml_node *node)
{
    const char *nameserver = editor->dns->nameserver;
    return quoted_like(node, nameserver, strchr(nameserver, ':') != NULL);
}

static int replace_nameserver(struct editor *editor, const struct yaml_node *config)
{
    size_t pair = yaml_map_find(config, "nameservers", 0);
    if (pair == config->count) {
        return refuse_entry(editor, config, "dnsConfig"); /* merged into it */
    }
    const struct yaml_node *list = yaml_map_value(config, pair);
    if (check_value(editor, list, "nameservers") < 0 ||
        check_value(editor, list->items[0], "the nameserver") < 0) {
        return -1;
    }
    const struct yaml_node *item = list->items[0];
    if (!on_one_line(editor, item)) {
        return refuse_entry(editor, item, "the nameserver");
    }
    staticpod_spans_add_take(editor->spans, item->start, item->end, nameserver_like(editor, item));
    staticpod_say(editor->sentences, "dnsConfig: nameserver %s becomes %s", item->value,
                  editor->dns->nameserver);
    return 0;
}

/* How far a node is to the right; SIZE_MAX when not only spaces stand before it. */
static size_t column_of(const struct editor *editor, const struct yaml_node *node)
{
    const struct staticpod_manifest *manifest = editor->manifest;
    size_t start = yaml_line_start(manifest->text, manifest->len, node->start);
    for (size_t i = start; i < node->start; i++) {
        if (manifest->text[i] != ' ') {
            return SIZE_MAX;
        }
    }
    return node->start - start;
}

/* Columns that a list's '-' stands to the right of its key, as containers has it. */
static size_t list_offset(const struct editor *editor)
{
    const struct yaml_node *spec = editor->manifest->spec;
    size_t pair = yaml_map_find(spec, "containers", 0);
    const struct yaml_node *list = yaml_map_value(spec, pair);
    size_t key = column_of(editor, yaml_map_key(spec, pair));
    size_t dash = column_of(editor, list);
    bool known = list->style == YAML_STYLE_BLOCK && key != SIZE_MAX && dash != SIZE_MAX;
    return known && dash > key && dash - key <= INDENT_MAX ? dash - key : 0;
}

static void put_list(struct buf *lines, size_t column, size_t offset, const char *eol,
                     const char *key, const struct json_object *list)
{
    buf_printf(lines, "%*s%s:", (int)column, "", key);
    for (size_t i = 0; i < json_array_len(list); i++) {
        const char *item = json_str(json_array_at(list, i));
        const char *quote = strchr(item, ':') != NULL ? "\"" : "";
        buf_printf(lines, "%s%*s- %s%s%s", eol, (int)(column + offset), "", quote, item, quote);
    }
    buf_puts(lines, eol);
}

/* The members of dnsConfig as lines, without the end of the last one. */
static void put_config(const struct editor *editor, size_t column, const char *eol,
                       struct buf *lines)
{
    size_t offset = list_offset(editor);
    int item = (int)(column + offset);
    put_list(lines, column, offset, eol, "nameservers", json_get(editor->config, "nameservers"));
    put_list(lines, column, offset, eol, "searches", json_get(editor->config, "searches"));
    buf_printf(lines, "%*soptions:%s%*s- name: ndots%s%*s  value: \"5\"", (int)column, "", eol,
               item, "", eol, item, "");
}

/* What ends the line of spec's key. Owned by the caller. */
static char *line_break(const struct editor *editor)
{
    const struct staticpod_manifest *manifest = editor->manifest;
    size_t at = yaml_map_key(manifest->root, manifest->spec_pair)->start;
    size_t end = yaml_line_end(manifest->text, manifest->len, at);
    return xstrndup(manifest->text + end, yaml_line_next(manifest->text, manifest->len, at) - end);
}

static int replace_block(struct editor *editor, const struct yaml_node *config)
{
    const struct staticpod_manifest *manifest = editor->manifest;
    size_t column = column_of(editor, config->items[0]);
    char last = manifest->text[config->end - 1];
    if (column == SIZE_MAX || column > INDENT_MAX || last == '\n' || last == '\r') {
        return refuse_entry(editor, config, "dnsConfig");
    }
    AUTO(buf) struct buf lines = BUF_INIT(LINES_MAX);
    AUTO_FREE char *eol = line_break(editor);
    put_config(editor, column, eol, &lines);
    staticpod_spans_add_take(editor->spans, config->items[0]->start - column, config->end,
                             buf_take(&lines));
    return 0;
}

static int replace_config(struct editor *editor)
{
    const struct yaml_node *config = yaml_map_value(editor->manifest->spec, editor->config_pair);
    if (check_value(editor, config, "dnsConfig") < 0) {
        return -1;
    }
    if (other_nameserver_only(editor)) {
        return replace_nameserver(editor, config);
    }
    staticpod_say(editor->sentences, "dnsConfig is replaced by one with nameserver %s",
                  editor->dns->nameserver);
    if (config->kind == YAML_KIND_MAP && config->style == YAML_STYLE_BLOCK) {
        return replace_block(editor, config);
    }
    bool null = json_get(editor->manifest->document, "spec/dnsConfig") == NULL;
    if (config->kind != YAML_KIND_MAP && !(null && on_one_line(editor, config))) {
        return refuse_entry(editor, config, "dnsConfig");
    }
    AUTO_FREE char *flow = json_text(editor->config);
    staticpod_spans_add_take(editor->spans, config->start, config->end,
                             xasprintf("%s%s", config->start == config->end ? " " : "", flow));
    return 0;
}

/* --- what is not there is added --- */

static bool adds_policy(const struct editor *editor)
{
    return editor->policy_differs && editor->policy_pair == editor->manifest->spec->count;
}

static bool adds_config(const struct editor *editor)
{
    return editor->config_differs && editor->config_pair == editor->manifest->spec->count;
}

static int add_to_flow(struct editor *editor)
{
    const struct staticpod_manifest *manifest = editor->manifest;
    const struct yaml_node *spec = manifest->spec;
    const struct yaml_node *last = yaml_map_value(spec, spec->count - 1);
    AUTO_FREE char *divider = xstrdup(", ");
    if (spec->count > 1) {
        size_t start = yaml_map_value(spec, spec->count - 2)->end;
        size_t end = yaml_map_key(spec, spec->count - 1)->start;
        AUTO_FREE char *between = xstrndup(manifest->text + start, end - start);
        if (strspn(between, " \t\r\n,") != end - start) {
            return refuse_entry(editor, spec, "spec");
        }
        xstr_replace(&divider, between);
    }
    AUTO_FREE char *config = json_text(editor->config);
    staticpod_spans_add_take(editor->spans, last->end, last->end,
                             xasprintf("%s%s%s%s%s", adds_policy(editor) ? divider : "",
                                       adds_policy(editor) ? "\"dnsPolicy\": \"None\"" : "",
                                       adds_config(editor) ? divider : "",
                                       adds_config(editor) ? "\"dnsConfig\": " : "",
                                       adds_config(editor) ? config : ""));
    return 0;
}

/*
 * Where new lines go in a block map: before the entry of the two that is there, or else directly
 * behind the line "spec:", so that a comment above the first entry stays with it. 0: nowhere.
 */
static size_t place_for_lines(const struct editor *editor)
{
    const struct staticpod_manifest *manifest = editor->manifest;
    const struct yaml_node *spec = manifest->spec;
    size_t pair = editor->policy_pair < spec->count ? editor->policy_pair : editor->config_pair;
    const struct yaml_node *key = yaml_map_key(manifest->root, manifest->spec_pair);
    size_t behind = yaml_line_next(manifest->text, manifest->len, key->start);
    if (pair < spec->count) {
        const struct yaml_node *sibling = yaml_map_key(spec, pair);
        size_t column = column_of(editor, sibling);
        return column == SIZE_MAX ? 0 : sibling->start - column;
    }
    return behind;
}

static int add_lines(struct editor *editor)
{
    const struct staticpod_manifest *manifest = editor->manifest;
    const struct yaml_node *key = yaml_map_key(manifest->root, manifest->spec_pair);
    size_t place = place_for_lines(editor);
    size_t column = column_of(editor, manifest->spec->items[0]);
    if (place == 0 || column == SIZE_MAX || column == 0 || column > INDENT_MAX) {
        return refuse_entry(editor, manifest->spec, "spec");
    }
    size_t outer = column_of(editor, key);
    size_t step = outer < column ? column - outer : column;
    AUTO(buf) struct buf lines = BUF_INIT(LINES_MAX);
    AUTO_FREE char *eol = line_break(editor);
    if (adds_policy(editor)) {
        buf_printf(&lines, "%*sdnsPolicy: None%s", (int)column, "", eol);
    }
    if (adds_config(editor)) {
        buf_printf(&lines, "%*sdnsConfig:%s", (int)column, "", eol);
        put_config(editor, column + step, eol, &lines);
        buf_puts(&lines, eol);
    }
    staticpod_spans_add_take(editor->spans, place, place, buf_take(&lines));
    return 0;
}

static int add_entries(struct editor *editor)
{
    if (adds_policy(editor)) {
        staticpod_say(editor->sentences, "dnsPolicy: None is added");
    }
    if (adds_config(editor)) {
        staticpod_say(editor->sentences, "dnsConfig with nameserver %s is added",
                      editor->dns->nameserver);
    }
    return editor->manifest->spec->style == YAML_STYLE_FLOW ? add_to_flow(editor)
                                                            : add_lines(editor);
}

static int edit(struct editor *editor)
{
    const struct yaml_node *spec = editor->manifest->spec;
    if (editor->policy_differs && editor->policy_pair < spec->count && replace_policy(editor) < 0) {
        return -1;
    }
    if (editor->config_differs && editor->config_pair < spec->count && replace_config(editor) < 0) {
        return -1;
    }
    return adds_policy(editor) || adds_config(editor) ? add_entries(editor) : 0;
}

int staticpod_dns_edit(const struct staticpod_manifest *manifest, const struct staticpod_dns *dns,
                       struct staticpod_spans *spans, struct staticpod_sentences *sentences,
                       struct staticpod_refusal *refusal)
{
    AUTO(json) struct json_object *config = staticpod_dns_config(dns);
    struct editor editor = {
        .manifest = manifest,
        .dns = dns,
        .config = config,
        .policy_pair = yaml_map_find(manifest->spec, "dnsPolicy", 0),
        .config_pair = yaml_map_find(manifest->spec, "dnsConfig", 0),
        .policy_differs = policy_differs(manifest),
        .config_differs = !json_same(json_get(manifest->document, "spec/dnsConfig"), config),
        .spans = spans,
        .sentences = sentences,
        .refusal = refusal,
    };
    if (!staticpod_is_address(dns->nameserver) || !is_domain(dns->domain)) {
        return staticpod_refuse(refusal, manifest, manifest->spec,
                                "nameserver \"%.64s\" and domain \"%.64s\" make no dnsConfig that "
                                "the kubelet takes",
                                dns->nameserver, dns->domain);
    }
    return edit(&editor);
}
