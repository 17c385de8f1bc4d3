#include "app/look.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/cluster.h"
#include "app/show.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "node/report.h"

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
    const struct look_wish *wish;
    bool leases;                /* they were read */
    struct json_object *events; /* NULL: not read yet */
    uint64_t events_request;    /* 0: none under way */
    struct json_object *nodes;  /* NULL: there is none, or not read yet */
    uint64_t nodes_request;     /* 0: none under way */
    bool nodes_read;
    int status;
};

static void fail(struct look *look, const char *what)
{
    fprintf(stderr, "yurt-steward %s: %s\n", look->wish->verb, what);
    look->status = LOOK_FAILED;
    loop_stop(look->loop);
}

static void on_events(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct look *look = arg;
    look->events_request = 0;
    if (err != NULL) {
        fail(look, err->text);
        return;
    }
    const struct json_object *items = json_member(reply->json, "items");
    look->events = json_is_array(items) ? json_ref(items) : json_new_array();
    loop_timer_arm(look->check, 0);
}

/* At most so many: the newest can't be asked for, but there are few, by the correlator's limits. */
static void read_events(struct look *look)
{
    struct buf path = BUF_INIT(4096);
    buf_puts(&path, "/apis/events.k8s.io/v1/namespaces/kube-system/events");
    kube_query_add(&path, "fieldSelector", "reportingController=yurt-steward");
    kube_query_add(&path, "limit", "500");
    const struct kube_request request = {.method = "GET", .path = buf_str(&path)};
    look->events_request = kube_submit(cluster_client(look->cluster), &request, on_events, look);
    buf_finish(&path);
}

/* Where no agent runs there is none, and who may not see it is told of the rest. */
static void on_nodes(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct look *look = arg;
    look->nodes_request = 0;
    if (err != NULL && err->kind != ERR_NOT_FOUND && err->kind != ERR_DENIED) {
        fail(look, err->text);
        return;
    }
    look->nodes = err == NULL ? json_ref(reply->json) : NULL;
    look->nodes_read = true;
    loop_timer_arm(look->check, 0);
}

static void read_nodes(struct look *look)
{
    AUTO_FREE char *path = kube_path(&resource_configmap, "kube-system", REPORT_CONFIGMAP, NULL);
    const struct kube_request request = {.method = "GET", .path = path};
    look->nodes_request = kube_submit(cluster_client(look->cluster), &request, on_nodes, look);
}

/* Asks for what is read once and not watched; false: it is not all there yet. */
static bool read_rest(struct look *look, const struct world *world, int64_t wall_ms, int64_t now_ms)
{
    bool wanted = look->wish->leases || show_wants_leases(world, wall_ms, now_ms);
    if (wanted && !look->leases) {
        cluster_read_leases(look->cluster);
    }
    if (look->wish->rest && look->events == NULL && look->events_request == 0) {
        read_events(look);
    }
    if (look->wish->rest && !look->nodes_read && look->nodes_request == 0) {
        read_nodes(look);
    }
    return (!wanted || look->leases) &&
           (!look->wish->rest || (look->events != NULL && look->nodes_read));
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
    if (look->wish->intent != NULL) {
        intent_impose(look->wish->intent, &world->policy);
    }
    look->wanted = world_wanted_inputs(world) | look->wish->inputs;
    cluster_follow(look->cluster, look->wanted);
    if (!world_synced(world, look->wanted) || !read_rest(look, world, wall_ms, now_ms)) {
        return;
    }
    for (size_t i = 0; i < world->policy.problems_len; i++) {
        fprintf(stderr, "warning: ConfigMap kube-system/yurt-steward: %s\n",
                world->policy.problems[i]);
    }
    const struct look_rest rest = {look->events, look->nodes};
    look->status = look->wish->show(look->wish->arg, world, &rest, wall_ms, now_ms);
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
    look->leases = true;
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

static void run(struct look *look)
{
    look->check = loop_timer_create(look->loop, check, look);
    look->limit = loop_timer_create(look->loop, too_late, look);
    look->trouble = loop_timer_create(look->loop, trouble, look);
    loop_timer_arm(look->limit, LIMIT_MS);
    loop_timer_arm(look->trouble, TROUBLE_MS);
    kube_client_start(cluster_client(look->cluster), ready, look);
    loop_run(look->loop);
    kube_cancel(cluster_client(look->cluster), look->events_request);
    kube_cancel(cluster_client(look->cluster), look->nodes_request);
    loop_timer_destroy(look->check);
    loop_timer_destroy(look->limit);
    loop_timer_destroy(look->trouble);
}

int look_run(const struct kube_config *config, const struct look_wish *wish)
{
    struct look look = {.wish = wish,
                        .wanted = INPUT_BIT(INPUT_CONFIG) | INPUT_BIT(INPUT_STATE),
                        .status = LOOK_FAILED};
    const struct cluster_ops ops = {changed, leases_read, NULL, &look};
    struct err err;
    look.loop = loop_create();
    if (cluster_create(look.loop, config, &ops, &look.cluster, &err) < 0) {
        fprintf(stderr, "yurt-steward %s: %s\n", wish->verb, err.text);
    } else {
        run(&look);
        cluster_destroy(look.cluster);
    }
    json_unref(look.events);
    json_unref(look.nodes);
    loop_destroy(look.loop);
    return look.status;
}
