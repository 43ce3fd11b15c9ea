"""Rotation of the webhook secret: how long the old one signs, and that it is never shown."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.accounts.model import Account
from app.foundation.identifiers import Kind, parse_sid
from app.webhooks import signing
from tests.support.installation import Installation, Person, World, refusals
from tests.webhooks.receiver import Receiver

SHOWN = "account { webhookSecret previousWebhookSecretExpiresAt version }"


async def rotate(person: Person, account_id: str, **input: Any) -> dict[str, Any]:
    payload = await person.change("rotateWebhookSecret", SHOWN, id=account_id, **input)
    assert payload["userErrors"] == []
    account: dict[str, Any] = payload["account"]
    return account


async def open_secret(person: Person, account_id: str) -> str:
    answer = await person.ask("query ($id: ID!) { account(id: $id) { webhookSecret } }", id=account_id)
    secret: str = answer.only("account")["webhookSecret"]
    return secret


async def signers(person: Person, account_id: str, receiver: Receiver, *secrets: str) -> list[bool]:
    """The secrets for which the next call is genuine."""
    await person.change("updateAccount", "account { id }", id=account_id, registrationWebhook={"url": receiver.url})
    payload = await person.change(
        "sendTestWebhook", "delivery { succeeded }", accountId=account_id, kind="REGISTRATION"
    )
    assert payload["delivery"] == {"succeeded": True}
    sent = receiver.received[-1]
    header, now = sent.headers["Jambonz-Signature"], datetime.now(UTC).timestamp()
    found = [signing.is_genuine(secret, header, sent.body, now) for secret in secrets]
    assert header.count("v1=") == sum(found)
    return found


async def test_both_secrets_sign_during_the_overlap(account_user: Person, receiver: Receiver, world: World) -> None:
    old = await open_secret(account_user, world["own"])
    before = datetime.now(UTC)
    account = await rotate(account_user, world["own"], overlapHours=2)
    ends = datetime.fromisoformat(account["previousWebhookSecretExpiresAt"])
    assert before + timedelta(hours=2) <= ends <= datetime.now(UTC) + timedelta(hours=2)
    assert await signers(account_user, world["own"], receiver, account["webhookSecret"], old) == [True, True]


async def test_the_newest_secret_signs_first(account_user: Person, receiver: Receiver, world: World) -> None:
    old = await open_secret(account_user, world["own"])
    account = await rotate(account_user, world["own"])
    await signers(account_user, world["own"], receiver, account["webhookSecret"], old)
    sent = receiver.received[-1]
    first = sent.headers["Jambonz-Signature"].rpartition(",")[0]
    assert signing.is_genuine(account["webhookSecret"], first, sent.body, datetime.now(UTC).timestamp())


async def test_without_an_overlap_the_old_secret_does_not_sign(
    account_user: Person, receiver: Receiver, installation: Installation, world: World
) -> None:
    old = await open_secret(account_user, world["own"])
    account = await rotate(account_user, world["own"], overlapHours=0)
    assert account["previousWebhookSecretExpiresAt"] is None
    assert await signers(account_user, world["own"], receiver, account["webhookSecret"], old) == [True, False]
    async with installation.database():
        assert (await Account.get(id=parse_sid(Kind.ACCOUNT, world["own"]))).previous_webhook_secret is None


async def test_the_default_overlap_is_a_day(account_user: Person, world: World) -> None:
    account = await rotate(account_user, world["own"])
    left = datetime.fromisoformat(account["previousWebhookSecretExpiresAt"]) - datetime.now(UTC)
    assert timedelta(hours=23.9) < left <= timedelta(hours=24)


async def test_after_the_overlap_the_old_secret_does_not_sign_and_is_not_shown(
    account_user: Person, receiver: Receiver, installation: Installation, world: World
) -> None:
    old = await open_secret(account_user, world["own"])
    account = await rotate(account_user, world["own"])
    async with installation.database():
        gone = datetime.now(UTC) - timedelta(seconds=1)
        await Account.filter(id=parse_sid(Kind.ACCOUNT, world["own"])).update(previous_webhook_secret_expires_at=gone)
    answer = await account_user.ask("{ viewer { account { previousWebhookSecretExpiresAt } } }")
    assert answer.only("viewer") == {"account": {"previousWebhookSecretExpiresAt": None}}
    assert await signers(account_user, world["own"], receiver, account["webhookSecret"], old) == [True, False]


async def test_a_rotation_in_an_overlap_ends_the_secret_before(
    account_user: Person, receiver: Receiver, world: World
) -> None:
    first = await open_secret(account_user, world["own"])
    second = (await rotate(account_user, world["own"]))["webhookSecret"]
    third = (await rotate(account_user, world["own"]))["webhookSecret"]
    assert await signers(account_user, world["own"], receiver, first, second, third) == [False, True, True]


@pytest.mark.parametrize("hours", [-1, 721, 2**31 - 1])
async def test_an_overlap_has_its_limits(account_user: Person, world: World, hours: int) -> None:
    before = await open_secret(account_user, world["own"])
    payload = await account_user.change("rotateWebhookSecret", SHOWN, id=world["own"], overlapHours=hours)
    assert refusals(payload) == [("OUT_OF_RANGE", ["overlapHours"])]
    assert await open_secret(account_user, world["own"]) == before
    assert (await rotate(account_user, world["own"], overlapHours=720))["previousWebhookSecretExpiresAt"]


async def test_two_concurrent_rotations_both_return_a_valid_secret(
    account_user: Person, receiver: Receiver, world: World
) -> None:
    made = await asyncio.gather(*(rotate(account_user, world["own"]) for _ in range(2)))
    secrets = [account["webhookSecret"] for account in made]
    assert len(set(secrets)) == 2
    assert await signers(account_user, world["own"], receiver, *secrets) == [True, True]


async def test_one_of_two_rotations_of_the_same_version_conflicts(account_user: Person, world: World) -> None:
    payloads = await asyncio.gather(
        *(
            account_user.change("rotateWebhookSecret", SHOWN, id=world["own"], ifVersion=1, overlapHours=0)
            for _ in range(2)
        )
    )
    assert sorted(refusals(payload) for payload in payloads) == [[], [("CONFLICT", ["ifVersion"])]]


async def test_the_previous_secret_is_encrypted_for_its_own_column(
    account_user: Person, installation: Installation, world: World
) -> None:
    old = await open_secret(account_user, world["own"])
    await rotate(account_user, world["own"])
    async with installation.database():
        account = await Account.get(id=parse_sid(Kind.ACCOUNT, world["own"]))
    sealed, ring = account.previous_webhook_secret or b"", installation.settings.keyring()
    assert old.encode() not in sealed
    assert ring.open(sealed, table="accounts", column="previous_webhook_secret", row=account.id) == old
