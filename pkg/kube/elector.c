#include "kube/elector.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "kube/lease.h"
#include "kube/reflector.h"

static const char lease_ns[] = "kube-system";

enum {
    /* a request that takes longer than the time between two renewals is as good as failed */
    REQUEST_DEADLINE_MS = 5000,
    RELEASE_TRIES = 3,
};

struct elector {
    struct loop *loop;
    struct kube_client *client;
    struct elector_ops ops;
    struct lease lease;
    struct store *store;
    struct reflector *reflector;
    struct loop_timer *timer;
    struct loop_deferred *released;
    struct kube_up_watch *up;
    uint64_t request; /* 0: none under way */
    bool gained;      /* was said */
    bool over;        /* lost or released */
    int tries;        /* to give it up */
    void (*done)(void *arg);
    void *done_arg;
};

static void step(void *arg);

static void lose(struct elector *elector)
{
    LOG_WARN("the leadership was lost, standing by", "holder", lease_holder(&elector->lease));
    elector->gained = false;
    elector->ops.lost(elector->ops.arg);
    loop_timer_arm(elector->timer, 0);
}

static void gain(struct elector *elector)
{
    elector->gained = true;
    LOG_INFO("leading", "identity", elector->lease.identity);
    elector->ops.gained(elector->ops.arg);
}

static void on_answer(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct elector *elector = arg;
    elector->request = 0;
    lease_answer(&elector->lease, loop_now_ms(elector->loop), err == NULL ? reply->json : NULL,
                 err);
    if (err != NULL && err->kind != ERR_NOT_FOUND && err->kind != ERR_CONFLICT) {
        LOG_WARN("cannot read or renew the Lease", "error", err->text);
    }
    if (!elector->gained && lease_leads(&elector->lease, loop_now_ms(elector->loop))) {
        gain(elector);
    }
    loop_timer_arm(elector->timer, 0);
}

static void submit(struct elector *elector, const char *method, struct json_object *body,
                   kube_done_fn *done)
{
    bool create = method[1] == 'O'; /* POST goes to the collection */
    AUTO_FREE char *path =
        kube_path(&resource_lease, lease_ns, create ? NULL : elector->lease.name, NULL);
    const struct kube_request request = {
        .method = method, .path = path, .body = body, .deadline_ms = REQUEST_DEADLINE_MS};
    elector->request = kube_submit(elector->client, &request, done, elector);
    json_unref(body);
}

static void step(void *arg)
{
    struct elector *elector = arg;
    struct lease_next next;
    if (elector->over || elector->request != 0) {
        return; /* a request is answered, or ends by its deadline */
    }
    lease_next(&elector->lease, loop_now_ms(elector->loop), clock_wall_ms(),
               (uint32_t)loop_random(elector->loop, UINT32_MAX), &next);
    if (next.step != LEASE_WAIT && next.step != LEASE_LOST && !kube_client_up(elector->client)) {
        json_unref(next.body); /* server_up() goes on; until then only the loss is looked for */
        loop_timer_arm(elector->timer, LEASE_RETRY_MS);
        return;
    }
    switch (next.step) {
    case LEASE_WAIT:
        loop_timer_arm(elector->timer, next.wait_ms);
        break;
    case LEASE_GET:
        submit(elector, "GET", NULL, on_answer);
        break;
    case LEASE_CREATE:
        submit(elector, "POST", next.body, on_answer);
        break;
    case LEASE_UPDATE:
        submit(elector, "PUT", next.body, on_answer);
        break;
    case LEASE_LOST:
        lose(elector);
        break;
    }
}

static void observed(void *arg)
{
    struct elector *elector = arg;
    const struct object *object = store_only(elector->store);
    if (elector->over || !store_synced(elector->store)) {
        return;
    }
    lease_observe(&elector->lease, loop_now_ms(elector->loop),
                  object != NULL ? object->body : NULL);
    loop_timer_arm(elector->timer, 0);
}

static void server_up(void *arg)
{
    struct elector *elector = arg;
    if (elector->over) {
        return;
    }
    kube_cancel(elector->client, elector->request); /* what was sent before may never be answered */
    elector->request = 0;
    lease_hurry(&elector->lease, loop_now_ms(elector->loop));
    loop_timer_arm(elector->timer, 0);
}

static void say_released(void *arg)
{
    struct elector *elector = arg;
    elector->done(elector->done_arg);
}

struct elector *elector_create(struct loop *loop, struct kube_client *client, const char *name,
                               const char *identity, const struct elector_ops *ops)
{
    const struct reflector_spec spec = {
        .resource = &resource_lease, .ns = lease_ns, .name = name, .project = object_project_whole};
    struct elector *elector = xcalloc(1, sizeof(*elector));
    elector->loop = loop;
    elector->client = client;
    elector->ops = *ops;
    lease_init(&elector->lease, lease_ns, name, identity);
    elector->store = store_create(observed, elector);
    elector->timer = loop_timer_create(loop, step, elector);
    elector->released = loop_deferred_create(loop, say_released, elector);
    elector->up = kube_client_on_up(client, server_up, elector);
    elector->reflector = reflector_create(loop, client, &spec, elector->store);
    loop_timer_arm(elector->timer, 0);
    return elector;
}

void elector_destroy(struct elector *elector)
{
    if (elector == NULL) {
        return;
    }
    kube_cancel(elector->client, elector->request);
    reflector_destroy(elector->reflector);
    store_destroy(elector->store);
    kube_up_watch_destroy(elector->up);
    loop_timer_destroy(elector->timer);
    loop_deferred_destroy(elector->released);
    lease_finish(&elector->lease);
    free(elector);
}

int64_t elector_left_ms(const struct elector *elector)
{
    return elector->over ? 0 : lease_left_ms(&elector->lease, loop_now_ms(elector->loop));
}

bool elector_leads(const struct elector *elector)
{
    return elector_left_ms(elector) > 0;
}

const char *elector_rival(const struct elector *elector)
{
    return lease_rival(&elector->lease);
}

const char *elector_holder(const struct elector *elector)
{
    return lease_holder(&elector->lease);
}

static void give_up(struct elector *elector);

/* The renewal that was taken back may have arrived: what is there now can be given up. */
static void on_read_again(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct elector *elector = arg;
    elector->request = 0;
    if (err != NULL) {
        loop_deferred_schedule(elector->released);
        return;
    }
    lease_answer(&elector->lease, loop_now_ms(elector->loop), reply->json, NULL);
    give_up(elector);
}

static void on_released(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct elector *elector = arg;
    (void)reply;
    elector->request = 0;
    if (err != NULL && err->kind == ERR_CONFLICT && elector->tries++ < RELEASE_TRIES) {
        elector->lease.stale = true; /* what is answered is read, not written */
        submit(elector, "GET", NULL, on_read_again);
        return;
    }
    if (err != NULL) {
        LOG_WARN("cannot give the Lease up, it runs out by itself", "error", err->text);
    }
    loop_deferred_schedule(elector->released);
}

static void give_up(struct elector *elector)
{
    struct json_object *body = lease_release(&elector->lease, clock_wall_ms());
    if (body == NULL) {
        loop_deferred_schedule(elector->released);
        return;
    }
    submit(elector, "PUT", body, on_released);
}

void elector_release(struct elector *elector, void (*done)(void *arg), void *arg)
{
    elector->done = done;
    elector->done_arg = arg;
    elector->over = true;
    kube_cancel(elector->client, elector->request);
    give_up(elector);
}
