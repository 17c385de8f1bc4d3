/*
 * The list-and-watch protocol of the API server, for one collection. Pure, sans-I/O: it is told
 * what came back and says what to do next; reflector.h is its driver. Time is a parameter, jitter
 * comes from a seed.
 *
 * At any time exactly one thing is under way: a request (the last command LIST, CHECK or WATCH) or
 * a wait (WAIT, WAIT_UP). A new command replaces it: the driver takes back what is under way.
 *
 * The rules are client-go's (tools/cache/reflector.go), with these differences: a server that
 * cannot be reached is waited for without back-off; back-off has a memory of its own (backoff.h);
 * a streamed list has a deadline (kubernetes #140890); and the server is now and then asked for
 * its present resourceVersion, for an etcd that was restored makes them go back, and a watch at
 * one that lies in the future is accepted and silent (kubernetes #107457).
 */
#ifndef KUBE_REFLECTOR_MACHINE_H
#define KUBE_REFLECTOR_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "kube/backoff.h"
#include "kube/status.h"

enum {
    REFLECTOR_VERSION_MAX = 128, /* bytes of a resourceVersion with its NUL; etcd's take 20 */
    REFLECTOR_PAGE_LIMIT = 500,  /* client-go's */
    /* timeoutSeconds is uniform in [MIN, 2 · MIN]: all watches do not end together. */
    REFLECTOR_TIMEOUT_MIN_S = 300,
    /* A watch's head comes at once; where it does not, the request is lost on the way. */
    REFLECTOR_OPEN_LIMIT_MS = 15000,
    /* A streamed list of thousands of objects takes a second or two. Proxies that do not know the
     * option never send its end (openyurt #2745); until then nothing is known. */
    REFLECTOR_STREAM_LIMIT_MS = 10000,
    REFLECTOR_SHORT_WATCH_MS = 1000, /* a watch that ends sooner with no event is trouble */
    REFLECTOR_REOPEN_MS = 1000,      /* watches after a clean end start so far apart at least */
    REFLECTOR_RELIST_MS = 10000,     /* relists without back-off are so far apart at least */
    REFLECTOR_HURRY_MS = 1000,       /* as are attempts because the server is up again */
    REFLECTOR_CHECK_MIN_MS = 600000, /* the version is checked every 10 to 20 minutes */
};

enum reflector_state {
    REFLECTOR_IDLE,
    REFLECTOR_LISTING,
    REFLECTOR_CHECKING,
    REFLECTOR_STREAM_OPENING, /* a watch with initial events was asked for */
    REFLECTOR_STREAMING,      /* its initial events come */
    REFLECTOR_OPENING,
    REFLECTOR_WATCHING,
    REFLECTOR_WAITING,
    REFLECTOR_BLOCKED, /* until the server is up */
};

/* What follows a wait. */
enum reflector_next {
    REFLECTOR_NEXT_SYNC,
    REFLECTOR_NEXT_WATCH,
};

struct reflector_machine {
    enum reflector_state state;
    enum reflector_next next;
    bool single;                       /* one object: a full list is as cheap as a check */
    bool list_only;                    /* no streamed lists */
    bool plain;                        /* a streamed list failed: this time without */
    bool unavailable;                  /* `held` cannot be listed at any more */
    bool pages;                        /* this server pages lists at "0": it has no watch cache */
    bool continued;                    /* the list under way is beyond its first page */
    bool whole;                        /* the list under way is not paged */
    bool obeying;                      /* the wait was asked for by the server */
    char held[REFLECTOR_VERSION_MAX];  /* newest version seen; "" before the first list */
    char asked[REFLECTOR_VERSION_MAX]; /* at which the list under way was asked for */
    uint64_t events;                   /* of the watch under way */
    int64_t opened_ms;                 /* when its head came */
    int64_t started_ms;                /* when it was asked for */
    int64_t relisted_ms;   /* last relist without back-off; far in the past at the start */
    int64_t hurried_ms;    /* last attempt because the server was up again */
    int64_t not_before_ms; /* what the last Retry-After asked for */
    int64_t check_ms;      /* when the version is to be checked; INT64_MAX before the first list */
    struct backoff backoff;
    uint64_t seed;
};

enum reflector_input_type {
    REFLECTOR_IN_START,
    REFLECTOR_IN_PAGE,        /* a list's page came whole: version, continue_token */
    REFLECTOR_IN_LIST_FAILED, /* status; code 0: cut short or not to be decoded */
    REFLECTOR_IN_NO_ANSWER,   /* the request under way: refused, unreachable, out of time */
    REFLECTOR_IN_OPEN,        /* the watch's head came, 200 */
    REFLECTOR_IN_EVENT,       /* ADDED, MODIFIED, DELETED: version */
    REFLECTOR_IN_BOOKMARK,    /* version, initial_events_end */
    REFLECTOR_IN_SKIPPED,     /* an event that is not for us: a Table, another kind */
    REFLECTOR_IN_WATCH_ERROR, /* status: an answer other than 200, or an ERROR in the stream */
    REFLECTOR_IN_GARBLED,     /* a frame that cannot be decoded */
    REFLECTOR_IN_WATCH_END,   /* clean or lost, once open */
    REFLECTOR_IN_TIMER,
    REFLECTOR_IN_UP, /* the server is up; outage_ms */
};

struct reflector_input {
    enum reflector_input_type type;
    const char *version;
    const char *continue_token; /* "" or NULL: the last page */
    bool initial_events_end;
    int64_t outage_ms; /* 0: it never was away for all we know */
    struct kube_status status;
};

enum reflector_command {
    REFLECTOR_NONE,
    REFLECTOR_LIST,
    REFLECTOR_CHECK, /* a list of at most one object, for its resourceVersion alone */
    REFLECTOR_WATCH,
    REFLECTOR_WAIT,    /* until the timer */
    REFLECTOR_WAIT_UP, /* until the server is up; if it is, deliver UP */
};

/* What to do with the event or page of this input. */
enum reflector_store_action {
    REFLECTOR_KEEP,    /* nothing */
    REFLECTOR_APPLY,   /* the event goes into the store */
    REFLECTOR_COLLECT, /* the event goes into what is being collected */
    REFLECTOR_COMMIT,  /* what was collected replaces the store, at `held` */
    REFLECTOR_DISCARD, /* what was collected is forgotten */
};

struct reflector_output {
    enum reflector_store_action store; /* to be done before the command */
    bool rewind;                       /* with COMMIT: the server's versions went back */
    bool doubt; /* the answer was one of a server that is not ready: have it checked */
    enum reflector_command command;
    int64_t timer_ms; /* arm for TIMER; -1: leave it as it is, with a command: disarm */
    /* LIST, CHECK, WATCH. Strings are borrowed from the machine and the input; "" means absent. */
    const char *version;
    const char *match; /* resourceVersionMatch */
    const char *continue_token;
    int limit; /* 0: absent */
    bool send_initial_events;
    int timeout_s; /* WATCH */
};

void reflector_machine_init(struct reflector_machine *machine, bool single, bool list_only,
                            uint64_t seed);
void reflector_step(struct reflector_machine *machine, const struct reflector_input *input,
                    int64_t now_ms, struct reflector_output *ret_output);

#endif
