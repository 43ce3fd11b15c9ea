"""Slots of connections on real sockets: silent ones are evicted for new ones, and probes are always answered."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from app.foundation.networks import TrustedProxies
from app.foundation.settings import Settings
from app.server.transport import http as connections
from app.server.transport import serve
from app.server.transport.http import OVERLOADED, BoundedProtocol
from app.server.transport.waiting_connections import WaitingConnections
from app.server.transport.websocket import StreamingProtocol
from tests.support.waiting import until

HALF = b"GET / HTTP/1.1\r\nHost:"
REST = b" a\r\n\r\n"
GET = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n"
UPGRADE = (
    b"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disables the timers, so that no connection ends on a slow machine."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 600.0)
    monkeypatch.setattr(connections, "DRAIN_SECONDS", 600.0)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, request: bytes) -> int:
        """The status of the response."""
        self.writer.write(request)
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        return int(head.split(b" ", 2)[1])

    async def is_closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(1), 10) == b""


class Worker:
    """A server, and the event that its requests to `/busy` wait for."""

    def __init__(self, slots: WaitingConnections) -> None:
        self.slots = slots
        self.done = asyncio.Event()
        self.port = 0
        self.state: Any = None

    async def busy(self, _: Request) -> PlainTextResponse:
        await self.done.wait()
        return PlainTextResponse("done")

    async def until_busy(self, count: int) -> None:
        while len(self.state.tasks) < count:
            await asyncio.sleep(0)

    async def until_unread(self) -> None:
        while not any(connection.flow.write_paused for connection in self.state.connections):
            await asyncio.sleep(0)

    @asynccontextmanager
    async def client(self, address: str = "127.0.0.1", first: bytes = b"") -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        writer.write(first)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()


async def _at_once(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok", 503 if OVERLOADED in request.scope else 200)


async def _large(_: Request) -> PlainTextResponse:
    return PlainTextResponse("x" * 20_000_000)  # more than the kernel buffers for a client that does not read


async def _body(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive()


@asynccontextmanager
async def serving_with(slots: WaitingConnections, limit: int | None = None) -> AsyncIterator[Worker]:
    worker = Worker(slots)
    routes = [Route(path, _at_once, methods=["GET", "POST"]) for path in ("/", "/healthz", "/readyz")]
    routes += [Route("/busy", worker.busy), Route("/large", _large), Route("/body", _body, methods=["POST"])]
    app = Starlette(routes=[*routes, WebSocketRoute("/socket", _socket)])
    http: Any = partial(BoundedProtocol, slots=slots)
    options: dict[str, Any] = {"timeout_keep_alive": 600, "timeout_graceful_shutdown": 1}
    options |= {"log_config": None, "lifespan": "off"}
    config = uvicorn.Config(app, port=0, http=http, ws=StreamingProtocol, limit_concurrency=limit, **options)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    worker.port, worker.state = server.servers[0].sockets[0].getsockname()[1], server.server_state
    try:
        yield worker
    finally:
        worker.done.set()
        server.should_exit = True
        await task


def slots_of(maximum: int, of_address: int, proxies: Iterable[str] = ()) -> WaitingConnections:
    return WaitingConnections(maximum, of_address, TrustedProxies(proxies))


@asynccontextmanager
async def opened(clients: Iterable[AbstractAsyncContextManager[Client]]) -> AsyncIterator[list[Client]]:
    async with AsyncExitStack() as held:
        yield [await held.enter_async_context(client) for client in clients]


async def test_a_connection_that_was_just_answered_is_evicted_after_one_that_waits_longer() -> None:
    """A proxy's connection may be old, with its next request about to arrive."""
    async with (
        serving_with(slots_of(100, 2)) as worker,
        opened(worker.client() for _ in range(2)) as (pooled, silent),
    ):
        assert await pooled.ask(GET % b"/") == 200
        async with worker.client() as newcomer:
            assert await newcomer.ask(GET % b"/") == 200
            assert await silent.is_closed()
            assert (await pooled.reader.readexactly(2), await pooled.ask(GET % b"/")) == (b"ok", 200)


