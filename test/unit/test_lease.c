/* Scenarios of client-go's leaderelection_test.go, and ours. Two machines share one server. */
#include <string.h>

#include "base/alloc.h"
#include "kube/lease.h"
#include "unit.h"

struct server {
    struct json_object *object; /* NULL: none */
    int64_t version;
};

struct rig {
    struct server server;
    struct lease a;
    struct lease b;
    int64_t now_ms;
};

static void rig_init(struct rig *rig)
{
    *rig = (struct rig){.now_ms = 1000};
    lease_init(&rig->a, "kube-system", "yurt-steward", "a");
    lease_init(&rig->b, "kube-system", "yurt-steward", "b");
}

static void rig_finish(struct rig *rig)
{
    lease_finish(&rig->a);
    lease_finish(&rig->b);
    json_unref(rig->server.object);
}

static int serve_write(struct server *server, const struct json_object *body, struct err *err)
{
    const char *seen = json_get_str_or(body, "metadata/resourceVersion", "");
    const char *held = json_get_str_or(server->object, "metadata/resourceVersion", "");
    if (strcmp(seen, held) != 0) {
        return err_set(err, ERR_CONFLICT, "resourceVersion");
    }
    AUTO_FREE char *version = xasprintf("%lld", (long long)++server->version);
    json_unref(server->object);
    server->object = json_copy(body);
    json_set_str(json_ensure_object(server->object, "metadata"), "resourceVersion", version);
    return 0;
}

/* One step with the server answering; returns what it was. */
static enum lease_step step(struct rig *rig, struct lease *lease)
{
    struct lease_next next;
    struct err err = {0};
    lease_next(lease, rig->now_ms, rig->now_ms, 0, &next);
    if (next.step == LEASE_GET && rig->server.object == NULL) {
        err_fill(&err, ERR_NOT_FOUND, "none");
    } else if (next.step == LEASE_CREATE || next.step == LEASE_UPDATE) {
        int result = serve_write(&rig->server, next.body, &err);
        ck_assert(result == 0 || err.kind == ERR_CONFLICT);
    }
    if (next.step != LEASE_WAIT && next.step != LEASE_LOST) {
        lease_answer(lease, rig->now_ms, err.kind == ERR_NONE ? rig->server.object : NULL,
                     err.kind == ERR_NONE ? NULL : &err);
    }
    json_unref(next.body);
    return next.step;
}

/* Steps until it waits. */
static void settle(struct rig *rig, struct lease *lease)
{
    for (int i = 0; i < 10; i++) {
        enum lease_step done = step(rig, lease);
        if (done == LEASE_WAIT || done == LEASE_LOST) {
            return;
        }
    }
    ck_abort_msg("it never waits");
}

static void pass(struct rig *rig, int64_t ms)
{
    rig->now_ms += ms;
}

START_TEST(first_one_creates_and_leads)
{
    struct rig rig;
    rig_init(&rig);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_GET);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_CREATE);
    ck_assert(lease_leads(&rig.a, rig.now_ms));
    ck_assert_str_eq(json_get_str_or(rig.server.object, "spec/holderIdentity", ""), "a");
    ck_assert_int_eq(json_get_int(rig.server.object, "spec/leaseDurationSeconds", 0), 15);
    ck_assert_int_eq(json_get_int(rig.server.object, "spec/leaseTransitions", -1), 0);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_WAIT);
    pass(&rig, LEASE_RETRY_MS);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_UPDATE); /* from the cached one: no GET */
    rig_finish(&rig);
}
END_TEST

START_TEST(standby_waits_while_it_is_renewed)
{
    struct rig rig;
    rig_init(&rig);
    settle(&rig, &rig.a);
    for (int i = 0; i < 60; i++) {
        pass(&rig, 1000);
        settle(&rig, &rig.a);
        settle(&rig, &rig.b);
        ck_assert(lease_leads(&rig.a, rig.now_ms));
        ck_assert(!lease_leads(&rig.b, rig.now_ms));
    }
    rig_finish(&rig);
}
END_TEST

/* Another holder is known to be alive when it writes, not because it is named. */
START_TEST(rival)
{
    struct rig rig;
    rig_init(&rig);
    settle(&rig, &rig.a);
    settle(&rig, &rig.b);
    ck_assert_ptr_null(lease_rival(&rig.b));
    ck_assert_ptr_null(lease_rival(&rig.a));
    pass(&rig, LEASE_RETRY_MS);
    settle(&rig, &rig.a);
    lease_observe(&rig.b, rig.now_ms, rig.server.object);
    ck_assert_str_eq(lease_rival(&rig.b), "a");
    lease_observe(&rig.b, rig.now_ms, rig.server.object);
    ck_assert_str_eq(lease_rival(&rig.b), "a");
    AUTO(json) struct json_object *given_up = lease_release(&rig.a, rig.now_ms);
    lease_answer(&rig.b, rig.now_ms, given_up, NULL);
    ck_assert_ptr_null(lease_rival(&rig.b));
    rig_finish(&rig);
}
END_TEST

