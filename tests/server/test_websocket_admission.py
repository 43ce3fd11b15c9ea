"""The WebSockets that a worker accepts: authenticated in the handshake or after it, with a quota per caller and owner."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.server import graphql_ws, websocket_admission
from app.server.authentication import Authentication
from tests.support.installation import Installation, Person, World
from tests.support.websocket_clients import Client, listening, opened, served


@pytest.fixture
async def port(installation: Installation) -> AsyncIterator[int]:
    async with served(installation) as port:
        yield port


def authorized(token: str | None, **more: str) -> dict[str, Any]:
    return {"additional_headers": {"Authorization": f"Bearer {token}", **more}}


async def refused(port: int, **options: Any) -> tuple[int, str, str]:
    """The status, the code and the message of a refused handshake."""
    with pytest.raises(InvalidStatus) as found:
        async with opened(port, **options):
            pass
    (error,) = orjson.loads(found.value.response.body)["errors"]
    return found.value.response.status_code, error["extensions"]["code"], error["message"]


async def key_of(person: Person) -> str:
    made = await person.change("createApiKey", "token", name="another", accessLevel="READ_ONLY")
    token: str = made["token"]
    return token


async def is_alive(client: Client) -> bool:
    await client.say(type="ping")
    return bool((await client.hear())["type"] == "pong")


async def idle(installation: Installation) -> None:
    """Waits until the server has noticed that all clients have disconnected."""
    while installation.app.state.server.state.websockets._open:
        await asyncio.sleep(0)


async def test_the_handshake_may_carry_the_key(port: int, provider: Person) -> None:
    async with opened(port, **authorized(provider.token)) as client:
        await client.say(type="connection_init")
        assert await client.hear() == {"type": "connection_ack"}
        answer = await client.ask("{ viewer { scope } }")
        assert answer["payload"]["data"] == {"viewer": {"scope": "SERVICE_PROVIDER"}}


async def test_connection_init_may_repeat_the_key_of_the_handshake(port: int, provider: Person) -> None:
    async with opened(port, **authorized(provider.token)) as client:
        await client.begin(provider.token or "")


async def test_connection_init_may_carry_no_other_key_than_the_handshake(
    port: int, provider: Person, admin: Person
) -> None:
    async with opened(port, **authorized(provider.token)) as client:
        await client.say(type="connection_init", payload={"authorization": f"Bearer {admin.token}"})
        assert await client.closed() == (4401, "connection_init carries another authorization than the handshake")


async def test_an_invalid_key_in_the_handshake_is_refused_with_401(port: int) -> None:
    status, code, message = await refused(port, **authorized("vgk_unknown"))
    assert (status, code) == (401, "UNAUTHENTICATED")
    assert "API key" in message


async def test_basic_credentials_of_a_page_are_ignored(port: int, provider: Person) -> None:
    async with opened(port, additional_headers={"Authorization": "Basic eDp5"}) as client:
        await client.begin(provider.token or "")


async def test_a_key_of_the_handshake_that_is_revoked_ends_the_connection(
    port: int, account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.server.authentication.CACHE_SECONDS", 0.0)
    token = await key_of(account_user)
    async with opened(port, **authorized(token)) as client:
        await client.say(type="connection_init")
        assert await client.hear() == {"type": "connection_ack"}
        nodes = (await account_user.ask("{ viewer { account { apiKeys { nodes { id name } } } } }")).only("viewer")
        (key,) = [one["id"] for one in nodes["account"]["apiKeys"]["nodes"] if one["name"] == "another"]
        await account_user.change("revokeApiKey", "apiKey { id }", id=key)
        assert (await client.closed())[0] == 4401


@pytest.mark.settings(live_connections=4)
async def test_one_key_holds_a_quarter_of_the_connections(port: int, read_only: Person, account_user: Person) -> None:
    reason = "One key or session holds at most 1 WebSockets of a worker: close one first."
    async with listening(port, read_only.token):
        assert await refused(port, **authorized(read_only.token)) == (429, "RATE_LIMITED", reason)
        async with opened(port) as client:
            await client.say(type="connection_init", payload={"authorization": f"Bearer {read_only.token}"})
            assert await client.closed() == (1013, reason)
        async with listening(port, account_user.token) as other:
            assert await is_alive(other)


@pytest.mark.settings(live_connections=4)
async def test_the_keys_of_one_account_hold_half_of_the_connections(
    port: int, account_user: Person, read_only: Person, sibling_user: Person, world: World
) -> None:
    third = await key_of(account_user)
    async with listening(port, account_user.token), listening(port, read_only.token):
        status, _, message = await refused(port, **authorized(third))
        assert (status, message.startswith("One account holds at most 2 ")) == (429, True)
        async with listening(port, sibling_user.token) as other:
            assert await is_alive(other)


@pytest.mark.settings(live_connections=4)
async def test_a_provider_with_its_accounts_holds_three_quarters_of_the_connections(
    port: int, provider: Person, account_user: Person, sibling_user: Person, read_only: Person, foreign_user: Person
) -> None:
    async with AsyncExitStack() as held:
        for person in (provider, account_user, sibling_user):
            await held.enter_async_context(listening(port, person.token))
        status, _, message = await refused(port, **authorized(read_only.token))
        assert (status, message.startswith("One service provider holds at most 3 ")) == (429, True)
        await held.enter_async_context(listening(port, foreign_user.token))
        # Now all slots are held.
        assert (await refused(port))[:2] == (503, "SERVICE_UNAVAILABLE")


@pytest.mark.settings(live_connections=1)
async def test_a_closed_connection_releases_its_slot(installation: Installation, port: int, provider: Person) -> None:
    for _ in range(3):
        async with opened(port, **authorized(provider.token)) as client:
            await client.say(type="connection_init")
            assert await client.hear() == {"type": "connection_ack"}
        async with listening(port, provider.token) as client:
            assert await is_alive(client)
        await idle(installation)


@asynccontextmanager
async def silent(port: int, count: int) -> AsyncIterator[list[Client]]:
    """Clients that connect one after another and send nothing."""
    async with AsyncExitStack() as held:
        yield [await held.enter_async_context(opened(port)) for _ in range(count)]


async def test_a_new_connection_evicts_the_oldest_silent_one_of_its_address(
    port: int, provider: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_ws, "INIT_SECONDS", 60.0)
    most = websocket_admission.UNAUTHENTICATED_PER_NETWORK
    async with silent(port, most + 2) as clients:
        for oldest in clients[:2]:
            code, reason = await oldest.closed()
            assert (code, "wait for connection_init" in reason) == (1013, True)
        async with listening(port, provider.token):
            assert (await clients[2].closed())[0] == 1013
            for other in clients[3:]:
                assert await is_alive(other)


@pytest.mark.settings(live_connections=100, trusted_proxies=["127.0.0.1"])
async def test_new_clients_are_served_while_silent_connections_hold_all_slots(
    port: int, provider: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven addresses once kept out nearly all others. Now the addresses with the most connections lose their oldest."""
    monkeypatch.setattr(graphql_ws, "INIT_SECONDS", 60.0)
    async with AsyncExitStack() as held:

        async def connect(address: str) -> Client:
            headers = {"X-Forwarded-For": address}
            return await held.enter_async_context(opened(port, additional_headers=headers))

        first = await connect("198.51.100.1")
        attackers = [await connect(f"203.0.113.{number % 7}") for number in range(140)]
        assert [one for one in attackers if one.connection.protocol.close_rcvd is not None]
        for number in range(10):
            client = await connect(f"198.51.100.{number + 2}")
            await client.begin(provider.token or "")
        assert await is_alive(first)


