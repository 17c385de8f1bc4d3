/*
 * The reflector's protocol, as tables. Scenarios in capitals are named as in client-go's
 * reflector_test.go and reflector_watchlist_test.go, the behaviour is theirs.
 */
#include "kube/reflector_machine.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "unit/unit.h"

enum {
    MOVES_MAX = 14,
    LAST_STATE = REFLECTOR_BLOCKED,
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
    struct move moves[MOVES_MAX];
};

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
        .type = REFLECTOR_IN_WATCH_ERROR, .status = {.reason = r}                               \
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

static const struct scenario scenarios[] = {
    {.name = "ListAndWatch",
     .moves = {LISTED_AND_WATCHING,
               {"added", 10, EVENT("11"), {NOTHING, APPLIED}},
               {"bookmark", 60000, BOOKMARK("20"), {NOTHING}},
               {"end", 300000, END, {WATCH("20")}}}},
    {.name = "ListAndWatchWithErrors: a list that fails is tried again",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"500", 5, LIST_FAILED(500), {BACK_OFF(800), DISCARDED, .doubt = true}},
               {"timer", 800, TIMER, {LIST("0", 500)}},
               {"503", 5, LIST_FAILED(503), {BACK_OFF(1600), DISCARDED, .doubt = true}},
               {"timer", 1600, TIMER, {LIST("0", 500)}},
               {"cut short", 5, LIST_FAILED(0), {BACK_OFF(3200), DISCARDED}},
               {"timer", 3200, TIMER, {LIST("0", 500)}},
               {"listed", 5, PAGE("10"), {WATCH("10"), COMMITTED}}}},
    {.name = "a list without a resourceVersion is none",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"listed", 5, PAGE(""), {BACK_OFF(800), DISCARDED}}}},
    {.name = "ListAndWatchWithErrors: an ERROR in the stream",
     .moves = {LISTED_AND_WATCHING,
               {"added", 10, EVENT("11"), {NOTHING, APPLIED}},
               {"500", 10, ERROR(500), {BACK_OFF(800), .doubt = true}},
               {"timer", 800, TIMER, {LIST("11", 0)}},
               {"listed", 10, PAGE("12"), {WATCH("12"), COMMITTED}}}},
    {.name = "InitConnBackoff: back-off grows when watches fail at once",
     .moves = {LISTED_AND_WATCHING,
               {"end", 10, END, {BACK_OFF(800)}},
               {"timer", 800, TIMER, {LIST("10", 0)}},
               {"listed", 10, PAGE("10"), {WATCH("10"), COMMITTED}},
               {"open", 1, OPEN, {NOTHING}},
               {"end", 10, END, {BACK_OFF(1600)}},
               {"timer", 1600, TIMER, {LIST("10", 0)}},
               {"listed", 10, PAGE("10"), {WATCH("10"), COMMITTED}},
               {"403", 10, ERROR(403), {BACK_OFF(3200), .doubt = true}}}},
    {.name = "BackoffOnTooManyRequests: 429 at the start of a watch",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"listed", 5, PAGE("10"), {WATCH("10"), COMMITTED}},
               {"429", 5, BUSY(0), {BACK_OFF(800)}},
               {"timer", 800, TIMER, {WATCH("10")}},
               {"429", 5, BUSY(7000), {WAIT(7000, 7800)}},
               {"the server is up: it said when", 5, UP(5000), {NOTHING}},
               {"timer", 7800, TIMER, {CHECK}}}},
    {.name = "NoRelistOnTooManyRequests: 429 in the stream",
     .moves = {LISTED_AND_WATCHING,
               {"added", 10, EVENT("11"), {NOTHING, APPLIED}},
               {"429", 10, BUSY(2000), {WAIT(2000, 2800)}},
               {"timer", 2800, TIMER, {WATCH("11")}}}},
    {.name = "Retry-After on a list",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"429", 5, LIST_BUSY(3600000), {WAIT(300000, 300800), DISCARDED}},
               {"timer", 300800, TIMER, {LIST("0", 500)}}}},
    {.name = "RetryInternalError: each longer than before, and a relist",
     .moves = {LISTED_AND_WATCHING,
               {"500", 2000, ERROR(500), {BACK_OFF(800), .doubt = true}},
               {"timer", 800, TIMER, {LIST("10", 0)}},
               {"listed", 10, PAGE("10"), {WATCH("10"), COMMITTED}},
               {"open", 1, OPEN, {NOTHING}},
               {"500", 2000, ERROR(500), {BACK_OFF(1600), .doubt = true}},
               {"timer", 1600, TIMER, {LIST("10", 0)}},
               {"listed", 10, PAGE("10"), {WATCH("10"), COMMITTED}},
               {"open", 1, OPEN, {NOTHING}},
               {"500, after two minutes of health",
                120000,
                ERROR(500),
                {BACK_OFF(800), .doubt = true}}}},
    {.name = "ExpiredExactResourceVersion: HTTP 410, and the relist is 410 too",
     .moves = {LISTED_AND_WATCHING,
               {"end", 300000, END, {WATCH("10")}},
               {"410", 5, ERROR(410), {LIST("10", 0)}},
               {"410", 5, LIST_EXPIRED, {LIST("", 500), DISCARDED}},
               {"listed", 5, PAGE("30"), {WATCH("30"), COMMITTED}}}},
    {.name = "a 410 in the stream",
     .moves = {LISTED_AND_WATCHING,
               {"410", 2000, ERROR(410), {LIST("10", 0)}},
               {"listed", 5, PAGE("30"), {WATCH("30"), COMMITTED}},
               {"open", 5, OPEN, {NOTHING}},
               {"410 again, too soon to be helped by that", 5000, ERROR(410), {BACK_OFF(800)}},
               {"timer", 800, TIMER, {LIST("30", 0)}}}},
    {.name = "a 410 in the stream by reason alone: Expired",
     .moves = {LISTED_AND_WATCHING, {"Expired", 2000, ERROR_REASON("Expired"), {LIST("10", 0)}}}},
    {.name = "a 410 in the stream by reason alone: Gone",
     .moves = {LISTED_AND_WATCHING, {"Gone", 2000, ERROR_REASON("Gone"), {LIST("10", 0)}}}},
    {.name = "410 on the newest there is",
     .moves = {LISTED_AND_WATCHING,
               {"410", 2000, ERROR(410), {LIST("10", 0)}},
               {"410", 5, LIST_EXPIRED, {LIST("", 500), DISCARDED}},
               {"410", 5, LIST_EXPIRED, {BACK_OFF(800), DISCARDED}},
               {"timer", 800, TIMER, {LIST("", 500)}},
               {"listed", 5, PAGE("30"), {WATCH("30"), COMMITTED}},
               {"open", 5, OPEN, {NOTHING}},
               {"410, later", 60000, ERROR(410), {LIST("30", 0)}}}},
    {.name = "FullListIfExpired: the second page is gone",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"page 1", 5, MORE("10", "t1"), {LIST_ON("t1")}},
               {"page 2", 5, MORE("10", "t2"), {LIST_ON("t2")}},
               {"410", 5, LIST_EXPIRED, {LIST("0", 0), DISCARDED}},
               {"listed", 5, PAGE("11"), {WATCH("11"), COMMITTED}},
               {"open", 5, OPEN, {NOTHING}},
               {"410", 20000, ERROR(410), {LIST("11", 500)}},
               {"page 1", 5, MORE("11", "t3"), {LIST_ON("t3")}},
               {"410", 5, LIST_EXPIRED, {LIST("11", 0), DISCARDED}},
               {"410", 5, LIST_EXPIRED, {LIST("", 500), DISCARDED}},
               {"page 1", 5, MORE("12", "t4"), {LIST_ON("t4")}},
               {"410", 5, LIST_EXPIRED, {LIST("", 0), DISCARDED}},
               {"410", 5, LIST_EXPIRED, {BACK_OFF(800), DISCARDED}}}},
    {.name = "a whole list that is paged and gone nevertheless",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"page 1", 5, MORE("10", "t1"), {LIST_ON("t1")}},
               {"410", 5, LIST_EXPIRED, {LIST("0", 0), DISCARDED}},
               {"page 1", 5, MORE("10", "t2"), {LIST_ON("t2")}},
               {"410", 5, LIST_EXPIRED, {LIST("", 500), DISCARDED}}}},
    {.name = "FullListIfTooLarge",
     .moves = {LISTED_AND_WATCHING,
               {"410", 20000, ERROR(410), {LIST("10", 0)}},
               {"too large", 5, LIST_TOO_LARGE, {LIST("", 500), DISCARDED}},
               {"too large at the newest",
                5,
                LIST_TOO_LARGE,
                {WAIT(1000, 1800), DISCARDED, .doubt = true}},
               {"timer", 1800, TIMER, {LIST("", 500)}},
               {"listed", 5, PAGE("30"), {WATCH("30"), COMMITTED}}}},
    {.name = "FullListIfTooLarge: on the watch",
     .moves = {LISTED_AND_WATCHING,
               {"too large", 2000, TOO_LARGE, {LIST("", 500)}},
               {"listed", 5, PAGE("30"), {WATCH("30"), COMMITTED}}}},
    {.name = "NotPaginatingNotConsistentReads: no limit at a version",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"all at once", 5, PAGE("10"), {WATCH("10"), COMMITTED}},
               {"410", 20000, ERROR(410), {LIST("10", 0)}}}},
    {.name = "PaginatingNonConsistentReadsIfWatchCacheDisabled",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"page 1", 5, MORE("10", "t1"), {LIST_ON("t1")}},
               {"page 2", 5, PAGE("10"), {WATCH("10"), COMMITTED}},
               {"410", 20000, ERROR(410), {LIST("10", 500)}}}},
    {.name = "a page fails: the list starts anew",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"page 1", 5, MORE("10", "t1"), {LIST_ON("t1")}},
               {"429", 5, LIST_BUSY(0), {BACK_OFF(800), DISCARDED}},
               {"timer", 800, TIMER, {LIST("0", 500)}},
               {"page 1", 5, MORE("10", "t1"), {LIST_ON("t1")}},
               {"no answer", 5, NO_ANSWER, {WAIT_UP, DISCARDED}},
               {"up", 5, UP(500), {LIST("0", 500)}}}},
    {.name = "ResyncWithResourceVersion, ResourceVersionUpdate: every event counts",
     .moves = {LISTED_AND_WATCHING,
               {"added", 1, EVENT("11"), {NOTHING, APPLIED}},
               {"modified", 1, EVENT("12"), {NOTHING, APPLIED}},
               {"bookmark", 1, BOOKMARK("13"), {NOTHING}},
               {"a Table", 1, SKIPPED, {NOTHING}},
               {"undecodable", 1, GARBLED, {BACK_OFF(800)}},
               {"timer", 800, TIMER, {LIST("13", 0)}}}},
    {.name = "ReplacesStoreOnUnsafeDelete: StoreReadError in the stream",
     .moves = {LISTED_AND_WATCHING,
               {"error", 2000, ERROR_REASON("StoreReadError"), {BACK_OFF(800)}},
               {"timer", 800, TIMER, {LIST("10", 0)}},
               {"listed", 5, PAGE("12"), {WATCH("12"), COMMITTED}}}},
    {.name = "an event without a version, or with a huge one",
     .moves = {LISTED_AND_WATCHING, {"event", 2000, EVENT(""), {BACK_OFF(800)}}}},
    {.name = "401, 403, 404 on lists and watches: again and again",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"401", 5, LIST_FAILED(401), {BACK_OFF(800), DISCARDED, .doubt = true}},
               {"timer", 800, TIMER, {LIST("0", 500)}},
               {"403", 5, LIST_FAILED(403), {BACK_OFF(1600), DISCARDED, .doubt = true}},
               {"timer", 1600, TIMER, {LIST("0", 500)}},
               {"404", 5, LIST_FAILED(404), {BACK_OFF(3200), DISCARDED, .doubt = true}},
               {"timer", 3200, TIMER, {LIST("0", 500)}},
               {"listed", 5, PAGE("10"), {WATCH("10"), COMMITTED}},
               {"403", 5, ERROR(403), {BACK_OFF(6400), .doubt = true}},
               {"timer", 6400, TIMER, {LIST("10", 0)}}}},
    {.name = "the rate of watches after clean ends has a ceiling",
     .moves = {LISTED_AND_WATCHING,
               {"added", 100, EVENT("11"), {NOTHING, APPLIED}},
               {"end", 100, END, {WAIT(795, 795)}},
               {"timer", 795, TIMER, {WATCH("11")}},
               {"open", 5, OPEN, {NOTHING}},
               {"end, without an event but not at once", 1000, END, {WATCH("11")}}}},
    {.name = "EOF in under 1 s without an event",
     .moves = {LISTED_AND_WATCHING,
               {"end", 999, END, {BACK_OFF(800)}},
               {"timer", 800, TIMER, {LIST("10", 0)}}}},
    {.name = "refused: the server is waited for without back-off, and watched at once",
     .moves = {LISTED_AND_WATCHING,
               {"end", 60000, END, {WATCH("10")}},
               {"refused", 1, NO_ANSWER, {WAIT_UP}},
               {"a stale timer", 15000, TIMER, {NOTHING}},
               {"up: has etcd been restored?", 45000, UP(60000), {CHECK}},
               {"no", 5, PAGE("10"), {WATCH("10")}},
               {"open", 5, OPEN, {NOTHING}}}},
    {.name = "refused at the start",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"refused", 1, NO_ANSWER, {WAIT_UP, DISCARDED}},
               {"up", 45000, UP(45000), {LIST("0", 500)}},
               {"listed", 5, PAGE("10"), {WATCH("10"), COMMITTED}}}},
    {.name = "refused, a false alarm: no check, and back-off when it goes on like that",
     .moves = {LISTED_AND_WATCHING,
               {"end", 60000, END, {WATCH("10")}},
               {"refused", 1, NO_ANSWER, {WAIT_UP}},
               {"up", 5, UP(0), {WATCH("10")}},
               {"refused", 1, NO_ANSWER, {WAIT_UP}},
               {"up", 5, UP(0), {BACK_OFF(800)}},
               {"timer", 800, TIMER, {WATCH("10")}}}},
    {.name = "a server that goes up and down: an attempt a second",
     .moves = {LISTED_AND_WATCHING,
               {"end", 60000, END, {WATCH("10")}},
               {"refused", 1, NO_ANSWER, {WAIT_UP}},
               {"up", 500, UP(500), {CHECK}},
               {"refused", 1, NO_ANSWER, {WAIT_UP}},
               {"up", 500, UP(500), {WAIT(499, 499)}},
               {"up again", 400, UP(300), {WAIT(99, 99)}},
               {"timer", 99, TIMER, {CHECK}}}},
    {.name = "trouble in an outage: when it is over, back-off is cut short",
     .moves = {LISTED_AND_WATCHING,
               {"500", 2000, ERROR(500), {BACK_OFF(800), .doubt = true}},
               {"timer", 800, TIMER, {LIST("10", 0)}},
               {"503", 5, LIST_FAILED(503), {BACK_OFF(1600), DISCARDED, .doubt = true}},
               {"it was well all the time", 5, UP(0), {NOTHING}},
               {"up", 5, UP(700), {LIST("10", 0)}}}},
    {.name = "WatchTimeout: a watch whose head never comes",
     .moves = {LISTED_AND_WATCHING,
               {"end", 300000, END, {WATCH("10")}},
               {"limit", 15000, TIMER, {BACK_OFF(800), .doubt = true}},
               {"timer", 800, TIMER, {WATCH("10")}}}},
    {.name = "WatchList",
     .streams = true,
     .moves = {{"start", 0, START, {STREAM("")}},
               {"open", 5, OPEN, {NOTHING}},
               {"added", 5, EVENT("7"), {NOTHING, COLLECTED}},
               {"a bookmark that is not the end", 5, BOOKMARK("8"), {NOTHING}},
               {"modified while streaming", 5, EVENT("9"), {NOTHING, COLLECTED}},
               {"deleted while streaming", 5, EVENT("10"), {NOTHING, COLLECTED}},
               {"the end", 5, SYNCED("10"), {NOTHING, COMMITTED}},
               {"its time limit no longer counts", 10000, TIMER, {NOTHING}},
               {"added", 5, EVENT("11"), {NOTHING, APPLIED}},
               {"end", 300000, END, {WATCH("11")}}}},
    {.name = "WatchList fallback on Invalid",
     .streams = true,
     .moves = {{"start", 0, START, {STREAM("")}},
               {"422", 5, ERROR(422), {LIST("0", 500), DISCARDED}},
               {"listed", 5, PAGE("10"), {WATCH("10"), COMMITTED}},
               {"open", 5, OPEN, {NOTHING}},
               {"410: tried again, from what is held", 20000, ERROR(410), {STREAM("10")}}}},
    {.name = "WatchList fallback on any error",
     .streams = true,
     .moves = {{"start", 0, START, {STREAM("")}},
               {"open", 5, OPEN, {NOTHING}},
               {"added", 5, EVENT("7"), {NOTHING, COLLECTED}},
               {"500", 5, ERROR(500), {LIST("0", 500), DISCARDED, .doubt = true}},
               {"500", 5, LIST_FAILED(500), {BACK_OFF(800), DISCARDED, .doubt = true}},
               {"timer: this time is not over", 800, TIMER, {LIST("0", 500)}}}},
    {.name = "WatchList: 429 is obeyed",
     .streams = true,
     .moves = {{"start", 0, START, {STREAM("")}},
               {"429", 5, BUSY(5000), {WAIT(5000, 5800), DISCARDED}},
               {"timer", 5800, TIMER, {LIST("0", 500)}}}},
    {.name = "WatchList: too large",
     .streams = true,
     .moves = {{"start", 0, START, {STREAM("")}},
               {"open", 5, OPEN, {NOTHING}},
               {"the end", 5, SYNCED("10"), {NOTHING, COMMITTED}},
               {"410", 20000, ERROR(410), {STREAM("10")}},
               {"too large", 5, TOO_LARGE, {LIST("", 500), DISCARDED}},
               {"listed", 5, PAGE("9"), {WATCH("9"), COMMITTED, .rewind = true}}}},
    {.name = "WatchList stopped before sync",
     .streams = true,
     .moves = {{"start", 0, START, {STREAM("")}},
               {"open", 5, OPEN, {NOTHING}},
               {"added", 5, EVENT("7"), {NOTHING, COLLECTED}},
               {"end", 5, END, {LIST("0", 500), DISCARDED}}}},
    {.name = "WatchList: a frame that cannot be decoded",
     .streams = true,
     .moves = {{"start", 0, START, {STREAM("")}},
               {"open", 5, OPEN, {NOTHING}},
               {"garbled", 5, GARBLED, {LIST("0", 500), DISCARDED}}}},
    {.name = "WatchList without its final bookmark: a list, and no more of that",
     .streams = true,
     .moves = {{"start", 0, START, {STREAM("")}},
               {"open", 5, OPEN, {NOTHING}},
               {"added", 5, EVENT("7"), {NOTHING, COLLECTED}},
               {"limit", 10000, TIMER, {LIST("0", 500), DISCARDED}},
               {"listed", 5, PAGE("10"), {WATCH("10"), COMMITTED}},
               {"open", 5, OPEN, {NOTHING}},
               {"410", 20000, ERROR(410), {LIST("10", 0)}}}},
    {.name = "WatchList: never answered",
     .streams = true,
     .moves = {{"start", 0, START, {STREAM("")}},
               {"limit", 10000, TIMER, {LIST("0", 500), DISCARDED, .doubt = true}}}},
    {.name = "WatchList: refused",
     .streams = true,
     .moves = {{"start", 0, START, {STREAM("")}},
               {"refused", 1, NO_ANSWER, {WAIT_UP, DISCARDED}},
               {"up", 3000, UP(3000), {STREAM("")}}}},
    {.name = "a final bookmark when no list is streamed is a bookmark",
     .moves = {LISTED_AND_WATCHING,
               {"bookmark", 5, SYNCED("12"), {NOTHING}},
               {"end", 60000, END, {WATCH("12")}}}},
    {.name = "a rewind after an outage is found at once",
     .moves = {LISTED_AND_WATCHING,
               {"added", 5, EVENT("5000"), {NOTHING, APPLIED}},
               {"end", 60000, END, {WATCH("5000")}},
               {"refused", 1, NO_ANSWER, {WAIT_UP}},
               {"up", 45000, UP(45000), {CHECK}},
               {"an older version", 5, PAGE("900"), {LIST("", 500)}},
               {"page 1", 5, MORE("900", "t1"), {LIST_ON("t1")}},
               {"listed", 5, PAGE("900"), {WATCH("900"), COMMITTED, .rewind = true}}}},
    {.name = "a check that fails with an answer does not stop the watch",
     .moves = {LISTED_AND_WATCHING,
               {"end", 60000, END, {WATCH("10")}},
               {"refused", 1, NO_ANSWER, {WAIT_UP}},
               {"up", 5000, UP(5000), {CHECK}},
               {"400", 5, LIST_FAILED(400), {WATCH("10")}},
               {"open", 5, OPEN, {NOTHING}},
               {"end: checked again soon", 120000, END, {CHECK}},
               {"503", 5, LIST_FAILED(503), {BACK_OFF(800), .doubt = true}},
               {"timer", 800, TIMER, {WATCH("10")}}}},
    {.name = "a single object is read anew after an outage",
     .single = true,
     .moves = {LISTED_AND_WATCHING,
               {"end", 60000, END, {WATCH("10")}},
               {"refused", 1, NO_ANSWER, {WAIT_UP}},
               {"up", 5000, UP(5000), {LIST("", 500)}},
               {"listed", 5, PAGE("9"), {WATCH("9"), COMMITTED, .rewind = true}}}},
    {.name = "the check comes every 10 to 20 minutes, between watches",
     .moves = {LISTED_AND_WATCHING,
               {"end", 300000, END, {WATCH("10")}},
               {"open", 5, OPEN, {NOTHING}},
               {"end", 290000, END, {WATCH("10")}},
               {"open", 5, OPEN, {NOTHING}},
               {"end", 611000, END, {CHECK}},
               {"well", 5, PAGE("11"), {WATCH("10")}},
               {"open", 5, OPEN, {NOTHING}},
               {"end", 300000, END, {WATCH("10")}}}},
};

