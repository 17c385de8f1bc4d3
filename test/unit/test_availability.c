#include "kube/availability.h"

#include <string.h>

#include "base/attr.h"
#include "unit/unit.h"

enum {
    MOVES_MAX = 12,
};

#define P AVAILABILITY_PROBE
#define T AVAILABILITY_PATIENT
#define H AVAILABILITY_HEARTBEAT

/* One input and what is wanted of it. Random is always 100: probes are exactly 500 ms apart. */
struct move {
    const char *what; /* NULL: the end */
    int64_t at_ms;
    struct availability_input input;
    unsigned start;
    unsigned cancel;
    int64_t timer_ms;
    unsigned fresh;
    bool reset;
    bool lost;
    bool up;
    int64_t outage_ms;
};

#define WATCHED                                                                                    \
    {                                                                                              \
        .type = AVAILABILITY_IN_WATCHED                                                            \
    }
#define SUSPECT                                                                                    \
    {                                                                                              \
        .type = AVAILABILITY_IN_SUSPECT                                                            \
    }
#define DOUBT                                                                                      \
    {                                                                                              \
        .type = AVAILABILITY_IN_DOUBT                                                              \
    }
#define TIMER(idle)                                                                                \
    {                                                                                              \
        .type = AVAILABILITY_IN_TIMER, .idle_ms = (idle)                                           \
    }
#define RESULT(which, status)                                                                      \
    {                                                                                              \
        .type = AVAILABILITY_IN_RESULT, .request = (which), .http_status = (status)                \
    }
#define RESULT_AFTER(which, status, after)                                                         \
    {                                                                                              \
        .type = AVAILABILITY_IN_RESULT, .request = (which), .http_status = (status),               \
        .retry_after_ms = (after)                                                                  \
    }

