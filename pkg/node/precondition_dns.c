/* The tunnel's DNS: its address, and whether it answers. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "node/precondition.h"
#include "staticpod/staticpod_dns.h"
#include "json/json.h"

/* Raven's (OpenYurt 1.2 and newer) before that of yurt-tunnel. */
const char *const precondition_dns_services[] = {"raven-proxy-dns", "yurt-tunnel-dns", NULL};

static bool is_in_kube_system(const struct json_object *object)
{
    return strcmp(json_get_str_or(object, "metadata/namespace", ""), "kube-system") == 0;
}

static const struct json_object *find_service(const struct json_object *services, const char *name)
{
    for (size_t i = 0; i < json_array_len(services); i++) {
        const struct json_object *service = json_array_at(services, i);
        if (is_in_kube_system(service) &&
            strcmp(json_get_str_or(service, "metadata/name", ""), name) == 0) {
            return service;
        }
    }
    return NULL;
}

/* The first of the Services that is there; with an address: that has it. */
static const struct json_object *choose(const struct json_object *services, const char *address)
{
    for (const char *const *name = precondition_dns_services; *name != NULL; name++) {
        const struct json_object *service = find_service(services, *name);
        const char *own = json_get_str_or(service, "spec/clusterIP", "");
        if (service != NULL && (address == NULL || strcmp(own, address) == 0)) {
            return service;
        }
    }
    return NULL;
}

static bool has_ready_endpoint(const struct json_object *slice)
{
    const struct json_object *endpoints = json_member(slice, "endpoints");
    for (size_t i = 0; i < json_array_len(endpoints); i++) {
        const struct json_object *endpoint = json_array_at(endpoints, i);
        /* absent counts as true (EndpointSlice API) */
        if (json_get_bool(endpoint, "conditions/ready", true) &&
            json_array_len(json_member(endpoint, "addresses")) > 0) {
            return true;
        }
    }
    return false;
}

static bool is_ready(const struct json_object *slices, const char *service)
{
    for (size_t i = 0; i < json_array_len(slices); i++) {
        const struct json_object *slice = json_array_at(slices, i);
        const char *of = json_get_str_or(slice, "metadata/labels/kubernetes.io~1service-name", "");
        if (is_in_kube_system(slice) && strcmp(of, service) == 0 && has_ready_endpoint(slice)) {
            return true;
        }
    }
    return false;
}

static void check_service(const struct precondition_dns_input *input,
                          const struct json_object *service, struct precondition_dns *dns)
{
    const char *name = json_get_str_or(service, "metadata/name", "");
    const char *address = json_get_str_or(service, "spec/clusterIP", "");
    if (!staticpod_is_address(address)) {
        precondition_say(&dns->verdict, PRECONDITION_HELD, true, "NameserverWithoutAddress",
                         "Service kube-system/%s has no address of its own (clusterIP: \"%.64s\"), "
                         "and dnsConfig needs one: make it a ClusterIP Service, or set "
                         "kube-apiserver.nameserver",
                         name, address);
        return;
    }
    dns->nameserver = xstrdup(address);
    if (!is_ready(input->slices, name)) {
        precondition_say(&dns->verdict, PRECONDITION_HELD, true, "NameserverNotReady",
                         "Service kube-system/%s (%s) has no ready endpoint, so the API server "
                         "could resolve nothing there: see why its pods are not Ready",
                         name, address);
    }
}

static void check_configured(const struct precondition_dns_input *input,
                             struct precondition_dns *dns)
{
    const struct json_object *service = choose(input->services, input->configured);
    if (service != NULL) {
        check_service(input, service, dns);
    } else {
        dns->nameserver = xstrdup(input->configured);
    }
}

static void say_none(const struct precondition_dns_input *input, struct precondition *verdict)
{
    if (input->in_force != NULL) {
        precondition_say(verdict, PRECONDITION_HELD, true, "NameserverGone",
                         "dnsConfig of kube-apiserver names %.64s, and there is no Service "
                         "raven-proxy-dns or yurt-tunnel-dns in kube-system any more: install it "
                         "again, set kube-apiserver.nameserver, or set kube-apiserver: Revert",
                         input->in_force);
        return;
    }
    precondition_say(verdict, PRECONDITION_NOT_APPLICABLE, false, "NoTunnelDNS",
                     "there is no Service raven-proxy-dns or yurt-tunnel-dns in kube-system, so "
                     "there is no DNS that knows the nodes' host names: install it, or set "
                     "kube-apiserver.nameserver");
}

void precondition_dns(const struct precondition_dns_input *input, struct precondition_dns *ret_dns)
{
    *ret_dns = (struct precondition_dns){0};
    if (input->configured != NULL && *input->configured != '\0') {
        check_configured(input, ret_dns);
        return;
    }
    const struct json_object *service = choose(input->services, NULL);
    if (service == NULL) {
        say_none(input, &ret_dns->verdict);
        return;
    }
    check_service(input, service, ret_dns);
}

void precondition_dns_finish(struct precondition_dns *dns)
{
    precondition_finish(&dns->verdict);
    free(dns->nameserver);
    dns->nameserver = NULL;
}
