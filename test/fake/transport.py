"""One accepted connection, with or without TLS.

TLS runs on memory buffers under a lock of our own: an OpenSSL object must not be read and written
by two threads at once, and it lets a test cut the connection in the middle of a TLS record.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import struct
import threading


class Transport:
    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        self.lock = threading.RLock()
        self.closed = threading.Event()
        self._sock = sock
        # A reader that waits holds the socket: close() would send nothing before it is woken.
        self._reading = threading.RLock()
        self._wake_read, self._wake_write = os.pipe()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = (
            context.wrap_bio(self._incoming, self._outgoing, server_side=True) if context else None
        )
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handshake(self) -> None:
        """Raises OSError (ssl.SSLError is one) when it fails."""
        if self._tls is None:
            return
        while True:
            try:
                self._tls.do_handshake()
                self._flush()
                return
            except ssl.SSLWantReadError:
                self._flush()
                data = self._sock.recv(65536)
                if not data:
                    raise ConnectionError("closed in the handshake") from None
                self._incoming.write(data)
            except ssl.SSLError:
                self._flush()
                raise

    def protocol(self) -> str | None:
        return self._tls.selected_alpn_protocol() if self._tls else None

    def client_name(self) -> str | None:
        """The common name in the client's certificate."""
        certificate = self._tls.getpeercert() if self._tls else None
        for attributes in (certificate or {}).get("subject", ()):
            for key, value in attributes:
                if key == "commonName":
                    return str(value)
        return None

    def receive(self) -> bytes:
        """Blocks for the next bytes; b"" at the end, however it came about."""
        raw = b""  # what came with the handshake's last bytes is in the buffer already
        while True:
            if self._tls is not None:
                with self.lock:
                    plain = self._decrypt(raw)
                if plain != b"":
                    return plain or b""
            raw = self._receive_raw()
            if not raw or self._tls is None:
                return raw

    def _receive_raw(self) -> bytes:
        with self._reading:
            if self.closed.is_set():
                return b""
            try:
                ready, _, _ = select.select([self._sock, self._wake_read], [], [])
                return b"" if self._wake_read in ready else self._sock.recv(65536)
            except OSError:
                return b""

    def _decrypt(self, raw: bytes) -> bytes | None:
        """b"": nothing to read yet; None: there will be nothing more."""
        assert self._tls is not None
        self._incoming.write(raw)
        pieces = []
        try:
            while piece := self._tls.read(65536):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            return b"".join(pieces)
        except ssl.SSLError:
            return None
        return b"".join(pieces) or None

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._sock.sendall(data)

    def send(self, data: bytes) -> None:
        with self.lock:
            if self.closed.is_set():
                raise ConnectionError("connection is closed")
            if self._tls is None:
                self._sock.sendall(data)
                return
            try:
                self._tls.write(data)
            except ssl.SSLError as error:  # the peer's end of the connection came just now
                raise ConnectionError(f"connection is closed: {error}") from error
            self._flush()

    def close(self) -> None:
        """The orderly way: close_notify where there is TLS, then FIN."""
        with self.lock:
            if self._tls is not None and not self.closed.is_set():
                try:
                    self._tls.unwrap()
                except (ssl.SSLError, ValueError):
                    pass
                try:
                    self._flush()
                except OSError:
                    pass
        self._shut()

    def close_without_notice(self) -> None:
        """FIN without close_notify, as from a killed server."""
        self._shut()

    def reset(self) -> None:
        """TCP RST."""
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self._shut()

    def send_half(self, data: bytes) -> None:
        """Sends the first half of the record that holds `data`, then FIN."""
        with self.lock:
            if self._tls is not None:
                self._tls.write(data)
                data = self._outgoing.read()
            self._sock.sendall(data[: len(data) // 2])
        self._shut()

    def _shut(self) -> None:
        with self.lock:
            if self.closed.is_set():
                return
            self.closed.set()
        os.write(self._wake_write, b"x")
        with self._reading:
            self._sock.close()
            os.close(self._wake_read)
            os.close(self._wake_write)
