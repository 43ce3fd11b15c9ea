"""Secrets at rest: sealed and bound to their row; the webhook secret, which callers can read."""

import re
from typing import Any

import pytest

from app.accounts.model import Account
from app.foundation.encryption import CannotOpen, Keyring, key_from_text, new_key_text
from app.foundation.identifiers import Kind, new_id, parse_sid
from tests.support.installation import Installation, Person, World, refusals

OLD, NEW, HASH = b"\1" * 32, b"\2" * 32, b"\3" * 32
RING = Keyring({"new": NEW, "old": OLD}, HASH)
ROW = new_id()
PLACE: dict[str, Any] = {"table": "accounts", "column": "webhook_secret", "row": ROW}
SECRET = "query ($id: ID!) { account(id: $id) { name webhookSecret } }"


def test_a_sealed_secret_opens_in_its_own_row() -> None:
    for secret in ("", "s3cret", "pässwörd 🎧", "x" * 10_000):
        assert RING.open(RING.seal(secret, **PLACE), **PLACE) == secret


def test_a_sealed_secret_opens_in_no_other_row() -> None:
    sealed = RING.seal("s3cret", **PLACE)
    for elsewhere in ({"table": "recording_configs"}, {"column": "secret_access_key"}, {"row": new_id()}):
        with pytest.raises(CannotOpen):
            RING.open(sealed, **{**PLACE, **elsewhere})


def test_a_damaged_secret_does_not_open() -> None:
    sealed = RING.seal("s3cret", **PLACE)
    for place in range(len(sealed)):
        with pytest.raises(CannotOpen):
            RING.open(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :], **PLACE)
        with pytest.raises(CannotOpen):
            RING.open(sealed[:place], **PLACE)


def test_sealing_a_secret_twice_gives_different_blobs() -> None:
    assert len({RING.seal("s3cret", **PLACE) for _ in range(100)}) == 100


def test_the_first_key_seals_and_all_of_them_open() -> None:
    before = Keyring({"old": OLD}, HASH).seal("s3cret", **PLACE)
    assert RING.open(before, **PLACE) == "s3cret"
    after = RING.seal("s3cret", **PLACE)
    assert after[2:5] == b"new"
    with pytest.raises(CannotOpen, match="'new', which the keyring does not have"):
        Keyring({"old": OLD}, HASH).open(after, **PLACE)


def test_a_keyring_prints_ids_and_no_keys() -> None:
    assert repr(RING) == str(RING) == "<Keyring new, old>"


def test_hashes_for_different_purposes_differ() -> None:
    hashes = {
        RING.keyed_hash("a", b"b"),
        RING.keyed_hash("b", b"b"),
        RING.keyed_hash("ab", b""),
        RING.keyed_hash("a", b""),
    }
    assert len(hashes) == 4


def test_a_key_is_32_bytes_of_base64() -> None:
    assert len(key_from_text(new_key_text())) == 32
    for wrong in ("", "AAAA", "not base64!", new_key_text() + "AAAA", new_key_text()[:-4]):
        with pytest.raises(ValueError, match=r"base64|bytes"):
            key_from_text(wrong)


async def secret_of(person: Person, account_id: str) -> str | None:
    found: str | None = (await person.ask(SECRET, id=account_id)).only("account")["webhookSecret"]
    return found


async def test_each_account_has_its_own_webhook_secret(admin: Person, world: World) -> None:
    secrets = [str(await secret_of(admin, world[place])) for place in ("own", "sibling", "foreign")]
    assert len(set(secrets)) == 3
    for secret in secrets:
        assert re.fullmatch(r"wh_secret_[1-9A-HJ-NP-Za-km-z]{22}", secret)


async def test_callers_with_full_access_to_an_account_read_its_webhook_secret(
    installation: Installation, world: World
) -> None:
    shown = {
        await secret_of(installation.person(person), world["own"]) for person in ("admin", "provider", "account_user")
    }
    assert len(shown) == 1
    assert None not in shown


async def test_a_read_only_key_does_not_read_the_webhook_secret(read_only: Person, world: World) -> None:
    answer = await read_only.ask(SECRET, id=world["own"])
    assert answer.data == {"account": {"name": "Own customer", "webhookSecret": None}}
    (error,) = answer.errors
    assert (error["extensions"]["code"], error["extensions"]["requiredPermissions"]) == ("FORBIDDEN", ["VIEW_SECRETS"])


async def test_a_read_only_key_does_not_rotate_the_webhook_secret(
    read_only: Person, account_user: Person, world: World
) -> None:
    before = await secret_of(account_user, world["own"])
    answer = await read_only.ask(
        "mutation ($id: ID!) { rotateWebhookSecret(input: {id: $id}) { account { webhookSecret } } }",
        id=world["own"],
    )
    assert answer.data == {"rotateWebhookSecret": None}
    assert await secret_of(account_user, world["own"]) == before


async def test_a_rotation_replaces_the_webhook_secret(account_user: Person, world: World) -> None:
    before = await secret_of(account_user, world["own"])
    payload = await account_user.change("rotateWebhookSecret", "account { webhookSecret version }", id=world["own"])
    assert payload["account"]["version"] == 2
    assert payload["account"]["webhookSecret"] != before
    assert await secret_of(account_user, world["own"]) == payload["account"]["webhookSecret"]


async def test_a_webhook_secret_is_not_rotated_for_an_older_version(account_user: Person, world: World) -> None:
    before = await secret_of(account_user, world["own"])
    for _ in range(2):
        payload = await account_user.change("rotateWebhookSecret", "account { id }", id=world["own"], ifVersion=7)
        assert refusals(payload) == [("CONFLICT", ["ifVersion"])]
    assert await secret_of(account_user, world["own"]) == before


async def test_a_webhook_secret_cannot_be_chosen(account_user: Person, world: World) -> None:
    answer = await account_user.ask(
        'mutation ($id: ID!) { updateAccount(input: {id: $id, webhookSecret: "mine"}) { account { id } } }',
        id=world["own"],
    )
    assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]


async def test_a_webhook_secret_is_stored_sealed(installation: Installation, admin: Person, world: World) -> None:
    shown = await secret_of(admin, world["own"])
    assert shown
    async with installation.database():
        account = await Account.get(id=parse_sid(Kind.ACCOUNT, world["own"]))
    assert shown.encode() not in account.webhook_secret
    assert shown.removeprefix("wh_secret_").encode() not in account.webhook_secret
    ring = installation.settings.keyring()
    assert ring.open(account.webhook_secret, **{**PLACE, "row": account.id}) == shown


async def test_a_sealed_webhook_secret_copied_to_another_account_does_not_open_there(
    installation: Installation, account_user: Person, provider: Person, world: World
) -> None:
    async with installation.database():
        sibling = await Account.get(id=parse_sid(Kind.ACCOUNT, world["sibling"]))
        await Account.filter(id=parse_sid(Kind.ACCOUNT, world["own"])).update(webhook_secret=sibling.webhook_secret)
    answer = await account_user.ask(SECRET, id=world["own"])
    assert answer.data == {"account": {"name": "Own customer", "webhookSecret": None}}
    assert answer.codes == ["INTERNAL_SERVER_ERROR"]
    assert "open" not in answer.errors[0]["message"]
    assert await secret_of(provider, world["sibling"])
