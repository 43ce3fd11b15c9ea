"""uvicorn's WebSocket protocol, with a fast path for audio and with limits for unauthenticated clients.

uvicorn passes each message through a queue and pauses reading until the application has received it. With audio frames of 20 ms
this doubles the CPU time of a stream. An application may divert the binary messages of its connection (`DIVERT` in its scope's
extensions): a function then gets them as they arrive. All other messages take uvicorn's path.

Messages of unauthenticated clients, and the first message of an audio stream, are short: a longer one closes the connection with
1009. An unreadable handshake is answered 400. A client that does not read is closed with 1013, and aborted if it does not read
that either. After the server's close frame, the client has a second to answer. An application that called `HOLD_CLOSE` answers
the client's close frame itself: the close code of a stream says whether its audio is stored, which is known only then.

Each connection parses a few frames per turn: a megabyte can contain thousands, and parsing them blocks the event loop. Messages
that the application has not received yet stop the parsing of further ones.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets import frames as websocket_frames
from websockets.exceptions import ProtocolError
from websockets.frames import Close, CloseCode, Frame
from websockets.http11 import Request
from websockets.protocol import State

from app.recording.stream import DIVERT, HOLD_CLOSE
from app.server.transport.http import ABORT, AUTHENTICATED, DrainGuard

Sink = Callable[[bytes], bool]
"""Receives the data of a binary message; returns False to pause. Data that has arrived already still follows."""

# How long a slow client may take to read the close frame before the connection is aborted.
ABORT_SECONDS = 5.0
AUDIO_PATHS = "/record/"
# How long a client may take to answer a close frame.
CLOSE_SECONDS = 1.0
# The longest message of an unauthenticated client, and first message of a stream; normal ones have a few KB.
FIRST_MESSAGE_BYTES = 16_384
# Per connection and turn: with audio frames of 20 ms, 400 times real time. Unauthenticated clients normally send one or two
# messages.
FRAMES_PER_TURN, UNAUTHENTICATED_FRAMES_PER_TURN = 100, 10
TURN_SECONDS = 0.005
_FINAL_BINARY, _FINAL_CLOSE, _MASKED = 0x82, 0x88, 0x80
_UNREADABLE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
# The head of a frame whose length fits into one byte, such as a control frame: two bytes and the mask.
_SHORT_HEAD_BYTES = 6
_unmasked: Callable[[bytes, bytes], bytes] = websocket_frames.apply_mask  # type: ignore[attr-defined]


class StreamingProtocol(DrainGuard, WebSocketsSansIOProtocol):
    """Splits the data into frames: complete binary messages go to the sink, other frames to uvicorn's parser.

    uvicorn's parser therefore always gets whole frames.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.close_timeout = CLOSE_SECONDS
        self.conn.max_message_size = self._maximum_length = min(FIRST_MESSAGE_BYTES, self.config.ws_max_size)
        self._sink: Sink | None = None
        self._holds_close = False
        # The client's close frame, until the application has answered it.
        self._close = b""
        self._is_full = False
        # An incomplete frame, and how many bytes it needs.
        self._incomplete = bytearray()
        self._needed = 0
        self._frames_per_turn = UNAUTHENTICATED_FRAMES_PER_TURN
        # Whether frames are left for the next turn; and its timer, unless the application has to receive messages first.
        self._is_behind = False
        self._turn: asyncio.TimerHandle | None = None
        self._pong = b""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:  # otherwise no application runs
            extensions: Any = self.scope["extensions"]
            extensions |= {DIVERT: self._divert, AUTHENTICATED: self._allow_long_messages, ABORT: super()._abort}
            extensions[HOLD_CLOSE] = self._hold_close

    def data_received(self, data: bytes) -> None:
        if not self.handshake_initiated:
            super().data_received(data)  # the whole head, as read by the HTTP protocol
            if not self.handshake_initiated:
                self._refuse_handshake()
            return
        if self._close:  # nothing may follow it (RFC 6455, 1.4)
            return
        if self._incomplete:
            self._incomplete += data
            if len(self._incomplete) < self._needed or self._turn is not None:
                return
            data, self._incomplete = bytes(self._incomplete), bytearray()
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        at, size, left = 0, len(data), self._frames_per_turn
        while at < size:
            if not left:
                self._incomplete, self._needed, self._is_behind = bytearray(data[at:]), 0, True
                self._wait_for_turn()
                return
            left -= 1
            payload, end = self._frame(data, at, size)
            if end > size:
                self._incomplete, self._needed = bytearray(data[at:]), end - at
                return
            is_audio = payload and data[at] == _FINAL_BINARY and self.conn.current_size is None
            if is_audio and self._sink and not self.close_sent:
                self._pass_on(self._sink, _unmasked(data[payload:end], data[payload - 4 : payload]))
            elif payload and data[at] == _FINAL_CLOSE and self._holds_back(data[at:end], payload - at):
                return
            else:
                super().data_received(data[at:end])
            at = end

    def _holds_back(self, frame: bytes, payload: int) -> bool:
        """Holds a close frame until the application answers it; False for all others, which uvicorn's parser answers."""
        if (
            not self._holds_close
            or self.close_sent
            or self.conn.current_size is not None
            or payload != _SHORT_HEAD_BYTES
        ):
            return False
        try:
            close = Close.parse(_unmasked(frame[payload:], frame[payload - 4 : payload]))
        except (ProtocolError, UnicodeDecodeError):
            return False
        self._close = frame
        self.queue.put_nowait({"type": "websocket.disconnect", "code": int(close.code), "reason": close.reason})
        return True

    def _refuse_handshake(self) -> None:
        # A body, too many lines or a line that is too long: uvicorn would hold the connection forever without a response.
        if not self.transport.is_closing():
            self.transport.write(_UNREADABLE)
            self.transport.close()

    def _wait_for_turn(self) -> None:
        if self.transport.is_closing():
            return
        self.transport.pause_reading()  # each time, since uvicorn resumes by itself
        if self._turn is None:
            self._turn = self.loop.call_later(TURN_SECONDS, self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        if self.read_paused or self.transport.is_closing():  # `_continue` handles it later
            return
        data, self._incomplete, self._is_behind = bytes(self._incomplete), bytearray(), False
        self._parse(data)
        if not self.read_paused:
            self._continue()

    def _continue(self) -> None:
        """Continues with the frames that are left, or with reading."""
        if self._is_behind:
            self._wait_for_turn()
        elif not self.transport.is_closing():
            self.transport.resume_reading()

    def _frame(self, data: bytes, at: int, size: int) -> tuple[int, int]:
        """Where a frame's payload begins and ends (RFC 6455, 5.2); the end is beyond `size` while it is not known.

        For a frame that is too long or not masked, the start is 0 and the end is `size`: uvicorn's parser reports the error.
        """
        if size - at < 2:
            return size, size + 1
        if not data[at + 1] & _MASKED:
            return 0, size
        length = data[at + 1] & 0x7F
        payload = at + 6
        if length > 125:
            payload = at + (8 if length == 126 else 14)
            if size < payload:
                return payload, payload
            length = int.from_bytes(data[at + 2 : payload - 4], "big")
        if length > self._maximum_length - (self.conn.current_size or 0):
            return 0, size
        return payload, payload + length

    def send_receive_event_to_app(self) -> None:
        # The handshake of an audio stream has authenticated the client, and audio may follow at once.
        if f"{self.scope['path']}/".startswith(AUDIO_PATHS):
            self._allow_long_messages()
        if self._sink is None or self.curr_msg_data_type == "text" or self.close_sent:
            super().send_receive_event_to_app()
            return
        data, self.frames = b"".join(self.frames), []
        self._pass_on(self._sink, data)

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        # uvicorn does not set it for a refused handshake, and would log an error.
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True
        if self._close and self.close_sent:
            frame, self._close = self._close, b""
            super().data_received(frame)  # both close frames are sent
        if self._is_behind and not self.read_paused:  # uvicorn resumes reading at a close
            self._wait_for_turn()

    async def receive(self) -> ASGIReceiveEvent:
        message = await super().receive()
        if self._is_full:  # uvicorn resumes reading when its queue is empty
            self._pause()
        elif self._is_behind and not self.read_paused:
            self._wait_for_turn()
        return message

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        if len(self.frames) >= FRAMES_PER_TURN:  # each part takes memory, and the number of empty parts is unlimited
            self.frames = [b"".join(self.frames)]

    def handle_ping(self) -> None:
        """Answers only the newest ping of a client that does not read, when it reads again (RFC 6455, 5.5.3)."""
        pong = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(pong)
        else:
            self._pong = pong

    def resume_writing(self) -> None:
        super().resume_writing()
        pong, self._pong = self._pong, b""
        if pong and not self.close_sent:
            self.transport.write(pong)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.loop.call_later(ABORT_SECONDS, super()._abort)  # uvicorn would wait for the client to read everything

    def _abort(self) -> None:
        if self.conn.state is State.OPEN and not self.transport.is_closing():
            self.conn.send_close(CloseCode.TRY_AGAIN_LATER, "too slow")
            self.transport.write(b"".join(self.conn.data_to_send()))
        # Wakes the application where it waits to send or to receive.
        self.close_sent = self.disconnected = True
        self.writable.set()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": int(CloseCode.TRY_AGAIN_LATER)})
        self.loop.call_later(ABORT_SECONDS, super()._abort)

    def _allow_long_messages(self) -> None:
        """From now on messages may have the full length."""
        self.conn.max_message_size = self._maximum_length = self.config.ws_max_size
        self._frames_per_turn = FRAMES_PER_TURN

    def _hold_close(self) -> None:
        self._holds_close = True

    def _divert(self, sink: Sink) -> Callable[[], None]:
        """From now on binary messages go to the sink, queued ones first. Returns what to call when the sink is ready again."""
        self._sink = sink
        others = []
        while not self.queue.empty():
            message: Any = self.queue.get_nowait()
            if message.get("bytes") is None:
                others.append(message)
            else:
                self._pass_on(sink, message["bytes"])
        for message in others:
            self.queue.put_nowait(message)
        if self.queue.empty() and not self._is_full:
            self._resume()
        return self._sink_is_ready

    def _pass_on(self, sink: Sink, data: bytes) -> None:
        if not sink(data) and not self._is_full:
            self._is_full = True
            self._pause()

    def _sink_is_ready(self) -> None:
        self._is_full = False
        if self.queue.empty():
            self._resume()

    def _pause(self) -> None:
        self.read_paused = True
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def _resume(self) -> None:
        if self.read_paused:
            self.read_paused = False
            self._continue()