static void check_request(const struct reflector_output *out, const struct want *want,
                          const char *at)
{
    const char *version = want->version != NULL ? want->version : "";
    const char *token = want->token != NULL ? want->token : "";
    ck_assert_msg(strcmp(out->version, version) == 0, "%s: at '%s'", at, out->version);
    ck_assert_msg(strcmp(out->continue_token, token) == 0, "%s: token '%s'", at,
                  out->continue_token);
    ck_assert_msg(out->limit == want->limit, "%s: limit %d", at, out->limit);
    ck_assert_msg(out->send_initial_events == want->stream, "%s: initial events", at);
    bool dated = version[0] != '\0' && strcmp(version, "0") != 0;
    bool matched = want->stream || (want->command == REFLECTOR_LIST && dated);
    ck_assert_msg(strcmp(out->match, matched ? "NotOlderThan" : "") == 0, "%s: match '%s'", at,
                  out->match);
    if (want->command == REFLECTOR_WATCH) {
        ck_assert_msg(out->timeout_s >= 300 && out->timeout_s <= 600, "%s: timeout", at);
    }
}

static void check_move(const struct reflector_output *out, const struct want *want, const char *at)
{
    ck_assert_msg(out->command == want->command, "%s: command %d", at, (int)out->command);
    ck_assert_msg(out->store == want->store, "%s: store %d", at, (int)out->store);
    ck_assert_msg(out->rewind == want->rewind, "%s: rewind", at);
    ck_assert_msg(out->doubt == want->doubt, "%s: doubt", at);
    if (want->wait_max_ms == 0) {
        ck_assert_msg(out->timer_ms == -1, "%s: timer %d", at, (int)out->timer_ms);
    } else {
        ck_assert_msg(out->timer_ms >= want->wait_min_ms && out->timer_ms <= want->wait_max_ms,
                      "%s: timer %d", at, (int)out->timer_ms);
    }
    check_request(out, want, at);
}

