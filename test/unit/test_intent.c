#include <string.h>

#include "app/intent.h"
#include "app/world.h"
#include "unit.h"

static const char *mode_in(const struct policy *policy, const char *id)
{
    return mode_word(policy_mode(policy, adjustment_find(id)));
}

/* The world with a ConfigMap that sets kube-proxy-kubeconfig to Ignore. */
static void world_start(struct world *world)
{
    static const char text[] =
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"yurt-steward\","
        "\"namespace\":\"kube-system\",\"resourceVersion\":\"7\"},"
        "\"data\":{\"service-topology\":\"Enforce\",\"kube-proxy-kubeconfig\":\"Ignore\"}}";
    struct json_object *json;
    struct object *object;
    struct err err;
    ck_assert_int_eq(json_parse(text, strlen(text), &json, &err), 0);
    ck_assert_int_eq(object_project_whole(json, &object, &err), 0);
    json_unref(json);
    world_init(world, NULL, NULL);
    store_put_take(world->stores[INPUT_CONFIG], object, 0);
    world_read_policy(world);
}

START_TEST(without_a_choice_all_that_is_not_ignored)
{
    struct world world;
    const struct intent intent = {0};
    world_start(&world);
    intent_impose(&intent, &world.policy);
    ck_assert_str_eq(mode_in(&world.policy, "service-topology"), "Enforce");
    ck_assert_str_eq(mode_in(&world.policy, "kube-proxy-kubeconfig"), "Ignore");
    world_finish(&world);
}
END_TEST

START_TEST(a_choice_overrides_ignore_and_excludes_the_rest)
{
    struct world world;
    struct intent intent = {.revert = true};
    struct err err;
    world_start(&world);
    ck_assert_int_eq(intent_choose(&intent, "kube-proxy-kubeconfig", &err), 0);
    intent_impose(&intent, &world.policy);
    ck_assert_str_eq(mode_in(&world.policy, "service-topology"), "Ignore");
    ck_assert_str_eq(mode_in(&world.policy, "kube-proxy-kubeconfig"), "Revert");
    world_finish(&world);
}
END_TEST

START_TEST(unknown_ids_are_refused)
{
    struct intent intent = {0};
    struct err err;
    ck_assert_int_eq(intent_choose(&intent, "kube-dns", &err), -1);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "service-topology, "));
    ck_assert_uint_eq(intent.chosen, 0);
}
END_TEST

static char *planned_modes(bool revert)
{
    struct world world;
    struct snapshot seen;
    struct intent intent = {.revert = revert};
    struct plan plan = {0};
    world_start(&world);
    world_snapshot(&world, 0, &seen);
    intent_plan_modes(&intent, &seen, &plan);
    char *text = plan.actions_len == 0 ? NULL : json_text(plan.actions[0].body);
    plan_finish(&plan);
    world_finish(&world);
    return text;
}

START_TEST(revert_sets_the_modes_that_a_running_operator_would_enforce)
{
    char *text = planned_modes(true);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "\"resourceVersion\":\"7\""));
    ck_assert_ptr_nonnull(strstr(text, "\"service-topology\":\"Revert\""));
    ck_assert_ptr_null(strstr(text, "kube-proxy-kubeconfig"));
    free(text);
    ck_assert_ptr_null(planned_modes(false));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("intent");
    TCase *c = tcase_create("intent");
    tcase_add_test(c, without_a_choice_all_that_is_not_ignored);
    tcase_add_test(c, a_choice_overrides_ignore_and_excludes_the_rest);
    tcase_add_test(c, unknown_ids_are_refused);
    tcase_add_test(c, revert_sets_the_modes_that_a_running_operator_would_enforce);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
