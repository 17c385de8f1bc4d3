"""The other side of test/unit/test_reflector.c and test_kube_client.c: a small API server.

It keeps ConfigMaps in namespace "default", with lists, pages, watches, bookmarks and streamed
lists as a kube-apiserver gives them, and misbehaves when told to.
"""

from __future__ import annotations

import json
import pathlib
import ssl
import threading
import time
from typing import Any

from .fakeserver import FakeServer, Reply, Request
from .peer import Peer, run

COLLECTION = "/api/v1/namespaces/default/configmaps"
END = {"k8s.io/initial-events-end": "true"}
JSON = {"content-type": "application/json"}


def failure(code: int, reason: str = "", retry_after: int = 0, too_large: bool = False) -> dict:
    details: dict[str, Any] = {}
    if retry_after:
        details["retryAfterSeconds"] = retry_after
    if too_large:
        details["causes"] = [{"reason": "ResourceVersionTooLarge"}]
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
            "reason": reason, "message": f"made up: {code} {reason}", "details": details}


def event(kind: str, obj: dict) -> str:
    return json.dumps({"type": kind, "object": obj}) + "\n"


def bookmark(version: int, annotations: dict | None = None) -> str:
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if annotations:
        metadata["annotations"] = annotations
    return event("BOOKMARK", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata})


class Watch:
    """One open watch: what is put in goes out in order, from the thread of its request."""

    def __init__(self, connection: int) -> None:
        self.connection = connection
        self.pieces: list[str | None] = []
        self.wake = threading.Condition()

    def put(self, piece: str | None) -> None:
        with self.wake:
            self.pieces.append(piece)
            self.wake.notify()

    def get(self, timeout: float) -> str | None:
        with self.wake:
            if not self.wake.wait_for(lambda: self.pieces, timeout):
                return ""
            return self.pieces.pop(0)


