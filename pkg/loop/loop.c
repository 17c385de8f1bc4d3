#include "loop/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>

/* Its macros assign through casts and are not written for strict warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wstrict-aliasing"
#include <ev.h>
#pragma GCC diagnostic pop

#include "base/alloc.h"
#include "base/clock.h"
#include "loop/private.h"

/*
 * Each trampoline below ends with the call of the owner's function, because that may destroy the
 * object: nothing of it may be touched behind the call.
 */
struct loop_timer {
    ev_timer watcher;
    struct loop *loop;
    void (*fire)(void *arg);
    void *arg;
};

struct loop_io {
    ev_io watcher;
    struct loop *loop;
    void (*ready)(void *arg, int fd, int events);
    void *arg;
};

struct loop_signal {
    ev_signal watcher;
    struct loop *loop;
    void (*caught)(void *arg, int signum);
    void *arg;
};

struct loop_deferred {
    ev_idle watcher;
    struct loop *loop;
    void (*run)(void *arg);
    void *arg;
};

static uint64_t random_seed(void)
{
    uint64_t seed = 0;
    while (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        if (errno != EINTR) {
            abort();
        }
    }
    return seed | 1;
}

struct loop *loop_create(void)
{
    signal(SIGPIPE, SIG_IGN);
    struct loop *loop = xcalloc(1, sizeof(*loop));
    loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (loop->ev == NULL) {
        abort();
    }
    loop->random = random_seed();
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    loop_child_finish_orphans(loop);
    ev_loop_destroy(loop->ev);
    free(loop);
}

void loop_run(struct loop *loop)
{
    if (!loop->stopping) {
        ev_run(loop->ev, 0);
    }
    loop->stopping = false;
}

void loop_run_once(struct loop *loop)
{
    ev_run(loop->ev, EVRUN_ONCE);
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
    ev_break(loop->ev, EVBREAK_ALL);
}

int64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return clock_mono_ms();
}

/* xorshift64*, Marsaglia 2003 and Vigna 2016. */
static uint64_t random_next(struct loop *loop)
{
    uint64_t x = loop->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    loop->random = x;
    return x * UINT64_C(0x2545F4914F6CDD1D);
}

uint64_t loop_random(struct loop *loop, uint64_t bound)
{
    /* The lowest 2^64 mod bound values would come once too often. */
    uint64_t skip = (0 - bound) % bound;
    uint64_t value = random_next(loop);
    while (value < skip) {
        value = random_next(loop);
    }
    return value % bound;
}

static void timer_fired(struct ev_loop *ev, ev_timer *watcher, int revents)
{
    (void)ev;
    (void)revents;
    struct loop_timer *timer = watcher->data;
    timer->fire(timer->arg);
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*fire)(void *arg), void *arg)
{
    struct loop_timer *timer = xcalloc(1, sizeof(*timer));
    timer->loop = loop;
    timer->fire = fire;
    timer->arg = arg;
    ev_init(&timer->watcher, timer_fired);
    timer->watcher.data = timer;
    return timer;
}

void loop_timer_arm(struct loop_timer *timer, int64_t delay_ms)
{
    double delay = delay_ms > 0 ? (double)delay_ms / 1000.0 : 0.0;
    ev_timer_stop(timer->loop->ev, &timer->watcher);
    /* libev counts from the time it cached when it last woke: a callback that took long would
     * make the timer fire early. */
    ev_now_update(timer->loop->ev);
    ev_timer_set(&timer->watcher, delay, 0.0);
    ev_timer_start(timer->loop->ev, &timer->watcher);
}

void loop_timer_disarm(struct loop_timer *timer)
{
    ev_timer_stop(timer->loop->ev, &timer->watcher);
}

bool loop_timer_armed(const struct loop_timer *timer)
{
    return ev_is_active(&timer->watcher) || ev_is_pending(&timer->watcher);
}

void loop_timer_destroy(struct loop_timer *timer)
{
    if (timer != NULL) {
        ev_timer_stop(timer->loop->ev, &timer->watcher);
        free(timer);
    }
}

static void io_ready(struct ev_loop *ev, ev_io *watcher, int revents)
{
    (void)ev;
    struct loop_io *io = watcher->data;
    int events =
        ((revents & EV_READ) != 0 ? LOOP_READ : 0) | ((revents & EV_WRITE) != 0 ? LOOP_WRITE : 0);
    io->ready(io->arg, watcher->fd, events);
}

static void io_start(struct loop_io *io, int fd, int events)
{
    ev_io_set(&io->watcher, fd,
              ((events & LOOP_READ) != 0 ? EV_READ : 0) |
                  ((events & LOOP_WRITE) != 0 ? EV_WRITE : 0));
    if (events != 0) {
        ev_io_start(io->loop->ev, &io->watcher);
    }
}

struct loop_io *loop_io_create(struct loop *loop, int fd, int events,
                               void (*ready)(void *arg, int fd, int events), void *arg)
{
    struct loop_io *io = xcalloc(1, sizeof(*io));
    io->loop = loop;
    io->ready = ready;
    io->arg = arg;
    ev_init(&io->watcher, io_ready);
    io->watcher.data = io;
    io_start(io, fd, events);
    return io;
}

void loop_io_set_events(struct loop_io *io, int events)
{
    ev_io_stop(io->loop->ev, &io->watcher);
    io_start(io, io->watcher.fd, events);
}

void loop_io_destroy(struct loop_io *io)
{
    if (io != NULL) {
        ev_io_stop(io->loop->ev, &io->watcher);
        free(io);
    }
}

static void signal_caught(struct ev_loop *ev, ev_signal *watcher, int revents)
{
    (void)ev;
    (void)revents;
    struct loop_signal *watch = watcher->data;
    watch->caught(watch->arg, watcher->signum);
}

struct loop_signal *loop_signal_create(struct loop *loop, int signum,
                                       void (*caught)(void *arg, int signum), void *arg)
{
    struct loop_signal *watch = xcalloc(1, sizeof(*watch));
    watch->loop = loop;
    watch->caught = caught;
    watch->arg = arg;
    ev_signal_init(&watch->watcher, signal_caught, signum);
    watch->watcher.data = watch;
    ev_signal_start(loop->ev, &watch->watcher);
    return watch;
}

void loop_signal_destroy(struct loop_signal *watch)
{
    if (watch != NULL) {
        ev_signal_stop(watch->loop->ev, &watch->watcher);
        free(watch);
    }
}

static void deferred_run(struct ev_loop *ev, ev_idle *watcher, int revents)
{
    (void)revents;
    struct loop_deferred *deferred = watcher->data;
    ev_idle_stop(ev, watcher);
    deferred->run(deferred->arg);
}

/*
 * An idle watcher of the highest priority runs in the loop's next round, before that round's
 * input; one that schedules itself again and again holds nothing else up.
 */
struct loop_deferred *loop_deferred_create(struct loop *loop, void (*run)(void *arg), void *arg)
{
    struct loop_deferred *deferred = xcalloc(1, sizeof(*deferred));
    deferred->loop = loop;
    deferred->run = run;
    deferred->arg = arg;
    ev_idle_init(&deferred->watcher, deferred_run);
    ev_set_priority(&deferred->watcher, EV_MAXPRI);
    deferred->watcher.data = deferred;
    return deferred;
}

void loop_deferred_schedule(struct loop_deferred *deferred)
{
    ev_idle_start(deferred->loop->ev, &deferred->watcher);
}

void loop_deferred_destroy(struct loop_deferred *deferred)
{
    if (deferred != NULL) {
        ev_idle_stop(deferred->loop->ev, &deferred->watcher);
        free(deferred);
    }
}
