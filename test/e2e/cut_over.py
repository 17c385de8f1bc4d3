"""What the tests of the cut-over share: the cluster before it, what there is, what was written."""

import datetime
import json

import pytest

from conftest import CONTROL_PLANE, NODE_COUNT, TOPOLOGY, ready, serves_every_node, until, written_to
from live.api import Api
from test_status import rows

THREE = ("service-topology", "coredns-daemonset", "coredns-deployment")
FOUR = (*THREE, "kube-proxy-kubeconfig")
STATE = "yurt-steward-state"
EDGES = ("edge-a1", "edge-a2", "edge-b1")
REPLICAS = 2  # as kubeadm makes it
SOAK_SECONDS = 1
# The usual grace period: on a busy machine a slice may be late when a pod is replaced.
ENFORCED = {**{name: "Enforce" for name in FOUR},
            "coredns-deployment.soak": f"{SOAK_SECONDS}s", "coredns-deployment.grace": "30s"}
QUICK_FALLBACK = {"coredns-deployment.grace": "2s"}
REVERTED = {name: "Revert" for name in FOUR}
NAMESPACE = "namespaces/kube-system"


def ready_since(pod):
    """By the clock of its kubelet; a whole second."""
    return max(datetime.datetime.fromisoformat(condition["lastTransitionTime"])
               for condition in pod["status"]["conditions"]
               if condition["type"] == "Ready" and condition["status"] == "True")


class Dns:
    """What there is of CoreDNS, read without a kubectl for each look."""

    def __init__(self, cluster, api):
        self.cluster, self.api = cluster, api
        self.since = 0  # of the audit log: where the cluster was as kubeadm leaves it

    def _get(self, group, rest):
        return self.api.call("GET", f"/{group}/{NAMESPACE}/{rest}") or {}

    def deployment(self):
        return self._get("apis/apps/v1", "deployments/coredns")

    def daemonset(self):
        return self._get("apis/apps/v1", "daemonsets/coredns")

    def replicas(self):
        return self.deployment().get("spec", {}).get("replicas")

    def annotation(self):
        service = self._get("api/v1", "services/kube-dns")
        return service.get("metadata", {}).get("annotations", {}).get(TOPOLOGY)

    def record(self):
        """The operator's record of the Deployment."""
        data = self._get("api/v1", f"configmaps/{STATE}").get("data", {})
        return json.loads(data.get("coredns-deployment", "{}"))

    def pods(self, kind):
        return [pod for pod in self._get("api/v1", "pods?labelSelector=k8s-app%3Dkube-dns")["items"]
                if pod["metadata"]["ownerReferences"][0]["kind"] == kind]

    def on_every_node(self):
        return ready(self.pods("DaemonSet")) == NODE_COUNT

    def is_cut(self):
        return self.replicas() == 0 and self.record().get("cut") is True

    def states(self):
        return {name: row["state"] for name, row in rows(self.cluster)[0].items()}

    def all_in_force(self, names=FOUR):
        states = self.states() if self.is_cut() else {}
        return all(states.get(name) == "InForce" for name in names)

    def served_since(self):
        """When each Ready pod of the Deployment became that."""
        return [ready_since(pod) for pod in self.pods("ReplicaSet") if ready([pod])]

    def clear(self):
        """As kubeadm leaves it: with both its pods on the cloud node, so that no pool has one."""
        kubectl = self.cluster.kubectl
        kubectl("delete", "configmap", "yurt-steward", "--ignore-not-found")
        kubectl("delete", "daemonset", "coredns", "--ignore-not-found")
        self.cluster.restore()
        kubectl("cordon", *EDGES)
        kubectl("scale", "deployment", "coredns", "--replicas=0")
        until("CoreDNS has no pod", lambda: not self.pods("ReplicaSet")
              and not self.pods("DaemonSet"))
        kubectl("scale", "deployment", "coredns", f"--replicas={REPLICAS}")
        until("it has its pods on the cloud node",
              lambda: ready(self.pods("ReplicaSet")) == REPLICAS)
        kubectl("uncordon", *EDGES)
        self.since = self.cluster.audit_end()


@pytest.fixture(scope="module")
def dns(control_plane, nodes, tmp_path_factory):
    api = Api([CONTROL_PLANE, "exec", str(control_plane.dir)], tmp_path_factory.mktemp("api"))
    found = Dns(control_plane, api)
    try:
        yield found
        found.clear()
        control_plane.kubectl("scale", "deployment", "coredns", "--replicas=8")
        until("DNS is on every node", lambda: serves_every_node(control_plane), 30)
    finally:
        api.end()


@pytest.fixture
def plain(dns):
    """A cluster as kubeadm leaves it."""
    dns.clear()
    return dns


class Story:
    """The operator's writes since a moment that were carried out, in their order."""

    def __init__(self, cluster, since, user="yurt-steward"):
        self.writes = [entry for entry in cluster.writes(since, user)
                       if entry["responseStatus"]["code"] < 300]

    def __repr__(self):
        return str([f"{entry['verb']} {entry['objectRef']['resource']}" for entry in self.writes])

    def times(self, verb, resource):
        """When each was; all times are the API server's."""
        found = [datetime.datetime.fromisoformat(entry["requestReceivedTimestamp"])
                 for entry in written_to(self.writes, resource) if entry["verb"] == verb]
        assert found, f"no {verb} of {resource} in {self}"
        return found
