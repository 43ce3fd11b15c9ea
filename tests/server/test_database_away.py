"""A database that is unavailable, hangs or fails: clients get an error to retry, and never the database's message."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from app.foundation.database import orm
from app.foundation.events import Change, LiveEvent, LiveEvents
from app.foundation.identifiers import Kind, new_id, parse_sid
from tests.calls.conftest import gateway_of, report
from tests.server.test_metrics import METRICS_TOKEN, metrics, number
from tests.support.installation import Answer, Installation, Person, World, seed
from tests.support.servers.postgres import Postgres
from tests.support.websocket_clients import listening, served, until_heard

READ = "{ accounts { nodes { name } } }"
WRITE = 'mutation { createApiKey(input: {name: "Made"}) { token } }'
AWAY = "The database does not answer. Try again in a moment."


@pytest.fixture
async def fragile(tmp_path: Path) -> AsyncIterator[tuple[Installation, Postgres]]:
    """An installation with a database server of its own, to be stopped and started."""
    with Postgres() as server:
        url = server.create("fragile")
        world = await seed(tmp_path, url)
        # One caller may use all connections, so that its operations wait for connections only.
        chosen = {"database_timeout_seconds": 2, "metrics_token": METRICS_TOKEN, "operations_per_caller": 100}
        async with Installation.started(world, tmp_path, url, **chosen) as installation:
            yield installation, server


def reported(answer: Answer) -> list[tuple[str, str]]:
    return [(error["extensions"]["code"], error["message"]) for error in answer.errors]


async def test_a_stopped_database_is_reported_as_unavailable_and_may_return(
    fragile: tuple[Installation, Postgres],
) -> None:
    installation, server = fragile
    provider, unseen = installation.person("provider"), installation.person("other_provider")
    assert (await provider.ask(READ)).errors == []
    server.stop()
    for query in (READ, WRITE):
        assert reported(await provider.ask(query)) == [("SERVICE_UNAVAILABLE", AWAY)]
    answer = await unseen.ask(READ)
    assert answer.status == 503
    assert reported(answer) == [("SERVICE_UNAVAILABLE", AWAY)]
    assert (await installation.client.get("/readyz")).status_code == 503
    assert (await installation.client.get("/healthz")).status_code == 200
    server.start()
    for person in (provider, unseen):
        assert (await person.ask(READ)).errors == []
    assert (await installation.client.get("/readyz")).status_code == 200


async def test_an_unavailable_database_is_reported_before_an_invalid_key(
    fragile: tuple[Installation, Postgres],
) -> None:
    installation, server = fragile
    server.stop()
    assert (await installation.person("provider").ask(READ)).status == 503
    assert (await installation.holder("garbage").ask(READ)).status == 401


async def test_an_event_without_a_database_is_an_error_and_the_next_one_is_sent(
    fragile: tuple[Installation, Postgres], wait: Callable[[float], None]
) -> None:
    installation, server = fragile
    person, account = installation.person("account_user"), installation.world["own"]
    query = f'subscription {{ callChanged(accountId: "{account}") {{ gatewayCallId }} }}'
    gateway = await gateway_of(installation, serviceProviderId=installation.world["provider"])
    async with served(installation) as port, listening(port, person.token) as client:
        await client.subscribe(query)
        await until_heard(installation, account)
        server.stop()
        wait(60)  # the caller is looked up again
        account_id = parse_sid(Kind.ACCOUNT, account)
        assert account_id is not None
        installation.resources.clients[LiveEvents].publish(LiveEvent(account_id, new_id(), Change.CALL))
        heard = await client.hear(30)
        assert heard["type"] == "next"
        assert heard["payload"]["errors"][0]["message"] == AWAY
        server.start()
        await report(gateway, {"accountId": account, "callId": "one"})
        assert (await client.hear())["payload"] == {"data": {"callChanged": {"gatewayCallId": "one"}}}


async def test_the_metrics_token_works_without_the_database(
    fragile: tuple[Installation, Postgres],
) -> None:
    installation, server = fragile
    server.stop()
    by_token = await metrics(installation.holder(METRICS_TOKEN))
    assert by_token.status_code == 200
    by_key = await metrics(installation.person("admin"))
    assert (by_key.status_code, by_key.json()["errors"][0]["extensions"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    after = (await metrics(installation.holder(METRICS_TOKEN))).text
    unavailable = 'vga_http_requests_total{status="503"}'
    assert number(after, unavailable) - number(by_token.text, unavailable) == 1


@pytest.mark.settings(database_timeout_seconds=1)
async def test_a_locked_table_is_reported_as_unavailable_in_time(installation: Installation, provider: Person) -> None:
    assert (await provider.ask(READ)).errors == []
    other = await orm.single_connection(installation.settings)
    async with other.transaction():
        await other.execute("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
        assert reported(await provider.ask(READ)) == [("SERVICE_UNAVAILABLE", AWAY)]
    await other.close()
    assert (await provider.ask(READ)).errors == []


def processes(server: Postgres) -> list[int]:
    """The server's process and those of its sessions."""
    first = server.pid
    return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]


