"""A small kube-apiserver for scenarios: what the real one answers to the operator, and faults.

    with KubeFake() as fake:
        fake.load(folder_of_objects)
        fake.fault(asks("watch", "services"), status(too_many_requests(1)))
        fake.edit("services", "kube-dns", change)

It serves lists with pages, watches with bookmarks and streamed initial events, reads and writes
with their preconditions, /readyz, /livez and /version. Every rule that the operator builds on is
that of the real server (1.37). A fault stands in for the answer to one request; what is done to a
watch that is open already goes through the Watch object.
"""

from __future__ import annotations

import base64
import copy
import json
import pathlib
import threading
import uuid
from typing import Any, Callable

from . import kubestatus
from .fakeserver import FakeServer, Handler, Reply, Request
from .kubepatch import PatchFailed, json_patch, merge_patch
from .kuberequest import RESOURCES, Resource, Target, asks, name_of, target_of, verb_of
from .kubestatus import JSON, Refusal
from .kubewatch import Watch, event

NAMESPACE = "kube-system"
INITIAL_END = {"k8s.io/initial-events-end": "true"}
Object = dict[str, Any]
Key = tuple[str, str, str]  # plural, namespace, name


# --- answers for faults ---

def status(body: Object, retry_after: int | None = None) -> Handler:
    headers = dict(JSON) if retry_after is None else {**JSON, "retry-after": str(retry_after)}
    return lambda _request, reply: reply.respond(body["code"], json.dumps(body), headers)


def frames(*pieces: bytes | str, end: bool = True) -> Handler:
    """A stream of these pieces; without `end` it stays open and silent."""

    def answer(_request: Request, reply: Reply) -> None:
        reply.start(200, JSON)
        for piece in pieces:
            reply.send(piece)
        if end:
            reply.end()
        else:
            reply.hang()

    return answer


def in_stream(body: Object) -> Handler:
    """An ERROR in the stream; then it ends, as the real server does it."""
    return frames(event("ERROR", body))


# --- the faults that are ordered ---

class Rule:
    """Faults for the requests that are wanted, one after the other."""

    def __init__(self, wanted: Callable[[Request], bool], answers: list[Handler | None],
                 forever: bool) -> None:
        self.wanted = wanted
        self._answers = answers
        self._forever = forever

    def take(self) -> Handler | None:
        return self._answers[0] if self._forever else self._answers.pop(0)

    @property
    def spent(self) -> bool:
        return not self._answers

    def lift(self) -> None:
        self._answers.clear()


# --- the server ---

