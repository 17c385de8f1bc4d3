"""One open watch of the fake API server."""

from __future__ import annotations

import json
import threading
from typing import Any, Callable

from .fakeserver import Reply, Request
from .kuberequest import target_of


def event(kind: str, body: Any) -> str:
    return json.dumps({"type": kind, "object": body}) + "\n"


class Watch:
    """One open watch. What is put in goes out in order, from the thread of its request."""

    def __init__(self, request: Request, reply: Reply) -> None:
        self.request = request
        self.reply = reply
        self.after = 0  # changes up to this version are not for it
        self.chunk = 0  # bytes in a DATA frame; 0: an event is one frame
        self.deaf = False  # changes are kept from it: alive and silent
        self._steps: list[Callable[[Reply], None]] = []
        self._wake = threading.Condition()

    def put(self, step: Callable[[Reply], None]) -> None:
        with self._wake:
            self._steps.append(step)
            self._wake.notify()

    def send(self, data: bytes | str) -> None:
        raw = data.encode() if isinstance(data, str) else data
        size = self.chunk or len(raw)

        def step(reply: Reply) -> None:
            for at in range(0, len(raw), size):
                reply.send(raw[at:at + size])

        self.put(step)

    def until_sent(self, timeout: float = 30) -> None:
        """Waits until all that was put in has gone out. TimeoutError."""
        gone = threading.Event()
        self.put(lambda _reply: gone.set())
        if not gone.wait(timeout):
            raise TimeoutError("the watch does not get rid of what it has")

    def bookmark(self, version: int, annotations: dict[str, str] | None = None) -> None:
        resource = target_of(self.request.path).resource
        metadata: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        self.send(event("BOOKMARK", {"kind": resource.kind, "apiVersion": resource.version,
                                     "metadata": metadata}))

    def end(self) -> None:
        self.put(lambda reply: reply.end())

    def goaway(self, last_stream: int | None = None) -> None:
        """Streams up to this one go on; None: up to that of this watch."""
        self.put(lambda reply: reply.goaway(0, last_stream))

    def cut(self, how: str) -> None:
        """The whole connection; see Reply.close_connection."""
        self.put(lambda reply: reply.close_connection(how))

    def is_open(self) -> bool:
        return not self.reply.cancelled.is_set() and not self.reply.ended

    def pump(self) -> None:
        """Until the stream ends; ConnectionError when the client is gone."""
        while self.is_open():
            with self._wake:
                if not self._wake.wait_for(lambda: self._steps, 0.2):
                    continue
                step = self._steps.pop(0)
            step(self.reply)
