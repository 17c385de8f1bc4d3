/* How manifests stand, and how that is told of. */
#include "node/standing.h"

#include <stdlib.h>
#include <string.h>

#include "app/status.h"
#include "base/alloc.h"
#include "unit/unit.h"

START_TEST(moves_are_said_once)
{
    AUTO(standing) struct standing now = {0};
    AUTO(standing) struct standing next = {0};
    standing_set(&next, STANDING_HELD, "KubeadmAtWork", "process %d", 1);
    ck_assert(standing_move(&now, &next, 1000));
    ck_assert_int_eq(now.since_ms, 1000);
    ck_assert_str_eq(now.message, "process 1");
    ck_assert_ptr_null(next.message);
    standing_set(&next, STANDING_HELD, "KubeadmAtWork", "process %d", 2);
    ck_assert(!standing_move(&now, &next, 2000)); /* another number is nothing new */
    ck_assert_str_eq(now.message, "process 2");
    standing_set(&next, STANDING_HELD, "NoReplacement", "%s", "");
    ck_assert(standing_move(&now, &next, 3000));
    ck_assert_int_eq(now.since_ms, 1000); /* held for as long */
    standing_set(&next, STANDING_IN_FORCE, "InForce", "%s", "");
    ck_assert(standing_move(&now, &next, 4000));
    ck_assert_int_eq(now.since_ms, 4000);
}
END_TEST

START_TEST(words)
{
    for (enum standing_state state = 0; state < STANDING_STATES; state++) {
        ck_assert_int_eq(standing_parse(standing_word(state)), state);
    }
    ck_assert_int_eq(standing_parse("inforce"), STANDING_UNKNOWN);
}
END_TEST

static char *rows_of(const char *text)
{
    AUTO(json) struct json_object *configmap = NULL;
    AUTO(json) struct json_object *rows = json_new_array();
    struct err err;
    if (text != NULL) {
        ck_assert_int_eq(json_parse(text, strlen(text), &configmap, &err), 0);
    }
    status_add_nodes(rows, configmap);
    return json_text(rows);
}

START_TEST(rows_for_status)
{
    AUTO_FREE char *none = rows_of(NULL);
    ck_assert_str_eq(none, "[]");
    AUTO_FREE char *some =
        rows_of("{\"data\":{\"cp-1\":\"{\\\"version\\\":\\\"v1\\\",\\\"manifests\\\":{\\\"kube-"
                "apiserver\\\":"
                "{\\\"mode\\\":\\\"Enforce\\\",\\\"state\\\":\\\"InForce\\\",\\\"since\\\":5}}}\","
                "\"cp-2\":\"no JSON\",\"cp-3\":7,\"cp-4\":\"[]\"}}");
    ck_assert_str_eq(some,
                     "[{\"node\":\"cp-1\",\"agent\":\"v1\",\"manifest\":\"kube-apiserver\","
                     "\"mode\":\"Enforce\",\"state\":\"InForce\"},"
                     "{\"node\":\"cp-2\",\"message\":\"what its agent reports can't be read\"},"
                     "{\"node\":\"cp-3\",\"message\":\"what its agent reports can't be read\"}]");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node standing");
    TCase *c = tcase_create("standing");
    tcase_add_test(c, moves_are_said_once);
    tcase_add_test(c, words);
    tcase_add_test(c, rows_for_status);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
