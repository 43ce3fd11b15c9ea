"""`reencrypt-secrets` encrypts all secrets with the newest key, which then decrypts them without the older ones."""

from typing import Any

import pytest
from tortoise import Tortoise, fields
from tortoise.exceptions import OperationalError
from tortoise.models import Model

from app.accounts.model import Account
from app.commands import reencrypt
from app.commands.reencrypt import reencrypt as reencrypt_all
from app.foundation.encryption import CannotOpen, Keyring
from app.foundation.identifiers import Kind, parse_sid
from app.storage.model import RecordingConfig
from tests.invariants.schema_walk import inputs, send, user_errors_of, with_everything
from tests.support.fault_injection import failing
from tests.support.installation import Installation, Person, World
from tests.support.personas import add_people


def keyrings(installation: Installation) -> tuple[Keyring, Keyring]:
    """A keyring with a newer key in front of the installation's key, and one with the newer key only."""
    old = installation.resources.keyring
    newer = {"newer": b"n" * 32}
    both, alone = Keyring(newer, b"h" * 32), Keyring(newer, b"h" * 32)
    both._ciphers = {**alone._ciphers, **old._ciphers}
    return both, alone


async def opened(keyring: Keyring) -> list[str]:
    found: list[Any] = [
        keyring.open(bytes(row.webhook_secret), table="accounts", column="webhook_secret", row=row.id)
        for row in await Account.all().order_by("id")
    ]
    for row in await RecordingConfig.all().order_by("id"):
        assert row.secret_access_key is not None
        found.append(
            keyring.open(
                bytes(row.secret_access_key), table="recording_configs", column="secret_access_key", row=row.id
            )
        )
    return found


async def test_every_secret_opens_with_the_newest_key_alone(installation: Installation, world: World) -> None:
    both, alone = keyrings(installation)
    async with installation.database():
        before = await opened(both)
        with pytest.raises(CannotOpen):
            await opened(alone)
        assert await reencrypt_all(both) == len(before) == 6
        assert await opened(alone) == before
        assert await reencrypt_all(both) == 0, "a second run has nothing to do"


async def fill_every_column(installation: Installation) -> None:
    """Stores a secret in each column that holds secrets."""
    world, people = await with_everything(installation), await add_people(installation)
    given = inputs(world, people)
    for mutation in ("updateAccount", "updateApplication", "rotateWebhookSecret"):
        assert user_errors_of(await send(people["root"], mutation, given[mutation][0]), mutation) == []


async def encrypted() -> list[tuple[type[Model], str, Any, bytes]]:
    """Every encrypted secret with its model, column and row."""
    return [
        (model, column, row.pk, bytes(getattr(row, column)))
        for model in Tortoise.apps["models"].values()
        for column in getattr(model, "sealed", ())
        for row in await model.filter(**{f"{column}__not_isnull": True}).order_by("id")
    ]


def texts_of(keyring: Keyring, found: list[tuple[type[Model], str, Any, bytes]]) -> list[str]:
    return [
        keyring.open(blob, table=model._meta.db_table, column=column, row=row_id)
        for model, column, row_id, blob in found
    ]


async def test_secrets_of_every_column_are_reencrypted(installation: Installation) -> None:
    await fill_every_column(installation)
    both, alone = keyrings(installation)
    async with installation.database():
        before = await encrypted()
        columns = {(model, column) for model, column, _, _ in before}
        models = Tortoise.apps["models"].values()
        assert columns == {(model, column) for model in models for column in getattr(model, "sealed", ())}
        assert await reencrypt_all(both) == len(before)
        assert texts_of(alone, await encrypted()) == texts_of(both, before)


async def test_a_second_run_completes_one_that_was_interrupted(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reencrypt, "_BATCH", 2)
    await fill_every_column(installation)
    both, alone = keyrings(installation)
    async with installation.database():
        before = await encrypted()
        with failing(8), pytest.raises(OperationalError):
            await reencrypt_all(both)
        done = sum(both.is_current(blob) for *_, blob in await encrypted())
        assert 0 < done < len(before)
        assert texts_of(both, await encrypted()) == texts_of(both, before), (
            "a server decrypts all of them with both keys"
        )
        assert await reencrypt_all(both) == len(before) - done
        assert texts_of(alone, await encrypted()) == texts_of(both, before)


async def test_a_secret_that_is_replaced_during_the_run_is_not_overwritten(
    installation: Installation, world: World
) -> None:
    both, alone = keyrings(installation)
    account_id = parse_sid(Kind.ACCOUNT, world["own"])
    async with installation.database():
        row = await Account.get(id=account_id)
        location: dict[str, Any] = {"table": "accounts", "column": "webhook_secret", "row": row.id}
        await Account.filter(id=row.id).update(webhook_secret=both.seal("wh_secret_new", **location))
        # The command has read the row before this update, and writes it now.
        assert (
            await reencrypt._reencrypt_row(Account, "webhook_secret", both, bytes(row.webhook_secret), {"id": row.id})
            == 0
        )
        now = await Account.get(id=account_id)
        assert alone.open(bytes(now.webhook_secret), **location) == "wh_secret_new"


async def test_a_secret_without_its_key_ends_the_run_and_keeps_the_others(
    installation: Installation, world: World
) -> None:
    _, alone = keyrings(installation)
    async with installation.database():
        with pytest.raises(CannotOpen):
            await reencrypt_all(alone)
        assert len(await opened(installation.resources.keyring)) == 6


async def test_every_column_of_bytes_is_a_hash_or_sealed(installation: Installation, admin: Person) -> None:
    async with installation.database():
        for model in Tortoise.apps["models"].values():
            for name, column in model._meta.fields_map.items():
                if isinstance(column, fields.BinaryField):
                    is_hash = name.endswith("_hash") or name in ("subject", "fingerprint")  # of failed logins, of keys
                    assert is_hash or name in getattr(model, "sealed", ()), f"{model.__name__}.{name}"
