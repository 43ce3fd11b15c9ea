"""A cheap HTTP client on raw keep-alive streams, so that CPU goes to the server and not to the client."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

CONNECTIONS = 4
# The beginning of a response. Our server writes `errors` first.
DATA, ERRORS = b'{"data":', b'{"errors":'


def request(port: int, key: str, body: bytes, *, headers: str = "") -> bytes:
    """A POST to /graphql, ready to be sent."""
    head = f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


class Connection:
    """One connection with sequential requests."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> "Connection":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**24)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()

    async def ask(self, raw: bytes) -> tuple[int, bytes]:
        """Sends a request; returns status and body."""
        self.writer.write(raw)
        return await self.answer()

    async def answer(self) -> tuple[int, bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(head[9:12]), await self.reader.readexactly(length)


@dataclass(frozen=True)
class Load:
    """The result of a load; times in seconds."""

    seconds: float
    waits: list[float]

    @property
    def count(self) -> int:
        return len(self.waits)


async def load(
    port: int, raws: Sequence[bytes], seconds: float, *, connections: int = CONNECTIONS, expected: bytes = DATA
) -> Load:
    """Keeps connections busy. Each repeats its own requests, so that no two update the same row at once.

    Raises AssertionError for an answer that is not 200 or does not begin as expected.
    """
    waits: list[float] = []
    begun = time.perf_counter()
    end = begun + seconds

    async def one(number: int) -> None:
        async with Connection(port) as connection:
            sent = time.perf_counter()
            while sent < end:
                status, body = await connection.ask(raws[number % len(raws)])
                answered = time.perf_counter()
                waits.append(answered - sent)
                assert status == 200, status
                assert body.startswith(expected), body[:300]
                number += connections
                sent = answered

    await asyncio.gather(*(one(number) for number in range(connections)))
    return Load(time.perf_counter() - begun, waits)


@dataclass
class Bystander:
    """A second client that sends small requests all the time and measures its waits."""

    port: int
    raw: bytes
    waits: list[float] = field(default_factory=list)

    async def run(self) -> None:
        """Sends requests until it is cancelled."""
        async with Connection(self.port) as connection:
            while True:
                begun = time.perf_counter()
                status, _ = await connection.ask(self.raw)
                self.waits.append(time.perf_counter() - begun)
                assert status == 200, status
                await asyncio.sleep(0.002)

    def take(self) -> list[float]:
        """The waits since the last call, in seconds."""
        taken, self.waits = self.waits, []
        return taken
