/*
 * What the tests of the Kubernetes client share: a loop, a client of one small API server of
 * test/fake/kubepeer.py, and what the client's observer was told.
 */
#ifndef TEST_UNIT_KUBE_RIG_H
#define TEST_UNIT_KUBE_RIG_H

#include <stdbool.h>

#include "kube/client.h"
#include "kube/config.h"

struct kube_rig {
    struct loop *loop;
    bool loop_is_shared;
    struct kube_config config;
    struct kube_client *client;
    const char *name; /* the server's, for the peer's commands */
    int requests;     /* finished, the prober's included */
    int last_status;
    int warnings;
    char last_warning[128];
    int distrusts;
    char last_distrust[256];
    int losses;
    int recoveries;
    int64_t outage_ms;
};

/* Starts server `name` of the peer and a client for it, on a loop of its own or on one that
 * is borrowed. */
void kube_rig_start(struct kube_rig *rig, const char *name);
void kube_rig_start_on(struct kube_rig *rig, struct loop *loop, const char *name);
void kube_rig_finish(struct kube_rig *rig);
/* Makes another client, with the rig's config as it is now. */
void kube_rig_connect(struct kube_rig *rig);
/* Runs the loop for so long. */
void kube_rig_idle(struct kube_rig *rig, int64_t ms);
/* Runs the loop until `holds` is true; -1 after `limit_ms`, else how long it took. */
int64_t kube_rig_until(struct kube_rig *rig, int64_t limit_ms, bool (*holds)(void *arg), void *arg);

#endif