class KubeFake:
    def __init__(self, **server_options: Any) -> None:
        self.lock = threading.RLock()
        self.version = 1000
        self.compacted = 0
        self.objects: dict[Key, Object] = {}
        self.watches: list[Watch] = []
        self.streams = True  # the WatchList feature gate
        self.ends_streams = True  # with the bookmark that ends the initial events
        self.chunk = 0  # for watches to come, see Watch
        self.ready = 200  # the status of /readyz
        self.token: str | None = None  # the one that is accepted; None: anybody may
        self._history: list[tuple[int, str, Key, Object, Object | None]] = []
        self._rules: list[Rule] = []
        self._changed = threading.Condition(self.lock)
        self.server = FakeServer(self.handle, **server_options)

    def __enter__(self) -> "KubeFake":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.server.close()

    # --- what a test does ---

    def load(self, folder: pathlib.Path) -> None:
        """Every object in the folder's JSON files."""
        for path in sorted(folder.glob("*.json")):
            self.create(json.loads(path.read_text(encoding="utf-8")))

    def get(self, plural: str, name: str, namespace: str = NAMESPACE) -> Object:
        """{} where there is none."""
        with self.lock:
            return copy.deepcopy(self.objects.get((plural, namespace, name), {}))

    def items(self, plural: str) -> list[Object]:
        with self.lock:
            return [copy.deepcopy(obj) for key, obj in self.objects.items() if key[0] == plural]

    def create(self, obj: Object) -> None:
        resource = next(found for found in RESOURCES
                        if (found.version, found.kind) == (obj["apiVersion"], obj["kind"]))
        self._store("ADDED", self._key(resource, obj), obj)

    def edit(self, plural: str, name: str, change: Callable[[Object], None],
             namespace: str = NAMESPACE) -> None:
        with self.lock:
            obj = self.get(plural, name, namespace)
            change(obj)
            self._store("MODIFIED", (plural, namespace, name), obj)

    def remove(self, plural: str, name: str, namespace: str = NAMESPACE) -> None:
        with self.lock:
            key = (plural, namespace, name)
            self._store("DELETED", key, self.objects[key])

    def bookmark(self, skip: int = 0) -> int:
        """To every open watch, as about once a minute, after `skip` changes of no interest."""
        with self.lock:
            self.version += skip
            for watch in self.open_watches():
                watch.bookmark(self.version)
            return self.version

    def compact(self) -> None:
        with self.lock:
            self.compacted = self.version
            self._history.clear()

    def snapshot(self) -> tuple[int, dict[Key, Object]]:
        with self.lock:
            return self.version, copy.deepcopy(self.objects)

    def restore(self, snapshot: tuple[int, dict[Key, Object]]) -> None:
        """As etcd from a backup: the versions go back, and nothing is said to open watches."""
        with self.lock:
            self.version, self.objects = snapshot[0], copy.deepcopy(snapshot[1])
            self._history.clear()

    def changes(self, since: int) -> list[tuple[int, Key]]:
        with self.lock:
            return [(change[0], change[2]) for change in self._history if change[0] > since]

    def fault(self, wanted: Callable[[Request], bool], *answers: Handler | None) -> Rule:
        """The next such requests get these answers; None: the right one."""
        return self._rule(Rule(wanted, list(answers), False))

    def fault_always(self, wanted: Callable[[Request], bool], answer: Handler) -> Rule:
        return self._rule(Rule(wanted, [answer], True))

    def open_watches(self, plural: str | None = None, name: str | None = None) -> list[Watch]:
        with self.lock:
            return [watch for watch in self.watches if watch.is_open()
                    and (plural is None or asks("watch stream", plural, name)(watch.request))]

    def watch(self, plural: str, name: str | None = None) -> Watch:
        """The open one."""
        return self.open_watches(plural, name)[-1]

    # --- requests ---

    def handle(self, request: Request, reply: Reply) -> None:
        fault = self._fault(request)
        if fault is not None:
            fault(request, reply)
        else:
            self.serve(request, reply)

    def serve(self, request: Request, reply: Reply) -> None:
        """The right answer."""
        try:
            if self.token is not None and (
                    request.headers.get("authorization") != f"Bearer {self.token}"):
                raise Refusal(kubestatus.unauthorized())
            if verb_of(request) in ("watch", "stream") and target_of(request.path):
                self._serve_watch(request, reply)
                return
            code, body = self.carry_out(request)
            reply.respond(code, body if isinstance(body, str) else json.dumps(body), JSON)
        except Refusal as refusal:
            reply.respond(refusal.status["code"], json.dumps(refusal.status), JSON)

    def carry_out(self, request: Request) -> tuple[int, Object | str]:
        """Everything but a watch: the status and body of the answer. Refusal."""
        if request.path in ("/readyz", "/livez"):
            code = self.ready if request.path == "/readyz" else 200
            return code, "ok" if code == 200 else "[-]etcd failed: reason withheld\n"
        if request.path == "/version":
            return 200, {"major": "1", "minor": "37", "gitVersion": "v1.37.2"}
        target = target_of(request.path)
        if target is None:
            raise Refusal(kubestatus.no_such_path())
        with self.lock:
            return getattr(self, f"_{verb_of(request)}")(target, request)

    # --- reads ---

    def _get(self, target: Target, _request: Request) -> tuple[int, Object]:
        return 200, self._existing(target)

    def _list(self, target: Target, request: Request) -> tuple[int, Object]:
        asked = request.query.get("resourceVersion", "")
        start = 0
        if "continue" in request.query:
            at, start = json.loads(base64.b64decode(request.query["continue"]))
            if at < self.compacted:
                raise Refusal(kubestatus.expired_continue())
        elif asked and int(asked) > self.version:
            raise Refusal(kubestatus.too_large_version(asked, self.version))
        items = self._selected(target, request)
        metadata: Object = {"resourceVersion": str(self.version)}
        limit = int(request.query.get("limit", "0"))
        if limit and asked != "0":  # the watch cache knows no pages
            if start + limit < len(items):
                token = json.dumps([self.version, start + limit])
                metadata["continue"] = base64.b64encode(token.encode()).decode()
            items = items[start:start + limit]
        bare = [{key: value for key, value in item.items() if key not in ("kind", "apiVersion")}
                for item in items]
        return 200, {"kind": target.resource.kind + "List", "metadata": metadata,
                     "apiVersion": target.resource.version, "items": bare}

    def _serve_watch(self, request: Request, reply: Reply) -> None:
        watch = Watch(request, reply)
        with self.lock:
            watch.chunk = self.chunk
            self._begin(watch)
            self.watches.append(watch)
        try:
            reply.start(200, JSON)
            watch.pump()
        except ConnectionError:
            reply.cancelled.set()
        finally:
            with self._changed:
                self.watches.remove(watch)
                self._changed.notify_all()

    def _begin(self, watch: Watch) -> None:
        """Puts what the watch begins with. Refusal."""
        query = watch.request.query
        asked = query.get("resourceVersion", "")
        if "sendInitialEvents" in query:
            if not self.streams or query.get("resourceVersionMatch") != "NotOlderThan":
                raise Refusal(kubestatus.invalid(
                    "ListOptions", "", "sendInitialEvents", "Forbidden: sendInitialEvents is "
                    "forbidden for watch unless the WatchList feature gate is enabled"))
            if asked and int(asked) > self.version:
                raise Refusal(kubestatus.too_large_version(asked, self.version))
        if "sendInitialEvents" in query or asked in ("", "0"):
            watch.after = self.version
            for obj in self._selected(target_of(watch.request.path), watch.request):
                watch.send(event("ADDED", obj))
            if "sendInitialEvents" in query and self.ends_streams:
                watch.bookmark(self.version, INITIAL_END)
        elif int(asked) < self.compacted:
            watch.send(event("ERROR", kubestatus.expired(asked, self.compacted)))
            watch.end()
        else:
            watch.after = int(asked)
            for change in self._history:
                self._tell(watch, *change)

    def _tell(self, watch: Watch, version: int, kind: str, key: Key, obj: Object,
              before: Object | None) -> None:
        """An object that comes into or leaves the selection is ADDED or DELETED there."""
        if watch.deaf or version <= watch.after:
            return
        target = target_of(watch.request.path)
        now = kind != "DELETED" and self._matches(target, watch.request, key, obj)
        then = before is not None and self._matches(target, watch.request, key, before)
        if now or then:
            said = "MODIFIED" if now and then else "ADDED" if now else "DELETED"
            watch.send(event(said, obj))

    # --- writes ---

    def _create(self, target: Target, request: Request) -> tuple[int, Object]:
        obj = self._body(request)
        obj["metadata"].setdefault("namespace", target.namespace)
        key = self._key(target.resource, obj)
        if key in self.objects:
            raise Refusal(kubestatus.already_exists(target.resource.plural, key[2]))
        return 201, self._store("ADDED", key, obj)

    def _update(self, target: Target, request: Request) -> tuple[int, Object]:
        return 200, self._replace(target, self._body(request))

    def _patch(self, target: Target, request: Request) -> tuple[int, Object]:
        current, patch = self._existing(target), self._body(request)
        kind = request.headers.get("content-type", "")
        if kind == "application/merge-patch+json":
            return 200, self._replace(target, merge_patch(current, patch))
        if kind != "application/json-patch+json":
            raise Refusal(kubestatus.unsupported_type(
                "application/json-patch+json, application/merge-patch+json"))
        try:
            return 200, self._replace(target, json_patch(current, patch))
        except PatchFailed:
            raise Refusal(kubestatus.failed_patch()) from None

    def _delete(self, target: Target, request: Request) -> tuple[int, Object]:
        current = self._existing(target)
        wanted = (self._body(request) if request.body else {}).get("preconditions", {})
        for field, word in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            found = current["metadata"][field]
            if wanted.get(field, found) != found:
                raise Refusal(kubestatus.precondition(target.resource.plural, target.name, word,
                                                      wanted[field], found))
        self._store("DELETED", self._key(target.resource, current), current)
        return 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                     "details": {"name": target.name, "kind": target.resource.plural,
                                 "uid": current["metadata"]["uid"]}}

    def _replace(self, target: Target, obj: Object) -> Object:
        current = self._existing(target)
        plural, name = target.resource.plural, target.name
        found, wanted = current["metadata"], obj["metadata"]
        if wanted.get("resourceVersion", found["resourceVersion"]) != found["resourceVersion"]:
            raise Refusal(kubestatus.modified(plural, name))
        if wanted.get("uid", found["uid"]) != found["uid"]:
            raise Refusal(kubestatus.invalid(target.resource.kind, name, "metadata.uid",
                                             "Invalid value: field is immutable"))
        if obj == current:
            return current  # nothing changes, not even the version
        return self._store("MODIFIED", (plural, target.namespace, name), obj)

    # --- inside ---

    def _rule(self, rule: Rule) -> Rule:
        with self.lock:
            self._rules.append(rule)
        return rule

    def _fault(self, request: Request) -> Handler | None:
        with self.lock:
            self._rules = [rule for rule in self._rules if not rule.spent]
            for rule in self._rules:
                if rule.wanted(request):
                    return rule.take()
        return None

    @staticmethod
    def _body(request: Request) -> Any:
        try:
            return json.loads(request.body)
        except ValueError as error:
            raise Refusal(kubestatus.bad_request(f"not JSON: {error}")) from None

    @staticmethod
    def _key(resource: Resource, obj: Object) -> Key:
        namespace = obj["metadata"].get("namespace", "") if resource.namespaced else ""
        return resource.plural, namespace, obj["metadata"]["name"]

    def _existing(self, target: Target) -> Object:
        found = self.get(target.resource.plural, target.name, target.namespace)
        if not found:
            raise Refusal(kubestatus.not_found(target.resource.plural, target.name))
        return found

    def _store(self, kind: str, key: Key, obj: Object) -> Object:
        """The change becomes history and is told to the watches; the object as it is now."""
        with self.lock:
            self.version += 1
            before = self.objects.get(key)
            uid = before["metadata"]["uid"] if before else str(uuid.uuid4())
            metadata = {"creationTimestamp": "2026-11-24T06:00:11Z", **obj["metadata"],
                        "uid": uid, "resourceVersion": str(self.version)}
            now = {**copy.deepcopy(obj), "metadata": metadata}
            if kind == "DELETED":
                del self.objects[key]
            else:
                self.objects[key] = now
            change = (self.version, kind, key, now, before)
            self._history.append(change)
            for watch in self.watches:
                self._tell(watch, *change)
            return copy.deepcopy(now)

    def _matches(self, target: Target, request: Request, key: Key, obj: Object) -> bool:
        if key[0] != target.resource.plural or target.namespace not in ("", key[1]):
            return False
        if name_of(request) not in ("", key[2]):
            return False
        labels = obj["metadata"].get("labels", {})
        terms = [term for term in request.query.get("labelSelector", "").split(",") if term]
        return all(labels.get(term.partition("=")[0]) == term.partition("=")[2] for term in terms)

    def _selected(self, target: Target, request: Request) -> list[Object]:
        return [obj for key, obj in sorted(self.objects.items())
                if self._matches(target, request, key, obj)]
