/*
 * Plans for the manifests of a control-plane node, from a directory, without a cluster.
 *
 * What an agent on that node would write if both adjustments were enforced and nothing held it: the
 * directory tells nothing of what holds it. Reads every file that the kubelet would read, and
 * writes none.
 */
#ifndef APP_STATIC_PLAN_H
#define APP_STATIC_PLAN_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"

struct static_plan_wish {
    const char *dir;
    const char *nameserver;     /* the tunnel's DNS Service; NULL: leave dnsPolicy alone, say so */
    const char *cluster_domain; /* NULL: cluster.local */
    bool no_certificate_authority;
    bool names_allowed;
    bool json;
};

/*
 * Writes the plans as show_plans() does. ret_status is SHOW_NOTHING or SHOW_SOMETHING. Fails when
 * the directory or a file in it cannot be read.
 */
int static_plan_show(FILE *out, const struct static_plan_wish *wish, int *ret_status,
                     struct err *err) MUST_CHECK;

#endif
