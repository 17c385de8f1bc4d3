#include "loop/loop.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "unit/unit.h"

/* What callbacks left behind: one letter an event. */
struct trace {
    struct loop *loop;
    char text[64];
    struct loop_timer *timer;
    struct loop_timer *other;
    struct loop_io *io;
    struct loop_deferred *deferred;
    int rounds;
};

static void note(struct trace *trace, char letter)
{
    size_t len = strlen(trace->text);
    ck_assert_uint_lt(len + 1, sizeof(trace->text));
    trace->text[len] = letter;
}

static void note_a(void *arg)
{
    note(arg, 'a');
}

static void note_b(void *arg)
{
    note(arg, 'b');
}

static void note_c(void *arg)
{
    note(arg, 'c');
}

START_TEST(timers_fire_in_order_and_once)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct trace trace = {.loop = loop};
    struct loop_timer *late = loop_timer_create(loop, note_b, &trace);
    struct loop_timer *soon = loop_timer_create(loop, note_a, &trace);
    struct loop_timer *moved = loop_timer_create(loop, note_c, &trace);
    struct loop_timer *never = loop_timer_create(loop, note_a, &trace);
    int64_t start = loop_now_ms(loop);
    loop_timer_arm(late, 20);
    loop_timer_arm(soon, -5);
    loop_timer_arm(moved, 1);
    loop_timer_arm(moved, 40);
    loop_timer_arm(never, 10);
    ck_assert(loop_timer_armed(never));
    loop_timer_disarm(never);
    ck_assert(!loop_timer_armed(never));
    loop_run(loop);
    ck_assert_str_eq(trace.text, "abc");
    ck_assert_int_ge(loop_now_ms(loop) - start, 40);
    ck_assert(!loop_timer_armed(late));
    loop_timer_destroy(late);
    loop_timer_destroy(soon);
    loop_timer_destroy(moved);
    loop_timer_destroy(never);
}
END_TEST

static void block_then_arm(void *arg)
{
    struct trace *trace = arg;
    usleep(60 * 1000);
    loop_timer_arm(trace->other, 40);
    trace->rounds = (int)(loop_now_ms(trace->loop) % 1000000);
}

static void note_elapsed(void *arg)
{
    struct trace *trace = arg;
    trace->rounds = (int)(loop_now_ms(trace->loop) % 1000000) - trace->rounds;
}

START_TEST(delay_counts_from_the_call_not_from_the_wakeup)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct trace trace = {.loop = loop};
    trace.timer = loop_timer_create(loop, block_then_arm, &trace);
    trace.other = loop_timer_create(loop, note_elapsed, &trace);
    loop_timer_arm(trace.timer, 0);
    loop_run(loop);
    ck_assert_int_ge(trace.rounds, 39);
    loop_timer_destroy(trace.timer);
    loop_timer_destroy(trace.other);
}
END_TEST

static void destroy_both_timers(void *arg)
{
    struct trace *trace = arg;
    note(trace, 'd');
    loop_timer_destroy(trace->timer);
    loop_timer_destroy(trace->other);
    trace->timer = NULL;
    trace->other = NULL;
}

START_TEST(callback_may_destroy_itself_and_another)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct trace trace = {.loop = loop};
    trace.timer = loop_timer_create(loop, destroy_both_timers, &trace);
    trace.other = loop_timer_create(loop, destroy_both_timers, &trace);
    loop_timer_arm(trace.timer, 5);
    loop_timer_arm(trace.other, 5);
    usleep(10 * 1000); /* both are due in one round: the second one is pending when it goes */
    loop_run(loop);
    ck_assert_str_eq(trace.text, "d");
}
END_TEST

static void schedule_again(void *arg)
{
    struct trace *trace = arg;
    note(trace, 'x');
    trace->rounds++;
    if (trace->rounds < 3) {
        loop_deferred_schedule(trace->deferred);
        loop_deferred_schedule(trace->deferred);
        note(trace, '.');
    }
}

START_TEST(deferred_runs_once_per_schedule_and_never_inside)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct trace trace = {.loop = loop};
    trace.deferred = loop_deferred_create(loop, schedule_again, &trace);
    loop_deferred_schedule(trace.deferred);
    loop_deferred_schedule(trace.deferred);
    ck_assert_str_eq(trace.text, "");
    loop_run(loop);
    ck_assert_str_eq(trace.text, "x.x.x");
    loop_deferred_schedule(trace.deferred);
    loop_deferred_destroy(trace.deferred);
    loop_run(loop);
    ck_assert_str_eq(trace.text, "x.x.x");
}
END_TEST

static void busy_deferred(void *arg)
{
    struct trace *trace = arg;
    trace->rounds++;
    loop_deferred_schedule(trace->deferred);
}

static void stop_loop(void *arg)
{
    struct trace *trace = arg;
    loop_stop(trace->loop);
}

