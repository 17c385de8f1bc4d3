"""apply and revert: once, with the same plan, without the operator."""

import json
import subprocess

import pytest

from conftest import PROGRAM, Operator

BOTH = ["service-topology", "kube-proxy-kubeconfig"]


def once(cluster, verb, *arguments):
    return cluster.control_plane(
        "exec", str(PROGRAM), verb, "--kubeconfig", str(cluster.dir / "admin.conf"), *arguments,
        check=False, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_apply_then_revert(cluster):
    cluster.configure(service_topology="Observe", kube_proxy_kubeconfig="Observe")
    applied = once(cluster, "apply", "--yes", *BOTH)
    assert applied.returncode == 0, applied.stderr
    assert "+  kubeconfig" not in applied.stdout and "#kubeconfig:" in applied.stdout
    assert cluster.annotation() and cluster.config_in_force()
    again = once(cluster, "apply", *BOTH)  # nothing to do: nothing to ask
    assert again.returncode == 0, again.stderr

    reverted = once(cluster, "revert", "--yes", *BOTH)
    assert reverted.returncode == 0, reverted.stderr
    assert cluster.annotation() is None
    assert cluster.config() == cluster.original
    assert not [key for key in cluster.record() if key.startswith(tuple(BOTH))]
    modes = cluster.get("configmap", "yurt-steward")["data"]
    assert [modes[name] for name in BOTH] == ["Revert", "Revert"]


def test_nothing_is_changed_unasked(cluster):
    since = cluster.audit_end()
    refused = once(cluster, "apply", "service-topology")
    assert refused.returncode == 1
    assert "--yes" in refused.stderr and "nothing was changed" in refused.stderr
    assert cluster.writes(since, user="kubernetes-admin") == []


def test_only_what_is_named(cluster):
    applied = once(cluster, "apply", "--yes", "service-topology")
    assert applied.returncode == 0, applied.stderr
    assert cluster.annotation()
    assert cluster.config() == cluster.original


def test_what_is_held_is_said_and_given_up(cluster):
    cluster.kubectl("delete", "service", "kube-dns")
    held = once(cluster, "apply", "--yes", "--timeout", "3s", "service-topology")
    assert held.returncode == 1
    assert "ServiceMissing" in held.stderr and "not done in time" in held.stderr
    assert cluster.annotation() is None


def holder(cluster):
    lease = cluster.get("lease", "yurt-steward")
    return lease.get("spec", {}).get("holderIdentity")


@pytest.fixture
def electing(cluster):
    """No Lease of an earlier test, and none is left behind."""
    cluster.kubectl("delete", "lease", "yurt-steward", "--ignore-not-found")
    yield cluster
    cluster.kubectl("delete", "lease", "yurt-steward", "--ignore-not-found")


@pytest.mark.parametrize("verb", ["apply", "revert"])
def test_nothing_is_written_beside_an_operator(electing, tmp_path, verb):
    cluster = electing
    running = Operator(cluster, tmp_path / "log", "--leader-elect")
    try:
        running.until("it leads", lambda: running.lines("leading"), 30)
        cluster.overwrite_annotation()
        since = cluster.audit_end()
        refused = once(cluster, verb, "--yes", "service-topology", "kube-proxy-kubeconfig")
        assert refused.returncode == 2, refused.stderr
        assert holder(cluster) in refused.stderr
        assert "kubectl -n kube-system patch configmap yurt-steward" in refused.stderr
        assert cluster.writes(since, user="kubernetes-admin") == []
    finally:
        running.end()
    applied = once(cluster, "apply", "--yes", "service-topology")  # the operator gave it up
    assert applied.returncode == 0, applied.stderr
    assert holder(cluster) == "", "given up again"


def test_the_lease_of_one_that_died_runs_out(electing):
    cluster = electing
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
             "metadata": {"name": "yurt-steward", "namespace": "kube-system"},
             "spec": {"holderIdentity": "gone", "leaseDurationSeconds": 3,
                      "renewTime": "2020-01-01T00:00:00.000000Z", "leaseTransitions": 4}}
    cluster.kubectl("create", "--filename=-", input=json.dumps(lease))
    applied = once(cluster, "apply", "--yes", "service-topology")
    assert applied.returncode == 0, applied.stderr
    assert cluster.annotation()
    assert holder(cluster) == ""


def test_unknown_adjustment(cluster):
    misused = once(cluster, "apply", "kube-dns")
    assert misused.returncode == 2
    assert "there are: service-topology" in misused.stderr