class Api:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.version = 10
        self.compacted = 0
        self.objects: dict[str, dict] = {}
        self.history: list[tuple[int, str]] = []
        self.watches: set[Watch] = set()
        self.faults: dict[str, list[str]] = {}
        self.streams = True  # the WatchList feature gate
        self.cached = True  # there is a watch cache: no pages at "0"
        self.dribble = False  # watches are sent byte by byte
        self.ready = 200
        self.log: list[str] = []
        self.bodies: list[str] = []

    # --- state ---

    def _publish(self, kind: str, obj: dict) -> None:
        line = event(kind, obj)
        self.history.append((self.version, line))
        for watch in self.watches:
            watch.put(line)

    def put(self, name: str, value: str) -> None:
        with self.lock:
            self.version += 1
            kind = "MODIFIED" if name in self.objects else "ADDED"
            obj = {"kind": "ConfigMap", "apiVersion": "v1",
                   "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}",
                                "resourceVersion": str(self.version)},
                   "data": {"value": value}}
            self.objects[name] = obj
            self._publish(kind, obj)

    def remove(self, name: str) -> None:
        with self.lock:
            self.version += 1
            obj = self.objects.pop(name)
            obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
            self._publish("DELETED", obj)

    def restore(self, version: int) -> None:
        """As after an etcd restore: other objects, and the versions go back."""
        with self.lock:
            self.version = version
            self.compacted = 0
            self.history.clear()
            self.objects.clear()
            self.put("restored", "yes")

    def fault(self, kind: str) -> str | None:
        with self.lock:
            left = self.faults.get(kind, [])
            if not left:
                return None
            if left[0].startswith("always-"):
                return left[0]
            fault = left.pop(0)
            return None if fault == "pass" else fault

    # --- requests ---

    def handle(self, request: Request, reply: Reply) -> None:
        try:
            self._route(request, reply)
        except ssl.SSLError:
            pass  # the client closed the connection just now

    def _route(self, request: Request, reply: Reply) -> None:
        if request.path in ("/readyz", "/livez"):
            self._readyz(reply, 200 if request.path == "/livez" else self.ready)
        elif request.path == COLLECTION and request.query.get("watch") == "true":
            self._note_collection("watch", request)
            self._misbehave("watch", reply) or self._watch(request, reply)
        elif request.path == COLLECTION and request.method == "GET":
            self._note_collection("list", request)
            self._misbehave("list", reply) or self._list(request, reply)
        else:
            self._other(request, reply)

    def _note_collection(self, verb: str, request: Request) -> None:
        words = [verb]
        names = {"resourceVersion": "rv", "resourceVersionMatch": "match", "limit": "limit",
                 "continue": "continue", "sendInitialEvents": "initial",
                 "fieldSelector": "field", "labelSelector": "label"}
        words += [f"{short}={request.query[name]}" for name, short in names.items()
                  if name in request.query]
        if "gzip" in request.headers.get("accept-encoding", ""):
            words.append("gzip")
        with self.lock:
            self.log.append(" ".join(words))

    def _readyz(self, reply: Reply, status: int) -> None:
        with self.lock:
            self.log.append("readyz")
        if self.fault("readyz") is not None:
            reply.hang()
        else:
            reply.respond(status, "ok" if status == 200 else "not ready")

    def _misbehave(self, verb: str, reply: Reply) -> bool:
        fault = self.fault(verb)
        if fault is None:
            return False
        what, *arguments = fault.removeprefix("always-").split(",")
        if what == "hang":
            reply.hang()
        elif what == "cut":
            reply.start(200, JSON)
            reply.send('{"kind": "ConfigMapList", "items": [{"metadata"')
            time.sleep(0.05)
            reply.close_connection(arguments[0])
        elif what == "too-large":
            reply.respond(504, json.dumps(failure(504, "Timeout", 1, True)), JSON)
        elif what == "stream":  # an ERROR in the stream
            reply.start(200, JSON)
            reply.send(event("ERROR", failure(int(arguments[0]), *arguments[1:])))
            reply.end()
        elif what == "raw":  # a stream of this text, which then stays open
            reply.start(200, JSON)
            reply.send(arguments[0].replace("~", " ") + "\n")
            reply.wait_cancelled(30)
        elif what == "huge":
            reply.start(200, JSON)
            try:
                for _ in range(17):
                    reply.send("x" * 1048576)
            except ConnectionError:
                pass
            reply.wait_cancelled(30)
        elif what == "eof":
            reply.start(200, JSON)
            reply.end()
        else:
            retry_after = arguments[0] if arguments else ""
            headers = {**JSON, **({"retry-after": retry_after} if retry_after else {})}
            reply.respond(int(what), json.dumps(failure(int(what))), headers)
        return True

    def _selected(self, request: Request) -> list[dict]:
        name = request.query.get("fieldSelector", "").removeprefix("metadata.name=")
        return [self.objects[key] for key in sorted(self.objects) if name in ("", key)]

    def _list(self, request: Request, reply: Reply) -> None:
        with self.lock:
            version = request.query.get("resourceVersion", "")
            if version not in ("", "0") and int(version) > self.version:
                reply.respond(504, json.dumps(failure(504, "Timeout", 1, True)), JSON)
                return
            items = self._selected(request)
            limit = int(request.query.get("limit", "0"))
            start = int(request.query.get("continue", "0"))
            metadata = {"resourceVersion": str(self.version)}
            if limit and not (version == "0" and self.cached):
                if start + limit < len(items):
                    metadata["continue"] = str(start + limit)
                items = items[start:start + limit]
            items = [{k: v for k, v in item.items() if k not in ("kind", "apiVersion")}
                     for item in items]
            body = json.dumps({"kind": "ConfigMapList", "apiVersion": "v1",
                               "metadata": metadata, "items": items})
        reply.respond(200, body, JSON)

    def _initial(self, request: Request, watch: Watch) -> int:
        """Puts what the watch begins with; the HTTP status, 200 when it may begin."""
        version = request.query.get("resourceVersion", "")
        if request.query.get("sendInitialEvents") == "true":
            if not self.streams:
                return 422
            for obj in self._selected(request):
                watch.put(event("ADDED", obj))
            watch.put(bookmark(self.version, END))
            return 200
        if int(version) < self.compacted:
            return 410
        for at, line in self.history:
            if at > int(version):
                watch.put(line)
        return 200

    def _watch(self, request: Request, reply: Reply) -> None:
        watch = Watch(request.connection)
        with self.lock:
            status = self._initial(request, watch)
            if status == 200:
                self.watches.add(watch)
        if status != 200:
            reply.respond(status, json.dumps(failure(status)), JSON)
            return
        reply.start(200, JSON)
        try:
            self._pump(watch, reply)
        except ConnectionError:
            pass
        finally:
            with self.lock:
                self.watches.discard(watch)

    def _pump(self, watch: Watch, reply: Reply) -> None:
        while not reply.cancelled.is_set():
            piece = watch.get(0.2)
            if piece is None:
                reply.end()
                return
            if piece == "goaway":
                reply.goaway()
            elif self.dribble:
                for byte in piece.encode():
                    reply.send(bytes([byte]))
            elif piece:
                reply.send(piece)

    def _other(self, request: Request, reply: Reply) -> None:
        with self.lock:
            self.log.append(f"{request.method} {request.target} "
                            f"{request.headers.get('authorization', '-')}")
            self.bodies.append(f"{request.headers.get('content-type', '-')} "
                               f"{request.body.decode()}")
        query = request.query
        if request.path == "/hang":
            reply.hang()
        elif request.path == "/reset":
            reply.close_connection("reset")
        elif request.path == "/need-token":
            allowed = request.headers.get("authorization") == f"Bearer {query['token']}"
            code = 200 if allowed else 401
            reply.respond(code, json.dumps({"kind": "Fine"} if allowed else failure(401)), JSON)
        elif request.path == "/text":
            reply.respond(200, "plain text", {"content-type": "text/plain"})
        elif request.path == "/broken":
            reply.respond(200, '{"kind": ', JSON)
        elif request.path == "/warn":
            reply.respond(200, "{}", {**JSON, "warning": f'299 - "{query["text"]}"'})
        elif request.path == "/fail":
            code = int(query["code"])
            body = json.dumps(failure(code, query.get("reason", "")))
            headers = {"retry-after": query["after"]} if "after" in query else {}
            reply.respond(code, body, {**JSON, **headers})
        else:
            body = {"kind": "Echo", "method": request.method, "path": request.target,
                    "agent": request.headers.get("user-agent", ""),
                    "accept": request.headers.get("accept", "")}
            reply.respond(200, json.dumps(body), JSON)


