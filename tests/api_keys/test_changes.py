"""Existing API keys: listing, renaming and revoking them, and keys that are not visible."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from app.api_keys.model import ApiKey
from app.foundation.identifiers import Kind, new_id, parse_sid, sid_of
from tests.api_keys.test_api_keys import made, scope_of
from tests.support.installation import Installation, Person, World, refusals


async def test_keys_are_listed_on_their_owner(admin: Person, provider: Person, world: World) -> None:
    keys = "apiKeys { totalCount nodes { name scope } }"
    answer = await provider.ask(f"{{ serviceProviders {{ nodes {{ {keys} }} }} accounts {{ nodes {{ {keys} }} }} }}")
    (own,) = answer.data["serviceProviders"]["nodes"]
    assert own["apiKeys"] == {"totalCount": 1, "nodes": [{"name": "provider", "scope": "SERVICE_PROVIDER"}]}
    assert [[key["name"] for key in account["apiKeys"]["nodes"]] for account in answer.data["accounts"]["nodes"]] == [
        ["read_only", "account_user"],
        ["sibling_user"],
    ]
    answer = await admin.ask(f"{{ {keys} }}")
    assert answer.only("apiKeys") == {"totalCount": 1, "nodes": [{"name": "admin", "scope": "ADMIN"}]}


async def test_only_admins_list_the_keys_of_the_installation(installation: Installation) -> None:
    for person in ("provider", "account_user", "read_only"):
        answer = await installation.person(person).ask("{ apiKeys { totalCount } }")
        assert answer.data == {"apiKeys": None}
        assert answer.errors[0]["extensions"]["requiredScopes"] == ["ADMIN"]


async def test_a_key_is_renamed(account_user: Person, world: World) -> None:
    payload = await account_user.change(
        "updateApiKey", "apiKey { name version }", id=world["read_only_key"], name=" New "
    )
    assert payload["apiKey"] == {"name": "New", "version": 2}


async def test_a_rename_of_an_older_version_is_rejected(account_user: Person, world: World) -> None:
    change = ("updateApiKey", "apiKey { version }")
    key = world["read_only_key"]
    assert (await account_user.change(*change, id=key, name="First", ifVersion=1))["apiKey"] == {"version": 2}
    assert refusals(await account_user.change(*change, id=key, name="Late", ifVersion=1)) == [
        ("CONFLICT", ["ifVersion"])
    ]
    assert refusals(await account_user.change(*change, id=key, ifVersion=1)) == [("CONFLICT", ["ifVersion"])]
    errors = refusals(await account_user.change(*change, id=key, name=None, ifVersion=1))
    assert errors == [("REQUIRED", ["name"]), ("CONFLICT", ["ifVersion"])]
    assert (await account_user.change(*change, id=key))["apiKey"] == {"version": 2}


CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("updateApiKey", "apiKey { id }", {"name": "Taken over"}),
    ("revokeApiKey", "apiKey { id }", {}),
    ("rotateApiKey", "apiKey { id } token", {}),
]


@pytest.mark.parametrize(("mutation", "selection", "more"), CHANGES)
async def test_keys_that_are_not_visible_get_the_same_error_as_unknown_ones(
    installation: Installation, admin: Person, world: World, mutation: str, selection: str, more: dict[str, Any]
) -> None:
    admin_key = (await admin.ask("{ viewer { apiKey { id } } }")).only("viewer")["apiKey"]["id"]
    nowhere = [sid_of(Kind.API_KEY, new_id()), "garbage", world["own"]]
    out_of_reach = {
        "account_user": [world["provider_key"], world["sibling_user_key"], world["foreign_user_key"], admin_key],
        "provider": [world["other_provider_key"], world["foreign_user_key"], admin_key],
    }
    for person, keys in out_of_reach.items():
        payloads = [
            await installation.person(person).change(mutation, selection, id=key, **more) for key in [*nowhere, *keys]
        ]
        assert refusals(payloads[0]) == [("NOT_FOUND", ["id"])]
        assert payloads == [payloads[0]] * len(payloads)
        for key in keys:
            answer = await installation.person(person).ask("query ($id: ID!) { node(id: $id) { id } }", id=key)
            assert answer.body == {"data": {"node": None}}
    async with installation.database():
        assert await ApiKey.filter(version=1).count() == await ApiKey.all().count()


async def test_a_revoked_key_is_rejected_and_shows_when_it_was_revoked(
    installation: Installation, provider: Person
) -> None:
    key = await made(provider)
    payload = await provider.change("revokeApiKey", "apiKey { status revokedAt version }", id=key["apiKey"]["id"])
    assert payload["apiKey"]["status"] == "REVOKED"
    assert payload["apiKey"]["revokedAt"] is not None
    assert await scope_of(installation, key["token"]) is None


async def test_revoking_a_revoked_key_changes_nothing(provider: Person) -> None:
    key = (await made(provider))["apiKey"]["id"]
    payloads = [
        await provider.change("revokeApiKey", "apiKey { revokedAt version updatedAt }", id=key) for _ in range(2)
    ]
    assert payloads[0] == payloads[1]
    assert payloads[0]["apiKey"]["version"] == 2


async def test_of_ten_concurrent_revocations_one_takes_effect(provider: Person) -> None:
    key = (await made(provider))["apiKey"]["id"]
    payloads = await asyncio.gather(
        *(provider.change("revokeApiKey", "apiKey { revokedAt version }", id=key) for _ in range(10))
    )
    assert payloads == [payloads[0]] * 10
    assert payloads[0]["apiKey"]["version"] == 2


async def test_an_expired_key_is_listed_as_expired(installation: Installation, provider: Person) -> None:
    key = await made(provider, expiresAt="2040-01-01T00:00:00Z")
    async with installation.database():
        await ApiKey.filter(id=parse_sid(Kind.API_KEY, key["apiKey"]["id"])).update(
            expires_at=datetime(2020, 1, 1, tzinfo=UTC)
        )
    answer = await provider.ask(
        "query ($id: ID!) { node(id: $id) { ... on ApiKey { status } } }", id=key["apiKey"]["id"]
    )
    assert answer.only("node") == {"status": "EXPIRED"}
    assert await scope_of(installation, key["token"]) is None