START_TEST(scenario_holds)
{
    const struct scenario *scenario = &scenarios[_i];
    /* several seeds, for nothing may hang on one jitter */
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct reflector_machine machine;
        int64_t now_ms = 1000000;
        reflector_machine_init(&machine, scenario->single, !scenario->streams, seed);
        for (size_t i = 0; i < MOVES_MAX && scenario->moves[i].what != NULL; i++) {
            const struct move *move = &scenario->moves[i];
            struct reflector_output out;
            char at[160];
            snprintf(at, sizeof(at), "%s: %s", scenario->name, move->what);
            now_ms += move->after_ms;
            reflector_step(&machine, &move->input, now_ms, &out);
            check_move(&out, &move->want, at);
        }
    }
}
END_TEST

START_TEST(huge_versions_are_refused)
{
    char version[REFLECTOR_VERSION_MAX + 1];
    memset(version, '1', sizeof(version));
    version[REFLECTOR_VERSION_MAX] = '\0';
    struct reflector_machine machine;
    struct reflector_output out;
    reflector_machine_init(&machine, false, true, 1);
    reflector_step(&machine, &(struct reflector_input)START, 0, &out);
    reflector_step(&machine, &(struct reflector_input)PAGE(version), 1, &out);
    ck_assert_int_eq(out.command, REFLECTOR_WAIT);
    ck_assert_int_eq(out.store, REFLECTOR_DISCARD);
    reflector_step(&machine, &(struct reflector_input)TIMER, 2000, &out);
    version[REFLECTOR_VERSION_MAX - 1] = '\0';
    reflector_step(&machine, &(struct reflector_input)PAGE(version), 2001, &out);
    ck_assert_int_eq(out.command, REFLECTOR_WATCH);
    ck_assert_str_eq(out.version, version);
}
END_TEST

