#include "adjust/coredns_template.h"

#include <stdlib.h>
#include <string.h>

#include "adjust/quantity.h"
#include "base/alloc.h"
#include "base/attr.h"

static const char dns_app[] = "kube-dns";

/* Nodes with one of these labels get no pod. */
static const struct exclusion {
    const char *label;
    const char *value;
} exclusions[] = {
    /* OpenYurt runs neither CoreDNS nor kube-proxy on the nodes of a host-network pool */
    {"nodepool.openyurt.io/hostnetwork", "true"},
    /* for people: where a pod must not be, or has to make room for another */
    {COREDNS_NODE_LABEL, "off"},
};

/* --- metadata --- */

/* Labels that a controller puts on the template's pods to tell its generations apart. */
static const char *const own_labels[] = {"pod-template-hash", "pod-template-generation",
                                         "controller-revision-hash"};

/* What tells of a restart or an apply of the Deployment is none of the DaemonSet's. */
static bool annotation_kept(const char *name)
{
    static const char *const prefixes[] = {"kubectl.kubernetes.io/", "deployment.kubernetes.io/",
                                           "cattle.io/timestamp"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            return false;
        }
    }
    return true;
}

static bool copy_annotation(void *arg, const char *name, const struct json_object *value)
{
    if (annotation_kept(name)) {
        json_set(arg, name, value);
    }
    return true;
}

static int derive_metadata(const struct json_object *source, struct json_object *template,
                           struct err *err)
{
    const struct json_object *labels = json_get(source, "metadata/labels");
    const char *app = json_str(json_member(labels, "k8s-app"));
    if (app == NULL || strcmp(app, dns_app) != 0) {
        return err_set(
            err, ERR_INVALID,
            "spec.template.metadata.labels[k8s-app] is \"%s\", not %s, by which DNS pods "
            "are found",
            app != NULL ? app : "", dns_app);
    }
    struct json_object *metadata = json_ensure_object(template, "metadata");
    struct json_object *kept = json_copy(labels);
    for (size_t i = 0; i < ARRAY_LEN(own_labels); i++) {
        json_del(kept, own_labels[i]);
    }
    json_set_str(kept, COREDNS_COMPONENT_LABEL, COREDNS_COMPONENT);
    json_set_take(metadata, "labels", kept);
    struct json_object *annotations = json_new_object();
    json_each(json_get(source, "metadata/annotations"), copy_annotation, annotations);
    if (json_object_len(annotations) > 0) {
        json_set(metadata, "annotations", annotations);
    }
    json_unref(annotations);
    return 0;
}

/* --- containers --- */

static struct json_object *without_host_ports(const struct json_object *ports)
{
    struct json_object *kept = json_new_array();
    for (size_t i = 0; i < json_array_len(ports); i++) {
        struct json_object *port = json_copy(json_array_at(ports, i));
        json_del(port, "hostPort");
        json_append_take(kept, port);
    }
    return kept;
}

static int set_request(struct json_object *container, const char *name, const char *value,
                       struct err *err)
{
    struct json_object *resources;
    int64_t request;
    int64_t limit;
    if (*value == '\0') {
        return 0;
    }
    resources = json_ensure_object(container, "resources");
    const char *most = json_str(json_member(json_member(resources, "limits"), name));
    if (most != NULL && quantity_parse(most, &limit) == 0 && quantity_parse(value, &request) == 0 &&
        request > limit) {
        return err_set(err, ERR_INVALID,
                       "coredns-daemonset.%s: %s is above the container's limit of %s", name, value,
                       most);
    }
    json_set_str(json_ensure_object(resources, "requests"), name, value);
    return 0;
}

static int configure(struct json_object *container, const struct policy *policy, struct err *err)
{
    const char *image = policy_value(policy, "coredns-daemonset.image");
    if (*image != '\0') {
        json_set_str(container, "image", image);
    }
    if (set_request(container, "cpu", policy_value(policy, "coredns-daemonset.cpu"), err) < 0 ||
        set_request(container, "memory", policy_value(policy, "coredns-daemonset.memory"), err) <
            0) {
        return -1;
    }
    return 0;
}

static const char *container_name(const struct json_object *container)
{
    return json_get_str_or(container, "name", "");
}

/* The container that is CoreDNS: the one of that name, else the first. */
static size_t find_coredns(const struct json_object *containers)
{
    for (size_t i = 0; i < json_array_len(containers); i++) {
        if (strcmp(container_name(json_array_at(containers, i)), "coredns") == 0) {
            return i;
        }
    }
    return 0;
}

static int derive_containers(struct json_object *spec, const struct policy *policy, struct err *err)
{
    const struct json_object *containers = json_member(spec, "containers");
    if (json_array_len(containers) == 0) {
        return err_set(err, ERR_INVALID, "spec.template.spec.containers is empty");
    }
    AUTO(json) struct json_object *derived = json_new_array();
    size_t coredns = find_coredns(containers);
    for (size_t i = 0; i < json_array_len(containers); i++) {
        struct json_object *container = json_copy(json_array_at(containers, i));
        json_append_take(derived, container);
        if (*container_name(container) == '\0' ||
            *json_get_str_or(container, "image", "") == '\0') {
            return err_set(err, ERR_INVALID, "spec.template.spec.containers[%zu] has no %s", i,
                           *container_name(container) == '\0' ? "name" : "image");
        }
        if (json_member(container, "ports") != NULL) {
            json_set_take(container, "ports", without_host_ports(json_member(container, "ports")));
        }
        if (i == coredns && configure(container, policy, err) < 0) {
            return -1;
        }
    }
    json_set_take(spec, "containers", take_ptr(derived));
    return 0;
}

