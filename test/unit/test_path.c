#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "kube/client.h"
#include "unit/unit.h"

static const struct kube_resource core = {"", "v1", "ConfigMap", "configmaps"};
static const struct kube_resource nodes = {"", "v1", "Node", "nodes"};
static const struct kube_resource apps = {"apps", "v1", "Deployment", "deployments"};

static const struct {
    const struct kube_resource *resource;
    const char *ns;
    const char *name;
    const char *subresource;
    const char *path;
} paths[] = {
    {&core, "kube-system", "kube-proxy", NULL,
     "/api/v1/namespaces/kube-system/configmaps/kube-proxy"},
    {&core, "kube-system", NULL, NULL, "/api/v1/namespaces/kube-system/configmaps"},
    {&core, NULL, NULL, NULL, "/api/v1/configmaps"},
    {&core, "", NULL, NULL, "/api/v1/configmaps"},
    {&nodes, NULL, "n1", NULL, "/api/v1/nodes/n1"},
    {&apps, "kube-system", "coredns", "scale",
     "/apis/apps/v1/namespaces/kube-system/deployments/coredns/scale"},
    {&core, "a b", "x/../y?z#%", NULL, "/api/v1/namespaces/a%20b/configmaps/x%2F..%2Fy%3Fz%23%25"},
    /* an empty name must not become the collection: a DELETE of that would be a catastrophe */
    {&core, "ns", "", NULL, "/api/v1/namespaces/ns/configmaps/"},
};

START_TEST(path_of)
{
    AUTO_FREE char *path =
        kube_path(paths[_i].resource, paths[_i].ns, paths[_i].name, paths[_i].subresource);
    ck_assert_str_eq(path, paths[_i].path);
}
END_TEST

START_TEST(path_keeps_long_names)
{
    char name[100000];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    AUTO_FREE char *path = kube_path(&core, "ns", name, "sub");
    ck_assert_uint_eq(strlen(path), strlen("/api/v1/namespaces/ns/configmaps//sub") + strlen(name));
}
END_TEST

START_TEST(query)
{
    AUTO(buf) struct buf path = BUF_INIT(1000);
    buf_puts(&path, "/api/v1/pods");
    kube_query_add(&path, "watch", "1");
    kube_query_add(&path, "labelSelector", "k8s-app in (a,b)");
    kube_query_add(&path, "resourceVersion", "");
    kube_query_add(&path, "continue", "eyJ2Ijoi+/=");
    ck_assert_str_eq(buf_str(&path),
                     "/api/v1/pods?watch=1&labelSelector=k8s-app%20in%20%28a%2Cb%29&"
                     "resourceVersion=&continue=eyJ2Ijoi%2B%2F%3D");
    ck_assert(!path.overflow);
}
END_TEST

START_TEST(api_version)
{
    AUTO_FREE char *of_core = kube_api_version(&core);
    AUTO_FREE char *of_apps = kube_api_version(&apps);
    ck_assert_str_eq(of_core, "v1");
    ck_assert_str_eq(of_apps, "apps/v1");
}
END_TEST

static Suite *suite(void)
{
    Suite *path = suite_create("path");
    TCase *all = tcase_create("path");
    tcase_add_loop_test(all, path_of, 0, (int)ARRAY_LEN(paths));
    tcase_add_test(all, path_keeps_long_names);
    tcase_add_test(all, query);
    tcase_add_test(all, api_version);
    suite_add_tcase(path, all);
    return path;
}

int main(void)
{
    return unit_main(suite());
}
