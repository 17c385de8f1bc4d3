#include <string.h>

#include "adjust/adjust.h"
#include "base/attr.h"

const struct adjustment *const adjustments[] = {
    &adjust_service_topology,
    &adjust_kube_proxy_kubeconfig,
};
const size_t adjustments_len = ARRAY_LEN(adjustments);

const struct adjustment *adjustment_find(const char *id)
{
    for (size_t i = 0; i < adjustments_len; i++) {
        if (strcmp(adjustments[i]->id, id) == 0) {
            return adjustments[i];
        }
    }
    return NULL;
}
