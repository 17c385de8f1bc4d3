/*
 * Whether the API server can be reached: one probe for the whole operator. Pure, sans-I/O:
 * prober.h is its driver.
 *
 * A server that is away is asked for /readyz about twice a second, however long it is away: one
 * small request is no load, and all watches can resume the moment it answers. Back-off is for a
 * server that answers with trouble, and each watch has its own.
 *
 * While it is up and somebody watches, a heartbeat asks over the shared connection whether it
 * lives when nothing was received for a while: a half-open connection or a frozen server is
 * noticed within seconds, not when TCP gives up. Heartbeats leave etcd out: a server without it
 * takes seconds for /readyz, and its watches are still good.
 */
#ifndef KUBE_AVAILABILITY_H
#define KUBE_AVAILABILITY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    AVAILABILITY_INTERVAL_MS = 500,     /* between probes, with 20 % jitter either way */
    AVAILABILITY_PROBE_LIMIT_MS = 1000, /* over a new connection */
    /* Over a connection that has answered: without etcd, /readyz takes 2 to 4 s to say so. */
    AVAILABILITY_TROUBLED_LIMIT_MS = 5000,
    /* On a slow link connection, TLS and answer take longer than a probe may: now and then one is
     * given the time. */
    AVAILABILITY_PATIENT_INTERVAL_MS = 8000,
    AVAILABILITY_PATIENT_LIMIT_MS = 10000,
    AVAILABILITY_HEARTBEAT_IDLE_MS = 5000,
    AVAILABILITY_HEARTBEAT_LIMIT_MS = 3000,
    /* Answering "not ready" for so long, it may serve us all the same. */
    AVAILABILITY_TROUBLE_LIMIT_MS = 30000,
};

enum availability_request {
    AVAILABILITY_PROBE = 1,     /* /readyz, while it is down */
    AVAILABILITY_PATIENT = 2,   /* /readyz, while it is down or in doubt */
    AVAILABILITY_HEARTBEAT = 4, /* /livez without etcd */
};

struct availability {
    bool watched; /* somebody keeps streams open: heartbeats are due */
    bool down;
    bool confirmed;   /* since it was suspected, a probe has failed */
    bool was_ok;      /* a 200 came before: then 401, 403, 404 mean that it is starting */
    bool tolerated;   /* it answered trouble for too long and is used nevertheless */
    bool answered;    /* the last request got an answer: its connection is good */
    bool dropped;     /* connections were dropped since it went down */
    unsigned pending; /* requests under way, of enum availability_request */
    int64_t down_since_ms;
    int64_t trouble_since_ms; /* start of the unbroken run of troubled answers; -1: none */
    int64_t probe_ms;         /* when the next probe is due */
    int64_t patient_ms;       /* as probe_ms; while it is up: no question for doubt before */
    int64_t beat_ms;          /* no heartbeat before */
};

enum availability_input_type {
    AVAILABILITY_IN_WATCHED, /* the first stream was opened */
    AVAILABILITY_IN_SUSPECT, /* a request got no answer */
    AVAILABILITY_IN_DOUBT,   /* a request got an answer that a server gives that is not ready */
    AVAILABILITY_IN_RESULT,  /* one of ours is done */
    AVAILABILITY_IN_TIMER,
};

struct availability_input {
    enum availability_input_type type;
    enum availability_request request; /* RESULT: which one */
    int http_status;                   /* RESULT: 0 for no answer */
    int64_t retry_after_ms;            /* RESULT: 0 for absent */
    int64_t idle_ms;                   /* all: since the last byte was received */
    uint64_t random;                   /* all */
};

/* What the driver does, in this order. */
struct availability_output {
    unsigned cancel; /* requests to take back */
    bool reset;      /* drop all connections: what was on them gets no answer any more */
    unsigned start;  /* requests to make */
    unsigned fresh;  /* those of them that go over a new connection */
    bool went_down;
    bool came_up;      /* resume what waits */
    int64_t outage_ms; /* with came_up: since it was suspected; 0: a false alarm */
    int64_t timer_ms;  /* deliver TIMER after so long, replacing an earlier one; -1: never */
};

void availability_init(struct availability *availability);
void availability_step(struct availability *availability, const struct availability_input *input,
                       int64_t now_ms, struct availability_output *ret_output);

#endif
