/*
 * A connection that is there and brings nothing: only the heartbeat can tell. That takes as long
 * as the heartbeat is patient, some 8 seconds: a program of its own, so that others run meanwhile.
 */
#include <stdlib.h>

#include "unit/fakepeer.h"
#include "unit/reflector_rig.h"
#include "unit/unit.h"

static bool is_up(void *arg)
{
    const struct reflector_rig *f = arg;
    return kube_client_up(f->kube.client);
}

static bool is_down(void *arg)
{
    return !is_up(arg);
}

START_TEST(a_silent_connection_is_noticed)
{
    struct reflector_rig f;
    rig_begin(&f, "frozen");
    rig_tell("put %s a before", "frozen");
    rig_tell("fault %s readyz pass always-hang", "frozen"); /* the first question is answered */
    rig_reflect(&f, NULL, true);
    rig_await_watching(&f);
    rig_await(&f, is_down, &f, "the loss");
    int connections = fakepeer_number("connections frozen");
    rig_tell("put %s a after", "frozen");
    rig_tell("fault %s readyz", "frozen");
    rig_await_value(&f, "a", "after");
    rig_await_watching(&f);
    rig_await(&f, is_up, &f, "up");
    ck_assert_int_gt(fakepeer_number("connections frozen"), connections);
    rig_end(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("silent_connection");
    TCase *c = tcase_create("silent_connection");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, a_silent_connection_is_noticed);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    fakepeer_start("fake.kubepeer");
    int status = unit_main(suite());
    fakepeer_stop();
    return status;
}