START_TEST(busy_deferred_starves_nobody)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct trace trace = {.loop = loop};
    trace.deferred = loop_deferred_create(loop, busy_deferred, &trace);
    trace.timer = loop_timer_create(loop, stop_loop, &trace);
    loop_deferred_schedule(trace.deferred);
    loop_timer_arm(trace.timer, 10);
    loop_run(loop);
    ck_assert_int_gt(trace.rounds, 1);
    loop_deferred_destroy(trace.deferred);
    loop_timer_destroy(trace.timer);
}
END_TEST

START_TEST(stop_before_run_counts_once)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct trace trace = {.loop = loop};
    struct loop_timer *timer = loop_timer_create(loop, note_a, &trace);
    loop_timer_arm(timer, 0);
    loop_stop(loop);
    loop_run(loop);
    ck_assert_str_eq(trace.text, "");
    loop_run(loop);
    ck_assert_str_eq(trace.text, "a");
    loop_timer_destroy(timer);
}
END_TEST

static void read_byte(void *arg, int fd, int events)
{
    struct trace *trace = arg;
    char byte = 0;
    if ((events & LOOP_WRITE) != 0) {
        note(trace, 'w');
        loop_io_set_events(trace->io, LOOP_READ);
        return;
    }
    if (read(fd, &byte, 1) == 1) {
        note(trace, byte);
        return;
    }
    note(trace, '$');
    loop_io_destroy(trace->io);
    trace->io = NULL;
}

START_TEST(io_follows_its_events)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct trace trace = {.loop = loop};
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    trace.io = loop_io_create(loop, ends[0], LOOP_READ | LOOP_WRITE, read_byte, &trace);
    loop_run_once(loop);
    ck_assert_str_eq(trace.text, "w");
    loop_io_set_events(trace.io, 0);
    ck_assert_int_eq(write(ends[1], "1", 1), 1);
    loop_run(loop); /* nothing is watched: returns at once */
    ck_assert_str_eq(trace.text, "w");
    loop_io_set_events(trace.io, LOOP_READ);
    close(ends[1]);
    loop_run(loop);
    ck_assert_str_eq(trace.text, "w1$");
    close(ends[0]);
}
END_TEST

static void caught(void *arg, int signum)
{
    struct trace *trace = arg;
    note(trace, signum == SIGUSR1 ? 'u' : '?');
    loop_stop(trace->loop);
}

START_TEST(signals_arrive_on_the_loop)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct trace trace = {.loop = loop};
    struct loop_signal *watch = loop_signal_create(loop, SIGUSR1, caught, &trace);
    raise(SIGUSR1);
    ck_assert_str_eq(trace.text, "");
    loop_run(loop);
    ck_assert_str_eq(trace.text, "u");
    loop_signal_destroy(watch);
}
END_TEST

START_TEST(random_is_bounded_and_covers)
{
    AUTO(loop) struct loop *loop = loop_create();
    unsigned int seen = 0;
    for (int i = 0; i < 2000; i++) {
        uint64_t value = loop_random(loop, 7);
        ck_assert_uint_lt(value, 7);
        seen |= 1U << value;
    }
    ck_assert_uint_eq(seen, 0x7f);
    ck_assert_uint_eq(loop_random(loop, 1), 0);
    ck_assert_uint_lt(loop_random(loop, UINT64_C(1) << 63), UINT64_C(1) << 63);
}
END_TEST

struct child_end {
    struct loop_child *child;
    bool destroy_inside;
    int calls;
    int status;
    enum err_kind kind;
    char text[ERR_TEXT_MAX];
    char output[256];
    size_t output_len;
};

static void child_done(void *arg, const struct loop_child_result *result)
{
    struct child_end *end = arg;
    end->calls++;
    end->status = result->exit_status;
    end->kind = result->err != NULL ? result->err->kind : ERR_NONE;
    snprintf(end->text, sizeof(end->text), "%s", result->err != NULL ? result->err->text : "");
    snprintf(end->output, sizeof(end->output), "%s", result->output);
    end->output_len = result->output_len;
    if (end->destroy_inside) {
        loop_child_destroy(end->child);
        end->child = NULL;
    }
}

static const struct {
    const char *script;
    int64_t deadline_ms;
    size_t limit;
    enum err_kind kind;
    int exit_code;
    const char *output;
    const char *text;
} child_cases[] = {
    {"echo hello; exit 3", 10000, 100, ERR_NONE, 3, "hello\n", ""},
    {"true", 10000, 0, ERR_NONE, 0, "", ""},
    {"read line; echo got:$line", 10000, 100, ERR_NONE, 0, "got:\n", ""},
    {"(sleep 0.1; echo late) & exit 4", 10000, 100, ERR_NONE, 4, "late\n", ""},
    {"exec >&-; sleep 0.1; exit 5", 10000, 100, ERR_NONE, 5, "", ""},
    {"ls /proc/self/fd | grep -c .", 10000, 100, ERR_NONE, 0, "4\n", ""},
    {"echo some; sleep 100", 150, 100, ERR_RETRY, 0, "some\n", "not finished after 150 ms, killed"},
    {"sleep 100 & exit 0", 150, 100, ERR_RETRY, 0, "", "not finished after 150 ms, killed"},
    {"echo 0123456789; sleep 100", 10000, 5, ERR_INVALID, 0, "",
     "more than 5 bytes of output, killed"},
};

