"""One cluster of real nodes for the session, DNS clients on its nodes, and the operator on it.

Every wait is on a condition with a generous deadline; nothing sleeps for a fixed time.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from live import waiting  # noqa: E402
from live.api import Api  # noqa: E402
from live.roles import granted  # noqa: E402

CLUSTER = str(ROOT / "hack/cluster")
CONTROL_PLANE = str(ROOT / "hack/control-plane")
CLIENT = str(ROOT / "test/cluster/client.py")
PROGRAM = pathlib.Path(os.environ.get("YURT_STEWARD", ROOT / "build/yurt-steward")).resolve()
# A node is offline a quarter later; an API server that restarts must be back before.
LEASE_SECONDS = 16
POOLS = {"cloud-1": "pool-c", "edge-a1": "pool-a", "edge-b1": "pool-b"}
NODES = ",".join(f"{node}={node.partition('-')[0]}:{pool}" for node, pool in POOLS.items())
THREE = ("service-topology", "coredns-daemonset", "coredns-deployment")
FOUR = (*THREE, "kube-proxy-kubeconfig")
DNS = ("10.96.0.10", "kubernetes.default.svc.cluster.local", "10.96.0.1")
TOPOLOGY = "openyurt.io/topologyKeys"
NAMESPACE = "namespaces/kube-system"
REPLICAS = 2  # as kubeadm makes it
# As fast as is still the real order; contention is the subject of test/e2e.
QUICK = {"coredns-deployment.soak": "2s", "kube-proxy-kubeconfig.soak": "1s",
         "contention.budget": "1000 per 1m"}


def until(what, condition, seconds=90, explain=None):
    """Real nodes take their time."""
    return waiting.until(what, condition, seconds, explain)


class Cluster:
    """What tests ask of it and do to it."""

    def __init__(self, directory):
        self.dir = directory
        self.api = None
        self.original = None  # kube-proxy's config.conf as kubeadm writes it

    def run(self, *command, tool=CLUSTER, check=True, **options):
        """`hack/cluster VERB DIR ARGUMENT...`"""
        verb, *arguments = command
        done = subprocess.run([tool, verb, str(self.dir), *arguments], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        if check and done.returncode != 0:
            pytest.fail(f"{' '.join(command)}: {done.stderr}")
        return done

    def control_plane(self, *command):
        return self.run(*command, tool=CONTROL_PLANE)

    def kubectl(self, *arguments, **options):
        return self.run("exec", "kubectl", "--namespace=kube-system", *arguments, **options).stdout

    # --- what there is ---

    def get(self, path, group="api/v1"):
        """Of kube-system."""
        return self.api.call("GET", f"/{group}/{NAMESPACE}/{path}") or {}

    def config(self):
        return self.get("configmaps/kube-proxy")["data"]["config.conf"]

    def service(self):
        return self.get("services/kube-dns")["metadata"].get("annotations", {})

    def deployment(self):
        return self.get("deployments/coredns", "apis/apps/v1")

    def daemonset(self):
        return self.get("daemonsets/coredns", "apis/apps/v1")

    def replicas(self):
        return self.deployment()["spec"]["replicas"]

    def records(self):
        return self.get("configmaps/yurt-steward-state").get("data", {})

    def pods(self, app, kind=None, node=None):
        return [pod for pod in self.get(f"pods?labelSelector=k8s-app%3D{app}")["items"]
                if kind in (None, pod["metadata"]["ownerReferences"][0]["kind"])
                and node in (None, pod["spec"].get("nodeName"))]

    def troubles(self):
        """A line for each thing that is not as it should be, for a wait that was in vain."""
        rows = [f"{name}: {row['state']}: {row.get('message', '')}"
                for name, row in self.status().items()]
        return "\n".join([*rows, *(trouble_of(pod) for app in ("kube-dns", "kube-proxy")
                                   for pod in self.pods(app) if not is_ready(pod))])

    def node_is_ready(self, node):
        found = self.api.call("GET", f"/api/v1/nodes/{node}")
        return any(condition["type"] == "Ready" and condition["status"] == "True"
                   for condition in found["status"]["conditions"])

    def events(self, reason):
        return [event for event in self.get("events")["items"] if event["reason"] == reason
                and event.get("reportingComponent", "").startswith("yurt-steward")]

    def endpoints(self):
        """The addresses of the DNS Service that are ready."""
        return ready_endpoints(self.get(
            "endpointslices?labelSelector=kubernetes.io/service-name%3Dkube-dns",
            "apis/discovery.k8s.io/v1"))

    def shown(self, node):
        """The same, as that node's yurthub tells kube-proxy."""
        done = self.run("exec-at", node, "curl", "--silent", "--fail", "--max-time", "5",
                        "--header", "User-Agent: kube-proxy/v1",
                        "--header", "Accept: application/json",
                        "http://127.0.0.1:10261/apis/discovery.k8s.io/v1/endpointslices")
        return ready_endpoints(json.loads(done.stdout))

    def shows_only_own_pools(self):
        """Each pool has one node."""
        return all(set(self.shown(node).values()) == {node} for node in POOLS)

    def status(self):
        """As a user, with an administrator's rights, sees it."""
        done = self.run("exec", str(PROGRAM), "status", "--output", "json")
        return {row["adjustment"]: row for row in json.loads(done.stdout)["adjustments"]}

    def all_are(self, state, names=FOUR):
        rows = self.status()
        return all(rows[name]["state"] == state for name in names)

    # --- what is done to it ---

    def configure(self, **data):
        """Creates or changes the ConfigMap as a user does."""
        if not self.get("configmaps/yurt-steward"):
            pairs = {**QUICK, **data}
            self.kubectl("create", "configmap", "yurt-steward",
                         *[f"--from-literal={key}={value}" for key, value in pairs.items()])
        else:
            self.kubectl("patch", "configmap", "yurt-steward", "--type=merge",
                         "--patch", json.dumps({"data": data}))

    def set_modes(self, mode, names=FOUR):
        self.configure(**{name: mode for name in names})

    def forget(self):
        """The end of an installation, all of which was reverted."""
        assert not self.records()
        self.kubectl("delete", "configmap", "--ignore-not-found", "yurt-steward",
                     "yurt-steward-state")
        self.kubectl("delete", "--raw", f"/api/v1/{NAMESPACE}/events")


