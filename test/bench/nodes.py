"""What many nodes cost the operator: simulated by kwok, in pools, some of them offline.

Nobody answers at the addresses of simulated pods: each pool is judged by its pods, Leases and
slices, once the questions to it have had their time.
"""

import json
import re
import subprocess
import time
import urllib.request

from cluster import CLUSTER, NAMESPACE, Api, Failed
from report import Row

CLOUD = ("cloud-1", "cloud-2")  # for the Deployment's pods, which tolerate no taint of kwok's
NODES_PER_POOL = 20
ONE_OFFLINE_OF = 20
LISTEN = "127.0.0.1:18080"
SETTLED_SECONDS = 30
IDLE_SECONDS = 60
SAMPLE_SECONDS = 0.5
PATIENCE_SECONDS = 900
THREE = ("service-topology", "coredns-daemonset", "coredns-deployment")
ROLL = "kube-proxy-kubeconfig"
# The order is the usual one, with less waiting in it.
QUICK = {"coredns-deployment.soak": "5s", f"{ROLL}.soak": "5s"}


def run(bench, tool, verb, *arguments):
    done = subprocess.run([tool, verb, str(bench.options.inside), *arguments], check=False,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise Failed(f"{tool} {verb}: {done.stdout[-2000:]}")


def api(bench):
    """A new connection: the API server ends those that have been idle."""
    return Api(bench.credentials)


def kubectl(*arguments, text=None):
    """As the control plane's admin, which hack/control-plane exec makes of us."""
    return subprocess.run(["kubectl", *arguments], check=True, text=True, input=text,
                          stdout=subprocess.PIPE).stdout


def cloud_node(name):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {
        "name": name, "annotations": {"kwok.x-k8s.io/node": "fake"},
        "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
                   "openyurt.io/is-edge-worker": "false"}}}


def until(bench, what, condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"not within {PATIENCE_SECONDS} s: {what}")
        bench.progress.show(f"nodes: until {what}")
        time.sleep(SAMPLE_SECONDS)


def ready_nodes():
    status = '{.status.conditions[?(@.type=="Ready")].status}'
    return kubectl("get", "nodes", "--output",
                   f'jsonpath={{range .items[*]}}{status}{{"\\n"}}{{end}}').split().count("True")


def ready_pods(bench):
    """Of kube-proxy's DaemonSet."""
    path = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy"
    return api(bench).must("GET", path)["status"].get("numberReady", 0)


def make_nodes(bench, count, pools, offline):
    """The last ones are offline, so that each pool has lost its share."""
    kubectl("create", "--filename=-", text=json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [cloud_node(name) for name in CLOUD]}))
    simulate = ("kwok", "--nodes", str(count), "--pools", str(pools))
    run(bench, CLUSTER, *simulate)
    until(bench, "kube-proxy runs everywhere", lambda: ready_pods(bench) == count + len(CLOUD))
    kubectl("annotate", "node", *[f"sim-{number}" for number in range(count - offline + 1,
                                                                      count + 1)],
            "kwok.x-k8s.io/node-")
    run(bench, CLUSTER, *simulate)
    until(bench, "nodes are offline", lambda: ready_nodes() == count + len(CLOUD) - offline)


class Metrics:
    """What the operator tells, at one moment."""

    def __init__(self):
        with urllib.request.urlopen(f"http://{LISTEN}/metrics", timeout=10) as reply:
            self.text = reply.read().decode()
        self.at = time.monotonic()

    def total(self, name):
        values = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", self.text, re.MULTILINE)
        return sum(map(float, values))

    def is_in_force(self, adjustment):
        return f'adjustment_state{{adjustment="{adjustment}",state="InForce"}} 1\n' in self.text


class Cost:
    """From its start on: memory at each sample; CPU time and requests between start and end."""

    def __init__(self, operator):
        self.operator = operator
        self.begin = Metrics()
        self.anonymous = self.resident = 0
        self.sample()

    def sample(self):
        resident, anonymous = self.operator.memory()
        self.resident = max(self.resident, resident)
        self.anonymous = max(self.anonymous, anonymous)

    def rows(self, when):
        end = Metrics()
        seconds = end.at - self.begin.at
        cpu, requests = (end.total(name) - self.begin.total(name) for name in (
            "process_cpu_seconds_total", "rest_client_requests_total"))
        return [Row.anonymous(f"  {when}: most memory, anonymous (resident)", self.resident,
                              self.anonymous),
                Row(f"  {when}: CPU", f"{100 * cpu / seconds:.2f} % of one"),
                Row(f"  {when}: requests a minute", f"{60 * requests / seconds:.0f}")]


def until_in_force(bench, cost, names):
    def are_in_force():
        cost.sample()
        metrics = Metrics()
        return all(metrics.is_in_force(name) for name in names)
    until(bench, f"{', '.join(names)}: in force", are_in_force)


def until_served(bench):
    def is_served():
        try:
            return Metrics().total("yurt_steward_api_server_up") == 1
        except OSError:
            return False
    until(bench, "the operator has listed everything", is_served)


def rest(bench, cost, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        bench.progress.show("nodes: idle")
        time.sleep(SAMPLE_SECONDS)
        cost.sample()


def replicas(bench):
    path = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
    return api(bench).must("GET", path)["spec"]["replicas"]


def enforce(bench, names):
    api(bench).must("PUT", f"{NAMESPACE}/configmaps/yurt-steward",
                   {"metadata": {"name": "yurt-steward"},
                    "data": {**QUICK, **{name: "Enforce" for name in names}}})


def timed(bench, operator, names, when):
    """The rows of bringing these into force."""
    cost, began = Cost(operator), time.monotonic()
    enforce(bench, names)
    until_in_force(bench, cost, names)
    return [Row(f"  {when}: time", f"{time.monotonic() - began:.0f} s"), *cost.rows(when)]


def measure(bench):
    count = bench.options.nodes
    pools, offline = max(1, count // NODES_PER_POOL), count // ONE_OFFLINE_OF
    make_nodes(bench, count, pools, offline)
    api(bench).configure(QUICK)
    operator = bench.operator(None, "--listen", LISTEN)
    with operator.running():
        until_served(bench)
        rows = timed(bench, operator, THREE, "cut-over")
        if replicas(bench) != 0:
            raise Failed("the Deployment was not scaled to 0")
        settling = Cost(operator)
        rest(bench, settling, SETTLED_SECONDS)
        cost = Cost(operator)
        rest(bench, cost, IDLE_SECONDS)
        rows += cost.rows("idle")
        rows += timed(bench, operator, (*THREE, ROLL), "roll of kube-proxy")
    what = f"{count} nodes in {pools} pools, {offline} of them offline"
    return [Row(what, "cut over", "cut over", "ok"), *rows]
