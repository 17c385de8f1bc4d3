"""The cut-over and its Revert, cut off: SIGKILL after each write, and no API server for a while.

An operator that is killed is followed by one that finds out from the cluster how far it came. It
never gets further than one write, whose reply it never sees.
"""

import signal

import pytest

from conftest import CONTROL_PLANE, Operator
from cut_over import (ENFORCED, QUICK_FALLBACK, REPLICAS, THREE, Story, dns,
                      plain)  # dns, plain: fixtures
from live.kill_proxy import KillProxy
from live.roles import ACCOUNT
from test_crash import cleaned

# kube-proxy's has tests of its own for this.
ONLY_DNS = {**ENFORCED, "kube-proxy-kubeconfig": "Ignore"}


@pytest.fixture(scope="module")
def proxy(dns, tmp_path_factory):
    running = KillProxy([CONTROL_PLANE, "exec", str(dns.cluster.dir)], dns.cluster.dir,
                        tmp_path_factory.mktemp("proxy"))
    try:
        yield running
    finally:
        running.end()


class Relay:
    """Operators one after the other."""

    def __init__(self, dns, proxy, logs):
        self.dns, self.proxy, self.logs = dns, proxy, logs
        self.count = 0
        self.operator = None

    def start(self):
        self.count += 1
        self.operator = Operator(self.dns.cluster, self.logs / f"{self.count}.log",
                                 kubeconfig=self.proxy.kubeconfig)

    def one_write(self):
        """An operator that is killed at its first write, the reply to which is kept back."""
        self.proxy.arm("before 1")
        self.start()
        self.operator.until("it writes something", lambda: self.proxy.stopped, 40)
        self.operator.stop(signal.SIGKILL)

    def writes_until(self, done, safe=None):
        while not done():
            self.one_write()
            assert (safe or self.serves)()

    def serves(self):
        return self.dns.replicas() > 0 or self.dns.on_every_node()

    def undisturbed(self, what, done):
        self.proxy.arm("off")
        self.start()
        self.operator.until(what, done, 60)
        self.operator.end()

    def end(self):
        if self.operator is not None and not self.operator.ended():
            self.operator.stop(signal.SIGKILL)


@pytest.fixture
def relay(dns, proxy, tmp_path):
    running = Relay(dns, proxy, tmp_path)
    try:
        yield running
    finally:
        running.end()


def end_state(dns):
    """All but what differs from run to run: ids, times."""
    record = dns.record()
    if record:
        assert record.pop("uid") == dns.deployment()["metadata"]["uid"]
    found = {"record": record, "records": sorted(dns.cluster.record()),
             "service": cleaned(dns.cluster.get("service", "kube-dns"))}
    for kind, thing in (("deployment", dns.deployment()), ("daemonset", dns.daemonset())):
        found[kind] = cleaned(thing) if thing else None
    return found


def is_prepared(dns):
    """All is written that is to be before the gate opens."""
    annotations = dns.daemonset().get("metadata", {}).get("annotations", {})
    return ("before" in dns.record() and "coredns-daemonset" in dns.cluster.record()
            and annotations.get("yurt-steward.io/applied", "").startswith("maxSurge"))


def is_reverted(dns):
    return (not dns.daemonset() and dns.annotation() is None and dns.replicas() == REPLICAS
            and not dns.cluster.record())


def written_once(dns, since):
    """A second time would be harmless, and shows that what the first one did was not found."""
    story = Story(dns.cluster, since, ACCOUNT)
    for resource in ("services", "deployments"):
        assert len(story.times("patch", resource)) == 1, story
    return story


def test_killed_after_each_write(plain, relay, nodes):
    dns = plain
    before = end_state(dns)
    dns.cluster.configure(**ONLY_DNS)
    relay.undisturbed("it is cut over", lambda: dns.all_in_force(THREE))
    wanted = end_state(dns)
    assert wanted["record"] == {"before": REPLICAS, "cut": True}

    since = dns.cluster.audit_end()
    dns.cluster.configure(**{name: "Revert" for name in THREE})
    relay.writes_until(lambda: is_reverted(dns))
    story = written_once(dns, since)
    deleted, = story.times("delete", "daemonsets")
    assert story.times("patch", "services")[0] < deleted
    assert max(dns.served_since()) < deleted
    assert end_state(dns) == before

    dns.clear()
    nodes.command("broken edge-b1")
    try:
        dns.cluster.configure(**ONLY_DNS)
        relay.writes_until(lambda: is_prepared(dns))
        assert (dns.replicas(), dns.annotation()) == (REPLICAS, None)
    finally:
        nodes.command("mended edge-b1")
    relay.writes_until(dns.is_cut)
    relay.undisturbed("all is in force", lambda: dns.all_in_force(THREE))
    story = written_once(dns, dns.since)
    assert story.times("patch", "services")[0] < story.times("patch", "deployments")[0]
    assert end_state(dns) == wanted


def test_killed_after_each_write_of_a_fallback(plain, relay, nodes):
    dns = plain
    dns.cluster.configure(**{**ONLY_DNS, **QUICK_FALLBACK})
    relay.undisturbed("it is cut over", lambda: dns.all_in_force(THREE))
    since = dns.cluster.audit_end()
    nodes.command("failing edge-b1 kube-dns")
    try:
        # DNS of that pool is gone, by no write of the operator's
        relay.writes_until(lambda: dns.replicas() == REPLICAS and dns.annotation() is None,
                           safe=lambda: dns.annotation() or dns.served_since())
        story = written_once(dns, since)
        assert story.times("patch", "deployments")[0] < story.times("patch", "services")[0], story
    finally:
        nodes.command("working edge-b1 kube-dns")
    relay.writes_until(dns.is_cut)
    relay.undisturbed("all is in force", lambda: dns.all_in_force(THREE))
    assert dns.record()["fallbacks"] == 1


def test_api_server_restarts_during_the_soak(plain, tmp_path):
    soak_seconds = 6
    cluster = plain.cluster
    cluster.configure(**{**ENFORCED, "coredns-deployment.soak": f"{soak_seconds}s"})
    steward = Operator(cluster, tmp_path / "log")
    try:
        steward.until("it soaks", lambda: "gateSince" in plain.record(), 40)
        cluster.control_plane("kill-apiserver")
        cluster.control_plane("start-apiserver")
        steward.until("it is cut over", plain.all_in_force, 90)
    finally:
        steward.end()
    story = Story(cluster, plain.since)
    annotated, = story.times("patch", "services")
    zero, = story.times("patch", "deployments")
    assert (zero - annotated).total_seconds() >= soak_seconds
    assert not steward.lines("FellBack")
