/*
 * The reflector's protocol: lists, watches and the errors that a server answers with. Scenarios in
 * capitals are named as in client-go's reflector_test.go, the behaviour is theirs.
 */
#include "unit/reflector_script.h"

#include <string.h>

#include "base/attr.h"
#include "unit/unit.h"

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
               {"429", 5, BUSY(0), {BACK_OFF(800), .doubt = true}},
               {"timer", 800, TIMER, {WATCH("10")}},
               {"429", 5, BUSY(7000), {WAIT(7000, 7800), .doubt = true}},
               {"the server is up: it said when", 5, UP(5000), {WAIT(6995, 6995)}},
               {"timer", 6995, TIMER, {CHECK}}}},
    {.name = "NoRelistOnTooManyRequests: 429 in the stream",
     .moves = {LISTED_AND_WATCHING,
               {"added", 10, EVENT("11"), {NOTHING, APPLIED}},
               {"429", 10, BUSY(2000), {WAIT(2000, 2800), .doubt = true}},
               {"timer", 2800, TIMER, {WATCH("11")}}}},
    {.name = "Retry-After on a list",
     .moves = {{"start", 0, START, {LIST("0", 500)}},
               {"429", 5, LIST_BUSY(3600000), {WAIT(300000, 300800), DISCARDED, .doubt = true}},
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
               {"429", 5, LIST_BUSY(0), {BACK_OFF(800), DISCARDED, .doubt = true}},
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
};

START_TEST(scenario_holds)
{
    scenario_run(&scenarios[_i]);
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
static Suite *suite(void)
{
    Suite *s = suite_create("reflector_machine");
    TCase *c = tcase_create("reflector_machine");
    tcase_add_loop_test(c, scenario_holds, 0, ARRAY_LEN(scenarios));
    tcase_add_test(c, huge_versions_are_refused);
    tcase_add_test(c, timeouts_are_spread);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