static const struct {
    const char *name;
    struct move moves[MOVES_MAX];
} scenarios[] = {
    {"a client without streams asks nothing",
     {
         {"timer", 0, TIMER(100000), .timer_ms = -1},
         {"a doubt is a question", 1, DOUBT, .start = T, .timer_ms = -1},
         {"answered", 5, RESULT(T, 200), .timer_ms = -1},
     }},
    {"heartbeats when nothing is received",
     {
         {"first stream", 0, WATCHED, .start = T, .timer_ms = 5000},
         {"ready", 10, RESULT(T, 200), .timer_ms = 5000},
         {"bytes came meanwhile", 5010, TIMER(2000), .timer_ms = 3000},
         {"idle", 8010, TIMER(5000), .start = H, .timer_ms = -1},
         {"alive", 8020, RESULT(H, 200), .timer_ms = 5000},
         {"watched again: nothing new", 9000, WATCHED, .timer_ms = 5000},
     }},
    {"half-open connection, frozen server: the heartbeat is not answered",
     {
         {"first stream", 0, WATCHED, .start = T, .timer_ms = 5000},
         {"ready", 10, RESULT(T, 200), .timer_ms = 5000},
         {"idle", 5010, TIMER(5000), .start = H, .timer_ms = -1},
         {"silent", 8010, RESULT(H, 0), .start = P, .timer_ms = 1000, .fresh = P, .reset = true,
          .lost = true},
         {"ready", 8020, RESULT(P, 200), .timer_ms = 5000, .up = true, .outage_ms = 10},
     }},
    {"a heartbeat says that it is not well",
     {
         {"first stream", 0, WATCHED, .start = T, .timer_ms = 5000},
         {"ready", 10, RESULT(T, 200), .timer_ms = 5000},
         {"idle", 5010, TIMER(5000), .start = H, .timer_ms = -1},
         {"500", 5020, RESULT(H, 500), .timer_ms = 500, .lost = true},
         {"asked over the same connection", 5520, TIMER(0), .start = P, .timer_ms = -1},
         {"ready", 5530, RESULT(P, 200), .timer_ms = 5000, .up = true, .outage_ms = 510},
     }},
    {"refused, for as long as it takes",
     {
         {"suspected", 0, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"refused", 1, RESULT(P, 0), .timer_ms = 499, .lost = true},
         {"others say so too", 2, SUSPECT, .timer_ms = 498},
         {"again", 500, TIMER(0), .start = P, .timer_ms = 500, .fresh = P},
         {"it hangs; a patient one beside it", 1000, TIMER(0), .start = T, .timer_ms = -1,
          .fresh = T},
         {"out of time: at once", 1500, RESULT(P, 0), .start = P, .timer_ms = -1, .fresh = P},
         {"refused", 1501, RESULT(P, 0), .timer_ms = 499},
         {"again", 2000, TIMER(0), .start = P, .timer_ms = -1, .fresh = P},
         {"ready", 2003, RESULT(P, 200), .cancel = T, .timer_ms = -1, .up = true,
          .outage_ms = 2003},
     }},
    {"a slow link: the patient one gets through",
     {
         {"suspected", 0, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"out of time", 1000, RESULT(P, 0), .start = P | T, .timer_ms = -1, .fresh = P | T,
          .lost = true},
         {"out of time", 2000, RESULT(P, 0), .start = P, .timer_ms = -1, .fresh = P},
         {"ready", 2500, RESULT(T, 200), .cancel = P, .timer_ms = -1, .up = true,
          .outage_ms = 2500},
     }},
    {"the patient one is repeated",
     {
         {"suspected", 0, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"patient", 1000, TIMER(0), .start = T, .timer_ms = -1, .fresh = T},
         {"refused", 1001, RESULT(T, 0), .timer_ms = 7999, .lost = true},
         {"not yet", 8999, TIMER(0), .timer_ms = 1},
         {"now", 9000, TIMER(0), .start = T, .timer_ms = -1, .fresh = T},
     }},
    {"etcd is away: /readyz takes long to say so, and is then given the time",
     {
         {"suspected", 0, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"out of time", 1000, RESULT(P, 0), .start = P | T, .timer_ms = -1, .fresh = P | T,
          .lost = true},
         {"out of time", 2000, RESULT(P, 0), .start = P, .timer_ms = -1, .fresh = P},
         {"not ready", 2900, RESULT(T, 500), .cancel = P, .start = P, .timer_ms = -1},
         {"not ready", 4900, RESULT(P, 500), .start = P, .timer_ms = -1},
         {"ready", 5100, RESULT(P, 200), .timer_ms = -1, .up = true, .outage_ms = 5100},
     }},
    {"a false alarm",
     {
         {"suspected", 0, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"ready", 9, RESULT(P, 200), .timer_ms = -1, .up = true, .outage_ms = 0},
     }},
    {"reachable, but not for us to ask",
     {
         {"first stream", 0, WATCHED, .start = T, .timer_ms = 5000},
         {"403", 5, RESULT(T, 403), .timer_ms = 5000},
         {"suspected", 10, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"403", 19, RESULT(P, 403), .timer_ms = 5000, .up = true, .outage_ms = 0},
         {"suspected", 100, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"404", 109, RESULT(P, 404), .timer_ms = 5000, .up = true, .outage_ms = 0},
         {"suspected", 200, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"401", 209, RESULT(P, 401), .timer_ms = 5000, .up = true, .outage_ms = 0},
     }},
    {"a 403 from a server that let us ask before: it is starting",
     {
         {"first stream", 0, WATCHED, .start = T, .timer_ms = 5000},
         {"ready", 10, RESULT(T, 200), .timer_ms = 5000},
         {"suspected", 20, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"403", 30, RESULT(P, 403), .timer_ms = 490, .lost = true},
         {"again, over the connection that answered", 520, TIMER(0), .start = P, .timer_ms = -1},
         {"ready", 530, RESULT(P, 200), .timer_ms = 5000, .up = true, .outage_ms = 510},
     }},
    {"starting: 500, then ready",
     {
         {"suspected", 0, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"not ready", 5, RESULT(P, 500), .timer_ms = 495, .lost = true},
         {"again", 500, TIMER(0), .start = P, .timer_ms = -1},
         {"ready", 505, RESULT(P, 200), .timer_ms = -1, .up = true, .outage_ms = 505},
     }},
    {"not ready for too long: used nevertheless",
     {
         {"suspected", 0, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"not ready", 5, RESULT(P, 500), .timer_ms = 495, .lost = true},
         {"again", 29900, TIMER(0), .start = P, .timer_ms = -1},
         {"not ready", 30004, RESULT(P, 500), .timer_ms = 396},
         {"again", 30400, TIMER(0), .start = P, .timer_ms = -1},
         {"not ready", 30405, RESULT(P, 500), .timer_ms = -1, .up = true, .outage_ms = 30405},
         {"a doubt", 40000, DOUBT, .start = T, .timer_ms = -1},
         {"not ready, as known", 40001, RESULT(T, 500), .timer_ms = -1},
         {"a doubt", 50000, DOUBT, .start = T, .timer_ms = -1},
         {"ready", 50001, RESULT(T, 200), .timer_ms = -1},
         {"a doubt", 60000, DOUBT, .start = T, .timer_ms = -1},
         {"not ready again", 60001, RESULT(T, 500), .timer_ms = 500, .lost = true},
     }},
    {"alive is not ready: what was used nevertheless still is",
     {
         {"first stream", 0, WATCHED, .start = T, .timer_ms = 5000},
         {"not ready", 5, RESULT(T, 500), .timer_ms = 500, .lost = true},
         {"again", 30100, TIMER(0), .start = P, .timer_ms = -1},
         {"not ready", 30105, RESULT(P, 500), .timer_ms = 5000, .up = true, .outage_ms = 30100},
         {"idle", 35105, TIMER(5000), .start = H, .timer_ms = -1},
         {"alive", 35106, RESULT(H, 200), .timer_ms = 5000},
         {"a doubt", 40000, DOUBT, .start = T, .timer_ms = 5000},
         {"not ready, as known", 40001, RESULT(T, 500), .timer_ms = 5000},
     }},
    {"silence in between: the time of trouble starts anew",
     {
         {"suspected", 0, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"not ready", 5, RESULT(P, 500), .timer_ms = 495, .lost = true},
         {"again", 20000, TIMER(0), .start = P, .timer_ms = -1},
         {"refused", 20001, RESULT(P, 0), .start = T, .timer_ms = 499, .fresh = T},
         {"again", 31000, TIMER(0), .start = P, .timer_ms = -1, .fresh = P},
         {"not ready", 31001, RESULT(P, 500), .cancel = T, .timer_ms = 499},
     }},
    {"429 with Retry-After on the probe",
     {
         {"suspected", 0, SUSPECT, .start = P, .timer_ms = 1000, .fresh = P, .reset = true},
         {"in 7 s", 5, RESULT_AFTER(P, 429, 7000), .timer_ms = 7000, .lost = true},
         {"not before", 1000, TIMER(0), .timer_ms = 6005},
         {"others suspect", 1001, SUSPECT, .timer_ms = 6004},
         {"now", 7005, TIMER(0), .start = P, .timer_ms = -1},
         {"ready", 7006, RESULT(P, 200), .timer_ms = -1, .up = true, .outage_ms = 7006},
     }},
    {"429 while it is up: it lives, and is left alone",
     {
         {"first stream", 0, WATCHED, .start = T, .timer_ms = 5000},
         {"in 20 s", 10, RESULT_AFTER(T, 429, 20000), .timer_ms = 20000},
         {"a doubt has to wait", 1000, DOUBT, .timer_ms = 19010},
         {"now", 20010, TIMER(19000), .start = H, .timer_ms = -1},
         {"in 3 s", 20011, RESULT_AFTER(H, 429, 3000), .timer_ms = 5000},
     }},
    {"a doubt that is right: down without dropping connections",
     {
         {"first stream", 0, WATCHED, .start = T, .timer_ms = 5000},
         {"ready", 10, RESULT(T, 200), .timer_ms = 5000},
         {"a doubt right after is not asked", 500, DOUBT, .timer_ms = 5000},
         {"a doubt", 2000, DOUBT, .start = T, .timer_ms = 5000},
         {"another while asking", 2001, DOUBT, .timer_ms = 5000},
         {"not ready", 2010, RESULT(T, 503), .timer_ms = 500, .lost = true},
         {"asked again over the same", 2510, TIMER(0), .start = P, .timer_ms = -1},
         {"a request dies after all", 2511, SUSPECT, .cancel = P, .timer_ms = 499, .reset = true},
         {"again", 3010, TIMER(0), .start = P | T, .timer_ms = -1, .fresh = P | T},
         {"another", 3011, SUSPECT, .timer_ms = -1},
         {"ready", 3020, RESULT(T, 200), .cancel = P, .timer_ms = 5000, .up = true,
          .outage_ms = 1010},
     }},
    {"stopping: not ready, then gone",
     {
         {"first stream", 0, WATCHED, .start = T, .timer_ms = 5000},
         {"ready", 10, RESULT(T, 200), .timer_ms = 5000},
         {"a doubt", 2000, DOUBT, .start = T, .timer_ms = 5000},
         {"not ready", 2010, RESULT(T, 500), .timer_ms = 500, .lost = true},
         {"again", 2510, TIMER(0), .start = P, .timer_ms = -1},
         {"gone", 2511, RESULT(P, 0), .timer_ms = 499, .reset = true},
         {"again", 3010, TIMER(0), .start = P | T, .timer_ms = -1, .fresh = P | T},
     }},
    {"a doubt that is not answered in all that time",
     {
         {"a doubt", 2000, DOUBT, .start = T, .timer_ms = -1},
         {"silent", 12000, RESULT(T, 0), .start = P, .timer_ms = 1000, .fresh = P, .reset = true,
          .lost = true},
     }},
    {"a heartbeat under way when the server is suspected",
     {
         {"first stream", 0, WATCHED, .start = T, .timer_ms = 5000},
         {"ready", 10, RESULT(T, 200), .timer_ms = 5000},
         {"idle", 5010, TIMER(5000), .start = H, .timer_ms = -1},
         {"suspected", 5011, SUSPECT, .start = P, .cancel = H, .timer_ms = 1000, .fresh = P,
          .reset = true},
     }},
    {"a heartbeat under way when a doubt is right",
     {
         {"first stream", 0, WATCHED, .start = T, .timer_ms = 5000},
         {"ready", 10, RESULT(T, 200), .timer_ms = 5000},
         {"idle", 5010, TIMER(5000), .start = H, .timer_ms = -1},
         {"a doubt", 5011, DOUBT, .start = T, .timer_ms = -1},
         {"not ready", 5012, RESULT(T, 500), .cancel = H, .timer_ms = 500, .lost = true},
     }},
};

