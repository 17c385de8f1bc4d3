#include "control/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/strmap.h"
#include "base/timefmt.h"
#include "control/report.h"
#include "kube/managed_fields.h"

enum {
    MAY_AGAIN_MS = 1000
};

static const char field_manager[] = "yurt-steward";

struct engine {
    struct loop *loop;
    struct kube_client *client;
    struct engine_ops ops;
    struct workqueue *queue;
    struct contention *contention;
    struct report report;
    struct loop_deferred *pump;
    struct loop_timer *wake;
    struct kube_up_watch *up;
    /* the key that is being worked on, NULL when idle */
    char *key;
    int64_t started_ms;
    struct plan plan;
    size_t next;         /* index of the action that is sent or to be sent */
    uint64_t request;    /* the write or look under way, 0: none */
    struct strmap looks; /* keys whose last write met something unseen, with what to read first */
    char *culprit;       /* who undid the field that the action repairs; NULL: no repair */
    bool stopping;
    void (*idle)(void *arg);
    void *idle_arg;
};

/* An object to be read before a key is planned again. */
struct look {
    char *path;
    enum input input;
};

static void send_next(struct engine *engine);
static void work(struct engine *engine);

static int64_t now_of(const struct engine *engine)
{
    return loop_now_ms(engine->loop);
}

static void say_report(void *arg, const char *key, bool warning, const char *reason,
                       const char *message)
{
    struct engine *engine = arg;
    engine->ops.say(engine->ops.arg, key, warning, reason, message);
}

/* Of what was done, or could not be. */
static void say(struct engine *engine, bool warning, const char *reason, const char *message)
{
    report_acted(&engine->report, engine->key);
    engine->ops.say(engine->ops.arg, engine->key, warning, reason, message);
}

/* The key is done: what comes next for it was decided. */
static void finish_key(struct engine *engine, const char *result)
{
    engine->ops.finished(engine->ops.arg, engine->key, result, now_of(engine) - engine->started_ms);
    plan_finish(&engine->plan);
    workqueue_done(engine->queue, engine->key, now_of(engine));
    free(take_ptr(engine->key));
    free(take_ptr(engine->culprit));
    if (engine->stopping && engine->idle != NULL) {
        void (*idle)(void *) = take_ptr(engine->idle);
        idle(engine->idle_arg);
        return;
    }
    loop_deferred_schedule(engine->pump);
}

static void finish_well(struct engine *engine)
{
    workqueue_forget(engine->queue, engine->key);
    if (engine->plan.requeue_ms > 0) {
        workqueue_add_after(engine->queue, engine->key, engine->plan.requeue_ms, now_of(engine));
    }
    finish_key(engine, engine->plan.requeue_ms > 0 ? "requeue_after" : "success");
}

/*
 * The write failed: look again after a back-off. Without an answer nothing is tried until the
 * server is found again; a server that said when to come back is obeyed.
 */
static void finish_again(struct engine *engine, const struct err *err)
{
    if (err->kind == ERR_RETRY && err->http_status == 0) {
        kube_client_suspect(engine->client);
    }
    if (err->retry_after_ms > 0) {
        workqueue_add_after(engine->queue, engine->key, err->retry_after_ms, now_of(engine));
    } else {
        workqueue_add_rate_limited(engine->queue, engine->key, now_of(engine));
    }
    finish_key(engine, "error");
}

/*
 * Who undid the field: the manager that owns it now. A field that was removed is owned by nobody,
 * and removing leaves no trace of its own in managedFields; then the last writer of the object
 * that is named there is a hint, and said to be no more.
 */
static char *find_culprit(struct engine *engine, const struct action *action)
{
    const struct object *object = engine->ops.target(engine->ops.arg, action);
    struct field_owner owner;
    if (object == NULL || object->body == NULL) {
        return xstrdup("unknown");
    }
    if (managed_fields_owner(object->body, action->field, &owner)) {
        return field_owner_text(&owner);
    }
    if (managed_fields_newest(object->body, field_manager, &owner)) {
        AUTO_FREE char *text = field_owner_text(&owner);
        return xasprintf("unknown (the field was removed; last known writer: %s)", text);
    }
    return xstrdup("unknown");
}

