/* What the agents on control-plane nodes report: a row for each manifest. */
#include "app/status.h"
#include "base/alloc.h"

struct listing {
    struct json_object *rows;
    const char *node;
    const char *version;
};

static void set_member(struct json_object *row, const struct json_object *entry, const char *name)
{
    const char *value = json_get_str(entry, name);
    if (value != NULL) {
        json_set_str(row, name, value);
    }
}

static bool add_manifest(void *arg, const char *name, const struct json_object *entry)
{
    static const char *const members[] = {"mode", "state", "since", "reason", "message"};
    const struct listing *listing = arg;
    struct json_object *row = json_new_object();
    json_set_str(row, "node", listing->node);
    json_set_str(row, "agent", listing->version);
    json_set_str(row, "manifest", name);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        set_member(row, entry, members[i]);
    }
    json_append_take(listing->rows, row);
    return true;
}

static bool add_node(void *arg, const char *node, const struct json_object *value)
{
    struct json_object *rows = arg;
    AUTO(json) struct json_object *report = NULL;
    struct err err;
    size_t len = 0;
    const char *text = json_get_str_len(value, "", &len);
    if (text == NULL || json_parse(text, len, &report, &err) < 0) {
        struct json_object *row = json_new_object();
        json_set_str(row, "node", node);
        json_set_str(row, "message", "what its agent reports can't be read");
        json_append_take(rows, row);
        return true;
    }
    struct listing listing = {rows, node, json_get_str_or(report, "version", "")};
    json_each(json_member(report, "manifests"), add_manifest, &listing);
    return true;
}

void status_add_nodes(struct json_object *rows, const struct json_object *configmap)
{
    json_each(json_member(configmap, "data"), add_node, rows);
}
