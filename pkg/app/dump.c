#include "app/dump.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/inputs.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "yaml/yaml.h"

enum {
    DUMP_MAX = 256 * 1024 * 1024
};

/* The objects of all files, Lists taken apart, before they are sorted into the stores. */
struct dump {
    struct json_object *objects;
};

static int read_stream(FILE *file, struct buf *text, const char *path, struct err *err)
{
    char piece[65536];
    size_t got;
    while ((got = fread(piece, 1, sizeof(piece), file)) > 0) {
        if (buf_append(text, piece, got) < 0) {
            return err_set(err, ERR_INVALID, "%s: larger than %d MiB", path, DUMP_MAX >> 20);
        }
    }
    return ferror(file) ? err_set_errno(err, ERR_INVALID, errno, "cannot read %s", path) : 0;
}

static int read_text(const char *path, struct buf *text, struct err *err)
{
    if (strcmp(path, "-") == 0) {
        return read_stream(stdin, text, "standard input", err);
    }
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return err_set_errno(err, ERR_INVALID, errno, "cannot open %s", path);
    }
    int result = read_stream(file, text, path, err);
    fclose(file);
    return result;
}

static void add_object(struct dump *dump, const struct json_object *object)
{
    const struct json_object *items = json_member(object, "items");
    if (!json_is_array(items)) {
        json_append_take(dump->objects, json_ref(object));
        return;
    }
    for (size_t i = 0; i < json_array_len(items); i++) {
        json_append_take(dump->objects, json_ref(json_array_at(items, i)));
    }
}

static int add_file(struct dump *dump, const char *path, struct err *err)
{
    AUTO(buf) struct buf text = BUF_INIT(DUMP_MAX);
    AUTO(json) struct json_object *documents = NULL;
    if (read_text(path, &text, err) < 0) {
        return -1;
    }
    if (yaml_to_json(buf_str(&text), text.len, &documents, err) < 0) {
        return err_wrap(err, "%s", strcmp(path, "-") == 0 ? "standard input" : path);
    }
    for (size_t i = 0; i < json_array_len(documents); i++) {
        const struct json_object *document = json_array_at(documents, i);
        if (json_is_object(document)) {
            add_object(dump, document);
        } else if (!json_is_null(document)) {
            return err_set(err, ERR_INVALID, "%s: document %zu is a %s, not a Kubernetes object",
                           path, i + 1, json_type_word(document));
        }
    }
    return 0;
}

static int is_dump_file(const struct dirent *entry)
{
    return fnmatch("*.yaml", entry->d_name, 0) == 0 || fnmatch("*.yml", entry->d_name, 0) == 0 ||
           fnmatch("*.json", entry->d_name, 0) == 0;
}

static int add_directory(struct dump *dump, const char *path, struct err *err)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_dump_file, alphasort);
    int result = count < 0 ? err_set_errno(err, ERR_INVALID, errno, "cannot read %s", path) : 0;
    if (count == 0) {
        result = err_set(err, ERR_INVALID, "%s holds no .yaml, .yml or .json file", path);
    }
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *file = xasprintf("%s/%s", path, entries[i]->d_name);
        if (result == 0) {
            result = add_file(dump, file, err);
        }
        free(entries[i]);
    }
    free(entries);
    return result;
}

static int add_path(struct dump *dump, const char *path, struct err *err)
{
    struct stat info;
    if (strcmp(path, "-") != 0 && stat(path, &info) < 0) {
        return err_set_errno(err, ERR_INVALID, errno, "cannot open %s", path);
    }
    if (strcmp(path, "-") != 0 && S_ISDIR(info.st_mode)) {
        return add_directory(dump, path, err);
    }
    return add_file(dump, path, err);
}

static int fill_store(struct world *world, const struct dump *dump, enum input input,
                      struct err *err)
{
    struct input_watch watch;
    struct store_list *list = store_list_create();
    input_watch(input, &world->policy, &watch);
    for (size_t i = 0; i < json_array_len(dump->objects); i++) {
        const struct json_object *json = json_array_at(dump->objects, i);
        struct object *object = NULL;
        if (!input_takes(input, &world->policy, json)) {
            continue;
        }
        if (watch.spec.project(json, &object, err) < 0) {
            store_list_destroy(list);
            return err_wrap(err, "%s", input_name(input));
        }
        store_list_add_take(list, object);
    }
    store_replace_take(world->stores[input], list, "", true, 0);
    return 0;
}

static void fill_leases(struct world *world, const struct dump *dump)
{
    for (size_t i = 0; i < json_array_len(dump->objects); i++) {
        const struct json_object *json = json_array_at(dump->objects, i);
        if (strcmp(json_get_str_or(json, "kind", ""), "Lease") == 0 &&
            strcmp(json_get_str_or(json, "metadata/namespace", ""), "kube-node-lease") == 0) {
            world_add_lease(world, json);
        }
    }
    world->leases_read = true;
}

int dump_load(struct world *world, const char *path, struct err *err)
{
    struct dump dump = {.objects = json_new_array()};
    int result = add_path(&dump, path, err);
    /* the ConfigMap first: it says which Service the others belong to */
    for (enum input input = 0; input < INPUT_COUNT && result == 0; input++) {
        result = fill_store(world, &dump, input, err);
        if (input == INPUT_CONFIG && result == 0) {
            world_read_policy(world);
        }
    }
    if (result == 0) {
        fill_leases(world, &dump);
    }
    json_unref(dump.objects);
    return result;
}