static void say_contended(struct engine *engine, const struct action *action, int64_t wait_ms)
{
    char wait[TIMEFMT_SIZE];
    timefmt_duration(wait_ms - wait_ms % 1000 + 1000, wait);
    AUTO_FREE char *text = xasprintf(
        "%s/%s is undone again and again by %s; the next repair is in %s. Make that writer keep "
        "the field, or set %s to Ignore or Observe",
        action->resource->kind, action->name, engine->culprit, wait, engine->key);
    say(engine, true, "Contended", text);
}

/* Whether the action may go out now; otherwise the key comes back when it may. */
static bool admit(struct engine *engine, const struct action *action)
{
    bool first = false;
    int64_t wait_ms = 0;
    int64_t now = now_of(engine);
    free(take_ptr(engine->culprit));
    if (action->field == NULL) {
        if (action->verb == ACTION_DELETE &&
            contention_contended(engine->contention, engine->key, now, &wait_ms)) {
            workqueue_add_after(engine->queue, engine->key, wait_ms, now);
            return false;
        }
        return true;
    }
    engine->culprit = find_culprit(engine, action);
    struct contention_budget budget = engine->ops.budget(engine->ops.arg);
    if (contention_admit(engine->contention, engine->key, &budget, now, &wait_ms, &first)) {
        return true;
    }
    if (first) {
        say_contended(engine, action, wait_ms);
    }
    workqueue_add_after(engine->queue, engine->key, wait_ms, now);
    return false;
}

static void say_done(struct engine *engine, const struct action *action)
{
    if (action->event == NULL) {
        LOG_DEBUG("written", "adjustment", engine->key, "kind", action->resource->kind, "name",
                  action->name, "reason", action->reason);
        return;
    }
    AUTO_FREE char *text = engine->culprit != NULL
                               ? xasprintf("%s; undone by %s", action->reason, engine->culprit)
                               : xstrdup(action->reason);
    say(engine, false, action->event, text);
}

static void say_failed(struct engine *engine, const struct action *action, const struct err *err)
{
    AUTO_FREE char *text = xasprintf("cannot %s %s %s/%s: %s", action_verb_word(action->verb),
                                     action->resource->kind, action->ns, action->name, err->text);
    bool news = err->kind == ERR_INVALID || err->kind == ERR_DENIED;
    if (news) {
        say(engine, true, "WriteFailed", text);
    } else {
        LOG_INFO("write not done, looking again", "adjustment", engine->key, "error", text);
    }
}

/* --- a fresh look ---
 *
 * A conflict says that what was seen is not what is there; without a reply nobody knows. The watch
 * may be behind, or away itself, and a write planned on what it has brought would be sent blindly:
 * so the object is read first. As a list of one, since what may be watched may be listed: `get`
 * would be a permission of its own.
 */

static void look_destroy(void *value)
{
    struct look *look = value;
    free(look->path);
    free(look);
}

static char *look_path(const struct action *action)
{
    struct buf path = BUF_INIT(4096);
    AUTO_FREE char *collection = kube_path(action->resource, action->ns, NULL, NULL);
    AUTO_FREE char *selector = xasprintf("metadata.name=%s", action->name);
    buf_puts(&path, collection);
    kube_query_add(&path, "fieldSelector", selector);
    return buf_take(&path);
}

static void note_look(struct engine *engine, const struct action *action, const struct err *err)
{
    bool no_reply = err->kind == ERR_RETRY && err->http_status == 0;
    if (action->input == INPUT_NONE || (err->kind != ERR_CONFLICT && !no_reply)) {
        return;
    }
    struct look *look = xcalloc(1, sizeof(*look));
    look->path = look_path(action);
    look->input = action->input;
    strmap_set(&engine->looks, engine->key, look);
}

