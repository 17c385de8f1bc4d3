/*
 * A cluster for the tests of `coredns-daemonset`: two pools and a cloud node, kubeadm's Deployment
 * and its pod; what the API server and the DaemonSet controller do to a DaemonSet; and changes to
 * begin from.
 */
#ifndef TEST_COREDNS_DAEMONSET_RIG_H
#define TEST_COREDNS_DAEMONSET_RIG_H

#include "unit/cluster_fixture.h"

#define ID "coredns-daemonset"
#define DAEMONSET "DaemonSet/kube-system/coredns"
#define DEPLOYMENT "Deployment/kube-system/coredns"
#define SERVICE "Service/kube-system/kube-dns"
#define STATE "ConfigMap/kube-system/yurt-steward-state"
#define CONTAINERS "spec/template/spec/containers"

void ds_good(struct cluster *c);
/* What the server adds to a DaemonSet (`surge`: it knows maxSurge), and that a deleted one goes. */
void ds_control(struct cluster *c, bool surge);
void ds_apply_all(struct cluster *c, const struct plan *plan);
/* Enforces until nothing is left to write. */
void ds_settle(struct cluster *c);
/* A pod of the DaemonSet; `trouble` NULL: none. */
void ds_pod(struct cluster *c, const char *node, const char *generation, bool ready,
            const char *trouble);
/* The counts of the DaemonSet, whose template is of generation 1. */
void ds_status(struct cluster *c, int wanted, int updated, int available);
void ds_set_image(struct cluster *c, const char *key, const char *image);
/* Renders the plans of all rows, without the pod templates, which have a golden file of their own,
 * and compares them with the golden file. */
void ds_run(const struct cluster_row *rows, size_t len, const char *golden);

/* Changes of a good cluster. */
void ds_nothing(struct cluster *c);
void ds_running(struct cluster *c); /* in force, with a Ready pod on every node */
void ds_recorded(struct cluster *c);
void ds_deleted(struct cluster *c);
void ds_going(struct cluster *c);
void ds_never_a_deployment(struct cluster *c);
void ds_from_manifest(struct cluster *c);
void ds_other_selector(struct cluster *c);
/* A DaemonSet that somebody else made, which tolerates one taint. */
void ds_foreign(struct cluster *c);

#endif
