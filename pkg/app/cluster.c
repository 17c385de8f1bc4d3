#include "app/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "app/inputs.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"

struct cluster {
    struct loop *loop;
    struct loop_timer *tidy;
    struct cluster_ops ops;
    struct kube_client *client;
    struct world world;
    struct reflector *reflectors[INPUT_COUNT];
    struct input_watch watches[INPUT_COUNT]; /* what each running reflector was given */
    char *names[INPUT_COUNT];                /* the object or selector it was given */
    uint64_t lease_request;                  /* 0: none under way */
    struct world fresh_leases;               /* collects pages; only its leases are used */
};

enum {
    /* Behind the first of what came: a list is read by then, and of a busy watch every event
     * would be too often. */
    TIDY_MS = 3000,
};

/*
 * What was read is a hundred times as large, while it is being read, as what is kept of it, and
 * that lies scattered over the same memory.
 */
static void tidy(void *arg)
{
    (void)arg;
    memory_tidy();
}

static void tidy_soon(struct cluster *cluster)
{
    if (!loop_timer_armed(cluster->tidy)) {
        loop_timer_arm(cluster->tidy, TIDY_MS);
    }
}

static void world_changed(void *arg, enum input input)
{
    struct cluster *cluster = arg;
    tidy_soon(cluster);
    cluster->ops.changed(cluster->ops.arg, input);
}

static void client_warning(void *arg, const char *text)
{
    (void)arg;
    LOG_WARN("the API server warns", "warning", text);
}

static void client_distrust(void *arg, const char *what, const char *why)
{
    (void)arg;
    LOG_WARN(what, "error", why);
}

static void client_lost(void *arg, const char *why)
{
    (void)arg;
    LOG_WARN("API server not reachable, probing", "error", why);
}

static void client_recovered(void *arg, int64_t down_ms)
{
    AUTO_FREE char *down = xasprintf("%lld", (long long)down_ms);
    cluster_watches_anew(arg);
    LOG_INFO("API server reachable again", "downMs", down);
}

static void client_request(void *arg, const char *method, const char *path, int http_status,
                           int64_t duration_ms)
{
    struct cluster *cluster = arg;
    (void)path;
    tidy_soon(cluster);
    if (cluster->ops.request != NULL) {
        cluster->ops.request(cluster->ops.arg, method, http_status, duration_ms);
    }
}

int cluster_create(struct loop *loop, const struct kube_config *config,
                   const struct cluster_ops *ops, struct cluster **ret_cluster, struct err *err)
{
    struct cluster *cluster = xcalloc(1, sizeof(*cluster));
    const struct kube_client_observer observer = {
        .request = client_request,
        .warning = client_warning,
        .distrust = client_distrust,
        .lost = client_lost,
        .recovered = client_recovered,
        .arg = cluster,
    };
    if (kube_client_create(loop, config, USER_AGENT, &observer, &cluster->client, err) < 0) {
        free(cluster);
        return -1;
    }
    cluster->loop = loop;
    cluster->ops = *ops;
    cluster->fresh_leases.leases = STRMAP_INIT(free);
    cluster->tidy = loop_timer_create(loop, tidy, cluster);
    world_init(&cluster->world, world_changed, cluster);
    cluster->world.can_read_leases = true;
    *ret_cluster = cluster;
    return 0;
}

static void stop_input(struct cluster *cluster, enum input input)
{
    reflector_destroy(take_ptr(cluster->reflectors[input]));
    free(take_ptr(cluster->names[input]));
}

void cluster_destroy(struct cluster *cluster)
{
    if (cluster == NULL) {
        return;
    }
    kube_cancel(cluster->client, cluster->lease_request);
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        stop_input(cluster, input);
    }
    kube_client_destroy(cluster->client);
    loop_timer_destroy(cluster->tidy);
    strmap_finish(&cluster->fresh_leases.leases);
    world_finish(&cluster->world);
    free(cluster);
}

struct world *cluster_world(struct cluster *cluster)
{
    return &cluster->world;
}

struct kube_client *cluster_client(struct cluster *cluster)
{
    return cluster->client;
}

/* What tells one watch of an input from another: it changes with the policy. */
static char *watch_name(const struct input_watch *watch)
{
    return xasprintf("%s/%s", watch->spec.name != NULL ? watch->spec.name : "",
                     watch->spec.label_selector != NULL ? watch->spec.label_selector : "");
}

