/* What manifests say of their pods, and whether one is another with our flags on top. */
#include "node/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "node/assessment.h"
#include "node/lineage.h"
#include "unit/unit.h"
#include "json/json.h"

#define MANAGER "test/fixtures/kubeadm-1.37.2/kube-controller-manager.yaml"
#define SERVER "test/fixtures/kubeadm-1.37.2/kube-apiserver.yaml"
#define OLD_SERVER "test/fixtures/kubeadm-1.20.2/kube-apiserver.yaml"

static const struct staticpod_wanted manager_wanted = {.component = STATICPOD_CONTROLLER_MANAGER,
                                                       .nodelifecycle_off = true,
                                                       .cluster_domain = "cluster.local"};
static const struct staticpod_wanted server_wanted = {.component = STATICPOD_APISERVER,
                                                      .hostname_first = true,
                                                      .nameserver = "10.96.0.53",
                                                      .cluster_domain = "cluster.local",
                                                      .names_allowed = true};

static struct manifest_content *content_of(const char *text, size_t len)
{
    const struct manifest_content like = {.mode = 0600};
    return manifest_content_create(text, len, &like);
}

static struct manifest_content *fixture(const char *path)
{
    size_t len;
    AUTO_FREE char *text = unit_read_file(path, &len);
    return content_of(text, len);
}

static struct manifest_content *edited(const struct manifest_content *from,
                                       const struct staticpod_wanted *wanted)
{
    AUTO(staticpod_edit) struct staticpod_edit edit;
    ck_assert_int_eq(staticpod_edit(from->bytes, from->len, wanted, &edit), STATICPOD_EDITED);
    return content_of(edit.text, edit.len);
}

/* Of all that is there, one word by another. */
static struct manifest_content *replaced(const struct manifest_content *from, const char *word,
                                         const char *by)
{
    const char *at = strstr(from->bytes, word);
    ck_assert_ptr_nonnull(at);
    AUTO_FREE char *text =
        xasprintf("%.*s%s%s", (int)(at - from->bytes), from->bytes, by, at + strlen(word));
    return content_of(text, strlen(text));
}

static struct facts facts_of(const struct manifest_content *content,
                             enum staticpod_component component)
{
    struct facts facts;
    ck_assert(facts_read(content->bytes, content->len, component, &facts));
    return facts;
}

START_TEST(facts_of_kubeadm)
{
    AUTO(manifest_content) struct manifest_content *manager = fixture(MANAGER);
    AUTO(facts) struct facts facts = facts_of(manager, STATICPOD_CONTROLLER_MANAGER);
    ck_assert_str_eq(facts.ns, "kube-system");
    ck_assert_str_eq(facts.pod, "kube-controller-manager");
    ck_assert_str_eq(facts.image, "registry.k8s.io/kube-controller-manager:v1.37.2");
    ck_assert_str_eq(facts.host, "127.0.0.1");
    ck_assert_int_eq(facts.port, 10257); /* by its name */
    ck_assert(facts.https);
    ck_assert_int_eq(facts.budget_ms, (20 + 10 + 24 * 10 + 30) * 1000);

    AUTO(manifest_content) struct manifest_content *server = fixture(SERVER);
    AUTO(facts) struct facts apiserver = facts_of(server, STATICPOD_APISERVER);
    ck_assert_int_eq(apiserver.port, 6443);
    ck_assert(apiserver.https);
    struct facts none;
    ck_assert(!facts_read(server->bytes, server->len, STATICPOD_CONTROLLER_MANAGER, &none));
    ck_assert_ptr_null(none.pod);
}
END_TEST

