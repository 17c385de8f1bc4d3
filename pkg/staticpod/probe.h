/*
 * A local health probe, as the kubelet makes it: without the API server, and without a look at the
 * certificate, which is the component's own.
 *
 * The paths are asked one after the other, each over a new connection, so that a process that is
 * ending does not answer for the one that takes its place. Healthy is what the kubelet takes for
 * it, a status from 200 to 399, of all of them.
 */
#ifndef STATICPOD_PROBE_H
#define STATICPOD_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "loop/loop.h"

enum {
    PROBE_PATHS_MAX = 4
};

/* Strings are copied by probe_create(). */
struct probe_target {
    const char *host; /* a name or an address, IPv6 without brackets */
    int port;
    bool https;
    const char *paths[PROBE_PATHS_MAX]; /* at least one; the rest may be NULL */
    int64_t timeout_ms;                 /* of each */
};

struct probe;

/*
 * `done` runs once per probe_send(), from the loop and never from within it. `sent_ms` is the
 * loop's time at probe_send(); `text` says what was wrong, "" when it is healthy. It may send
 * again, and may not destroy the probe.
 */
int probe_create(struct loop *loop, const struct probe_target *target,
                 void (*done)(void *arg, bool healthy, int64_t sent_ms, const char *text),
                 void *arg, struct probe **ret_probe, struct err *err) MUST_CHECK;
/* `done` of one that is under way does not run any more. NULL is fine. */
void probe_destroy(struct probe *probe);
DEFINE_AUTO_DESTROY(probe, struct probe, probe_destroy)
/* Nothing while one is under way. */
void probe_send(struct probe *probe);

#endif
