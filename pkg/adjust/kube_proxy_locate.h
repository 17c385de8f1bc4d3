/*
 * Where kube-proxy's configuration is: found from its DaemonSet's --config path, volume mounts and
 * volume items.
 */
#ifndef ADJUST_KUBE_PROXY_LOCATE_H
#define ADJUST_KUBE_PROXY_LOCATE_H

#include <stdbool.h>

#include "json/json.h"

enum {
    KUBE_PROXY_KEY_MAX = 254 /* a ConfigMap key is at most 253 bytes */
};

struct kube_proxy_place {
    char configmap[KUBE_PROXY_KEY_MAX];
    char key[KUBE_PROXY_KEY_MAX];
    bool master;   /* --master is given, which defeats the adjustment */
    char why[512]; /* when it was not found */
};

/* Returns whether it was found; otherwise `why` says what is missing. */
bool kube_proxy_locate(const struct json_object *daemonset, struct kube_proxy_place *ret_place);

#endif
