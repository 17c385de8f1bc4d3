"""kubeadm's static pods under a real kubelet, and the agent that keeps their manifests."""

import pathlib
import shutil
import tempfile
import time

import pytest

from conftest import until
from static_plane import (EDGE, ETCD, MANAGER, NODE, SERVER, TUNNEL, NOBODY, Agent, StaticPlane,
                          changed_lines)

OFF = "    - --controllers=-nodelifecycle,*,bootstrapsigner,tokencleaner"
ON = "    - --controllers=*,bootstrapsigner,tokencleaner"
HOSTNAME_FIRST = "    - --kubelet-preferred-address-types=Hostname,InternalIP,ExternalIP"
ADDRESS_FIRST = "    - --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname"
HEALTHZ = "https://127.0.0.1:10257/healthz"


@pytest.fixture(scope="module")
def plane():
    """Stopped and removed whatever happens."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="steward-static-"))
    running = StaticPlane(directory / "cluster")
    try:
        running.start()
        running.originals = {name: running.manifest(name) for name in (MANAGER, SERVER)}
        yield running
    finally:
        running.end()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def agent(plane, tmp_path):
    """Starts one after the other, with one log."""
    started = []

    def start():
        started.append(Agent(plane, tmp_path / "agent.log"))
        return started[-1]
    yield start
    for each in started:
        each.kill()


@pytest.fixture
def timed(record_property):
    """How long things take; shown by `pytest -rA`, and nothing is decided by it."""
    class Timed:
        began = time.monotonic()

        def restart(self):
            self.began = time.monotonic()

        def __call__(self, what):
            seconds = f"{time.monotonic() - self.began:.1f}"
            print(f"{what}: {seconds} s")
            record_property(what, seconds)
            self.restart()
    return Timed()


def lifecycle_log(plane):
    return [line for line in plane.kubectl("logs", f"{MANAGER}-{NODE}").splitlines()
            if "node-lifecycle-controller" in line or '"nodelifecycle"' in line]


def edge_pod(plane):
    return plane.pods("kube-proxy", node=EDGE)[0]["metadata"]["name"]


def test_both_in_force_and_back(plane, agent, timed):
    plane.configure(**{MANAGER: "Enforce"})
    running = agent()
    running.is_done(MANAGER, "InForce")
    timed("kube-controller-manager: to InForce")
    text = plane.manifest(MANAGER)
    assert changed_lines(plane.originals[MANAGER], text) == ([ON], [OFF])
    assert plane.answers(HEALTHZ)
    log = until("it says what it does not run", lambda: lifecycle_log(plane))
    assert all("controller is disabled" in line for line in log), log

    plane.configure(**{MANAGER: "Enforce", SERVER: "Enforce"})
    created = plane.created(MANAGER)
    assert (created, plane.created(SERVER)) == (1, 0)
    timed.restart()
    running.is_done(SERVER, "InForce")
    timed("kube-apiserver: to InForce")
    assert (plane.created(SERVER), plane.created(ETCD)) == (1, 0)
    removed, added = changed_lines(plane.originals[SERVER], plane.manifest(SERVER))
    assert removed == [ADDRESS_FIRST] and HOSTNAME_FIRST in added, added
    nameserver = plane.get(f"services/{TUNNEL}")["spec"]["clusterIP"]
    assert f"nameserver {nameserver}" in plane.process_file(SERVER, "root/etc/resolv.conf")
    assert "Kubernetes v1" in plane.kubectl("exec", edge_pod(plane), "--", "kube-proxy",
                                            "--version")
    assert EDGE in plane.tunnel.all, "the kubelet was not reached by its name"
    running.end()

    rewritten_is_answered(plane, agent, timed)
    plane.configure(**{MANAGER: "Revert", SERVER: "Revert"})
    running = agent()
    for name in (MANAGER, SERVER):
        running.is_done(name, "Reverted")
        assert plane.manifest(name) == plane.originals[name]
    timed("both: to Reverted")
    assert (plane.created(SERVER), plane.created(ETCD)) == (2, 0)
    running.end()


def rewritten_is_answered(plane, agent, timed):
    running = agent()
    running.is_done(MANAGER, "InForce")
    before = len(running.said("manifest=kube-controller-manager", "reason=Committed"))
    timed.restart()
    plane.rewrite(MANAGER)
    running.until("it is in force again", lambda: len(running.said(
        "manifest=kube-controller-manager", "reason=Committed")) > before)
    timed("kube-controller-manager: after kubeadm, in force again")
    assert changed_lines(plane.originals[MANAGER], plane.manifest(MANAGER)) == ([ON], [OFF])
    running.end()


def test_killed_at_each_step(plane, agent, timed):
    """The file is always the old or the new one, and the component restarts once."""
    old = plane.originals[MANAGER]
    new = old.replace(ON, OFF)
    until("all is calm", lambda: plane.is_up(MANAGER, ON.split()[-1]))
    created = plane.created(MANAGER)
    plane.configure(**{MANAGER: "Enforce"})
    for moment in ("journal", "manifest"):
        killer = plane.killer(moment)
        until("it looks", lambda k=killer: "ready" in k.all)
        running = agent()
        until(f"it is killed: {moment}", lambda k=killer: "killed" in k.all, 120, running.text)
        running.process.wait(60)
        text = plane.manifest(MANAGER)
        assert text in (old, new)
        if text == new:
            break
    running = agent()
    running.until("it goes on", lambda: running.said("reason=Resumed"))
    running.kill()
    assert plane.manifest(MANAGER) == new
    running = agent()
    running.is_done(MANAGER, "InForce")
    assert plane.manifest(MANAGER) == new
    assert [name for name in plane.names() if name.startswith(".")] == []
    assert plane.created(MANAGER) == created + 1
    timed("kube-controller-manager: killed three times, to InForce")
    running.end()


def with_etcd_by_name(text):
    """And less time to start, so that it is put back soon."""
    for old, new in (("-servers=https://127.0.0.1:2379", f"-servers=https://{NODE}:2379"),
                     ("failureThreshold: 60", "failureThreshold: 25")):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def test_unreachable_nameserver_is_rolled_back(plane, agent, timed):
    """The API server is away then, and the agent alone."""
    by_name = with_etcd_by_name(plane.originals[SERVER])
    created = plane.created(SERVER)
    plane.put(SERVER, by_name)
    until("that is another container", lambda: plane.created(SERVER) > created, 240)
    until("etcd is found by its name",
          lambda: plane.is_up(SERVER, f"--etcd-servers=https://{NODE}:"), 240)
    timed("kube-apiserver: edited by hand, to Ready")
    plane.configure(**{SERVER: "Enforce"})
    running = agent()
    running.until("it refuses", lambda: running.said("manifest=kube-apiserver", NODE, "Allow"))
    assert plane.manifest(SERVER) == by_name

    plane.point_tunnel(NOBODY)
    plane.configure(**{SERVER: "Enforce", "kube-apiserver.names": "Allow"})
    running.until("it is written", lambda: running.said("manifest=kube-apiserver",
                                                        "reason=Written"))
    timed.restart()
    running.until("it is put back", lambda: running.said("manifest=kube-apiserver",
                                                         "reason=RolledBack"))
    timed("kube-apiserver: written, to rolled back")
    assert plane.manifest(SERVER) == by_name
    until("the API server answers again", plane.server_answers, 240)
    timed("kube-apiserver: rolled back, to ready")
    running.is_done(SERVER, "RolledBack")
    running.end()
