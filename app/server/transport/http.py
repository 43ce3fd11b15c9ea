"""The HTTP protocol of a connection, with what uvicorn's lacks: an end to what a client may send beside bodies, in bytes
and in time, to how many requests it may send ahead, in how many pieces it may send a body, and to how long it may leave answers
unread; and with slots, of which one address holds a part.

Otherwise a stranger who never ends a header line fills the memory, and silent connections take up all places for ever.
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

LET_IN = "voice_gateway.let_in"
"""In the extensions of a WebSocket's scope: to be called once somebody is known to be let in (`websocket.py`)."""
HANG_UP = "voice_gateway.hang_up"
"""In the extensions of a WebSocket's scope: ends the connection without waiting for its client to read."""
OVERLOADED = "voice_gateway.overloaded"
"""In the scope of a request that the application answers with 503: the worker has too many."""
MAXIMUM_HEAD_BYTES = 32_768
HEAD_SECONDS = 10.0
# Sent before their predecessor is answered; one read of 250 kB can have thousands.
MAXIMUM_PIPELINED = 16
# Of one body: nobody else is served while one read, with tens of thousands, is taken apart.
MAXIMUM_CHUNKS = 16_384
DRAIN_SECONDS = 20.0
DRAIN_BYTES = 16_384
# Answered even when the worker is full: a supervisor restarts a worker whose probe fails.
PROBES = (b"/healthz", b"/readyz")
_PIECE = 8_192
_CONTINUE = b"HTTP/1.1 100 "
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class TooManyPipelined(Exception):
    """The parser stops at it, and uvicorn answers 400 and closes."""


class TooManyChunks(Exception):
    """Likewise."""


class DrainGuard:
    """A connection whose client reads: one that takes less than 16 KiB, and not all, in 20 seconds is hung up on.

    Stands before a protocol of uvicorn's among the bases of a class.
    """

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    _unread_bytes = 0
    _drain_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        # So that whatever the network does not take at once is told to `pause_writing`, and its end to `resume_writing`.
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
        self._drain_timer = self.loop.call_later(DRAIN_SECONDS, self._hang_up_unless_it_drains)

    def _stop_drain_timer(self) -> None:
        if self._drain_timer is not None:
            self._drain_timer.cancel()
            self._drain_timer = None

    def _hang_up_unless_it_drains(self) -> None:
        if self._unread_bytes - self._unread() >= DRAIN_BYTES:
            self._start_drain_timer()
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        # The kernel too shall forget what is unread. `close` would wait for it.
        with suppress(OSError):  # it may have ended meanwhile
            self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _unread(self) -> int:
        """Bytes that wait here, and those in the kernel, which takes no more before the client has read a good part."""
        queued = bytes(4)
        with suppress(OSError):  # where a socket cannot tell
            queued = fcntl.ioctl(self._socket().fileno(), termios.TIOCOUTQ, queued)
        waiting: int = self.transport.get_write_buffer_size()
        return waiting + int.from_bytes(queued, sys.byteorder)

    def _socket(self) -> socket.socket:
        found: socket.socket = self.transport.get_extra_info("socket")
        return found


class _WholeAnswers:
    """A connection's transport for one request: uvicorn writes an answer's head by itself, which is a system call more."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.is_closing = transport.is_closing
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        if self._head is None and not data.startswith(_CONTINUE):
            self._head = data  # goes with the first of the body
            return
        self._transport.write(self._head + data if self._head else data)
        self._head = self._head and b""

    def flush(self) -> None:
        """Writes the head of an answer without a body."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.flush()
        self._transport.close()


class BoundedProtocol(DrainGuard, HttpToolsProtocol):
    """Answers 431 to a head of over 32 KiB; closes a connection that says nothing when it is to speak.

    That is for 10 seconds, in which the next head must be complete and its body, if it has one, must have begun; or the
    next chunk, or the end of the trailers, which are bounded like a head; or the rest of a request that is answered
    already. How long a body takes otherwise is the application's matter.
    """

    # Bytes since the last that were body, while it is the client's turn.
    _head_bytes = 0
    _is_waiting = True
    # Of this request's body.
    _chunks = 0
    _timer: asyncio.TimerHandle | None = None
    # Uvicorn knows the request that came last, which is another one when several came at once.
    _running: RequestResponseCycle | None = None

    def __init__(self, *arguments: Any, slots: WaitingConnections | None = None, **options: Any) -> None:
        """`slots` are those of all connections, until they become WebSockets; None: they are not counted."""
        super().__init__(*arguments, **options)
        self._slots = slots
        self._has_slot = True

    @property
    def is_waiting(self) -> bool:
        """For a request or the rest of one."""
        request = self._running
        return not self.is_unread and (request is None or request.response_complete or request.more_body)

    @property
    def is_unread(self) -> bool:
        return self.flow.write_paused

    def evict(self) -> None:
        if self.is_unread:
            self._hang_up()  # `close` would wait for the client to read
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
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def data_received(self, data: bytes) -> None:
        # Whatever comes when all is answered: a head, empty lines before it, or what is left of a body.
        if not self._is_waiting and self.cycle is not None and self.cycle.response_complete:
            self._is_waiting, self._head_bytes = True, 0
        # In pieces, so that it is seen where the head ends: what follows is body, which has a limit of its own.
        while self._is_waiting and data:
            piece, data = data[:_PIECE], data[_PIECE:]
            self._head_bytes += len(piece)
            if self._head_bytes > MAXIMUM_HEAD_BYTES:
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
            super().data_received(piece)
            if data and self.transport.is_closing():
                return
        if data:
            super().data_received(data)
        # Only now, since most requests come in one piece and need no timer at all.
        if not self._is_waiting:
            self._stop_timer()
        elif self._timer is None:
            self._start_timer()

    def handle_websocket_upgrade(self) -> None:
        # What is left to answer would stand between the frames. It would never hear that there is room to write again, or that
        # the client has gone, and wait for ever.
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
        if not self._is_waiting:
            self._is_waiting, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        # From this number of connections or tasks on, uvicorn answers 503.
        if self.url in PROBES:
            self.limit_concurrency = None
        else:
            self.limit_concurrency = self.config.limit_concurrency if self._has_slot else 0
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        # Else trailers would become headers of the request, past a proxy that took those out.
        self.headers = []
        self._chunks += 1
        if self._chunks > MAXIMUM_CHUNKS:
            raise TooManyChunks

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._is_waiting, self._head_bytes = self.cycle.response_complete, 0

    def on_chunk_complete(self) -> None:
        self._is_waiting, self._head_bytes = True, 0
        if not self.cycle.response_complete:  # each chunk has a time of its own
            self._stop_timer()

    def on_message_complete(self) -> None:
        self._is_waiting = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self._running is not None:
            self._running.transport.flush()  # type: ignore[attr-defined]
            self._running.body.clear()  # what the application did not read would stay until the next request
        if self._slots is not None:
            self._slots.renew(self)
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        cycle.transport = _WholeAnswers(self.transport)  # type: ignore[assignment]
        if app is service_unavailable:  # uvicorn's answer is plain text, which no log, metric or browser sees
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
        # It is we who do not read on, until the request before is answered, or a body is taken.
        if self.pipeline or self.flow.read_paused:
            self._start_timer()
        elif self.transport is not None and not self.transport.is_closing():
            self.transport.close()