START_TEST(scenario)
{
    struct availability availability;
    availability_init(&availability);
    const char *name = scenarios[_i].name;
    for (size_t i = 0; i < MOVES_MAX && scenarios[_i].moves[i].what != NULL; i++) {
        const struct move *move = &scenarios[_i].moves[i];
        struct availability_input input = move->input;
        input.random = AVAILABILITY_INTERVAL_MS / 5;
        struct availability_output out;
        availability_step(&availability, &input, move->at_ms, &out);
        ck_assert_msg(out.start == move->start, "%s: %s: started %u", name, move->what, out.start);
        ck_assert_msg(out.cancel == move->cancel, "%s: %s: cancelled %u", name, move->what,
                      out.cancel);
        ck_assert_msg(out.timer_ms == move->timer_ms, "%s: %s: timer %d", name, move->what,
                      (int)out.timer_ms);
        ck_assert_msg(out.fresh == move->fresh, "%s: %s: fresh %u", name, move->what, out.fresh);
        ck_assert_msg(out.reset == move->reset, "%s: %s: reset", name, move->what);
        ck_assert_msg(out.went_down == move->lost, "%s: %s: lost", name, move->what);
        ck_assert_msg(out.came_up == move->up, "%s: %s: up", name, move->what);
        ck_assert_msg(out.outage_ms == move->outage_ms, "%s: %s: outage %d", name, move->what,
                      (int)out.outage_ms);
    }
}
END_TEST

