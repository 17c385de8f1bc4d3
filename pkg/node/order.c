#include "node/order.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "kube/object.h"
#include "node/precondition_flags.h"
#include "staticpod/staticpod_controllers.h"
#include "json/json.h"

enum {
    NAMED_MAX = 8,
    TEXT_MAX = 2048,
};

/* What is wrong, node by node: "cp-2 (its Node is not Ready), cp-3 (…) and 2 more". */
struct listing {
    struct buf text;
    size_t count;
};

static void listing_finish(struct listing *listing)
{
    buf_finish(&listing->text);
}
DEFINE_AUTO_FINISH(listing, struct listing, listing_finish)

static void list(struct listing *listing, const char *node, const char *why)
{
    if (listing->count < NAMED_MAX) {
        buf_printf(&listing->text, "%s%.63s%s%s%s", listing->count > 0 ? ", " : "", node,
                   *why != '\0' ? " (" : "", why, *why != '\0' ? ")" : "");
    }
    listing->count++;
}

/* The end of it: to be asked for once. */
static const char *listed(struct listing *listing)
{
    if (listing->count > NAMED_MAX) {
        buf_printf(&listing->text, " and %zu more", listing->count - NAMED_MAX);
    }
    return buf_str(&listing->text);
}

/* --- what is observed --- */

static const char *name_of(const struct json_object *object)
{
    return json_get_str_or(object, "metadata/name", "");
}

static bool is_ready(const struct json_object *object)
{
    const struct json_object *ready = object_condition(object, "Ready");
    return strcmp(json_get_str_or(ready, "status", ""), "True") == 0;
}

/* The static pod that runs the component on the node; NULL: the API server knows of none. */
static const struct json_object *find_pod(const struct order_input *input, const char *node,
                                          enum staticpod_component component)
{
    for (size_t i = 0; i < json_array_len(input->pods); i++) {
        const struct json_object *pod = json_array_at(input->pods, i);
        if (strcmp(json_get_str_or(pod, "metadata/labels/component", ""),
                   staticpod_component_name(component)) == 0 &&
            strcmp(json_get_str_or(pod, "spec/nodeName", ""), node) == 0 &&
            json_get_str(pod, "metadata/annotations/kubernetes.io~1config.mirror") != NULL) {
            return pod;
        }
    }
    return NULL;
}

static bool is_control_plane(const struct order_input *input, const struct json_object *node)
{
    const struct json_object *labels = json_get(node, "metadata/labels");
    return json_member(labels, "node-role.kubernetes.io/control-plane") != NULL ||
           json_member(labels, "node-role.kubernetes.io/master") != NULL ||
           find_pod(input, name_of(node), STATICPOD_APISERVER) != NULL;
}

/* The control-plane node number `index` that is not this one; NULL behind the last. */
static const struct json_object *other_at(const struct order_input *input, size_t index)
{
    for (size_t i = 0; i < json_array_len(input->nodes); i++) {
        const struct json_object *node = json_array_at(input->nodes, i);
        if (is_control_plane(input, node) && strcmp(name_of(node), input->node) != 0 &&
            index-- == 0) {
            return node;
        }
    }
    return NULL;
}

static const struct json_object *find_own_node(const struct order_input *input)
{
    for (size_t i = 0; i < json_array_len(input->nodes); i++) {
        const struct json_object *node = json_array_at(input->nodes, i);
        if (strcmp(name_of(node), input->node) == 0) {
            return node;
        }
    }
    return NULL;
}

/* NULL: it is there and Ready. */
static const char *trouble_of(const struct order_input *input, const char *node,
                              enum staticpod_component component)
{
    static const char *const missing[] = {"no static pod of kube-controller-manager is seen",
                                          "no static pod of kube-apiserver is seen"};
    static const char *const unready[] = {"its kube-controller-manager is not Ready",
                                          "its kube-apiserver is not Ready"};
    const struct json_object *pod = find_pod(input, node, component);
    if (pod == NULL) {
        return missing[component];
    }
    return is_ready(pod) ? NULL : unready[component];
}

/* --- the gates, in their order; true: closed --- */

static bool hold(struct precondition *verdict, const char *reason, const char *format, ...)
    PRINTF_LIKE(3, 4);
static bool hold(struct precondition *verdict, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO_FREE char *text = xvasprintf(format, args);
    va_end(args);
    precondition_say(verdict, PRECONDITION_HELD, false, reason, "%s", text);
    return true;
}

