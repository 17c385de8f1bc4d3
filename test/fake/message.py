"""What the two HTTP versions hand to the server."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol


class Stream(Protocol):
    """What a connection offers for the answer to one request."""

    def send_head(self, status: int, headers: list[tuple[str, str]], end: bool) -> None: ...
    def send_data(self, data: bytes, end: bool) -> None: ...
    def reset(self, code: int) -> None: ...
    def goaway(self, code: int, last_stream: int | None) -> None: ...


class Cancellable(Protocol):
    cancelled: threading.Event


@dataclass
class RawRequest:
    """A request as a connection has read it; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    stream: Stream