START_TEST(timeouts_are_spread)
{
    int least = 1000;
    int most = 0;
    for (uint64_t seed = 0; seed < 5000; seed++) {
        struct reflector_machine machine;
        struct reflector_output out;
        reflector_machine_init(&machine, false, false, seed);
        reflector_step(&machine, &(struct reflector_input)START, 0, &out);
        least = out.timeout_s < least ? out.timeout_s : least;
        most = out.timeout_s > most ? out.timeout_s : most;
    }
    ck_assert_int_eq(least, 300);
    ck_assert_int_eq(most, 600);
}
END_TEST

START_TEST(states_have_names)
{
    for (int state = 0; state <= LAST_STATE; state++) {
        ck_assert_uint_gt(strlen(reflector_state_name((enum reflector_state)state)), 3);
    }
}
END_TEST

/* --- a random walk: a server that answers anything, in an order that can be --- */

struct walk {
    struct reflector_machine machine;
    uint64_t seed;
    int64_t now_ms;
    int64_t timer_at_ms;
    uint64_t version;
    char text[32];
    int64_t window_ms; /* start of the second that is counted */
    int in_window;
    int commands;
    int commits;
};

static uint64_t roll(struct walk *walk, uint64_t bound)
{
    walk->seed = walk->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (walk->seed >> 33) % bound;
}

