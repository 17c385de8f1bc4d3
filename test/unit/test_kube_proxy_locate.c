#include "adjust/kube_proxy_locate.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "unit/unit.h"

static const struct row {
    const char *command;
    const char *args;
    const char *mount; /* besides the volume's name */
    const char *source;
    const char *configmap; /* NULL: not found, and `key` is in the reason */
    const char *key;
    bool master;
} rows[] = {
    {"\"kube-proxy\",\"--config=/d/c.conf\"", "", "\"mountPath\":\"/d\"",
     "\"configMap\":{\"name\":\"m\"}", "m", "c.conf", false},
    {"\"kube-proxy\",\"--config\",\"/d/c.conf\"", "", "\"mountPath\":\"/d/\"",
     "\"configMap\":{\"name\":\"m\"}", "m", "c.conf", false},
    {"\"kube-proxy\"", "\"--master\",\"x\",\"--config=/d/c.conf\"", "\"mountPath\":\"/d\"",
     "\"configMap\":{\"name\":\"m\"}", "m", "c.conf", true},
    {"\"kube-proxy\"", "\"--config=/a\",\"--config=/d/c.conf\",\"--master=x\"",
     "\"mountPath\":\"/d\"", "\"configMap\":{\"name\":\"m\"}", "m", "c.conf", true},
    {"\"--config=/d/sub/x\"", "", "\"mountPath\":\"/d\"",
     "\"configMap\":{\"name\":\"m\",\"items\":[{\"key\":\"a\",\"path\":\"x\"},"
     "{\"key\":\"k\",\"path\":\"sub/x\"}]}",
     "m", "k", false},
    {"\"--config=/d/x\"", "", "\"mountPath\":\"/d/x\",\"subPath\":\"config.conf\"",
     "\"configMap\":{\"name\":\"m\"}", "m", "config.conf", false},
    {"\"--config=/d/x\"", "", "\"mountPath\":\"/d/x\",\"subPath\":\"p\"",
     "\"configMap\":{\"name\":\"m\",\"items\":[{\"key\":\"k\",\"path\":\"p\"}]}", "m", "k", false},
    {"\"--config=/d/x\"", "", "\"mountPath\":\"/d\",\"subPath\":\"sub/\"",
     "\"configMap\":{\"name\":\"m\",\"items\":[{\"key\":\"a\",\"path\":\"x\"},"
     "{\"key\":\"k\",\"path\":\"sub/x\"}]}",
     "m", "k", false},
    {"\"--config=/d/b/x\"", "", "\"mountPath\":\"/d\",\"subPath\":\"a\"",
     "\"configMap\":{\"name\":\"m\",\"items\":[{\"key\":\"k\",\"path\":\"a/b/x\"}]}", "m", "k",
     false},
    {"\"--config=/d/x\"", "", "\"mountPath\":\"/d\",\"subPath\":\"\"",
     "\"configMap\":{\"name\":\"m\"}", "m", "x", false},
    {"\"--config=/d/x\"", "", "\"mountPath\":\"/d\",\"subPath\":\"sub\"",
     "\"configMap\":{\"name\":\"m\"}", NULL, "no key of ConfigMap m", false},
    {"\"kube-proxy\",\"--kubeconfig=/k\"", "", "\"mountPath\":\"/d\"",
     "\"configMap\":{\"name\":\"m\"}", NULL, "without --config", false},
    {"\"--config\"", "", "\"mountPath\":\"/d\"", "\"configMap\":{\"name\":\"m\"}", NULL,
     "without --config", false},
    {"\"--config=/dd/c\"", "", "\"mountPath\":\"/d\"", "\"configMap\":{\"name\":\"m\"}", NULL,
     "--config=/dd/c is not in a ConfigMap volume", false},
    {"\"--config=/d/c\"", "", "\"mountPath\":\"/d\"", "\"hostPath\":{\"path\":\"/d\"}", NULL,
     "is not in a ConfigMap volume", false},
    {"\"--config=/d/c\"", "", "\"mountPath\":\"/d\"",
     "\"configMap\":{\"name\":\"m\",\"items\":[{\"key\":\"c\",\"path\":\"other\"}]}", NULL,
     "no key of ConfigMap m", false},
    {"\"--config=/d/sub/c\"", "", "\"mountPath\":\"/d\"", "\"configMap\":{\"name\":\"m\"}", NULL,
     "no key of ConfigMap m", false},
    {"7,null,\"--config=/d/c\"", "", "\"mountPath\":\"/d\"", "\"configMap\":{\"name\":\"m\"}", "m",
     "c", false},
};

START_TEST(locates)
{
    const struct row *row = &rows[_i];
    AUTO_FREE char *text = xasprintf(
        "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"command\":[\"sidecar\"]},{"
        "\"command\":[%s],\"args\":[%s],\"volumeMounts\":[{\"name\":\"other\",\"mountPath\":"
        "\"/lib\"},{\"name\":\"v\",%s}]}],\"volumes\":[{\"name\":\"other\"},{\"name\":\"v\",%s}]"
        "}}}}",
        row->command, row->args, row->mount, row->source);
    AUTO(json) struct json_object *json = NULL;
    struct kube_proxy_place place;
    ck_assert_int_eq(json_parse(text, strlen(text), &json, NULL), 0);
    bool found = kube_proxy_locate(json, &place);
    ck_assert_int_eq(found, row->configmap != NULL);
    ck_assert_int_eq(place.master, row->master);
    if (found) {
        ck_assert_str_eq(place.configmap, row->configmap);
        ck_assert_str_eq(place.key, row->key);
    } else {
        ck_assert_msg(strstr(place.why, row->key) != NULL, "%s", place.why);
    }
}
END_TEST

START_TEST(kubeadm)
{
    static const char *const files[] = {"test/fixtures/kubeadm-1.20.2/daemonset-kube-proxy.json",
                                        "test/fixtures/kubeadm-1.37.2/daemonset-kube-proxy.json"};
    size_t len;
    AUTO_FREE char *text = unit_read_file(files[_i], &len);
    AUTO(json) struct json_object *json = NULL;
    struct kube_proxy_place place;
    ck_assert_int_eq(json_parse(text, len, &json, NULL), 0);
    ck_assert(kube_proxy_locate(json, &place));
    ck_assert_str_eq(place.configmap, "kube-proxy");
    ck_assert_str_eq(place.key, "config.conf");
    ck_assert(!place.master);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kube_proxy_locate");
    TCase *tcase = tcase_create("locate");
    tcase_add_loop_test(tcase, locates, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(tcase, kubeadm, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
