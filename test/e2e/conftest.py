"""A real control plane for the whole session, nodes that are played, and the operator on it.

Every wait is on a condition with a deadline; nothing sleeps for a fixed time, but where a
test watches that nothing happens.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from live.roles import granted  # noqa: E402
from live.waiting import until  # noqa: E402

CONTROL_PLANE = str(ROOT / "hack/control-plane")
PROGRAM = pathlib.Path(os.environ.get("YURT_STEWARD", ROOT / "build/yurt-steward")).resolve()
NODES = "cloud-1=cloud,edge-a1=edge:pool-a,edge-a2=edge:pool-a,edge-b1=edge:pool-b"
NODE_COUNT = 4
READS = ("get", "list", "watch")
TOPOLOGY = "openyurt.io/topologyKeys"
TRIGGER = "openyurt.io/update-trigger"
# Roll and repair as fast as the server goes; contention has a test of its own.
QUICK = {"kube-proxy-kubeconfig.soak": "1s", "kube-proxy-kubeconfig.wave": "100%",
         "contention.budget": "1000 per 1m"}


def program_pid(pid, program=PROGRAM):
    """The process that became the program: `pid` itself as root, below sudo otherwise."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    family = [pid]
    for member in family:
        family += children.get(member, [])
        try:
            if os.path.samefile(f"/proc/{member}/exe", program):
                return member
        except OSError:
            continue
    return None


