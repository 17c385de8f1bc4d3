#include "kube/reflector_query.h"

#include <stdint.h>
#include <stdio.h>

#include "base/alloc.h"

static void add_present(struct buf *path, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        kube_query_add(path, key, value);
    }
}

static void add_number(struct buf *path, const char *key, int value)
{
    if (value > 0) {
        char text[16];
        snprintf(text, sizeof(text), "%d", value);
        kube_query_add(path, key, text);
    }
}

char *reflector_path(const struct reflector_spec *spec, const struct reflector_output *command)
{
    AUTO_FREE char *collection = kube_path(spec->resource, spec->ns, NULL, NULL);
    /* no limit: a query that lost its selector would ask for everything */
    struct buf path = BUF_INIT(SIZE_MAX);
    buf_puts(&path, collection);
    if (command->command == REFLECTOR_WATCH) {
        kube_query_add(&path, "watch", "true");
        kube_query_add(&path, "allowWatchBookmarks", "true");
        add_number(&path, "timeoutSeconds", command->timeout_s);
    }
    if (command->send_initial_events) {
        kube_query_add(&path, "sendInitialEvents", "true");
    }
    if (spec->name != NULL) {
        AUTO_FREE char *selector = xasprintf("metadata.name=%s", spec->name);
        kube_query_add(&path, "fieldSelector", selector);
    }
    add_present(&path, "labelSelector", spec->label_selector);
    add_present(&path, "resourceVersion", command->version);
    add_present(&path, "resourceVersionMatch", command->match);
    add_number(&path, "limit", command->limit);
    add_present(&path, "continue", command->continue_token);
    return buf_take(&path);
}
