/*
 * The whole transaction over a file system that forgets what was not synced: the power is cut, the
 * process ends, or a call fails, at each single one of its calls.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "unit/simfs.h"
#include "unit/staticpod_rig.h"
#include "unit/unit.h"

#define MANIFESTS "/manifests"
#define FILE_PATH MANIFESTS "/" RIG_NAME
#define JOURNALS "/lib/yurt-steward"
#define LABEL "system_u:object_r:etc_t:s0"

enum {
    MODE = 0640,
    OWNING_GROUP = 7,
    WAYS = 6, /* of losing what was not synced */
};

/* What is put in force, what was there, and how it must end. */
struct story {
    const char *name;
    const char *wanted; /* words for staticpod_rig_manifest */
    const char *end;
    bool latched;
    bool revert; /* first in force, then reverted */
};

static const struct story stories[] = {
    {.name = "good", .wanted = "new", .end = "new"},
    {.name = "broken", .wanted = "broken", .end = "old", .latched = true},
    {.name = "revert", .wanted = "new", .end = "old", .revert = true},
};

struct world {
    const struct story *story;
    struct simfs *sim;
    struct staticpod_rig rig;
    char *old_text;
    char *wanted;
};

static char *peek(void *arg)
{
    struct world *world = arg;
    const struct simfs_data *data = simfs_peek(world->sim, FILE_PATH);
    return data != NULL ? xstrndup(data->bytes, data->len) : NULL;
}

static void check_name(void *arg, const char *name)
{
    (void)arg;
    unit_holds(strcmp(name, RIG_NAME) == 0 || strcmp(name, RIG_STAGED) == 0);
}

/* What must hold at every moment: one manifest, whole, the old or the new, as it was owned. */
static void check_always(void *arg)
{
    struct world *world = arg;
    const struct simfs_data *data = simfs_peek(world->sim, FILE_PATH);
    unit_holds(data != NULL);
    unit_holds(strcmp(data->bytes, world->old_text) == 0 ||
               strcmp(data->bytes, world->wanted) == 0);
    unit_holds(data->len == strlen(data->bytes) && data->mode == MODE);
    unit_holds(data->uid == geteuid() && data->gid == OWNING_GROUP);
    unit_holds(data->label != NULL && strcmp(data->label, LABEL) == 0);
    simfs_names(world->sim, MANIFESTS, check_name, NULL);
}

static void world_start(struct world *world, const struct story *story)
{
    *world = (struct world){.story = story, .sim = simfs_create()};
    world->old_text = staticpod_rig_manifest("old");
    world->wanted = staticpod_rig_manifest(story->wanted);
    simfs_make_dir(world->sim, MANIFESTS);
    simfs_make_dir(world->sim, "/lib");
    simfs_make_file(world->sim, FILE_PATH, world->old_text, MODE, geteuid(), OWNING_GROUP, LABEL);
    staticpod_rig_init(&world->rig, &simfs_ops, world->sim);
    world->rig.manifests = MANIFESTS;
    world->rig.journals = JOURNALS;
    world->rig.peek = peek;
    world->rig.arg = world;
    staticpod_rig_want(&world->rig, world->wanted);
    if (story->revert) {
        staticpod_rig_settle(&world->rig, NULL);
        unit_holds(staticpod_rig_happened(&world->rig, TRANSACTION_COMMITTED));
        staticpod_rig_kill(&world->rig);
        simfs_power_cut(world->sim, SIMFS_LOSE_ALL); /* committed is committed */
        world->rig.input.revert = true;
        staticpod_rig_want(&world->rig, NULL);
    }
    simfs_restart(world->sim);
    world->sim->observe = check_always;
    world->sim->observe_arg = world;
}

static void world_finish(struct world *world)
{
    staticpod_rig_finish(&world->rig);
    simfs_destroy(world->sim);
    free(world->old_text);
    free(world->wanted);
}

static void count_name(void *arg, const char *name)
{
    (void)name;
    (*(int *)arg)++;
}

static int count(struct world *world, const char *dir)
{
    int names = 0;
    simfs_names(world->sim, dir, count_name, &names);
    return names;
}

/* Without further faults it comes to the end that the story has; the next start finds nothing to do
 * and leaves nothing behind. */
