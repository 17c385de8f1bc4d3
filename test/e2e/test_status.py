"""status: a table for people, JSON for machines."""

import json
import subprocess

from conftest import PROGRAM


def status(cluster, *arguments):
    done = cluster.control_plane(
        "exec", str(PROGRAM), "status", "--kubeconfig", str(cluster.dir / "admin.conf"),
        *arguments, check=False, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(cluster):
    found = json.loads(status(cluster, "-o", "json"))
    return {row["adjustment"]: row for row in found["adjustments"]}, found["pools"]


def test_in_force_and_who_undid_it(in_force, operator):
    cluster = in_force
    cluster.overwrite_annotation()
    operator.until("the repair is said", lambda: cluster.events("Repaired", "kube-dns"))
    operator.until("open watches were told", lambda: rows(
        cluster)[0]["service-topology"]["state"] == "InForce")
    adjustments, pools = rows(cluster)
    topology = adjustments["service-topology"]
    assert topology["mode"] == "Enforce"
    assert topology["since"] and topology["undoneAt"]
    assert topology["undoneBy"].startswith("kubectl-annotate (Update, ")
    assert [pool["pool"] for pool in pools] == ["", "pool-a", "pool-b"]
    assert pools[1]["nodes"] == pools[1]["live"] == 2
    assert pools[1]["deploymentPods"] > 0 and pools[1]["daemonSetPods"] == 0

    table = status(cluster)
    assert table.startswith("ADJUSTMENT ")
    line = [line for line in table.splitlines() if line.startswith("service-topology")][0]
    assert "last undone" in line and "by kubectl-annotate" in line


def test_without_configuration(cluster):
    adjustments, _ = rows(cluster)
    assert {row["mode"] for row in adjustments.values()} == {"Observe"}
    assert adjustments["service-topology"]["state"] == "Drift"


def test_what_holds_it(cluster, operator):
    cluster.kubectl("delete", "service", "kube-dns")
    cluster.configure(service_topology="Enforce")
    operator.until("it is held", lambda: operator.lines("ServiceMissing"))
    operator.until("the Event is there", lambda: cluster.events("ServiceMissing"))
    adjustments, _ = rows(cluster)
    topology = adjustments["service-topology"]
    assert (topology["state"], topology["heldBy"]) == ("Held", "ServiceMissing")
    assert "kube-system/kube-dns does not exist" in topology["message"]


def test_bad_usage(cluster):
    done = cluster.control_plane("exec", str(PROGRAM), "status", "-o", "xml", check=False,
                                 stderr=subprocess.PIPE)
    assert done.returncode == 2 and "xml" in done.stderr
