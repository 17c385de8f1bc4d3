#include "app/live_plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/cluster.h"
#include "app/show.h"
#include "base/clock.h"

enum {
    LIMIT_MS = 30000,
    TROUBLE_MS = 3000, /* a watch that can't be listed for so long is reported */
};

struct look {
    struct loop *loop;
    struct cluster *cluster;
    struct loop_timer *check; /* something changed: is everything there? */
    struct loop_timer *limit;
    struct loop_timer *trouble;
    unsigned wanted;
    const struct intent *intent; /* NULL: as the ConfigMap says */
    bool json;
    int status;
};

static void fail(struct look *look, const char *what)
{
    fprintf(stderr, "yurt-steward plan: %s\n", what);
    look->status = 2;
    loop_stop(look->loop);
}

static void check(void *arg)
{
    struct look *look = arg;
    struct world *world = cluster_world(look->cluster);
    int64_t wall_ms = clock_wall_ms();
    int64_t now_ms = loop_now_ms(look->loop);
    if (!world_synced(world, INPUT_BIT(INPUT_CONFIG))) {
        return;
    }
    world_read_policy(world);
    if (look->intent != NULL) {
        intent_impose(look->intent, &world->policy);
    }
    look->wanted = world_wanted_inputs(world);
    cluster_follow(look->cluster, look->wanted);
    if (!world_synced(world, look->wanted)) {
        return;
    }
    if (show_wants_leases(world, wall_ms, now_ms)) {
        cluster_read_leases(look->cluster);
        return;
    }
    for (size_t i = 0; i < world->policy.problems_len; i++) {
        fprintf(stderr, "warning: ConfigMap kube-system/yurt-steward: %s\n",
                world->policy.problems[i]);
    }
    look->status = show_plans(stdout, world, look->json, wall_ms, now_ms);
    loop_stop(look->loop);
}

static void changed(void *arg, enum input input)
{
    struct look *look = arg;
    (void)input;
    loop_timer_arm(look->check, 0);
}

static void leases_read(void *arg, const struct err *err)
{
    struct look *look = arg;
    if (err != NULL) {
        fail(look, err->text);
        return;
    }
    loop_timer_arm(look->check, 0);
}

/* Whether a watch has failed in a way that will not heal within this look. */
static void trouble(void *arg)
{
    struct look *look = arg;
    struct err err;
    const char *blind = cluster_blind(look->cluster, look->wanted, &err);
    if (blind != NULL) {
        err_wrap(&err, "cannot read %s", blind);
        fail(look, err.text);
        return;
    }
    loop_timer_arm(look->trouble, TROUBLE_MS);
}

static void too_late(void *arg)
{
    fail(arg, "the API server did not answer within 30 s");
}

static void ready(void *arg, const struct err *err)
{
    struct look *look = arg;
    if (err != NULL) {
        fail(look, err->text);
        return;
    }
    cluster_follow(look->cluster, look->wanted);
}

int live_plan(const struct kube_config *config, const struct intent *intent, bool json)
{
    struct look look = {.wanted = INPUT_BIT(INPUT_CONFIG) | INPUT_BIT(INPUT_STATE),
                        .intent = intent,
                        .json = json,
                        .status = 2};
    const struct cluster_ops ops = {changed, leases_read, &look};
    struct err err;
    look.loop = loop_create();
    if (cluster_create(look.loop, config, &ops, &look.cluster, &err) < 0) {
        fprintf(stderr, "yurt-steward plan: %s\n", err.text);
        loop_destroy(look.loop);
        return 2;
    }
    look.check = loop_timer_create(look.loop, check, &look);
    look.limit = loop_timer_create(look.loop, too_late, &look);
    look.trouble = loop_timer_create(look.loop, trouble, &look);
    loop_timer_arm(look.limit, LIMIT_MS);
    loop_timer_arm(look.trouble, TROUBLE_MS);
    kube_client_start(cluster_client(look.cluster), ready, &look);
    loop_run(look.loop);
    cluster_destroy(look.cluster);
    loop_timer_destroy(look.check);
    loop_timer_destroy(look.limit);
    loop_timer_destroy(look.trouble);
    loop_destroy(look.loop);
    return look.status;
}
