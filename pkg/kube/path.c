/* Request paths: the pure part of client.h. */
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "kube/client.h"

static void add_segment(struct buf *path, const char *segment)
{
    AUTO_FREE char *escaped = http_escape(segment);
    buf_printf(path, "/%s", escaped);
}

char *kube_path(const struct kube_resource *resource, const char *ns, const char *name,
                const char *subresource)
{
    /* no limit: a path that lost its last piece would name the collection */
    struct buf path = BUF_INIT(SIZE_MAX);
    buf_puts(&path, *resource->group != '\0' ? "/apis" : "/api");
    if (*resource->group != '\0') {
        add_segment(&path, resource->group);
    }
    add_segment(&path, resource->version);
    if (ns != NULL && *ns != '\0') {
        buf_puts(&path, "/namespaces");
        add_segment(&path, ns);
    }
    add_segment(&path, resource->plural);
    if (name != NULL) {
        add_segment(&path, name);
    }
    if (subresource != NULL) {
        add_segment(&path, subresource);
    }
    return buf_take(&path);
}

void kube_query_add(struct buf *path, const char *key, const char *value)
{
    AUTO_FREE char *escaped_key = http_escape(key);
    AUTO_FREE char *escaped_value = http_escape(value);
    buf_printf(path, "%c%s=%s", strchr(buf_str(path), '?') != NULL ? '&' : '?', escaped_key,
               escaped_value);
}

char *kube_api_version(const struct kube_resource *resource)
{
    return *resource->group != '\0' ? xasprintf("%s/%s", resource->group, resource->version)
                                    : xstrdup(resource->version);
}
