#include "kube/kubeconfig_doc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "kube/config.h"
#include "yaml/yaml.h"

/* The value of a name or index; ret_place is the node that a person would point at for it. */
static const struct yaml_node *step(const struct yaml_node *at, const char *name,
                                    const struct yaml_node **ret_place)
{
    const struct yaml_node *node = yaml_node_follow(at);
    if (node->kind == YAML_KIND_SEQ) {
        size_t index = strtoul(name, NULL, 10);
        *ret_place = index < node->count ? node->items[index] : NULL;
        return *ret_place;
    }
    size_t pair = node->kind == YAML_KIND_MAP ? yaml_map_find(node, name, 0) : node->count;
    if (node->kind != YAML_KIND_MAP || pair == node->count) {
        return NULL;
    }
    *ret_place = yaml_map_key(node, pair);
    return yaml_map_value(node, pair);
}

size_t kubeconfig_doc_line(const struct kubeconfig_doc *doc, const char *path)
{
    const struct yaml_node *at = doc->tree != NULL ? yaml_tree_root(doc->tree) : NULL;
    const struct yaml_node *place = at;
    while (at != NULL && *path != '\0') {
        size_t len = strcspn(path, "/");
        AUTO_FREE char *name = xstrndup(path, len);
        const struct yaml_node *next_place = NULL;
        at = step(at, name, &next_place);
        place = at != NULL ? next_place : place;
        path += path[len] == '/' ? len + 1 : len;
    }
    return place != NULL ? yaml_place(doc->text, doc->len, place->start).line : 1;
}

/* "users/0/user/token" as "users[0].user.token". */
static void render_key(const char *path, struct buf *out)
{
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        bool index = strspn(path, "0123456789") == len;
        if (index) {
            buf_printf(out, "[%.*s]", (int)len, path);
        } else {
            buf_printf(out, "%s%.*s", out->len != 0 ? "." : "", (int)len, path);
        }
        path += path[len] == '/' ? len + 1 : len;
    }
}

int kubeconfig_doc_wrap(const struct kubeconfig_doc *doc, struct err *err, const char *path)
{
    AUTO(buf) struct buf key = BUF_INIT(KUBECONFIG_KEY_SIZE);
    render_key(path, &key);
    if (err != NULL) {
        err->kind = ERR_INVALID;
    }
    if (key.len == 0) {
        return err_wrap(err, "%s:%zu", doc->path, kubeconfig_doc_line(doc, path));
    }
    return err_wrap(err, "%s:%zu: %s", doc->path, kubeconfig_doc_line(doc, path), buf_str(&key));
}

int kubeconfig_doc_fail(const struct kubeconfig_doc *doc, struct err *err, const char *path,
                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO_FREE char *text = xvasprintf(format, args);
    va_end(args);
    err_set(err, ERR_INVALID, "%s", text);
    return kubeconfig_doc_wrap(doc, err, path);
}

/* The file's directory made absolute, so that nothing changes with the working directory. */
static int find_dir(const char *path, char **ret_dir, struct err *err)
{
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *dir = slash != NULL ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
    if (*path == '/') {
        *ret_dir = take_ptr(dir);
        return 0;
    }
    AUTO_FREE char *cwd = getcwd(NULL, 0);
    if (cwd == NULL) {
        return err_set_errno(err, ERR_INVALID, errno, "%s: cannot tell the working directory",
                             path);
    }
    *ret_dir = *dir != '\0' ? xasprintf("%s/%s", cwd, dir) : take_ptr(cwd);
    return 0;
}

/* Errors of pkg/yaml begin "line L, column C: "; here the line goes where compilers put it. */
static int not_yaml(const struct kubeconfig_doc *doc, const struct err *why, struct err *err)
{
    size_t line;
    size_t column;
    int prefix = 0;
    if (sscanf(why->text, "line %zu, column %zu: %n", &line, &column, &prefix) != 2 ||
        prefix == 0) {
        return err_set(err, ERR_INVALID, "%s: not valid YAML: %s", doc->path, why->text);
    }
    return err_set(err, ERR_INVALID, "%s:%zu: not valid YAML: %s", doc->path, line,
                   why->text + prefix);
}

static int read_yaml(struct kubeconfig_doc *doc, struct err *err)
{
    struct err why = {0};
    AUTO(json) struct json_object *documents = NULL;
    size_t len = doc->len;
    /* Not all JSON is YAML 1.1: without a tree, all of it is said to be in line 1. What is behind
     * the first document is not looked at, as in kubectl. */
    if (yaml_tree_parse(doc->text, doc->len, &doc->tree, NULL, &why) == 0) {
        len = yaml_tree_end(doc->tree);
    }
    if (yaml_to_json(doc->text, len, &documents, &why) < 0) {
        return not_yaml(doc, &why, err);
    }
    const struct json_object *root = json_array_at(documents, 0);
    if (root != NULL && !json_is_object(root)) {
        return kubeconfig_doc_fail(doc, err, "", "not a kubeconfig: must be a mapping, found %s",
                                   json_type_word(root));
    }
    doc->root = json_ref(root);
    return 0;
}

int kubeconfig_doc_read(const char *path, struct kubeconfig_doc *ret_doc, struct err *err)
{
    AUTO(kubeconfig_doc) struct kubeconfig_doc doc = {.path = xstrdup(path)};
    if (kube_read_file(path, KUBECONFIG_SIZE_MAX, &doc.text, &doc.len, err) < 0) {
        return err_wrap(err, "kubeconfig");
    }
    if (find_dir(path, &doc.dir, err) < 0 || read_yaml(&doc, err) < 0) {
        return -1;
    }
    *ret_doc = doc;
    doc = (struct kubeconfig_doc){0};
    return 0;
}

void kubeconfig_doc_finish(struct kubeconfig_doc *doc)
{
    json_unref(doc->root);
    yaml_tree_destroy(doc->tree);
    free(doc->text);
    free(doc->dir);
    free(doc->path);
    *doc = (struct kubeconfig_doc){0};
}
