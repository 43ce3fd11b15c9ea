"""An account moves to another provider while a mutation of the old provider waits for a lock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.foundation.access import Scope
from app.foundation.identifiers import Kind, any_uuid, parse_sid
from tests.invariants.schema_walk import (
    MUTATIONS,
    STORAGE,
    Input,
    allowed,
    input_type,
    inputs,
    leaves,
    send,
    with_everything,
)
from tests.support.database_contents import changed, contents
from tests.support.installation import Answer, Installation, Person, World
from tests.support.personas import People, add_people
from tests.support.waiting import until

MOVE = "UPDATE accounts SET service_provider_id = $1 WHERE id = $2"
# A storage test is audited although its result is not stored.
TRACES = frozenset({"audit_events"})
# The table of the row that each mutation locks; all others lock the account only.
LOCKED = {
    "updateApplication": "applications",
    "deleteApplication": "applications",
    "updateApiKey": "api_keys",
    "revokeApiKey": "api_keys",
    "rotateApiKey": "api_keys",
    "adoptApiKey": "api_keys",
    "updateUser": "users",
    "deactivateUser": "users",
    "deleteUser": "users",
    "resetPassword": "users",
    "revokeSession": "sessions",
    "updateRecordingConfig": "recording_configs",
    "removeRecordingConfig": "recording_configs",
    "verifyStoredRecordingStorage": "recording_configs",
    "removeStoredCredential": "stored_credentials",
    "retryRecording": "calls",
    "deleteRecording": "calls",
}
# They change no row of the account: only rows that the caller owns, or the cache.
CHANGE_NOTHING = {"verifyRecordingStorage", "clearTtsCache"}


@asynccontextmanager
async def connected(installation: Installation) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(installation.settings.database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def until_waiting(watcher: asyncpg.Connection, *tasks: asyncio.Task[Any]) -> None:
    """Waits until each of the tasks waits for a lock or is done."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def all_wait() -> bool:
        count: int = await watcher.fetchval(waiting)
        return count >= sum(not task.done() for task in tasks)

    await until(all_wait)


async def prepared(installation: Installation) -> tuple[World, People, Person]:
    """A world whose storage fails immediately, and a gateway of the old provider."""
    world, people = await with_everything(installation), await add_people(installation)
    await people["boss"].change("updateRecordingConfig", "__typename", accountId=world["own"], **STORAGE)
    made = await people["boss"].change("createApiKey", "token", name="gateway", accessLevel="GATEWAY")
    return world, people, installation.holder(made["token"])


def of_provider(world: World, people: People) -> dict[str, Input]:
    """An input for each mutation by which a provider changes its account or the account's contents."""
    found: dict[str, Input] = {}
    provider = {world["provider"], world["empty_provider"]}
    for mutation, values in inputs(world, people).items():
        given = allowed(input_type(mutation), values[0], Scope.SERVICE_PROVIDER)
        ids = {value for _, name, value in leaves(input_type(mutation), given) if name == "ID"}
        if ids - provider and mutation not in {"moveAccount", *CHANGE_NOTHING}:
            found[mutation] = given
    return found


def refused(answer: Answer, mutation: str) -> bool:
    payload = answer.only(mutation)
    if mutation == "reportCalls":
        errors = [error for one in payload["rejected"] for error in one["errors"]]
    else:
        errors = payload["userErrors"]
    return [error["code"] for error in errors] == ["NOT_FOUND"]


async def test_a_provider_changes_nothing_in_an_account_that_is_moving_away(installation: Installation) -> None:
    world, people, gateway = await prepared(installation)
    own, there = parse_sid(Kind.ACCOUNT, world["own"]), parse_sid(Kind.SERVICE_PROVIDER, world["other_provider"])
    here = parse_sid(Kind.SERVICE_PROVIDER, world["provider"])
    done = []
    async with connected(installation) as mover, connected(installation) as watcher, installation.database() as tables:

        async def moving(mutation: str, ask: Any, name: str = "") -> None:
            before = await contents(tables, without=TRACES)
            async with mover.transaction():
                await mover.execute(MOVE, there, own)
                asked = asyncio.create_task(ask)
                await until_waiting(watcher, asked)
            answer = await asked
            await mover.execute(MOVE, here, own)
            left = changed(before, await contents(tables, without=TRACES))
            if left or not refused(answer, mutation):
                done.append(name or mutation)

        for mutation, given in of_provider(world, people).items():
            await moving(mutation, send(people["boss"], mutation, given))
        calls = {"calls": [{"accountId": world["own"], "callId": "moved"}]}
        text = "mutation ($input: ReportCallsInput!) { reportCalls(input: $input) { rejected { errors { code } } } }"
        await moving("reportCalls", gateway.ask(text, input=calls))
        await people["boss"].change("removeRecordingConfig", "__typename", accountId=world["own"])
        first = send(people["boss"], "updateRecordingConfig", {"accountId": world["own"], **STORAGE})
        await moving("updateRecordingConfig", first, "the first save of a recording configuration")
    assert done == []


def test_this_module_covers_each_mutation_of_an_accounts_contents() -> None:
    """For a new mutation, add the row that it locks."""
    known = {*LOCKED, *CHANGE_NOTHING, "moveAccount", "reactivateUser"}
    of_account = {"updateAccount", "setAccountActive", "rotateWebhookSecret", "deleteAccount"}
    of_account.add("transferAccountOwnership")
    creating = {"createApplication", "createApiKey", "createUser", "sendTestWebhook"}
    of_providers = {name for name in MUTATIONS if "ServiceProvider" in name} | {"createAccount"}
    of_oneself = {"login", "logout", "logoutEverywhere", "changePassword", "changeName", "updatePasswordPolicy"}
    assert set(MUTATIONS) == known | of_account | creating | of_providers | of_oneself


@pytest.mark.parametrize("mutation", LOCKED)
async def test_a_mutation_that_waits_for_a_row_changes_it_before_the_account_moves_or_not_at_all(
    installation: Installation, mutation: str
) -> None:
    """Only the row is locked when the mutation arrives; the account moves while the mutation waits."""
    world, people, _ = await prepared(installation)
    own, there = parse_sid(Kind.ACCOUNT, world["own"]), parse_sid(Kind.SERVICE_PROVIDER, world["other_provider"])
    given = of_provider(world, people)[mutation]
    async with (
        connected(installation) as holder,
        connected(installation) as mover,
        connected(installation) as watcher,
    ):
        async with holder.transaction():
            row = "account_id" if LOCKED[mutation] == "recording_configs" else "id"
            lock = f"SELECT FROM {LOCKED[mutation]} WHERE {row} = $1 FOR UPDATE"
            assert await holder.fetch(lock, _row_of(given))
            asked = asyncio.create_task(send(people["boss"], mutation, given))
            await until_waiting(watcher, asked)
            assert not asked.done()
            moved = asyncio.create_task(mover.execute(MOVE, there, own))
            await until_waiting(watcher, asked, moved)
            had_moved = moved.done()
        answer = await asked
        await moved
    assert refused(answer, mutation) == had_moved, answer.body


def _row_of(given: Input) -> UUID | None:
    return any_uuid(given.get("id") or given["accountId"])
