"""HTTP/1.1 on one connection: one request after the other, no pipelining."""

from __future__ import annotations

import http.client
import threading
from typing import Callable

from .message import Cancellable, RawRequest
from .transport import Transport


class Http1Connection:
    def __init__(self, transport: Transport,
                 dispatch: Callable[[RawRequest], Cancellable]) -> None:
        self.transport = transport
        self._dispatch = dispatch
        self._input = b""

    def run(self) -> None:
        while (request := self._read_request()) is not None:
            stream = request.stream
            assert isinstance(stream, Http1Stream)
            reply = self._dispatch(request)
            watcher = threading.Thread(target=self._watch, args=(stream,), daemon=True)
            watcher.start()
            stream.over.wait()
            if self.transport.closed.is_set() or stream.peer_gone:
                reply.cancelled.set()
                return
            watcher.join()

    def _watch(self, stream: "Http1Stream") -> None:
        """Reads on while the answer is made: the next request, or that the client is gone."""
        data = self.transport.receive()
        if data:
            self._input += data
        else:
            stream.peer_gone = True
            stream.over.set()

    def _fill(self) -> bool:
        data = self.transport.receive()
        self._input += data
        return bool(data)

    def _read_request(self) -> RawRequest | None:
        while b"\r\n\r\n" not in self._input:
            if not self._fill():
                return None
        head, self._input = self._input.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _version = first.split(" ", 2)
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        length = int(headers.get("content-length", "0"))
        while len(self._input) < length:
            if not self._fill():
                return None
        body, self._input = self._input[:length], self._input[length:]
        return RawRequest(method, target, headers, body, Http1Stream(self.transport, method))


class Http1Stream:
    def __init__(self, transport: Transport, method: str) -> None:
        self.over = threading.Event()
        self.peer_gone = False
        self._transport = transport
        self._method = method
        self._chunked = False

    def send_head(self, status: int, headers: list[tuple[str, str]], end: bool) -> None:
        names = {name for name, _ in headers}
        self._chunked = not end and "content-length" not in names
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if self._chunked:
            lines.append("transfer-encoding: chunked")
        self._transport.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        if end:
            self.over.set()

    def send_data(self, data: bytes, end: bool) -> None:
        if self._chunked and data:
            data = b"%x\r\n%s\r\n" % (len(data), data)
        if self._chunked and end:
            data += b"0\r\n\r\n"
        if self._method != "HEAD" and data:
            self._transport.send(data)
        if end:
            self.over.set()

    def reset(self, code: int) -> None:
        self._transport.reset()
        self.over.set()

    def goaway(self, code: int, last_stream: int | None) -> None:
        raise NotImplementedError("HTTP/1.1 has no GOAWAY")
