/*
 * coredns-daemonset, carried out until nothing is left to do, ends in force, with a crash after any
 * action, and Revert ends where it began.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/coredns_daemonset_rig.h"
#include "unit/coredns_fixture.h"
#include "unit/unit.h"

enum {
    ROUNDS_MAX = 20,
    NO_CRASH = 1000
};

static const char *const fixtures[] = {
    "test/fixtures/kubeadm-1.20.2/deployment-coredns.json",
    "test/fixtures/kubeadm-1.37.2/deployment-coredns.json",
    "test/fixtures/coredns/deployment-k3s.json",
    "test/fixtures/coredns/deployment-kubespray.json",
    NULL, /* no Deployment: the manifest */
};

struct kind {
    const char *deployment;
    bool surge;
    bool apply;
    bool foreign;
};

static void begin(struct cluster *c, const struct kind *kind)
{
    ds_good(c);
    if (kind->foreign) {
        ds_foreign(c);
    }
    if (kind->deployment == NULL) {
        cluster_delete(c, DEPLOYMENT);
    } else {
        cluster_load(c, kind->deployment);
        cluster_merge(c, DEPLOYMENT,
                      "{\"status\":{\"observedGeneration\":1,"
                      "\"availableReplicas\":2}}");
    }
    c->world.lacks_apply = !kind->apply;
}

static void look_again(struct cluster *c, const struct kind *kind)
{
    static const char *const nodes[] = {"cloud-1", "edge-1", "edge-2"};
    cluster_restart(c);
    c->world.lacks_apply = !kind->apply;
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        cluster_lease(c, nodes[i], 1000);
    }
    cluster_pass(c, 10000);
    cluster_read_leases(c);
}

/* The objects that matter, without what every write changes. */
static char *picture(struct cluster *c)
{
    static const char *const keys[] = {DAEMONSET, DEPLOYMENT, STATE};
    AUTO(json) struct json_object *all = json_new_object();
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct json_object *object = json_copy(cluster_get(c, keys[i]));
        if (object != NULL && i < 2) {
            json_del(json_ensure_object(object, "metadata"), "resourceVersion");
            json_del(json_ensure_object(object, "metadata"), "managedFields");
        }
        json_set_take(all, keys[i],
                      i < 2 ? object : json_copy(json_get(object, "data/coredns-daemonset")));
        if (i == 2) {
            json_unref(object);
        }
    }
    return json_text(all);
}

/* Runs to the end, with a crash after so many actions. Returns how many there were. */
static size_t run_to_end(struct cluster *c, const struct kind *kind, bool revert,
                         size_t crash_after)
{
    size_t done = 0;
    for (size_t round = 0; round < ROUNDS_MAX; round++) {
        AUTO(plan) struct plan plan = {0};
        coredns_slice(c);
        cluster_plan(c, ID, revert, &plan);
        ck_assert(!plan.wants_leases);
        if (plan.actions_len == 0) {
            ck_assert_msg(plan.notes_len == 0 || !plan.notes[0].held || kind->deployment == NULL,
                          "%s", plan.notes_len > 0 ? plan.notes[0].message : "");
            return done;
        }
        for (size_t i = 0; i < plan.actions_len; i++) {
            struct err err = {0};
            ck_assert_msg(plan.actions[i].field == NULL, "nobody undid anything: %s",
                          plan.actions[i].reason);
            ck_assert_msg(cluster_apply(c, &plan.actions[i], &err) == 0, "%s: %s",
                          plan.actions[i].reason, err.text);
            if (++done == crash_after) {
                break;
            }
        }
        ds_control(c, kind->surge);
        look_again(c, kind);
    }
    ck_abort_msg("no end of writes");
    return 0;
}

static void check_kind(const struct kind *kind)
{
    struct cluster c;
    begin(&c, kind);
    AUTO_FREE char *before = picture(&c);
    size_t writes = run_to_end(&c, kind, false, NO_CRASH);
    AUTO_FREE char *after = picture(&c);
    ck_assert_uint_ge(writes, 2);
    size_t back = run_to_end(&c, kind, true, NO_CRASH);
    AUTO_FREE char *end = picture(&c);
    ck_assert_msg(kind->deployment == NULL || strcmp(before, end) == 0, "%.1500s, not %.1500s", end,
                  before);
    cluster_finish(&c);
    for (size_t k = 1; k < writes; k++) {
        begin(&c, kind);
        run_to_end(&c, kind, false, k);
        AUTO_FREE char *now = picture(&c);
        ck_assert_msg(strcmp(now, after) == 0, "crash after %zu: %.1500s, not %.1500s", k, now,
                      after);
        cluster_finish(&c);
    }
    for (size_t k = 1; k < back; k++) {
        begin(&c, kind);
        run_to_end(&c, kind, false, NO_CRASH);
        run_to_end(&c, kind, true, k);
        AUTO_FREE char *now = picture(&c);
        ck_assert_msg(strcmp(now, end) == 0, "crash after %zu of Revert: %.3000s", k, now);
        cluster_finish(&c);
    }
}

START_TEST(converges)
{
    for (unsigned bits = 0; bits < 8; bits++) {
        const struct kind kind = {fixtures[_i], (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
        if (!kind.foreign || kind.deployment != NULL) {
            check_kind(&kind);
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("coredns_daemonset_converge");
    TCase *tcase = tcase_create("coredns_daemonset_converge");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, converges, 0, ARRAY_LEN(fixtures));
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
