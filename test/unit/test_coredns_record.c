#include "adjust/coredns_record.h"

#include <string.h>

#include "adjust/refs.h"
#include "unit/coredns_fixture.h"
#include "unit/unit.h"

static int64_t since(const char *text, int64_t wall_ms, int64_t *ret_kept)
{
    AUTO(json) struct json_object *object = NULL;
    ck_assert_int_eq(json_parse(text, strlen(text), &object, NULL), 0);
    int64_t ms = coredns_record_since(object, "at", wall_ms);
    *ret_kept = json_get_int(object, "at", -1);
    return ms;
}

START_TEST(times)
{
    int64_t kept;
    ck_assert_int_eq(since("{}", 7000, &kept), 0);
    ck_assert_int_eq(kept, 7);
    /* never longer than it was: the second that has begun is not counted */
    ck_assert_int_eq(since("{}", 7001, &kept), -999);
    ck_assert_int_eq(kept, 8);
    ck_assert_int_eq(since("{\"at\":8}", 7001, &kept), -999);
    ck_assert_int_eq(kept, 8);
    ck_assert_int_eq(since("{\"at\":3}", 7001, &kept), 4001);
    ck_assert_int_eq(kept, 3);
    /* the clock stepped back */
    ck_assert_int_eq(since("{\"at\":9}", 7001, &kept), -999);
    ck_assert_int_eq(kept, 8);
    /* not by our hand */
    ck_assert_int_eq(since("{\"at\":-5}", 7000, &kept), 0);
    ck_assert_int_eq(since("{\"at\":\"x\"}", 7000, &kept), 0);
    ck_assert_int_eq(kept, 7);
}
END_TEST

/* Only what changed is written, and only the record's own key. */
START_TEST(written_on_change)
{
    struct cluster c;
    struct snapshot seen;
    AUTO(plan) struct plan plan = {0};
    AUTO(coredns_record) struct coredns_record record;
    coredns_good(&c);
    coredns_zero(&c);
    world_snapshot(&c.world, c.wall_ms, &seen);
    coredns_record_read(&seen, snapshot_only(&seen, INPUT_DNS_DEPLOYMENT), &record);
    ck_assert(!coredns_record_write(&record, &seen, "nothing", &plan));
    json_set_bool(record.now, "cut", false);
    json_set_bool(record.now, "cut", true);
    ck_assert(!coredns_record_write(&record, &seen, "nothing", &plan));
    ck_assert_uint_eq(plan.actions_len, 0);
    json_del(record.now, "cut");
    ck_assert(coredns_record_write(&record, &seen, "something", &plan));
    ck_assert_uint_eq(plan.actions_len, 1);
    ck_assert_str_eq(json_get_str(plan.actions[0].body, "data/coredns-deployment"),
                     "{\"uid\":\"deployment-1\",\"before\":2}");
    cluster_finish(&c);
}
END_TEST

static int64_t before_of(const struct cluster *c)
{
    struct snapshot seen;
    AUTO(coredns_record) struct coredns_record record;
    world_snapshot(&c->world, c->wall_ms, &seen);
    coredns_record_read(&seen, snapshot_only(&seen, INPUT_DNS_DEPLOYMENT), &record);
    return json_get_int(record.was, "before", -1);
}

#define OWNED_BY(manager)                                                                          \
    "{\"metadata\":{\"managedFields\":[{\"manager\":\"" manager "\",\"operation\":\"Update\","     \
    "\"time\":\"2026-11-24T08:00:00Z\",\"fieldsV1\":{\"f:spec\":{\"f:replicas\":{}}}}]}}"

/* At 0 by our hand and nothing recorded: kubeadm's number is better than none. */
START_TEST(lost_record)
{
    struct cluster c;
    coredns_good(&c);
    coredns_zero(&c);
    cluster_delete(&c, COREDNS_STATE);
    cluster_merge(&c, COREDNS_DEPLOYMENT, OWNED_BY("kubectl-scale"));
    ck_assert_int_eq(before_of(&c), -1);
    cluster_merge(&c, COREDNS_DEPLOYMENT, OWNED_BY("yurt-steward"));
    ck_assert_int_eq(before_of(&c), 2);
    cluster_finish(&c);
}
END_TEST

START_TEST(set_of_refs)
{
    enum {
        MANY = 100
    };
    static const int items[MANY];
    AUTO(refs) struct refs refs = REFS_INIT;
    refs_seal(&refs);
    ck_assert(!refs_has(&refs, &items[0]));
    for (int i = MANY - 2; i >= 0; i -= 2) {
        refs_add(&refs, &items[i]);
        refs_add(&refs, &items[i]);
    }
    refs_seal(&refs);
    ck_assert_uint_eq(refs.len, MANY / 2);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(refs_has(&refs, &items[i]), i % 2 == 0);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("coredns_record");
    TCase *tcase = tcase_create("record");
    tcase_add_test(tcase, times);
    tcase_add_test(tcase, written_on_change);
    tcase_add_test(tcase, lost_record);
    tcase_add_test(tcase, set_of_refs);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