static void check_end(struct world *world)
{
    staticpod_rig_settle(&world->rig, NULL);
    staticpod_rig_kill(&world->rig);
    world->rig.events = 0;
    staticpod_rig_settle(&world->rig, NULL);
    unit_holds(world->rig.events == 0);
    check_always(world);
    AUTO_FREE char *text = peek(world);
    AUTO_FREE char *end = staticpod_rig_manifest(world->story->end);
    unit_holds(strcmp(text, end) == 0);
    const struct journal *journal = keeper_journal(world->rig.keeper);
    unit_holds(journal->phase == JOURNAL_IDLE);
    unit_holds((journal->latch.wanted[0] != '\0') == world->story->latched);
    bool in_force = strcmp(world->story->end, "new") == 0;
    unit_holds((journal->original != NULL) == in_force);
    unit_holds(journal->original == NULL || strcmp(journal->original->bytes, world->old_text) == 0);
    unit_holds(count(world, MANIFESTS) == 1);
    unit_holds(count(world, JOURNALS "/" RIG_NAME) == (in_force ? 2 : 1));
}

/* Runs with the process ending at call `at`; false: it came to its end before. */
static bool run_until(struct world *world, long at)
{
    world->sim->end_at = at;
    staticpod_rig_settle(&world->rig, &world->sim->ended);
    bool ended = world->sim->ended;
    staticpod_rig_kill(&world->rig);
    return ended;
}

START_TEST(power_cut_at_every_call)
{
    const struct story *story = &stories[_i];
    bool more = true;
    long at = 0;
    while (more) {
        at++;
        for (unsigned way = 0; way < WAYS; way++) {
            struct world world;
            world_start(&world, story);
            more = run_until(&world, at);
            simfs_power_cut(world.sim, way);
            check_always(&world);
            check_end(&world);
            world_finish(&world);
        }
    }
    ck_assert_int_gt(at, 100);
}
END_TEST

/* The process is killed, the next one starts, and then the power goes: what the first one did may
 * be seen and not on the disk. */
START_TEST(power_cut_after_a_kill)
{
    const struct story *story = &stories[_i];
    bool more = true;
    for (long first = 1; more; first++) {
        bool more_then = true;
        for (long then = 1 + first % 5; more_then; then += then < 40 ? 5 : 37) {
            struct world world;
            world_start(&world, story);
            more = run_until(&world, first);
            simfs_restart(world.sim);
            more_then = run_until(&world, then);
            simfs_power_cut(world.sim, then % 2 == 0 ? SIMFS_LOSE_ALL : (unsigned)(first + then));
            check_end(&world);
            world_finish(&world);
        }
    }
}
END_TEST

/* One call fails, done or not; the same process goes on. */
START_TEST(every_call_fails_once)
{
    static const int numbers[] = {EIO, ENOSPC, EINTR};
    const struct story *story = &stories[_i % 3];
    int number = numbers[_i / 3];
    long calls = LONG_MAX;
    for (long at = 1; at <= calls; at++) {
        for (int done = 0; done < 2; done++) {
            struct world world;
            world_start(&world, story);
            world.sim->fail_at = at;
            world.sim->fail_errno = number;
            world.sim->fail_done = done == 1;
            staticpod_rig_settle(&world.rig, NULL);
            calls = world.sim->calls;
            check_end(&world);
            world_finish(&world);
        }
    }
}
END_TEST

/* From one call on, none goes well any more: nothing is damaged, and when the disk is good again it
 * goes on, also over a power cut. */
START_TEST(disk_fails_for_good)
{
    static const int numbers[] = {EIO, ENOSPC};
    const struct story *story = &stories[_i % 3];
    bool more = true;
    for (long at = 1; more; at++) {
        struct world world;
        world_start(&world, story);
        world.sim->fail_at = at;
        world.sim->fail_errno = numbers[_i / 3];
        world.sim->fail_forever = true;
        for (int turn = 0; turn < 60; turn++) {
            staticpod_rig_turn(&world.rig);
        }
        more = world.sim->calls >= at;
        check_always(&world);
        world.sim->fail_at = 0;
        if (at % 2 == 0) {
            staticpod_rig_kill(&world.rig);
            simfs_power_cut(world.sim, (unsigned)at);
        }
        check_end(&world);
        world_finish(&world);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("staticpod power");
    TCase *c = tcase_create("power");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, power_cut_at_every_call, 0, 3);
    tcase_add_loop_test(c, power_cut_after_a_kill, 0, 3);
    tcase_add_loop_test(c, every_call_fails_once, 0, 9);
    tcase_add_loop_test(c, disk_fails_for_good, 0, 6);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