class Cluster:
    """The control plane, and what tests ask of it and do to it."""

    def __init__(self, directory):
        self.dir = directory
        self.original = None  # kube-proxy's config.conf as kubeadm writes it

    def control_plane(self, verb, *arguments, check=True, **options):
        return subprocess.run([CONTROL_PLANE, verb, str(self.dir), *arguments], check=check,
                              text=True, **{"stdout": subprocess.PIPE, **options})

    def kubectl(self, *arguments, check=True, **options):
        done = self.control_plane("exec", "kubectl", "--namespace=kube-system", *arguments,
                                  check=False, stderr=subprocess.PIPE, **options)
        if check and done.returncode != 0:
            pytest.fail(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout if done.returncode == 0 else ""

    def get(self, *arguments):
        """The object or List; {} where there is none or no server."""
        text = self.kubectl("get", *arguments, "--output=json", "--ignore-not-found", check=False)
        return json.loads(text) if text.strip() else {}

    def items(self, *arguments):
        return self.get(*arguments).get("items", [])

    def kubeadm_addons(self):
        self.control_plane("kubeadm", "init", "phase", "addon", "all", stderr=subprocess.DEVNULL)

    def annotation(self):
        service = self.get("service", "kube-dns")
        return service.get("metadata", {}).get("annotations", {}).get(TOPOLOGY)

    def config(self):
        return self.get("configmap", "kube-proxy").get("data", {}).get("config.conf", "")

    def config_in_force(self):
        return "#kubeconfig:" in self.config()

    def record(self):
        return self.get("configmap", "yurt-steward-state").get("data", {})

    def dns_slices(self):
        return self.items("endpointslices", "--selector=kubernetes.io/service-name=kube-dns")

    def proxy_pods(self):
        return self.items("pods", "--selector=k8s-app=kube-proxy")

    def events(self, reason, about=None):
        return [event for event in self.items("events")
                if event["reason"] == reason
                and event.get("reportingComponent", "").startswith("yurt-steward")
                and about in (None, event["involvedObject"]["name"])]

    def configure(self, **modes):
        """Creates or changes the ConfigMap as a user does, one key or several."""
        data = {key.replace("_", "-"): value for key, value in modes.items()}
        if self.get("configmap", "yurt-steward"):
            self.kubectl("patch", "configmap", "yurt-steward", "--type=merge",
                         "--patch", json.dumps({"data": data}))
        else:
            pairs = {**QUICK, **data}
            self.kubectl("create", "configmap", "yurt-steward",
                         *[f"--from-literal={key}={value}" for key, value in pairs.items()])

    def set_option(self, key, value):
        self.kubectl("patch", "configmap", "yurt-steward", "--type=merge",
                     "--patch", json.dumps({"data": {key: value}}))

    def overwrite_annotation(self):
        self.kubectl("annotate", "--overwrite", "service", "kube-dns", f"{TOPOLOGY}=other")

    def undo_annotation(self, check=True):
        return self.kubectl("annotate", "service", "kube-dns", f"{TOPOLOGY}-", check=check)

    def writes(self, since=0, user="yurt-steward"):
        """What the operator wrote, Events apart, from the audit log."""
        found = []
        with open(self.dir / "audit.log", encoding="utf-8") as log:
            log.seek(since)
            for line in log:
                entry = json.loads(line)
                if (entry["user"].get("username") == user and entry["verb"] not in READS
                        and entry["objectRef"]["resource"] != "events"):
                    found.append(entry)
        return found

    def audit_end(self):
        return os.path.getsize(self.dir / "audit.log")

    def restore(self):
        """As kubeadm leaves it, with no configuration and no record."""
        self.kubectl("delete", "configmap", "yurt-steward", "--ignore-not-found")
        if "kubeadm" not in self.kubectl("get", "service", "kube-dns", "--ignore-not-found",
                                         "--output=yaml", "--show-managed-fields"):
            # a test made it anew: kubeadm would find nothing to write, and not show as a writer
            self.kubectl("delete", "service", "kube-dns", "--ignore-not-found")

        def undone():
            self.kubeadm_addons()
            return self.annotation() is None and self.config() == self.original
        until("kubeadm put everything back", undone)
        self.kubectl("delete", "configmap", "yurt-steward-state", "--ignore-not-found")
        # all in one request, however many there are
        self.kubectl("delete", "--raw", "/api/v1/namespaces/kube-system/events")


def written_to(writes, resource, name=None):
    return [entry for entry in writes
            if entry["objectRef"]["resource"] == resource
            and name in (None, entry["objectRef"].get("name"))]


class Operator:
    """One run of the program on the cluster; its log is in a file.

    `program`: another build of it. `enter`: the command that starts it, in place of --kubeconfig.
    """

    def __init__(self, cluster, log, *arguments, kubeconfig=None, program=PROGRAM, enter=None):
        self.log = log
        command = [*enter, str(program), "run"] if enter else [
            str(program), "run", "--kubeconfig", str(kubeconfig or cluster.dir / "steward.conf")]
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen(
                [CONTROL_PLANE, "exec", str(cluster.dir), *command, *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
        until("the operator starts", lambda: "started" in self.text() or self.ended(),
              explain=self.text)
        self.pid = program_pid(self.process.pid, program)
        assert self.pid, f"the operator ended at its start:\n{self.text()}"

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def lines(self, *words):
        return [line for line in self.text().splitlines() if all(word in line for word in words)]

    def ended(self):
        return self.process.poll() is not None

    def until(self, what, condition, seconds=15):
        return until(what, condition, seconds, lambda: self.text()[-4000:])

    def stop(self, signum=signal.SIGTERM, seconds=10):
        """Returns the exit status."""
        if not self.ended():
            os.kill(self.pid, signum)
        return self.process.wait(seconds)

    def end(self):
        """For teardowns: it must still run, and stop well."""
        ended = self.ended()
        try:
            status = self.stop()
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()
            pytest.fail(f"the operator did not stop on SIGTERM:\n{self.text()[-4000:]}")
        assert not ended, f"the operator ended by itself, status {status}:\n{self.text()[-4000:]}"
        assert status == 0, f"status {status} after SIGTERM:\n{self.text()[-4000:]}"


class FakeNodes:
    """hack/fake-nodes, commanded by its standard input."""

    def __init__(self, cluster, log):
        self.complaints = open(log, "wb")
        self.process = subprocess.Popen(
            [CONTROL_PLANE, "exec", str(cluster.dir), str(ROOT / "hack/fake-nodes"), "run",
             "--bind", "--nodes", NODES], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.complaints, text=True)
        self.answers = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.answers.append(line.strip())

    def command(self, line):
        known = len(self.answers)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        until(f"fake-nodes answers {line}", lambda: line in self.answers[known:])

    def end(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.complaints.close()


def keep_audit_log(cluster):
    """For test/permissions, where it is asked for."""
    kept = os.environ.get("AUDIT_LOGS")
    if kept and (cluster.dir / "audit.log").exists():
        shutil.copy(cluster.dir / "audit.log", f"{kept}/{cluster.dir.parent.name}.log")


def grant(cluster):
    cluster.kubectl("delete", "clusterrolebinding", "control-plane:steward")
    cluster.control_plane("exec", "kubectl", "apply", "--filename=-",
                          input=json.dumps(granted()))


@pytest.fixture(scope="session")
def control_plane():
    """Stopped and removed whatever happens."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="steward-e2e-"))
    cluster = Cluster(directory / "cluster")
    try:
        cluster.control_plane("start")
        grant(cluster)
        yield cluster
    finally:
        keep_audit_log(cluster)
        cluster.control_plane("stop", check=False)
        shutil.rmtree(directory, ignore_errors=True)


def serves_every_node(cluster):
    ready = {endpoint.get("nodeName") for found in cluster.dns_slices()
             for endpoint in found["endpoints"] or [] if endpoint["conditions"].get("ready")}
    return len(ready) == NODE_COUNT


@pytest.fixture(scope="session")
def nodes(control_plane):
    """With CoreDNS on every one, so that the gate of service-topology is open."""
    fake = FakeNodes(control_plane, control_plane.dir.parent / "fake-nodes.log")
    try:
        until("all nodes are ready", lambda: "ready" in fake.answers, 30)
        control_plane.kubectl("scale", "deployment", "coredns", "--replicas=8")
        until("DNS is on every node", lambda: serves_every_node(control_plane), 30)
        until("kube-proxy is on every node", lambda: ready_pods(control_plane) == NODE_COUNT, 30)
        control_plane.original = control_plane.config()
        assert "\n  kubeconfig: " in control_plane.original
        yield fake
    finally:
        fake.end()


def ready(pods):
    return sum(condition["type"] == "Ready" and condition["status"] == "True"
               for pod in pods if "deletionTimestamp" not in pod["metadata"]
               for condition in pod.get("status", {}).get("conditions", []))


def ready_pods(cluster):
    return ready(cluster.proxy_pods())


@pytest.fixture
def cluster(control_plane, nodes):
    """The cluster; what a test did to it is undone."""
    yield control_plane
    control_plane.restore()


@pytest.fixture
def operator(cluster, tmp_path):
    """A run for each test: what was said or repaired before would count in the next."""
    running = Operator(cluster, tmp_path / "log")
    try:
        yield running
    finally:
        running.end()


@pytest.fixture
def enforced(cluster):
    """Configured before the operator starts, so that it never reports drift as an observer."""
    cluster.configure(**{"service-topology": "Enforce", "kube-proxy-kubeconfig": "Enforce"})
    return cluster


@pytest.fixture
def in_force(enforced, operator):
    """Both adjustments in force and all at rest."""
    cluster = enforced
    operator.until("both adjustments are in force, all pods replaced, all watches told",
                   lambda: operator.lines("InForce", "service-topology")
                   and operator.lines("InForce", "kube-proxy-kubeconfig"), 40)
    operator.until("kube-proxy is on every node", lambda: ready_pods(cluster) == NODE_COUNT)
    assert cluster.annotation() and cluster.config_in_force()
    return cluster


def plan(cluster, *arguments, **options):
    """Of the live cluster, whose kubeconfig is in the environment, unless --from is given."""
    return cluster.control_plane("exec", str(PROGRAM), "plan", *arguments, check=False,
                                 stderr=subprocess.PIPE, **options)