/* --- placement --- */

static struct json_object *not_in(const struct exclusion *exclusion)
{
    struct json_object *expression = json_new_object();
    struct json_object *values = json_new_array();
    json_set_str(expression, "key", exclusion->label);
    json_set_str(expression, "operator", "NotIn");
    json_append_take(values, json_new_str(exclusion->value));
    json_set_take(expression, "values", values);
    return expression;
}

static bool has_item(const struct json_object *array, const struct json_object *item)
{
    for (size_t i = 0; i < json_array_len(array); i++) {
        if (json_same(json_array_at(array, i), item)) {
            return true;
        }
    }
    return false;
}

static struct json_object *with_exclusions(const struct json_object *term)
{
    struct json_object *kept = json_copy(term);
    const struct json_object *old = json_member(term, "matchExpressions");
    struct json_object *expressions = json_is_array(old) ? json_copy(old) : json_new_array();
    for (size_t i = 0; i < ARRAY_LEN(exclusions); i++) {
        AUTO(json) struct json_object *expression = not_in(&exclusions[i]);
        if (!has_item(expressions, expression)) {
            json_append_take(expressions, json_ref(expression));
        }
    }
    json_set_take(kept, "matchExpressions", expressions);
    return kept;
}

/*
 * A node has to match one of the terms: so the exclusions go into each of them. One without
 * expressions and fields matches no node (core/v1, NodeSelectorTerm) and has to stay that way.
 */
static void exclude_nodes(struct json_object *affinity)
{
    struct json_object *required =
        json_ensure_object(json_ensure_object(affinity, "nodeAffinity"),
                           "requiredDuringSchedulingIgnoredDuringExecution");
    const struct json_object *old = json_member(required, "nodeSelectorTerms");
    struct json_object *terms = json_new_array();
    for (size_t i = 0; i < json_array_len(old); i++) {
        const struct json_object *term = json_array_at(old, i);
        bool selects = json_array_len(json_member(term, "matchExpressions")) > 0 ||
                       json_array_len(json_member(term, "matchFields")) > 0;
        json_append_take(terms, selects ? with_exclusions(term) : json_copy(term));
    }
    if (json_array_len(old) == 0) {
        AUTO(json) struct json_object *any = json_new_object();
        json_append_take(terms, with_exclusions(any));
    }
    json_set_take(required, "nodeSelectorTerms", terms);
}

/* Members of the pod's spec that a Deployment may have and a pod on every node may not. */
static const char *const stray_members[] = {"topologySpreadConstraints", "nodeName", "hostNetwork"};

static void derive_placement(struct json_object *spec)
{
    for (size_t i = 0; i < ARRAY_LEN(stray_members); i++) {
        json_del(spec, stray_members[i]);
    }
    struct json_object *affinity = json_ensure_object(spec, "affinity");
    json_del(affinity, "podAntiAffinity");
    exclude_nodes(affinity);
    json_set_str(json_ensure_object(spec, "nodeSelector"), "kubernetes.io/os", "linux");
    /* without a key it tolerates every taint, those of the source document too */
    struct json_object *toleration = json_new_object();
    struct json_object *tolerations = json_new_array();
    json_set_str(toleration, "operator", "Exists");
    json_append_take(tolerations, toleration);
    json_set_take(spec, "tolerations", tolerations);
}

int coredns_template_derive(const struct json_object *source, const struct policy *policy,
                            struct json_object **ret_template, struct err *err)
{
    AUTO(json) struct json_object *template = json_new_object();
    if (derive_metadata(source, template, err) < 0) {
        return -1;
    }
    struct json_object *spec = json_copy(json_member(source, "spec"));
    json_set_take(template, "spec", spec);
    if (!json_is_object(spec)) {
        return err_set(err, ERR_INVALID, "spec.template.spec is no object but %s",
                       json_type_word(spec));
    }
    if (derive_containers(spec, policy, err) < 0) {
        return -1;
    }
    derive_placement(spec);
    *ret_template = take_ptr(template);
    return 0;
}

/* --- strays --- */

static void add_stray_take(struct json_object *strays, char *pointer)
{
    json_append_take(strays, json_new_str(pointer));
    free(pointer);
}

static void find_host_ports(const struct json_object *containers, struct json_object *strays)
{
    for (size_t i = 0; i < json_array_len(containers); i++) {
        const struct json_object *ports = json_member(json_array_at(containers, i), "ports");
        for (size_t k = 0; k < json_array_len(ports); k++) {
            if (json_member(json_array_at(ports, k), "hostPort") != NULL) {
                add_stray_take(strays, xasprintf("/spec/containers/%zu/ports/%zu/hostPort", i, k));
            }
        }
    }
}

struct json_object *coredns_template_strays(const struct json_object *live)
{
    struct json_object *strays = json_new_array();
    const struct json_object *spec = json_member(live, "spec");
    for (size_t i = 0; i < ARRAY_LEN(stray_members); i++) {
        if (json_member(spec, stray_members[i]) != NULL) {
            add_stray_take(strays, xasprintf("/spec/%s", stray_members[i]));
        }
    }
    if (json_get(spec, "affinity/podAntiAffinity") != NULL) {
        add_stray_take(strays, xstrdup("/spec/affinity/podAntiAffinity"));
    }
    find_host_ports(json_member(spec, "containers"), strays);
    return strays;
}
