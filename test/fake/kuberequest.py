"""What a request asks of the Kubernetes API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from .fakeserver import Request


@dataclass(frozen=True)
class Resource:
    version: str  # of the API, with its group
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def root(self) -> str:
        return f"/api/{self.version}" if self.version == "v1" else f"/apis/{self.version}"


RESOURCES = (
    Resource("v1", "configmaps", "ConfigMap"),
    Resource("v1", "services", "Service"),
    Resource("v1", "pods", "Pod"),
    Resource("v1", "nodes", "Node", namespaced=False),
    Resource("apps/v1", "daemonsets", "DaemonSet"),
    Resource("apps/v1", "deployments", "Deployment"),
    Resource("discovery.k8s.io/v1", "endpointslices", "EndpointSlice"),
    Resource("coordination.k8s.io/v1", "leases", "Lease"),
    Resource("events.k8s.io/v1", "events", "Event"),
)


@dataclass(frozen=True)
class Target:
    resource: Resource
    namespace: str  # "": all, or none
    name: str  # "": the collection


def target_of(path: str) -> Target | None:
    for resource in RESOURCES:
        if not path.startswith(resource.root + "/"):
            continue
        parts = path[len(resource.root) + 1:].split("/")
        namespace = parts.pop(1) if parts[0] == "namespaces" and len(parts) > 2 else ""
        if namespace:
            parts.pop(0)
        if parts[0] == resource.plural and len(parts) <= 2:
            return Target(resource, namespace, parts[1] if len(parts) == 2 else "")
    return None


def verb_of(request: Request) -> str:
    """The verb as RBAC calls it; "stream" for a watch that asks for initial events."""
    target = target_of(request.path)
    if request.method == "GET":
        if request.query.get("watch") == "true":
            return "stream" if "sendInitialEvents" in request.query else "watch"
        return "get" if target is None or target.name else "list"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(request.method, "delete")


def name_of(request: Request) -> str:
    """The one object that is asked for, by path or by selector; "" for a collection."""
    target = target_of(request.path)
    if target is not None and target.name:
        return target.name
    return request.query.get("fieldSelector", "").removeprefix("metadata.name=")


def asks(verbs: str, plural: str, name: str | None = None) -> Callable[[Request], bool]:
    """A predicate: one of these verbs (separated by blanks) on this resource (and object)."""

    def wanted(request: Request) -> bool:
        target = target_of(request.path)
        return (target is not None and target.resource.plural == plural
                and verb_of(request) in verbs.split() and name in (None, name_of(request)))

    return wanted
