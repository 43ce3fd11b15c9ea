"""Revocations invalidate cached lookups: in progress, in other workers over Valkey, and without Valkey."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.foundation import revocations
from app.foundation.identifiers import Kind, new_id, parse_sid
from app.foundation.revocations import CHANNEL, EVERYTHING, Revocations
from app.server.authentication import Authentication
from tests.support.installation import Installation, Person, World
from tests.support.personas import add_people
from tests.support.servers.valkey import PromptServer
from tests.support.statements import recorded
from tests.support.waiting import until

WHO = "{ viewer { scope } }"


async def test_a_lookup_during_a_revocation_is_not_cached(
    installation: Installation, provider: Person, account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, looked_up, may_answer = Authentication._key, asyncio.Event(), asyncio.Event()

    async def slow(self: Authentication, *shown: Any) -> Any:
        found = await before(self, *shown)
        looked_up.set()
        await may_answer.wait()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Authentication, "_key", slow)
        asking = asyncio.create_task(account_user.ask(WHO))
        await looked_up.wait()
    payload = await provider.change("revokeApiKey", "apiKey { status }", id=world["account_user_key"])
    assert payload["apiKey"] == {"status": "REVOKED"}
    may_answer.set()
    assert (await asking).status == 200  # it asked before
    assert (await account_user.ask(WHO)).status == 401


async def test_a_revocation_invalidates_no_other_callers_lookup(
    installation: Installation, provider: Person, account_user: Person, sibling_user: Person, world: World
) -> None:
    for person in (provider, account_user, sibling_user):
        assert (await person.ask(WHO)).status == 200
    await provider.change("revokeApiKey", "apiKey { id }", id=world["account_user_key"])
    with recorded() as statements:
        for person in (provider, sibling_user):
            assert (await person.ask(WHO)).status == 200
    assert statements == []


async def test_a_mutation_that_is_refused_revokes_nothing(provider: Person, account_user: Person, world: World) -> None:
    assert (await account_user.ask(WHO)).status == 200
    for mutation, given in (
        ("rotateApiKey", {"id": world["account_user_key"], "overlapHours": -1}),
        ("setAccountActive", {"id": world["own"], "active": False, "ifVersion": 7}),
        ("deleteAccount", {"id": world["own"]}),
    ):
        assert (await provider.change(mutation, "__typename", **given))["userErrors"] != []
    with recorded() as statements:
        assert (await account_user.ask(WHO)).status == 200
    assert statements == []


def test_forgotten_revocations_invalidate_all_older_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "MAXIMUM_REMEMBERED", 2)
    known, ids = Revocations(), [new_id() for _ in range(3)]
    for one in ids[:2]:
        known.announce(one)
    since = known.count
    known.announce(ids[2])
    assert known.any_revoked([ids[0]], since=0)
    assert known.any_revoked([new_id()], since=0)
    assert [known.any_revoked([one], since=since) for one in ids] == [False, False, True]
    assert len(known._revoked_at) == 2


@asynccontextmanager
async def two_workers(
    installation: Installation, world: World, folder: Path, url: str
) -> AsyncIterator[tuple[Installation, Installation]]:
    """Two workers on one database that exchange revocations."""
    async with Installation.started(world, folder, installation.settings.database_url, cache_url=url) as other:
        await heard(_of(installation), _of(other))
        await heard(_of(other), _of(installation))
        yield installation, other


def _of(worker: Installation) -> Revocations:
    found: Revocations = worker.resources.clients[Revocations]
    return found


async def heard(teller: Revocations, hearer: Revocations) -> None:
    """Announces until one announcement arrives: nothing shows when Valkey has subscribed."""
    since = hearer.count

    def announced_and_heard() -> bool:
        teller.announce(new_id())
        return hearer.count != since

    await until(announced_and_heard)


async def reached(hearer: Revocations, revoked: UUID | None, since: int) -> None:
    """Waits until this revocation, or one of everything, has arrived; others may follow."""
    await until(lambda: hearer.any_revoked([revoked or new_id()], since))


async def test_a_revocation_reaches_other_workers_over_valkey(
    installation: Installation, provider: Person, world: World, tmp_path: Path, valkey: PromptServer
) -> None:
    people = await add_people(installation, "ann")
    async with two_workers(installation, world, tmp_path, valkey.url) as (_, other):
        there = [other.person("account_user"), other.holder(people.tokens["ann"]), other.person("sibling_user")]
        assert [(await person.ask(WHO)).status for person in there] == [200] * 3
        since = _of(other).count
        await provider.change("revokeApiKey", "apiKey { id }", id=world["account_user_key"])
        await reached(_of(other), parse_sid(Kind.API_KEY, world["account_user_key"]), since)
        assert [(await person.ask(WHO)).status for person in there] == [401, 200, 200]
        since = _of(other).count
        await people["ann"].ask("mutation { logout { loggedOut } }")
        await reached(_of(other), parse_sid(Kind.SESSION, people.sessions["ann"]), since)
        assert [(await person.ask(WHO)).status for person in there] == [401, 401, 200]


async def test_withdrawn_permissions_and_networks_reach_other_workers_over_valkey(
    installation: Installation, world: World, tmp_path: Path, valkey: PromptServer
) -> None:
    people = await add_people(installation, "ann", "bob")
    made = await people["ann"].change("createApiKey", "apiKey { id } token", name="Ann's own", accessLevel="READ_ONLY")
    key = parse_sid(Kind.API_KEY, made["apiKey"]["id"])
    permissions = "{ viewer { permissions } }"
    async with two_workers(installation, world, tmp_path, valkey.url) as (_, other):
        ann, of_ann = other.holder(people.tokens["ann"]), other.holder(made["token"])
        for person in (ann, of_ann):
            assert len((await person.ask(permissions)).only("viewer")["permissions"]) > 1
        since = _of(other).count
        given = {"role": "VIEWER", "force": True}
        await people["bob"].change("updateUser", "user { id }", id=people.ids["ann"], **given)
        await reached(_of(other), parse_sid(Kind.USER, people.ids["ann"]), since)
        for person in (ann, of_ann):
            assert (await person.ask(permissions)).only("viewer") == {"permissions": ["VIEW_CALLS"]}
        for mutation, networks, then in (
            ("adoptApiKey", {}, 200),
            ("updateApiKey", {"allowedNetworks": ["192.0.2.1"]}, 401),
        ):
            since = _of(other).count
            await people["bob"].change(mutation, "apiKey { id }", id=made["apiKey"]["id"], **networks)
            await reached(_of(other), key, since)
            assert (await of_ann.ask(permissions)).status == then


async def test_a_suspended_provider_is_revoked_in_other_workers_with_its_accounts(
    installation: Installation, admin: Person, world: World, tmp_path: Path, valkey: PromptServer
) -> None:
    async with two_workers(installation, world, tmp_path, valkey.url) as (_, other):
        there = [other.person(name) for name in ("provider", "account_user", "sibling_user", "foreign_user")]
        assert [(await person.ask(WHO)).status for person in there] == [200] * 4
        since = _of(other).count
        await admin.change("setServiceProviderActive", "__typename", id=world["provider"], active=False)
        await reached(_of(other), None, since)
        assert [(await person.ask(WHO)).status for person in there] == [401] * 3 + [200]


async def test_a_hanging_valkey_delays_and_fails_no_mutation(
    installation: Installation, provider: Person, account_user: Person, world: World, valkey: PromptServer
) -> None:
    """The mutation is answered while Valkey is stopped, so it did not wait."""
    assert (await account_user.ask(WHO)).status == 200
    valkey.send_signal(signal.SIGSTOP)
    try:
        payload = await provider.change("revokeApiKey", "apiKey { status }", id=world["account_user_key"])
        assert payload["apiKey"] == {"status": "REVOKED"}
        assert (await account_user.ask(WHO)).status == 401
    finally:
        valkey.send_signal(signal.SIGCONT)


@pytest.mark.settings(cache_url="valkey://127.0.0.1:1/0")
async def test_a_valkey_that_is_away_fails_no_mutation(provider: Person, account_user: Person, world: World) -> None:
    assert (await account_user.ask(WHO)).status == 200
    payload = await provider.change("revokeApiKey", "apiKey { status }", id=world["account_user_key"])
    assert (payload["userErrors"], (await account_user.ask(WHO)).status) == ([], 401)


async def test_a_malformed_message_on_the_channel_is_ignored(
    installation: Installation, account_user: Person, valkey: PromptServer
) -> None:
    there = Revocations(valkey.url)
    async with there.running():
        await heard(there, _of(installation))
        assert (await account_user.ask(WHO)).status == 200
        since = _of(installation).count
        for message in (b"", b"w", b"w nothing", b"\xff\xfe \x00", b"w " + b"0" * 5_000, b"w" * 90):
            valkey.run("PUBLISH", CHANNEL, message)
        valkey.run("PUBLISH", CHANNEL, b"w " + EVERYTHING.hex.encode())
        await reached(_of(installation), None, since)
    assert (await account_user.ask(WHO)).status == 200
