"""Cheap streaming gateways, many in one process: frames are made once and written as they are."""

import asyncio
import base64
import json
import os
import time
from dataclasses import dataclass

FRAME_SECONDS = 0.02


@dataclass
class Streams:
    """Open calls that all get the same audio, in real time or faster."""

    port: int
    key: str
    account: str
    sample_rate: int = 8_000
    name: str = "bench"

    def __post_init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []
        self._drains: list[asyncio.Task[None]] = []

    async def open(self, count: int) -> None:
        """Opens more calls, some at a time."""
        for begin in range(0, count, 20):
            some = range(begin, min(begin + 20, count))
            await asyncio.gather(*(self._open(f"{self.name}-{len(self._writers) + number}") for number in some))

    async def send(self, audio: bytes, seconds: float, times_real_time: int = 1) -> None:
        """Sends the audio in a loop; a late frame does not cause another to be skipped."""
        size = round(self.sample_rate * FRAME_SECONDS) * 4 * times_real_time
        frames = [_frame(0x2, audio[at : at + size]) for at in range(0, len(audio) - size + 1, size)]
        begun = time.monotonic()
        for number in range(round(seconds / FRAME_SECONDS)):
            frame = frames[number % len(frames)]
            for position, writer in enumerate(self._writers):
                writer.write(frame)
                if position % 50 == 49:
                    await asyncio.sleep(0)
            await asyncio.sleep(max(0, begun + (number + 1) * FRAME_SECONDS - time.monotonic()))

    async def close(self) -> None:
        for writer in self._writers:
            writer.write(_frame(0x8, (1000).to_bytes(2, "big")))
        await asyncio.gather(*self._drains)
        for writer in self._writers:
            writer.close()
        self._writers.clear()
        self._drains.clear()

    async def _open(self, call: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [
            "GET /record HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: Bearer {self.key}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Protocol: audio.jambonz.org",
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        first = {"callSid": call, "accountSid": self.account, "sampleRate": self.sample_rate}
        writer.write(_frame(0x1, json.dumps(first).encode()))
        self._writers.append(writer)
        self._drains.append(asyncio.create_task(_until_closed(reader, writer)))


async def _until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers pings until the server closes the stream. Reports the reason of an abnormal close (RFC 6455, 5.5)."""
    while True:
        operation, length = await reader.readexactly(2)
        payload = await reader.readexactly(length)
        if operation == 0x88:
            assert payload[:2] == (1000).to_bytes(2, "big"), payload
            return
        assert operation == 0x89, (operation, payload)
        writer.write(_frame(0xA, payload))


def _frame(operation: int, payload: bytes) -> bytes:
    """A client's frame (RFC 6455, 5.2), masked with zeros, which leave the payload unchanged."""
    head = bytes([0x80 | operation])
    if len(payload) < 126:
        return head + bytes([0x80 | len(payload)]) + bytes(4) + payload
    if len(payload) < 65_536:
        return head + bytes([0x80 | 126]) + len(payload).to_bytes(2, "big") + bytes(4) + payload
    return head + bytes([0x80 | 127]) + len(payload).to_bytes(8, "big") + bytes(4) + payload