static void run_child_case(size_t i, bool destroy_inside)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct child_end end = {.destroy_inside = destroy_inside};
    struct err err;
    char *script = xstrdup(child_cases[i].script);
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, script, NULL};
    int64_t start = clock_mono_ms();
    ck_assert_int_eq(loop_child_spawn(loop, argv, NULL, child_cases[i].deadline_ms,
                                      child_cases[i].limit, child_done, &end, &end.child, &err),
                     0);
    ck_assert_int_eq(end.calls, 0);
    while (end.calls == 0) {
        loop_run_once(loop);
    }
    ck_assert_int_lt(clock_mono_ms() - start, 5000);
    ck_assert_int_eq(end.kind, child_cases[i].kind);
    ck_assert_str_eq(end.text, child_cases[i].text);
    ck_assert_str_eq(end.output, child_cases[i].output);
    ck_assert_uint_eq(end.output_len, strlen(child_cases[i].output));
    if (end.kind == ERR_NONE) {
        ck_assert(WIFEXITED(end.status));
        ck_assert_int_eq(WEXITSTATUS(end.status), child_cases[i].exit_code);
    }
    loop_child_destroy(end.child);
    loop_run(loop); /* returns only when the killed child is reaped */
    ck_assert_int_eq(end.calls, 1);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    free(script);
}

START_TEST(child_outcomes)
{
    run_child_case((size_t)_i, false);
    run_child_case((size_t)_i, true);
}
END_TEST

START_TEST(child_gets_its_environment)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct child_end end = {0};
    char *argv[] = {(char[]){"env"}, NULL};
    char *envp[] = {(char[]){"ONLY=this"}, NULL};
    ck_assert_int_eq(
        loop_child_spawn(loop, argv, envp, 10000, 200, child_done, &end, &end.child, NULL), 0);
    while (end.calls == 0) {
        loop_run_once(loop);
    }
    ck_assert_str_eq(end.output, "ONLY=this\n");
    loop_child_destroy(end.child);
}
END_TEST

START_TEST(child_that_cannot_start)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct child_end end = {0};
    struct err err;
    char *argv[] = {(char[]){"/no/such/program"}, NULL};
    ck_assert_int_eq(
        loop_child_spawn(loop, argv, NULL, 1000, 200, child_done, &end, &end.child, &err), -1);
    ck_assert_int_eq(err.kind, ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "cannot run /no/such/program: No such file or directory");
    ck_assert_ptr_null(end.child);
    ck_assert_int_eq(end.calls, 0);
}
END_TEST

START_TEST(destroyed_child_is_killed_with_its_children)
{
    AUTO(loop) struct loop *loop = loop_create();
    struct child_end end = {0};
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    int stderr_kept = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO); /* standard error is inherited: it closes when all are gone */
    close(ends[1]);
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"sleep 100 & sleep 100"}, NULL};
    ck_assert_int_eq(
        loop_child_spawn(loop, argv, NULL, 100000, 200, child_done, &end, &end.child, NULL), 0);
    dup2(stderr_kept, STDERR_FILENO);
    close(stderr_kept);
    loop_child_destroy(end.child);
    loop_run(loop);
    char byte;
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
    ck_assert_int_eq(end.calls, 0);
    close(ends[0]);
}
END_TEST

START_TEST(loop_destroyed_right_behind_a_child)
{
    struct loop *loop = loop_create();
    struct child_end end = {0};
    char *argv[] = {(char[]){"sleep"}, (char[]){"100"}, NULL};
    ck_assert_int_eq(
        loop_child_spawn(loop, argv, NULL, 100000, 200, child_done, &end, &end.child, NULL), 0);
    loop_child_destroy(end.child);
    loop_destroy(loop);
    loop_destroy(NULL);
    loop_child_destroy(NULL);
    ck_assert_int_eq(end.calls, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("loop");
    TCase *basic = tcase_create("events");
    tcase_add_test(basic, timers_fire_in_order_and_once);
    tcase_add_test(basic, delay_counts_from_the_call_not_from_the_wakeup);
    tcase_add_test(basic, callback_may_destroy_itself_and_another);
    tcase_add_test(basic, deferred_runs_once_per_schedule_and_never_inside);
    tcase_add_test(basic, busy_deferred_starves_nobody);
    tcase_add_test(basic, stop_before_run_counts_once);
    tcase_add_test(basic, io_follows_its_events);
    tcase_add_test(basic, signals_arrive_on_the_loop);
    tcase_add_test(basic, random_is_bounded_and_covers);
    suite_add_tcase(suite, basic);
    TCase *child = tcase_create("child");
    tcase_set_timeout(child, 30);
    tcase_add_loop_test(child, child_outcomes, 0, (int)ARRAY_LEN(child_cases));
    tcase_add_test(child, child_gets_its_environment);
    tcase_add_test(child, child_that_cannot_start);
    tcase_add_test(child, destroyed_child_is_killed_with_its_children);
    tcase_add_test(child, loop_destroyed_right_behind_a_child);
    suite_add_tcase(suite, child);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
