"""A DNS client that retries nothing: client.py SERVER NAME ADDRESS

Asks SERVER for the A record of NAME, which is ADDRESS, 20 times a second for as long as its
standard input is open. Each question is one datagram, so that one that is lost anywhere is seen to
be lost; resolvers would ask again and hide it. A line on standard error says when, which and why.

For each line on standard input, and at the end, when all questions have had their time, there is a
line on standard output: a JSON object of `seconds`, `asked`, `answered`, `lost` and `slowest`.

It waits for an answer as long as resolv.conf(5) lets a resolver wait: a datagram that is gone is
not there later either, and a machine that is busy loses none.
"""

import datetime
import errno
import json
import os
import select
import socket
import struct
import sys
import time

INTERVAL = 0.05
PATIENCE = 5
A, IN = 1, 1
RESPONSE, RCODE, RECURSION_DESIRED = 0x8000, 0x000F, 0x0100  # RFC 1035 section 4.1.1
# Each in its turn: one that comes again while the kernel still knows its last question would go
# where that went (conntrack, up to 2 minutes), and not where kube-proxy's rules send new ones.
# Below the ephemeral ports, and 10 minutes long.
PORTS = range(16000, 28000)


def question(number, name):
    labels = b"".join(struct.pack("!B", len(label)) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", number, RECURSION_DESIRED, 1, 0, 0, 0) + labels + b"\0" + \
        struct.pack("!HH", A, IN)


class Query:
    """One question, on a socket of its own."""

    def __init__(self, number, port, deadline):
        self.number, self.port, self.deadline = number, port, deadline
        self.asked = deadline - PATIENCE
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)


class Client:
    """Asks and counts; who owns it calls `step` again and again."""

    def __init__(self, server, name, address):
        self.server, self.name = server, name
        self.address = socket.inet_aton(address)
        self.began = self.next = time.monotonic()
        self.asked = self.answered = self.lost = self.ports_used = 0
        self.slowest = 0.0
        self.open = {}  # by descriptor, oldest first
        self.poll = select.poll()

    def report(self):
        print(json.dumps({"seconds": time.monotonic() - self.began, "asked": self.asked,
                          "answered": self.answered, "lost": self.lost,
                          "slowest": self.slowest}), flush=True)

    def step(self, asking):
        """Until the next question is due or something came. True: there is input."""
        now = time.monotonic()
        while asking and self.next <= now:
            self._ask(self.next)
            self.next += INTERVAL
        wait = self.next - now if asking else INTERVAL
        ready = [descriptor for descriptor, _ in self.poll.poll(max(0, wait) * 1000)]
        for descriptor in ready:
            if descriptor in self.open:
                self._hear(self.open[descriptor])
        self._expire()
        return sys.stdin.fileno() in ready

    def _ask(self, due):
        query = self._bind(due)
        self.asked += 1
        self.open[query.socket.fileno()] = query
        self.poll.register(query.socket, select.POLLIN)
        try:
            query.socket.connect((self.server, 53))
            query.socket.send(question(query.number, self.name))
        except OSError as error:
            self._lose(query, f"not sent: {error.strerror}")

    def _bind(self, due):
        number = (self.asked + 1) & 0xFFFF
        # Where this was kept from its work, each question still has all its time.
        query = Query(number, 0, max(due, time.monotonic()) + PATIENCE)
        while query.port == 0:
            port = PORTS[self.ports_used % len(PORTS)]
            self.ports_used += 1
            try:
                query.socket.bind(("", port))
                query.port = port
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        return query

    def _hear(self, query):
        """True: there was something, for better or worse."""
        try:
            reply = query.socket.recv(4096)
        except BlockingIOError:
            return False
        except OSError as error:
            self._lose(query, f"refused: {error.strerror}")
            return True
        number, flags = struct.unpack("!HH", reply[:4])
        if number != query.number or flags & (RESPONSE | RCODE) != RESPONSE:
            self._lose(query, f"answered with code {flags & RCODE}")
        elif not reply.endswith(self.address):
            self._lose(query, "answered with another address")
        else:
            self.answered += 1
            self.slowest = max(self.slowest, time.monotonic() - query.asked)
            self._close(query)
        return True

    def _expire(self):
        now = time.monotonic()
        for query in list(self.open.values()):
            if query.deadline > now:
                break
            if not self._hear(query):  # it may have come while this was kept from its work
                self._lose(query, f"no answer within {PATIENCE} s")

    def _lose(self, query, why):
        self.lost += 1
        at = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        after = time.monotonic() - query.asked
        print(f"{at} lost {self.lost} of {self.asked}: {why}, {after:.3f} s after it was asked "
              f"from port {query.port}", file=sys.stderr, flush=True)
        self._close(query)

    def _close(self, query):
        self.poll.unregister(query.socket)
        del self.open[query.socket.fileno()]
        query.socket.close()


def main():
    client = Client(*sys.argv[1:])
    client.poll.register(sys.stdin, select.POLLIN | select.POLLHUP)
    asking = True
    while asking or client.open:
        if client.step(asking) and asking:
            text = os.read(sys.stdin.fileno(), 4096)
            for _ in range(text.count(b"\n")):
                client.report()
            if not text:
                asking = False
                client.poll.unregister(sys.stdin)
    client.report()


if __name__ == "__main__":
    main()
