#include "kube/kubeconfig_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "kube/kubeconfig_fields.h"

/* How a list is called, what its items hold, and as what that is read. */
static const struct {
    const char *list;
    const char *member;
    const struct kubeconfig_table *table;
} lists[] = {
    [KUBECONFIG_CLUSTERS] = {"clusters", "cluster", &kubeconfig_cluster_table},
    [KUBECONFIG_USERS] = {"users", "user", &kubeconfig_user_table},
    [KUBECONFIG_CONTEXTS] = {"contexts", "context", &kubeconfig_context_table},
};

/* Big enough for each of the entries that the tables describe. */
union any_entry {
    struct kubeconfig_cluster cluster;
    struct kubeconfig_user user;
    struct kubeconfig_context context;
    struct kubeconfig_exec exec;
    struct kubeconfig_env env;
};

/* Binds a mapping for its complaints only. */
static int check_types(const struct kubeconfig_doc *doc, const char *path,
                       const struct kubeconfig_table *table, struct err *err)
{
    union any_entry entry = {0};
    int result = kubeconfig_bind(doc, path, table, &entry, err);
    kubeconfig_release(table, &entry);
    return result;
}

static int check_exec(const struct kubeconfig_doc *doc, const char *user, struct err *err)
{
    AUTO_FREE char *exec = xasprintf("%s/exec", user);
    AUTO_FREE char *env = xasprintf("%s/env", exec);
    if (check_types(doc, exec, &kubeconfig_exec_table, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_len(json_get(doc->root, env)); i++) {
        AUTO_FREE char *item = xasprintf("%s/%zu", env, i);
        if (check_types(doc, item, &kubeconfig_env_table, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* An absent name is as good as "": nothing can refer to it. */
static int check_name(const struct kubeconfig_doc *doc, const char *item, struct strmap *names,
                      struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/name", item);
    const struct json_object *value = json_get(doc->root, path);
    const char *name = json_str(value);
    if (name == NULL && !json_is_null(value)) {
        return kubeconfig_doc_fail(doc, err, path, "must be a string, found %s; quote it",
                                   json_type_word(value));
    }
    if (name != NULL && *name != '\0' && strmap_get(names, name) != NULL) {
        return kubeconfig_doc_fail(doc, err, path, "the name \"%s\" is there twice", name);
    }
    if (name != NULL) {
        strmap_set(names, name, names);
    }
    return 0;
}

static int check_list(const struct kubeconfig_doc *doc, enum kubeconfig_list which, struct err *err)
{
    const char *list = lists[which].list;
    const struct json_object *items = json_get(doc->root, list);
    if (!json_is_null(items) && !json_is_array(items)) {
        return kubeconfig_doc_fail(doc, err, list, "must be a list, found %s",
                                   json_type_word(items));
    }
    AUTO(strmap) struct strmap names = STRMAP_INIT(NULL);
    for (size_t i = 0; i < json_array_len(items); i++) {
        AUTO_FREE char *item = xasprintf("%s/%zu", list, i);
        AUTO_FREE char *entry = xasprintf("%s/%s", item, lists[which].member);
        if (!json_is_object(json_array_at(items, i))) {
            return kubeconfig_doc_fail(doc, err, item, "must be a mapping, found %s",
                                       json_type_word(json_array_at(items, i)));
        }
        if (check_name(doc, item, &names, err) < 0 ||
            check_types(doc, entry, lists[which].table, err) < 0 ||
            (which == KUBECONFIG_USERS && check_exec(doc, entry, err) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* A scalar at the top that is absent, empty or, when `wanted` is given, exactly that. */
static int check_scalar(const struct kubeconfig_doc *doc, const char *key, const char *wanted,
                        struct err *err)
{
    const struct json_object *value = json_get(doc->root, key);
    const char *text = json_str(value);
    if (text == NULL && !json_is_null(value)) {
        return kubeconfig_doc_fail(doc, err, key, "must be a string, found %s",
                                   json_type_word(value));
    }
    if (wanted != NULL && text != NULL && *text != '\0' && strcmp(text, wanted) != 0) {
        return kubeconfig_doc_fail(doc, err, key, "not a kubeconfig: must be %s, is \"%s\"", wanted,
                                   text);
    }
    return 0;
}

static int check_doc(const struct kubeconfig_doc *doc, struct err *err)
{
    if (check_scalar(doc, "kind", "Config", err) < 0 ||
        check_scalar(doc, "apiVersion", "v1", err) < 0 ||
        check_scalar(doc, "current-context", NULL, err) < 0 ||
        check_list(doc, KUBECONFIG_CLUSTERS, err) < 0 ||
        check_list(doc, KUBECONFIG_USERS, err) < 0) {
        return -1;
    }
    return check_list(doc, KUBECONFIG_CONTEXTS, err);
}

static int nothing_there(char *const paths[], bool found, struct err *err)
{
    AUTO(buf) struct buf names = BUF_INIT(ERR_TEXT_MAX);
    for (size_t i = 0; paths[i] != NULL; i++) {
        buf_printf(&names, "%s%s", i != 0 ? ":" : "", paths[i]);
    }
    if (found) {
        return err_set(err, ERR_INVALID,
                       "%s: empty: put a kubeconfig there, or name another with --kubeconfig",
                       buf_str(&names));
    }
    return err_set(err, ERR_NOT_FOUND,
                   "%s: no such file: set KUBECONFIG to a kubeconfig, or name "
                   "one with --kubeconfig",
                   buf_str(&names));
}

int kubeconfig_set_read(char *const paths[], bool skip_missing, struct kubeconfig_set *ret_set,
                        struct err *err)
{
    AUTO(kubeconfig_set) struct kubeconfig_set set = {0};
    bool found = false;
    for (size_t i = 0; paths[i] != NULL; i++) {
        AUTO(kubeconfig_doc) struct kubeconfig_doc doc = {0};
        struct err why = {0};
        if (kubeconfig_doc_read(paths[i], &doc, &why) < 0) {
            if (skip_missing && why.kind == ERR_NOT_FOUND) {
                continue;
            }
            return err_set(err, why.kind, "%s", why.text);
        }
        found = true;
        if (doc.root == NULL) {
            continue;
        }
        if (check_doc(&doc, err) < 0) {
            return -1;
        }
        set.docs = xreallocarray(set.docs, set.count + 1, sizeof(*set.docs));
        set.docs[set.count++] = doc;
        doc = (struct kubeconfig_doc){0};
    }
    if (set.count == 0) {
        return nothing_there(paths, found, err);
    }
    *ret_set = set;
    set = (struct kubeconfig_set){0};
    return 0;
}

void kubeconfig_set_finish(struct kubeconfig_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        kubeconfig_doc_finish(&set->docs[i]);
    }
    free(set->docs);
    *set = (struct kubeconfig_set){0};
}

bool kubeconfig_set_find(const struct kubeconfig_set *set, enum kubeconfig_list list,
                         const char *name, struct kubeconfig_at *ret_at)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct json_object *items = json_get(set->docs[i].root, lists[list].list);
        for (size_t k = 0; k < json_array_len(items); k++) {
            const char *other = json_get_str(json_array_at(items, k), "name");
            if (other != NULL && strcmp(other, name) == 0) {
                ret_at->doc = &set->docs[i];
                snprintf(ret_at->path, sizeof(ret_at->path), "%s/%zu/%s", lists[list].list, k,
                         lists[list].member);
                return true;
            }
        }
    }
    return false;
}

const char *kubeconfig_set_current(const struct kubeconfig_set *set, struct kubeconfig_at *ret_at)
{
    for (size_t i = 0; i < set->count; i++) {
        const char *name = json_get_str(set->docs[i].root, "current-context");
        if (name != NULL && *name != '\0') {
            *ret_at = (struct kubeconfig_at){.doc = &set->docs[i], .path = "current-context"};
            return name;
        }
    }
    return NULL;
}

void kubeconfig_set_names(const struct kubeconfig_set *set, enum kubeconfig_list list,
                          struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < set->count; i++) {
        const struct json_object *items = json_get(set->docs[i].root, lists[list].list);
        for (size_t k = 0; k < json_array_len(items); k++) {
            const char *name = json_get_str(json_array_at(items, k), "name");
            if (name != NULL && *name != '\0') {
                buf_printf(out, "%s%s", any ? ", " : "", name);
                any = true;
            }
        }
    }
    if (!any) {
        buf_puts(out, "none");
    }
}

void kubeconfig_set_paths(const struct kubeconfig_set *set, struct buf *out)
{
    for (size_t i = 0; i < set->count; i++) {
        buf_printf(out, "%s%s", i != 0 ? ":" : "", set->docs[i].path);
    }
}
