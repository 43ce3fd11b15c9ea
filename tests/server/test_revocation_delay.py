"""How fast what is revoked, suspended or expired closes, in this worker and in others."""

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


async def test_a_revoked_key_closes_within_the_cache_time(
    installation: Installation, provider: Person, account_user: Person, world: World, wait: Callable[[float], None]
) -> None:
    assert (await account_user.ask(WHO)).status == 200
    await provider.change("revokeApiKey", "apiKey { id }", id=world["account_user_key"])
    wait(authentication.CACHE_SECONDS + 0.01)
    assert (await account_user.ask(WHO)).status == 401


async def test_what_is_known_of_a_key_is_kept_four_seconds_at_most(
    account_user: Person, wait: Callable[[float], None]
) -> None:
    assert authentication.CACHE_SECONDS <= 4
    counts = []
    for seconds in (0, 1, 2.9, 0.2):
        wait(seconds)
        with recorded() as statements:
            assert (await account_user.ask(WHO)).status == 200
        counts.append(len(statements))
    assert counts == [1, 0, 0, 1]


async def test_a_suspended_account_closes_its_keys_and_a_resumed_one_opens_them(
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


async def test_to_suspend_what_is_suspended_changes_nothing(provider: Person, world: World) -> None:
    for _ in range(2):
        payload = await provider.change("setAccountActive", "account { active version }", id=world["own"], active=False)
        assert payload["account"] == {"active": False, "version": 2}
    payload = await provider.change(
        "setAccountActive", "account { active }", id=world["own"], active=False, ifVersion=1
    )
    assert payload["userErrors"][0]["code"] == "CONFLICT"


async def test_a_deactivated_provider_closes_its_keys_and_those_of_its_accounts(
    installation: Installation, world: World, wait: Callable[[float], None]
) -> None:
    people = ("provider", "account_user", "sibling_user", "read_only", "other_provider", "foreign_user", "admin")
    async with installation.database():
        await ServiceProvider.filter(id=parse_sid(Kind.SERVICE_PROVIDER, world["provider"])).update(active=False)
    wait(4.01)
    statuses = [(await installation.person(person).ask(WHO)).status for person in people]
    assert statuses == [401, 401, 401, 401, 200, 200, 200]


@pytest.mark.usefixtures("unheard")
async def test_a_deleted_account_closes_its_keys(
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


async def test_a_known_key_closes_at_the_second_that_it_expires(
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


async def test_a_revocation_closes_in_another_worker_within_the_cache_time(
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
async def test_a_closed_secret_that_is_still_remembered_makes_no_lasting_key(account_user: Person) -> None:
    """For up to four seconds a worker lets it in; what it makes would stay."""
    mine = (await account_user.ask("{ viewer { apiKey { id } } }")).only("viewer")["apiKey"]["id"]
    rotated = await account_user.change("rotateApiKey", "token", id=mine, overlapHours=0)
    assert rotated["token"]
    for mutation, given in (("createApiKey", '{name: "lasting"}'), ("rotateApiKey", f'{{id: "{mine}"}}')):
        answer = await account_user.ask(f"mutation {{ {mutation}(input: {given}) {{ token }} }}")
        assert answer.codes == ["UNAUTHENTICATED"]
        assert answer.data == {mutation: None}