@pytest.mark.parametrize("first", [b"", HALF, b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1"])
async def test_a_new_connection_evicts_the_oldest_waiting_one_of_its_address(first: bytes) -> None:
    async with (
        serving_with(slots_of(100, 5)) as worker,
        opened(worker.client(first=first) for _ in range(5)) as held,
        worker.client() as newcomer,
    ):
        assert await newcomer.ask(GET % b"/") == 200
        assert await held[0].is_closed()
        for other in held[1:]:
            rest = {b"": GET % b"/", HALF: REST}.get(first, b"23456789")
            assert await other.ask(rest) == 200


async def test_thousands_of_incomplete_requests_of_one_address_delay_no_other_client() -> None:
    async with (
        serving_with(slots_of(60, 30), limit=60) as worker,
        opened(worker.client(first=HALF) for _ in range(150)),
    ):
        for address in ("127.0.0.1", "127.0.0.2"):
            async with worker.client(address) as other:
                assert await other.ask(GET % b"/") == 200
        assert len(worker.state.connections) <= 30 + 2


async def test_incomplete_requests_of_many_addresses_are_evicted_for_a_new_one() -> None:
    addresses = [f"127.0.1.{number}" for number in range(1, 11)]
    async with serving_with(slots_of(20, 10), limit=40) as worker, worker.client("127.0.0.2") as older:
        assert await older.ask(GET % b"/") == 200
        async with opened(worker.client(address, HALF) for address in addresses * 5):
            async with worker.client("127.0.0.3") as newcomer:
                assert await newcomer.ask(GET % b"/") == 200
            # A connection of the address with the most connections is closed, not the oldest of all.
            assert await older.ask(GET % b"/") == 200


async def test_a_client_that_does_not_read_is_evicted_when_no_connection_waits() -> None:
    async with (
        serving_with(slots_of(2, 2)) as worker,
        worker.client(first=GET % b"/large") as unread,
        opened([worker.client(first=HALF)]) as waiting,
    ):
        await worker.until_unread()
        async with worker.client(first=GET % b"/busy"), worker.client() as newcomer:
            assert await waiting[0].is_closed()
            await worker.until_busy(1)
            assert await newcomer.ask(GET % b"/") == 200
            with pytest.raises(ConnectionResetError):
                await unread.reader.read()


async def test_probes_are_answered_when_all_slots_are_busy() -> None:
    async with serving_with(slots_of(4, 4), limit=100) as worker, opened(worker.client() for _ in range(4)) as held:
        for client in held:
            client.writer.write(GET % b"/busy")
        await worker.until_busy(4)
        for path, status in ((b"/", 503), (b"/healthz", 200), (b"/readyz", 200)):
            async with worker.client() as other:
                assert await other.ask(GET % path) == status
        worker.done.set()
        for client in held:
            assert await client.ask(b"") == 200


async def test_probes_are_answered_beyond_the_concurrency_limit() -> None:
    async with serving_with(slots_of(100, 100), limit=3) as worker, opened(worker.client() for _ in range(3)):
        for path, status in ((b"/", 503), (b"/healthz", 200), (b"/readyz", 200)):
            async with worker.client() as other:
                assert await other.ask(GET % path) == status


async def test_connections_of_a_trusted_proxy_are_not_limited_by_address() -> None:
    slots = slots_of(100, 2, ["127.0.0.0/31"])
    async with serving_with(slots) as worker, opened(worker.client(first=HALF) for _ in range(20)) as held:
        for client in held:
            assert await client.ask(REST) == 200


async def test_websockets_hold_no_slot_of_requests() -> None:
    async with serving_with(slots_of(100, 2)) as worker, AsyncExitStack() as held:
        clients = []
        for _ in range(10):
            clients.append(await held.enter_async_context(worker.client()))
            assert await clients[-1].ask(UPGRADE) == 101
        assert not worker.slots._network_of
        for client in clients:
            client.writer.write(b"\x89\x80abcd")  # a ping
            assert await client.reader.readexactly(2) == b"\x8a\x00"


async def test_closed_connections_release_their_slots() -> None:
    async with serving_with(slots_of(100, 2)) as worker:
        for _ in range(5):
            async with worker.client() as one, worker.client(first=HALF) as two:
                assert await one.ask(GET % b"/") == 200
                assert await two.ask(REST) == 200
            while worker.state.connections:
                await asyncio.sleep(0)
        assert (worker.slots._by_network, worker.slots._network_of) == ({}, {})


async def test_an_unread_body_is_not_kept_in_memory() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n"
    async with serving_with(slots_of(100, 100)) as worker, worker.client() as client:
        assert await client.ask(head + bytes(50_000)) == 200
        (connection,) = worker.state.connections
        assert not connection._current.body


class _Holder:
    """A connection without a network."""

    is_waiting, is_unread = True, False

    def __init__(self) -> None:
        self.is_evicted = False

    def evict(self) -> None:
        self.is_evicted = True


@pytest.mark.parametrize(
    ("address", "is_same"),
    [("2001:db8:1:2::", True), ("2001:db8:1:3::", False), ("::ffff:192.0.2.", False), ("192.0.2.", False)],
)
def test_an_ipv6_network_counts_as_one_address(address: str, *, is_same: bool) -> None:
    slots, holders = slots_of(100, 3), [_Holder() for _ in range(4)]
    for number, holder in enumerate(holders, 1):
        assert slots.enter(holder, f"{address if number < 4 or is_same else '2001:db8:9::'}{number}")
    assert [holder.is_evicted for holder in holders] == [is_same and number == 0 for number in range(4)]


def test_the_server_has_the_settings_slots() -> None:
    made = serve._protocol(Settings(connections_per_address=7, trusted_proxies=["192.0.2.1"]))
    slots = made.keywords["slots"]
    assert (slots._maximum, slots._maximum_per_network) == (1_000, 7)
    assert "192.0.2.1" in slots._trusted_proxies