@pytest.mark.settings(live_connections=250, trusted_proxies=["127.0.0.1"])
async def test_an_ipv6_network_counts_as_one_address(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphql_ws, "INIT_SECONDS", 60.0)
    async with AsyncExitStack() as held:
        clients = []
        for number in range(websocket_admission.UNAUTHENTICATED_PER_NETWORK + 1):
            headers = {"X-Forwarded-For": f"2001:db8:1:2::{number:x}"}
            clients.append(await held.enter_async_context(opened(port, additional_headers=headers)))
        assert (await clients[0].closed())[0] == 1013
        assert await is_alive(clients[-1])


async def test_connections_that_are_being_authenticated_are_not_evicted(
    port: int, provider: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, begun, answered = Authentication.viewer, asyncio.Semaphore(0), asyncio.Event()

    async def slow(self: Authentication, *given: Any, **options: Any) -> Any:
        begun.release()
        await answered.wait()
        return await viewer(self, *given, **options)

    monkeypatch.setattr(Authentication, "viewer", slow)
    async with silent(port, websocket_admission.UNAUTHENTICATED_PER_NETWORK) as clients:
        try:
            for client in clients:
                await client.say(type="connection_init", payload={"authorization": f"Bearer {provider.token}"})
                await begun.acquire()
            assert (await refused(port))[:2] == (503, "SERVICE_UNAVAILABLE")
        finally:
            answered.set()
        for client in clients:
            assert await client.hear() == {"type": "connection_ack"}


async def test_an_evicted_connection_that_does_not_read_is_aborted(
    installation: Installation, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_ws, "INIT_SECONDS", 600.0)
    served_by = installation.app.state.server.state.websockets
    slots = served_by._unauthenticated
    monkeypatch.setattr(slots, "_maximum_per_network", 1)
    async with opened(port, max_queue=1) as unread:
        (connection,) = slots._network_of
        saying = asyncio.create_task(_say_much(unread))
        async with asyncio.timeout(10):
            while not connection.is_unread or not unread.connection.transport.get_write_buffer_size():
                await asyncio.sleep(0)
        async with opened(port) as other:
            assert await is_alive(other)
            async with asyncio.timeout(10):
                while served_by._open > 1:
                    await asyncio.sleep(0)
        with pytest.raises(ConnectionClosed):
            await saying


async def _say_much(client: Client) -> None:
    while True:
        await client.say(type="ping", payload={"x": "x" * 8_000})


async def test_a_handshake_with_a_key_takes_no_unauthenticated_slot(
    port: int, provider: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_ws, "INIT_SECONDS", 60.0)
    async with (
        silent(port, websocket_admission.UNAUTHENTICATED_PER_NETWORK) as clients,
        opened(port, **authorized(provider.token)) as client,
    ):
        assert await is_alive(client)
        assert await is_alive(clients[0])


@pytest.mark.settings(allowed_origins=["https://portal.example.com"])
async def test_a_refused_handshake_logs_no_error(port: int, caplog: pytest.LogCaptureFixture) -> None:
    assert (await refused(port, origin="https://evil.example.com"))[:2] == (403, "FORBIDDEN")
    assert (await refused(port, **authorized("vgk_unknown")))[0] == 401
    assert not [line for line in caplog.records if line.levelname == "ERROR"]
