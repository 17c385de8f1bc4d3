/*
 * Scenarios for the reflector's machine, as tables: what comes in and what it has to lead to.
 */
#ifndef TEST_UNIT_REFLECTOR_SCRIPT_H
#define TEST_UNIT_REFLECTOR_SCRIPT_H

#include "kube/reflector_machine.h"

enum {
    SCENARIO_MOVES_MAX = 14,
};

/* What a move has to lead to; what is not said must not be there. */
struct want {
    enum reflector_command command;
    const char *version; /* "": absent */
    const char *token;
    int limit;
    bool stream;
    enum reflector_store_action store;
    bool rewind;
    bool doubt;
    int64_t wait_min_ms; /* of the timer; both 0: it is left alone */
    int64_t wait_max_ms;
};

struct move {
    const char *what; /* NULL: the end */
    int64_t after_ms;
    struct reflector_input input;
    struct want want;
};

struct scenario {
    const char *name;
    bool streams; /* may use streamed lists */
    bool single;
    struct move moves[SCENARIO_MOVES_MAX];
};

/* Runs the machine through it, with several seeds, for nothing may hang on one jitter. */
void scenario_run(const struct scenario *scenario);

/* Inputs */
#define START                                                                                      \
    {                                                                                              \
        .type = REFLECTOR_IN_START                                                                 \
    }
#define PAGE(v)                                                                                    \
    {                                                                                              \
        .type = REFLECTOR_IN_PAGE, .version = (v)                                                  \
    }
#define MORE(v, t)                                                                                 \
    {                                                                                              \
        .type = REFLECTOR_IN_PAGE, .version = (v), .continue_token = (t)                           \
    }
#define LIST_FAILED(c)                                                                             \
    {                                                                                              \
        .type = REFLECTOR_IN_LIST_FAILED, .status = {.code = (c) }                                 \
    }
#define LIST_EXPIRED                                                                               \
    {                                                                                              \
        .type = REFLECTOR_IN_LIST_FAILED, .status = {.code = 410, .reason = "Expired" }            \
    }
#define LIST_TOO_LARGE                                                                             \
    {                                                                                              \
        .type = REFLECTOR_IN_LIST_FAILED, .status = {                                              \
            .code = 504,                                                                           \
            .reason = "Timeout",                                                                   \
            .retry_after_ms = 1000,                                                                \
            .too_large_version = true                                                              \
        }                                                                                          \
    }
#define LIST_BUSY(ms)                                                                              \
    {                                                                                              \
        .type = REFLECTOR_IN_LIST_FAILED, .status = {.code = 429, .retry_after_ms = (ms) }         \
    }
#define NO_ANSWER                                                                                  \
    {                                                                                              \
        .type = REFLECTOR_IN_NO_ANSWER                                                             \
    }
#define OPEN                                                                                       \
    {                                                                                              \
        .type = REFLECTOR_IN_OPEN                                                                  \
    }
#define EVENT(v)                                                                                   \
    {                                                                                              \
        .type = REFLECTOR_IN_EVENT, .version = (v)                                                 \
    }
#define BOOKMARK(v)                                                                                \
    {                                                                                              \
        .type = REFLECTOR_IN_BOOKMARK, .version = (v)                                              \
    }
#define SYNCED(v)                                                                                  \
    {                                                                                              \
        .type = REFLECTOR_IN_BOOKMARK, .version = (v), .initial_events_end = true                  \
    }
#define SKIPPED                                                                                    \
    {                                                                                              \
        .type = REFLECTOR_IN_SKIPPED                                                               \
    }
#define ERROR(c)                                                                                   \
    {                                                                                              \
        .type = REFLECTOR_IN_WATCH_ERROR, .status = {.code = (c) }                                 \
    }
#define ERROR_REASON(r)                                                                            \
    {                                                                                              \
        .type = REFLECTOR_IN_WATCH_ERROR, .status = {.reason = r }                                 \
    }
#define BUSY(ms)                                                                                   \
    {                                                                                              \
        .type = REFLECTOR_IN_WATCH_ERROR, .status = {.code = 429, .retry_after_ms = (ms) }         \
    }
#define TOO_LARGE                                                                                  \
    {                                                                                              \
        .type = REFLECTOR_IN_WATCH_ERROR, .status = {                                              \
            .code = 504,                                                                           \
            .reason = "Timeout",                                                                   \
            .retry_after_ms = 1000,                                                                \
            .too_large_version = true                                                              \
        }                                                                                          \
    }
#define GARBLED                                                                                    \
    {                                                                                              \
        .type = REFLECTOR_IN_GARBLED                                                               \
    }
#define END                                                                                        \
    {                                                                                              \
        .type = REFLECTOR_IN_WATCH_END                                                             \
    }
#define TIMER                                                                                      \
    {                                                                                              \
        .type = REFLECTOR_IN_TIMER                                                                 \
    }
#define UP(ms)                                                                                     \
    {                                                                                              \
        .type = REFLECTOR_IN_UP, .outage_ms = (ms)                                                 \
    }

/* Wants; more can follow. */
#define NOTHING .command = REFLECTOR_NONE
#define LIST(v, l) .command = REFLECTOR_LIST, .version = (v), .limit = (l)
#define LIST_ON(t) .command = REFLECTOR_LIST, .token = (t), .limit = 500
#define WATCH(v)                                                                                   \
    .command = REFLECTOR_WATCH, .version = (v), .wait_min_ms = REFLECTOR_OPEN_LIMIT_MS,            \
    .wait_max_ms = REFLECTOR_OPEN_LIMIT_MS
#define STREAM(v)                                                                                  \
    .command = REFLECTOR_WATCH, .version = (v), .stream = true,                                    \
    .wait_min_ms = REFLECTOR_STREAM_LIMIT_MS, .wait_max_ms = REFLECTOR_STREAM_LIMIT_MS
#define CHECK .command = REFLECTOR_CHECK, .limit = 1
#define BACK_OFF(most)                                                                             \
    .command = REFLECTOR_WAIT, .wait_min_ms = BACKOFF_FLOOR_MS, .wait_max_ms = (most)
#define WAIT(least, most) .command = REFLECTOR_WAIT, .wait_min_ms = (least), .wait_max_ms = (most)
#define WAIT_UP .command = REFLECTOR_WAIT_UP
#define APPLIED .store = REFLECTOR_APPLY
#define COLLECTED .store = REFLECTOR_COLLECT
#define COMMITTED .store = REFLECTOR_COMMIT
#define DISCARDED .store = REFLECTOR_DISCARD

/* A list at version 10 and its watch, open. */
#define LISTED_AND_WATCHING                                                                        \
    {"start", 0, START, {LIST("0", 500)}}, {"listed", 5, PAGE("10"), {WATCH("10"), COMMITTED}},    \
    {                                                                                              \
        "open", 5, OPEN,                                                                           \
        {                                                                                          \
            NOTHING                                                                                \
        }                                                                                          \
    }

#endif
