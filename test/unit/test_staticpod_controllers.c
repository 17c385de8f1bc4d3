/* What --controllers and --kubelet-preferred-address-types mean, and what is written. */
#include "staticpod/staticpod_controllers.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "unit/unit.h"

struct row {
    const char *values[3]; /* of a repeated flag; up to NULL */
    const char *out;       /* NULL: no change */
    size_t index;          /* of the value that `out` replaces */
};

static const struct row controllers[] = {
    /* kubeadm's, from the source document */
    {{"*,bootstrapsigner,tokencleaner"}, "-nodelifecycle,*,bootstrapsigner,tokencleaner", 0},
    {{"*"}, "-nodelifecycle,*", 0},
    {{"bootstrapsigner,*"}, "-nodelifecycle,bootstrapsigner,*", 0},
    {{"*,-ttl"}, "-nodelifecycle,*,-ttl", 0},
    /* off already */
    {{"-nodelifecycle,*"}, NULL, 0},
    {{"*,-nodelifecycle"}, NULL, 0},
    {{"*,a,-node-lifecycle-controller"}, NULL, 0},
    {{"-nodelifecycle,nodelifecycle,*"}, NULL, 0},
    {{"-node-lifecycle-controller,nodelifecycle"}, NULL, 0},
    /* without "*" what is not named is off */
    {{""}, NULL, 0},
    {{"bootstrapsigner"}, NULL, 0},
    {{"deployment,replicaset"}, NULL, 0},
    {{"-ttl"}, NULL, 0},
    /* positive: turned around where it stands */
    {{"nodelifecycle"}, "-nodelifecycle", 0},
    {{"*,nodelifecycle,a"}, "*,-nodelifecycle,a", 0},
    {{"node-lifecycle-controller,*"}, "-nodelifecycle,*", 0},
    {{"nodelifecycle,-nodelifecycle"}, "-nodelifecycle,-nodelifecycle", 0},
    {{"a,nodelifecycle"}, "a,-nodelifecycle", 0},
    /* exact names only */
    {{"*, -nodelifecycle"}, "-nodelifecycle,*, -nodelifecycle", 0},
    {{"*,--nodelifecycle"}, "-nodelifecycle,*,--nodelifecycle", 0},
    {{"*,-NodeLifecycle"}, "-nodelifecycle,*,-NodeLifecycle", 0},
    {{"*,-nodelifecycles"}, "-nodelifecycle,*,-nodelifecycles", 0},
    {{"*,-nodelifecycl"}, "-nodelifecycle,*,-nodelifecycl", 0},
    {{"**"}, NULL, 0},
    {{"-*"}, NULL, 0},
    {{"-"}, NULL, 0},
    {{"*,"}, "-nodelifecycle,*,", 0},
    {{",*"}, "-nodelifecycle,,*", 0},
    /* repeated: one list */
    {{"*", "bootstrapsigner"}, "-nodelifecycle,*", 0},
    {{"bootstrapsigner", "*"}, "-nodelifecycle,bootstrapsigner", 0},
    {{"", "*"}, "-nodelifecycle", 0},
    {{"*", "-nodelifecycle"}, NULL, 0},
    {{"a", "b"}, NULL, 0},
    {{"*", "a,nodelifecycle"}, "a,-nodelifecycle", 1},
    {{"*,-nodelifecycle", "nodelifecycle"}, NULL, 0},
};

static const struct row addresses[] = {
    /* kubeadm's, from the source document */
    {{"InternalIP,ExternalIP,Hostname"}, "Hostname,InternalIP,ExternalIP", 0},
    {{"InternalIP"}, "Hostname,InternalIP", 0},
    {{"InternalIP,ExternalIP"}, "Hostname,InternalIP,ExternalIP", 0},
    {{"InternalDNS,Hostname,ExternalIP"}, "Hostname,InternalDNS,ExternalIP", 0},
    {{""}, "Hostname", 0},
    {{"Hostname"}, NULL, 0},
    {{"Hostname,InternalIP,ExternalIP"}, NULL, 0},
    {{"hostname,InternalIP"}, "Hostname,hostname,InternalIP", 0},
    {{" Hostname"}, "Hostname, Hostname", 0},
    {{"InternalIP,"}, "Hostname,InternalIP,", 0},
    {{"Hostname", "InternalIP"}, NULL, 0},
    {{"", "Hostname"}, NULL, 0},
    {{"InternalIP", "Hostname"}, "Hostname,InternalIP", 0},
    {{"InternalIP,Hostname", "ExternalIP"}, "Hostname,InternalIP", 0},
};

static size_t count(const char *const *values)
{
    size_t len = 0;
    while (len < 3 && values[len] != NULL) {
        len++;
    }
    return len;
}

static void check_change(const struct row *row, struct staticpod_new_value value)
{
    ck_assert_msg(value.change == (row->out != NULL), "\"%s\" becomes \"%s\"", row->values[0],
                  value.change ? value.value : row->values[0]);
    if (row->out != NULL) {
        ck_assert_str_eq(value.value, row->out);
        ck_assert_uint_eq(value.index, row->index);
    }
    free(value.value);
}

START_TEST(turns_nodelifecycle_off)
{
    const struct row *row = &controllers[_i];
    check_change(row, staticpod_controllers_off(row->values, count(row->values)));
}
END_TEST

START_TEST(puts_hostname_first)
{
    const struct row *row = &addresses[_i];
    check_change(row, staticpod_hostname_first(row->values, count(row->values)));
}
END_TEST

/* What was written needs no change. */
START_TEST(is_stable)
{
    const struct row *row = &controllers[_i];
    const char *values[3] = {row->values[0], row->values[1], row->values[2]};
    if (row->out != NULL) {
        values[row->index] = row->out;
    }
    struct staticpod_new_value again = staticpod_controllers_off(values, count(values));
    ck_assert(!again.change);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("staticpod_controllers");
    TCase *rows = tcase_create("rows");
    tcase_add_loop_test(rows, turns_nodelifecycle_off, 0, ARRAY_LEN(controllers));
    tcase_add_loop_test(rows, puts_hostname_first, 0, ARRAY_LEN(addresses));
    tcase_add_loop_test(rows, is_stable, 0, ARRAY_LEN(controllers));
    suite_add_tcase(suite, rows);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
