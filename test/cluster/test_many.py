"""Two hundred simulated nodes in twenty pools beside the real ones.

Nobody answers at the addresses of simulated pods: until a pool sees its own only, which is after
the annotation, questions to them are lost, and no fault of the operator's. `make bench` has the
roll of kube-proxy on as many and more.
"""

import pathlib
import re

import pytest

from conftest import POOLS, THREE, Clients, is_ready, until

NODES, NODE_POOLS = 200, 20
ANONYMOUS_MIB = 12  # that nothing large is left behind; `make bench` has the figures

pytestmark = pytest.mark.usefixtures("reverted")


def anonymous_mib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^RssAnon:\s+(\d+) kB$", text, re.MULTILINE).group(1)) / 1024


def test_cut_over(cluster, steward, tmp_path):
    cluster.run("kwok", "--nodes", str(NODES), "--pools", str(NODE_POOLS))
    cluster.set_modes("Enforce", THREE)
    steward.until("it is cut over", lambda: cluster.all_are("InForce", THREE), 240)
    assert cluster.replicas() == 0
    assert sum(map(is_ready, cluster.pods("kube-dns", "DaemonSet"))) == NODES + len(POOLS)
    assert anonymous_mib(steward.pid) < ANONYMOUS_MIB
    until("yurthub shows a node its pool only", cluster.shows_only_own_pools)
    clients = Clients(cluster, tmp_path)
    try:
        clients.finish("after the cut-over of many nodes")
    finally:
        clients.end()