static bool is_alone(const struct order_input *input, struct precondition *verdict)
{
    if (input->single_allowed || other_at(input, 0) != NULL) {
        return false;
    }
    return hold(verdict, "SingleControlPlane",
                "%s is the only control-plane node, and its %s is away while it restarts: set "
                "static-pods.single-control-plane: Allow to have it changed",
                input->node, staticpod_component_name(input->component));
}

static bool is_node_unhealthy(const struct order_input *input, const struct json_object *own,
                              struct precondition *verdict)
{
    return !is_ready(own) &&
           hold(verdict, "NodeNotReady",
                "Node %s is not Ready: its kubelet would not take up the change", input->node);
}

static bool is_component_unhealthy(const struct order_input *input, struct precondition *verdict)
{
    const char *trouble = trouble_of(input, input->node, input->component);
    return trouble != NULL &&
           hold(verdict, "ComponentNotReady",
                "on %s, before anything is changed there, %s: see why. What a change does could "
                "not be told",
                input->node, trouble);
}

static bool are_others_unhealthy(const struct order_input *input, struct precondition *verdict)
{
    AUTO(listing) struct listing listing = {.text = BUF_INIT(TEXT_MAX)};
    const struct json_object *other;
    for (size_t i = 0; (other = other_at(input, i)) != NULL; i++) {
        const char *name = name_of(other);
        const char *trouble = is_ready(other) ? NULL : "its Node is not Ready";
        if (trouble == NULL) {
            trouble = trouble_of(input, name, STATICPOD_APISERVER);
        }
        if (trouble == NULL && input->component == STATICPOD_CONTROLLER_MANAGER) {
            trouble = trouble_of(input, name, STATICPOD_CONTROLLER_MANAGER);
        }
        if (trouble != NULL) {
            list(&listing, name, trouble);
        }
    }
    return listing.count > 0 &&
           hold(verdict, "OthersNotReady",
                "the other control-plane nodes must be healthy first: %s. A node that is gone for "
                "good: delete its Node; one that runs no control plane: take the label "
                "node-role.kubernetes.io/control-plane off it",
                listed(&listing));
}

static bool has_nodelifecycle_on(const struct order_input *input, const char *node)
{
    const struct json_object *pod = find_pod(input, node, STATICPOD_CONTROLLER_MANAGER);
    const struct json_object *container =
        precondition_container(json_get(pod, "spec"), "kube-controller-manager");
    if (container == NULL) {
        return false; /* there is nothing that could go first */
    }
    AUTO(precondition_flags) struct precondition_flags flags;
    precondition_flags_find(container, "controllers", &flags);
    if (flags.len == 0) {
        return true; /* the default is "*" */
    }
    struct staticpod_new_value value =
        staticpod_controllers_off((const char *const *)flags.values, flags.len);
    free(value.value);
    return value.change;
}

static bool must_controller_managers_go_first(const struct order_input *input,
                                              struct precondition *verdict)
{
    AUTO(listing) struct listing listing = {.text = BUF_INIT(TEXT_MAX)};
    const struct json_object *other;
    if (input->component != STATICPOD_APISERVER || input->revert ||
        !input->controller_manager_first) {
        return false;
    }
    if (has_nodelifecycle_on(input, input->node)) {
        list(&listing, input->node, "");
    }
    for (size_t i = 0; (other = other_at(input, i)) != NULL; i++) {
        if (has_nodelifecycle_on(input, name_of(other))) {
            list(&listing, name_of(other), "");
        }
    }
    return listing.count > 0 &&
           hold(verdict, "ControllerManagerFirst",
                "every kube-controller-manager is changed before the first API server, and "
                "nodelifecycle is still on in that of %s",
                listed(&listing));
}

void order_decide(const struct order_input *input, struct precondition *verdict)
{
    const struct json_object *own = find_own_node(input);
    if (own == NULL) {
        hold(verdict, "ControlPlaneUnknown",
             "there is no Node %s, so which control-plane nodes there are is not known",
             input->node);
        return;
    }
    if (input->under_way != NULL && *input->under_way != '\0' &&
        strcmp(input->under_way, input->node) != 0) {
        hold(verdict, "AnotherNodeUnderWay",
             "%s is being changed: one control-plane node goes at a time", input->under_way);
        return;
    }
    if (is_node_unhealthy(input, own, verdict)) {
        return;
    }
    if (input->revert && trouble_of(input, input->node, input->component) != NULL) {
        return; /* one that is broken already: putting it back takes nothing from the cluster */
    }
    if (is_alone(input, verdict) || is_component_unhealthy(input, verdict) ||
        are_others_unhealthy(input, verdict)) {
        return;
    }
    must_controller_managers_go_first(input, verdict);
}