/* An object that is gone is left to the watch. */
static void on_looked(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct engine *engine = arg;
    engine->request = 0;
    if (err != NULL) {
        finish_again(engine, err);
        return;
    }
    const struct look *look = strmap_get(&engine->looks, engine->key);
    const struct action seen = {.input = look->input};
    const struct json_object *found = json_array_at(json_member(reply->json, "items"), 0);
    if (found != NULL) {
        engine->ops.written(engine->ops.arg, &seen, found);
    }
    strmap_remove(&engine->looks, engine->key);
    work(engine);
}

static void begin(struct engine *engine)
{
    const struct look *look = strmap_get(&engine->looks, engine->key);
    if (look == NULL) {
        work(engine);
        return;
    }
    const struct kube_request request = {.method = "GET", .path = look->path};
    engine->request = kube_submit(engine->client, &request, on_looked, engine);
}

/* --- writes --- */

static void on_written(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct engine *engine = arg;
    const struct action *action = &engine->plan.actions[engine->next];
    engine->request = 0;
    if (err != NULL && err->http_status == 415 && action->patch_type == PATCH_APPLY) {
        engine->ops.no_apply(engine->ops.arg);
    }
    bool gone = err != NULL && err->kind == ERR_NOT_FOUND && action->verb == ACTION_DELETE;
    if (err != NULL && !gone) {
        say_failed(engine, action, err);
        if (engine->culprit != NULL) {
            contention_refund(engine->contention, engine->key);
        }
        note_look(engine, action, err);
        finish_again(engine, err);
        return;
    }
    engine->ops.written(engine->ops.arg, action, gone ? NULL : reply->json);
    say_done(engine, action);
    engine->next++;
    send_next(engine);
}

/* The action's path with the parameters that every write carries. */
static char *action_path(const struct action *action)
{
    AUTO_FREE char *path = kube_path(action->resource, action->ns,
                                     action->verb == ACTION_CREATE ? NULL : action->name, NULL);
    struct buf text = BUF_INIT(4096);
    buf_puts(&text, path);
    if (action->verb != ACTION_DELETE) {
        kube_query_add(&text, "fieldManager", field_manager);
        kube_query_add(&text, "fieldValidation", "Strict");
    }
    if (action->patch_type == PATCH_APPLY) {
        kube_query_add(&text, "force", action->force ? "true" : "false");
    }
    return buf_take(&text);
}

static void submit(struct engine *engine, const struct action *action, int64_t send_within_ms)
{
    static const char *const methods[] = {
        [ACTION_CREATE] = "POST",
        [ACTION_PATCH] = "PATCH",
        [ACTION_DELETE] = "DELETE",
        [ACTION_REPLACE] = "PUT",
    };
    AUTO_FREE char *path = action_path(action);
    const struct kube_request request = {
        .method = methods[action->verb],
        .path = path,
        .content_type = patch_type_content(action->patch_type),
        .body = action->body,
        .send_within_ms = send_within_ms,
    };
    engine->request = kube_submit(engine->client, &request, on_written, engine);
}

static void send_next(struct engine *engine)
{
    if (engine->next == engine->plan.actions_len || engine->stopping) {
        if (!engine->stopping) {
            engine->ops.reconciled(engine->ops.arg, engine->key, &engine->plan);
        }
        finish_well(engine);
        return;
    }
    const struct action *action = &engine->plan.actions[engine->next];
    int64_t may_ms = engine->ops.may_write_ms(engine->ops.arg);
    if (may_ms == 0) {
        workqueue_add(engine->queue, engine->key, now_of(engine));
        finish_key(engine, "requeue_after");
        return;
    }
    if (!admit(engine, action)) {
        finish_key(engine, "requeue_after");
        return;
    }
    submit(engine, action, may_ms);
}