async def test_a_database_that_freezes_under_load_is_reported_as_unavailable_and_may_recover(
    fragile: tuple[Installation, Postgres],
) -> None:
    installation, server = fragile
    provider = installation.person("provider")
    assert (await provider.ask(READ)).errors == []
    load = [asyncio.create_task(provider.ask(query)) for query in (READ, WRITE) for _ in range(6)]
    frozen = processes(server)
    try:
        for process in frozen:
            os.kill(process, signal.SIGSTOP)
        load += [asyncio.create_task(provider.ask(query)) for query in (READ, WRITE) for _ in range(6)]
        answers = await asyncio.wait_for(asyncio.gather(*load), 60)
    finally:
        for process in reversed(frozen):
            os.kill(process, signal.SIGCONT)
    refused = [answer for answer in answers if answer.errors]
    assert len(refused) >= 12
    assert all(reported(answer) == [("SERVICE_UNAVAILABLE", AWAY)] for answer in refused)
    # More than there are connections: each of them can be acquired again.
    again = await asyncio.wait_for(asyncio.gather(*(provider.ask(READ) for _ in range(30))), 20)
    assert [answer for answer in again if answer.errors] == []


@pytest.mark.settings(database_timeout_seconds=1, database_pool_size=1)
async def test_a_cancelled_statement_leaves_the_connection_usable(
    installation: Installation, provider: Person, world: World
) -> None:
    nested = "query ($id: ID!) { account(id: $id) { name recordingConfig { bucketName } } }"
    assert (await provider.ask(nested, id=world["own"])).errors == []
    other = await orm.single_connection(installation.settings)
    async with other.transaction():
        await other.execute("LOCK TABLE recording_configs IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            answer = await provider.ask(nested, id=world["own"])
            assert set(reported(answer)) == {("SERVICE_UNAVAILABLE", AWAY)}
            assert (await provider.ask(READ)).errors == []
    await other.close()
    assert (await provider.ask(nested, id=world["own"])).errors == []


async def test_database_messages_never_reach_a_client(
    installation: Installation, provider: Person, world: World
) -> None:
    async with installation.database() as connection:
        await connection.execute_query("ALTER TABLE recording_configs RENAME TO gone")
    answer = await provider.ask(
        "query ($id: ID!) { account(id: $id) { name recordingConfig { bucketName } } }", id=world["own"]
    )
    assert answer.data == {"account": {"name": "Own customer", "recordingConfig": None}}
    assert answer.codes == ["INTERNAL_SERVER_ERROR"]
    assert_silent(answer)


async def test_a_broken_key_table_gives_500_without_details(installation: Installation, provider: Person) -> None:
    async with installation.database() as connection:
        await connection.execute_query("ALTER TABLE api_keys RENAME TO gone")
    answer = await provider.ask(READ)
    assert answer.status == 500
    assert answer.codes == ["INTERNAL_SERVER_ERROR"]
    assert_silent(answer)


def assert_silent(answer: Answer) -> None:
    said: Any = str(answer.body).lower()
    for word in (
        "recording_configs",
        "api_keys",
        "relation",
        "no such",
        "table",
        "select",
        "tortoise",
        "asyncpg",
    ):
        assert word not in said
