/*
 * The operator: watches, decides, acts, says so. Both return the process's exit status; what they
 * are given is borrowed.
 */
#ifndef APP_OPERATOR_H
#define APP_OPERATOR_H

#include "app/intent.h"
#include "kube/config.h"

struct operator_options {
    bool elects;        /* one of several replicas, of which only the one that holds the Lease
                           kube-system/yurt-steward acts */
    const char *listen; /* address for probes and metrics; NULL: none. Borrowed */
};

/* Runs until it is told to stop. */
int operator_run(const struct kube_config *config, const struct operator_options *options);
/*
 * Runs until all that the intent is about is as it asks, or the limit is reached (status 1; what is
 * missing, and what holds it, stands in the log). It holds the Lease for that time; when another
 * one holds it and is alive, nothing is written (status 2).
 */
int operator_run_once(const struct kube_config *config, const struct intent *intent,
                      int64_t limit_ms);

#endif
