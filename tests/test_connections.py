"""Connections of a real server: a head that never ends, and silence."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app import connections
from app.connections import MAXIMUM_HEAD_BYTES, BoundedProtocol


async def _length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server whose connections are bounded; it answers how long a body was."""
    app = Starlette(routes=[Route("/", _length, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=BoundedProtocol, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


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


async def test_a_large_body_is_no_large_head(port: int) -> None:
    body = b"x" * 200_000
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n"
    assert (await said(port, head + body)).endswith(b"200000")


async def test_requests_one_after_another_each_have_a_head_of_their_own(port: int) -> None:
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


async def test_silence_is_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    assert await said(port) == b""
    assert await said(port, b"POST / HTTP/1.1\r\nHost:") == b""


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\n"


async def test_a_body_that_never_begins_is_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_a_body_that_has_begun_may_take_longer_than_a_head(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"ab")
    await asyncio.sleep(0.4)
    writer.write(b"cd")
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"4")
    writer.close()


def test_the_server_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from app import serving

    asked = SimpleNamespace(options={})
    monkeypatch.setattr(serving.uvicorn, "run", lambda *_, **options: asked.options.update(options))
    monkeypatch.setattr(serving, "check_port", lambda _: None)
    serving.listen(SimpleNamespace(host="127.0.0.1", port=1, workers=1, log_level="ERROR"))  # type: ignore[arg-type]
    assert asked.options["http"] is BoundedProtocol
