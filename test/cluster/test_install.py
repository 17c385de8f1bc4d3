"""The image on real nodes, installed and removed with each of the three tools.

What it leaves behind is part of each: of its own nothing but what the instructions name, and what
is in force stays so.
"""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from conftest import FOUR, PROGRAM, ROOT, TOPOLOGY, is_ready, until
from live.roles import granted

DEPLOY = ROOT / "deploy"
PLAIN = ("--filename", str(DEPLOY / "base/yurt-steward.yaml"))
STATIC_PODS = ("--kustomize", str(DEPLOY / "overlays/static-pods"))
CHART = str(DEPLOY / "chart/yurt-steward")
CONTROL_PLANE_NODE = "cloud-1"
AGENT_METRICS = "http://127.0.0.1:10276/metrics"
OURS = "--selector=app.kubernetes.io/name in (yurt-steward, yurt-steward-node)"
KINDS = ("serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,deployments,"
         "daemonsets,replicasets,pods,poddisruptionbudgets,networkpolicies,services,configmaps,"
         "secrets,leases")
OF_THE_TESTS = {"serviceaccounts/yurt-steward-test"}
# What the heads of the files and the chart's notes say is left.
MADE_AT_RUN_TIME = {"configmaps/yurt-steward", "configmaps/yurt-steward-state",
                    "configmaps/yurt-steward-nodes", "leases/yurt-steward",
                    "leases/yurt-steward-node"}


def tool(name):
    done = subprocess.run([str(ROOT / "hack/kube-binaries"), name], check=True, text=True,
                          stdout=subprocess.PIPE)
    return str(pathlib.Path(done.stdout.strip()) / name)


def kube(cluster, *arguments, **options):
    """Of all namespaces, as an administrator."""
    return cluster.run("exec", "kubectl", *arguments, **options).stdout


def helm(cluster, verb, *arguments):
    return cluster.run("exec", tool("helm"), verb, "yurt-steward", *arguments,
                       "--namespace=kube-system").stdout


@pytest.fixture(scope="module")
def image(cluster):
    """On every node."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="steward-image-"))
    try:
        subprocess.run([str(ROOT / "hack/image/build"), "--output", str(directory)], check=True,
                       stdout=subprocess.PIPE)
        cluster.run("load", str(directory / "yurt-steward.tar"))
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def nothing_installed(cluster, image):
    """The tests of other files run under these roles, which an installation brings itself."""
    objects = json.dumps(granted())
    kube(cluster, "delete", "--ignore-not-found", "--filename=-", input=objects)
    try:
        assert not left(cluster)
        yield
    finally:
        cluster.run("exec", str(PROGRAM), "revert", "--yes", "--timeout=4m", check=False)
        helm_releases = cluster.run("exec", tool("helm"), "list", "--short",
                                    "--namespace=kube-system").stdout.split()
        if helm_releases:
            helm(cluster, "uninstall")
        kube(cluster, "delete", "--ignore-not-found", *STATIC_PODS)
        remove_what_is_left(cluster)
        kube(cluster, "apply", "--filename=-", input=objects)


def remove_what_is_left(cluster):
    cluster.kubectl("delete", "--ignore-not-found", *sorted(MADE_AT_RUN_TIME))
    cluster.kubectl("delete", "--raw", "/api/v1/namespaces/kube-system/events")


def left(cluster):
    """Everything with our label or of our name."""
    labelled = kube(cluster, "get", KINDS, "--all-namespaces", OURS, "--output=name").split()
    everything = kube(cluster, "get", KINDS, "--all-namespaces", "--output=name").split()
    found = {name for name in everything if name.rpartition("/")[2].startswith("yurt-steward")}
    return {plural(name) for name in {*labelled, *found}} - OF_THE_TESTS


def plural(name):
    """kubectl prints configmap/x and lease.coordination.k8s.io/x."""
    kind, _, rest = name.partition("/")
    return f"{kind.partition('.')[0]}s/{rest}"


def ready_pods(cluster, name="yurt-steward"):
    """By name: whom the kubelet's probes found ready."""
    found = cluster.get(f"pods?labelSelector=app.kubernetes.io/name%3D{name}")["items"]
    return {pod["metadata"]["name"]: pod for pod in found if is_ready(pod)}


def until_ready(cluster, count, name="yurt-steward"):
    until(f"{count} ready pods of {name}", lambda: len(ready_pods(cluster, name)) == count,
          explain=lambda: cluster.kubectl("describe", "pods", "--selector",
                                          f"app.kubernetes.io/name={name}"))


def holder(cluster):
    lease = cluster.get("leases/yurt-steward", "apis/coordination.k8s.io/v1")
    return lease.get("spec", {}).get("holderIdentity") or ""


def refused_requests(metrics):
    assert "rest_client_requests_total{" in metrics
    return re.findall(r'^rest_client_requests_total\{code="40[13]".*', metrics, re.M)


