"""HTTP/2 on one connection, on the h2 library."""

from __future__ import annotations

import threading
from typing import Callable

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from hyperframe.frame import GoAwayFrame

from .message import Cancellable, RawRequest
from .transport import Transport


class Http2Connection:
    def __init__(self, transport: Transport, dispatch: Callable[[RawRequest], Cancellable],
                 max_streams: int) -> None:
        self.transport = transport
        self.windows = threading.Condition(transport.lock)
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        self.h2.local_settings.update(
            {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: max_streams}
        )
        self._dispatch = dispatch
        self._incomplete: dict[int, RawRequest] = {}
        self._replies: dict[int, Cancellable] = {}

    def run(self) -> None:
        """Serves until the connection ends."""
        with self.transport.lock:
            self.h2.initiate_connection()
            self.flush()
        try:
            while data := self.transport.receive():
                with self.transport.lock:
                    events = self.h2.receive_data(data)
                    for event in events:
                        self._handle(event)
                    self.flush()
        except h2.exceptions.ProtocolError:
            self.flush()
        finally:
            with self.transport.lock:
                for reply in self._replies.values():
                    reply.cancelled.set()
                self.windows.notify_all()

    def flush(self) -> None:
        data = self.h2.data_to_send()
        if data and not self.transport.closed.is_set():
            self.transport.send(data)

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            headers = dict(reversed(event.headers))
            self._incomplete[event.stream_id] = RawRequest(
                method=headers[":method"],
                target=headers[":path"],
                headers={**headers, "host": headers.get(":authority", "")},
                body=b"",
                stream=Http2Stream(self, event.stream_id),
            )
        elif isinstance(event, h2.events.DataReceived):
            self._incomplete[event.stream_id].body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            request = self._incomplete.pop(event.stream_id)
            self._replies[event.stream_id] = self._dispatch(request)
        elif isinstance(event, h2.events.StreamReset):
            self._incomplete.pop(event.stream_id, None)
            if event.stream_id in self._replies:
                self._replies.pop(event.stream_id).cancelled.set()
            self.windows.notify_all()
        elif isinstance(
            event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)
        ):
            self.windows.notify_all()


class Http2Stream:
    def __init__(self, connection: Http2Connection, stream_id: int) -> None:
        self._connection = connection
        self._id = stream_id

    def send_head(self, status: int, headers: list[tuple[str, str]], end: bool) -> None:
        with self._open() as h2_connection:
            h2_connection.send_headers(
                self._id, [(":status", str(status)), *headers], end_stream=end
            )
            self._connection.flush()

    def send_data(self, data: bytes, end: bool) -> None:
        with self._open() as h2_connection:
            while data:
                room = self._wait_for_room()
                piece, data = data[:room], data[room:]
                h2_connection.send_data(self._id, piece, end_stream=end and not data)
                self._connection.flush()
                if not data:
                    return
            h2_connection.send_data(self._id, b"", end_stream=end)
            self._connection.flush()

    def _wait_for_room(self) -> int:
        while True:
            h2_connection = self._connection.h2
            if self._connection.transport.closed.is_set():
                raise ConnectionError("connection is closed")
            room = min(
                h2_connection.local_flow_control_window(self._id),
                h2_connection.max_outbound_frame_size,
            )
            if room > 0:
                return room
            self._connection.windows.wait(1)

    def reset(self, code: int) -> None:
        with self._open() as h2_connection:
            h2_connection.reset_stream(self._id, code)
            self._connection.flush()

    def goaway(self, code: int, last_stream: int | None) -> None:
        # Past the library, which lets nothing be sent after it.
        frame = GoAwayFrame(0)
        frame.error_code = code
        frame.last_stream_id = self._id if last_stream is None else last_stream
        self._connection.transport.send(frame.serialize())

    def _open(self) -> "_Guard":
        return _Guard(self._connection)


class _Guard:
    """The lock, and the library's complaints about what is gone as ConnectionError."""

    def __init__(self, connection: Http2Connection) -> None:
        self._connection = connection

    def __enter__(self) -> h2.connection.H2Connection:
        self._connection.transport.lock.acquire()
        return self._connection.h2

    def __exit__(self, kind: object, error: BaseException | None, _trace: object) -> None:
        self._connection.transport.lock.release()
        if isinstance(error, (h2.exceptions.ProtocolError, KeyError)):
            raise ConnectionError(f"stream is gone: {error}") from error
