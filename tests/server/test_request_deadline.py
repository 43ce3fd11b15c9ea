"""One deadline for everything that a request waits for, and no second attempt while the database is unavailable."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from app.api_keys import service as api_keys
from app.execution import operations
from app.execution.compiler.run import CompiledPlan
from app.execution.limits import deadline, slots
from app.execution.limits.deadline import Deadline
from app.foundation.database import pool as postgres_pool
from app.foundation.database.pool import Pool
from app.foundation.identifiers import Kind, new_id, sid_of
from app.server import graphql_http, operator_routes
from app.webhooks.delivery import WebhookSender
from tests.server.test_database_away import AWAY, reported
from tests.support.access_matrix import SuccessfulSender
from tests.support.installation import Installation, Person, World, seed
from tests.support.servers.postgres import Postgres
from tests.support.servers.swallowing_proxy import SwallowingProxy

READ = "{ accounts { nodes { name } } }"
NESTED = "query ($id: ID!) { account(id: $id) { name recordingConfig { bucketName } } }"
CREATE = 'mutation { createApiKey(input: {name: "Made"}) { token apiKey { name serviceProvider { name } } } }'


class Attempts:
    """How often a connection was requested from the pool."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        acquire = Pool.acquire

        async def counted(pool: Pool) -> Any:
            connection = await acquire(pool)
            self.count += 1
            return connection

        async def tried(pool: Pool) -> Any:
            self.count += 1
            return await connect(pool)

        connect = Pool._connect
        monkeypatch.setattr(Pool, "_connect", tried)
        monkeypatch.setattr(Pool, "acquire", counted)


@pytest.fixture
async def behind_proxy(postgres: Postgres, tmp_path: Path) -> AsyncIterator[tuple[Installation, SwallowingProxy]]:
    """An installation whose database connections can be made to hang."""
    url = postgres.create(f"swallowed_{tmp_path.name}")
    world = await seed(tmp_path, url)
    async with SwallowingProxy(url) as proxy:
        chosen = {"database_timeout_seconds": 1, "database_pool_size": 2, "operations_per_caller": 100}
        async with Installation.started(world, tmp_path, proxy.url, **chosen) as installation:
            yield installation, proxy
    postgres.drop(url)


async def test_a_query_contacts_an_unavailable_database_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Postgres() as server:
        url = server.create("down")
        world = await seed(tmp_path, url)
        async with Installation.started(world, tmp_path, url) as installation:
            provider = installation.person("provider")
            assert (await provider.ask(READ)).errors == []
            server.stop()
            await asyncio.sleep(0)
            for query in (READ, NESTED):
                with monkeypatch.context() as patch:
                    attempts = Attempts(patch)
                    assert reported(await provider.ask(query, id=world["own"])) == [("SERVICE_UNAVAILABLE", AWAY)]
                assert attempts.count == 1, query


