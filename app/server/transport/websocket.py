"""The WebSocket protocol of a connection: uvicorn's, with a short way for audio.

Uvicorn hands each message to the application through a queue, and stops reading the socket meanwhile: with frames of 20 ms, a
stream that is stored as WAV then takes twice the CPU time. An application may divert the binary messages of its connection, by
what `DIVERT` names in its scope's extensions: they are then handed to a function as they arrive. All else goes the usual way.

Until the application has let a client in, its messages are short, and so is the first of a stream of audio: whoever sends a
longer one, or begins to, is closed with 1009. A handshake that cannot be read is answered 400. A client that does not read what
it is sent is closed with 1013, and hung up on when it does not read that either; who is told that the connection is closed has
a second to answer. An application that has called what `HOLD_CLOSE` names answers the client's close itself: a stream's code says
whether its audio is kept, which is known only when it is written.

Frames are taken in turns, a few of each connection: a megabyte has room for many thousands, and nobody else is served while
they are looked at. What an application has not received yet holds up what comes after it.
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
"""Takes the data of a binary message; false when it wants no more for now. What has arrived already still comes."""

# For who begins to read at last, to find out why nothing follows.
LAST_WORD_SECONDS = 5.0
AUDIO_PATHS = "/record/"
# For who is told that the connection is closed, to answer.
CLOSE_SECONDS = 1.0
# Of a message of somebody who is not let in yet, and of the first on a stream: a few KB at most in earnest.
FIRST_MESSAGE_BYTES = 16_384
# Of one connection, until its next turn: for audio frames of 20 ms, 400 times as fast as it is heard. Those who are not let in
# yet send a message or two in earnest.
FRAMES_AT_ONCE, STRANGERS_FRAMES_AT_ONCE = 100, 10
TURN_SECONDS = 0.005
_FINAL_BINARY, _FINAL_CLOSE, _MASKED = 0x82, 0x88, 0x80
_UNREADABLE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
# Of a frame whose length fits into one byte, as that of each control frame does: two bytes and the mask.
_SHORT_HEAD_BYTES = 6
_unmasked: Callable[[bytes, bytes], bytes] = websocket_frames.apply_mask  # type: ignore[attr-defined]


class StreamingProtocol(DrainGuard, WebSocketsSansIOProtocol):
    """Splits what arrives into frames by itself: whole binary messages go to the sink, other frames to uvicorn's parser.

    That parser is therefore always between two frames.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.close_timeout = CLOSE_SECONDS
        self.conn.max_message_size = self._longest = min(FIRST_MESSAGE_BYTES, self.config.ws_max_size)
        self._sink: Sink | None = None
        self._holds_close = False
        # The client's close frame, which the application has not answered yet.
        self._close = b""
        self._is_full = False
        # A frame that is not whole yet, and how many bytes are waited for.
        self._begun = bytearray()
        self._needed = 0
        self._frames_at_once = STRANGERS_FRAMES_AT_ONCE
        # Whether more frames are there than there was a turn for; and that turn, unless the application is waited for.
        self._is_behind = False
        self._turn: asyncio.TimerHandle | None = None
        self._pong = b""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:  # else there is no application
            extensions: Any = self.scope["extensions"]
            extensions |= {DIVERT: self._divert, AUTHENTICATED: self._let_in, ABORT: super()._hang_up}
            extensions[HOLD_CLOSE] = self._hold_close

    def data_received(self, data: bytes) -> None:
        if not self.handshake_initiated:
            super().data_received(data)  # the whole head, as HTTP's protocol has read it
            if not self.handshake_initiated:
                self._refuse_head()
            return
        if self._close:  # nothing follows it (RFC 6455, 1.4)
            return
        if self._begun:
            self._begun += data
            if len(self._begun) < self._needed or self._turn is not None:
                return
            data, self._begun = bytes(self._begun), bytearray()
        self._take(data)

    def _take(self, data: bytes) -> None:
        at, size, left = 0, len(data), self._frames_at_once
        while at < size:
            if not left:
                self._begun, self._needed, self._is_behind = bytearray(data[at:]), 0, True
                self._wait_for_turn()
                return
            left -= 1
            payload, end = self._frame(data, at, size)
            if end > size:
                self._begun, self._needed = bytearray(data[at:]), end - at
                return
            is_audio = payload and data[at] == _FINAL_BINARY and self.conn.current_size is None
            if is_audio and self._sink and not self.close_sent:
                self._give(self._sink, _unmasked(data[payload:end], data[payload - 4 : payload]))
            elif payload and data[at] == _FINAL_CLOSE and self._keeps_close(data[at:end], payload - at):
                return
            else:
                super().data_received(data[at:end])
            at = end

    def _keeps_close(self, frame: bytes, payload: int) -> bool:
        """Whether a close frame waits for the application's answer; uvicorn's parser answers all others at once."""
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

    def _refuse_head(self) -> None:
        # With a body, too many lines or a line that is too long: uvicorn would hold the connection without a word, for ever.
        if not self.transport.is_closing():
            self.transport.write(_UNREADABLE)
            self.transport.close()

    def _wait_for_turn(self) -> None:
        if self.transport.is_closing():
            return
        self.transport.pause_reading()  # each time: uvicorn reads on by itself
        if self._turn is None:
            self._turn = self.loop.call_later(TURN_SECONDS, self._have_turn)

    def _have_turn(self) -> None:
        self._turn = None
        if self.read_paused or self.transport.is_closing():  # `_go_on` comes back to it
            return
        data, self._begun, self._is_behind = bytes(self._begun), bytearray(), False
        self._take(data)
        if not self.read_paused:
            self._go_on()

    def _go_on(self) -> None:
        """With what is there, or else with what comes."""
        if self._is_behind:
            self._wait_for_turn()
        elif not self.transport.is_closing():
            self.transport.resume_reading()

    def _frame(self, data: bytes, at: int, size: int) -> tuple[int, int]:
        """Where a frame's payload begins and ends (RFC 6455, 5.2); an end beyond `size` when that is not known yet.

        A frame that is too long or not masked begins nowhere (0) and is as long as what is there: the parser finds what is
        wrong with it.
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
        if length > self._longest - (self.conn.current_size or 0):
            return 0, size
        return payload, payload + length

    def send_receive_event_to_app(self) -> None:
        # Who comes so far has shown a key, and audio may follow at once.
        if f"{self.scope['path']}/".startswith(AUDIO_PATHS):
            self._let_in()
        if self._sink is None or self.curr_msg_data_type == "text" or self.close_sent:
            super().send_receive_event_to_app()
            return
        data, self.frames = b"".join(self.frames), []
        self._give(self._sink, data)

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        # Uvicorn forgets it for a handshake that is denied, and logs an error.
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True
        if self._close and self.close_sent:
            frame, self._close = self._close, b""
            super().data_received(frame)  # both sides have closed
        if self._is_behind and not self.read_paused:  # a close reads on
            self._wait_for_turn()

    async def receive(self) -> ASGIReceiveEvent:
        message = await super().receive()
        if self._is_full:  # uvicorn's reads on when its queue is empty
            self._pause()
        elif self._is_behind and not self.read_paused:
            self._wait_for_turn()
        return message

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        if len(self.frames) >= FRAMES_AT_ONCE:  # each takes memory of its own, and empty ones never come to an end
            self.frames = [b"".join(self.frames)]

    def handle_ping(self) -> None:
        """To a client that does not read, only the newest ping is answered, as RFC 6455 (5.5.3) lets us, when it reads again."""
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
        self.loop.call_later(LAST_WORD_SECONDS, super()._hang_up)  # uvicorn waits for the client to read all

    def _hang_up(self) -> None:
        if self.conn.state is State.OPEN and not self.transport.is_closing():
            self.conn.send_close(CloseCode.TRY_AGAIN_LATER, "too slow")
            self.transport.write(b"".join(self.conn.data_to_send()))
        # Whoever waits to send, or to hear, is told that nobody is there.
        self.close_sent = self.disconnected = True
        self.writable.set()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": int(CloseCode.TRY_AGAIN_LATER)})
        self.loop.call_later(LAST_WORD_SECONDS, super()._hang_up)

    def _let_in(self) -> None:
        """From now on messages may be as long as the server takes them."""
        self.conn.max_message_size = self._longest = self.config.ws_max_size
        self._frames_at_once = FRAMES_AT_ONCE

    def _hold_close(self) -> None:
        self._holds_close = True

    def _divert(self, sink: Sink) -> Callable[[], None]:
        """From now on binary messages go to the sink, those that wait first. Call the answer when it wants more again."""
        self._sink = sink
        others = []
        while not self.queue.empty():
            message: Any = self.queue.get_nowait()
            if message.get("bytes") is None:
                others.append(message)
            else:
                self._give(sink, message["bytes"])
        for message in others:
            self.queue.put_nowait(message)
        if self.queue.empty() and not self._is_full:
            self._read_on()
        return self._has_room

    def _give(self, sink: Sink, data: bytes) -> None:
        if not sink(data) and not self._is_full:
            self._is_full = True
            self._pause()

    def _has_room(self) -> None:
        self._is_full = False
        if self.queue.empty():
            self._read_on()

    def _pause(self) -> None:
        self.read_paused = True
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def _read_on(self) -> None:
        if self.read_paused:
            self.read_paused = False
            self._go_on()