static const char *next_version(struct walk *walk)
{
    walk->version += roll(walk, 5);
    if (roll(walk, 1000) == 0) {
        walk->version = walk->version / 2 + 1; /* etcd was restored */
    }
    snprintf(walk->text, sizeof(walk->text), "%llu", (unsigned long long)walk->version + 1);
    return walk->text;
}

static void count_command(struct walk *walk, const struct reflector_output *out)
{
    bool next_page = out->continue_token[0] != '\0';
    bool request = out->command == REFLECTOR_LIST || out->command == REFLECTOR_CHECK ||
                   out->command == REFLECTOR_WATCH;
    if (!request || next_page) {
        return;
    }
    walk->commands++;
    if (walk->now_ms - walk->window_ms >= 1000) {
        walk->window_ms = walk->now_ms;
        walk->in_window = 0;
    }
    walk->in_window++;
    ck_assert_int_le(walk->in_window, 20);
}

static void check_invariants(struct walk *walk, const struct reflector_input *input,
                             const struct reflector_output *out)
{
    const struct reflector_machine *machine = &walk->machine;
    if (out->command == REFLECTOR_WATCH && !out->send_initial_events) {
        ck_assert_str_ne(out->version, "");
        ck_assert_str_ne(out->version, "0");
    }
    if (out->command == REFLECTOR_WAIT) {
        ck_assert_int_gt(out->timer_ms, 0);
        ck_assert_int_le(out->timer_ms, 300800);
    }
    if (out->store == REFLECTOR_APPLY || out->store == REFLECTOR_COMMIT) {
        ck_assert_str_eq(machine->held, input->version);
    }
    /* it is never stuck: what it waits for has a command or a timer behind it */
    ck_assert((machine->state == REFLECTOR_WAITING) ==
              (out->command == REFLECTOR_WAIT ||
               (out->command == REFLECTOR_NONE && machine->state == REFLECTOR_WAITING)));
    ck_assert(machine->state != REFLECTOR_WAITING || walk->timer_at_ms < INT64_MAX);
    ck_assert(machine->state != REFLECTOR_IDLE);
}

