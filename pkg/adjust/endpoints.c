#include "adjust/endpoints.h"

#include <string.h>

#include "adjust/liveness.h"
#include "kube/slice.h"

/* A Service of two families has slices of both, and a pod is known by its first address only. */
static bool holds_address(const struct slice_endpoint *endpoint, const struct pod *pod)
{
    return pod->ip == NULL || strcmp(endpoint->address, pod->ip) == 0 ||
           (strchr(endpoint->address, ':') == NULL) != (strchr(pod->ip, ':') == NULL);
}

void endpoints_collect(const struct snapshot *seen, struct refs *ret_pods)
{
    const struct store *slices = seen->stores[INPUT_DNS_SLICES];
    for (size_t i = 0; i < store_len(slices); i++) {
        const struct slice *slice = slice_of(store_at(slices, i));
        for (size_t k = 0; k < slice->len; k++) {
            const char *name = slice->endpoints[k].pod;
            const struct object *pod =
                name != NULL ? store_get(seen->stores[INPUT_DNS_PODS], "kube-system", name) : NULL;
            if (pod != NULL && holds_address(&slice->endpoints[k], pod_of(pod))) {
                refs_add(ret_pods, pod);
            }
        }
    }
    refs_seal(ret_pods);
}

const struct node *endpoints_node(const struct snapshot *seen, const struct refs *endpoints,
                                  const struct pod *pod)
{
    if (!pod->ready || pod->object.deleting || !refs_has(endpoints, &pod->object)) {
        return NULL;
    }
    const struct node *node = liveness_find(seen, pod->node);
    return node != NULL && liveness_node(seen, node) ? node : NULL;
}