static void follow_input(struct cluster *cluster, enum input input)
{
    struct input_watch *watch = &cluster->watches[input];
    input_watch(input, &cluster->world.policy, watch);
    if (watch->spec.label_selector != NULL) {
        watch->spec.label_selector = watch->selector;
    }
    char *name = watch_name(watch);
    if (cluster->reflectors[input] != NULL && strcmp(cluster->names[input], name) == 0) {
        free(name);
        return;
    }
    if (cluster->reflectors[input] != NULL) {
        stop_input(cluster, input);
        store_clear(cluster->world.stores[input]);
    }
    cluster->names[input] = name;
    cluster->reflectors[input] = reflector_create(cluster->loop, cluster->client, &watch->spec,
                                                  cluster->world.stores[input]);
}

void cluster_follow(struct cluster *cluster, unsigned inputs)
{
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        if ((inputs & INPUT_BIT(input)) != 0) {
            follow_input(cluster, input);
        } else if (cluster->reflectors[input] != NULL) {
            stop_input(cluster, input);
            store_clear(cluster->world.stores[input]);
        }
    }
}

const char *cluster_blind(struct cluster *cluster, unsigned inputs, struct err *ret_err)
{
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        struct reflector_health health;
        if ((inputs & INPUT_BIT(input)) == 0 || cluster->reflectors[input] == NULL) {
            continue;
        }
        reflector_health(cluster->reflectors[input], &health);
        if (!health.synced && health.last_error.kind != ERR_NONE) {
            *ret_err = health.last_error;
            return input_name(input);
        }
    }
    return NULL;
}

bool cluster_health(struct cluster *cluster, enum input input, struct reflector_health *ret_health)
{
    if (cluster->reflectors[input] == NULL) {
        return false;
    }
    reflector_health(cluster->reflectors[input], ret_health);
    return true;
}

void cluster_watches_anew(struct cluster *cluster)
{
    cluster->world.watching_since_ms = loop_now_ms(cluster->loop);
}

void cluster_look_for_blindness(struct cluster *cluster)
{
    cluster->world.blind = 0;
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        struct reflector_health health;
        if (cluster_health(cluster, input, &health) && !health.watching &&
            health.last_error.http_status != 0) {
            cluster->world.blind |= INPUT_BIT(input);
        }
    }
}

bool cluster_stale(struct cluster *cluster, unsigned inputs)
{
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        struct reflector_health health;
        if ((inputs & INPUT_BIT(input)) != 0 && cluster_health(cluster, input, &health) &&
            health.stale) {
            return true;
        }
    }
    return false;
}

static void request_leases(struct cluster *cluster, const char *token);

static void end_leases(struct cluster *cluster, const struct err *err)
{
    cluster->lease_request = 0;
    cluster->world.leases_unreadable = err != NULL && err->http_status != 0;
    if (err == NULL) {
        world_take_leases(&cluster->world, &cluster->fresh_leases.leases, clock_wall_ms());
        cluster->world.leases_read = true;
        cluster->world.leases_read_ms = loop_now_ms(cluster->loop);
    }
    cluster->ops.leases(cluster->ops.arg, err);
}

static void on_leases(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct cluster *cluster = arg;
    if (err != NULL) {
        end_leases(cluster, err);
        return;
    }
    const struct json_object *items = json_member(reply->json, "items");
    for (size_t i = 0; i < json_array_len(items); i++) {
        world_add_lease(&cluster->fresh_leases, json_array_at(items, i));
    }
    const char *token = json_get_str_or(reply->json, "metadata/continue", "");
    if (*token != '\0') {
        request_leases(cluster, token);
    } else {
        end_leases(cluster, NULL);
    }
}

static void request_leases(struct cluster *cluster, const char *token)
{
    struct buf path = BUF_INIT(8192);
    AUTO_FREE char *base = kube_path(&resource_lease, "kube-node-lease", NULL, NULL);
    buf_puts(&path, base);
    kube_query_add(&path, "limit", "500");
    if (token != NULL) {
        kube_query_add(&path, "continue", token);
    }
    const struct kube_request request = {.method = "GET", .path = buf_str(&path)};
    cluster->lease_request = kube_submit(cluster->client, &request, on_leases, cluster);
    buf_finish(&path);
}

void cluster_read_leases(struct cluster *cluster)
{
    if (cluster->lease_request == 0) {
        strmap_clear(&cluster->fresh_leases.leases);
        request_leases(cluster, NULL);
    }
}

void cluster_written(struct cluster *cluster, enum input input, const struct json_object *json)
{
    struct object *object = NULL;
    struct err err;
    if (input == INPUT_NONE || json == NULL ||
        strcmp(json_get_str_or(json, "kind", ""), "Status") == 0) {
        return;
    }
    if (cluster->watches[input].spec.project(json, &object, &err) < 0) {
        /* the watch will bring it, too */
        LOG_WARN("what a write returned can't be read", "error", err.text);
        return;
    }
    store_put_written_take(cluster->world.stores[input], object, loop_now_ms(cluster->loop));
}
