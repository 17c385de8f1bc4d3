"""CoreDNS as a DaemonSet: made, followed, repaired, updated past offline nodes, and taken away."""

import json
import time

import pytest
from conftest import NODE_COUNT, Operator, ready, until, written_to

MOVED = "registry.example/coredns:v1.14.6"
# What an upgrade may do to the Deployment: another image, and fields that are no more.
UPGRADE = [
    {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": MOVED},
    {"op": "remove", "path": "/spec/template/spec/containers/0/livenessProbe"},
    {"op": "remove", "path": "/spec/template/spec/containers/0/ports/2"},
]


def daemonset(cluster):
    return cluster.get("daemonset", "coredns")


def container(cluster):
    return daemonset(cluster)["spec"]["template"]["spec"]["containers"][0]


def pods(cluster, image=None):
    """The DaemonSet's, those with that image."""
    return [pod for pod in cluster.items("pods", "--selector=yurt-steward.io/component=coredns")
            if image in (None, pod["spec"]["containers"][0]["image"])]


def upgrade(cluster):
    cluster.kubectl("patch", "deployment", "coredns", "--type=json", "--patch",
                    json.dumps(UPGRADE))


@pytest.fixture
def plain(cluster):
    """A cluster without a DaemonSet coredns, before and after."""
    yield cluster
    cluster.kubectl("delete", "configmap", "yurt-steward", "--ignore-not-found")
    cluster.kubectl("delete", "daemonset", "coredns", "--ignore-not-found")


@pytest.fixture
def steward(plain, tmp_path):
    """Stopped before the DaemonSet is deleted, which it would make again."""
    running = Operator(plain, tmp_path / "log")
    try:
        yield running
    finally:
        running.end()


@pytest.fixture
def made(plain, steward):
    """In force, with a Ready pod on every node."""
    plain.configure(**{"coredns-daemonset": "Enforce"})
    steward.until("CoreDNS is on every node", lambda: ready(pods(plain)) == NODE_COUNT, 40)
    steward.until("it is in force", lambda: steward.lines("InForce", "coredns-daemonset"), 40)
    return plain


def nothing_is_written(cluster, seconds=3):
    since = cluster.audit_end()
    time.sleep(seconds)
    assert written_to(cluster.writes(since), "daemonsets") == []


def test_made_followed_repaired_reverted(made, steward):
    cluster = made
    nothing_is_written(cluster)
    assert "livenessProbe" in container(cluster)

    upgrade(cluster)
    steward.until("the Deployment is followed", lambda: container(cluster)["image"] == MOVED)
    # what the Deployment has no more, the DaemonSet must not keep
    assert "livenessProbe" not in container(cluster)
    assert 9153 not in [port["containerPort"] for port in container(cluster)["ports"]]
    steward.until("all pods are of the new template",
                  lambda: ready(pods(cluster, MOVED)) == NODE_COUNT == len(pods(cluster)), 90)
    steward.until("it is in force again",
                  lambda: len(steward.lines("InForce", "coredns-daemonset")) >= 2)
    assert cluster.events("Updated", "coredns") and not cluster.events("Repaired", "coredns")

    cluster.kubectl("set", "image", "daemonset/coredns", "coredns=registry.example/other:1")
    steward.until("the image is back", lambda: container(cluster)["image"] == MOVED)
    message = steward.until("Repaired is said", lambda: cluster.events("Repaired", "coredns"))
    assert "undone by kubectl-set" in message[0]["message"]

    cluster.kubectl("patch", "daemonset", "coredns", "--type=merge", "--patch", json.dumps(
        {"spec": {"template": {"spec": {"hostNetwork": True}}}}))
    steward.until("host network and its ports are gone", lambda: "hostNetwork" not in
                  daemonset(cluster)["spec"]["template"]["spec"]
                  and not any("hostPort" in port for port in container(cluster)["ports"]))

    cluster.configure(**{"coredns-daemonset": "Revert"})
    steward.until("the DaemonSet is gone", lambda: not daemonset(cluster), 30)
    steward.until("its record too", lambda: "coredns-daemonset" not in cluster.record())


def test_update_goes_past_an_offline_node(made, steward, nodes):
    cluster = made
    nodes.command("offline edge-b1")
    try:
        upgrade(cluster)
        # until its Lease is stale, the offline node may hold the only slot
        steward.until("all other nodes are updated",
                      lambda: ready(pods(cluster, MOVED)) == NODE_COUNT - 1, 150)
        steward.until("it is in force", lambda: len(
            steward.lines("InForce", "coredns-daemonset")) >= 2, 120)
    finally:
        nodes.command("online edge-b1")
    steward.until("the last one too",
                  lambda: ready(pods(cluster, MOVED)) == NODE_COUNT == len(pods(cluster)), 60)


def foreign():
    labels = {"k8s-app": "kube-dns", "their": "label"}
    return {
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "coredns", "namespace": "kube-system"},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "coredns", "image": "registry.example/theirs:1"}]}}}}


def test_another_ones_daemonset_is_adapted(plain, steward):
    cluster = plain
    cluster.kubectl("create", "--filename=-", input=json.dumps(foreign()))
    before = daemonset(cluster)
    cluster.configure(**{"coredns-daemonset": "Enforce"})

    def tolerations():
        return daemonset(cluster)["spec"]["template"]["spec"].get("tolerations")
    steward.until("it tolerates all", lambda: tolerations() == [{"operator": "Exists"}])
    after = daemonset(cluster)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"].get("labels") == before["metadata"].get("labels")
    steward.until("that is said", lambda: cluster.events("ForeignDaemonSet", "coredns"))

    cluster.configure(**{"coredns-daemonset": "Revert"})
    until("it is as it was", lambda: daemonset(cluster)["spec"] == before["spec"])
    until("the record is gone", lambda: "coredns-daemonset" not in cluster.record())
