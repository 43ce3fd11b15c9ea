"""Quotas of objects hold exactly, also for concurrent creates."""

import asyncio
from typing import Any

import pytest

from app.foundation.identifiers import Kind, new_id, parse_sid
from app.storage.model import StoredCredential
from tests.invariants.schema_walk import STORAGE
from tests.support.installation import Installation, Person, World
from tests.support.personas import add_people

HOOK = {"url": "https://hooks.example.com/x"}


def told(payload: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["code"], error["message"]) for error in payload["userErrors"]]


async def twelve(person: Person, mutation: str, made: str, **input: Any) -> list[dict[str, Any]]:
    """Twelve concurrent creates, each with its own name and email."""

    def named(number: int) -> dict[str, Any]:
        email = {"role": "VIEWER", "email": f"n{number}@people.example.com"} if mutation == "createUser" else {}
        return {**input, **email, "name": f"Number {number}"}

    return await asyncio.gather(*(person.change(mutation, f"{made} {{ id }}", **named(n)) for n in range(12)))


def refused(payloads: list[dict[str, Any]], made: str) -> set[tuple[str, str]]:
    return {error for payload in payloads if payload[made] is None for error in told(payload)}


@pytest.mark.settings(applications_per_account=5)
async def test_an_account_has_at_most_its_quota_of_applications(account_user: Person, world: World) -> None:
    payloads = await twelve(
        account_user, "createApplication", "application", accountId=world["own"], callingWebhook=HOOK
    )
    assert sum(payload["application"] is not None for payload in payloads) == 4  # it had one
    message = "The account has 5 applications, as many as this server allows. Delete one first."
    assert refused(payloads, "application") == {("LIMIT_REACHED", message)}
    await account_user.change("deleteApplication", "deletedId", id=world["own_application"])
    again = await account_user.change(
        "createApplication", "application { id }", accountId=world["own"], name="One more", callingWebhook=HOOK
    )
    assert again["application"]


@pytest.mark.settings(accounts_per_provider=5)
async def test_a_provider_has_at_most_its_quota_of_accounts(
    provider: Person, other_provider: Person, admin: Person, world: World
) -> None:
    payloads = await twelve(provider, "createAccount", "account")
    assert sum(payload["account"] is not None for payload in payloads) == 3  # it had two
    message = "The service provider has 5 accounts, as many as this server allows. Delete one first."
    assert refused(payloads, "account") == {("LIMIT_REACHED", message)}
    by_admin = await admin.change("createAccount", "account { id }", name="More", serviceProviderId=world["provider"])
    assert told(by_admin) == [("LIMIT_REACHED", message)]
    assert (await other_provider.change("createAccount", "account { id }", name="More"))["account"]


@pytest.mark.settings(users_per_owner=3)
@pytest.mark.parametrize(
    ("owner", "askers", "words", "room"),
    [("own", ("ann", "bob", "boss"), "account", 1), ("provider", ("boss", "root"), "service provider", 2)],
)
async def test_an_owner_has_at_most_its_quota_of_users(
    installation: Installation, world: World, owner: str, askers: tuple[str, ...], words: str, room: int
) -> None:
    people, kind = await add_people(installation), "accountId" if owner == "own" else "serviceProviderId"

    async def create(asker: str, number: int) -> dict[str, Any]:
        given = {"email": f"{asker}{number}@people.example.com", "name": "New", "owner": {kind: world[owner]}}
        return await people[asker].change("createUser", "user { id }", role="VIEWER", **given)

    payloads = []
    for number in range(2):  # a person has few passwords in work
        payloads += await asyncio.gather(*(create(asker, number) for asker in askers))
    assert sum(payload["user"] is not None for payload in payloads) == room
    message = f"The {words} has 3 users, as many as this server allows. Delete one first."
    assert refused(payloads, "user") == {("LIMIT_REACHED", message)}


@pytest.mark.settings(api_keys_per_owner=6)
@pytest.mark.parametrize(
    ("asker", "words", "there"), [("account_user", "account", 2), ("provider", "service provider", 1)]
)
async def test_an_owner_has_at_most_its_quota_of_valid_api_keys(
    installation: Installation, world: World, asker: str, words: str, there: int
) -> None:
    person = installation.person(asker)
    payloads = await twelve(person, "createApiKey", "apiKey")
    assert sum(payload["apiKey"] is not None for payload in payloads) == 6 - there
    message = f"The {words} has 6 valid API keys, as many as this server allows. Revoke one first."
    assert refused(payloads, "apiKey") == {("LIMIT_REACHED", message)}


