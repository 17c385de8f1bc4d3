/* What the readers of cluster, user and plugin entries share. */
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "kube/kubeconfig.h"
#include "kube/kubeconfig_doc.h"

bool kubeconfig_is_plain(const struct kube_config *config)
{
    return strncasecmp(config->server, "http://", strlen("http://")) == 0;
}

int kubeconfig_entry_wrap(const struct kubeconfig_at *entry, struct err *err, const char *key)
{
    AUTO_FREE char *path = xasprintf("%s/%s", entry->path, key);
    return kubeconfig_doc_wrap(entry->doc, err, path);
}

int kubeconfig_entry_fail(const struct kubeconfig_at *entry, struct err *err, const char *key,
                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO_FREE char *text = xvasprintf(format, args);
    va_end(args);
    err_set(err, ERR_INVALID, "%s", text);
    return kubeconfig_entry_wrap(entry, err, key);
}
