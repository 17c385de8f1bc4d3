"""`yurt-steward plan`: the live cluster and a dump of it, for people and for machines."""

import json

from conftest import plan

RESOURCES = "services,configmaps,daemonsets,deployments,pods,nodes,endpointslices,leases"


def essence(text):
    """The actions without times, which differ between two plans."""
    document = json.loads(text)
    assert sorted(document) == ["actions", "held"]
    return [(action["adjustment"], action["verb"], action["target"], action["patchType"],
             action["reason"], action["mode"]) for action in document["actions"]]


def test_plan_shows_what_is_to_do(cluster):
    done = plan(cluster)
    assert done.returncode == 1, done.stderr
    added = [line for line in done.stdout.splitlines() if line.startswith("+")]
    assert any("openyurt.io/topologyKeys: openyurt.io/nodepool" in line for line in added)
    assert any("#kubeconfig:" in line for line in added)
    assert cluster.annotation() is None


def test_plan_as_json(cluster):
    done = plan(cluster, "-o", "json")
    assert done.returncode == 1, done.stderr
    actions = json.loads(done.stdout)["actions"]
    assert {action["mode"] for action in actions} == {"Observe"}
    patch = next(action for action in actions if action["target"]["kind"] == "Service")
    assert patch["target"] == {"apiVersion": "v1", "kind": "Service", "namespace": "kube-system",
                               "name": "kube-dns"}
    assert patch["patchType"] == "merge"
    assert patch["patch"]["metadata"]["annotations"] == {
        "openyurt.io/topologyKeys": "openyurt.io/nodepool"}


def test_plan_from_a_dump_is_the_same(cluster):
    live = plan(cluster, "-o", "json")
    dump = cluster.kubectl("get", RESOURCES, "--all-namespaces", "--output=yaml",
                           "--show-managed-fields")
    planned = plan(cluster, "--from", "-", "-o", "json", input=dump)
    assert planned.returncode == live.returncode == 1, planned.stderr
    assert essence(planned.stdout) == essence(live.stdout)


def test_nothing_to_do_once_in_force(in_force):
    in_force.configure(coredns_daemonset="Ignore", coredns_deployment="Ignore")
    done = plan(in_force)
    assert done.returncode == 0, done.stdout
    assert json.loads(plan(in_force, "-o", "json").stdout)["actions"] == []
