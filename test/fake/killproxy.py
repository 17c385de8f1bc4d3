"""A proxy in front of a real API server that stops time right after a chosen write.

    PYTHONPATH=test hack/control-plane exec DIR python3 -m fake.killproxy
        --kubeconfig DIR/steward-token.conf --write FILE

It serves HTTP/2 over TLS on a port of its own and writes a kubeconfig for it to FILE, with the
user of the one that it was given. Requests are handed on as they came, with their Authorization;
watches are streamed. A *write* is every request but GET that is not about Events and that the real
server carried out. The test is told of the write at which it kills the program:

    before N    the N-th write from now on was carried out; its reply is kept back
    after N     its reply was passed on; nothing that would write is handed on any more
    off         all is handed on (so at the start)

Each of these is answered by a line "ok", and ends what the one before it started: the requests that
were kept back are broken off and never handed on. When the N-th write is there, a line "stopped"
says so. "ready" is printed once the port is open. Ends with its input.

Events are handed on always: they are no part of what is being done.
"""

from __future__ import annotations

import argparse
import http.client
import pathlib
import socket
import ssl
import sys
import threading
import urllib.parse
from typing import Callable

import yaml

from .fakeserver import FakeServer, Reply, Request

# What is between the two ends of one connection, RFC 9110 section 7.6.1, or set anew here.
NOT_PASSED_ON = {"connection", "content-length", "date", "host", "keep-alive", "te", "trailer",
                 "transfer-encoding", "upgrade"}
ANSWER_SECONDS = 60


class Upstream:
    """The real API server, as a kubeconfig has it."""

    def __init__(self, config: dict) -> None:
        cluster = config["clusters"][0]["cluster"]
        url = urllib.parse.urlsplit(cluster["server"])
        self._address = (url.hostname, url.port)
        self._tls = ssl.create_default_context(cafile=cluster["certificate-authority"])

    def send(self, request: Request) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """On a connection of its own: a watch may keep it for as long as it lasts."""
        connection = http.client.HTTPSConnection(*self._address, context=self._tls,
                                                 timeout=ANSWER_SECONDS)
        headers = {name: value for name, value in request.headers.items()
                   if name not in NOT_PASSED_ON and not name.startswith(":")}
        connection.request(request.method, request.target, request.body or None, headers)
        return connection, connection.getresponse()


class Gate:
    """Counts writes, and keeps back what the test has not asked for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._epoch = 0
        self._where = "off"
        self._left = 0

    def arm(self, where: str, count: int) -> None:
        with self._changed:
            self._epoch += 1
            self._where, self._left = where, count
            self._changed.notify_all()

    def enter(self) -> bool:
        """Before a write is handed on. False: it must not be, ever."""
        with self._changed:
            if self._where == "off" or self._left > 0:
                return True
            self._wait_for_next()
            return False

    def leave(self, pass_on: Callable[[], None]) -> None:
        """After a write was carried out; `pass_on` sends the reply."""
        with self._changed:
            last = self._where != "off" and self._left == 1
            if self._left > 0:
                self._left -= 1
            keep_back = last and self._where == "before"
            if keep_back:
                say("stopped")
                self._wait_for_next()
        if keep_back:
            return
        pass_on()
        if last:
            say("stopped")

    def _wait_for_next(self) -> None:
        epoch = self._epoch
        self._changed.wait_for(lambda: self._epoch != epoch)


def say(line: str) -> None:
    print(line, flush=True)


def is_write(request: Request) -> bool:
    return request.method != "GET" and "/events" not in request.path


def break_off(reply: Reply) -> None:
    reply.hang()
    try:
        if not reply.cancelled.is_set():
            reply.reset()
    except OSError:
        pass  # the client is gone


def headers_of(response: http.client.HTTPResponse) -> list[tuple[str, str]]:
    return [(name, value) for name, value in response.getheaders()
            if name.lower() not in NOT_PASSED_ON]


def stream(connection: http.client.HTTPConnection, response: http.client.HTTPResponse,
           reply: Reply) -> None:
    """Piece by piece as it comes; a client that goes away ends it, though nothing comes."""
    sock = connection.sock
    sock.settimeout(None)

    def hang_up() -> None:
        reply.cancelled.wait()
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # ended by the server before

    threading.Thread(target=hang_up, daemon=True).start()
    reply.start(response.status, headers_of(response))
    try:
        while piece := response.read1(65536):
            reply.send(piece)
    except (OSError, http.client.HTTPException):
        break_off(reply)
    else:
        reply.end()
    finally:
        connection.close()


def forward(upstream: Upstream, gate: Gate, request: Request, reply: Reply) -> None:
    writes = is_write(request)
    if writes and not gate.enter():
        break_off(reply)
        return
    try:
        connection, response = upstream.send(request)
    except OSError as error:
        reply.respond(502, f"the proxy cannot reach the API server: {error}")
        return
    if request.query.get("watch") in ("1", "true"):
        stream(connection, response, reply)
        return
    body = response.read()
    connection.close()

    def pass_on() -> None:
        reply.respond(response.status, body, headers_of(response))

    if writes and response.status < 300:
        gate.leave(pass_on)
        if not reply.started:
            break_off(reply)
    else:
        pass_on()


def write_kubeconfig(path: pathlib.Path, config: dict, server: FakeServer) -> None:
    ca = path.with_suffix(".ca")
    ca.write_text(server.authority.pem, encoding="utf-8")
    config["clusters"][0]["cluster"] = {"server": server.url, "certificate-authority": str(ca)}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="killproxy")
    parser.add_argument("--kubeconfig", required=True, type=pathlib.Path)
    parser.add_argument("--write", required=True, type=pathlib.Path)
    options = parser.parse_args()
    config = yaml.safe_load(options.kubeconfig.read_text(encoding="utf-8"))
    upstream, gate = Upstream(config), Gate()
    with FakeServer(lambda request, reply: forward(upstream, gate, request, reply)) as server:
        write_kubeconfig(options.write, config, server)
        say("ready")
        for line in sys.stdin:
            where, _, count = line.strip().partition(" ")
            gate.arm(where, int(count or 0))
            say("ok")


if __name__ == "__main__":
    main()
