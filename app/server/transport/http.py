"""uvicorn's HTTP protocol with the limits it lacks: size and time of headers, pipelined requests, chunks per body, and how
slowly a client may read; and with slots for connections, of which one network gets a limited share.

Without these limits a client that never ends a header line fills the memory, and silent connections hold all slots forever.
"""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from contextlib import suppress
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.server.transport.waiting_connections import WaitingConnections

AUTHENTICATED = "voice_gateway.authenticated"
"""In the extensions of a WebSocket's scope: the application calls it when the client is authenticated (`websocket.py`)."""
ABORT = "voice_gateway.abort"
"""In the extensions of a WebSocket's scope: ends the connection without waiting for the client to read."""
OVERLOADED = "voice_gateway.overloaded"
"""In the scope of a request that the application must answer with 503, since the worker is overloaded."""
MAXIMUM_HEAD_BYTES = 32_768
HEAD_SECONDS = 10.0
# Requests sent before the previous one is answered; one read of 250 kB can contain thousands.
MAXIMUM_PIPELINED = 16
# Per body: parsing one read with tens of thousands of chunks blocks the event loop.
MAXIMUM_CHUNKS = 16_384
DRAIN_SECONDS = 20.0
DRAIN_BYTES = 16_384
# Served even when the worker is full: supervisors restart a worker whose probe fails.
PROBES = (b"/healthz", b"/readyz")
_READ_BYTES = 8_192
_CONTINUE = b"HTTP/1.1 100 "
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class TooManyPipelined(Exception):
    """Stops the parser; uvicorn answers 400 and closes."""


class TooManyChunks(Exception):
    """Stops the parser; uvicorn answers 400 and closes."""


class DrainGuard:
    """Aborts a connection whose client reads less than 16 KiB of unread data in 20 seconds.

    A mixin: it precedes uvicorn's protocol among the bases of a class.
    """

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    _unread_bytes = 0
    _drain_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        # So that `pause_writing` is called for every byte that the network does not take at once.
        transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_drain_timer()
        super().connection_lost(exc)  # type: ignore[misc]

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self._start_drain_timer()

    def resume_writing(self) -> None:
        self._stop_drain_timer()
        super().resume_writing()  # type: ignore[misc]

    def _start_drain_timer(self) -> None:
        self._unread_bytes = self._unread()
        self._drain_timer = self.loop.call_later(DRAIN_SECONDS, self._abort_unless_drained)

    def _stop_drain_timer(self) -> None:
        if self._drain_timer is not None:
            self._drain_timer.cancel()
            self._drain_timer = None

    def _abort_unless_drained(self) -> None:
        if self._unread_bytes - self._unread() >= DRAIN_BYTES:
            self._start_drain_timer()
        else:
            self._abort()

    def _abort(self) -> None:
        # Discards the unread data in the kernel too; `close` would wait until it is read.
        with suppress(OSError):  # it may be closed already
            self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _unread(self) -> int:
        """Unread bytes, in this process and in the kernel."""
        queued = bytes(4)
        with suppress(OSError):  # not supported by every socket
            queued = fcntl.ioctl(self._socket().fileno(), termios.TIOCOUTQ, queued)
        waiting: int = self.transport.get_write_buffer_size()
        return waiting + int.from_bytes(queued, sys.byteorder)

    def _socket(self) -> socket.socket:
        found: socket.socket = self.transport.get_extra_info("socket")
        return found


class _BufferedHead:
    """A transport for one request that writes the head of the response with its body: one system call less."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.is_closing = transport.is_closing
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        if self._head is None and not data.startswith(_CONTINUE):
            self._head = data  # written with the first part of the body
            return
        self._transport.write(self._head + data if self._head else data)
        self._head = self._head and b""

    def flush(self) -> None:
        """Writes the head of a response without a body."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.flush()
        self._transport.close()