def ready_endpoints(slices):
    """{address: node}"""
    return {address: endpoint["nodeName"] for found in slices["items"]
            if found["metadata"]["labels"]["kubernetes.io/service-name"] == "kube-dns"
            for endpoint in found["endpoints"] or [] if endpoint["conditions"]["ready"]
            for address in endpoint["addresses"]}


def is_ready(pod):
    return "deletionTimestamp" not in pod["metadata"] and any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod["status"].get("conditions", []))


def trouble_of(pod):
    status = pod["status"]
    return " ".join([pod["metadata"]["name"], "on", pod["spec"].get("nodeName", "no node"),
                     f"deleted {pod['metadata'].get('deletionTimestamp', 'never')}",
                     json.dumps(status.get("containerStatuses", status))])


class Operator:
    """One run of the program on the cluster; its log is in a file."""

    def __init__(self, cluster, log, kubeconfig=None):
        self.cluster, self.log = cluster, log
        with open(log, "wb") as stderr:
            # the shell's process id stays that of the program, below sudo too
            self.process = subprocess.Popen(
                [CLUSTER, "exec", str(cluster.dir), "sh", "-c", 'echo $$; exec "$@"', "sh",
                 str(PROGRAM), "run", "--kubeconfig",
                 str(kubeconfig or cluster.dir / "steward.conf")],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True)
        self.pid = int(self.process.stdout.readline())
        self.until("it starts", lambda: self.lines("started"))

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def lines(self, *words):
        return [line for line in self.text().splitlines() if all(word in line for word in words)]

    def until(self, what, condition, seconds=120):
        def still_running():
            assert self.process.poll() is None, f"the operator ended:\n{self.text()[-4000:]}"
            return condition()
        return until(what, still_running, seconds,
                     lambda: f"{self.text()[-4000:]}\n{self.cluster.troubles()}")

    def kill(self):
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait(60)

    def end(self):
        """It must still run, and stop well."""
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        try:
            status = self.process.wait(60)
        finally:
            self.kill()
        assert status == 0, f"status {status}:\n{self.text()[-4000:]}"


