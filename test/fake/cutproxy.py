"""A wire that can be cut: hands on TCP connections to a real API server, or nothing at all.

    PYTHONPATH=test hack/control-plane exec DIR python3 -m fake.cutproxy --to ADDRESS:PORT

Encrypted as they come: who talks to whom is not its business. "ready PORT" is printed once it
listens on 127.0.0.1. Commands on standard input, each answered by "ok":

    cut      nothing passes any more, in neither direction; connections stay open, new ones too
    heal     all passes again, also what was sent during the cut: late, as on a real wire, where
             the sender's kernel sends again what was not confirmed, as long as it has it
    reset    every connection is broken off

Ends with its input.
"""

from __future__ import annotations

import argparse
import asyncio
import select
import socket
import struct
import sys

PIECE = 65536


class End:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def break_off(self) -> None:
        sock = self.writer.get_extra_info("socket")
        if sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def is_broken_off(self) -> bool:
        """By the other side; also when that has not been read yet."""
        sock = self.writer.get_extra_info("socket")
        if self.reader.exception() is not None or sock.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(sock.fileno(), 0)
        return bool(poll.poll(0))


class Wire:
    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._whole = asyncio.Event()
        self._whole.set()
        self._ends: set[End] = set()

    def obey(self, command: str) -> None:
        if command == "cut":
            self._whole.clear()
        elif command == "heal":
            self._whole.set()
        elif command == "reset":
            for end in self._ends:
                end.break_off()
        else:
            raise ValueError(f"no such command: {command}")

    async def _pass_on(self, here: End, there: End) -> None:
        """One direction; an end or a break on one side is one on the other."""
        try:
            while piece := await here.reader.read(PIECE):
                await self._whole.wait()
                if here.is_broken_off():
                    there.break_off()  # the sender has it no more
                    return
                there.writer.write(piece)
                await there.writer.drain()
            await self._whole.wait()
            there.writer.write_eof()
        except OSError:
            there.break_off()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = End(reader, writer)
        await self._whole.wait()
        try:
            there = End(*await asyncio.open_connection(*self._to))
        except OSError:
            here.break_off()  # as the kernel refuses where nobody listens
            return
        self._ends |= {here, there}
        await asyncio.gather(self._pass_on(here, there), self._pass_on(there, here))
        self._ends -= {here, there}
        for end in (here, there):
            end.writer.close()


async def serve(host: str, port: int) -> None:
    wire = Wire(host, port)
    server = await asyncio.start_server(wire.connect, "127.0.0.1", 0)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        wire.obey(line.decode().strip())
        print("ok", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="cutproxy")
    parser.add_argument("--to", required=True, metavar="ADDRESS:PORT")
    host, _, port = parser.parse_args().to.rpartition(":")
    asyncio.run(serve(host, int(port)))


if __name__ == "__main__":
    main()
