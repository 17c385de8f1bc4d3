"""The agent as it runs on: what does not work is put back, what is undone is done again."""

import json
import re

import pytest
import yaml

from conftest import until
from played_node import (
    MANAGER, NODE, PORT, SECOND, SERVER, Host, configure, grant, host, is_off, plane, set_key,
    tunnel_dns,
)  # noqa: F401 (fixtures)


# --- what does not work is put back ---


def test_unhealthy_component_is_rolled_back(plane, host):
    host.broken.touch()
    configure(plane, kube_controller_manager="Enforce")
    agent = host.agent()
    agent.until("it is written", lambda: agent.said("reason=Written"))
    agent.until("it is put back", lambda: host.report()[MANAGER]["state"] == "RolledBack", 120)
    assert host.text(MANAGER) == host.originals[MANAGER]
    assert plane.events("RolledBack", f"{MANAGER}-{NODE}")
    host.broken.unlink()
    agent.until("nobody is held up by it", lambda: not plane.get(
        "lease", "yurt-steward-node")["spec"].get("holderIdentity"))
    # the same bytes are not tried again, by another process either
    assert agent.stop() == 0
    status, log = host.once()
    assert status == 1, log
    assert host.text(MANAGER) == host.originals[MANAGER]
    assert host.report()[MANAGER]["state"] == "RolledBack"
    # but for another manifest they are
    host.put(MANAGER, host.originals[MANAGER].replace("cpu: 200m", "cpu: 250m"))
    until("that is taken up", lambda: "250m" in json.dumps(host.pod(MANAGER))
          and host.ready(MANAGER), 60)
    status, log = host.once()
    assert status == 0, log
    assert is_off(host) and "cpu: 250m" in host.text(MANAGER)


def test_rolled_back_without_the_api_server(plane, host):
    host.broken.touch()
    configure(plane, kube_controller_manager="Enforce")
    agent = host.agent()
    agent.until("it is written", lambda: agent.said("reason=Written"))
    plane.control_plane("kill-apiserver")
    try:
        agent.until("it is put back", lambda: agent.said("reason=RolledBack"), 120)
        assert host.text(MANAGER) == host.originals[MANAGER]
    finally:
        plane.control_plane("start-apiserver")
    agent.until("it says so", lambda: host.report()[MANAGER]["state"] == "RolledBack", 60)
    assert agent.stop() == 0


def test_killed_in_the_middle(plane, host):
    """And asked to stop: the next start goes on where this one was."""
    configure(plane, kube_controller_manager="Enforce", **{"static-pods.soak": "10s"})
    agent = host.agent()
    agent.until("it is written", lambda: agent.said("reason=Written"))
    agent.kill()
    again = host.agent()
    again.until("it goes on", lambda: again.said("reason=Resumed"))
    assert again.stop() == 0
    assert not again.said("reason=Committed")
    status, log = host.once()
    assert status == 0, log
    assert "reason=Committed" in log
    assert is_off(host)


# --- the long run ---


def test_upgrade_is_answered(plane, host):
    configure(plane, kube_controller_manager="Enforce")
    agent = host.agent()
    agent.until("it is in force", lambda: agent.said("reason=Committed"))
    newer = host.originals[MANAGER].replace(":v1.", ":v9.")
    assert newer != host.originals[MANAGER]
    host.put(MANAGER, newer)
    agent.until("it is in force again", lambda: len(agent.said("reason=Committed")) == 2)
    assert is_off(host) and ":v9." in host.text(MANAGER)
    # what was there before is the newer one now
    set_key(plane, "kube-controller-manager", "Revert")
    agent.until("it is put back", lambda: host.text(MANAGER) == newer)
    agent.until("and that is said", lambda: host.report()[MANAGER]["state"] == "Reverted")
    assert agent.stop() == 0


def test_toggle_takes_effect_at_once(plane, host):
    configure(plane, kube_controller_manager="Ignore")
    agent = host.agent()
    agent.until("it is ignored", lambda: host.report().get(MANAGER, {}).get("state") == "Ignored")
    set_key(plane, "kube-controller-manager", "Observe")
    agent.until("drift is said", lambda: host.report()[MANAGER]["state"] == "Drift")
    assert host.text(MANAGER) == host.originals[MANAGER]
    set_key(plane, "kube-controller-manager", "Enforce")
    agent.until("it is in force", lambda: host.report()[MANAGER]["state"] == "InForce")
    set_key(plane, "kube-controller-manager", "enforce")
    agent.until("the mistake is said", lambda: agent.said("InvalidConfiguration", "enforce"))
    assert agent.stop() == 0


def test_apiserver_without_a_tunnel_is_left_alone(plane, host):
    """Hostname first, without a DNS that knows the nodes, would cut it off from the kubelets."""
    configure(plane, kube_apiserver="Enforce")
    status, log = host.once()
    assert status == 0 and "reason=NoTunnelDNS" in log, log
    assert host.text(SERVER) == host.originals[SERVER]
    assert host.report()[SERVER]["state"] == "NotApplicable"