class Client:
    """client.py in a node's network."""

    def __init__(self, cluster, node, log):
        self.node, self.log = node, log
        with open(log, "wb") as stderr:
            self.process = subprocess.Popen(
                [CLUSTER, "exec-at", str(cluster.dir), node, sys.executable, CLIENT, *DNS],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True)

    def report(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def complaints(self):
        return self.log.read_text(encoding="utf-8")

    def until_answered(self, more):
        """Until so many more of its questions were answered."""
        wanted = self.report()["answered"] + more
        until(f"{self.node} has {more} more answers", lambda: self.report()["answered"] >= wanted,
              explain=self.complaints)

    def finish(self):
        """When all its questions have had their time. Returns the last report."""
        self.process.stdin.close()
        text = self.process.stdout.read()
        self.process.wait(60)
        return json.loads(text)

    def end(self):
        self.process.kill()
        self.process.wait(60)


class Clients:
    """One on every node."""

    def __init__(self, cluster, logs, nodes=tuple(POOLS)):
        self.all = [Client(cluster, node, logs / f"{node}.log") for node in nodes]
        self.by_node = {client.node: client for client in self.all}
        for client in self.all:
            client.until_answered(10)

    def none_lost(self, during):
        """So far, and all are at it."""
        for client in self.all:
            report = client.report()
            assert report["lost"] == 0, f"{during}, {client.node}:\n{client.complaints()}"
            assert report["asked"] >= 10 * report["seconds"], f"{during}, {client.node}: {report}"
            client.until_answered(5)

    def finish(self, during):
        """At the end, for all that they asked."""
        reports = {client.node: client.finish() for client in self.all}
        for client in self.all:
            report = reports[client.node]
            assert (report["lost"], report["answered"]) == (0, report["asked"]), \
                f"{during}, {client.node}:\n{client.complaints()}"
        return reports

    def end(self):
        for client in self.all:
            client.end()


def grant(cluster):
    cluster.kubectl("delete", "clusterrolebinding", "control-plane:steward")
    cluster.run("exec", "kubectl", "apply", "--filename=-", input=json.dumps(granted()))


@pytest.fixture(scope="session")
def cluster():
    """Stopped and removed whatever happens."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="steward-cluster-"))
    running = Cluster(directory / "cluster")
    try:
        subprocess.run([CLUSTER, "start", str(running.dir), "--nodes", NODES,
                        "--lease", str(LEASE_SECONDS)], check=True)
        grant(running)
        running.api = Api([CLUSTER, "exec", str(running.dir)], running.dir.parent)
        running.original = running.config()
        yield running
    finally:
        if running.api is not None:
            running.api.end()
        running.run("stop", check=False)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def steward(cluster, tmp_path):
    running = Operator(cluster, tmp_path / "steward.log")
    try:
        yield running
    except BaseException:
        running.kill()
        raise
    running.end()


def revert(cluster, steward):
    for node in POOLS:
        cluster.run("heal", node)
    cluster.set_modes("Revert")
    steward.until("all is reverted", lambda: cluster.all_are("Reverted"), 240)
    cluster.forget()


@pytest.fixture
def reverted(cluster, steward):
    """Whatever a test had the operator do is undone by it."""
    yield
    revert(cluster, steward)
