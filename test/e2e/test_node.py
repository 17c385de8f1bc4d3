"""What the agent does once, and what it tells."""

import json
import os
import shutil
import subprocess

import yaml

from conftest import PROGRAM
from played_node import (
    MANAGER, NODE, SERVER, configure, difference, host, is_off, plane, set_key, tunnel_dns,
)  # noqa: F401 (fixtures)


# --- once ---


def test_once_brings_it_into_force(plane, host):
    configure(plane, kube_controller_manager="Enforce")
    status, log = host.once()
    assert status == 0, log
    assert difference(host.originals[MANAGER], host.text(MANAGER)) == (
        ["    - --controllers=*,bootstrapsigner,tokencleaner"],
        ["    - --controllers=-nodelifecycle,*,bootstrapsigner,tokencleaner"])
    assert "--controllers=-nodelifecycle,*,bootstrapsigner,tokencleaner" in (
        host.pod(MANAGER)["spec"]["containers"][0]["command"])
    assert host.path(MANAGER).stat().st_mode & 0o777 == 0o600
    assert [found.name for found in host.manifests.iterdir() if found.name[0] == "."] == []
    assert host.text(SERVER) == host.originals[SERVER]
    for reason in ("Written", "Committed"):
        assert plane.events(reason, f"{MANAGER}-{NODE}"), reason
    said = host.report()
    assert said[MANAGER]["mode"] == "Enforce" and said[MANAGER]["state"] == "InForce", said
    assert said[SERVER]["state"] == "Ignored"
    # nobody holds the others up behind it
    assert not plane.get("lease", "yurt-steward-node")["spec"].get("holderIdentity")
    before = host.path(MANAGER).stat()
    status, log = host.once()
    assert status == 0, log
    assert host.path(MANAGER).stat().st_ino == before.st_ino


def test_once_says_what_holds_it(plane, host):
    configure(plane, kube_controller_manager="Enforce",
              **{"static-pods.single-control-plane": "Hold"})
    status, log = host.once()
    assert status == 1 and "reason=SingleControlPlane" in log, log
    set_key(plane, "kube-controller-manager.replacement", "Require")
    status, log = host.once()
    assert status == 1 and "reason=NoReplacement" in log, log
    assert host.text(MANAGER) == host.originals[MANAGER]
    assert host.report()[MANAGER]["state"] == "Held"


def test_observer_reports_and_writes_nothing(plane, host):
    tunnel_dns(plane, ready=True)
    configure(plane, kube_controller_manager="Observe", kube_apiserver="Observe")
    status, log = host.once()
    assert status == 1, log
    assert "manifest=kube-controller-manager reason=Drift" in log
    assert "manifest=kube-apiserver reason=Drift" in log
    for name in (MANAGER, SERVER):
        assert host.text(name) == host.originals[name]
        assert host.report()[name]["state"] == "Drift"
        assert plane.events("Drift", f"{name}-{NODE}")


def test_revert_puts_the_bytes_back(plane, host):
    configure(plane, kube_controller_manager="Enforce")
    assert host.once()[0] == 0
    assert is_off(host)
    set_key(plane, "kube-controller-manager", "Revert")
    status, log = host.once()
    assert status == 0, log
    assert host.text(MANAGER) == host.originals[MANAGER]
    assert host.report()[MANAGER]["state"] == "Reverted"
    assert host.once()[0] == 0
    # what somebody changed beside our flag is not lost by it
    set_key(plane, "kube-controller-manager", "Enforce")
    assert host.once()[0] == 0
    by_hand = host.text(MANAGER).replace("cpu: 200m", "cpu: 300m")
    host.put(MANAGER, by_hand)
    set_key(plane, "kube-controller-manager", "Revert")
    status, log = host.once()
    assert status == 1 and "reason=Foreign" in log, log
    assert host.text(MANAGER) == by_hand


def kubeadm_config(plane):
    return plane.get("configmap", "kubeadm-config")["data"]["ClusterConfiguration"]


