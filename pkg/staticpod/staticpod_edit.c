#include "staticpod/staticpod_edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "staticpod/staticpod_controllers.h"
#include "staticpod/staticpod_dns.h"
#include "staticpod/staticpod_flags.h"
#include "staticpod/staticpod_names.h"
#include "staticpod/staticpod_words.h"
#include "json/json.h"

/* What has to be done to a manifest. */
struct todo {
    const struct staticpod_manifest *manifest;
    const struct staticpod_wanted *wanted;
    struct staticpod_word_changes words;
    bool set_dns;
    struct staticpod_spans spans;
    struct staticpod_edit *edit; /* for its sentences and its refusal */
};

static void todo_finish(struct todo *todo)
{
    staticpod_word_changes_finish(&todo->words);
    staticpod_spans_finish(&todo->spans);
}
DEFINE_AUTO_FINISH(todo, struct todo, todo_finish)

static struct staticpod_dns wanted_dns(const struct staticpod_wanted *wanted)
{
    return (struct staticpod_dns){.nameserver = wanted->nameserver,
                                  .domain = wanted->cluster_domain != NULL ? wanted->cluster_domain
                                                                           : "cluster.local"};
}

/* --- flags that are lists --- */

/* pflag reads a list as one record of CSV: quotes and line breaks in it are not handled here. */
static int check_lists(struct todo *todo, const char *name, const struct staticpod_flags *flags)
{
    for (size_t i = 0; i < flags->len; i++) {
        if (strpbrk(flags->list[i].value, "\"\r\n") != NULL) {
            return staticpod_refuse(
                &todo->edit->refusal, todo->manifest,
                todo->manifest->words[flags->list[i].value_word].node,
                "--%s has a quote or a line break in its value: write it without", name);
        }
    }
    return 0;
}

static void change_value(struct todo *todo, const char *name, const struct staticpod_flag *flag,
                         const char *value)
{
    const char *word = todo->manifest->words[flag->name_word].value;
    bool one_word = flag->name_word == flag->value_word;
    size_t prefix = one_word ? (size_t)(flag->value - word) : 0;
    staticpod_word_replace_take(&todo->words, flag->value_word,
                                xasprintf("%.*s%s", (int)prefix, word, value));
    staticpod_say(&todo->edit->changes, "--%s: \"%s\" becomes \"%s\"", name, flag->value, value);
}

typedef struct staticpod_new_value list_rule(const char *const *values, size_t count);

/* Applies the rule to all occurrences of the flag. ret_absent: there is none. */
static int plan_list(struct todo *todo, const char *name, list_rule *rule, bool *ret_absent)
{
    AUTO(staticpod_flags) struct staticpod_flags flags = {0};
    if (staticpod_flags_find(todo->manifest, name, &flags, &todo->edit->refusal) < 0 ||
        check_lists(todo, name, &flags) < 0) {
        return -1;
    }
    *ret_absent = flags.len == 0;
    if (flags.len == 0) {
        return 0;
    }
    AUTO_FREE const char **values = xcalloc(flags.len, sizeof(*values));
    for (size_t i = 0; i < flags.len; i++) {
        values[i] = flags.list[i].value;
    }
    struct staticpod_new_value value = rule(values, flags.len);
    if (value.change) {
        change_value(todo, name, &flags.list[value.index], value.value);
    }
    free(value.value);
    return 0;
}

static int plan_controllers(struct todo *todo)
{
    static const char flag[] = "--controllers=-nodelifecycle,*";
    bool absent;
    if (plan_list(todo, "controllers", staticpod_controllers_off, &absent) < 0) {
        return -1;
    }
    if (absent) { /* which means "*" */
        staticpod_word_append(&todo->words, flag);
        staticpod_say(&todo->edit->changes, "%s is added", flag);
    }
    return 0;
}

/* --- kube-apiserver --- */

static int plan_certificate_authority(struct todo *todo)
{
    static const char name[] = "kubelet-certificate-authority";
    AUTO(staticpod_flags) struct staticpod_flags flags = {0};
    if (staticpod_flags_find(todo->manifest, name, &flags, &todo->edit->refusal) < 0) {
        return -1;
    }
    if (flags.len == 0 || *flags.list[flags.len - 1].value == '\0') {
        return 0; /* the last one counts */
    }
    for (size_t i = 0; i < flags.len; i++) {
        const struct staticpod_flag *flag = &flags.list[i];
        staticpod_word_remove(&todo->words, flag->name_word);
        if (flag->value_word != flag->name_word) {
            staticpod_word_remove(&todo->words, flag->value_word);
        }
        staticpod_say(&todo->edit->changes, "--%s=%s is removed", name, flag->value);
    }
    return 0;
}

static int check_names(struct todo *todo)
{
    AUTO(staticpod_names) struct staticpod_names names = {0};
    if (todo->wanted->names_allowed) {
        return 0;
    }
    if (staticpod_names_in_flags(todo->manifest, &names, &todo->edit->refusal) < 0) {
        return -1;
    }
    if (names.hosts_len == 0) {
        return 0;
    }
    return staticpod_refuse(&todo->edit->refusal, todo->manifest,
                            todo->manifest->words[names.hosts[0].word].node,
                            "%s has the DNS name %s, which could not be resolved before kube-proxy "
                            "runs: write its address, or allow names",
                            names.hosts[0].where, names.hosts[0].text);
}

static int plan_dns(struct todo *todo)
{
    struct staticpod_dns dns = wanted_dns(todo->wanted);
    if (staticpod_dns_as_wanted(todo->manifest, &dns)) {
        return 0;
    }
    todo->set_dns = true;
    if (check_names(todo) < 0) {
        return -1;
    }
    return staticpod_dns_edit(todo->manifest, &dns, &todo->spans, &todo->edit->changes,
                              &todo->edit->refusal);
}

