"""apply and revert: once, with the same plan, without the operator."""

import subprocess

from conftest import PROGRAM

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


def test_unknown_adjustment(cluster):
    misused = once(cluster, "apply", "kube-dns")
    assert misused.returncode == 2
    assert "there are: service-topology" in misused.stderr
