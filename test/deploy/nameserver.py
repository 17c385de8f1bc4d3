"""A DNS server that knows one name: nameserver.py NAME ADDRESS. Answers on 127.0.0.1:53."""

import socket
import struct
import sys

A, NXDOMAIN = 1, 3


def answer(query, name, address):
    """The response to a query of one question."""
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    asked = []
    at = 0
    while question[at]:
        asked.append(question[at + 1:at + 1 + question[at]].decode("ascii").lower())
        at += 1 + question[at]
    kind, = struct.unpack("!H", question[at + 1:at + 3])
    known = ".".join(asked) == name
    found = known and kind == A
    flags = 0x8580 if known else 0x8580 | NXDOMAIN
    head = query[:2] + struct.pack("!HHHHH", flags, 1, int(found), 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 5, 4) + socket.inet_aton(address)
    return head + question + (record if found else b"")


def main():
    name, address = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        print("ready", flush=True)
        while True:
            query, client = server.recvfrom(4096)
            server.sendto(answer(query, name, address), client)


if __name__ == "__main__":
    main()