class BoundedProtocol(DrainGuard, HttpToolsProtocol):
    """Answers 431 to a head of over 32 KiB, and closes a connection whose client does not send the next part in time.

    It has 10 seconds: for a complete head and the start of its body, for the next chunk, for the end of the trailers (limited
    like a head), or for the rest of a request that is answered already. The application limits the time of bodies.
    """

    # Bytes received since the end of the last body, while the server waits for the client.
    _head_bytes = 0
    _awaits_client = True
    # Number of chunks in the current request's body.
    _chunks = 0
    _timer: asyncio.TimerHandle | None = None
    # The request that is being answered; uvicorn has the last one that arrived, which differs for pipelined requests.
    _current: RequestResponseCycle | None = None

    def __init__(self, *arguments: Any, slots: WaitingConnections | None = None, **options: Any) -> None:
        """`slots` counts all connections until they become WebSockets; None: connections are not counted."""
        super().__init__(*arguments, **options)
        self._slots = slots
        self._has_slot = True

    @property
    def is_waiting(self) -> bool:
        """Whether the client has to send a request, or the rest of one."""
        request = self._current
        return not self.is_unread and (request is None or request.response_complete or request.more_body)

    @property
    def is_unread(self) -> bool:
        return self.flow.write_paused

    def evict(self) -> None:
        if self.is_unread:
            self._abort()  # `close` would wait for the client to read
        elif not self.transport.is_closing():
            self.transport.close()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self._slots is not None:
            self._has_slot = self._slots.enter(self, (self.client or ("",))[0])
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._leave()
        super().connection_lost(exc)
        if self._current is not None and not self._current.response_complete:
            self._current.disconnected = True
            self._current.message_event.set()

    def data_received(self, data: bytes) -> None:
        # What arrives after the last response: a head, empty lines before it, or the rest of a body.
        if not self._awaits_client and self.cycle is not None and self.cycle.response_complete:
            self._awaits_client, self._head_bytes = True, 0
        # In parts, to detect the end of the head: the body after it has a limit of its own.
        while self._awaits_client and data:
            part, data = data[:_READ_BYTES], data[_READ_BYTES:]
            self._head_bytes += len(part)
            if self._head_bytes > MAXIMUM_HEAD_BYTES:
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
            super().data_received(part)
            if data and self.transport.is_closing():
                return
        if data:
            super().data_received(data)
        # Not earlier: most requests arrive whole and need no timer.
        if not self._awaits_client:
            self._stop_timer()
        elif self._timer is None:
            self._start_timer()

    def handle_websocket_upgrade(self) -> None:
        # The rest of an unfinished response would be written between the frames. It would never learn that it may write again,
        # or that the client has disconnected, and would wait forever.
        is_answered = self.cycle is None or self.cycle.response_complete
        if is_answered and not self.flow.write_paused:
            self._leave()
            super().handle_websocket_upgrade()
        else:
            self.transport.close()

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAXIMUM_PIPELINED:
            raise TooManyPipelined
        super().on_message_begin()
        self._chunks = 0
        if not self._awaits_client:
            self._awaits_client, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        # At this number of connections or tasks, uvicorn answers 503.
        if self.url in PROBES:
            self.limit_concurrency = None
        else:
            self.limit_concurrency = self.config.limit_concurrency if self._has_slot else 0
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        # Otherwise trailers would become headers of the request, which a proxy could not have removed.
        self.headers = []
        self._chunks += 1
        if self._chunks > MAXIMUM_CHUNKS:
            raise TooManyChunks

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._awaits_client, self._head_bytes = self.cycle.response_complete, 0

    def on_chunk_complete(self) -> None:
        self._awaits_client, self._head_bytes = True, 0
        if not self.cycle.response_complete:  # each chunk has its own timeout
            self._stop_timer()

    def on_message_complete(self) -> None:
        self._awaits_client = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self._current is not None:
            self._current.transport.flush()  # type: ignore[attr-defined]
            self._current.body.clear()  # otherwise unread data stays until the next request
        if self._slots is not None:
            self._slots.renew(self)
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._current = cycle
        cycle.transport = _BufferedHead(self.transport)  # type: ignore[assignment]
        if app is service_unavailable:  # uvicorn's own response has no log line, no metric and no CORS headers
            scope: Any = cycle.scope
            scope[OVERLOADED], app = True, self.app
        super()._start_asgi_task(cycle, app)

    def _leave(self) -> None:
        if self._slots is not None:
            self._slots.leave(self)

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        # The server has paused reading, until a previous request is answered or a body is read.
        if self.pipeline or self.flow.read_paused:
            self._start_timer()
        elif self.transport is not None and not self.transport.is_closing():
            self.transport.close()
