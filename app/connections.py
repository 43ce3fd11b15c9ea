"""The HTTP protocol of a connection, with what uvicorn's lacks: an end to its head, in bytes and in time.

Otherwise a stranger who never ends a header line fills the memory, and silent connections take up all places for ever.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAXIMUM_HEAD_BYTES = 32_768
HEAD_SECONDS = 10.0
_PIECE = 8_192
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """Answers 431 to a head of over 32 KiB; closes a connection that says nothing when it is to speak.

    That is for 10 seconds, in which the next head must be complete and its body, if it has one, must have begun. How long
    a body then takes is the application's matter.
    """

    _head_bytes = 0
    _is_in_head = True
    _is_waiting = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # In pieces, so that it is seen where the head ends: what follows is body, which has a limit of its own.
        while self._is_in_head and data:
            piece, data = data[:_PIECE], data[_PIECE:]
            self._head_bytes += len(piece)
            if self._head_bytes > MAXIMUM_HEAD_BYTES:
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
            super().data_received(piece)
        if data:
            super().data_received(data)
        # Only now, since most requests come in one piece and need no timer at all.
        if not self._is_waiting:
            self._stop_timer()
        elif self._timer is None:
            self._start_timer()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._is_in_head:
            self._is_in_head, self._head_bytes = True, 0
        self._is_waiting = True

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._is_waiting = False
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_waiting = False
        super().on_message_complete()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        if self.pipeline:  # it is we who do not read on, until the request before is answered
            self._start_timer()
        elif self.transport is not None and not self.transport.is_closing():
            self.transport.close()
