"""A database that accepts no writes, like a standby during a failover: writes are refused as unavailable, reads work."""

from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

from app.foundation.database import pool as postgres_pool
from app.storage.verification import StorageVerifier
from app.tts_cache.cache import PromptCache
from app.webhooks.delivery import WebhookSender
from tests.recording.gateways import gateway_of
from tests.server.test_database_away import reported
from tests.support.access_cases import Ids, mutations
from tests.support.access_matrix import (
    AcceptingVerifier,
    EmptyPromptCache,
    SuccessfulSender,
    add_calls,
    add_failed_recordings,
)
from tests.support.installation import Installation, Person, World
from tests.support.personas import add_people
from tests.support.servers.postgres import Postgres

READ = "{ accounts { nodes { name } } }"
WRITE = 'mutation { createApiKey(input: {name: "Made"}) { token } }'
READ_ONLY = "The database accepts no writes at the moment. Try again in a moment."


class Switch(Protocol):
    async def __call__(self, value: str, *, ends_sessions: bool = True) -> None: ...


@pytest.fixture
async def switch(installation: Installation, postgres: Postgres) -> Switch:
    """Makes the database read-only (`on`) or writable (`off`) for new sessions, and ends the old ones."""
    name = urlsplit(installation.settings.database_url).path[1:]

    async def to(value: str, *, ends_sessions: bool = True) -> None:
        postgres.run(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}')
        if ends_sessions:
            postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            await installation.client.get("/readyz")  # finds the ended connections

    return to


async def test_every_mutation_is_refused_as_unavailable(
    installation: Installation, admin: Person, switch: Switch
) -> None:
    keys = (await admin.ask("{ apiKeys { nodes { id } } }")).only("apiKeys")["nodes"]
    people, calls = await add_people(installation), await add_calls(installation)
    failed = await add_failed_recordings(installation, calls)
    every = mutations(Ids(installation.world, keys[0]["id"], people, calls, failed))
    made = await admin.change("createApiKey", "token", name="gateway", accessLevel="GATEWAY")
    gateway = installation.holder(made["token"])
    clients: Any = installation.resources.clients
    clients |= {
        StorageVerifier: AcceptingVerifier(),
        PromptCache: EmptyPromptCache(),
        WebhookSender: SuccessfulSender(),
    }
    await switch("on")
    seen: dict[str, set[str]] = {}
    for name, inputs in every.items():
        values = inputs.get("foreign") or [*inputs.values()][-1]
        type_name = f"{name[0].upper()}{name[1:]}"
        document = f"mutation ($input: {type_name}Input!) {{ {name}(input: $input) {{ userErrors {{ code }} }} }}"
        if not values:
            document = f"mutation {{ {name} {{ userErrors {{ code }} }} }}"
        asker = gateway if name == "reportCalls" else people["root"]
        answer = await asker.ask(document, input=values)
        seen[name] = {code for code, _ in reported(answer)}
    others = {name: codes for name, codes in seen.items() if codes != {"SERVICE_UNAVAILABLE"}}
    assert others == {}


async def test_writes_report_the_read_only_database_and_reads_are_answered(provider: Person, switch: Switch) -> None:
    await switch("on")
    assert (await provider.ask(READ)).errors == []
    assert reported(await provider.ask(WRITE)) == [("SERVICE_UNAVAILABLE", READ_ONLY)]


async def test_a_worker_whose_database_is_read_only_is_not_ready(installation: Installation, switch: Switch) -> None:
    await switch("on")
    answer = await installation.client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "the database accepts no writes\n")
    assert (await installation.client.get("/healthz")).status_code == 200


async def test_read_only_connections_are_not_reused(
    installation: Installation, provider: Person, switch: Switch
) -> None:
    await switch("on")
    for _ in range(2):
        assert (await installation.client.get("/readyz")).status_code == 503
    await switch("off", ends_sessions=False)  # open sessions stay read-only, like those to an old primary
    assert (await installation.client.get("/readyz")).status_code == 200
    assert (await provider.ask(WRITE)).errors == []


async def test_probes_of_a_read_only_database_do_not_drop_connections_of_readers(
    installation: Installation, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pool, "DROP_SECONDS", 3600, raising=False)
    await switch("on")
    await installation.client.get("/readyz")
    pool: Any = installation.app.state.server.state.database.db()._pool
    acquired = [await pool.acquire() for _ in range(4)]
    for connection in acquired:
        await pool.release(connection)
    for left in (3, 2):
        assert (await installation.client.get("/readyz")).status_code == 503
        assert sum(not connection.is_closed() for connection in acquired) == left


async def test_a_refused_write_succeeds_once_the_database_accepts_writes(provider: Person, switch: Switch) -> None:
    await switch("on")
    assert reported(await provider.ask(WRITE)) == [("SERVICE_UNAVAILABLE", READ_ONLY)]
    await switch("off", ends_sessions=False)
    assert (await provider.ask(WRITE)).errors == []


async def test_a_stream_whose_call_cannot_be_created_is_closed_with_try_again_later(
    installation: Installation, world: World, provider: Person, switch: Switch
) -> None:
    async with gateway_of(installation, world, provider) as gateway:
        await switch("on")
        code, reason = await gateway.refused(gateway.first_frame("failover"))
        assert code == 1013
        assert "try again later" in reason
