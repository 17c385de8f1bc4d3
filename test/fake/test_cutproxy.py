"""The wire that can be cut: what passes, and when."""

import pathlib
import socket
import struct
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from live.commanded import Commanded  # noqa: E402
from live.waiting import until  # noqa: E402

TEST = pathlib.Path(__file__).resolve().parents[1]
SHORT = 0.3  # seconds in which nothing must pass


class Server:
    """Remembers what came on each connection, and answers it with the same."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.received = []
        self.ended = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.received.append(b"")
            threading.Thread(target=self._serve, args=(connection, len(self.received) - 1),
                             daemon=True).start()

    def _serve(self, connection, index):
        with connection:
            try:
                while piece := connection.recv(1000):
                    self.received[index] += piece
                    connection.sendall(piece)
            except OSError:
                pass  # broken off: what came is remembered
        self.ended += 1


@pytest.fixture
def server():
    running = Server()
    yield running
    running.listener.close()


@pytest.fixture
def wire(server):
    running = Commanded([sys.executable, "-m", "fake.cutproxy", "--to", server.address], TEST)
    try:
        running.port = int(running.expect("ready").split()[1])
        yield running
    finally:
        running.end()


def connect(wire):
    return socket.create_connection(("127.0.0.1", wire.port), timeout=30)


def exchange(client, text):
    client.sendall(text)
    assert client.recv(1000) == text


def nothing_comes(client):
    client.settimeout(SHORT)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(30)


def test_what_was_sent_during_a_cut_comes_late(wire, server):
    with connect(wire) as client:
        exchange(client, b"before")
        wire.tell("cut")
        client.sendall(b"during")
        nothing_comes(client)
        assert server.received == [b"before"]
        wire.tell("heal")
        assert client.recv(1000) == b"during"
        exchange(client, b"after")


def test_connection_made_during_a_cut(wire, server):
    wire.tell("cut")
    with connect(wire) as client:
        client.sendall(b"during")
        nothing_comes(client)
        assert server.received == []
        wire.tell("heal")
        assert client.recv(1000) == b"during"


@pytest.mark.parametrize("broken_off", [True, False])
def test_sender_that_is_gone(wire, server, broken_off):
    """One that broke off has sent nothing; what one that closed had sent is still on its way."""
    client = connect(wire)
    exchange(client, b"before")
    wire.tell("cut")
    client.sendall(b"during")
    if broken_off:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    wire.tell("heal")
    until("the server sees the end", lambda: server.ended)
    assert server.received == [b"before" if broken_off else b"beforeduring"]


def test_reset_ends_all_connections(wire, server):
    clients = [connect(wire) for _ in range(3)]
    for client in clients:
        exchange(client, b"x")
    wire.tell("reset")
    for client in clients:
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        client.close()
    until("the server sees it", lambda: server.ended == 3)
    with connect(wire) as client:
        exchange(client, b"again")
