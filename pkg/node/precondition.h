/*
 * What must be so in the cluster, and on the node, before a static pod's manifest is changed.
 *
 * Pure functions of objects as the API server gave them, whole (json-c, borrowed; NULL: not there).
 * A verdict owns its message, which says what is missing, where, and what to do. It is given
 * initialised ({0}), and changed only where there is something to say: of several preconditions,
 * the one that holds is said, else the last that had something to say. Preconditions are for edits:
 * Revert asks none of them.
 */
#ifndef NODE_PRECONDITION_H
#define NODE_PRECONDITION_H

#include <json-c/json_types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"

enum precondition_state {
    PRECONDITION_OPEN,           /* go on; `reason` may still have to be said */
    PRECONDITION_HELD,           /* write nothing now */
    PRECONDITION_NOT_APPLICABLE, /* this cluster has no such thing */
};

struct precondition {
    enum precondition_state state;
    bool warning;       /* the Event's type */
    const char *reason; /* UpperCamelCase, static; NULL: nothing to say */
    char *message;      /* one or two sentences; NULL with `reason` */
};

void precondition_finish(struct precondition *verdict);
DEFINE_AUTO_FINISH(precondition, struct precondition, precondition_finish)

/* Sets state, warning, reason and message; what was said before is dropped. */
void precondition_say(struct precondition *verdict, enum precondition_state state, bool warning,
                      const char *reason, const char *format, ...) PRINTF_LIKE(5, 6);

/* --- kube-controller-manager: who takes over from nodelifecycle --- */

/* The Deployments to list: those with these names, in any namespace; others are passed over. */
extern const char *const precondition_replacement_names[]; /* ends with NULL */

struct precondition_replacement_input {
    const struct json_object *deployments; /* the `items` of a LIST, of all namespaces */
    bool required;                         /* kube-controller-manager.replacement: Require */
    bool off_already; /* nodelifecycle is off in this node's kube-controller-manager */
};

/*
 * OpenYurt's own nodelifecycle runs by default up to 1.1 and in 1.4 and 1.5; from 1.6 on its chart
 * turns it off (openyurt #2246). --controllers is read as IsControllerEnabled does. Held:
 * NoReplacement, ReplacementNotReady, ReplacementUnknown (it can't be told), or, where
 * nodelifecycle is off already and nobody has taken it over, NoNodeLifecycle: dead nodes stay
 * Ready. Not required: open, and the same is said.
 */
void precondition_replacement(const struct precondition_replacement_input *input,
                              struct precondition *verdict);

/* --- kube-apiserver: the nameserver for dnsConfig --- */

/* Services in kube-system that may be the tunnel's DNS, the preferred one first; ends with NULL.
 * Their EndpointSlices have the label kubernetes.io/service-name. */
extern const char *const precondition_dns_services[];

struct precondition_dns_input {
    const char *configured; /* kube-apiserver.nameserver; "" or NULL: from the Services */
    const struct json_object *services; /* array: those of kube-system; others are passed over */
    const struct json_object *slices;   /* array: EndpointSlices of kube-system */
    const char *in_force; /* the nameserver that kube-apiserver's dnsConfig names now; NULL: none */
};

struct precondition_dns {
    struct precondition verdict;
    char *nameserver; /* an address, also of one that is not ready; NULL: none is known */
};

/*
 * The address to write, to be asked for again and again: a Service that was made anew has another.
 * The first of the Services that is there counts, ready or not, so that one which comes and goes
 * restarts no API server. Held: NameserverWithoutAddress, NameserverNotReady, and
 * NameserverGone where one is in force and there is no Service any more; not applicable:
 * NoTunnelDNS. Of a configured address that is none of the Services', readiness is not known: open.
 */
void precondition_dns(const struct precondition_dns_input *input, struct precondition_dns *ret_dns);
void precondition_dns_finish(struct precondition_dns *dns);
DEFINE_AUTO_FINISH(precondition_dns, struct precondition_dns, precondition_dns_finish)

/* --- kube-apiserver: hosts that it reaches by name --- */

struct precondition_names_input {
    const char *text; /* the manifest */
    size_t len;
    bool allowed; /* kube-apiserver.names: Allow */
    /*
     * Reads a file that the manifest's flags name, at its path on the node: the volumes' hostPaths
     * are followed already. The text becomes the caller's (free).
     */
    int (*read)(void *arg, const char *path, char **ret_text, size_t *ret_len, struct err *err);
    void *arg;
};

/*
 * Held: NamesNeeded, naming host and place; NamesUnknown when a file can't be read, or can't be
 * told where on the node it is; Refused when the manifest can't be read. Allowed: open, and names
 * are said (NamesNeeded); files are not read then.
 */
void precondition_names(const struct precondition_names_input *input, struct precondition *verdict);

#endif
