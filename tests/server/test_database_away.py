"""A database that goes away, hangs or breaks: clients are told to come back, and never what it said."""

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
    """An installation whose database server is its own, to be stopped and started."""
    with Postgres() as server:
        url = server.create("fragile")
        world = await seed(tmp_path, url)
        # One caller may take all connections, and its operations wait for these alone.
        chosen = {"database_timeout_seconds": 2, "metrics_token": METRICS_TOKEN, "operations_per_caller": 100}
        async with Installation.started(world, tmp_path, url, **chosen) as installation:
            yield installation, server


def told(answer: Answer) -> list[tuple[str, str]]:
    return [(error["extensions"]["code"], error["message"]) for error in answer.errors]


async def test_a_database_that_stops_is_told_as_unavailable_and_may_come_back(
    fragile: tuple[Installation, Postgres],
) -> None:
    installation, server = fragile
    provider, unseen = installation.person("provider"), installation.person("other_provider")
    assert (await provider.ask(READ)).errors == []
    server.stop()
    for query in (READ, WRITE):
        assert told(await provider.ask(query)) == [("SERVICE_UNAVAILABLE", AWAY)]
    answer = await unseen.ask(READ)
    assert answer.status == 503
    assert told(answer) == [("SERVICE_UNAVAILABLE", AWAY)]
    assert (await installation.client.get("/readyz")).status_code == 503
    assert (await installation.client.get("/healthz")).status_code == 200
    server.start()
    for person in (provider, unseen):
        assert (await person.ask(READ)).errors == []
    assert (await installation.client.get("/readyz")).status_code == 200


async def test_who_is_not_let_in_is_not_told_so_while_nobody_can_know(fragile: tuple[Installation, Postgres]) -> None:
    installation, server = fragile
    server.stop()
    assert (await installation.person("provider").ask(READ)).status == 503
    assert (await installation.holder("garbage").ask(READ)).status == 401


async def test_an_event_that_comes_while_the_database_is_away_says_so_and_the_next_is_told(
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
        wait(60)  # who asks is looked up again
        account_id = parse_sid(Kind.ACCOUNT, account)
        assert account_id is not None
        installation.resources.clients[LiveEvents].publish(LiveEvent(account_id, new_id(), Change.CALL))
        heard = await client.hear(30)
        assert heard["type"] == "next"
        assert heard["payload"]["errors"][0]["message"] == AWAY
        server.start()
        await report(gateway, {"accountId": account, "callId": "one"})
        assert (await client.hear())["payload"] == {"data": {"callChanged": {"gatewayCallId": "one"}}}


async def test_metrics_are_read_by_their_token_while_the_database_is_away(
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
async def test_a_table_that_stays_locked_is_told_as_unavailable_in_time(
    installation: Installation, provider: Person
) -> None:
    assert (await provider.ask(READ)).errors == []
    other = await orm.single_connection(installation.settings)
    async with other.transaction():
        await other.execute("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
        assert told(await provider.ask(READ)) == [("SERVICE_UNAVAILABLE", AWAY)]
    await other.close()
    assert (await provider.ask(READ)).errors == []


def processes(server: Postgres) -> list[int]:
    """The server's and those of its sessions."""
    first = server.pid
    return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]


async def test_a_database_that_freezes_under_load_is_told_as_unavailable_and_may_go_on(
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
    assert all(told(answer) == [("SERVICE_UNAVAILABLE", AWAY)] for answer in refused)
    # More at once than there are connections: each of them can be lent again.
    again = await asyncio.wait_for(asyncio.gather(*(provider.ask(READ) for _ in range(30))), 20)
    assert [answer for answer in again if answer.errors] == []


@pytest.mark.settings(database_timeout_seconds=1, database_pool_size=1)
async def test_a_statement_that_the_server_ends_within_an_operation_leaves_the_connection_as_it_was(
    installation: Installation, provider: Person, world: World
) -> None:
    nested = "query ($id: ID!) { account(id: $id) { name recordingConfig { bucketName } } }"
    assert (await provider.ask(nested, id=world["own"])).errors == []
    other = await orm.single_connection(installation.settings)
    async with other.transaction():
        await other.execute("LOCK TABLE recording_configs IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            answer = await provider.ask(nested, id=world["own"])
            assert set(told(answer)) == {("SERVICE_UNAVAILABLE", AWAY)}
            assert (await provider.ask(READ)).errors == []
    await other.close()
    assert (await provider.ask(nested, id=world["own"])).errors == []


async def test_what_the_database_says_never_reaches_a_client(
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


async def test_a_broken_key_table_answers_500_and_no_more(installation: Installation, provider: Person) -> None:
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
