#include "unit/coredns_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/unit.h"

void coredns_objects(struct cluster *c, int replicas)
{
    cluster_load(c, "test/fixtures/kubeadm-1.37.2/service-kube-dns.json");
    cluster_put(c,
                "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":"
                "\"coredns\",\"namespace\":\"kube-system\",\"uid\":\"deployment-1\",\"generation\":"
                "1},\"spec\":{\"replicas\":%d,\"strategy\":{\"rollingUpdate\":{\"maxUnavailable\":1"
                "}}},\"status\":{\"observedGeneration\":1,\"availableReplicas\":%d}}",
                replicas, replicas);
    cluster_put(c, "{\"apiVersion\":\"apps/v1\",\"kind\":\"DaemonSet\",\"metadata\":{\"name\":"
                   "\"coredns\",\"namespace\":\"kube-system\",\"uid\":\"daemonset-1\","
                   "\"generation\":2,\"annotations\":{"
                   "\"deprecated.daemonset.template.generation\":\"7\"}},"
                   "\"status\":{\"observedGeneration\":2}}");
}

/* The same for the same pod, and another for every other one of a small cluster. */
static char *address_of(enum coredns_owner owner, const char *node)
{
    const char *number = strrchr(node, '-');
    return xasprintf("10.%d.%d.%s", owner == COREDNS_DS ? 244 : 245, node[0],
                     number != NULL ? number + 1 : "0");
}

/* What the DaemonSet controller gives its pods. */
static char *daemonset_labels(const struct cluster *c)
{
    const struct json_object *daemonset = cluster_get(c, COREDNS_DAEMONSET);
    return xasprintf(",\"pod-template-generation\":\"%s\"",
                     json_get_str_or(daemonset,
                                     "metadata/annotations/"
                                     "deprecated.daemonset.template.generation",
                                     "7"));
}

void coredns_pod(struct cluster *c, enum coredns_owner owner, const char *node, bool ready)
{
    bool ours = owner == COREDNS_DS;
    AUTO_FREE char *address = address_of(owner, node);
    AUTO_FREE char *labels = ours ? daemonset_labels(c) : xstrdup("");
    const char *uid =
        ours ? json_get_str_or(cluster_get(c, COREDNS_DAEMONSET), "metadata/uid", "daemonset-1")
             : "replicaset-1";
    cluster_put(c,
                "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s-%s\","
                "\"namespace\":\"kube-system\",\"labels\":{\"k8s-app\":\"kube-dns\"%s},"
                "\"ownerReferences\":[{\"controller\":true,\"kind\":\"%s\",\"uid\":\"%s\"}]},"
                "\"spec\":{\"nodeName\":\"%s\"},\"status\":{\"phase\":\"Running\",\"podIP\":\"%s\","
                "\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\"}]}}",
                ours ? "ds" : "rs", node, labels, ours ? "DaemonSet" : "ReplicaSet", uid, node,
                address, ready ? "True" : "False");
}

static bool add_endpoint(void *arg, const char *key, const struct json_object *object)
{
    struct buf *text = arg;
    const char *node = json_get_str(object, "spec/nodeName");
    const char *address = json_get_str_or(object, "status/podIP", "10.244.0.1");
    if (strncmp(key, "Pod/", 4) == 0 && node != NULL &&
        strcmp(json_get_str_or(object, "metadata/labels/k8s-app", ""), "kube-dns") == 0) {
        buf_printf(text,
                   "%s{\"addresses\":[\"%s\"],\"nodeName\":\"%s\",\"targetRef\":{\"kind\":\"Pod\","
                   "\"name\":\"%s\"}}",
                   text->len > 0 ? "," : "", address, node, json_get_str(object, "metadata/name"));
    }
    return true;
}

void coredns_slice(struct cluster *c)
{
    AUTO(buf) struct buf endpoints = BUF_INIT(1 << 20);
    json_each(c->objects, add_endpoint, &endpoints);
    cluster_put(c,
                "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{"
                "\"namespace\":\"kube-system\",\"name\":\"kube-dns-abc\",\"labels\":{"
                "\"kubernetes.io/service-name\":\"kube-dns\"}},\"endpoints\":[%s]}",
                buf_str(&endpoints));
}

void coredns_said(struct cluster *c, const char *pod, enum dns_result result, int64_t age_ms)
{
    AUTO_FREE char *key = xasprintf("Pod/kube-system/%s", pod);
    const char *address = json_get_str(cluster_get(c, key), "status/podIP");
    ck_assert_msg(address != NULL, "%s has no address", pod);
    struct dns_observation *said = xmalloc(sizeof(*said));
    *said = (struct dns_observation){result, c->now_ms - age_ms};
    c->world.can_ask_dns = true;
    strmap_set(&c->world.dns, address, said);
}

void coredns_good(struct cluster *c)
{
    cluster_init(c);
    coredns_objects(c, 2);
    cluster_merge(c, COREDNS_SERVICE, ANNOTATED);
    cluster_node(c, "cloud-1", NULL);
    cluster_node(c, "edge-1", "beijing");
    cluster_node(c, "edge-2", "hangzhou");
    coredns_pod(c, COREDNS_RS, "cloud-1", true);
    coredns_pod(c, COREDNS_DS, "cloud-1", true);
    coredns_pod(c, COREDNS_DS, "edge-1", true);
    coredns_pod(c, COREDNS_DS, "edge-2", true);
    coredns_slice(c);
    cluster_policy(c, "{" ENFORCED "}");
    cluster_pass(c, 10000);
    cluster_read_leases(c);
}

void coredns_scaled(struct cluster *c, int replicas, int available)
{
    AUTO(buf) struct buf patch = BUF_INIT(1024);
    buf_printf(&patch, "{\"spec\":{\"replicas\":%d},\"status\":{\"availableReplicas\":%d}}",
               replicas, available);
    cluster_merge(c, COREDNS_DEPLOYMENT, buf_str(&patch));
}

void coredns_zero(struct cluster *c)
{
    coredns_scaled(c, 0, 0);
    cluster_delete(c, "Pod/kube-system/rs-cloud-1");
    coredns_slice(c);
    cluster_state(c, RECORD(BEFORE CUT));
}

void coredns_all_said(struct cluster *c, enum dns_result result, int64_t age_ms)
{
    coredns_said(c, "ds-cloud-1", result, age_ms);
    coredns_said(c, "ds-edge-1", result, age_ms);
    coredns_said(c, "ds-edge-2", result, age_ms);
}
