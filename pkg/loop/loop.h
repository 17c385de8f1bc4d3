/*
 * The event loop: one per process, over libev. The only package that includes ev.h.
 *
 * All callbacks run on the loop's thread, one at a time. An object may be destroyed from within
 * its own or another's callback. Nothing may block in a callback: everything else stands still
 * while it runs, lease renewal included.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"

struct loop;
struct loop_timer;
struct loop_io;
struct loop_signal;
struct loop_child;
struct loop_deferred;

enum {
    LOOP_READ = 1,
    LOOP_WRITE = 2,
};

/* Ignores SIGPIPE. Aborts when the kernel gives no poller. */
struct loop *loop_create(void);
/* Everything made on the loop must be destroyed before. NULL is fine. */
void loop_destroy(struct loop *loop);
DEFINE_AUTO_DESTROY(loop, struct loop, loop_destroy)
/* Runs until loop_stop(), or until nothing is left that could wake it. */
void loop_run(struct loop *loop);
/* Runs what is ready, waiting for at most one event. For tests. */
void loop_run_once(struct loop *loop);
/* Makes loop_run() return soon; callbacks that are ready already may still run. Called while it
 * does not run, the next loop_run() returns at once. */
void loop_stop(struct loop *loop);
/* Monotonic milliseconds (base/clock.h), read at the call. */
int64_t loop_now_ms(const struct loop *loop);
/* Uniform in [0, bound), bound > 0. For jitter, not for secrets. */
uint64_t loop_random(struct loop *loop, uint64_t bound);

/* One-shot timer. Arming an armed one moves it; `delay_ms` below 0 counts as 0. */
struct loop_timer *loop_timer_create(struct loop *loop, void (*fire)(void *arg), void *arg);
void loop_timer_arm(struct loop_timer *timer, int64_t delay_ms);
void loop_timer_disarm(struct loop_timer *timer);
bool loop_timer_armed(const struct loop_timer *timer);
void loop_timer_destroy(struct loop_timer *timer);

/* Readiness of a file descriptor, which stays the caller's. `events`: LOOP_READ | LOOP_WRITE. */
struct loop_io *loop_io_create(struct loop *loop, int fd, int events,
                               void (*ready)(void *arg, int fd, int events), void *arg);
void loop_io_set_events(struct loop_io *io, int events);
void loop_io_destroy(struct loop_io *io);

struct loop_signal *loop_signal_create(struct loop *loop, int signum,
                                       void (*caught)(void *arg, int signum), void *arg);
void loop_signal_destroy(struct loop_signal *watch);

/* Runs `run` once per loop_deferred_schedule(), soon, from the loop and never from within the
 * call; scheduling a scheduled one is a no-op. */
struct loop_deferred *loop_deferred_create(struct loop *loop, void (*run)(void *arg), void *arg);
void loop_deferred_schedule(struct loop_deferred *deferred);
void loop_deferred_destroy(struct loop_deferred *deferred);

/*
 * A child process whose standard output is collected.
 *
 * `argv[0]` is looked up in PATH; `envp` NULL inherits. Standard input is /dev/null, standard
 * error is inherited. `done` runs exactly once: when the child has ended and its output is
 * closed, or when the time or output limit was exceeded (the child is killed, `err` says which).
 */
struct loop_child_result {
    int exit_status; /* as from waitpid; meaningful when err is NULL */
    const char *output;
    size_t output_len;
    const struct err *err; /* NULL: the child ended by itself */
};
int loop_child_spawn(struct loop *loop, char *const argv[], char *const envp[], int64_t deadline_ms,
                     size_t output_limit,
                     void (*done)(void *arg, const struct loop_child_result *result), void *arg,
                     struct loop_child **ret_child, struct err *err) MUST_CHECK;
/* Kills a child that is still running; `done` is not called any more. NULL is fine. */
void loop_child_destroy(struct loop_child *child);

#endif
