"""The cut-over: CoreDNS's Deployment at zero once its DaemonSet serves every live pool, and back.

Nobody answers DNS queries at the addresses of pods that are played: what serves is judged by Pods,
Leases and EndpointSlices here, as the operator does where it can't reach a pool.
"""

import json

import pytest

from conftest import NODE_COUNT, Operator, ready
from cut_over import (ENFORCED, FOUR, QUICK_FALLBACK, REPLICAS, REVERTED, SOAK_SECONDS, THREE,
                      Story, dns, plain, ready_since)  # dns, plain: fixtures
from test_coredns_daemonset import MOVED, foreign
from test_once import once
from test_status import rows, status

LONG_SOAK_SECONDS = 4  # longer than it takes to ask servers that don't answer
ENDPOINT_KNOWN_SECONDS = 10  # until every kube-proxy knows a new one


@pytest.fixture
def cut(dns, tmp_path):
    """A cluster that was cut over; that of the test before, if it left it so."""
    if not dns.all_in_force() or "fallbacks" in dns.record():
        dns.clear()
        dns.cluster.configure(**ENFORCED)
        first = Operator(dns.cluster, tmp_path / "first")
        try:
            first.until("it is cut over", dns.all_in_force, 40)
        finally:
            first.end()
    dns.cluster.configure(**ENFORCED)  # whatever soak it had
    return dns


@pytest.fixture
def steward(dns, tmp_path):
    running = Operator(dns.cluster, tmp_path / "log")
    try:
        yield running
    finally:
        running.end()


def seconds(later, earlier):
    return (later - earlier).total_seconds()