/* The leader is cut off: it stops being one before anybody else can be. */
START_TEST(silent_leader_is_followed_never_joined)
{
    struct rig rig;
    rig_init(&rig);
    settle(&rig, &rig.a);
    settle(&rig, &rig.b);
    int64_t cut_ms = rig.now_ms;
    while (!lease_leads(&rig.b, rig.now_ms)) {
        ck_assert_int_lt(rig.now_ms - cut_ms,
                         LEASE_DURATION_MS + 2 * LEASE_RETRY_MS + LEASE_ACQUIRE_MS);
        pass(&rig, 100);
        settle(&rig, &rig.b);
        ck_assert(!lease_leads(&rig.a, rig.now_ms) || !lease_leads(&rig.b, rig.now_ms));
    }
    ck_assert_int_ge(rig.now_ms - cut_ms, LEASE_DURATION_MS);
    ck_assert(!lease_leads(&rig.a, rig.now_ms));
    ck_assert_int_eq(json_get_int(rig.server.object, "spec/leaseTransitions", 0), 1);
    /* back again, it finds out before it sends anything */
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_LOST);
    rig_finish(&rig);
}
END_TEST

START_TEST(clock_of_the_other_does_not_matter)
{
    struct rig rig;
    rig_init(&rig);
    settle(&rig, &rig.a);
    json_set_str(json_ensure_object(rig.server.object, "spec"), "renewTime",
                 "1999-01-01T00:00:00.000000Z");
    settle(&rig, &rig.b);
    ck_assert(!lease_leads(&rig.b, rig.now_ms));
    rig_finish(&rig);
}
END_TEST

START_TEST(released_lease_is_taken_at_once)
{
    struct rig rig;
    struct err err;
    rig_init(&rig);
    settle(&rig, &rig.a);
    settle(&rig, &rig.b);
    pass(&rig, 10);
    ck_assert_ptr_null(lease_release(&rig.b, rig.now_ms)); /* it is not its own */
    struct json_object *body = lease_release(&rig.a, rig.now_ms);
    ck_assert_ptr_nonnull(body);
    ck_assert(!lease_leads(&rig.a, rig.now_ms));
    ck_assert_str_eq(json_get_str_or(body, "spec/holderIdentity", "?"), "");
    ck_assert_int_eq(json_get_int(body, "spec/leaseDurationSeconds", 0), 1);
    ck_assert_int_eq(serve_write(&rig.server, body, &err), 0);
    json_unref(body);
    lease_observe(&rig.b, rig.now_ms, rig.server.object);
    settle(&rig, &rig.b);
    ck_assert(lease_leads(&rig.b, rig.now_ms));
    rig_finish(&rig);
}
END_TEST

START_TEST(lost_race_is_no_leadership)
{
    struct rig rig;
    struct lease_next a;
    struct lease_next b;
    struct err err;
    rig_init(&rig);
    step(&rig, &rig.a);
    step(&rig, &rig.b);
    lease_next(&rig.a, rig.now_ms, rig.now_ms, 0, &a);
    lease_next(&rig.b, rig.now_ms, rig.now_ms, 0, &b);
    ck_assert_int_eq(serve_write(&rig.server, a.body, &err), 0);
    lease_answer(&rig.a, rig.now_ms, rig.server.object, NULL);
    ck_assert_int_eq(serve_write(&rig.server, b.body, &err), -1);
    lease_answer(&rig.b, rig.now_ms, NULL, &err);
    json_unref(a.body);
    json_unref(b.body);
    ck_assert(lease_leads(&rig.a, rig.now_ms));
    ck_assert(!lease_leads(&rig.b, rig.now_ms));
    ck_assert_int_eq(step(&rig, &rig.b), LEASE_GET); /* a fresh look, no blind retry */
    settle(&rig, &rig.b);
    ck_assert(!lease_leads(&rig.b, rig.now_ms));
    rig_finish(&rig);
}
END_TEST

/* The watch still shows the holder before us: that is not a loss. */
START_TEST(watch_that_lags_takes_nothing_away)
{
    struct rig rig;
    rig_init(&rig);
    settle(&rig, &rig.a);
    struct json_object *old = json_ref(rig.server.object);
    settle(&rig, &rig.b);
    pass(&rig, LEASE_DURATION_MS + LEASE_RETRY_MS + LEASE_ACQUIRE_MS);
    settle(&rig, &rig.b);
    ck_assert(lease_leads(&rig.b, rig.now_ms));
    lease_observe(&rig.b, rig.now_ms, old);
    settle(&rig, &rig.b);
    ck_assert(lease_leads(&rig.b, rig.now_ms));
    json_unref(old);
    rig_finish(&rig);
}
END_TEST