static void give(struct walk *walk, struct reflector_input input)
{
    struct reflector_output out;
    reflector_step(&walk->machine, &input, walk->now_ms, &out);
    if (out.command != REFLECTOR_NONE) {
        walk->timer_at_ms = INT64_MAX;
    }
    if (out.timer_ms >= 0) {
        walk->timer_at_ms = walk->now_ms + out.timer_ms;
    }
    walk->commits += out.store == REFLECTOR_COMMIT;
    count_command(walk, &out);
    check_invariants(walk, &input, &out);
}

static struct kube_status any_status(struct walk *walk)
{
    static const int codes[] = {0, 400, 401, 403, 404, 410, 410, 422, 429, 429, 500, 503, 504};
    struct kube_status status = {.code = codes[roll(walk, ARRAY_LEN(codes))]};
    status.too_large_version = status.code == 504 && roll(walk, 2) == 0;
    status.retry_after_ms = status.code == 429 ? (int64_t)roll(walk, 3000) : 0;
    return status;
}

static void answer_list(struct walk *walk)
{
    switch (roll(walk, 8)) {
    case 0:
        give(walk, (struct reflector_input){.type = REFLECTOR_IN_LIST_FAILED,
                                            .status = any_status(walk)});
        break;
    case 1:
        give(walk, (struct reflector_input)NO_ANSWER);
        break;
    case 2:
        give(walk, (struct reflector_input)MORE(next_version(walk), "more"));
        break;
    default:
        give(walk, (struct reflector_input)PAGE(next_version(walk)));
        break;
    }
}