def make_stale(cluster, node):
    """The Lease as if its node had been away for long."""
    cluster.kubectl("patch", "lease", node, "--namespace=kube-node-lease", "--type=merge",
                    "--patch", json.dumps({"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}}))


# --- the cut-over ---

@pytest.fixture
def begun(plain):
    """Configured before the operator starts, so that it never was an observer."""
    plain.cluster.configure(**{**ENFORCED, "coredns-deployment.soak": f"{LONG_SOAK_SECONDS}s"})
    return plain


def test_order_and_what_status_shows(begun, steward):
    cluster = begun.cluster
    steward.until("it is cut over", begun.is_cut, 40)
    story = Story(cluster, begun.since)
    assert story.writes[0]["objectRef"]["resource"] == "configmaps", "nothing before the record"
    applied = story.times("patch", "daemonsets")[0]
    annotated, = story.times("patch", "services")
    zero, = story.times("patch", "deployments")
    assert applied < annotated < zero, story
    assert seconds(zero, annotated) >= LONG_SOAK_SECONDS
    assert begun.record()["before"] == REPLICAS

    steward.until("all is in force", begun.all_in_force, 40)
    for name in THREE:
        assert not steward.lines("WARN", f"adjustment={name}"), "a cut without trouble"
    for name in FOUR:
        steward.until(f"{name} says so", lambda: steward.lines(f"adjustment={name} reason=InForce"))
    assert begun.on_every_node()
    steward.until("the Deployment has no pod", lambda: not begun.pods("ReplicaSet"))
    _, pools = rows(cluster)
    assert [(pool["pool"], pool["live"], pool["daemonSetPods"], pool["deploymentPods"])
            for pool in pools] == [("", 1, 1, 0), ("pool-a", 2, 2, 0), ("pool-b", 1, 1, 0)]
    assert [line.split()[1:3] for line in status(cluster).splitlines()[1:5]] == \
        [["Enforce", "InForce"]] * len(FOUR)


@pytest.fixture
def troubled(plain, nodes):
    """All that before the operator starts: it takes a Lease that changes for a living node's."""
    nodes.command("broken edge-b1")
    nodes.command("offline edge-a2")
    try:
        make_stale(plain.cluster, "edge-a2")
        plain.cluster.configure(**ENFORCED)
        yield plain
    finally:
        nodes.command("mended edge-b1")
        nodes.command("online edge-a2")


def test_gate_names_what_it_waits_for(troubled, steward, nodes):
    cluster = troubled.cluster
    steward.until("the pool is named, and why", lambda: steward.lines(
        "PoolsWithoutCoreDNS", "pool-b (node edge-b1: CrashLoopBackOff)"), 40)
    steward.until("so is the offline node", lambda: steward.lines("OfflineNodes", "edge-a2"))
    event = steward.until("an Event says so too",
                          lambda: cluster.events("PoolsWithoutCoreDNS", "coredns"))[0]
    assert event["type"] == "Warning"
    assert troubled.states()["coredns-deployment"] == "Held"
    assert (troubled.replicas(), troubled.annotation()) == (REPLICAS, None)

    nodes.command("mended edge-b1")
    steward.until("it is cut over, the offline node or not", troubled.is_cut, 40)
    nodes.command("online edge-a2")
    steward.until("CoreDNS is on the node that was offline", troubled.on_every_node, 30)
    steward.until("all is in force", troubled.all_in_force, 40)


@pytest.fixture
def selecting_others(plain):
    """The Service selects by a label that CoreDNS's pods have not."""
    def select(value):
        plain.cluster.kubectl("patch", "service", "kube-dns", "--type=merge", "--patch",
                              json.dumps({"spec": {"selector": {"app": value}}}))
    select("dns")
    plain.cluster.configure(**ENFORCED)
    yield plain
    select(None)


def test_selectors_that_do_not_match(selecting_others, steward):
    cluster = selecting_others.cluster
    event = steward.until("it is refused", lambda: cluster.events("Refused", "coredns"))[0]
    assert event["type"] == "Warning"
    for words in ("Service kube-system/kube-dns", "label app=dns", "spec.template.metadata.labels",
                  "Deployment kube-system/coredns"):
        assert words in event["message"]
    assert selecting_others.states()["coredns-daemonset"] == "Held"
    assert not selecting_others.daemonset()
    assert (selecting_others.replicas(), selecting_others.annotation()) == (REPLICAS, None)


@pytest.fixture
def annotated(plain):
    """With a soak that outlasts the test: the annotation is there, the Deployment is up."""
    plain.cluster.configure(**{**ENFORCED, **QUICK_FALLBACK, "coredns-deployment.soak": "10m"})
    return plain


def test_pool_goes_dark_in_the_soak(annotated, steward, nodes):
    """The annotation hides the Deployment's pods from it, so that has to go."""
    cluster = annotated.cluster
    steward.until("it soaks", lambda: "gateSince" in annotated.record(), 40)
    assert annotated.annotation()
    nodes.command("failing edge-b1 kube-dns")
    try:
        steward.until("the annotation is gone", lambda: annotated.annotation() is None, 30)
        steward.until("it says so", lambda: steward.lines("reason=FellBack", "pool-b"))
        assert annotated.replicas() == REPLICAS
        assert annotated.record()["fallbacks"] == 1
        event = steward.until("an Event says so",
                              lambda: cluster.events("FellBack", "coredns"))[0]
        assert event["type"] == "Warning" and "20m" in event["message"], "a longer soak"
    finally:
        nodes.command("working edge-b1 kube-dns")


# --- kept ---

def test_scaled_up_by_somebody(cut, steward):
    cluster = cut.cluster

    def scale_up():
        cluster.kubectl("scale", "deployment", "coredns", "--replicas=3")
    scale_up()
    steward.until("it is at 0 again", lambda: cut.replicas() == 0)
    message = steward.until("Repaired is said", lambda: cluster.events("Repaired", "coredns"))
    assert "undone by kubectl" in message[0]["message"]
    assert cut.record()["before"] == REPLICAS
    steward.until("all is in force", cut.all_in_force, 40)

    cluster.set_option("contention.budget", "2 per 10m")

    def fight():
        scale_up()
        return cluster.events("Contended", "coredns")
    event = steward.until("Contended is said", fight, 30)[0]
    assert event["type"] == "Warning" and "kubectl" in event["message"]


def test_image_is_followed_while_at_zero(cut, steward):
    cluster = cut.cluster
    cluster.kubectl("set", "image", "deployment/coredns", f"coredns={MOVED}")

    def moved():
        pods = cut.pods("DaemonSet")
        return len(pods) == ready(pods) == NODE_COUNT and all(
            pod["spec"]["containers"][0]["image"] == MOVED for pod in pods)
    steward.until("every node has it", moved, 60)
    steward.until("all is in force", cut.all_in_force, 40)
    assert not steward.lines("reason=FellBack")
    assert not steward.lines("reason=PoolsWithoutDNS"), "no more than a blink"


def test_kubeadm_at_any_moment(plain, steward):
    cluster = plain.cluster
    cluster.configure(**{**ENFORCED, "coredns-deployment.soak": "5s"})
    steward.until("there is a DaemonSet", plain.daemonset)
    cluster.kubeadm_addons()
    steward.until("it soaks", lambda: "gateSince" in plain.record(), 40)
    cluster.kubeadm_addons()
    steward.until("it is cut over all the same", plain.all_in_force, 60)
    uid = plain.daemonset()["metadata"]["uid"]

    cluster.kubeadm_addons()
    assert plain.replicas() == 0
    steward.until("what it undid is done again", plain.all_in_force, 40)

    cluster.kubectl("delete", "deployment", "coredns")
    cluster.kubeadm_addons()
    steward.until("the new one is cut over", plain.all_in_force, 60)
    assert plain.record()["uid"] == plain.deployment()["metadata"]["uid"]
    assert plain.daemonset()["metadata"]["uid"] == uid
    assert plain.record()["before"] == REPLICAS
    assert not steward.lines("reason=FellBack")


# --- back ---

def test_falls_back_and_cuts_over_again(cut, steward, nodes):
    cluster = cut.cluster
    uid = cut.daemonset()["metadata"]["uid"]
    cluster.configure(**QUICK_FALLBACK)
    since = cluster.audit_end()
    nodes.command("failing edge-b1 kube-dns")
    try:
        steward.until("it fell back", lambda: steward.lines("FellBack", "pool-b"), 30)
        steward.until("the annotation is gone", lambda: cut.annotation() is None)
        story = Story(cluster, since)
        restored, = story.times("patch", "deployments")
        away, = story.times("patch", "services")
        assert restored < away, story
        assert cut.replicas() == REPLICAS and ready(cut.pods("ReplicaSet"))
        assert cut.daemonset()["metadata"]["uid"] == uid
        event = steward.until("an Event says so", lambda: cluster.events("FellBack", "coredns"))[0]
        assert event["type"] == "Warning" and "pool-b" in event["message"]
    finally:
        nodes.command("working edge-b1 kube-dns")
    steward.until("it is cut over again", cut.all_in_force, 60)
    pod, = [pod for pod in cut.pods("DaemonSet") if pod["spec"]["nodeName"] == "edge-b1"]
    story = Story(cluster, since)
    annotated, zero = story.times("patch", "services")[-1], story.times("patch", "deployments")[-1]
    assert seconds(annotated, ready_since(pod)) >= 2 * SOAK_SECONDS
    assert seconds(zero, annotated) >= 2 * SOAK_SECONDS
    assert cut.record()["fallbacks"] == 1


def is_as_before(dns):
    return (not dns.daemonset() and dns.annotation() is None and dns.replicas() == REPLICAS
            and dns.cluster.config_in_force() is False
            and not any(key.startswith(FOUR) for key in dns.cluster.record()))


def test_revert_of_all(cut, steward):
    cluster = cut.cluster
    since = cluster.audit_end()
    cluster.configure(**REVERTED)
    steward.until("all is as before", lambda: is_as_before(cut), 60)
    story = Story(cluster, since)
    away, = story.times("patch", "services")
    restored, = story.times("patch", "deployments")
    deleted, = story.times("delete", "daemonsets")
    assert restored < deleted and away < deleted, story
    assert seconds(deleted, min(cut.served_since())) >= ENDPOINT_KNOWN_SECONDS
    assert ready(cut.pods("ReplicaSet")) == REPLICAS
    assert cluster.config() == cluster.original
    for name in FOUR:
        steward.until(f"{name} says so",
                      lambda: steward.lines(f"adjustment={name} reason=Reverted"))


def test_revert_without_the_operator(cut):
    done = once(cut.cluster, "revert", "--yes", *FOUR)
    assert done.returncode == 0, done.stderr
    assert is_as_before(cut)
    assert ready(cut.pods("ReplicaSet")) == REPLICAS


def test_another_ones_daemonset(plain, steward):
    cluster = plain.cluster
    cluster.kubectl("create", "--filename=-", input=json.dumps(foreign()))
    before = plain.daemonset()
    cluster.configure(**ENFORCED)
    steward.until("it is cut over", plain.all_in_force, 60)
    assert plain.on_every_node()
    assert plain.daemonset()["metadata"]["uid"] == before["metadata"]["uid"]
    assert cluster.events("ForeignDaemonSet", "coredns")

    cluster.configure(**REVERTED)
    steward.until("the Deployment serves again and there is no record", lambda: (
        plain.replicas() == REPLICAS and not cluster.record()), 60)
    assert plain.daemonset()["spec"] == before["spec"]
    assert plain.annotation() is None
