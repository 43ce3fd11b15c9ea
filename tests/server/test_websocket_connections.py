"""WebSocket frames of a real server: however the network splits them, all messages arrive whole and in order."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from app.recording.stream import DIVERT, HOLD_CLOSE
from app.server.transport.http import BoundedProtocol
from app.server.transport.websocket import (
    FRAMES_PER_TURN,
    TURN_SECONDS,
    UNAUTHENTICATED_FRAMES_PER_TURN,
    StreamingProtocol,
)
from tests.recording.test_record import HANDSHAKE, frame
from tests.support.loop_clock import pass_seconds
from tests.support.waiting import until

LONGEST = 100_000


class Ear:
    """An application that diverts audio after the first message, and accepts a set amount at once."""

    def __init__(self) -> None:
        self.audio: list[bytes] = []
        self.others: list[Any] = []
        self.at_most = 10**9
        self.has_room: Any = None
        self.protocol: Any = None
        self.code: int | None = None
        """The code of its close frame, once `may_close` is set; None: the server answers by itself."""
        self.may_close = asyncio.Event()
        self.has_begun = False
        self.may_divert = asyncio.Event()
        """Messages before it wait."""
        self.may_divert.set()

    async def __call__(self, websocket: WebSocket) -> None:
        self.protocol = websocket.scope["extensions"][DIVERT].__self__
        if self.code is not None:
            websocket.scope["extensions"][HOLD_CLOSE]()
        await websocket.accept()
        await websocket.receive_text()
        self.has_begun = True
        await self.may_divert.wait()
        self.has_room = websocket.scope["extensions"][DIVERT](self.take)
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            self.others.append(message.get("text"))
        self.others.append(message["code"])
        if self.code is not None:
            await self.may_close.wait()
            await websocket.close(self.code)

    def take(self, data: bytes) -> bool:
        self.audio.append(bytes(data))
        return len(self.audio) < self.at_most


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def port(ear: Ear) -> AsyncIterator[int]:
    app = Starlette(routes=[WebSocketRoute("/record", ear.__call__)])
    options: dict[str, Any] = {"http": BoundedProtocol, "ws": StreamingProtocol, "ws_max_size": LONGEST}
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", **options))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def opened(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HANDSHAKE.format(basic="").encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


@pytest.mark.parametrize(
    "line",
    ["Content-Length: 5", "Transfer-Encoding: chunked", f"Long: {'x' * 9_000}", "\r\n".join(["Many: x"] * 200)],
    ids=["body", "chunks", "long line", "many lines"],
)
async def test_an_unreadable_handshake_is_refused_at_once_and_holds_no_connection(port: int, line: str) -> None:
    """Such a connection would never end, and a worker accepts only a few thousand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    handshake = HANDSHAKE.format(basic="").removesuffix("\r\n")
    writer.write(f"{handshake}{line}\r\n\r\nhello".encode())
    assert (await asyncio.wait_for(reader.read(), 2)).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    writer.close()


TALK = b"".join(
    [
        frame(0x81, b"first"),
        frame(0x82, b"one" * 5),
        frame(0x82, b""),
        frame(0x81, b"dtmf"),
        frame(0x82, b"2" * 125),
        frame(0x82, b"3" * 126),
        frame(0x89, b"ping"),
        frame(0x02, b"4a"),
        frame(0x8A, b""),
        frame(0x80, b"4b"),
        frame(0x82, b"5" * 640),
        frame(0x88, b"\x03\xe8"),
    ]
)
HEARD = [b"one" * 5, b"", b"2" * 125, b"3" * 126, b"4a4b", b"5" * 640]


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 7, 130, 640, 10_000])
async def test_messages_arrive_whole_and_in_order_however_they_are_split(port: int, ear: Ear, piece: int) -> None:
    reader, writer = await opened(port)
    ear.may_divert.clear()
    for start in range(0, len(TALK), piece):
        writer.write(TALK[start : start + piece])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if not ear.may_divert.is_set() and start + piece >= len(TALK) // 2:
            await until(lambda: ear.has_begun and not ear.protocol.queue.empty())
            ear.may_divert.set()
    assert await asyncio.wait_for(reader.read(), 5) == b"\x8a\x04ping" + b"\x88\x02\x03\xe8"
    writer.close()
    await until(lambda: 1000 in ear.others)
    assert ear.audio == HEARD
    assert ear.others == ["dtmf", 1000]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (b"\x82\x02ab", 1002),  # not masked
        (b"\x89\x00", 1002),
        (frame(0xC2, b"a"), 1002),  # a reserved bit
        (frame(0x83, b"a"), 1002),
        (frame(0x80, b"a"), 1002),  # continues no message
        (frame(0x02, b"a") + frame(0x82, b"b"), 1002),
        (b"\x82\xff" + (LONGEST + 1).to_bytes(8, "big"), 1009),
        (b"\x82\xff" + b"\xff" * 8, 1009),
        (frame(0x02, bytes(60_000)) + frame(0x80, bytes(60_000)), 1009),
        (frame(0x81, b"\xff"), 1007),
    ],
)
async def test_an_invalid_frame_ends_the_connection(port: int, ear: Ear, wrong: bytes, code: int) -> None:
    reader, writer = await opened(port)
    writer.write(frame(0x81, b"first") + frame(0x82, b"good"))
    await until(lambda: ear.audio)
    writer.write(wrong + frame(0x82, b"bad"))
    answer = await asyncio.wait_for(reader.read(), 5)
    assert (answer[0], int.from_bytes(answer[2:4], "big")) == (0x88, code)
    writer.close()
    await until(lambda: ear.others)  # it has received the end
    assert ear.audio == [b"good"]