async def test_a_query_whose_connection_hangs_makes_no_second_attempt(
    behind_proxy: tuple[Installation, SwallowingProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    installation, proxy = behind_proxy
    provider = installation.person("provider")
    assert (await provider.ask(READ)).errors == []
    proxy.swallows = True
    attempts = Attempts(monkeypatch)
    assert reported(await provider.ask(READ)) == [("SERVICE_UNAVAILABLE", AWAY)]
    assert attempts.count == 1


async def test_a_mutations_result_is_returned_without_another_statement(
    behind_proxy: tuple[Installation, SwallowingProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    installation, proxy = behind_proxy
    provider, create = installation.person("provider"), api_keys.create
    assert (await provider.ask(READ)).errors == []

    async def create_and_lose_the_database(*args: Any, **values: Any) -> Any:
        made = await create(*args, **values)
        proxy.swallows = True
        attempts.append(Attempts(monkeypatch))
        return made

    attempts: list[Attempts] = []
    monkeypatch.setattr(api_keys, "create", create_and_lose_the_database)
    answer = await provider.ask(CREATE)
    assert answer.data["createApiKey"]["token"].startswith("vgk_")
    assert set(reported(answer)) == {("SERVICE_UNAVAILABLE", AWAY)}
    assert attempts[0].count == 1


GIVEN_UP = [
    asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    asyncpg.SerializationError("canceling statement due to conflict with recovery"),
    asyncpg.DeadlockDetectedError("deadlock detected"),
]


@pytest.mark.parametrize("error", GIVEN_UP, ids=lambda error: type(error).__name__)
async def test_mutations_after_a_cancelled_statement_still_run(
    provider: Person, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    create, tried = api_keys.create, []

    async def ended_once(*args: Any, **values: Any) -> Any:
        tried.append(1)
        if len(tried) == 1:
            raise error
        return await create(*args, **values)

    monkeypatch.setattr(api_keys, "create", ended_once)
    document = (
        'mutation { a: createApiKey(input: {name: "A"}) { token } b: createApiKey(input: {name: "B"}) { token } }'
    )
    answer = await provider.ask(document)
    assert answer.data["a"] is None
    assert answer.data["b"]["token"].startswith("vgk_")
    assert reported(answer) == [("SERVICE_UNAVAILABLE", AWAY)]
    assert len(tried) == 2


async def test_waiting_for_a_slot_and_for_the_database_share_one_deadline(
    installation: Installation, provider: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await provider.ask(READ)).errors == []
    monkeypatch.setattr(deadline, "REQUEST_SECONDS", 0.05)
    never = asyncio.Event()

    async def hang(*_: Any) -> None:
        await never.wait()

    monkeypatch.setattr(CompiledPlan, "run", hang)
    # More than run at once: the others wait for a slot, with a limit of 10 s.
    answers = await asyncio.gather(*(provider.ask(READ) for _ in range(5)))
    assert [answer.codes for answer in answers] == [["SERVICE_UNAVAILABLE"]] * 5


@pytest.mark.settings(operations_per_caller=1)
async def test_waiting_for_a_slot_ends_at_the_deadline(
    installation: Installation, provider: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await provider.ask(READ)).errors == []
    runs, never = asyncio.Event(), asyncio.Event()

    async def hang(*_: Any) -> None:
        runs.set()
        await never.wait()

    monkeypatch.setattr(CompiledPlan, "run", hang)
    monkeypatch.setattr(slots, "WAIT_SECONDS", 3600)
    monkeypatch.setattr(deadline, "REQUEST_SECONDS", 3600)
    holder = asyncio.create_task(provider.ask(READ))
    await runs.wait()
    monkeypatch.setattr(deadline, "REQUEST_SECONDS", 0.05)
    try:
        async with asyncio.timeout(30):
            assert (await provider.ask(READ)).codes == ["SERVICE_UNAVAILABLE"]
        assert not holder.done()
    finally:
        holder.cancel()
        await asyncio.wait([holder])


async def test_the_time_of_authentication_counts(provider: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await provider.ask(READ)).errors == []
    times = itertools.count(step=deadline.REQUEST_SECONDS + 1)
    monkeypatch.setattr(graphql_http, "time", SimpleNamespace(monotonic=lambda: next(times)))
    assert (await provider.ask(READ)).codes == ["SERVICE_UNAVAILABLE"]


async def test_waiting_for_a_tenants_server_has_only_the_longest_limit(
    installation: Installation, provider: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Deadline] = []

    class Kept(Deadline):
        def __init__(self, spent_seconds: float = 0.0) -> None:
            super().__init__(spent_seconds)
            made.append(self)

    class Sender(SuccessfulSender):
        async def send(self, call: Any, *owners: Any) -> Any:
            (running,) = made
            limits.append((running._timeout.when() or 0.0) - running._began)
            return await super().send(call, *owners)

    limits: list[float] = []
    monkeypatch.setattr(operations, "Deadline", Kept)
    clients: Any = installation.resources.clients
    clients |= {WebhookSender: Sender()}
    webhook = {"url": "https://hooks.example.com/x", "method": "POST"}
    await provider.change("updateAccount", "account { id }", id=world["own"], registrationWebhook=webhook)
    made.clear()
    selection = "userErrors { code }"
    await provider.change("sendTestWebhook", selection, accountId=world["own"], kind="REGISTRATION")
    assert limits == [pytest.approx(deadline.LONGEST_SECONDS)]


@pytest.mark.parametrize(("spent", "after"), [(11, 3), (28, 2)])
async def test_after_a_pause_a_request_has_3_seconds_and_at_most_30_in_all(spent: float, after: float) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with Deadline(spent) as running:
        async with running.paused():
            pass
        ends = running._timeout.when()
        running.lift()
    assert ends is not None
    assert began + after <= ends <= loop.time() + after


async def test_readiness_has_a_limit_of_its_own(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.Event()

    async def hang(*_: Any) -> None:
        await never.wait()

    monkeypatch.setattr(operator_routes, "READY_SECONDS", 0.05)
    monkeypatch.setattr(postgres_pool.Pool, "acquire", hang)
    async with asyncio.timeout(30):
        answer = await installation.client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "the database does not answer\n")


async def test_readiness_is_answered_when_the_database_does_not_answer(
    behind_proxy: tuple[Installation, SwallowingProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    installation, proxy = behind_proxy
    monkeypatch.setattr(operator_routes, "READY_SECONDS", 0.05)
    proxy.swallows = True
    answer = await installation.client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "the database does not answer\n")


def test_the_deadlines_are_what_the_contract_says() -> None:
    assert (deadline.REQUEST_SECONDS, operator_routes.READY_SECONDS) == (12, 2)


async def test_a_recording_whose_call_is_not_found_in_time_is_answered_unavailable(
    installation: Installation, account_user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/recordings/{sid_of(Kind.CALL, new_id())}.mp3"
    assert (await installation.client.get(path, headers=account_user.headers)).status_code == 404
    never = asyncio.Event()

    async def hang(*_: Any) -> None:
        await never.wait()

    monkeypatch.setattr(deadline, "REQUEST_SECONDS", 0.05)
    monkeypatch.setattr(postgres_pool.Pool, "acquire", hang)
    async with asyncio.timeout(60):
        answer = await installation.client.get(path, headers=account_user.headers)
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"


async def test_waiting_for_a_connection_takes_no_longer_than_a_statement(postgres: Postgres) -> None:
    url = postgres.create("turns")
    pool = await Pool.opened(1, dsn=url, timeout=0.05)
    acquired = await pool.acquire()
    async with asyncio.timeout(60) as patience:
        with pytest.raises(TimeoutError):
            await pool.acquire()
    assert not patience.expired()
    await pool.release(acquired)
    await pool.release(await pool.acquire())
    await pool.close()
    postgres.drop(url)
