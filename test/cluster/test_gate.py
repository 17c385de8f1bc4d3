"""A pool whose CoreDNS can't run: the gate is closed, and after the cut-over it falls back."""

import pytest

from conftest import REPLICAS, THREE, TOPOLOGY, Clients, is_ready, revert, until
from troubles import ALL, NODE, POOL


@pytest.fixture(params=list(ALL))
def trouble(request, cluster, steward):
    """Mended before all is reverted, and gone after that."""
    found = ALL[request.param](cluster)
    found.prepare()
    try:
        keep_deployment_away(cluster, found)
        yield found
    finally:
        found.mend()
        found.begin_anew()
        revert(cluster, steward)
        found.clear()


def keep_deployment_away(cluster, trouble):
    """From that pool: as long as one of its pods serves there, nothing is wrong with it."""
    cluster.kubectl("cordon", NODE)
    try:
        trouble.begin_anew()
        until("the Deployment's pods are elsewhere", lambda: not cluster.pods("kube-dns", node=NODE)
              and sum(map(is_ready, cluster.pods("kube-dns"))) == REPLICAS)
    finally:
        cluster.kubectl("uncordon", NODE)


@pytest.fixture
def clients(cluster, trouble, tmp_path):
    running = Clients(cluster, tmp_path)
    try:
        yield running
    finally:
        running.end()


def says(steward, trouble, reason):
    return [line for why in trouble.whys
            for line in steward.lines(reason, f"{POOL} (node {NODE}: {why})")]


def holds(cluster, steward, trouble):
    steward.until("the pool is named, and why",
                  lambda: says(steward, trouble, "PoolsWithoutCoreDNS"))
    event = steward.until("an Event says so too", lambda: cluster.events("PoolsWithoutCoreDNS"))[0]
    assert (event["type"], event["involvedObject"]["name"]) == ("Warning", "coredns")
    assert cluster.replicas() == REPLICAS and TOPOLOGY not in cluster.service()


def is_cut_over(cluster):
    return (cluster.all_are("InForce", THREE) and cluster.replicas() == 0
            and TOPOLOGY in cluster.service())


def serves_in_place(cluster):
    """The Deployment, for all pools."""
    return TOPOLOGY not in cluster.service() and any(
        is_ready(pod) for pod in cluster.pods("kube-dns", "ReplicaSet"))


def falls_back(cluster, steward):
    daemonset = cluster.daemonset()["metadata"]["uid"]
    steward.until("it fell back", lambda: steward.lines("FellBack", POOL))
    steward.until("the Deployment serves in its place", lambda: serves_in_place(cluster))
    event = steward.until("an Event says so", lambda: cluster.events("FellBack"))[0]
    assert event["type"] == "Warning" and POOL in event["message"]
    assert cluster.replicas() == REPLICAS
    assert cluster.daemonset()["metadata"]["uid"] == daemonset


def lost(client):
    """When all that it asked was answered or lost."""
    def closed():
        report = client.report()
        return report["asked"] == report["answered"] + report["lost"]
    until("no question is open", closed)
    return client.report()["lost"]


def none_lost(clients, trouble, during):
    if not trouble.is_ever_ready:
        clients.none_lost(during)


def test_pool_without_coredns(cluster, steward, trouble, clients):
    cluster.configure(**{"coredns-deployment.grace": "3s"})
    trouble.make()
    cluster.set_modes("Enforce", THREE)
    holds(cluster, steward, trouble)
    none_lost(clients, trouble, "the gate is closed")
    trouble.mend()
    trouble.begin_anew()
    steward.until("it is cut over", lambda: is_cut_over(cluster))
    none_lost(clients, trouble, "cut-over")

    client = clients.by_node[NODE]
    before = lost(client)
    trouble.make()
    trouble.begin_anew()
    falls_back(cluster, steward)
    client.until_answered(40)
    assert lost(client) > before, "its pool was without DNS"
