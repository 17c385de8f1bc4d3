"""The other side of test/unit/test_http.c: servers and a proxy, told what to do line by line.

Servers answer by the path that is asked for (ROUTES).
"""

from __future__ import annotations

import gzip
import pathlib
import socket
import threading
import time

from .certificates import Authority, encrypted
from .fakeserver import FakeServer, Handler, Reply, Request
from .peer import Peer, run

PIECE = "piece\n"


def echo(request: Request, reply: Reply) -> None:
    lines = [
        f"{request.method} {request.target}",
        f"protocol={request.protocol}",
        f"connection={request.connection}",
        f"client={request.client_name}",
    ]
    lines += [f"{name}: {value}" for name, value in sorted(request.headers.items())]
    reply.respond(200, "\n".join(lines) + "\n\n" + request.body.decode("latin-1"),
                  {"content-type": "text/x-echo"})


def size(request: Request, reply: Reply) -> None:
    reply.respond(200, b"0123456789" * (int(request.query["n"]) // 10))


def status(request: Request, reply: Reply) -> None:
    headers = [(name, value) for name, value in request.query.items() if name != "code"]
    reply.respond(int(request.query["code"]), "said\n", headers)


def pieces(request: Request, reply: Reply) -> None:
    reply.start()
    for _ in range(int(request.query["n"])):
        reply.send(PIECE)
        time.sleep(float(request.query.get("pause", "0")))
    if request.query.get("end") == "no":
        reply.hang()
    else:
        reply.end()


def silent(_request: Request, reply: Reply) -> None:
    reply.hang()


def reset(request: Request, reply: Reply) -> None:
    reply.start()
    reply.send(PIECE)
    time.sleep(0.05)
    reply.reset(int(request.query.get("code", "2")))


def cut(request: Request, reply: Reply) -> None:
    if request.query.get("head") != "no":
        reply.start()
        reply.send(PIECE)
        time.sleep(0.05)
    reply.close_connection(request.query["how"])


def goaway(request: Request, reply: Reply) -> None:
    """In mid-body; with last=0 the server disowns the stream, without it goes on with it."""
    reply.start()
    reply.send(PIECE)
    time.sleep(0.05)
    last = request.query.get("last")
    reply.goaway(int(request.query.get("code", "0")), int(last) if last is not None else None)
    if last is None:
        time.sleep(0.3)
        reply.send(PIECE)
        reply.end()
    else:
        time.sleep(0.05)
        reply.close_connection("orderly")


def zipped(request: Request, reply: Reply) -> None:
    parts = [b"one,", b"two,", b"three"]
    if request.query.get("members") == "3":
        body = b"".join(gzip.compress(part) for part in parts)
    else:
        body = gzip.compress(b"".join(parts))
    if request.query.get("broken") == "yes":
        body = b"no gzip at all"
    if "gzip" in request.headers.get("accept-encoding", ""):
        reply.respond(200, body, {"content-encoding": "gzip"})
    else:
        reply.respond(200, b"".join(parts))


def shared(_request: Request, reply: Reply) -> None:
    """Waits until 20 requests are under way, then answers."""
    barrier.wait(10)
    reply.respond(200, "together\n")


barrier = threading.Barrier(20)


def refuse(request: Request, reply: Reply) -> None:
    """Refuses the first of each path."""
    with refused_lock:
        first = request.target not in refused
        refused.add(request.target)
    if first:
        reply.refuse()
    else:
        reply.respond(200, "taken\n")


refused: set[str] = set()
refused_lock = threading.Lock()

ROUTES: dict[str, Handler] = {
    "/echo": echo,
    "/size": size,
    "/status": status,
    "/pieces": pieces,
    "/silent": silent,
    "/reset": reset,
    "/cut": cut,
    "/goaway": goaway,
    "/gzip": zipped,
    "/shared": shared,
    "/refuse": refuse,
}


def route(request: Request, reply: Reply) -> None:
    ROUTES.get(request.path, echo)(request, reply)


class ConnectProxy:
    """Knows CONNECT only, and passes bytes on."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.heads.append(head.decode().replace("\r\n", "|"))
        if b"denied" in head:
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nX-Of: the proxy\r\n\r\n")
            client.close()
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        upstream = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\nX-Of: the proxy\r\n\r\n")
        threading.Thread(target=self._copy, args=(client, upstream), daemon=True).start()
        self._copy(upstream, client)

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class HttpPeer(Peer):
    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder)
        self._clients = Authority("client-ca")
        self._proxy = ConnectProxy()
        client = self._clients.issue(client="tester")
        self._write("client.pem", client.cert_pem)
        self._write("client.key", client.key_pem)
        self._write("stranger.key", self._clients.issue(client="stranger").key_pem)
        self._write("locked.key", encrypted(client.key_pem))

    def serve(self, name: str, kind: str) -> str:
        """`kind`: h2, h1 (over TLS), plain, named (certificate for "kube.test"), expired."""
        hosts = ["kube.test"] if kind == "named" else ["127.0.0.1", "localhost"]
        certificate = self._authority.issue(*hosts, expired=kind == "expired")
        return self._add(name, FakeServer(
            route,
            protocols=("http/1.1",) if kind == "h1" else ("h2", "http/1.1"),
            tls=kind != "plain",
            authority=self._authority,
            certificate=certificate,
            client_ca=self._clients.pem,
        ))

    def mute(self, name: str) -> str:
        self._servers[name].silent = True
        return "ok"

    def open(self, name: str) -> str:
        return str(self._servers[name].open_connections())

    def count(self, name: str, path: str) -> str:
        return str(sum(request.path == path for request in self._servers[name].requests))

    def wait(self, name: str, path: str, count: str) -> str:
        self._servers[name].wait_for(lambda request: request.path == path, count=int(count))
        return "ok"

    def proxy(self) -> str:
        return str(self._proxy.port)

    def proxied(self) -> str:
        return "||".join(self._proxy.heads)


run(HttpPeer)