START_TEST(probes_are_jittered_by_a_fifth)
{
    int64_t least = INT64_MAX;
    int64_t most = 0;
    for (uint64_t random = 0; random < 1000; random++) {
        struct availability availability;
        struct availability_output out;
        availability_init(&availability);
        availability_step(
            &availability,
            &(struct availability_input){.type = AVAILABILITY_IN_SUSPECT, .random = random}, 0,
            &out);
        int64_t next = availability.probe_ms;
        least = next < least ? next : least;
        most = next > most ? next : most;
    }
    ck_assert_int_eq(least, 400);
    ck_assert_int_eq(most, 600);
}
END_TEST

/* A driver with a server that answers anything: what is under way and when it will be done. */
struct driver {
    struct availability availability;
    int64_t now_ms;
    int64_t timer_at_ms;
    int64_t done_ms[3];
    unsigned pending;
    int starts;
    uint64_t seed;
};

static uint64_t roll(struct driver *driver, uint64_t bound)
{
    driver->seed = driver->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (driver->seed >> 33) % bound;
}

static void feed(struct driver *driver, struct availability_input input)
{
    struct availability_output out;
    input.random = roll(driver, 1000000);
    input.idle_ms = (int64_t)roll(driver, 7000);
    availability_step(&driver->availability, &input, driver->now_ms, &out);
    unit_holds((out.cancel & ~driver->pending) == 0);
    driver->pending &= ~out.cancel;
    unit_holds((out.start & driver->pending) == 0);
    unit_holds(!out.reset || (driver->pending & ~out.start) == 0);
    for (unsigned i = 0; i < 3; i++) {
        if ((out.start & 1u << i) != 0) {
            driver->pending |= 1u << i;
            driver->done_ms[i] = driver->now_ms + 1 + (int64_t)roll(driver, 1000);
            driver->starts++;
        }
    }
    driver->timer_at_ms = out.timer_ms < 0 ? INT64_MAX : driver->now_ms + out.timer_ms;
    /* it never stops asking while the server is down, nor while it is watched */
    unit_holds(driver->pending != 0 || out.timer_ms >= 0);
    unit_holds(!driver->availability.down || (driver->pending & (P | T)) != 0 || out.timer_ms >= 0);
}

