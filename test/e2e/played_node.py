"""The agent on a control-plane node, on manifests that nobody runs: the API server, its mirror Pods
and their health are real or played, the files are real.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from conftest import CONTROL_PLANE, PROGRAM, ROOT, Cluster, program_pid, until
from live.roles import granted_to_agent
from live.static_pods import StaticKubelet, health_command

NODE = "cp-1"
SECOND = "cp-2"  # a control-plane node in one test only
MANAGER = "kube-controller-manager"
SERVER = "kube-apiserver"
PORT = 18257
QUICK = {"static-pods.soak": "1s", "static-pods.single-control-plane": "Allow",
         "kube-controller-manager.replacement": "Ignore"}


def grant(cluster):
    """What an installation gives the agent, to the user that it is here; and nothing else."""
    cluster.control_plane("exec", "kubectl", "apply", "--filename=-",
                          input=json.dumps(granted_to_agent()))


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
