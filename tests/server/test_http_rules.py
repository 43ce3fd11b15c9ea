"""Rules of HTTP, over a real socket: hosts, upgrades, and unknown paths."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from tests.support.installation import Installation
from tests.support.websocket_clients import served

UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


@pytest.fixture
async def port(installation: Installation) -> AsyncIterator[int]:
    async with served(installation) as port:
        yield port


async def asked(port: int, line: str, headers: str) -> tuple[int, str, str]:
    """The status, the head and the error message of a response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{line}\r\n{headers}\r\n".encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()
        length = int(head.lower().partition("content-length:")[2].split()[0])
        body = await reader.readexactly(length)
    finally:
        writer.close()
    errors = orjson.loads(body).get("errors", []) if body[:1] == b"{" else []
    if errors:
        assert errors[0]["extensions"]["requestId"] in head
        assert "application/json" in head
    return int(head.split()[1]), head, "".join(error["message"] for error in errors)


@pytest.mark.parametrize("path", ["/", "/nothing", "/graphql/", "/healthz", "/recordings/a/b"])
async def test_there_is_no_websocket_at_an_unknown_address(port: int, path: str) -> None:
    status, _, message = await asked(port, f"GET {path} HTTP/1.1", f"Host: a\r\n{UPGRADE}")
    assert (status, message) == (404, "There is nothing at this address.")


async def test_an_unknown_address_is_404_without_a_websocket_too(port: int) -> None:
    status, _, message = await asked(port, "GET /nothing HTTP/1.1", "Host: a\r\n")
    assert (status, message) == (404, "There is nothing at this address.")


@pytest.mark.parametrize("path", ["/record", "/record/aws_s3"])
async def test_the_recording_address_asks_for_an_upgrade(port: int, path: str) -> None:
    status, head, message = await asked(port, f"GET {path} HTTP/1.1", "Host: a\r\n")
    assert (status, message) == (426, "This address is a WebSocket: connect with Upgrade: websocket.")
    assert "upgrade: websocket\r\n" in head.lower()


@pytest.mark.parametrize("path", ["/healthz", "/graphql", "/nothing"])
@pytest.mark.parametrize("headers", ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nX: y\r\nhost: b\r\n"])
@pytest.mark.parametrize("upgrade", ["", UPGRADE])
async def test_http_1_1_requires_one_host(port: int, path: str, headers: str, upgrade: str) -> None:
    status, _, message = await asked(port, f"GET {path} HTTP/1.1", headers + upgrade)
    assert (status, message) == (400, "Send exactly one Host header, as HTTP/1.1 requires.")


@pytest.mark.parametrize(("headers", "status"), [("", 200), ("Host: a\r\n", 200), ("Host: a\r\nHost: b\r\n", 400)])
async def test_http_1_0_allows_at_most_one_host(port: int, headers: str, status: int) -> None:
    assert (await asked(port, "GET /healthz HTTP/1.0", headers))[0] == status


async def test_spaces_around_a_content_length_are_ignored(port: int) -> None:
    body = '{"query": "{ __typename }"}'
    headers = f"Host: a\r\nContent-Type: application/json\r\nContent-Length:  {len(body)} \r\n\r\n{body}"
    status, _, message = await asked(port, "POST /graphql HTTP/1.1", headers)
    assert (status, message) == (200, "")
