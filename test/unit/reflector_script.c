#include "unit/reflector_script.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

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
void scenario_run(const struct scenario *scenario)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct reflector_machine machine;
        int64_t now_ms = 1000000;
        reflector_machine_init(&machine, scenario->single, !scenario->streams, seed);
        for (size_t i = 0; i < SCENARIO_MOVES_MAX && scenario->moves[i].what != NULL; i++) {
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
