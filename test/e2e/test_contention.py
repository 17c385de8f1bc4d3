"""A writer that undoes a repair again and again: said once, then backed off, never a hot loop."""

import time

from conftest import written_to

BUDGET = 3


def test_contended(cluster, operator):
    cluster.configure(**{"service-topology": "Enforce",
                         "contention.budget": f"{BUDGET} per 10m"})
    operator.until("the annotation is there", cluster.annotation)
    since = cluster.audit_end()

    def fight():
        cluster.overwrite_annotation()
        return cluster.events("Contended", "kube-dns")
    event = operator.until("Contended is said", fight, 30)[0]
    assert event["type"] == "Warning"
    assert "kubectl-annotate" in event["message"]
    assert "Ignore" in event["message"]
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        cluster.overwrite_annotation()
    repairs = written_to(cluster.writes(since), "services", "kube-dns")
    assert BUDGET <= len(repairs) <= BUDGET + 2
    assert len(cluster.events("Contended", "kube-dns")) == 1
