"""Counts connection attempts, also to a port where nobody listens.

The kernel's own counters are those of all processes together; packets tell who asked.
"""

import ctypes
import socket
import struct

ETH_P_IP = 0x0800
SO_ATTACH_FILTER = 26
SNAP = 64
# Classic BPF, linux/filter.h: code, jump if true, jump if false, operand.
LOAD_WORD, LOAD_HALF, LOAD_BYTE, EQUAL, AND, RETURN = 0x20, 0x28, 0x30, 0x15, 0x54, 0x06
SYN, ACK = 0x02, 0x10
# In an IPv4 packet without options: destination address, then TCP's destination port and flags.
ADDRESS_AT, PORT_AT, FLAGS_AT = 16, 22, 33


class SynCounter:
    """Of attempts to reach one IPv4 address and port over loopback, since the last `take`."""

    def __init__(self, address, port):
        self.socket = None
        self.address = struct.unpack("!I", socket.inet_aton(address))[0]
        self.port = port

    def __enter__(self):
        try:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        except PermissionError:
            return self  # only root may: then nothing is counted
        self._filter()
        # Bound to one protocol it sees a packet come in only, not go out and come in.
        self.socket.bind(("lo", ETH_P_IP))
        self.socket.setblocking(False)
        return self

    def __exit__(self, *_):
        if self.socket:
            self.socket.close()

    def _filter(self):
        program = [(LOAD_WORD, 0, 0, ADDRESS_AT), (EQUAL, 0, 6, self.address),
                   (LOAD_HALF, 0, 0, PORT_AT), (EQUAL, 0, 4, self.port),
                   (LOAD_BYTE, 0, 0, FLAGS_AT), (AND, 0, 0, SYN | ACK), (EQUAL, 0, 1, SYN),
                   (RETURN, 0, 0, SNAP), (RETURN, 0, 0, 0)]
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in program))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                               struct.pack("HL", len(program), ctypes.addressof(code)))

    def take(self):
        """None where it may not look."""
        if not self.socket:
            return None
        count = 0
        while True:
            try:
                self.socket.recv(SNAP)
            except BlockingIOError:
                return count
            count += 1