START_TEST(stolen_lease_is_lost)
{
    struct rig rig;
    rig_init(&rig);
    settle(&rig, &rig.a);
    AUTO(json) struct json_object *stolen = json_copy(rig.server.object);
    json_set_str(json_ensure_object(stolen, "spec"), "holderIdentity", "b");
    json_set_str(json_ensure_object(stolen, "metadata"), "resourceVersion", "99");
    lease_observe(&rig.a, rig.now_ms, stolen);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_LOST);
    ck_assert(!lease_leads(&rig.a, rig.now_ms));
    rig_finish(&rig);
}
END_TEST

/* Failing renewals are tried again until the time is up; the leadership ends by itself. */
START_TEST(failed_renewals_end_it)
{
    struct rig rig;
    struct err err = {0};
    rig_init(&rig);
    settle(&rig, &rig.a);
    int64_t renewed_ms = rig.now_ms;
    err_fill(&err, ERR_RETRY, "no answer");
    int tries = 0;
    while (lease_leads(&rig.a, rig.now_ms)) {
        struct lease_next next;
        lease_next(&rig.a, rig.now_ms, rig.now_ms, 0, &next);
        if (next.step != LEASE_WAIT) {
            tries++;
            lease_answer(&rig.a, rig.now_ms, NULL, &err);
        }
        json_unref(next.body);
        pass(&rig, 100);
    }
    ck_assert_int_eq(rig.now_ms - renewed_ms, LEASE_RENEW_MS);
    ck_assert_int_eq(tries, 4);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_LOST);
    rig_finish(&rig);
}
END_TEST

/* The server was away for longer than the Lease: nobody else took it, so there is no need to wait.
 */
START_TEST(own_lease_is_taken_up_again)
{
    struct rig rig;
    struct err err = {0};
    struct lease_next next;
    rig_init(&rig);
    settle(&rig, &rig.a);
    err_fill(&err, ERR_RETRY, "no answer");
    pass(&rig, LEASE_RETRY_MS);
    lease_next(&rig.a, rig.now_ms, rig.now_ms, 0, &next);
    json_unref(next.body);
    lease_answer(&rig.a, rig.now_ms, NULL, &err);
    pass(&rig, 2 * LEASE_DURATION_MS);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_LOST);
    lease_hurry(&rig.a, rig.now_ms);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_GET);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_UPDATE);
    ck_assert(lease_leads(&rig.a, rig.now_ms));
    ck_assert_int_eq(json_get_int(rig.server.object, "spec/leaseTransitions", -1), 0);
    rig_finish(&rig);
}
END_TEST

/* etcd was restored: the versions begin anew, and what the server says now counts. */
START_TEST(restored_server_is_believed)
{
    struct rig rig;
    rig_init(&rig);
    rig.server.version = 100;
    settle(&rig, &rig.a);
    struct json_object *held = rig.server.object; /* the machine holds it too */
    rig.server.object = json_copy(held);
    json_unref(held);
    rig.server.version = 7;
    json_set_str(json_ensure_object(rig.server.object, "metadata"), "resourceVersion", "7");
    pass(&rig, LEASE_RETRY_MS);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_UPDATE); /* a conflict */
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_GET);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_UPDATE);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_WAIT);
    ck_assert(lease_leads(&rig.a, rig.now_ms));
    rig_finish(&rig);
}
END_TEST

START_TEST(deleted_lease_is_made_again)
{
    struct rig rig;
    rig_init(&rig);
    settle(&rig, &rig.a);
    json_unref(rig.server.object);
    rig.server.object = NULL;
    lease_observe(&rig.a, rig.now_ms, NULL);
    pass(&rig, LEASE_RETRY_MS);
    ck_assert_int_eq(step(&rig, &rig.a), LEASE_CREATE);
    ck_assert(lease_leads(&rig.a, rig.now_ms));
    rig_finish(&rig);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("lease");
    TCase *c = tcase_create("lease");
    tcase_add_test(c, first_one_creates_and_leads);
    tcase_add_test(c, standby_waits_while_it_is_renewed);
    tcase_add_test(c, rival);
    tcase_add_test(c, silent_leader_is_followed_never_joined);
    tcase_add_test(c, clock_of_the_other_does_not_matter);
    tcase_add_test(c, released_lease_is_taken_at_once);
    tcase_add_test(c, lost_race_is_no_leadership);
    tcase_add_test(c, watch_that_lags_takes_nothing_away);
    tcase_add_test(c, stolen_lease_is_lost);
    tcase_add_test(c, failed_renewals_end_it);
    tcase_add_test(c, own_lease_is_taken_up_again);
    tcase_add_test(c, restored_server_is_believed);
    tcase_add_test(c, deleted_lease_is_made_again);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