static void answer_opening(struct walk *walk)
{
    switch (roll(walk, 6)) {
    case 0:
        give(walk, (struct reflector_input){.type = REFLECTOR_IN_WATCH_ERROR,
                                            .status = any_status(walk)});
        break;
    case 1:
        give(walk, (struct reflector_input)NO_ANSWER);
        break;
    default:
        give(walk, (struct reflector_input)OPEN);
        break;
    }
}

static void answer_open(struct walk *walk)
{
    switch (roll(walk, 12)) {
    case 0:
        give(walk, (struct reflector_input){.type = REFLECTOR_IN_WATCH_ERROR,
                                            .status = any_status(walk)});
        break;
    case 1:
        give(walk, (struct reflector_input)END);
        break;
    case 2:
        give(walk, (struct reflector_input)GARBLED);
        break;
    case 3:
        give(walk, (struct reflector_input)BOOKMARK(next_version(walk)));
        break;
    case 4:
        give(walk, (struct reflector_input)SYNCED(next_version(walk)));
        break;
    case 5:
        give(walk, (struct reflector_input)SKIPPED);
        break;
    default:
        give(walk, (struct reflector_input)EVENT(next_version(walk)));
        break;
    }
}

static void answer(struct walk *walk)
{
    switch (walk->machine.state) {
    case REFLECTOR_LISTING:
    case REFLECTOR_CHECKING:
        answer_list(walk);
        break;
    case REFLECTOR_STREAM_OPENING:
    case REFLECTOR_OPENING:
        answer_opening(walk);
        break;
    case REFLECTOR_STREAMING:
    case REFLECTOR_WATCHING:
        answer_open(walk);
        break;
    case REFLECTOR_IDLE:
    case REFLECTOR_WAITING:
    case REFLECTOR_BLOCKED:
        give(walk, (struct reflector_input)UP((int64_t)roll(walk, 2) * 500));
        break;
    }
}