/* Numbers, no probes, and nonsense. */
START_TEST(facts_by_hand)
{
    static const char head[] = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n"
                               "  containers:\n  - name: c\n    command: [kube-apiserver]\n";
    static const struct {
        const char *rest;
        const char *host;
        int port;
        bool https;
        int64_t budget_ms;
    } rows[] = {
        {"", "127.0.0.1", 6443, true, (20 + 30 + 30) * 1000},
        {"    livenessProbe: {httpGet: {path: /x, port: 80, host: 1.2.3.4}, periodSeconds: 2,"
         " failureThreshold: 5}\n",
         "1.2.3.4", 80, false, (20 + 10 + 30) * 1000},
        {"    livenessProbe: {httpGet: {port: nowhere, scheme: HTTP}}\n", "127.0.0.1", 6443, true,
         (20 + 30 + 30) * 1000},
        {"    livenessProbe: {httpGet: {port: 99999, scheme: HTTPS}}\n"
         "    startupProbe: {failureThreshold: 1, periodSeconds: 1}\n"
         "  terminationGracePeriodSeconds: 2\n",
         "127.0.0.1", 6443, true, (20 + 1 + 2) * 1000},
        {"    startupProbe: {failureThreshold: 999999999, periodSeconds: 999999999}\n", "127.0.0.1",
         6443, true, 3600 * 1000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = xasprintf("%s%s", head, rows[i].rest);
        AUTO(manifest_content) struct manifest_content *content = content_of(text, strlen(text));
        AUTO(facts) struct facts facts = facts_of(content, STATICPOD_APISERVER);
        ck_assert_str_eq(facts.host, rows[i].host);
        ck_assert_int_eq(facts.port, rows[i].port);
        ck_assert_int_eq(facts.https, rows[i].https);
        ck_assert_int_eq(facts.budget_ms, rows[i].budget_ms);
    }
}
END_TEST

/* As the API server gives it: with what it fills in. */
static struct json_object *mirror_of(const struct facts *facts)
{
    struct json_object *pod = json_copy(facts->document);
    struct json_object *spec = json_ensure_object(pod, "spec");
    if (json_get(spec, "dnsPolicy") == NULL) {
        json_set_str(spec, "dnsPolicy", "ClusterFirst");
    }
    json_set_str(spec, "nodeName", "cp-1");
    return pod;
}

START_TEST(mirror_pod_of_a_manifest)
{
    AUTO(manifest_content) struct manifest_content *before = fixture(SERVER);
    AUTO(manifest_content) struct manifest_content *after = edited(before, &server_wanted);
    const struct staticpod_wanted flag = {.component = STATICPOD_APISERVER, .hostname_first = true};
    AUTO(manifest_content) struct manifest_content *flag_only = edited(before, &flag);
    AUTO(facts) struct facts a = facts_of(before, STATICPOD_APISERVER);
    AUTO(facts) struct facts b = facts_of(after, STATICPOD_APISERVER);
    AUTO(facts) struct facts c = facts_of(flag_only, STATICPOD_APISERVER);
    AUTO(json) struct json_object *mirror_a = mirror_of(&a);
    AUTO(json) struct json_object *mirror_b = mirror_of(&b);
    AUTO(json) struct json_object *mirror_c = mirror_of(&c);
    ck_assert(facts_match(&a, mirror_a));
    ck_assert(facts_match(&b, mirror_b));
    ck_assert(!facts_match(&b, mirror_a));
    ck_assert(!facts_match(&b, mirror_c)); /* the flag, and not yet the DNS */
    ck_assert(!facts_match(&c, mirror_b));
    ck_assert(!facts_match(&a, NULL));
}
END_TEST

START_TEST(lineage)
{
    AUTO(manifest_content) struct manifest_content *before = fixture(SERVER);
    AUTO(manifest_content) struct manifest_content *ours = edited(before, &server_wanted);
    AUTO(manifest_content)
    struct manifest_content *by_hand = replaced(ours, "cpu: 250m", "cpu: 300m");
    AUTO(manifest_content)
    struct manifest_content *newer = replaced(before, ":v1.37.2", ":v1.38.0");
    AUTO(manifest_content) struct manifest_content *newer_ours = edited(newer, &server_wanted);
    AUTO(manifest_content)
    struct manifest_content *other = replaced(before, "cpu: 250m", "cpu: 300m");
    struct staticpod_wanted other_address = server_wanted;
    other_address.nameserver = "10.96.0.99"; /* what is wanted now is not what was written */
    ck_assert(lineage_is_ours(before, before, &server_wanted));
    ck_assert(lineage_is_ours(before, ours, &server_wanted));
    ck_assert(lineage_is_ours(before, ours, &other_address));
    ck_assert(!lineage_is_ours(before, by_hand, &server_wanted));
    ck_assert(!lineage_is_ours(before, newer, &server_wanted));
    ck_assert(!lineage_is_ours(before, newer_ours, &server_wanted));

    ck_assert(!lineage_is_new_original(before, ours, &server_wanted));
    ck_assert(!lineage_is_new_original(before, by_hand, &server_wanted)); /* our flags are in it */
    ck_assert(lineage_is_new_original(before, newer, &server_wanted));
    ck_assert(lineage_is_new_original(before, newer_ours, &server_wanted));
    ck_assert(lineage_is_new_original(before, other, &server_wanted));
}
END_TEST

static struct assessment assess(enum mode mode, const struct staticpod_wanted *wanted,
                                const struct manifest_content *original,
                                const struct manifest_content *file)
{
    struct assessment assessment;
    const struct assessment_input input = {mode, *wanted, original, file};
    assessment_make(&input, &assessment);
    return assessment;
}

static void expect_wanted(const struct assessment *assessment,
                          const struct manifest_content *wanted)
{
    ck_assert_ptr_nonnull(assessment->wanted);
    ck_assert_uint_eq(assessment->len, wanted->len);
    ck_assert_mem_eq(assessment->wanted, wanted->bytes, wanted->len);
}

START_TEST(assessed_to_be_enforced)
{
    AUTO(manifest_content) struct manifest_content *before = fixture(MANAGER);
    AUTO(manifest_content) struct manifest_content *ours = edited(before, &manager_wanted);
    AUTO(assessment) struct assessment first = assess(MODE_ENFORCE, &manager_wanted, NULL, before);
    expect_wanted(&first, ours);
    ck_assert(first.differs && first.restarts && !first.untouched && !first.refused);
    ck_assert_ptr_nonnull(strstr(first.text, "--controllers"));
    AUTO(assessment) struct assessment again = assess(MODE_ENFORCE, &manager_wanted, before, ours);
    ck_assert(!again.differs && !again.restarts && !again.untouched);
    AUTO(assessment) struct assessment seen = assess(MODE_OBSERVE, &manager_wanted, NULL, before);
    ck_assert(seen.differs);
    AUTO(assessment) struct assessment ignored = assess(MODE_IGNORE, &manager_wanted, NULL, before);
    ck_assert(!ignored.differs && ignored.wanted == NULL && ignored.text == NULL);
}
END_TEST

/* What was wanted before and is not any more goes; another address takes the last one's place. */
START_TEST(assessed_anew_from_the_original)
{
    AUTO(manifest_content) struct manifest_content *before = fixture(SERVER);
    AUTO(manifest_content) struct manifest_content *ours = edited(before, &server_wanted);
    struct staticpod_wanted less = server_wanted;
    less.nameserver = NULL;
    AUTO(manifest_content) struct manifest_content *without = edited(before, &less);
    AUTO(assessment) struct assessment fewer = assess(MODE_ENFORCE, &less, before, ours);
    expect_wanted(&fewer, without);
    struct staticpod_wanted moved = server_wanted;
    moved.nameserver = "10.96.0.99";
    AUTO(manifest_content) struct manifest_content *elsewhere = edited(before, &moved);
    AUTO(assessment) struct assessment follows = assess(MODE_ENFORCE, &moved, before, ours);
    expect_wanted(&follows, elsewhere);
}
END_TEST

/* kubeadm's new version is edited as it is: the old one never comes back. */
START_TEST(assessed_after_an_upgrade)
{
    AUTO(manifest_content) struct manifest_content *before = fixture(OLD_SERVER);
    AUTO(manifest_content) struct manifest_content *newer = fixture(SERVER);
    AUTO(manifest_content) struct manifest_content *newer_ours = edited(newer, &server_wanted);
    AUTO(assessment)
    struct assessment upgraded = assess(MODE_ENFORCE, &server_wanted, before, newer);
    expect_wanted(&upgraded, newer_ours);
    ck_assert(upgraded.untouched);
    /* also where kubeadm's configuration has one of our flags */
    const struct staticpod_wanted flag = {.component = STATICPOD_APISERVER, .hostname_first = true};
    AUTO(manifest_content) struct manifest_content *with_flag = edited(newer, &flag);
    AUTO(assessment)
    struct assessment partly = assess(MODE_ENFORCE, &server_wanted, before, with_flag);
    expect_wanted(&partly, newer_ours);
    ck_assert(partly.untouched);
}
END_TEST

START_TEST(assessed_to_be_reverted)
{
    AUTO(manifest_content) struct manifest_content *before = fixture(SERVER);
    AUTO(manifest_content) struct manifest_content *ours = edited(before, &server_wanted);
    AUTO(manifest_content)
    struct manifest_content *by_hand = replaced(ours, "cpu: 250m", "cpu: 300m");
    AUTO(manifest_content)
    struct manifest_content *commented = replaced(before, "kind: Pod\n", "kind: Pod # mine\n");
    AUTO(manifest_content)
    struct manifest_content *commented_ours = edited(commented, &server_wanted);
    AUTO(assessment) struct assessment back = assess(MODE_REVERT, &server_wanted, before, ours);
    expect_wanted(&back, before);
    ck_assert(back.differs && back.restarts && !back.foreign);
    AUTO(assessment)
    struct assessment not_ours = assess(MODE_REVERT, &server_wanted, before, by_hand);
    ck_assert(not_ours.foreign && not_ours.wanted == NULL && !not_ours.differs);
    AUTO(assessment) struct assessment none = assess(MODE_REVERT, &server_wanted, NULL, ours);
    ck_assert(!none.foreign && none.wanted == NULL);
    AUTO(assessment)
    struct assessment comment = assess(MODE_REVERT, &server_wanted, before, commented_ours);
    ck_assert(comment.foreign); /* a comment of theirs is not lost either */
}
END_TEST

START_TEST(assessed_refused)
{
    static const char text[] = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n"
                               "  containers:\n  - name: c\n    command: [sh, -c, "
                               "\"kube-controller-manager --controllers=*\"]\n";
    AUTO(manifest_content) struct manifest_content *file = content_of(text, strlen(text));
    AUTO(assessment) struct assessment refused = assess(MODE_ENFORCE, &manager_wanted, NULL, file);
    ck_assert(refused.refused && !refused.differs && refused.wanted == NULL);
    ck_assert_ptr_nonnull(strstr(refused.text, "line "));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node facts");
    TCase *c = tcase_create("facts");
    tcase_add_test(c, facts_of_kubeadm);
    tcase_add_test(c, facts_by_hand);
    tcase_add_test(c, mirror_pod_of_a_manifest);
    tcase_add_test(c, lineage);
    tcase_add_test(c, assessed_to_be_enforced);
    tcase_add_test(c, assessed_anew_from_the_original);
    tcase_add_test(c, assessed_after_an_upgrade);
    tcase_add_test(c, assessed_to_be_reverted);
    tcase_add_test(c, assessed_refused);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
