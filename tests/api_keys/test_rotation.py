"""Rotation: a new secret immediately, the old one during the overlap, and when the old one was last used."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.api_keys.model import ApiKey
from app.foundation.identifiers import Kind, parse_sid
from app.server import authentication
from tests.support.installation import Installation, Person, World, refusals

ROTATED = "apiKey { id publicId version rotatedAt previousSecretExpiresAt previousSecretLastUsedAt } token"
USE = "query ($id: ID!) { node(id: $id) { ... on ApiKey { lastUsedAt previousSecretLastUsedAt } } }"


async def works(installation: Installation, text: str) -> bool:
    """Whether a key is accepted, bypassing the authentication cache."""
    server = installation.app.state.server
    server.state.authentication._cache.clear()
    return (await installation.holder(text).ask("{ viewer { scope } }")).status == 200


async def rotated(person: Person, key: str, **settings: Any) -> dict[str, Any]:
    payload = await person.change("rotateApiKey", ROTATED, id=key, **settings)
    assert payload["userErrors"] == []
    return payload


async def write_uses(installation: Installation) -> None:
    """Writes the last uses, as the server does every few seconds."""
    async with installation.database():
        await installation.app.state.server.state.authentication._last_use.flush()


def minute(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    assert (at.second, at.microsecond) == (0, 0)
    return at


def this_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


async def test_both_secrets_work_for_a_day_by_default(
    installation: Installation, provider: Person, world: World
) -> None:
    payload = await rotated(provider, world["account_user_key"])
    ends = datetime.fromisoformat(payload["apiKey"]["previousSecretExpiresAt"])
    assert abs(ends - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=1)
    assert payload["apiKey"]["rotatedAt"] is not None
    assert payload["token"] != world.tokens["account_user"]
    assert await works(installation, payload["token"])
    assert await works(installation, world.tokens["account_user"])


async def test_the_public_id_stays_the_same(provider: Person, world: World) -> None:
    payload = await rotated(provider, world["account_user_key"])
    assert payload["token"][:16] == world.tokens["account_user"][:16] == f"vgk_{payload['apiKey']['publicId']}"


async def test_without_overlap_the_old_secret_is_rejected(
    installation: Installation, provider: Person, world: World
) -> None:
    payload = await rotated(provider, world["account_user_key"], overlapHours=0)
    assert payload["apiKey"]["previousSecretExpiresAt"] is None
    assert await works(installation, payload["token"])
    assert not await works(installation, world.tokens["account_user"])


async def test_the_old_secret_is_rejected_after_the_overlap(
    installation: Installation, provider: Person, world: World
) -> None:
    payload = await rotated(provider, world["account_user_key"], overlapHours=1)
    async with installation.database():
        ended = datetime.now(UTC) - timedelta(seconds=1)
        await ApiKey.filter(id=parse_sid(Kind.API_KEY, world["account_user_key"])).update(
            previous_secret_expires_at=ended
        )
    assert not await works(installation, world.tokens["account_user"])
    assert await works(installation, payload["token"])


async def test_a_cached_old_secret_is_rejected_from_the_second_the_overlap_ends(
    provider: Person, account_user: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = await rotated(provider, world["account_user_key"], overlapHours=1)
    ends = datetime.fromisoformat(payload["apiKey"]["previousSecretExpiresAt"])
    # The cached caller: only this clock can expire it.
    monkeypatch.setattr(authentication, "datetime", SimpleNamespace(now=lambda _: ends - timedelta(seconds=1)))
    assert (await account_user.ask("{ viewer { scope } }")).status == 200
    monkeypatch.setattr(authentication, "datetime", SimpleNamespace(now=lambda _: ends + timedelta(seconds=1)))
    assert (await account_user.ask("{ viewer { scope } }")).status == 401


async def test_an_overlap_is_zero_hours_to_thirty_days(provider: Person, world: World) -> None:
    for hours in (-1, 721, 2**31 - 1):
        payload = await provider.change("rotateApiKey", ROTATED, id=world["account_user_key"], overlapHours=hours)
        assert payload["token"] is None
        assert refusals(payload) == [("OUT_OF_RANGE", ["overlapHours"])]
    await rotated(provider, world["account_user_key"], overlapHours=720)


async def test_a_second_rotation_permanently_revokes_the_first_secret(
    installation: Installation, provider: Person, world: World
) -> None:
    second = await rotated(provider, world["account_user_key"])
    third = await rotated(provider, world["account_user_key"])
    texts = [world.tokens["account_user"], second["token"], third["token"]]
    assert [await works(installation, text) for text in texts] == [False, True, True]


async def test_a_revoked_or_expired_key_cannot_be_rotated(
    installation: Installation, provider: Person, world: World
) -> None:
    await provider.change("revokeApiKey", "apiKey { id }", id=world["account_user_key"])
    async with installation.database():
        past = datetime.now(UTC) - timedelta(seconds=1)
        await ApiKey.filter(id=parse_sid(Kind.API_KEY, world["sibling_user_key"])).update(expires_at=past)
    for key in ("account_user_key", "sibling_user_key"):
        payload = await provider.change("rotateApiKey", ROTATED, id=world[key])
        assert payload["apiKey"] is payload["token"] is None
        assert refusals(payload) == [("INVALID", ["id"])]


async def test_concurrent_rotations_run_one_after_the_other(
    installation: Installation, provider: Person, world: World
) -> None:
    payloads = await asyncio.gather(*(rotated(provider, world["account_user_key"]) for _ in range(5)))
    by_version = sorted(payloads, key=lambda payload: payload["apiKey"]["version"])
    assert [payload["apiKey"]["version"] for payload in by_version] == [2, 3, 4, 5, 6]
    open_to = [await works(installation, payload["token"]) for payload in by_version]
    assert open_to == [False, False, False, True, True]
    assert not await works(installation, world.tokens["account_user"])


async def test_a_key_may_rotate_itself(installation: Installation, account_user: Person, world: World) -> None:
    payload = await rotated(account_user, world["account_user_key"], overlapHours=0)
    assert await works(installation, payload["token"])


async def test_a_key_with_an_expiry_cannot_rotate_one_that_outlives_it(
    installation: Installation, provider: Person, world: World
) -> None:
    ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    made = await provider.change("createApiKey", "apiKey { id } token", name="Ends", expiresAt=ends)
    contractor = installation.holder(made["token"])
    for lasting in ("provider_key", "account_user_key"):
        payload = await contractor.change("rotateApiKey", ROTATED, id=world[lasting])
        assert payload["token"] is None
        assert refusals(payload) == [("INVALID", ["id"])]
    assert (await rotated(contractor, made["apiKey"]["id"]))["token"]


async def test_the_old_secret_creates_and_rotates_nothing_that_outlives_the_overlap(
    installation: Installation, provider: Person, account_user: Person, world: World
) -> None:
    payload = await rotated(provider, world["account_user_key"], overlapHours=1)
    assert await works(installation, payload["token"])
    assert await works(installation, account_user.token or "")
    again = await account_user.change("rotateApiKey", ROTATED, id=world["account_user_key"])
    assert refusals(again) == [("INVALID", ["id"])]
    made = await account_user.change("createApiKey", "apiKey { expiresAt }", name="Made with the old secret")
    assert made["apiKey"]["expiresAt"] == payload["apiKey"]["previousSecretExpiresAt"]


async def test_the_end_of_the_old_secret_is_null_once_it_has_passed(
    installation: Installation, provider: Person, world: World
) -> None:
    await rotated(provider, world["account_user_key"], overlapHours=1)
    async with installation.database():
        await ApiKey.filter(id=parse_sid(Kind.API_KEY, world["account_user_key"])).update(
            previous_secret_expires_at=datetime(2020, 1, 1, tzinfo=UTC)
        )
    query = "query ($id: ID!) { node(id: $id) { ... on ApiKey { previousSecretExpiresAt status } } }"
    answer = await provider.ask(query, id=world["account_user_key"])
    assert answer.only("node") == {"previousSecretExpiresAt": None, "status": "ACTIVE"}


async def test_the_last_use_is_shown_to_the_minute(
    installation: Installation, provider: Person, account_user: Person, world: World
) -> None:
    before = this_minute()
    unused = await provider.ask(USE, id=world["account_user_key"])
    assert unused.only("node") == {"lastUsedAt": None, "previousSecretLastUsedAt": None}
    await account_user.ask("{ viewer { scope } }")
    await write_uses(installation)
    used = (await provider.ask(USE, id=world["account_user_key"])).only("node")
    assert before <= minute(used["lastUsedAt"]) <= this_minute()
    assert used["previousSecretLastUsedAt"] is None


async def test_a_rejected_key_does_not_count_as_used(
    installation: Installation, provider: Person, account_user: Person, world: World
) -> None:
    await provider.change("revokeApiKey", "apiKey { id }", id=world["account_user_key"])
    await account_user.ask("{ viewer { scope } }")
    await write_uses(installation)
    assert (await provider.ask(USE, id=world["account_user_key"])).only("node")["lastUsedAt"] is None


async def test_an_earlier_use_does_not_replace_a_later_one(
    installation: Installation, provider: Person, account_user: Person, world: World
) -> None:
    later = this_minute() + timedelta(minutes=5)
    async with installation.database():  # as written by another worker
        await ApiKey.filter(id=parse_sid(Kind.API_KEY, world["account_user_key"])).update(last_used_at=later)
    await account_user.ask("{ viewer { scope } }")
    await write_uses(installation)
    used = (await provider.ask(USE, id=world["account_user_key"])).only("node")
    assert minute(used["lastUsedAt"]) == later


async def test_the_old_secrets_last_use_is_shown_during_the_overlap(
    installation: Installation, provider: Person, world: World
) -> None:
    payload = await rotated(provider, world["account_user_key"])
    assert await works(installation, payload["token"])
    await write_uses(installation)
    assert (await provider.ask(USE, id=world["account_user_key"])).only("node")["previousSecretLastUsedAt"] is None
    before = this_minute()
    assert await works(installation, world.tokens["account_user"])
    await write_uses(installation)
    used = (await provider.ask(USE, id=world["account_user_key"])).only("node")
    assert before <= minute(used["previousSecretLastUsedAt"]) <= this_minute()


async def test_a_use_of_the_secret_before_last_does_not_count_as_a_use_of_the_last(
    installation: Installation, provider: Person, world: World
) -> None:
    await rotated(provider, world["account_user_key"])
    assert await works(installation, world.tokens["account_user"])
    await rotated(provider, world["account_user_key"])
    await write_uses(installation)
    assert (await provider.ask(USE, id=world["account_user_key"])).only("node")["previousSecretLastUsedAt"] is None
