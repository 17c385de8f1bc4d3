/*
 * dnsPolicy: None and dnsConfig in a Pod's spec, both in one edit.
 *
 * None without a valid nameserver makes the kubelet refuse the pod, so the nameserver is checked
 * here too. Pure.
 */
#ifndef STATICPOD_STATICPOD_DNS_H
#define STATICPOD_STATICPOD_DNS_H

#include <json-c/json_types.h>
#include <stdbool.h>

#include "staticpod/staticpod_manifest.h"
#include "staticpod/staticpod_sentences.h"
#include "staticpod/staticpod_spans.h"

struct staticpod_dns {
    const char *nameserver; /* an IPv4 or IPv6 address */
    const char *domain;     /* of the cluster: cluster.local */
};

/* Whether the text is an IPv4 or IPv6 address. */
bool staticpod_is_address(const char *text);

/* The dnsConfig that is wanted, as in OpenYurt's document. Owned by the caller. */
struct json_object *staticpod_dns_config(const struct staticpod_dns *dns);

/* Whether both are there already, exactly so. */
bool staticpod_dns_as_wanted(const struct staticpod_manifest *manifest,
                             const struct staticpod_dns *dns);

/*
 * The bytes to replace where staticpod_dns_as_wanted is not so: what is there is replaced in place,
 * what is not is written at the head of spec, indented as the file is.
 */
int staticpod_dns_edit(const struct staticpod_manifest *manifest, const struct staticpod_dns *dns,
                       struct staticpod_spans *spans, struct staticpod_sentences *sentences,
                       struct staticpod_refusal *refusal) MUST_CHECK;

#endif
