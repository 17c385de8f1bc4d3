"""A scripted HTTP server: HTTP/2 and HTTP/1.1, over TLS or plain.

    server = FakeServer(script(respond(200, b"{}"), hang()))
    server.url, server.authority.pem
    request = server.wait_for(lambda r: r.path == "/readyz", timeout=5)

Each request is answered by the server's handler, `handler(request, reply)`, in a thread of its
own. It may answer piece by piece, stay silent, or break the connection in several ways; it may
also keep `reply` for the test to go on with after it has returned. Every request is recorded
before its handler runs.
"""

from __future__ import annotations

import socket
import ssl
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
from dataclasses import dataclass, field
from typing import Callable, Iterable, Union

from .certificates import Authority, Certificate
from .h1 import Http1Connection
from .h2server import Http2Connection
from .message import RawRequest, Stream
from .transport import Transport

Headers = Union[dict[str, str], Iterable[tuple[str, str]]]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]  # the first value of each parameter
    headers: dict[str, str]  # names in lower case
    body: bytes
    connection: int  # which accepted connection it came on, from 1
    client_name: str | None  # common name in the client's certificate
    protocol: str  # "h2" or "http/1.1"
    target: str  # path and query as sent
    time: float = field(default_factory=time.monotonic)


class Reply:
    """The answer to one request. All functions may be called from any thread."""

    def __init__(self, stream: Stream, transport: Transport) -> None:
        self._stream = stream
        self._transport = transport
        self.started = False
        self.ended = False
        self.held = False
        self.cancelled = threading.Event()  # the client reset the stream or the connection ended

    def respond(self, status: int, body: bytes | str = b"", headers: Headers = ()) -> None:
        data = body.encode() if isinstance(body, str) else body
        pairs = _pairs(headers)
        if not any(name == "content-length" for name, _ in pairs):
            pairs.append(("content-length", str(len(data))))
        self.started = True
        self._stream.send_head(status, pairs, not data)
        if data:
            self._stream.send_data(data, True)
        self.ended = True

    def start(self, status: int = 200, headers: Headers = ()) -> None:
        self.started = True
        self._stream.send_head(status, _pairs(headers), False)

    def send(self, data: bytes | str) -> None:
        """One DATA frame (or chunk), as far as its size allows."""
        self._stream.send_data(data.encode() if isinstance(data, str) else data, False)

    def end(self) -> None:
        self._stream.send_data(b"", True)
        self.ended = True

    def hang(self) -> None:
        """Leaves the request without an answer, or the answer without an end."""
        self.held = True

    def reset(self, code: int = 2) -> None:
        """RST_STREAM; 2 is INTERNAL_ERROR, 7 REFUSED_STREAM, 8 CANCEL."""
        self.ended = True
        self._stream.reset(code)

    def refuse(self) -> None:
        self.reset(7)

    def goaway(self, code: int = 0, last_stream: int | None = None) -> None:
        """GOAWAY; streams up to `last_stream` (default: this one) go on."""
        self._stream.goaway(code, last_stream)

    def close_connection(self, how: str = "reset") -> None:
        """`how`: "reset" (TCP RST), "fin" (without close_notify), "orderly" or "half-record"."""
        self.ended = True
        if how == "reset":
            self._transport.reset()
        elif how == "fin":
            self._transport.close_without_notice()
        elif how == "orderly":
            self._transport.close()
        elif how == "half-record":
            self._transport.send_half(b"x" * 1000)
        else:
            raise ValueError(how)

    def wait_cancelled(self, timeout: float) -> bool:
        return self.cancelled.wait(timeout)


def _pairs(headers: Headers) -> list[tuple[str, str]]:
    items = headers.items() if isinstance(headers, dict) else headers
    return [(name.lower(), value) for name, value in items]


Handler = Callable[[Request, Reply], None]


def respond(status: int, body: bytes | str = b"", headers: Headers = ()) -> Handler:
    return lambda _request, reply: reply.respond(status, body, headers)


def stream(*pieces: bytes | str, status: int = 200, headers: Headers = (), end: bool = True,
           pause: float = 0) -> Handler:
    """The pieces as separate frames; without `end` the stream stays open and silent."""

    def answer(_request: Request, reply: Reply) -> None:
        reply.start(status, headers)
        for piece in pieces:
            reply.send(piece)
            time.sleep(pause)
        if end:
            reply.end()
        else:
            reply.hang()

    return answer


def hang() -> Handler:
    return lambda _request, reply: reply.hang()


def reset(code: int = 2) -> Handler:
    return lambda _request, reply: reply.reset(code)


def close_connection(how: str = "reset") -> Handler:
    return lambda _request, reply: reply.close_connection(how)