async def test_the_first_message_is_short_and_the_next_may_be_long_at_once(port: int, ear: Ear) -> None:
    reader, writer = await opened(port)
    writer.write(b"\x81\xff" + (20_000).to_bytes(8, "big") + bytes(4))
    answer = await asyncio.wait_for(reader.read(), 5)
    assert (answer[0], int.from_bytes(answer[2:4], "big")) == (0x88, 1009)
    writer.close()
    reader, writer = await opened(port)
    writer.write(frame(0x81, b"first") + frame(0x82, bytes(50_000)))
    await until(lambda: ear.audio)
    assert ear.audio == [bytes(50_000)]
    writer.close()


async def test_a_paused_sink_gets_no_more_data(port: int, ear: Ear) -> None:
    ear.at_most = 3
    reader, writer = await opened(port)
    writer.write(frame(0x81, b"first"))
    await until(lambda: ear.has_room)
    sent = 0

    async def talk() -> None:
        nonlocal sent
        while True:
            writer.write(frame(0x82, bytes(50_000)))
            sent += 1
            await writer.drain()

    talking = asyncio.create_task(talk())
    await until(
        lambda: len(ear.audio) >= ear.at_most and writer.transport.get_write_buffer_size() > 2**16
    )  # it is paused
    held = len(ear.audio)
    await several_turns()
    assert len(ear.audio) == held < 50
    talking.cancel()
    ear.at_most = 10**9
    ear.has_room()
    writer.write(frame(0x82, b"last") + frame(0x88, b"\x03\xe8"))
    await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert ear.audio[-1] == b"last"
    assert len(ear.audio) - 1 == sent


async def several_turns() -> None:
    """The time in which all allowed frames are parsed."""
    for _ in range(30):
        await pass_seconds(TURN_SECONDS)


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[None]:
    """Grows by one for each such frame."""
    handled: list[None] = []
    handle = getattr(StreamingProtocol, name)

    def count(self: StreamingProtocol, *event: Any) -> None:
        handled.append(None)
        handle(self, *event)

    monkeypatch.setattr(StreamingProtocol, name, count)
    return handled


@pytest.mark.parametrize(
    ("begin", "at_once"), [(b"", UNAUTHENTICATED_FRAMES_PER_TURN), (frame(0x81, b"first"), FRAMES_PER_TURN)]
)
async def test_other_connections_are_served_during_a_flood_of_frames(
    port: int, ear: Ear, monkeypatch: pytest.MonkeyPatch, begin: bytes, at_once: int
) -> None:
    handled = counted(monkeypatch, "handle_pong")
    _, writer = await opened(port)
    writer.write(begin)
    if begin:
        await until(lambda: ear.has_room)
    many, most, before = 40 * at_once, 0, 0
    writer.write(frame(0x8A, b"") * many)
    while len(handled) < many:
        await asyncio.sleep(0)
        most, before = max(most, len(handled) - before), len(handled)
    assert most <= at_once
    writer.close()


