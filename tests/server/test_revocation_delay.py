"""How fast revoked, suspended and expired credentials are rejected, in this worker and in others."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.api_keys.model import ApiKey
from app.foundation.identifiers import Kind, parse_sid
from app.server import authentication
from app.service_providers.model import ServiceProvider
from tests.support.installation import Installation, Person, World
from tests.support.statements import recorded

WHO = "{ viewer { scope } }"


async def test_a_revoked_key_is_rejected_within_the_cache_time(
    installation: Installation, provider: Person, account_user: Person, world: World, wait: Callable[[float], None]
) -> None:
    assert (await account_user.ask(WHO)).status == 200
    await provider.change("revokeApiKey", "apiKey { id }", id=world["account_user_key"])
    wait(authentication.CACHE_SECONDS + 0.01)
    assert (await account_user.ask(WHO)).status == 401


async def test_a_key_is_cached_for_at_most_four_seconds(account_user: Person, wait: Callable[[float], None]) -> None:
    assert authentication.CACHE_SECONDS <= 4
    counts = []
    for seconds in (0, 1, 2.9, 0.2):
        wait(seconds)
        with recorded() as statements:
            assert (await account_user.ask(WHO)).status == 200
        counts.append(len(statements))
    assert counts == [1, 0, 0, 1]


async def test_suspending_an_account_locks_out_its_keys_and_resuming_restores_them(
    provider: Person,
    account_user: Person,
    read_only: Person,
    sibling_user: Person,
    world: World,
    wait: Callable[[float], None],
) -> None:
    for active, status in ((False, 401), (True, 200)):
        payload = await provider.change("setAccountActive", "account { active }", id=world["own"], active=active)
        assert payload["account"] == {"active": active}
        wait(4.01)
        assert [(await person.ask(WHO)).status for person in (account_user, read_only)] == [status] * 2
        assert (await sibling_user.ask(WHO)).status == 200


async def test_suspending_a_suspended_account_changes_nothing(provider: Person, world: World) -> None:
    for _ in range(2):
        payload = await provider.change("setAccountActive", "account { active version }", id=world["own"], active=False)
        assert payload["account"] == {"active": False, "version": 2}
    payload = await provider.change(
        "setAccountActive", "account { active }", id=world["own"], active=False, ifVersion=1
    )
    assert payload["userErrors"][0]["code"] == "CONFLICT"


async def test_deactivating_a_provider_locks_out_its_keys_and_those_of_its_accounts(
    installation: Installation, world: World, wait: Callable[[float], None]
) -> None:
    people = ("provider", "account_user", "sibling_user", "read_only", "other_provider", "foreign_user", "admin")
    async with installation.database():
        await ServiceProvider.filter(id=parse_sid(Kind.SERVICE_PROVIDER, world["provider"])).update(active=False)
    wait(4.01)
    statuses = [(await installation.person(person).ask(WHO)).status for person in people]
    assert statuses == [401, 401, 401, 401, 200, 200, 200]


@pytest.mark.usefixtures("unheard")
async def test_deleting_an_account_locks_out_its_keys(
    provider: Person, account_user: Person, world: World, wait: Callable[[float], None]
) -> None:
    assert (await account_user.ask(WHO)).status == 200
    await provider.change("deleteAccount", "deletedId", id=world["own"], force=True)
    answer = await account_user.ask("{ viewer { scope account { id } } accounts { totalCount } }")
    assert answer.data == {"viewer": {"scope": "ACCOUNT", "account": None}, "accounts": {"totalCount": 0}}
    made = await account_user.ask('mutation { createApiKey(input: {name: "Too late"}) { token } }')
    assert (made.codes, made.data) == (["UNAUTHENTICATED"], {"createApiKey": None})
    wait(4.01)
    assert (await account_user.ask(WHO)).status == 401


async def test_a_cached_key_is_rejected_at_the_second_it_expires(
    installation: Installation, account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    async with installation.database():
        await ApiKey.filter(id=parse_sid(Kind.API_KEY, world["account_user_key"])).update(expires_at=ends)
    assert (await account_user.ask(WHO)).status == 200

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return ends

    monkeypatch.setattr(authentication, "datetime", Clock)
    assert (await account_user.ask(WHO)).status == 401


async def test_another_worker_rejects_a_revoked_key_within_the_cache_time(
    installation: Installation,
    provider: Person,
    world: World,
    tmp_path: Path,
    wait: Callable[[float], None],
) -> None:
    async with Installation.started(world, tmp_path, installation.settings.database_url) as other_worker:
        assert (await other_worker.person("account_user").ask(WHO)).status == 200
        await provider.change("revokeApiKey", "apiKey { id }", id=world["account_user_key"])
        await provider.change("setAccountActive", "account { id }", id=world["sibling"], active=False)
        wait(4.01)
        for person in ("account_user", "sibling_user"):
            assert (await other_worker.person(person).ask(WHO)).status == 401
        assert (await other_worker.person("provider").ask(WHO)).status == 200


@pytest.mark.usefixtures("unheard")
async def test_a_revoked_but_cached_secret_creates_no_lasting_key(account_user: Person) -> None:
    """For up to four seconds a worker accepts it; a key that it creates would remain."""
    mine = (await account_user.ask("{ viewer { apiKey { id } } }")).only("viewer")["apiKey"]["id"]
    rotated = await account_user.change("rotateApiKey", "token", id=mine, overlapHours=0)
    assert rotated["token"]
    for mutation, given in (("createApiKey", '{name: "lasting"}'), ("rotateApiKey", f'{{id: "{mine}"}}')):
        answer = await account_user.ask(f"mutation {{ {mutation}(input: {given}) {{ token }} }}")
        assert answer.codes == ["UNAUTHENTICATED"]
        assert answer.data == {mutation: None}