def script(*answers: Handler) -> Handler:
    """Answers the n-th request with the n-th of `answers`, and all later ones with the last."""
    lock = threading.Lock()
    left = list(answers)

    def answer(request: Request, reply: Reply) -> None:
        with lock:
            current = left.pop(0) if len(left) > 1 else left[0]
        current(request, reply)

    return answer


class FakeServer:
    def __init__(
        self,
        handler: Handler,
        *,
        protocols: tuple[str, ...] = ("h2", "http/1.1"),
        tls: bool = True,
        authority: Authority | None = None,
        certificate: Certificate | None = None,
        client_ca: str | None = None,
        port: int = 0,
        max_streams: int = 250,
    ) -> None:
        self.handler = handler
        self.requests: list[Request] = []
        self.errors: list[str] = []  # what went wrong in handlers; a test looks at the end
        self.connections = 0  # accepted, with their handshake done
        self.handshake_failures = 0
        self.silent = False  # new connections are accepted and left without a byte
        self.max_streams = max_streams
        self.authority = authority or Authority()
        self._protocols = protocols
        self._client_ca = client_ca
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        if tls:
            self.set_certificate(certificate or self.authority.issue("127.0.0.1", "localhost"))
        self._changed = threading.Condition()
        self._open: set[Transport] = set()
        self._mute: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.port = port
        self.listen()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    # --- the life of the server ---

    def set_certificate(self, certificate: Certificate) -> None:
        """For connections from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(list(self._protocols))
        if self._client_ca is not None:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(cadata=self._client_ca)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(certificate.cert_pem + certificate.key_pem)
            file.flush()
            context.load_cert_chain(file.name)
        self._context = context

    def listen(self) -> None:
        """Starts accepting, on the same port as before."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=200)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop_listening(self) -> None:
        """New connections are refused; those that are open stay."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def close_connections(self, how: str = "reset") -> None:
        with self._changed:
            transports = list(self._open)
        for transport in transports:
            if how == "reset":
                transport.reset()
            else:
                transport.close()

    def close(self) -> None:
        self.stop_listening()
        self.close_connections()
        for sock in self._mute:
            sock.close()

    def __enter__(self) -> "FakeServer":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # --- what came in ---

    def wait_for(self, wanted: Callable[[Request], bool], timeout: float = 10,
                 count: int = 1) -> Request:
        """The `count`-th request that is wanted, waiting for it; TimeoutError."""
        found: list[Request] = []

        def enough() -> bool:
            found[:] = [request for request in self.requests if wanted(request)]
            return len(found) >= count

        with self._changed:
            if not self._changed.wait_for(enough, timeout):
                raise TimeoutError(f"{len(found)} of {count} such requests within {timeout} s")
        return found[count - 1]

    def wait_requests(self, count: int, timeout: float = 10) -> list[Request]:
        self.wait_for(lambda _request: True, timeout, count)
        with self._changed:
            return list(self.requests)

    def open_connections(self) -> int:
        with self._changed:
            return len(self._open)

    # --- inside ---

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if self.silent:
                self._mute.append(sock)
                continue
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        transport = Transport(sock, self._context if self._tls else None)
        try:
            transport.handshake()
        except OSError:
            self.handshake_failures += 1
            transport.close_without_notice()
            return
        protocol = transport.protocol() or "http/1.1"
        with self._changed:
            self.connections += 1
            number = self.connections
            self._open.add(transport)

        def dispatch(raw: RawRequest) -> Reply:
            return self._dispatch(raw, transport, number, protocol)

        try:
            if protocol == "h2":
                Http2Connection(transport, dispatch, self.max_streams).run()
            else:
                Http1Connection(transport, dispatch).run()
        except OSError:
            pass
        finally:
            transport.close()
            with self._changed:
                self._open.discard(transport)

    def _dispatch(self, raw: RawRequest, transport: Transport, number: int,
                  protocol: str) -> Reply:
        path, _, query = raw.target.partition("?")
        request = Request(
            method=raw.method,
            path=urllib.parse.unquote(path),
            query=dict(reversed(urllib.parse.parse_qsl(query, keep_blank_values=True))),
            headers=raw.headers,
            body=raw.body,
            connection=number,
            client_name=transport.client_name(),
            protocol=protocol,
            target=raw.target,
        )
        reply = Reply(raw.stream, transport)
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        threading.Thread(target=self._answer, args=(request, reply), daemon=True).start()
        return reply

    def _answer(self, request: Request, reply: Reply) -> None:
        try:
            self.handler(request, reply)
            if not reply.started and not reply.ended and not reply.held:
                raise RuntimeError("the handler gave no answer")
        except ConnectionError:
            pass  # the client went away meanwhile
        except Exception:
            self.errors.append(f"{request.method} {request.target}: {traceback.format_exc()}")
            print(self.errors[-1], file=sys.stderr)
            try:
                if not reply.started:
                    reply.respond(500, "the test's handler failed")
                elif not reply.ended:
                    reply.reset()
            except OSError:
                pass