def metrics_of(cluster, pod):
    """As Prometheus would ask, from another node."""
    return cluster.run("exec-at", "edge-a1", "curl", "--silent", "--fail", "--max-time", "10",
                       f"http://{pod['status']['podIP']}:8080/metrics").stdout


def until_uninstalled(cluster):
    """But for what the instructions say stays."""
    until("nothing else is left", lambda: left(cluster) <= MADE_AT_RUN_TIME,
          explain=lambda: str(left(cluster) - MADE_AT_RUN_TIME))


@pytest.fixture
def restricted(cluster):
    """Pod Security of kube-system, while no other pods are made there: most would be refused."""
    label = "pod-security.kubernetes.io/enforce"
    kube(cluster, "label", "namespace", "kube-system", f"{label}=restricted")

    def lift():
        kube(cluster, "label", "namespace", "kube-system", f"{label}-")
    yield lift
    lift()


def test_plain_file_and_all_that_it_does(cluster, nothing_installed, restricted):
    refused = cluster.run("exec", "kubectl", "--namespace=kube-system", "run", "other",
                          "--image=pause", "--dry-run=server", check=False)
    assert refused.returncode != 0 and "violates PodSecurity" in refused.stderr
    kube(cluster, "apply", *PLAIN)
    until_ready(cluster, 2)
    restricted()

    cluster.set_modes("Enforce")
    until("all is in force", lambda: cluster.all_are("InForce"), 180, cluster.troubles)
    for thing in ("service/kube-dns", "daemonset/coredns", "deployment/coredns",
                  "configmap/kube-proxy"):
        text = cluster.kubectl("describe", thing)
        assert re.search(r"Normal +(Enforced|Updated) .* yurt-steward", text), text

    leader = holder(cluster)
    pod = next(name for name in ready_pods(cluster) if name in leader)
    cluster.kubectl("delete", "pod", pod, "--wait=false")
    until("the other leads", lambda: holder(cluster) not in ("", leader))
    cluster.kubectl("annotate", "service", "kube-dns", f"{TOPOLOGY}-")
    until("the other repairs", lambda: TOPOLOGY in cluster.service())
    until_ready(cluster, 2)
    for ready in ready_pods(cluster).values():
        assert not refused_requests(metrics_of(cluster, ready))

    cluster.set_modes("Revert")
    until("all is reverted", lambda: cluster.all_are("Reverted"), 180, cluster.troubles)
    kube(cluster, "delete", *PLAIN)
    until_uninstalled(cluster)
    assert not cluster.records() and TOPOLOGY not in cluster.service()
    remove_what_is_left(cluster)
    assert not left(cluster)


def agent_says(cluster):
    text = cluster.get("configmaps/yurt-steward-nodes").get("data", {}).get(CONTROL_PLANE_NODE)
    return json.loads(text)["manifests"] if text else {}


def agent_metrics(cluster):
    return cluster.run("exec-at", CONTROL_PLANE_NODE, "curl", "--silent", "--fail", "--max-time",
                       "10", AGENT_METRICS).stdout


def test_kustomize_with_the_agent_for_static_pods(cluster, nothing_installed):
    kube(cluster, "apply", *STATIC_PODS)
    until_ready(cluster, 2)
    until_ready(cluster, 1, "yurt-steward-node")
    (pod,) = ready_pods(cluster, "yurt-steward-node").values()
    assert pod["spec"]["nodeName"] == CONTROL_PLANE_NODE
    cluster.set_modes("Enforce", ("kube-controller-manager", "kube-apiserver"))
    until("it says how the manifests stand", lambda: {
        row["mode"] for row in agent_says(cluster).values()} == {"Enforce"},
        explain=lambda: str(agent_says(cluster)))
    assert not refused_requests(agent_metrics(cluster))

    kube(cluster, "delete", *STATIC_PODS)
    until_uninstalled(cluster)
    remove_what_is_left(cluster)
    assert not left(cluster)


def test_chart_and_what_it_leaves_in_force(cluster, nothing_installed):
    notes = helm(cluster, "install", CHART, "--set", "config.service-topology=Enforce",
                 "--set", r"config.service-topology\.gate=Skip", "--wait", "--timeout=2m")
    assert "leaves in force what is in force" in notes
    assert len(ready_pods(cluster)) == 2
    until("it is in force", lambda: TOPOLOGY in cluster.service(), explain=cluster.troubles)
    until("it says so", lambda: cluster.all_are("InForce", FOUR[:1]), explain=cluster.troubles)

    helm(cluster, "uninstall", "--wait")
    until_uninstalled(cluster)
    assert TOPOLOGY in cluster.service() and cluster.records()
    cluster.run("exec", str(PROGRAM), "revert", "--yes", "--timeout=2m")
    assert TOPOLOGY not in cluster.service() and not cluster.records()
    remove_what_is_left(cluster)
    assert not left(cluster)
