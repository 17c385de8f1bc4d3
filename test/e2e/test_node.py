"""The agent on a control-plane node, on manifests that nobody runs: the API server, its mirror Pods
and their health are real or played, the files are real.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest
import yaml

from conftest import CONTROL_PLANE, PROGRAM, ROOT, Cluster, program_pid, until
from live.static_pods import StaticKubelet, health_command

NODE = "cp-1"
SECOND = "cp-2"  # a control-plane node in one test only
DEPLOYED = ROOT / "deploy/overlays/static-pods/agent.yaml"
MANAGER = "kube-controller-manager"
SERVER = "kube-apiserver"
PORT = 18257
QUICK = {"static-pods.soak": "1s", "static-pods.single-control-plane": "Allow",
         "kube-controller-manager.replacement": "Ignore"}


def grant(cluster):
    """What an installation gives the agent, to the user that it is here; and nothing else."""
    with open(DEPLOYED, encoding="utf-8") as file:
        objects = [found for found in yaml.safe_load_all(file)
                   if found["apiVersion"].startswith("rbac.authorization.k8s.io/")]
    for found in objects:
        if found["kind"].endswith("Binding"):
            found["subjects"] = [{"kind": "User", "name": "yurt-steward",
                                  "apiGroup": "rbac.authorization.k8s.io"}]
    cluster.control_plane("exec", "kubectl", "apply", "--filename=-", input=json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": objects}))


@pytest.fixture(scope="module")
def plane():
    """With one control-plane node, that is played."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="steward-e2e-"))
    cluster = Cluster(directory / "cluster")
    nodes = None
    try:
        cluster.control_plane("start")
        nodes = subprocess.Popen(
            [CONTROL_PLANE, "exec", str(cluster.dir), str(ROOT / "hack/fake-nodes"), "run",
             "--nodes", f"{NODE}=cloud,{SECOND}=cloud"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert nodes.stdout.readline() == "ready\n"
        cluster.kubectl("label", "node", NODE, "node-role.kubernetes.io/control-plane=")
        cluster.kubectl("delete", "clusterrolebinding", "control-plane:steward")
        grant(cluster)
        yield cluster
    finally:
        if nodes:
            nodes.stdin.close()
            nodes.wait(10)
        cluster.control_plane("stop", check=False)
        shutil.rmtree(directory, ignore_errors=True)


def enter(plane):
    return [CONTROL_PLANE, "exec", str(plane.dir)]


def quick_probes(text):
    """As kubeadm writes it, but given up after a second, and a health that the test decides."""
    for old, new in (("failureThreshold: 24", "failureThreshold: 1"),
                     ("initialDelaySeconds: 10", "initialDelaySeconds: 0"),
                     ("periodSeconds: 10", "periodSeconds: 1"),
                     ("  hostNetwork: true", "  hostNetwork: true\n"
                                             "  terminationGracePeriodSeconds: 1")):
        assert old in text
        text = text.replace(old, new)
    return text


def played_health(text, port):
    assert "containerPort: 10257" in text
    return text.replace("containerPort: 10257", f"containerPort: {port}").replace(
        "scheme: HTTPS", "scheme: HTTP")


class Host:
    """A control-plane node's files, and what runs beside the agent there."""

    def __init__(self, plane, directory, node=NODE, port=PORT):
        self.plane = plane
        self.node = node
        self.dir = directory
        self.manifests = directory / "manifests"
        self.journal = directory / "journal"
        self.proc = directory / "proc"
        self.broken = directory / "broken"  # while it is there, our flag makes it fail
        for made in (self.manifests, self.journal, self.proc):
            made.mkdir()
        self.originals = {}
        for name in (MANAGER, SERVER):
            text = (plane.dir / "manifests" / f"{name}.yaml").read_text(encoding="utf-8")
            self.originals[name] = quick_probes(text)
        self.originals[MANAGER] = played_health(self.originals[MANAGER], port)
        for name, text in self.originals.items():
            self.put(name, text)
        self.health = subprocess.Popen([*enter(plane), *health_command(
            port, self.broken, self.path(MANAGER), "-nodelifecycle")])
        self.kubelet = StaticKubelet(enter(plane), directory, self.manifests, node)
        self.agents = []
        until("the mirror pods are ready", lambda: self.ready(MANAGER) and self.ready(SERVER), 60)

    def path(self, name):
        return self.manifests / f"{name}.yaml"

    def put(self, name, text):
        """As kubeadm does: another file takes its place."""
        new = self.dir / f"{name}.new"
        new.write_text(text, encoding="utf-8")
        new.chmod(0o600)
        new.rename(self.path(name))

    def text(self, name):
        return self.path(name).read_text(encoding="utf-8")

    def pod(self, name):
        return self.plane.get("pod", f"{name}-{self.node}")

    def ready(self, name):
        conditions = self.pod(name).get("status", {}).get("conditions", [])
        return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)

    def flags(self):
        return ["--kubeconfig", str(self.plane.dir / "steward.conf"), "--node", self.node,
                "--manifests", str(self.manifests), "--journal", str(self.journal),
                "--proc", str(self.proc)]

    def once(self):
        """The exit status, and the log."""
        done = subprocess.run([*enter(self.plane), str(PROGRAM), "node", "--once", *self.flags()],
                              stderr=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stderr

    def agent(self, *arguments):
        self.agents.append(Agent(self, *arguments))
        return self.agents[-1]

    def report(self):
        data = self.plane.get("configmap", "yurt-steward-nodes").get("data", {})
        return json.loads(data.get(self.node, '{"manifests": {}}'))["manifests"]

    def end(self):
        for agent in self.agents:
            agent.kill()
        self.kubelet.end()
        self.health.terminate()
        self.health.wait(30)
        for resource in ("configmap/yurt-steward", "configmap/yurt-steward-nodes",
                         "lease/yurt-steward-node", f"pod/{MANAGER}-{self.node}",
                         f"pod/{SERVER}-{self.node}",
                         "service/yurt-tunnel-dns", "endpointslice/yurt-tunnel-dns"):
            self.plane.kubectl("delete", resource, "--ignore-not-found", "--grace-period=0",
                               "--force")
        self.plane.kubectl("delete", "--raw", "/api/v1/namespaces/kube-system/events")


class Agent:
    """The long-running agent."""

    def __init__(self, host, *arguments):
        self.log = host.dir / f"agent-{len(host.agents)}.log"
        with open(self.log, "wb") as stderr:
            self.process = subprocess.Popen(
                [*enter(host.plane), str(PROGRAM), "node", *host.flags(), *arguments],
                stdin=subprocess.DEVNULL, stderr=stderr)
        until("the agent starts", lambda: "started" in self.text(), 60, self.text)
        self.pid = program_pid(self.process.pid)

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def said(self, *words):
        return [line for line in self.text().splitlines() if all(word in line for word in words)]

    def until(self, what, condition, seconds=60):
        return until(what, condition, seconds, lambda: self.text()[-6000:])

    def stop(self, signum=signal.SIGTERM):
        os.kill(self.pid, signum)
        return self.process.wait(30)

    def kill(self):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def host(plane, tmp_path):
    made = Host(plane, tmp_path)
    try:
        yield made
    finally:
        made.end()


def configure(plane, **data):
    values = {**QUICK, **{key.replace("_", "-"): value for key, value in data.items()}}
    plane.kubectl("delete", "configmap", "yurt-steward", "--ignore-not-found")
    plane.kubectl("create", "configmap", "yurt-steward",
                  *[f"--from-literal={key}={value}" for key, value in values.items()])


def set_key(plane, key, value):
    plane.kubectl("patch", "configmap", "yurt-steward", "--type=merge",
                  "--patch", json.dumps({"data": {key: value}}))


def is_off(host):
    return "- --controllers=-nodelifecycle,*,bootstrapsigner,tokencleaner\n" in host.text(MANAGER)


def difference(before, after):
    left, right = before.splitlines(), after.splitlines()
    return ([line for line in left if line not in right], [line for line in right
                                                           if line not in left])


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


def tunnel_dns(plane, ready):
    service = {"apiVersion": "v1", "kind": "Service",
               "metadata": {"name": "yurt-tunnel-dns", "namespace": "kube-system"},
               "spec": {"ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}}
    slices = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
              "metadata": {"name": "yurt-tunnel-dns", "namespace": "kube-system",
                           "labels": {"kubernetes.io/service-name": "yurt-tunnel-dns"}},
              "addressType": "IPv4", "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}],
              "endpoints": [{"addresses": ["10.244.0.53"], "conditions": {"ready": ready}}]}
    plane.control_plane("exec", "kubectl", "apply", "--filename=-", input=json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [service, slices]}))
    return plane.get("service", "yurt-tunnel-dns")["spec"]["clusterIP"]


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