/* Mostly nothing passes: that is how loops show. Now and then a moment, or minutes. */
static void pass_time(struct walk *walk)
{
    uint64_t kind = roll(walk, 100);
    int64_t pass_ms = kind == 0   ? (int64_t)roll(walk, 300000)
                      : kind < 10 ? (int64_t)roll(walk, 50)
                                  : 0;
    walk->now_ms += pass_ms;
    if (walk->machine.state == REFLECTOR_WAITING && roll(walk, 10) != 0 &&
        walk->timer_at_ms > walk->now_ms) {
        walk->now_ms = walk->timer_at_ms;
    }
}

START_TEST(random_walk)
{
    struct walk walk = {.seed = (uint64_t)_i + 1, .timer_at_ms = INT64_MAX, .window_ms = -1000};
    reflector_machine_init(&walk.machine, (_i & 1) != 0, (_i & 2) != 0, (uint64_t)_i);
    give(&walk, (struct reflector_input)START);
    for (int i = 0; i < 100000; i++) {
        pass_time(&walk);
        if (walk.timer_at_ms <= walk.now_ms) {
            walk.timer_at_ms = INT64_MAX;
            give(&walk, (struct reflector_input)TIMER);
        } else {
            answer(&walk);
        }
    }
    ck_assert_int_gt(walk.commits, 1000);
    ck_assert_int_gt(walk.commands, 1000);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("reflector_machine");
    TCase *c = tcase_create("reflector_machine");
    tcase_add_loop_test(c, scenario_holds, 0, ARRAY_LEN(scenarios));
    tcase_add_test(c, huge_versions_are_refused);
    tcase_add_test(c, timeouts_are_spread);
    tcase_add_test(c, states_have_names);
    tcase_add_loop_test(c, random_walk, 0, 8);
    tcase_set_timeout(c, 60);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
