"""Connections of a real server: endless heads and trailers, silence, and unread responses."""

import asyncio
import pickle
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn.config import STARTUP_FAILURE

from app.server.transport import http as connections
from app.server.transport import serve
from app.server.transport.http import (
    DRAIN_BYTES,
    DRAIN_SECONDS,
    HEAD_SECONDS,
    MAXIMUM_CHUNKS,
    MAXIMUM_HEAD_BYTES,
    MAXIMUM_PIPELINED,
    BoundedProtocol,
)
from app.server.transport.websocket import StreamingProtocol
from tests.support.loop_clock import pass_seconds
from tests.support.waiting import until

LARGE = 4_000_000
"""More than the kernel buffers for a client that does not read."""


async def _length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def _early(_: Request) -> PlainTextResponse:
    return PlainTextResponse("early")


async def _large(_: Request) -> PlainTextResponse:
    return PlainTextResponse("x" * LARGE)


async def _patient(request: Request) -> PlainTextResponse:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    request.app.state.disconnected.append(request.url.query)
    return PlainTextResponse("no response")


async def _names(request: Request) -> PlainTextResponse:
    await request.body()
    return PlainTextResponse(" ".join(request.headers))


@pytest.fixture
def disconnected() -> list[str]:
    """The requests to `/patient` that know that their client has disconnected."""
    return []


class Watched(BoundedProtocol):
    """Counts the bytes that the server has read."""

    taken = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        Watched.taken += len(data)


async def taken(count: int) -> None:
    await until(lambda: Watched.taken >= count)