static void work(struct engine *engine)
{
    enum engine_leave leave =
        engine->ops.plan(engine->ops.arg, engine->key, now_of(engine), &engine->plan);
    if (leave == ENGINE_SKIP) {
        finish_well(engine);
        return;
    }
    const struct report_sink sink = {say_report, engine};
    int64_t again_ms = report_plan(&engine->report, engine->key, &engine->plan,
                                   leave == ENGINE_OBSERVE, now_of(engine), &sink);
    if (again_ms > 0) {
        plan_requeue(&engine->plan, again_ms);
    }
    if (engine->plan.wants_leases) {
        engine->ops.read_leases(engine->ops.arg, engine->key);
        finish_well(engine);
        return;
    }
    if (engine->plan.dns_len > 0) {
        engine->ops.ask_dns(engine->ops.arg, engine->key, &engine->plan);
    }
    engine->next = leave == ENGINE_WRITE ? 0 : engine->plan.actions_len;
    send_next(engine);
}

static void pump(void *arg)
{
    struct engine *engine = arg;
    if (engine->key != NULL || engine->stopping || !kube_client_up(engine->client)) {
        return;
    }
    if (engine->ops.may_write_ms(engine->ops.arg) == 0) {
        /* a leadership that lapsed for a moment is renewed without a word */
        loop_timer_arm(engine->wake, MAY_AGAIN_MS);
        return;
    }
    const char *key = workqueue_get(engine->queue, now_of(engine));
    if (key != NULL) {
        engine->key = xstrdup(key);
        engine->started_ms = now_of(engine);
        begin(engine);
        return;
    }
    int64_t next = workqueue_next_ms(engine->queue);
    if (next >= 0) {
        loop_timer_arm(engine->wake, next - now_of(engine));
    }
}

static void server_up(void *arg)
{
    struct engine *engine = arg;
    loop_deferred_schedule(engine->pump);
}

struct engine *engine_create(struct loop *loop, struct kube_client *client,
                             const struct engine_ops *ops)
{
    struct engine *engine = xcalloc(1, sizeof(*engine));
    engine->loop = loop;
    engine->client = client;
    engine->ops = *ops;
    engine->queue = workqueue_create();
    engine->contention = contention_create();
    report_init(&engine->report);
    strmap_init(&engine->looks, look_destroy);
    engine->pump = loop_deferred_create(loop, pump, engine);
    engine->wake = loop_timer_create(loop, pump, engine);
    engine->up = kube_client_on_up(client, server_up, engine);
    return engine;
}

void engine_destroy(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    kube_cancel(engine->client, engine->request);
    plan_finish(&engine->plan);
    free(engine->key);
    free(engine->culprit);
    kube_up_watch_destroy(engine->up);
    loop_timer_destroy(engine->wake);
    loop_deferred_destroy(engine->pump);
    report_finish(&engine->report);
    strmap_finish(&engine->looks);
    contention_destroy(engine->contention);
    workqueue_destroy(engine->queue);
    free(engine);
}

void engine_enqueue(struct engine *engine, const char *key)
{
    workqueue_add(engine->queue, key, now_of(engine));
    loop_deferred_schedule(engine->pump);
}

void engine_withdraw(struct engine *engine)
{
    struct err err;
    if (engine->request == 0 || strmap_get(&engine->looks, engine->key) != NULL) {
        return; /* at most a look */
    }
    kube_cancel(engine->client, engine->request);
    err_fill(&err, ERR_RETRY, "taken back: it may not write any more");
    on_written(engine, NULL, &err);
}

void engine_resume(struct engine *engine)
{
    loop_deferred_schedule(engine->pump);
}

void engine_queue_stats(const struct engine *engine, struct workqueue_stats *ret_stats)
{
    workqueue_stats(engine->queue, ret_stats);
}

void engine_forget(struct engine *engine, const char *key)
{
    report_forget(&engine->report, key);
}

void engine_stop(struct engine *engine, void (*idle)(void *arg), void *arg)
{
    engine->stopping = true;
    if (engine->key == NULL) {
        idle(arg);
        return;
    }
    engine->idle = idle;
    engine->idle_arg = arg;
}
