/*
 * The reflector's machine under a server that answers anything, in any order that can be: it never
 * gets stuck, never hammers, and never watches from nowhere.
 */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "unit/reflector_script.h"
#include "unit/unit.h"

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
    unit_holds(walk->in_window <= 20);
}

static void check_invariants(struct walk *walk, const struct reflector_input *input,
                             const struct reflector_output *out)
{
    const struct reflector_machine *machine = &walk->machine;
    if (out->command == REFLECTOR_WATCH && !out->send_initial_events) {
        unit_holds(strcmp(out->version, "") != 0);
        unit_holds(strcmp(out->version, "0") != 0);
    }
    if (out->command == REFLECTOR_WAIT) {
        unit_holds(out->timer_ms > 0);
        unit_holds(out->timer_ms <= 300800);
    }
    if (out->store == REFLECTOR_APPLY || out->store == REFLECTOR_COMMIT) {
        unit_holds(strcmp(machine->held, input->version) == 0);
    }
    /* it is never stuck: what it waits for has a command or a timer behind it */
    unit_holds((machine->state == REFLECTOR_WAITING) ==
               (out->command == REFLECTOR_WAIT ||
                (out->command == REFLECTOR_NONE && machine->state == REFLECTOR_WAITING)));
    unit_holds(machine->state != REFLECTOR_WAITING || walk->timer_at_ms < INT64_MAX);
    unit_holds(machine->state != REFLECTOR_IDLE);
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
    Suite *s = suite_create("reflector_walk");
    TCase *c = tcase_create("reflector_walk");
    tcase_add_loop_test(c, random_walk, 0, 8);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