def test_kubeadms_own_configuration_is_written_where_asked(plane, host):
    """And only after the flag has proved to work here."""
    plane.kubectl("create", "role", "kubeadm-config-writer", "--verb=patch",
                  "--resource=configmaps", "--resource-name=kubeadm-config")
    plane.kubectl("create", "rolebinding", "kubeadm-config-writer",
                  "--role=kubeadm-config-writer", "--user=yurt-steward")
    before = kubeadm_config(plane)
    try:
        configure(plane, kube_controller_manager="Enforce")
        status, log = host.once()
        assert status == 0 and "KubeadmConfigLacks" in log, log
        assert kubeadm_config(plane) == before
        set_key(plane, "static-pods.kubeadm-config", "Write")
        status, log = host.once()
        assert status == 0, log
        assert "-nodelifecycle,*" in kubeadm_config(plane)
        set_key(plane, "kube-controller-manager", "Revert")
        status, log = host.once()
        assert status == 0 and "KubeadmConfigKeeps" in log, log
    finally:
        plane.kubectl("patch", "configmap", "kubeadm-config", "--type=merge", "--patch",
                      json.dumps({"data": {"ClusterConfiguration": before}}))
        plane.kubectl("delete", "role,rolebinding", "kubeadm-config-writer")


def test_kubeadms_patch_file():
    done = subprocess.run([str(PROGRAM), "plan", "--kubeadm-patch", "--nameserver", "10.96.0.53"],
                          stdout=subprocess.PIPE, text=True, check=True)
    spec = yaml.safe_load(done.stdout)["spec"]
    assert spec["dnsPolicy"] == "None" and spec["dnsConfig"]["nameservers"] == ["10.96.0.53"]
    done = subprocess.run([str(PROGRAM), "plan", "--kubeadm-patch", "--nameserver", "dns"],
                          stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2


def test_kubeadm_at_work_is_waited_for(plane, host):
    (host.proc / "123").mkdir()
    (host.proc / "123/cmdline").write_bytes(b"/usr/bin/kubeadm\0upgrade\0apply\0v1.37.2\0")
    configure(plane, kube_controller_manager="Enforce")
    status, log = host.once()
    assert status == 1 and "kubeadm upgrade (process 123)" in log, log
    assert host.text(MANAGER) == host.originals[MANAGER]
    shutil.rmtree(host.proc / "123")
    assert host.once()[0] == 0
    assert is_off(host)


def test_misuse():
    done = subprocess.run([str(PROGRAM), "node", "--once"], stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "NODE_NAME": ""}, check=False)
    assert done.returncode == 2 and "Give --node" in done.stderr


# --- what is told ---


def test_metrics_and_probes(plane, host):
    configure(plane, kube_controller_manager="Enforce")
    agent = host.agent("--listen", "127.0.0.1:18081")

    def ask(path):
        return plane.control_plane("exec", "curl", "--silent", "--max-time", "5",
                                   f"http://127.0.0.1:18081{path}", check=False,
                                   stderr=subprocess.DEVNULL).stdout
    agent.until("it is in force", lambda: host.report().get(MANAGER, {}).get("state") == "InForce")
    agent.until("it is ready", lambda: ask("/readyz") == "ok")
    assert ask("/livez") == "ok"
    text = ask("/metrics")
    for line in ('yurt_steward_manifest_state{manifest="kube-controller-manager",state="InForce"} 1',
                 'yurt_steward_manifest_mode{manifest="kube-controller-manager",mode="Enforce"} 1',
                 'yurt_steward_manifest_said_total{manifest="kube-controller-manager",'
                 'reason="Committed"} 1',
                 'yurt_steward_manifest_state{manifest="kube-apiserver",state="Ignored"} 1'):
        assert line in text.splitlines(), text
    assert agent.stop() == 0


def test_status_shows_it(plane, host):
    configure(plane, kube_controller_manager="Enforce")
    assert host.once()[0] == 0
    found = json.loads(plane.control_plane("exec", str(PROGRAM), "status", "-o", "json").stdout)
    row = [row for row in found["controlPlaneNodes"] if row["manifest"] == MANAGER][0]
    assert (row["node"], row["mode"], row["state"]) == (NODE, "Enforce", "InForce")
    table = plane.control_plane("exec", str(PROGRAM), "status").stdout
    assert "CONTROL PLANE NODE" in table
    assert [line for line in table.splitlines() if line.startswith(NODE) and "InForce" in line]