static int plan_apiserver(struct todo *todo)
{
    const struct staticpod_wanted *wanted = todo->wanted;
    bool absent; /* its default has Hostname first */
    if (wanted->nameserver != NULL && plan_dns(todo) < 0) {
        return -1;
    }
    if (wanted->hostname_first &&
        plan_list(todo, "kubelet-preferred-address-types", staticpod_hostname_first, &absent) < 0) {
        return -1;
    }
    return wanted->no_certificate_authority ? plan_certificate_authority(todo) : 0;
}

static int plan(struct todo *todo)
{
    if (todo->wanted->component == STATICPOD_APISERVER) {
        return plan_apiserver(todo);
    }
    return todo->wanted->nodelifecycle_off ? plan_controllers(todo) : 0;
}

static bool is_done(const struct todo *todo)
{
    return todo->words.len == 0 && !todo->set_dns;
}

/* --- the text, and the proof of it --- */

static void add_operation(struct json_object *patch, const char *path, struct json_object *value)
{
    struct json_object *operation = json_new_object();
    json_set_str(operation, "op", "add");
    json_set_str(operation, "path", path);
    json_set_take(operation, "value", value);
    json_append_take(patch, operation);
}

/*
 * The document with the changes made; command and args are always there then, [] when they are
 * absent or null, which is the same to the kubelet.
 */
static struct json_object *changed_document(const struct staticpod_manifest *manifest,
                                            const struct todo *todo)
{
    AUTO(json) struct json_object *patch = json_new_array();
    struct json_object *document = NULL;
    static const char *const members[] = {"command", "args"};
    for (enum staticpod_list i = 0; i < STATICPOD_LISTS; i++) {
        AUTO_FREE char *path =
            xasprintf("/spec/containers/%zu/%s", manifest->container_index, members[i]);
        add_operation(patch, path, staticpod_words_list(manifest, &todo->words, i));
    }
    if (todo->set_dns) {
        struct staticpod_dns dns = wanted_dns(todo->wanted);
        add_operation(patch, "/spec/dnsPolicy", json_new_str("None"));
        add_operation(patch, "/spec/dnsConfig", staticpod_dns_config(&dns));
    }
    return json_json_patch(manifest->document, patch, &document, NULL) == 0 ? document : NULL;
}

/* Parses what the edit made of the text: nothing else may have changed, nothing be left to do. */
static bool verify(const struct todo *todo, const char *text, size_t len)
{
    AUTO(staticpod_edit) struct staticpod_edit unused = {0};
    AUTO(staticpod_manifest) struct staticpod_manifest manifest;
    AUTO(todo) struct todo again = {.manifest = &manifest, .wanted = todo->wanted, .edit = &unused};
    if (staticpod_manifest_read(text, len, todo->wanted->component, &manifest, &unused.refusal) <
            0 ||
        plan(&again) < 0 || !is_done(&again)) {
        return false;
    }
    AUTO(json) struct json_object *wanted = changed_document(todo->manifest, todo);
    AUTO(json) struct json_object *got = changed_document(&manifest, &again);
    return wanted != NULL && json_same(wanted, got);
}

static int write_text(struct todo *todo)
{
    const struct staticpod_manifest *manifest = todo->manifest;
    struct staticpod_edit *edit = todo->edit;
    AUTO_FREE char *text = NULL;
    size_t len;
    struct err err;
    if (staticpod_words_edit(manifest, &todo->words, &todo->spans, &edit->refusal) < 0) {
        return -1;
    }
    if (staticpod_spans_apply(&todo->spans, manifest->text, manifest->len, &text, &len, &err) < 0) {
        return staticpod_refuse(&edit->refusal, manifest, manifest->container, "%s", err.text);
    }
    if (!verify(todo, text, len)) {
        return staticpod_refuse(&edit->refusal, manifest, manifest->container,
                                "it cannot be edited without changing anything else: edit it by "
                                "hand");
    }
    edit->text = take_ptr(text);
    edit->len = len;
    return 0;
}

static int make_edit(struct todo *todo, struct staticpod_manifest *manifest, const char *text,
                     size_t len)
{
    struct staticpod_edit *edit = todo->edit;
    if (staticpod_manifest_read(text, len, todo->wanted->component, manifest, &edit->refusal) < 0 ||
        plan(todo) < 0) {
        return -1;
    }
    if (is_done(todo)) {
        return 0;
    }
    edit->outcome = STATICPOD_EDITED;
    return write_text(todo);
}

enum staticpod_outcome staticpod_edit(const char *text, size_t len,
                                      const struct staticpod_wanted *wanted,
                                      struct staticpod_edit *ret_edit)
{
    AUTO(staticpod_manifest) struct staticpod_manifest manifest = {0};
    AUTO(todo) struct todo todo = {.manifest = &manifest, .wanted = wanted, .edit = ret_edit};
    *ret_edit = (struct staticpod_edit){.outcome = STATICPOD_AS_WANTED};
    if (make_edit(&todo, &manifest, text, len) < 0) {
        ret_edit->outcome = STATICPOD_REFUSED;
        staticpod_sentences_finish(&ret_edit->changes);
    }
    return ret_edit->outcome;
}

bool staticpod_edit_as_wanted(const char *text, size_t len, const struct staticpod_wanted *wanted)
{
    AUTO(staticpod_edit) struct staticpod_edit edit;
    return staticpod_edit(text, len, wanted, &edit) == STATICPOD_AS_WANTED;
}

void staticpod_edit_finish(struct staticpod_edit *edit)
{
    free(edit->text);
    staticpod_sentences_finish(&edit->changes);
    staticpod_refusal_finish(&edit->refusal);
    *edit = (struct staticpod_edit){0};
}
