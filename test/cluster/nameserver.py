"""A DNS server for a few names: nameserver.py ADDRESS PORT NAME=ADDRESS...

Answers A questions for these names over UDP, and says of all others that there are none (RFC 1035:
NXDOMAIN). Prints `ready`, then the name of each question that it had an answer for.
"""

import socket
import struct
import sys

A = 1
RESPONSE, AUTHORITATIVE, RECURSION_AVAILABLE = 0x8000, 0x0400, 0x0080
NXDOMAIN = 3
TTL = 1


def name_of(question):
    """And where it ends."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode())
        at += 1 + question[at]
    return ".".join(labels).lower(), at + 1


def reply(question, addresses):
    """And the name, where there is an address for it."""
    number, flags = struct.unpack("!HH", question[:4])
    name, end = name_of(question)
    kind = struct.unpack("!H", question[end:end + 2])[0]
    address = addresses.get(name)
    found = address is not None and kind == A
    flags = flags & 0x0100 | RESPONSE | AUTHORITATIVE | RECURSION_AVAILABLE
    flags |= 0 if address else NXDOMAIN
    head = struct.pack("!HHHHHH", number, flags, 1, 1 if found else 0, 0, 0)
    body = question[12:end + 4]
    if found:
        body += struct.pack("!HHHIH", 0xC00C, A, 1, TTL, 4) + socket.inet_aton(address)
    return head + body, name if found else None


def main(own, port, *pairs):
    addresses = dict(pair.split("=") for pair in pairs)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((own, int(port)))
        print("ready", flush=True)
        while True:
            question, client = server.recvfrom(4096)
            answer, name = reply(question, addresses)
            server.sendto(answer, client)
            if name:
                print(name, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
