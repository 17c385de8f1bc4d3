"""The roles of an installation, for the operator under test: it may do that, and nothing else."""

import pathlib

import yaml

DEPLOYED = pathlib.Path(__file__).resolve().parents[2] / "deploy/base/yurt-steward.yaml"
AGENT = DEPLOYED.parents[1] / "overlays/static-pods/agent.yaml"
# The names under which the audit log knows it: by certificate, and by token.
USER = "yurt-steward"
ACCOUNT = "system:serviceaccount:kube-system:yurt-steward-test"


def roles(deployed=DEPLOYED):
    """Roles and bindings as they are deployed."""
    with open(deployed, encoding="utf-8") as file:
        return [found for found in yaml.safe_load_all(file)
                if found["apiVersion"].startswith("rbac.authorization.k8s.io/")]


def account(name):
    return {"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}


def granted():
    """A List of them, bound to the operator under test instead."""
    objects = roles()
    for found in objects:
        if found["kind"].endswith("Binding"):
            found["subjects"] = [
                {"kind": "User", "name": USER, "apiGroup": "rbac.authorization.k8s.io"},
                account(ACCOUNT.rpartition(":")[2])]
    return {"apiVersion": "v1", "kind": "List", "items": objects}


def granted_to_agent():
    """A List of the agent's, bound to the user that it is in tests."""
    objects = roles(AGENT)
    for found in objects:
        if found["kind"].endswith("Binding"):
            found["subjects"] = [
                {"kind": "User", "name": USER, "apiGroup": "rbac.authorization.k8s.io"}]
    return {"apiVersion": "v1", "kind": "List", "items": objects}


def bound_to(name):
    """A List of bindings more, of the same roles to another ServiceAccount."""
    bindings = [found for found in roles() if found["kind"].endswith("Binding")]
    for found in bindings:
        found["metadata"]["name"] += f"-{name}"
        found["subjects"] = [account(name)]
    return {"apiVersion": "v1", "kind": "List", "items": bindings}
