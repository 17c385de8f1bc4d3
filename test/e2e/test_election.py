"""Two replicas: one acts. Stopped, suspended or killed, the other takes over."""

import os
import signal

import pytest

from conftest import Operator


def holder(cluster):
    lease = cluster.get("lease", "yurt-steward")
    return lease.get("spec", {}).get("holderIdentity", "")


@pytest.fixture
def replicas(cluster, tmp_path):
    """The first leads, the second stands by."""
    cluster.configure(service_topology="Enforce", **{"service-topology.gate": "Skip"})
    started = []
    try:
        started.append(Operator(cluster, tmp_path / "first", "--leader-elect"))
        started[0].until("the first leads", lambda: started[0].lines("leading"), 30)
        started.append(Operator(cluster, tmp_path / "second", "--leader-elect"))
        started[0].until("it is in force", lambda: cluster.annotation())
        yield started
    finally:
        for replica in started:
            if not replica.ended():
                os.kill(replica.pid, signal.SIGKILL)
                replica.process.wait()
        cluster.kubectl("delete", "lease", "yurt-steward", "--ignore-not-found")


def repaired_by(cluster, replica):
    """A drift is made and repaired; the replica says that it was the one."""
    said = len(replica.lines("Repaired"))
    cluster.undo_annotation()
    replica.until("the drift is repaired", cluster.annotation, 30)
    replica.until("it says so", lambda: len(replica.lines("Repaired")) > said)


def test_only_the_leader_acts(cluster, replicas):
    first, second = replicas
    repaired_by(cluster, first)
    assert not second.lines("adjustment=service-topology")
    assert not second.lines("leading")


def test_graceful_stop_hands_over(cluster, replicas):
    first, second = replicas
    assert first.stop() == 0
    second.until("the second leads", lambda: second.lines("leading"))
    assert not second.lines("cannot read or renew")
    repaired_by(cluster, second)


def test_suspended_leader_writes_nothing_when_it_wakes(cluster, replicas):
    first, second = replicas
    os.kill(first.pid, signal.SIGSTOP)
    second.until("the second leads", lambda: second.lines("leading"), 40)
    repaired_by(cluster, second)
    said = len(first.lines("Repaired"))
    cluster.overwrite_annotation()
    os.kill(first.pid, signal.SIGCONT)
    first.until("it notices", lambda: first.lines("the leadership was lost"))
    second.until("the drift is repaired", lambda: cluster.annotation() == "openyurt.io/nodepool")
    repaired_by(cluster, second)
    assert len(first.lines("Repaired")) == said
    assert not first.ended()


def test_outage_that_outlasts_the_lease(cluster, replicas):
    """Nobody could take it, so the one that had it goes on with warm caches."""
    first, second = replicas
    cluster.control_plane("kill-apiserver")
    try:
        first.until("the leadership ran out", lambda: first.lines("the leadership was lost"), 30)
    finally:
        cluster.control_plane("start-apiserver")
    cluster.control_plane("wait")
    first.until("somebody leads", lambda: len(first.lines("leading")) + len(
        second.lines("leading")) == 2)
    cluster.undo_annotation()
    first.until("the drift is repaired", cluster.annotation)


def test_killed_leader_is_followed(cluster, replicas):
    first, second = replicas
    before = holder(cluster)
    os.kill(first.pid, signal.SIGKILL)
    first.process.wait()
    second.until("the second leads", lambda: second.lines("leading"), 40)
    assert holder(cluster) != before
    repaired_by(cluster, second)