class KubePeer(Peer):
    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder)
        self._apis: dict[str, Api] = {}

    def serve(self, name: str) -> str:
        api = Api()
        self._apis[name] = api
        return self._add(name, FakeServer(api.handle, authority=self._authority))

    # --- objects ---

    def put(self, name: str, key: str, value: str) -> str:
        self._apis[name].put(key, value)
        return "ok"

    def fill(self, name: str, count: str) -> str:
        for i in range(int(count)):
            self._apis[name].put(f"object-{i:05}", "filled")
        return "ok"

    def remove(self, name: str, key: str) -> str:
        self._apis[name].remove(key)
        return "ok"

    def restore(self, name: str, version: str) -> str:
        self._apis[name].restore(int(version))
        return "ok"

    def version(self, name: str, version: str) -> str:
        self._apis[name].version = int(version)
        return "ok"

    def compact(self, name: str) -> str:
        api = self._apis[name]
        with api.lock:
            api.compacted = api.version
            api.history.clear()
        return "ok"

    # --- behaviour ---

    def set(self, name: str, what: str, value: str) -> str:
        """`what`: streams, cached or dribble (yes or no), ready (the status of /readyz)."""
        setattr(self._apis[name], what, int(value) if what == "ready" else value == "yes")
        return "ok"

    def fault(self, name: str, verb: str, *faults: str) -> str:
        """What goes wrong with the next requests of list, watch or readyz; none: no more.

        A status[,retry-after], hang, cut,HOW, eof, huge, too-large, stream,CODE[,REASON[,AFTER]]
        or raw,TEXT (~ for spaces); "pass" is for none, "always-" before one for all to come.
        """
        api = self._apis[name]
        with api.lock:
            api.faults[verb] = list(faults)
        return "ok"

    def to_watches(self, name: str, what: str) -> str:
        """bookmark, eof, goaway, or a text, to all watches that are open."""
        api = self._apis[name]
        with api.lock:
            pieces: dict[str, str | None] = {"eof": None, "goaway": "goaway",
                                             "bookmark": bookmark(api.version)}
            for watch in api.watches:
                watch.put(pieces.get(what, what.replace("~", " ") + "\n"))
        return "ok"

    # --- what came ---

    def peek(self, name: str) -> str:
        """Requests, but no probes, since the last log."""
        api = self._apis[name]
        with api.lock:
            return "|".join(line for line in api.log if line != "readyz")

    def log(self, name: str) -> str:
        """As peek, and begins anew."""
        api = self._apis[name]
        with api.lock:
            lines = self.peek(name)
            api.log.clear()
        return lines

    def probes(self, name: str) -> str:
        api = self._apis[name]
        with api.lock:
            return str(api.log.count("readyz"))

    def body(self, name: str) -> str:
        return self._apis[name].bodies[-1]

    def watching(self, name: str) -> str:
        return str(len(self._apis[name].watches))

    def spread(self, name: str) -> str:
        """How many connections the open watches go over."""
        api = self._apis[name]
        with api.lock:
            return str(len({watch.connection for watch in api.watches}))

    def errors(self, name: str) -> str:
        return str(len(self._servers[name].errors))


run(KubePeer)