static void advance_time(struct driver *driver)
{
    static const int statuses[] = {0, 0, 200, 500, 503, 429, 403};
    int64_t next = driver->timer_at_ms;
    int which = -1;
    for (int i = 0; i < 3; i++) {
        if ((driver->pending & 1u << i) != 0 && driver->done_ms[i] < next) {
            next = driver->done_ms[i];
            which = i;
        }
    }
    driver->now_ms = next > driver->now_ms ? next : driver->now_ms;
    if (which < 0) {
        feed(driver, (struct availability_input){.type = AVAILABILITY_IN_TIMER});
        return;
    }
    driver->pending &= ~(1u << which);
    int status = statuses[roll(driver, ARRAY_LEN(statuses))];
    feed(driver,
         (struct availability_input)RESULT_AFTER((enum availability_request)(1u << which), status,
                                                 status == 429 ? (int64_t)roll(driver, 3000) : 0));
}

START_TEST(random_walk_never_stops_and_never_hammers)
{
    struct driver driver = {.timer_at_ms = INT64_MAX, .seed = 7};
    availability_init(&driver.availability);
    feed(&driver, (struct availability_input)WATCHED);
    for (int i = 0; i < 200000; i++) {
        if (roll(&driver, 20) == 0) {
            struct availability_input inputs[] = {SUSPECT, DOUBT};
            feed(&driver, inputs[roll(&driver, 2)]);
        } else {
            advance_time(&driver);
        }
    }
    /* 2.5 probes a second at the most, a doubt a second, and what a reset starts anew */
    int64_t seconds = driver.now_ms / 1000 + 1;
    ck_assert_int_lt(driver.starts, seconds * 5);
    ck_assert_int_gt(driver.starts, seconds / 10);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("availability");
    TCase *c = tcase_create("availability");
    tcase_add_loop_test(c, scenario, 0, ARRAY_LEN(scenarios));
    tcase_add_test(c, probes_are_jittered_by_a_fifth);
    tcase_add_test(c, random_walk_never_stops_and_never_hammers);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
