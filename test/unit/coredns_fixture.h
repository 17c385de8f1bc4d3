/*
 * CoreDNS in a cluster of the fixture: Deployment, DaemonSet, their pods, the Service's slice, and
 * what its servers say when they are asked.
 */
#ifndef TEST_COREDNS_FIXTURE_H
#define TEST_COREDNS_FIXTURE_H

#include "unit/cluster_fixture.h"

#define COREDNS_DEPLOYMENT "Deployment/kube-system/coredns"
#define COREDNS_DAEMONSET "DaemonSet/kube-system/coredns"
#define COREDNS_SERVICE "Service/kube-system/kube-dns"
#define COREDNS_STATE "ConfigMap/kube-system/yurt-steward-state"

/* Times are unix seconds; "now" is 1795507210 in every row. */
#define RECORD(members)                                                                            \
    "{\"coredns-deployment\":\"{\\\"uid\\\":\\\"deployment-1\\\"," members "}\"}"
#define BEFORE "\\\"before\\\":2"
#define CUT ",\\\"cut\\\":true"
#define GATE_SINCE(time) ",\\\"gateSince\\\":" time
#define DARK(time) ",\\\"dark\\\":{\\\"beijing\\\":" time "}"
#define FELL ",\\\"fallbacks\\\":1,\\\"fallback\\\":{\\\"pools\\\":\\\"beijing\\\"}"
#define ANNOTATED                                                                                  \
    "{\"metadata\":{\"annotations\":{\"openyurt.io/topologyKeys\":\"openyurt.io/nodepool\"}}}"
#define ENFORCED "\"service-topology\":\"Enforce\",\"coredns-deployment\":\"Enforce\""

enum coredns_owner {
    COREDNS_DS,
    COREDNS_RS, /* the Deployment's */
};

/* Service, Deployment (so many replicas, all available) and DaemonSet. */
void coredns_objects(struct cluster *cluster, int replicas);
/* A cloud node and two pools (beijing with edge-1, hangzhou with edge-2), DNS in each by the
 * DaemonSet, annotated; the Deployment has 2 replicas, one on the cloud node. Both are enforced. */
void coredns_good(struct cluster *cluster);
void coredns_scaled(struct cluster *cluster, int replicas, int available);
/* The Deployment was cut to zero, and that is recorded. */
void coredns_zero(struct cluster *cluster);
/* A pod of the current revision on the node; its name is "ds-NODE" or "rs-NODE". */
void coredns_pod(struct cluster *cluster, enum coredns_owner owner, const char *node, bool ready);
/* The slice as its controller writes it: of all pods that are bound. */
void coredns_slice(struct cluster *cluster);
/* The pod's server was asked so long ago. */
void coredns_said(struct cluster *cluster, const char *pod, enum dns_result result, int64_t age_ms);
/* All three pods of the good cluster's DaemonSet were. */
void coredns_all_said(struct cluster *cluster, enum dns_result result, int64_t age_ms);

#endif
