/*
 * The probes: /livez and /healthz, /readyz, and their checks one by one, in the form of the API
 * server's own (k8s.io/apiserver/pkg/server/healthz).
 */
#ifndef APP_READINESS_H
#define APP_READINESS_H

#include "app/cluster.h"
#include "base/buf.h"

enum {
    /* a watch is silent for 3 minutes at most before it is ended, and then listed again */
    READINESS_AGE_MAX_MS = 4 * 60 * 1000
};

/* Writes the body; returns the HTTP status: 200, 500 (a check failed) or 404 (no such path). */
int readiness_answer(struct cluster *cluster, int64_t now_ms, const char *path, bool verbose,
                     struct buf *body);

#endif
