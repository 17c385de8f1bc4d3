"""Installed and removed with each of the three tools, on a real API server."""

import json
import os

import pytest

import render
from conftest import until

PROGRAM = os.path.realpath(
    os.environ.get("YURT_STEWARD", os.path.join(render.ROOT, "build", "yurt-steward")))
RELEASE = ("yurt-steward", "--namespace", "kube-system")
PLAIN = os.path.join(render.DEPLOY, "base", "yurt-steward.yaml")
SINGLE = os.path.join(render.DEPLOY, "overlays", "single")
STATIC_PODS = os.path.join(render.DEPLOY, "overlays", "static-pods")
TOOLS = {
    "kubectl": (("kubectl", "apply", "--filename", PLAIN),
                ("kubectl", "delete", "--filename", PLAIN)),
    "kustomize": (("kubectl", "apply", "--kustomize", SINGLE),
                  ("kubectl", "delete", "--kustomize", SINGLE)),
    "kustomize, with the agent": (("kubectl", "apply", "--kustomize", STATIC_PODS),
                                  ("kubectl", "delete", "--kustomize", STATIC_PODS)),
    "helm": (("helm", "install", RELEASE[0], render.CHART, *RELEASE[1:]),
             ("helm", "uninstall", *RELEASE)),
    "helm, with the agent": (("helm", "install", RELEASE[0], render.CHART, *RELEASE[1:],
                              "--set", "staticPods.enabled=true"),
                             ("helm", "uninstall", *RELEASE)),
}
LABEL = "--selector=app.kubernetes.io/name in (yurt-steward, yurt-steward-node)"
KINDS = ",".join(["serviceaccounts", "roles", "rolebindings", "clusterroles", "clusterrolebindings",
                  "deployments", "daemonsets", "pods", "replicasets", "poddisruptionbudgets",
                  "networkpolicies", "services", "configmaps", "secrets"])


def labelled(cluster):
    """What there is of it."""
    found = cluster.get(KINDS, "--all-namespaces", LABEL).get("items", [])
    return {(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"])
            for item in found}


@pytest.mark.parametrize("name", TOOLS)
def test_install_and_remove(cluster, name):
    install, remove = ((render.tool(command[0]), *command[1:]) for command in TOOLS[name])
    said = cluster.run(*install).stdout
    try:
        if name.startswith("helm"):
            assert "leaves in force what is in force" in said
            assert ("lease/yurt-steward-node" in said) == ("agent" in name)
        made_by_controllers = ("Pod", "ReplicaSet")
        expected = render.kustomize(STATIC_PODS) if "agent" in name else render.plain()
        assert {key for key in labelled(cluster) if key[0] not in made_by_controllers} == set(
            expected)
    finally:
        cluster.run(*remove)
    until("nothing is left", lambda: not labelled(cluster), explain=lambda: labelled(cluster))


def test_its_pods_are_admitted_where_only_restricted_ones_are(cluster):
    template = render.plain()[("Deployment", "kube-system", "yurt-steward")]["spec"]["template"]
    cluster.kubectl("create", "namespace", "restricted")
    try:
        cluster.kubectl("label", "namespace", "restricted",
                        "pod-security.kubernetes.io/enforce=restricted")
        cluster.kubectl("create", "serviceaccount", "yurt-steward", "--namespace=restricted")
        spec = {**template["spec"], "priorityClassName": ""}
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": spec,
               "metadata": {"name": "yurt-steward", "namespace": "restricted"}}
        create = ("kubectl", "create", "--dry-run=server", "--filename=-")
        assert cluster.run(*create, input=json.dumps(pod), check=False).returncode == 0
        del spec["securityContext"]
        assert cluster.run(*create, input=json.dumps(pod), check=False).returncode != 0
    finally:
        cluster.kubectl("delete", "namespace", "restricted", "--wait=false")


def test_config_map_is_taken(cluster):
    path = os.path.join(render.DEPLOY, "config.yaml")
    cluster.kubectl("apply", "--filename", path)
    try:
        assert cluster.get("configmap", "yurt-steward")["data"] == render.config()["data"]
    finally:
        cluster.kubectl("delete", "--filename", path)


def test_kubectl_plugin(cluster, tmp_path):
    os.symlink(PROGRAM, tmp_path / "kubectl-yurt_steward")
    path = f"PATH={tmp_path}:{os.path.dirname(render.tool('kubectl'))}:{os.environ['PATH']}"
    done = cluster.run("env", path, "kubectl", "yurt-steward", "status", "--output=json")
    rows = json.loads(done.stdout)
    assert "service-topology" in json.dumps(rows)
    done = cluster.run("env", path, "kubectl", "yurt-steward", "no-such-verb", check=False)
    assert done.returncode != 0
