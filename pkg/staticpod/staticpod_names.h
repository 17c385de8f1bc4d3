/*
 * Hosts that kube-apiserver is told to reach by a DNS name.
 *
 * With dnsPolicy None they are asked for at the tunnel's DNS Service, whose address is unreachable
 * before kube-proxy runs: an API server that needs one to start would never start. Some are in the
 * flags, some in files that flags name; reading those is the caller's. localhost and names from the
 * Pod's hostAliases stand in /etc/hosts and do not count. Pure.
 */
#ifndef STATICPOD_STATICPOD_NAMES_H
#define STATICPOD_STATICPOD_NAMES_H

#include <stddef.h>

#include "base/err.h"
#include "staticpod/staticpod_manifest.h"

struct staticpod_name {
    char *text;  /* a host, or a file's path */
    char *where; /* the flag, or the file and the member: "--etcd-servers" */
    size_t word; /* of the manifest; SIZE_MAX when it is not from there */
};

struct staticpod_names {
    struct staticpod_name *hosts; /* in the order they were found, each once */
    size_t hosts_len;
    struct staticpod_name *files; /* that may name more hosts: give them to names_in_file */
    size_t files_len;
};

/* Adds what the flags say. Returns 0, or -1 when a flag cannot be told: then `refusal` is set. */
int staticpod_names_in_flags(const struct staticpod_manifest *manifest,
                             struct staticpod_names *names,
                             struct staticpod_refusal *refusal) MUST_CHECK;
/*
 * Adds what a kubeconfig, or a configuration of authentication, authorization, admission or egress
 * that the manifest names says; ERR_INVALID when it cannot be read.
 */
int staticpod_names_in_file(const struct staticpod_manifest *manifest, const char *path,
                            const char *text, size_t len, struct staticpod_names *names,
                            struct err *err) MUST_CHECK;
void staticpod_names_finish(struct staticpod_names *names);
DEFINE_AUTO_FINISH(staticpod_names, struct staticpod_names, staticpod_names_finish)

#endif