def test_apiserver_asks_the_tunnels_dns(plane, host):
    address = tunnel_dns(plane, ready=False)
    configure(plane, kube_apiserver="Enforce", kube_controller_manager="Enforce")
    agent = host.agent()
    agent.until("it waits for an endpoint",
                lambda: agent.said("manifest=kube-apiserver", "reason=NameserverNotReady"))
    agent.until("the controller-manager is not held up by that",
                lambda: host.report()[MANAGER]["state"] == "InForce")
    assert host.text(SERVER) == host.originals[SERVER]
    tunnel_dns(plane, ready=True)
    agent.until("it is in force", lambda: host.report()[SERVER]["state"] == "InForce", 90)
    manifest = yaml.safe_load(host.text(SERVER))
    assert manifest["spec"]["dnsPolicy"] == "None"
    assert manifest["spec"]["dnsConfig"]["nameservers"] == [address]
    assert ("--kubelet-preferred-address-types=Hostname,InternalIP,ExternalIP"
            in manifest["spec"]["containers"][0]["command"])
    assert agent.said("KubeadmConfigLacks")
    assert agent.stop() == 0


def test_what_it_may_not_see_is_said(plane, host):
    configure(plane, kube_controller_manager="Enforce")
    plane.kubectl("delete", "clusterrolebinding", "yurt-steward-node")
    try:
        agent = host.agent()
        agent.until("it is said", lambda: agent.said("reason=Blind", "nodes"))
        assert host.text(MANAGER) == host.originals[MANAGER]
    finally:
        grant(plane)
    agent.until("it is in force", lambda: host.report()[MANAGER]["state"] == "InForce")
    assert agent.stop() == 0


def test_bad_input_is_refused_and_noticed_when_good(plane, host):
    configure(plane, kube_controller_manager="Enforce")
    elsewhere = host.dir / "elsewhere.yaml"
    host.path(MANAGER).rename(elsewhere)
    host.path(MANAGER).symlink_to(elsewhere)
    agent = host.agent()
    agent.until("a symbolic link is refused",
                lambda: host.report().get(MANAGER, {}).get("state") == "Refused")
    assert elsewhere.read_text(encoding="utf-8") == host.originals[MANAGER]
    host.path(MANAGER).unlink()
    agent.until("a missing one is noticed",
                lambda: host.report()[MANAGER]["state"] == "NotApplicable")
    two = host.originals[MANAGER] + "---\n" + host.originals[MANAGER]
    host.put(MANAGER, two)
    agent.until("two in one file are refused", lambda: host.report()[MANAGER]["state"] == "Refused")
    assert host.text(MANAGER) == two
    large = host.originals[MANAGER] + "# and more\n" * 1000000
    host.put(MANAGER, large)
    agent.until("a large one is refused", lambda: "bytes" in host.report()[MANAGER]["message"])
    assert host.text(MANAGER) == large
    host.put(MANAGER, host.originals[MANAGER])
    host.put("another", host.originals[MANAGER])
    agent.until("two files are refused", lambda: "another.yaml" in host.report()[MANAGER]["message"])
    assert host.text(MANAGER) == host.originals[MANAGER]
    host.path("another").unlink()
    agent.until("it is in force", lambda: host.report()[MANAGER]["state"] == "InForce")
    away = host.dir / "away"
    host.manifests.rename(away)
    agent.until("a missing directory is said",
                lambda: host.report()[MANAGER]["state"] == "Refused", 90)
    away.rename(host.manifests)
    agent.until("it is back", lambda: host.report()[MANAGER]["state"] == "InForce", 90)
    assert agent.stop() == 0


# --- several control-plane nodes ---


@pytest.fixture
def second(plane, host, tmp_path):
    directory = tmp_path / "second"
    directory.mkdir()
    plane.kubectl("label", "node", SECOND, "node-role.kubernetes.io/control-plane=")
    made = Host(plane, directory, SECOND, PORT + 1)
    try:
        yield made
    finally:
        made.end()
        plane.kubectl("label", "node", SECOND, "node-role.kubernetes.io/control-plane-")


def moment(agent, manifest, reason):
    (line,) = agent.said(f"manifest={manifest}", f"reason={reason}")
    return re.match(r"\S+", line)[0]


def test_one_node_at_a_time_and_managers_first(plane, host, second):
    tunnel_dns(plane, ready=True)
    configure(plane, kube_controller_manager="Enforce", kube_apiserver="Enforce",
              **{"static-pods.single-control-plane": "Hold", "static-pods.soak": "3s"})
    agents = [host.agent(), second.agent()]
    for made, agent in zip((host, second), agents):
        agent.until("both are in force", lambda made=made: {
            made.report().get(name, {}).get("state") for name in (MANAGER, SERVER)} == {"InForce"},
            180)
    spans = sorted((moment(agent, name, "Written"), moment(agent, name, "Committed"), name)
                   for agent in agents for name in (MANAGER, SERVER))
    assert [span[2] for span in spans] == [MANAGER, MANAGER, SERVER, SERVER], spans
    for earlier, later in zip(spans, spans[1:]):
        assert earlier[1] <= later[0], spans
    for agent in agents:
        assert agent.stop() == 0


def test_other_node_that_is_not_well_is_waited_for(plane, host, second):
    second.kubelet.paused.set()
    plane.kubectl("delete", "pod", f"{MANAGER}-{SECOND}", "--grace-period=0", "--force")
    configure(plane, kube_controller_manager="Enforce")
    status, log = host.once()
    assert status == 1 and "reason=OthersNotReady" in log and SECOND in log, log
    assert host.text(MANAGER) == host.originals[MANAGER]
