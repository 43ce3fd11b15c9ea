"""The origins that may call, and the proxies whose forwarded headers are used."""

import asyncio
import json

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.server.test_metrics import metrics, number
from tests.support.installation import Installation, Person
from tests.support.websocket_clients import served

ORIGIN = "https://portal.example.com"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}
ASK = {"query": "{ __typename }"}


def cors(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


async def test_no_origin_is_allowed_by_default(installation: Installation) -> None:
    answered = await installation.client.post("/graphql", json=ASK, headers={"Origin": ORIGIN})
    assert cors(answered) == {}
    assert cors(await installation.client.options("/graphql", headers=PREFLIGHT)) == {}


@pytest.mark.settings(allowed_origins=[ORIGIN])
async def test_an_allowed_origin_may_send_keys_and_read_responses(installation: Installation) -> None:
    preflight = await installation.client.options("/graphql", headers=PREFLIGHT)
    assert preflight.status_code == 200
    allowed = cors(preflight)
    assert allowed["access-control-allow-origin"] == ORIGIN
    assert allowed["access-control-allow-methods"] == "GET, HEAD, POST"
    assert {"authorization", "content-type"} <= set(allowed["access-control-allow-headers"].lower().split(", "))
    # Keys are sent as headers. Cookies are never used, so credentials are not allowed.
    assert "access-control-allow-credentials" not in allowed
    answered = await installation.client.post("/graphql", json=ASK, headers={"Origin": ORIGIN})
    assert cors(answered)["access-control-allow-origin"] == ORIGIN
    exposed = cors(answered)["access-control-expose-headers"].lower().split(", ")
    assert {"x-request-id", "retry-after", "content-disposition", "content-range", "etag"} <= set(exposed)
    assert "origin" in answered.headers["vary"].lower()


@pytest.mark.settings(allowed_origins=[ORIGIN])
async def test_an_allowed_origin_may_send_head_for_a_recording(installation: Installation) -> None:
    asked = {"Access-Control-Request-Method": "HEAD", "Access-Control-Request-Headers": "authorization,if-none-match"}
    preflight = await installation.client.options(f"/recordings/CA{'0' * 32}", headers={"Origin": ORIGIN, **asked})
    assert preflight.status_code == 200, preflight.text


@pytest.mark.settings(allowed_origins=[ORIGIN])
async def test_errors_can_be_read_by_an_allowed_origin_too(installation: Installation) -> None:
    headers = {"Origin": ORIGIN, "Authorization": "Bearer x"}
    answered = await installation.client.post("/graphql", json={"query": "{ viewer { scope } }"}, headers=headers)
    assert answered.status_code == 401
    assert cors(answered)["access-control-allow-origin"] == ORIGIN


@pytest.mark.settings(allowed_origins=[ORIGIN])
async def test_an_internal_error_can_be_read_by_an_allowed_origin_too(
    installation: Installation, admin: Person
) -> None:
    async with installation.database() as connection:
        await connection.execute_query("ALTER TABLE api_keys RENAME TO gone")
    answered = await admin.client.post("/graphql", json=ASK, headers={**admin.headers, "Origin": ORIGIN})
    assert answered.status_code == 500
    assert cors(answered)["access-control-allow-origin"] == ORIGIN
    assert "x-request-id" in cors(answered)["access-control-expose-headers"].lower()
    (error,) = answered.json()["errors"]
    assert error["extensions"] == {
        "code": "INTERNAL_SERVER_ERROR",
        "requestId": answered.headers["x-request-id"],
    }


@pytest.mark.settings(allowed_origins=[ORIGIN])
async def test_the_response_of_an_overloaded_worker_can_be_read_by_an_allowed_origin(
    installation: Installation, admin: Person
) -> None:
    """Uvicorn's own 503 is plain text, without a request id, and counted by no metric."""
    before = number((await metrics(admin)).text, 'vga_http_requests_total{status="503"}')
    body = b'{"query": "{ __typename }"}'
    head = f"POST /graphql HTTP/1.1\r\nHost: a\r\nOrigin: {ORIGIN}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with served(installation, limit=0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + body)
        async with asyncio.timeout(30):
            status, _, rest = (await reader.read()).decode().partition("\r\n")
        writer.close()
    lines, _, text = rest.partition("\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in lines.lower().split("\r\n"))
    assert status == "HTTP/1.1 503 Service Unavailable"
    assert headers["access-control-allow-origin"] == ORIGIN
    assert (headers["content-type"], headers["retry-after"], headers["connection"]) == (
        "application/json; charset=utf-8",
        "1",
        "close",
    )
    assert json.loads(text)["errors"][0]["extensions"] == {
        "code": "SERVICE_UNAVAILABLE",
        "requestId": headers["x-request-id"],
    }
    assert number((await metrics(admin)).text, 'vga_http_requests_total{status="503"}') == before + 1


@pytest.mark.settings(allowed_origins=[ORIGIN])
@pytest.mark.parametrize("origin", ["https://portal.example.com.evil.example", "http://portal.example.com", "null"])
async def test_other_origins_are_not_allowed(installation: Installation, origin: str) -> None:
    preflight = await installation.client.options("/graphql", headers={**PREFLIGHT, "Origin": origin})
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in cors(preflight)
    answered = await installation.client.post("/graphql", json=ASK, headers={"Origin": origin})
    assert "access-control-allow-origin" not in cors(answered)


FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


async def seen(installation: Installation, forwarded_for: str = "203.0.113.9") -> tuple[str, str]:
    """The scheme and the client's address, as the routes see them behind the middleware."""
    found: list[tuple[str, str]] = []

    async def spy(request: Request) -> Response:
        found.append((request.scope["scheme"], request.scope["client"][0]))
        return Response()

    installation.app.router.routes.insert(0, Route("/spied", spy))
    try:
        await installation.client.get("/spied", headers={**FORWARDED, "X-Forwarded-For": forwarded_for})
    finally:
        installation.app.router.routes.pop(0)
    return found[0]


async def test_forwarded_headers_of_untrusted_clients_are_ignored(installation: Installation) -> None:
    assert await seen(installation) == ("http", "127.0.0.1")


@pytest.mark.settings(trusted_proxies=["127.0.0.0/8"])
async def test_forwarded_headers_of_a_trusted_proxy_are_used(installation: Installation) -> None:
    assert await seen(installation) == ("https", "203.0.113.9")


@pytest.mark.settings(trusted_proxies=["192.0.2.1"])
async def test_forwarded_headers_of_another_address_are_ignored(installation: Installation) -> None:
    assert await seen(installation) == ("http", "127.0.0.1")


@pytest.mark.settings(trusted_proxies=["127.0.0.1", "10.1.2.3/8"])
@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        ("unknown", "127.0.0.1"),
        ("203.0.113.9, _hidden", "127.0.0.1"),
        ("203.0.113.9, 999.1.1.1", "127.0.0.1"),
        ("203.0.113.9, nonsense, 10.0.0.7", "127.0.0.1"),
        ("203.0.113.9,", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("nonsense, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("203.0.113.9, ::ffff:10.0.0.7", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
    ],
)
async def test_an_invalid_forwarded_address_is_ignored(
    installation: Installation, forwarded_for: str, client: str
) -> None:
    assert await seen(installation, forwarded_for) == ("https", client)
