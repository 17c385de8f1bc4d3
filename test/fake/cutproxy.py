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
import sys

PIECE = 65536


class Wire:
    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._whole = asyncio.Event()
        self._whole.set()
        self._writers: set[asyncio.StreamWriter] = set()

    def obey(self, command: str) -> None:
        if command == "cut":
            self._whole.clear()
        elif command == "heal":
            self._whole.set()
        elif command == "reset":
            for writer in self._writers:
                writer.transport.abort()
        else:
            raise ValueError(f"no such command: {command}")

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction; an end or a break on one side is one on the other."""
        try:
            while piece := await reader.read(PIECE):
                await self._whole.wait()
                if reader.exception() is not None:
                    break  # reset meanwhile: the sender has it no more
                writer.write(piece)
                await writer.drain()
            await self._whole.wait()
            if reader.exception() is None:
                writer.write_eof()
            else:
                writer.transport.abort()
        except OSError:
            writer.transport.abort()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        try:
            there = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()  # as the kernel refuses where nobody listens
            return
        ends = {writer, there[1]}
        self._writers |= ends
        await asyncio.gather(self._pass_on(reader, there[1]), self._pass_on(there[0], writer))
        self._writers -= ends
        for end in ends:
            end.close()


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