@pytest.mark.settings(api_keys_per_owner=6)
async def test_revoked_keys_free_the_quota_but_new_keys_within_a_day_are_limited(
    installation: Installation, account_user: Person, world: World
) -> None:
    made = []
    for number in range(4):  # it had two
        payload = await account_user.change("createApiKey", "apiKey { id }", name=f"Number {number}")
        made.append(payload["apiKey"]["id"])
    await account_user.change("revokeApiKey", "apiKey { id }", id=made[0])
    refused_today = await account_user.change("createApiKey", "apiKey { id }", name="Again")
    message = "The account got 6 new API keys within 24 hours, as many as this server allows. Try again tomorrow."
    assert told(refused_today) == [("LIMIT_REACHED", message)]
    async with installation.database() as connection:
        # As if on another day: the id has the creation time.
        older, earlier = parse_sid(Kind.API_KEY, made[1]), f"00000000{str(new_id())[8:]}"
        await connection.execute_query(f"UPDATE api_keys SET id = '{earlier}' WHERE id = '{older}'")
    assert (await account_user.change("createApiKey", "apiKey { id }", name="Again"))["apiKey"]


@pytest.mark.settings(api_keys_per_owner=1)
async def test_the_installation_s_own_keys_are_not_limited(admin: Person) -> None:
    for number in range(3):
        payload = await admin.change(
            "createApiKey", "apiKey { id }", name=f"Number {number}", owner={"installation": True}
        )
        assert payload["apiKey"]


@pytest.mark.settings(idempotency_keys_per_caller=3)
async def test_a_caller_has_a_quota_of_idempotency_keys_and_unlimited_repeats(
    provider: Person, other_provider: Person
) -> None:
    for number in (0, 1, 2, 2, 0):
        payload = await provider.change(
            "createAccount", "account { id }", name=f"Number {number}", idempotencyKey=f"key {number}"
        )
        assert payload["account"]
    payload = await provider.change("createAccount", "account { id }", name="More", idempotencyKey="another")
    message = (
        "This caller has used 3 idempotency keys within 24 hours, as many as this server allows. "
        "Try again later, or leave the key out."
    )
    assert payload["userErrors"] == [{"code": "LIMIT_REACHED", "message": message, "field": ["idempotencyKey"]}]
    assert (await provider.change("createAccount", "account { id }", name="More"))["account"]
    theirs = await other_provider.change("createAccount", "account { id }", name="More", idempotencyKey="another")
    assert theirs["account"]


@pytest.mark.settings(stored_credentials_per_account=2)
async def test_at_the_quota_of_stored_credentials_the_recording_configuration_refuses_other_keys(
    installation: Installation, account_user: Person, world: World
) -> None:
    async with installation.database():
        for number in range(2):
            await StoredCredential.create(
                account_id=parse_sid(Kind.ACCOUNT, world["own"]),
                vendor="AWS_S3",
                access_key_id="AKIAIOSFODNN7EXAMPLE",
                secret_access_key=b"sealed",
                fingerprint=bytes([number]),
            )
    message = (
        "The account has 2 stored credentials, as many as this server allows. "
        "Remove some with removeStoredCredential before you enter other keys."
    )
    for mutation, given, path in (
        ("updateRecordingConfig", {"accountId": world["own"], **STORAGE}, []),
        ("updateAccount", {"id": world["own"], "recordingConfig": STORAGE}, ["recordingConfig"]),
    ):
        payload = await account_user.change(mutation, "__typename", **given)
        error = {"code": "LIMIT_REACHED", "message": message, "field": [*path, "accessKeyId"]}
        assert payload["userErrors"] == [error]
    unchanged = await account_user.change("updateRecordingConfig", "__typename", accountId=world["own"], enabled=False)
    assert unchanged["userErrors"] == []


@pytest.mark.settings(api_keys_per_owner=7, users_per_owner=8)
async def test_the_quotas_are_in_the_contract(account_user: Person) -> None:
    quota = "{ limits { quota { apiKeysPerOwner usersPerOwner applicationsPerAccount } } }"
    found = (await account_user.ask(quota)).only("limits")
    assert found == {"quota": {"apiKeysPerOwner": 7, "usersPerOwner": 8, "applicationsPerAccount": 500}}
