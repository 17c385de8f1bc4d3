/* Which nodes count as alive when their clocks, or ours, are wrong. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "adjust/liveness.h"
#include "app/world.h"
#include "base/alloc.h"
#include "base/timefmt.h"
#include "unit.h"

enum {
    NOW_S = 1800000000, /* our clock at the first reading */
};

static struct world world;
static struct node node;

static void set_up(void)
{
    world_init(&world, NULL, NULL);
    node = (struct node){.ready = true};
    node.object.name = xstrdup("edge-1");
}

static void tear_down(void)
{
    free(node.object.name);
    world_finish(&world);
}

/* A reading at our `now_s`: the node's Lease says `renewed_s`. */
static void take_reading(int64_t now_s, int64_t renewed_s)
{
    struct world fresh;
    char stamp[TIMEFMT_SIZE];
    timefmt_micro(renewed_s * 1000, stamp);
    AUTO(json) struct json_object *lease = json_new_object();
    json_set_str(json_ensure_object(lease, "metadata"), "name", "edge-1");
    json_set_str(json_ensure_object(lease, "spec"), "renewTime", stamp);
    world_init(&fresh, NULL, NULL);
    world_add_lease(&fresh, lease);
    world_take_leases(&world, &fresh.leases, now_s * 1000);
    world_finish(&fresh);
    world.leases_read = true;
}

static bool alive(int64_t now_s)
{
    struct snapshot seen;
    world_snapshot(&world, now_s * 1000, &seen);
    return liveness_node(&seen, &node);
}

START_TEST(by_its_stamp_at_first)
{
    take_reading(NOW_S, NOW_S - 10);
    ck_assert(alive(NOW_S));
    ck_assert(!alive(NOW_S + 60));
    take_reading(NOW_S + 60, NOW_S - 10);
    ck_assert(!alive(NOW_S + 60));
}
END_TEST

START_TEST(clock_of_the_node_is_behind)
{
    take_reading(NOW_S, NOW_S - 300);
    ck_assert(!alive(NOW_S)); /* not known better yet */
    take_reading(NOW_S + 15, NOW_S - 290);
    ck_assert(alive(NOW_S + 15));
    take_reading(NOW_S + 30, NOW_S - 290);
    ck_assert(alive(NOW_S + 30));
    ck_assert(!alive(NOW_S + 70));
}
END_TEST

START_TEST(clock_of_the_node_is_ahead)
{
    take_reading(NOW_S, NOW_S + 3600);
    ck_assert(alive(NOW_S));
    take_reading(NOW_S + 60, NOW_S + 3600); /* it renews no more */
    ck_assert(!alive(NOW_S + 60));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node_leases");
    TCase *c = tcase_create("node_leases");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, by_its_stamp_at_first);
    tcase_add_test(c, clock_of_the_node_is_behind);
    tcase_add_test(c, clock_of_the_node_is_ahead);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
