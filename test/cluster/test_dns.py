"""CoreDNS moves to a DaemonSet and back while a client in every pool asks: not one query lost.

One story on one cluster, from before the install until after Revert: what came before is part of
what each step is about.
"""

import pytest

from conftest import CLUSTER, POOLS, REPLICAS, TOPOLOGY, Clients, Operator, is_ready, until
from live.kill_proxy import KillProxy

OTHER_IMAGE = "registry.k8s.io/coredns/coredns:next"  # on every node, see hack/README.md
YURTHUB = "169.254.2.1:10268"  # what it tells pods to be the API server's address
WRITES_LEAST = 8  # the record, DaemonSet, Service, Deployment, ConfigMap, a pod on each node


def image_of(workload):
    return workload["spec"]["template"]["spec"]["containers"][0]["image"]


def is_served_by_daemonset(cluster):
    """Only by that, and all its pods have the image that the Deployment has."""
    pods, image = cluster.pods("kube-dns"), image_of(cluster.deployment())
    return ({pod["spec"].get("nodeName") for pod in pods} == set(POOLS) and len(pods) == len(POOLS)
            and all(is_ready(pod) and pod["spec"]["containers"][0]["image"] == image
                    for pod in pods))


def shows_all(cluster):
    endpoints = cluster.endpoints()
    return all(cluster.shown(node) == endpoints for node in POOLS)


def is_asked_by_proxies(cluster):
    """Whether kube-proxy, a pod on the host network, is connected to yurthub.

    That it is so before too is yurthub's filter inclusterconfig: it makes the edit in flight.
    """
    return all(cluster.run("exec-at", node, "ss", "--no-header", "--tcp", "--numeric", "state",
                           "established", "dst", YURTHUB).stdout.strip() for node in POOLS)


def killed_at_every_write(cluster, logs, mode, state):
    """Operators one after the other, until all is done. What one wrote last it never learns."""
    proxy = KillProxy([CLUSTER, "exec", str(cluster.dir)], cluster.dir, logs)
    killed = 0
    try:
        cluster.set_modes(mode)
        while not cluster.all_are(state):
            proxy.arm("before 1")
            operator = Operator(cluster, logs / f"{mode}-{killed}.log", proxy.kubeconfig)
            try:
                operator.until("it writes something, or needs not",
                               lambda: proxy.stopped or cluster.all_are(state))
            finally:
                operator.kill()
            assert not operator.lines("FellBack")
            killed += proxy.stopped
    finally:
        proxy.end()
    assert killed >= WRITES_LEAST


def change_image(cluster, operator, image):
    cluster.kubectl("set", "image", "deployment/coredns", f"coredns={image}")
    operator.until(f"every node has {image}", lambda: is_served_by_daemonset(cluster))


def restart_api_server(cluster, operator):
    cluster.control_plane("kill-apiserver")
    cluster.control_plane("start-apiserver")
    cluster.kubectl("annotate", "service", "kube-dns", f"{TOPOLOGY}-")
    operator.until("the operator is at it again", lambda: TOPOLOGY in cluster.service())
    operator.until("all is in force", lambda: cluster.all_are("InForce"))


def cut_node_off(cluster, clients, node="edge-b1"):
    """And back before it is noticed: whose DNS is its own does not need the others."""
    def reaches_api_server():
        return cluster.run("exec-at", node, "curl", "--silent", "--insecure", "--max-time", "1",
                           "https://10.10.0.10:6443/livez", check=False).returncode == 0
    assert reaches_api_server()
    cluster.run("cut", node)
    try:
        assert not reaches_api_server()
        clients.by_node[node].until_answered(60)
    finally:
        cluster.run("heal", node)
    until("it is back", reaches_api_server)


def run_kubeadm(cluster, operator):
    def repairs():
        return len(operator.lines("adjustment=service-topology", "reason=Repaired"))
    known = repairs()
    cluster.control_plane("kubeadm", "init", "phase", "addon", "all")
    operator.until("what it undid is done again", lambda: repairs() > known)
    operator.until("all is in force again", lambda: TOPOLOGY in cluster.service()
                   and cluster.all_are("InForce") and is_served_by_daemonset(cluster))
    until("yurthub shows a node its pool only", lambda: cluster.shows_only_own_pools())


def is_as_before(cluster):
    return (not cluster.daemonset() and not cluster.records()
            and sum(map(is_ready, cluster.pods("kube-dns", "ReplicaSet"))) == REPLICAS
            and len(cluster.pods("kube-dns")) == REPLICAS)


@pytest.fixture
def clients(cluster, tmp_path):
    running = Clients(cluster, tmp_path)
    try:
        yield running
    finally:
        running.end()


def test_not_one_query_is_lost(cluster, clients, tmp_path):
    deployment, service = cluster.deployment(), cluster.service()
    assert shows_all(cluster) and cluster.replicas() == REPLICAS

    killed_at_every_write(cluster, tmp_path, "Enforce", "InForce")
    assert cluster.replicas() == 0 and TOPOLOGY in cluster.service()
    until("only the DaemonSet serves", lambda: is_served_by_daemonset(cluster))
    until("kube-proxy asks yurthub", lambda: is_asked_by_proxies(cluster))
    until("yurthub shows a node its pool only", lambda: cluster.shows_only_own_pools())
    clients.none_lost("install and cut-over")

    operator = Operator(cluster, tmp_path / "steward.log")
    try:
        change_image(cluster, operator, OTHER_IMAGE)
        # kubeadm refuses a version that it does not know
        change_image(cluster, operator, image_of(deployment))
        clients.none_lost("change of CoreDNS's image")
        restart_api_server(cluster, operator)
        clients.none_lost("restart of the API server")
        cut_node_off(cluster, clients)
        clients.none_lost("a node cut off and back")
        run_kubeadm(cluster, operator)
        clients.none_lost("kubeadm's addons")
        assert not operator.lines("FellBack")
    finally:
        operator.kill()

    killed_at_every_write(cluster, tmp_path, "Revert", "Reverted")
    until("all is as before", lambda: is_as_before(cluster))
    until("yurthub shows all again", lambda: shows_all(cluster))
    assert cluster.service() == service and cluster.config() == cluster.original
    assert cluster.deployment()["spec"] == deployment["spec"]
    clients.finish("Revert, and all before it")
    cluster.forget()