@pytest.fixture
async def server(disconnected: list[str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[uvicorn.Server]:
    """A server with limited connections; it responds with the length of the body, at once, or with a large body."""
    app = Starlette(
        routes=[
            Route("/", _length, methods=["POST"]),
            Route("/early", _early, methods=["POST"]),
            Route("/large", _large),
            Route("/names", _names, methods=["POST"]),
            Route("/patient", _patient),
        ]
    )
    app.state.disconnected = disconnected
    monkeypatch.setattr(Watched, "taken", 0)
    # A connection that is still held fails its test, and does not block the others.
    options: dict[str, Any] = {"log_config": None, "lifespan": "off", "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=Watched, ws=StreamingProtocol, **options))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield server
    server.should_exit = True
    await task


@pytest.fixture
def port(server: uvicorn.Server) -> int:
    found: int = server.servers[0].sockets[0].getsockname()[1]
    return found


async def until_unread(server: uvicorn.Server) -> None:
    """Waits until the server has unread data for a client."""
    await until(lambda: any(getattr(each, "is_unread", False) for each in server.server_state.connections))


async def said(port: int, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(4096), 5)
    except ConnectionResetError:
        return b"reset"
    finally:
        writer.close()


@pytest.mark.parametrize("start", [b"POST / HTTP/1.1\r\nHost: a\r\nX: ", b"POST /?", b"POST / HTTP/1.1\r\n"])
async def test_a_head_that_never_ends_is_refused(port: int, start: bytes) -> None:
    endless = b"y: y\r\n" * 10_000 if start.endswith(b"\n") else b"y" * (MAXIMUM_HEAD_BYTES + 1)
    answer = await said(port, start + endless)
    assert answer == b"reset" or b" 431 " in answer


async def test_a_large_body_does_not_count_as_a_head(port: int) -> None:
    body = b"x" * 200_000
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n"
    assert (await said(port, head + body)).endswith(b"200000")


async def test_successive_requests_have_separate_head_limits(port: int) -> None:
    one = b"POST / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20_000 + b"\r\nContent-Length: 2\r\n\r\nab"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(4):
        writer.write(one)
        await writer.drain()
        assert b" 200 " in await reader.readline()
        while (await reader.readline()).strip() != b"":
            pass
        assert await reader.readexactly(1) == b"2"
    writer.close()


CHUNKED = b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("path", [b"/", b"/early"])
@pytest.mark.parametrize("start", [b"1\r\na\r\n0\r\n", b"1\r\na\r\n0\r\nX: ", b"1\r\na\r\n1;", b"1;"])
async def test_endless_trailers_and_chunk_extensions_are_refused(port: int, path: bytes, start: bytes) -> None:
    endless = b"y: y\r\n" * 400 if start.endswith(b"\n") else b"y" * 2_400
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(CHUNKED % path + start)
    try:
        async with asyncio.timeout(5):
            for _ in range(40):
                writer.write(endless)
                await writer.drain()
            answer = await reader.read()
        assert b" 431 " in answer
    except ConnectionResetError:
        pass
    finally:
        writer.close()


async def test_a_slow_chunked_body_does_not_count_as_a_head(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head, chunk = (
        CHUNKED.replace(b"Host: a", b"Host: a\r\nConnection: close") % b"/",
        b"4e20\r\n" + b"x" * 20_000 + b"\r\n",
    )
    writer.write(head)
    for number in range(1, 7):
        writer.write(chunk)
        await taken(len(head) + number * len(chunk))
        await pass_seconds(HEAD_SECONDS / 2)
    writer.write(b"0\r\nX: y\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"120000")
    writer.close()


@pytest.mark.parametrize("path", [b"/", b"/early"])
@pytest.mark.parametrize("start", [b"1\r\na\r\n0\r\nX:", b"1\r\na\r\n", b"0\r\n"])
async def test_the_time_to_the_next_chunk_is_limited(
    port: int, monkeypatch: pytest.MonkeyPatch, path: bytes, start: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(CHUNKED % path + start)
    assert b" 431 " not in await asyncio.wait_for(reader.read(), 3)
    writer.close()


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (CHUNKED % b"/early", b"1\r\na\r\n"),
        (b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n", b"a"),
        (b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", b"\r\n"),
    ],
)
async def test_the_rest_of_an_answered_request_has_a_time_limit(port: int, head: bytes, drop: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    assert b"early" in await reader.read(4096)
    ended = asyncio.create_task(reader.read())
    for number in range(1, 5):
        writer.write(drop)
        await taken(len(head) + number * len(drop))
        await pass_seconds(HEAD_SECONDS / 4)
    await asyncio.wait([ended], timeout=HEAD_SECONDS / 2)
    assert ended.done()
    ended.exception()
    writer.close()


async def test_trailers_do_not_become_headers(port: int) -> None:
    whole = CHUNKED % b"/names" + b"1\r\na\r\n0\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n"
    assert (await said(port, whole)).endswith(b"host transfer-encoding")


def unread(port: int) -> socket.socket:
    """A client with a small receive buffer."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    return client


GET = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"


def is_hung_up_on(client: socket.socket) -> bool:
    """Whether the server has closed, without reading."""
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED


_ESTABLISHED = 1


@pytest.mark.parametrize("head", [GET, GET * 3, GET.replace(b"Host", b"Connection: close\r\nHost")])
async def test_unread_responses_do_not_accumulate(server: uvicorn.Server, port: int, head: bytes) -> None:
    client = unread(port)
    client.send(head)
    await until_unread(server)
    await pass_seconds(DRAIN_SECONDS - 5)
    assert not is_hung_up_on(client)
    await pass_seconds(5)
    await until(lambda: is_hung_up_on(client), seconds=DRAIN_SECONDS / 2)
    client.close()


async def test_a_slowly_read_response_is_sent_completely(port: int) -> None:
    client, loop, received = unread(port), asyncio.get_running_loop(), 0
    client.send(GET.replace(b"Host", b"Connection: close\r\nHost"))
    while piece := await loop.sock_recv(client, 200_000):
        received += len(piece)
        await pass_seconds(len(piece) / DRAIN_BYTES * DRAIN_SECONDS / 4)
    assert received > LARGE
    client.close()


async def test_too_many_pipelined_requests_are_refused(port: int) -> None:
    one = b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(one * MAXIMUM_PIPELINED)
    answers = await asyncio.wait_for(reader.readuntil(b"early"), 5)
    while answers.count(b" 200 ") < MAXIMUM_PIPELINED:
        answers += await asyncio.wait_for(reader.read(4096), 5)
    writer.close()
    answer = await said(port, one * 1_000)
    assert answer == b"reset" or (b" 400 " in answer and b" 200 " not in answer)


async def test_a_body_in_too_many_chunks_is_refused_before_they_are_parsed(port: int) -> None:
    chunk = b"1\r\na\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(CHUNKED.replace(b"Host: a", b"Host: a\r\nConnection: close") % b"/")
    writer.write(chunk * (MAXIMUM_CHUNKS - 1) + b"0\r\n\r\n")
    whole = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    answer = await said(port, CHUNKED % b"/" + chunk * (MAXIMUM_CHUNKS + 1))
    assert b" 200 " in whole
    assert answer == b"reset" or (b" 400 " in answer and b" 200 " not in answer)


async def test_a_pipelined_request_learns_that_its_client_has_disconnected(port: int, disconnected: list[str]) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    requests = b"".join(b"GET /patient?%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(3))
    writer.write(requests)
    await taken(len(requests))
    writer.close()
    await until(lambda: disconnected)
    await until(lambda: not _requests())
    assert disconnected == ["0"]


UPGRADE = (
    b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def test_no_request_hangs_when_its_connection_upgrades_to_a_websocket(server: uvicorn.Server, port: int) -> None:
    client = unread(port)
    client.send(GET)
    await until_unread(server)
    await until(lambda: not _requests())
    client.send(GET)  # waits for buffer space
    await until(_requests)
    client.send(UPGRADE)
    await taken(len(GET + GET + UPGRADE))
    client.close()
    await until(lambda: not _requests(), seconds=5)


async def test_a_connection_upgrades_only_after_all_responses(port: int) -> None:
    """The response would be written between the frames, and be buffered without a limit for a client that does not read."""
    assert await said(port, b"GET /patient HTTP/1.1\r\nHost: a\r\n\r\n" + UPGRADE) in (b"", b"reset")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"early"), 5)
    writer.write(UPGRADE)
    assert b" 403 " in await asyncio.wait_for(reader.read(), 5)
    writer.close()


def _requests() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if "run_asgi" in repr(task.get_coro())]


async def test_a_silent_connection_is_closed_in_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    assert await said(port) == b""
    assert await said(port, b"POST / HTTP/1.1\r\nHost:") == b""


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\n"


async def test_the_time_to_the_begin_of_a_body_is_limited(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    assert b" 200 " not in await said(port, HEAD)
    # On a connection that has answered before.
    whole = HEAD.replace(b"Connection: close\r\n", b"") + b"abcd"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(whole)
        assert b" 200 " in await reader.readline()
        writer.write(HEAD)
        assert b" 200 " not in await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_100_continue_is_sent_before_the_response(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD.replace(b"Host", b"Expect: 100-continue\r\nHost"))
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"abcd")
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n4")
    writer.close()


async def test_a_response_without_a_body_has_its_head(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):  # the connection is kept
        writer.write(b"HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"content-length: %d\r\n" % LARGE in head
    writer.close()


async def test_a_body_that_has_begun_may_take_longer_than_a_head(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"ab")
    await taken(len(HEAD) + 2)
    await pass_seconds(3 * HEAD_SECONDS)
    writer.write(b"cd")
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"4")
    writer.close()


def settings_of(workers: int) -> Any:
    of_sockets = {"recording_streams": 500, "live_connections": 700, "connections_per_address": 7}
    of_addresses = {"host": "127.0.0.1", "port": 1, "listens_everywhere": False, "trusted_proxies": []}
    return SimpleNamespace(workers=workers, log_level="ERROR", database_display_name="", **of_addresses, **of_sockets)


def test_the_server_uses_the_limited_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[uvicorn.Config] = []
    monkeypatch.setattr(serve, "_serve_alone", served.append)
    monkeypatch.setattr(serve, "check_port", lambda _: None)
    serve.listen(settings_of(workers=1))
    [config] = served
    http: Any = config.http
    assert http.func is BoundedProtocol
    # A worker process gets the protocol from its supervisor.
    assert pickle.loads(pickle.dumps(http)).keywords["slots"]._maximum_per_network == 7
    assert config.ws is StreamingProtocol
    # Streams and subscriptions take no slot of a request, and the limit of open files includes them.
    assert config.limit_concurrency == 2_200
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 3_700


@pytest.mark.parametrize(("could_not_start", "code"), [(True, STARTUP_FAILURE), (False, None)])
def test_the_server_fails_when_its_workers_cannot_start(
    monkeypatch: pytest.MonkeyPatch, could_not_start: bool, code: int | None
) -> None:
    """Otherwise a service manager that restarts failed services would not restart it."""
    ended = SimpleNamespace(run=lambda: None, could_not_start=could_not_start)
    monkeypatch.setattr(serve, "Supervisor", lambda *_: ended)
    monkeypatch.setattr(serve, "check_port", lambda _: None)
    monkeypatch.setattr(uvicorn.Config, "bind_socket", lambda _: None)
    with pytest.raises(SystemExit) if code else nullcontext() as exited:
        serve.listen(settings_of(workers=2))
    assert (exited.value.code if exited else None) == code
