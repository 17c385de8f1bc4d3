"""A pool whose CoreDNS can't run: before the cut-over, and after it."""

import pytest

from conftest import REPLICAS, TOPOLOGY, Clients, is_ready, until

NODE, POOL = "edge-b1", "pool-b"
RESOLV_CONF = "/etc/kubernetes/resolv.conf"  # what the kubelet gives to pods with dnsPolicy Default
LOOPBACK = "nameserver 127.0.0.1\n"  # for CoreDNS that is itself: plugin loop ends it
CTR = ("ctr", "--namespace", "k8s.io", "images")

pytestmark = pytest.mark.usefixtures("reverted")


def on_node(cluster, *command, **options):
    return cluster.run("enter", NODE, *command, **options).stdout


def begin_anew(cluster):
    """CoreDNS on that node, without the delay that its failures have brought about."""
    cluster.kubectl("delete", "pods", "--selector=k8s-app=kube-dns", "--wait=false",
                    f"--field-selector=spec.nodeName={NODE}")


def is_untouched(cluster):
    return cluster.replicas() == REPLICAS and TOPOLOGY not in cluster.service()


@pytest.fixture
def looping(cluster):
    good = on_node(cluster, "cat", RESOLV_CONF)
    on_node(cluster, "tee", RESOLV_CONF, input=LOOPBACK)

    def mend():
        on_node(cluster, "tee", RESOLV_CONF, input=good)
        begin_anew(cluster)
    yield mend
    mend()


def test_gate_stays_closed(cluster, steward, looping):
    cluster.set_modes("Enforce")
    steward.until("the pool is named, and why", lambda: steward.lines(
        "PoolsWithoutCoreDNS", f"{POOL} (node {NODE}: CrashLoopBackOff)"))
    event = steward.until("an Event says so too",
                          lambda: cluster.events("PoolsWithoutCoreDNS"))[0]
    assert (event["type"], event["involvedObject"]["name"]) == ("Warning", "coredns")
    steward.until("so does status", lambda: NODE in cluster.status()["coredns-deployment"].get(
        "message", ""))
    assert is_untouched(cluster)

    looping()
    steward.until("it is cut over", lambda: cluster.all_are("InForce"))
    assert cluster.replicas() == 0


class Image:
    """CoreDNS's, on one node."""

    def __init__(self, cluster):
        self.cluster = cluster
        template = cluster.deployment()["spec"]["template"]
        self.name = template["spec"]["containers"][0]["image"]
        self.other = self.name.rpartition(":")[0] + ":next"  # the same under another name

    def remove(self):
        on_node(self.cluster, *CTR, "remove", self.name)

    def restore(self):
        on_node(self.cluster, *CTR, "tag", "--force", self.other, self.name)


@pytest.fixture
def image(cluster):
    found = Image(cluster)
    yield found
    found.restore()
    begin_anew(cluster)


def serves_in_place(cluster):
    """The Deployment, for all pools."""
    return TOPOLOGY not in cluster.service() and any(
        is_ready(pod) for pod in cluster.pods("kube-dns", "ReplicaSet"))


def test_falls_back(cluster, steward, image, tmp_path):
    cluster.configure(**{"coredns-deployment.grace": "3s"})
    cluster.set_modes("Enforce")
    steward.until("it is cut over", lambda: cluster.all_are("InForce"))
    daemonset = cluster.daemonset()["metadata"]["uid"]
    clients = Clients(cluster, tmp_path)
    try:
        client = clients.by_node.pop(NODE)
        clients.all.remove(client)
        image.remove()
        begin_anew(cluster)
        steward.until("it fell back", lambda: steward.lines("FellBack", POOL))
        steward.until("the Deployment serves in its place", lambda: serves_in_place(cluster))
        client.until_answered(40)
        assert client.report()["lost"], "its pool was without DNS"
        clients.none_lost("another pool's CoreDNS ends")
        event = steward.until("an Event says so", lambda: cluster.events("FellBack"))[0]
        assert event["type"] == "Warning" and POOL in event["message"]
        assert cluster.replicas() == REPLICAS
        assert cluster.daemonset()["metadata"]["uid"] == daemonset

        until("no question is open", lambda: nothing_is_open(client))
        lost = client.report()["lost"]
        image.restore()
        begin_anew(cluster)
        steward.until("it is cut over again", lambda: cluster.all_are("InForce"))
        assert cluster.replicas() == 0 and TOPOLOGY in cluster.service()
        clients.finish("fallback and cut-over again")
        assert client.finish()["lost"] == lost, client.complaints()
    finally:
        clients.end()
        client.end()


def nothing_is_open(client):
    """All that it asked was answered or lost."""
    report = client.report()
    return report["asked"] == report["answered"] + report["lost"]
