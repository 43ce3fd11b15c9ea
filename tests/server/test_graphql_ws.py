"""graphql-transport-ws on a real socket: the protocol message by message, each close code, and the limits."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from app.execution.operations import Operations
from app.server import graphql_ws
from app.server.transport import http
from app.server.transport import websocket as websocket_connections
from tests.support.installation import Installation, Person, World
from tests.support.loop_clock import pass_seconds
from tests.support.waiting import until
from tests.support.websocket_clients import listening, opened, served

NAMES = "query ($first: Int) { accounts(first: $first) { nodes { name } } }"
CALL_CHANGED = "subscription ($id: ID!) { callChanged(accountId: $id) { id } }"


@pytest.fixture
async def port(installation: Installation) -> AsyncIterator[int]:
    async with served(installation) as port:
        yield port


def graphql_error(answer: dict[str, Any]) -> str:
    assert answer["type"] == "error", answer
    assert len(answer["payload"]) == 1
    code: str = answer["payload"][0]["extensions"]["code"]
    return code


async def test_a_query_is_answered_and_completed(port: int, provider: Person) -> None:
    async with listening(port, provider.token) as client:
        await client.subscribe(NAMES, "mine", first=1)
        data = {"accounts": {"nodes": [{"name": "Own customer"}]}}
        assert await client.hear() == {"id": "mine", "type": "next", "payload": {"data": data}}
        assert await client.hear() == {"id": "mine", "type": "complete"}
        await client.subscribe(NAMES, "mine", first=1)
        assert (await client.hear())["payload"] == {"data": data}


async def test_several_operations_run_concurrently(port: int, provider: Person) -> None:
    async with listening(port, provider.token) as client:
        ids = {await client.subscribe(NAMES) for _ in range(20)}
        heard = [await client.hear() for _ in range(40)]
    assert {message["id"] for message in heard if message["type"] == "next"} == ids
    assert {message["id"] for message in heard if message["type"] == "complete"} == ids


async def test_a_mutation_is_run(port: int, provider: Person, world: World) -> None:
    async with listening(port, provider.token) as client:
        answer = await client.ask(
            "mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { account { name } } }",
            input={"id": world["own"], "name": "Over a socket"},
        )
    assert answer["payload"]["data"] == {"updateAccount": {"account": {"name": "Over a socket"}}}


async def test_an_operation_refused_over_http_is_refused_over_a_websocket(
    port: int, read_only: Person, world: World
) -> None:
    async with listening(port, read_only.token) as client:
        assert graphql_error(await client.ask("{ nothing }")) == "GRAPHQL_VALIDATION_FAILED"
        assert graphql_error(await client.ask("{")) == "GRAPHQL_PARSE_FAILED"
        assert graphql_error(await client.ask(NAMES, first="x")) == "BAD_USER_INPUT"
        assert graphql_error(await client.ask(CALL_CHANGED, id=None)) == "BAD_USER_INPUT"
        pages = "{ accounts(first: 100) { nodes { applications(first: 100) { nodes { account { apiKeys(first: 100) { nodes { id } } } } } } } }"  # noqa: E501
        assert graphql_error(await client.ask(pages)) == "BAD_USER_INPUT"
        denied = await client.ask(
            "mutation ($input: DeleteApplicationInput!) { deleteApplication(input: $input) { deletedId } }",
            input={"id": world["own_application"]},
        )
    assert denied["type"] == "next"
    assert denied["payload"]["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_subscriptions_are_not_for_http(account_user: Person, world: World) -> None:
    answer = await account_user.ask(f'subscription {{ callChanged(accountId: "{world["own"]}") {{ id }} }}')
    assert "WebSocket" in answer.errors[0]["message"]


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_connection_init_carries_the_key(port: int, provider: Person, name: str) -> None:
    async with opened(port) as client:
        await client.say(type="connection_init", payload={name: f"Bearer {provider.token}", "more": 1})
        assert await client.hear() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"authorization": 1},
        {"authorization": "Bearer vgk_nobody"},
        {"authorization": "Basic x"},
        {"key": "x"},
    ],
)
async def test_connection_init_without_a_key_closes(port: int, payload: Any) -> None:
    async with opened(port) as client:
        await client.say(type="connection_init", payload=payload)
        assert (await client.closed())[0] == 4401


async def test_subscribe_before_connection_init_closes(port: int) -> None:
    async with opened(port) as client:
        await client.subscribe("{ __typename }")
        assert (await client.closed())[0] == 4401


async def test_a_silent_connection_is_closed(port: int) -> None:
    async with opened(port) as client:
        for _ in range(2):  # pings do not extend the time
            await pass_seconds(graphql_ws.INIT_SECONDS / 3)
            await client.say(type="ping")
            assert await client.hear() == {"type": "pong"}
        assert await client.closed() == (4408, "connection_init did not come within 5 s")


async def test_a_second_connection_init_closes(port: int, provider: Person) -> None:
    async with listening(port, provider.token) as client:
        await client.say(type="connection_init", payload={"authorization": f"Bearer {provider.token}"})
        assert (await client.closed())[0] == 4429


async def test_an_id_in_use_closes(port: int, provider: Person, world: World) -> None:
    async with listening(port, provider.token) as client:
        for _ in range(2):
            await client.subscribe(CALL_CHANGED, "a", id=world["own"])
        assert await client.closed() == (4409, "Subscriber for a already exists")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"ping"',
        "{}",
        '{"type": 1}',
        '{"type": "next", "id": "1", "payload": {}}',
        '{"type": "connection_terminate"}',
        '{"type": "ping", "payload": 1}',
        '{"type": "complete"}',
        '{"type": "subscribe", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
        json.dumps({"type": "subscribe", "id": "x" * 201, "payload": {"query": "{ __typename }"}}),
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": {}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": []}}',
        b'{"type": "ping"}',
    ],
)
async def test_an_invalid_message_closes(port: int, provider: Person, text: str | bytes) -> None:
    async with listening(port, provider.token) as client:
        await client.connection.send(text)
        code, reason = await client.closed()
    assert code == 4400
    assert reason


async def test_a_message_that_is_too_long_closes(port: int, provider: Person) -> None:
    async with listening(port, provider.token) as client:
        await client.say(type="ping", payload={"long": "x" * 1_100_000})
        assert (await client.closed())[0] == 1009


async def test_messages_before_authentication_are_short(port: int) -> None:
    async with opened(port) as client:
        await client.say(type="ping", payload={"long": "x" * 9_000})
        assert await client.closed() == (1009, "A message may have 8192 bytes at most")


@pytest.mark.parametrize("is_in_fragments", [True, False])
async def test_a_long_message_before_authentication_is_not_kept_in_memory(port: int, *, is_in_fragments: bool) -> None:
    reader, writer = await _opened_by_hand(port)
    if is_in_fragments:
        writer.write(b"\x01\xfe" + (10_000).to_bytes(2, "big") + bytes(4) + b" " * 10_000)
        writer.write(b"\x80\xfe" + (10_000).to_bytes(2, "big") + bytes(4) + b" " * 5_000)
    else:
        writer.write(b"\x81\xff" + (100_000).to_bytes(8, "big") + bytes(4) + b" " * 5_000)
    answer = await asyncio.wait_for(reader.read(), 2)
    assert (answer[0], int.from_bytes(answer[2:4], "big")) == (0x88, 1009)
    writer.close()


async def test_an_authenticated_client_may_send_long_messages(port: int, provider: Person) -> None:
    async with listening(port, provider.token) as client:
        await client.say(type="ping", payload={"long": "x" * 500_000})
        assert (await client.hear())["type"] == "pong"


async def test_pings_are_answered_with_their_payload(port: int, provider: Person) -> None:
    async with listening(port, provider.token) as client:
        await client.say(type="ping", payload={"at": 1})
        assert await client.hear() == {"type": "pong", "payload": {"at": 1}}
        await client.say(type="pong")
        await client.say(type="complete", id="unknown")
        await client.say(type="ping")
        assert await client.hear() == {"type": "pong"}


@pytest.mark.parametrize("depth", [300, 900])
async def test_a_ping_that_cannot_be_sent_back_closes(port: int, depth: int) -> None:
    async with opened(port) as client:
        await client.connection.send('{"type": "ping", "payload": {"deep": ' + "[" * depth + "]" * depth + "}}")
        assert (await client.closed())[0] == 4400


@pytest.mark.parametrize("wanted", [None, ["graphql-ws"], ["mqtt"]])
async def test_another_sub_protocol_is_closed(port: int, wanted: Any) -> None:
    async with opened(port, subprotocols=wanted) as client:
        assert await client.closed() == (4406, "Request the sub-protocol graphql-transport-ws")


async def test_one_of_several_sub_protocols_is_chosen(port: int) -> None:
    async with opened(port, subprotocols=["mqtt", "graphql-transport-ws"]) as client:
        assert client.connection.subprotocol == "graphql-transport-ws"


@pytest.mark.settings(allowed_origins=["https://portal.example.com"])
async def test_pages_of_other_sites_are_refused(port: int) -> None:
    for origin in ("https://portal.example.com", f"http://127.0.0.1:{port}"):
        async with opened(port, origin=Origin(origin)):
            pass
    for origin in ("https://evil.example.com", "null", f"http://127.0.0.1:{port}.evil.example.com", "http://[::1"):
        with pytest.raises(InvalidStatus) as refused:
            async with opened(port, origin=Origin(origin)):
                pass
        assert refused.value.response.status_code == 403
        assert b"This origin may not connect" in refused.value.response.body


async def test_a_client_that_does_not_answer_a_close_is_disconnected_after_a_second(port: int) -> None:
    reader, writer = await _opened_by_hand(port)
    writer.write(_frame(b"{}"))
    assert (await reader.read(2))[0] == 0x88
    await asyncio.wait_for(reader.read(), 2)
    writer.close()


async def test_the_operations_of_a_connection_are_limited(port: int, provider: Person, world: World) -> None:
    async with listening(port, provider.token) as client:
        for number in range(50):
            query = "subscription ($id: ID!) { callChanged(accountId: $id) { id } }"
            await client.subscribe(query, f"s{number}", id=world["own"])
        assert graphql_error(await client.ask("{ viewer { scope } }")) == "RATE_LIMITED"
        await client.say(type="complete", id="s7")
        assert (await client.ask("{ viewer { scope } }"))["type"] == "next"


async def test_operations_completed_at_once_hold_no_slot(port: int, provider: Person, world: World) -> None:
    query = "subscription ($id: ID!) { callChanged(accountId: $id) { id } }"
    subscribe = {"type": "subscribe", "id": "1", "payload": {"query": query, "variables": {"id": world["own"]}}}
    async with listening(port, provider.token) as client:
        # In one write, as a page that shows and hides a component at once.
        for message in [subscribe, {"type": "complete", "id": "1"}] * 60:
            client.connection.protocol.send_text(json.dumps(message).encode())
        client.connection.transport.write(b"".join(client.connection.protocol.data_to_send()))
        assert (await client.ask("{ viewer { scope } }"))["type"] == "next"


async def test_the_subscriptions_of_a_caller_are_limited_over_all_connections(
    port: int, provider: Person, account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_ws, "MAXIMUM_SUBSCRIPTIONS", 4)
    query = "subscription ($id: ID!) { callChanged(accountId: $id) { id } }"
    async with listening(port, provider.token) as one, listening(port, provider.token) as two:
        for number in range(2):
            await one.subscribe(query, f"s{number}", id=world["own"])
            await two.subscribe(query, f"s{number}", id=world["own"])
        for client in (one, two):
            await client.say(type="ping")
            assert await client.hear() == {"type": "pong"}
        assert graphql_error(await two.ask(query, id=world["own"])) == "RATE_LIMITED"
        async with listening(port, account_user.token) as other:
            await other.subscribe(query, id=world["own"])
            assert await other.hears_nothing()
        await one.say(type="complete", id="s0")
        await one.say(type="ping")
        assert await one.hear() == {"type": "pong"}
        await two.subscribe(query, id=world["own"])
        assert await two.hears_nothing()


async def test_a_stopping_server_closes_with_its_code(installation: Installation, provider: Person) -> None:
    async with served(installation) as port:
        gone = opened(port)
        client = await gone.__aenter__()
        await client.begin(provider.token or "")
    assert (await client.closed())[0] == 1012
    await gone.__aexit__(None, None, None)


async def test_a_mutation_runs_to_its_end_after_its_client_disconnects(
    port: int, provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, began, gone, ended = Operations.run, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(self: Operations, *arguments: Any, **options: Any) -> Any:
        began.set()
        await gone.wait()
        answer = await run(self, *arguments, **options)
        ended.set()
        return answer

    monkeypatch.setattr(Operations, "run", slow)
    async with listening(port, provider.token) as client:
        query = "mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { account { name } } }"
        await client.subscribe(query, input={"id": world["own"], "name": "Finished"})
        await asyncio.wait_for(began.wait(), 5)
    gone.set()
    await asyncio.wait_for(ended.wait(), 5)
    monkeypatch.undo()
    found = await provider.ask("query ($id: ID!) { account(id: $id) { name } }", id=world["own"])
    assert found.only("account") == {"name": "Finished"}


@pytest.mark.parametrize("reads_at_last", [True, False])
async def test_a_client_that_does_not_read_is_closed_and_aborted(
    port: int, admin: Person, installation: Installation, monkeypatch: pytest.MonkeyPatch, *, reads_at_last: bool
) -> None:
    monkeypatch.setattr(http, "DRAIN_SECONDS", 0.5)
    # A client that starts reading has time to read everything; the other one is aborted at once.
    monkeypatch.setattr(websocket_connections, "ABORT_SECONDS", 600.0 if reads_at_last else 0.0)
    server = installation.app.state.server.state.websockets
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
    await _begin_by_hand(reader, writer, admin.token or "")
    query = "{ __schema { types { name description fields { name description args { name description } } } } }"
    message = json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}})
    for number in range(60):  # some MB, in responses that exceed the kernel's buffers
        writer.write(_frame(message.replace('"1"', f'"{number}"', 1).encode()))
    async with asyncio.timeout(60):
        await until(lambda: not server._open)
        if reads_at_last:
            assert (await reader.read()).endswith(b"\x88\x0a\x03\xf5too slow")  # 1013
        else:
            there: socket.socket = writer.get_extra_info("socket")
            await until(lambda: there.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED)
            with pytest.raises(ConnectionResetError):
                await reader.read()
    writer.close()


_ESTABLISHED = 1


async def _begin_by_hand(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
    """Without a client library, which would read everything."""
    await _shake_hands(reader, writer)
    begin = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
    writer.write(_frame(json.dumps(begin).encode()))
    assert b"connection_ack" in await reader.read(100)


async def _opened_by_hand(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await _shake_hands(reader, writer)
    return reader, writer


async def _shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")


def _frame(payload: bytes) -> bytes:
    """A masked text frame whose mask is zeros."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + payload
