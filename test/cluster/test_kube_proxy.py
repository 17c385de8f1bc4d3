"""kube-proxy without its kubeconfig, on nodes that have a kubelet, and some a yurthub."""

import pytest

from conftest import POOLS, until

OFFLINE = "edge-a1"
BARE = "cloud-2"  # a node that OpenYurt knows nothing of
ONLY = ("kube-proxy-kubeconfig",)

pytestmark = pytest.mark.usefixtures("reverted")


@pytest.fixture
def bare_node(cluster):
    try:
        cluster.run("join", f"{BARE}=cloud")
        cluster.kubectl("label", "node", BARE, "openyurt.io/is-edge-worker-")
        yield
    finally:
        cluster.run("leave", BARE)


def proxies(cluster):
    """{node: uid of its pod}"""
    return {pod["spec"]["nodeName"]: pod["metadata"]["uid"] for pod in cluster.pods("kube-proxy")
            if "nodeName" in pod["spec"] and "deletionTimestamp" not in pod["metadata"]}


def replaced(cluster, before):
    after = proxies(cluster)
    return {node for node in before if after.get(node, before[node]) != before[node]}


def lines_of(steward, reason):
    return steward.lines(f"adjustment={ONLY[0]} reason={reason}")


def test_canary_waves_and_an_offline_node(cluster, bare_node, steward):
    before = proxies(cluster)
    live = set(before) - {OFFLINE}
    assert set(before) == {*POOLS, BARE}
    cluster.run("cut", OFFLINE)
    until("it is offline", lambda: not cluster.node_is_ready(OFFLINE))

    cluster.configure(**{"kube-proxy-kubeconfig.wave": "100%"})
    cluster.set_modes("Enforce", ONLY)
    steward.until("the others are replaced", lambda: replaced(cluster, before) == live)
    steward.until("all is in force as far as nodes are live",
                  lambda: cluster.all_are("InForce", ONLY))
    first, *rest = lines_of(steward, "PodReplaced")
    assert "(canary)" in first and not any("(canary)" in line for line in rest)
    assert len(rest) == len(live) - 1
    assert any(OFFLINE in line for line in lines_of(steward, "OfflineNodesPending"))
    bare = lines_of(steward, "NodesWithoutYurthub")
    assert bare and all(BARE in line for line in bare)
    assert not any(node in line for line in bare for node in POOLS)
    assert "#kubeconfig:" in cluster.config()

    cluster.run("heal", OFFLINE)
    steward.until("the one that was offline is caught up",
                  lambda: replaced(cluster, before) == set(before))

    enforced = proxies(cluster)
    cluster.set_modes("Revert", ONLY)
    steward.until("all are replaced again", lambda: replaced(cluster, enforced) == set(before)
                  and cluster.all_are("Reverted", ONLY))
    assert cluster.config() == cluster.original
