"""What the other sides of the unit tests share: servers by name, and the commands to them.

A peer reads commands from standard input, "VERB NAME…", and answers each with one line on
standard output. It ends with its input.
"""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile
from typing import Callable

from .certificates import Authority
from .fakeserver import FakeServer


class Peer:
    """Its public functions are the commands; they take and return text."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._authority = Authority()
        self._other = Authority("other-ca")
        self._servers: dict[str, FakeServer] = {}
        self._write("ca.pem", self._authority.pem)
        self._write("other-ca.pem", self._other.pem)

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text)

    def _add(self, name: str, server: FakeServer) -> str:
        self._servers[name] = server
        return str(server.port)

    def folder(self) -> str:
        return str(self._folder)

    def stop(self, name: str) -> str:
        self._servers[name].stop_listening()
        self._servers[name].close_connections()
        return "ok"

    def start(self, name: str) -> str:
        self._servers[name].listen()
        return "ok"

    def drop(self, name: str, how: str) -> str:
        self._servers[name].close_connections(how)
        return "ok"

    def identity(self, name: str, whose: str) -> str:
        """A certificate of the CA that is known ("own"), or of another."""
        authority = self._authority if whose == "own" else self._other
        self._servers[name].set_certificate(authority.issue("127.0.0.1"))
        return "ok"

    def connections(self, name: str) -> str:
        return str(self._servers[name].connections)


def run(kind: Callable[[pathlib.Path], Peer]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        peer = kind(pathlib.Path(folder))
        for line in sys.stdin:
            verb, *arguments = line.split()
            command: Callable[..., str] = getattr(peer, verb)
            try:
                answer = command(*arguments)
            except Exception as error:  # the test shows it: it expects another answer
                answer = f"error {error!r}"
            print(answer, flush=True)
    os._exit(0)  # connections of unfinished tests have threads of their own
