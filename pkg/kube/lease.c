#include "kube/lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/timefmt.h"
#include "kube/object.h"

void lease_init(struct lease *lease, const char *ns, const char *name, const char *identity)
{
    *lease = (struct lease){.identity = xstrdup(identity), .ns = ns, .name = name, .stale = true};
}

void lease_finish(struct lease *lease)
{
    free(lease->identity);
    json_unref(lease->observed);
    *lease = (struct lease){0};
}

const char *lease_holder(const struct lease *lease)
{
    return json_get_str_or(lease->observed, "spec/holderIdentity", "");
}

static bool is_ours(const struct lease *lease)
{
    return strcmp(lease_holder(lease), lease->identity) == 0;
}

const char *lease_rival(const struct lease *lease)
{
    return lease->rival ? lease_holder(lease) : NULL;
}

/* When the record that was seen runs out; only its own duration counts. */
static int64_t runs_out_ms(const struct lease *lease)
{
    int64_t seconds = json_get_int(lease->observed, "spec/leaseDurationSeconds", 0);
    return lease->observed_ms + (seconds > 0 && seconds < INT32_MAX ? seconds * 1000 : 0);
}

int64_t lease_left_ms(const struct lease *lease, int64_t now_ms)
{
    int64_t left_ms = lease->renewed_ms + LEASE_RENEW_MS - now_ms;
    return lease->leader && left_ms > 0 ? left_ms : 0;
}

bool lease_leads(const struct lease *lease, int64_t now_ms)
{
    return lease_left_ms(lease, now_ms) > 0;
}

static const char *version_of(const struct json_object *object)
{
    return json_get_str_or(object, "metadata/resourceVersion", "");
}

/* What the server itself says now counts whatever its version: a restored etcd counts anew. */
static void take_in(struct lease *lease, int64_t now_ms, const struct json_object *seen)
{
    const struct json_object *before = json_member(lease->observed, "spec");
    bool changed = (seen == NULL) != (lease->observed == NULL) ||
                   !json_same(before, json_member(seen, "spec"));
    bool written = changed && lease->observed != NULL;
    if (changed) {
        lease->observed_ms = now_ms;
    }
    json_unref(lease->observed);
    lease->observed = seen != NULL ? json_ref(seen) : NULL;
    lease->rival = (lease->rival || written) && *lease_holder(lease) != '\0' && !is_ours(lease);
    lease->absent = seen == NULL;
    if (changed && !lease->leader && *lease_holder(lease) == '\0') {
        lease->next_ms = now_ms; /* given up: no need to wait for the next look */
    }
}

void lease_observe(struct lease *lease, int64_t now_ms, const struct json_object *seen)
{
    if (seen != NULL && lease->observed != NULL &&
        resource_version_compare(version_of(seen), version_of(lease->observed)) < 0) {
        return; /* a watch may lag behind what a write of ours returned */
    }
    take_in(lease, now_ms, seen);
}

void lease_hurry(struct lease *lease, int64_t now_ms)
{
    if (lease->next_ms > now_ms) {
        lease->next_ms = now_ms;
    }
}

/* --- writing --- */

static void set_times(const struct lease *lease, struct json_object *spec, int64_t wall_ms)
{
    char stamp[TIMEFMT_SIZE];
    timefmt_micro(wall_ms, stamp);
    json_set_str(spec, "renewTime", stamp);
    if (!is_ours(lease)) {
        int64_t transitions = json_get_int(lease->observed, "spec/leaseTransitions", 0);
        bool taken = lease->observed != NULL;
        json_set_str(spec, "acquireTime", stamp);
        json_set_int(spec, "leaseTransitions", transitions + (taken ? 1 : 0));
    }
}

/* The Lease as it is to be; on one that is there, with the resourceVersion that was seen. */
static struct json_object *make_body(const struct lease *lease, int64_t wall_ms)
{
    struct json_object *body =
        lease->observed != NULL ? json_copy(lease->observed) : json_new_object();
    struct json_object *metadata = json_ensure_object(body, "metadata");
    struct json_object *spec = json_ensure_object(body, "spec");
    json_set_str(body, "apiVersion", "coordination.k8s.io/v1");
    json_set_str(body, "kind", "Lease");
    json_set_str(metadata, "namespace", lease->ns);
    json_set_str(metadata, "name", lease->name);
    json_del(metadata, "managedFields");
    json_set_str(spec, "holderIdentity", lease->identity);
    json_set_int(spec, "leaseDurationSeconds", LEASE_DURATION_MS / 1000);
    set_times(lease, spec, wall_ms);
    return body;
}

struct json_object *lease_release(struct lease *lease, int64_t wall_ms)
{
    lease->leader = false;
    if (!is_ours(lease)) {
        return NULL;
    }
    struct json_object *body = make_body(lease, wall_ms);
    struct json_object *spec = json_ensure_object(body, "spec");
    json_set_str(spec, "holderIdentity", "");
    json_set_int(spec, "leaseDurationSeconds", 1);
    return body;
}

/* --- deciding --- */

static void wait_until(int64_t when_ms, int64_t now_ms, struct lease_next *ret_next)
{
    ret_next->step = LEASE_WAIT;
    ret_next->wait_ms = when_ms > now_ms ? when_ms - now_ms : 0;
}

static void plan_write(struct lease *lease, int64_t now_ms, int64_t wall_ms,
                       struct lease_next *ret_next)
{
    lease->sent_ms = now_ms;
    ret_next->step = lease->absent ? LEASE_CREATE : LEASE_UPDATE;
    ret_next->body = make_body(lease, wall_ms);
}

void lease_next(struct lease *lease, int64_t now_ms, int64_t wall_ms, uint32_t random,
                struct lease_next *ret_next)
{
    *ret_next = (struct lease_next){0};
    bool taken = lease->observed != NULL && *lease_holder(lease) != '\0' && !is_ours(lease);
    if (lease->leader && (!lease_leads(lease, now_ms) || taken)) {
        lease->leader = false;
        ret_next->step = LEASE_LOST;
    } else if (now_ms < lease->next_ms) {
        wait_until(lease->next_ms, now_ms, ret_next);
    } else if (lease->stale) {
        ret_next->step = LEASE_GET;
    } else if (taken && now_ms < runs_out_ms(lease)) {
        lease->next_ms = now_ms + LEASE_RETRY_MS + (int64_t)random % LEASE_ACQUIRE_MS;
        lease->stale = true; /* a watch may be blind: look for ourselves then */
        wait_until(lease->next_ms, now_ms, ret_next);
    } else {
        plan_write(lease, now_ms, wall_ms, ret_next);
    }
}

void lease_answer(struct lease *lease, int64_t now_ms, const struct json_object *answer,
                  const struct err *err)
{
    bool read = lease->stale;
    if (err != NULL && err->kind == ERR_NOT_FOUND) {
        take_in(lease, now_ms, NULL);
        lease->stale = false;
    } else if (err != NULL) {
        lease->stale = true;
        lease->next_ms = now_ms + (err->kind == ERR_CONFLICT ? 0 : LEASE_RETRY_MS);
    } else {
        take_in(lease, now_ms, answer);
        lease->stale = false;
        if (!read && is_ours(lease)) {
            lease->leader = true;
            lease->renewed_ms = lease->sent_ms;
            lease->next_ms = now_ms + LEASE_RETRY_MS;
        }
    }
}