async def test_thousands_of_frames_arrive_whole_and_in_order(port: int, ear: Ear) -> None:
    reader, writer = await opened(port)
    ear.at_most = 250
    talk = [number.to_bytes(2, "big") for number in range(3_000)]
    writer.write(frame(0x81, b"first"))
    for number, each in enumerate(talk):
        writer.write(frame(0x82, each) + (frame(0x81, b"%d" % number) if number % 10 == 0 else b""))
    writer.write(frame(0x88, b"\x03\xe8"))
    await until(lambda: len(ear.audio) >= 250)
    await several_turns()
    assert 250 <= len(ear.audio) <= 250 + FRAMES_PER_TURN
    ear.at_most = 10**9
    ear.has_room()
    assert (await asyncio.wait_for(reader.read(), 5))[0] == 0x88
    writer.close()
    await until(lambda: 1000 in ear.others)
    assert ear.audio == talk
    assert ear.others == [*(str(number) for number in range(0, 3_000, 10)), 1000]


async def test_unreceived_messages_stop_the_parsing_of_further_ones(port: int, ear: Ear) -> None:
    _, writer = await opened(port)
    writer.write(frame(0x81, b"first") + frame(0x81, b"another") * 3_000)
    waiting = 0
    await until(lambda: ear.others)
    while len(ear.others) < 3_000:
        await asyncio.sleep(0)
        if len(ear.others) + ear.protocol.queue.qsize() < 3_000:
            assert not ear.protocol.transport.is_reading()
        waiting = max(waiting, ear.protocol.queue.qsize())
    assert 0 < waiting <= 2 * FRAMES_PER_TURN
    writer.close()


async def test_only_the_newest_ping_of_a_client_that_does_not_read_is_answered(
    port: int, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    pings = counted(monkeypatch, "handle_ping")
    reader, writer = await opened(port)
    writer.write(frame(0x81, b"first"))
    await until(lambda: ear.has_room)
    ear.protocol.pause_writing()
    writer.write(b"".join(frame(0x89, b"%04d" % number) for number in range(300)))
    await until(lambda: len(pings) == 300)
    ear.protocol.resume_writing()
    writer.write(frame(0x88, b"\x03\xe8"))
    assert await asyncio.wait_for(reader.read(), 5) == b"\x8a\x040299" + b"\x88\x02\x03\xe8"
    writer.close()


async def test_a_message_in_endless_pieces_takes_no_more_memory_than_its_text(
    port: int, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = counted(monkeypatch, "handle_cont")
    _, writer = await opened(port)
    writer.write(frame(0x81, b"first") + frame(0x01, b"a") + (frame(0x00, b"") + frame(0x00, b"b")) * 1_000)
    await until(lambda: len(pieces) == 2_000)
    assert len(ear.protocol.frames) <= FRAMES_PER_TURN
    writer.write(frame(0x80, b"c"))
    await until(lambda: ear.others)
    assert ear.others == [f"a{'b' * 1_000}c"]
    writer.close()


# Close frames that the application answers.

CLOSE, NORMAL = frame(0x88, b"\x03\xe8"), b"\x03\xe8"


@pytest.mark.parametrize("piece", [1, 3, 10_000])
async def test_a_close_is_answered_by_the_application_with_its_code(port: int, ear: Ear, piece: int) -> None:
    ear.code = 1013
    reader, writer = await opened(port)
    sent = frame(0x81, b"first") + frame(0x82, b"audio") + CLOSE + frame(0x82, b"after")
    for start in range(0, len(sent), piece):
        writer.write(sent[start : start + piece])
        await asyncio.sleep(0)
    await until(lambda: ear.others)
    assert (ear.audio, ear.others) == ([b"audio"], [1000])
    assert not reader._buffer, "answered before the application did"  # type: ignore[attr-defined]
    ear.may_close.set()
    assert await asyncio.wait_for(reader.read(), 5) == b"\x88\x02" + (1013).to_bytes(2, "big")
    writer.close()


@pytest.mark.parametrize(
    ("payload", "code"), [(b"\x03", 1002), (b"\x03\xe7", 1002), (NORMAL + b"\xff", 1007)], ids=["short", "999", "text"]
)
async def test_an_invalid_close_frame_is_answered_at_once(port: int, ear: Ear, payload: bytes, code: int) -> None:
    ear.code = 1013
    reader, writer = await opened(port)
    writer.write(frame(0x81, b"first") + frame(0x88, payload))
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer[2:4] == code.to_bytes(2, "big")
    ear.may_close.set()
    writer.close()
