#include "app/inputs.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/node.h"
#include "kube/pod.h"
#include "kube/slice.h"
#include "kube/workload.h"

static const char dns_service[] = "dns-service.name";

static const struct input_row {
    const char *id;
    const struct kube_resource *resource;
    object_project_fn *project;
    const char *ns;
    const char *name;        /* NULL: a collection, or the DNS Service */
    const char *label;       /* key of the label to select by; NULL: all */
    const char *label_value; /* NULL: the DNS Service's name */
} rows[INPUT_COUNT] = {
    [INPUT_CONFIG] = {"config", &resource_configmap, object_project_whole, "kube-system",
                      "yurt-steward", NULL, NULL},
    [INPUT_STATE] = {"state", &resource_configmap, object_project_whole, "kube-system",
                     "yurt-steward-state", NULL, NULL},
    [INPUT_DNS_SERVICE] = {"dns-service", &resource_service, object_project_whole, "kube-system",
                           NULL, NULL, NULL},
    [INPUT_DNS_SLICES] = {"dns-endpointslices", &resource_endpointslice, slice_project,
                          "kube-system", NULL, "kubernetes.io/service-name", NULL},
    [INPUT_DNS_PODS] = {"dns-pods", &resource_pod, pod_project, "kube-system", NULL, "k8s-app",
                        "kube-dns"},
    [INPUT_DNS_DEPLOYMENT] = {"coredns-deployment", &resource_deployment, workload_project,
                              "kube-system", "coredns", NULL, NULL},
    [INPUT_DNS_DAEMONSET] = {"coredns-daemonset", &resource_daemonset, workload_project,
                             "kube-system", "coredns", NULL, NULL},
    [INPUT_NODES] = {"nodes", &resource_node, node_project, "", NULL, NULL, NULL},
    [INPUT_PROXY_CONFIG] = {"kube-proxy-config", &resource_configmap, object_project_whole,
                            "kube-system", "kube-proxy", NULL, NULL},
    [INPUT_PROXY_DAEMONSET] = {"kube-proxy-daemonset", &resource_daemonset, workload_project,
                               "kube-system", "kube-proxy", NULL, NULL},
    [INPUT_PROXY_PODS] = {"kube-proxy-pods", &resource_pod, pod_project, "kube-system", NULL,
                          "k8s-app", "kube-proxy"},
    [INPUT_YURTHUB_PODS] = {"yurthub-pods", &resource_pod, pod_project, "kube-system", NULL,
                            "k8s-app", "yurt-hub"},
};

static const char *row_name(enum input input, const struct policy *policy)
{
    return input == INPUT_DNS_SERVICE ? policy_value(policy, dns_service) : rows[input].name;
}

static const char *row_label_value(const struct input_row *row, const struct policy *policy)
{
    return row->label_value != NULL ? row->label_value : policy_value(policy, dns_service);
}

const char *input_name(enum input input)
{
    return rows[input].id;
}

void input_watch(enum input input, const struct policy *policy, struct input_watch *ret_watch)
{
    const struct input_row *row = &rows[input];
    *ret_watch = (struct input_watch){0};
    ret_watch->spec = (struct reflector_spec){
        .resource = row->resource,
        .ns = row->ns,
        .name = row_name(input, policy),
        .project = row->project,
    };
    if (row->label != NULL) {
        snprintf(ret_watch->selector, sizeof(ret_watch->selector), "%s=%s", row->label,
                 row_label_value(row, policy));
        ret_watch->spec.label_selector = ret_watch->selector;
    }
}

bool input_takes(enum input input, const struct policy *policy, const struct json_object *object)
{
    const struct input_row *row = &rows[input];
    const char *name = row_name(input, policy);
    AUTO_FREE char *version = kube_api_version(row->resource);
    if (strcmp(json_get_str_or(object, "kind", ""), row->resource->kind) != 0 ||
        strcmp(json_get_str_or(object, "apiVersion", ""), version) != 0 ||
        strcmp(json_get_str_or(object, "metadata/namespace", ""), row->ns) != 0 ||
        (name != NULL && strcmp(json_get_str_or(object, "metadata/name", ""), name) != 0)) {
        return false;
    }
    if (row->label == NULL) {
        return true;
    }
    const struct json_object *labels = json_get(object, "metadata/labels");
    const char *label = json_str(json_member(labels, row->label));
    return label != NULL && strcmp(label, row_label_value(row, policy)) == 0;
}
