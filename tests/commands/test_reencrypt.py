"""All secrets are sealed again with the newest key, and open then without the older ones."""

from typing import Any

import pytest
from tortoise import Tortoise, fields
from tortoise.exceptions import OperationalError
from tortoise.models import Model

from app.accounts.model import Account
from app.commands import reencrypt
from app.commands.reencrypt import rewrap
from app.foundation.encryption import CannotOpen, Keyring
from app.foundation.identifiers import Kind, parse_sid
from app.storage.model import RecordingConfig
from tests.invariants.schema_walk import inputs, send, user_errors_of, with_everything
from tests.support.fault_injection import failing
from tests.support.installation import Installation, Person, World
from tests.support.personas import add_people


def keyrings(installation: Installation) -> tuple[Keyring, Keyring]:
    """With a newer key in front of the installation's, and with the newer key alone."""
    old = installation.opened.keyring
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
        assert await rewrap(both) == len(before) == 6
        assert await opened(alone) == before
        assert await rewrap(both) == 0, "again: nothing is left to do"


async def fill_every_place(installation: Installation) -> None:
    """Has a secret stored in each column that is for one."""
    world, people = await with_everything(installation), await add_people(installation)
    given = inputs(world, people)
    for mutation in ("updateAccount", "updateApplication", "rotateWebhookSecret"):
        assert user_errors_of(await send(people["root"], mutation, given[mutation][0]), mutation) == []


async def sealed() -> list[tuple[type[Model], str, Any, bytes]]:
    """Every sealed secret, with the place that it stands in."""
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


async def test_secrets_of_every_column_are_sealed_again(installation: Installation) -> None:
    await fill_every_place(installation)
    both, alone = keyrings(installation)
    async with installation.database():
        before = await sealed()
        columns = {(model, column) for model, column, _, _ in before}
        models = Tortoise.apps["models"].values()
        assert columns == {(model, column) for model in models for column in getattr(model, "sealed", ())}
        assert await rewrap(both) == len(before)
        assert texts_of(alone, await sealed()) == texts_of(both, before)


async def test_whoever_is_stopped_half_way_goes_on_where_it_was(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reencrypt, "_BATCH", 2)
    await fill_every_place(installation)
    both, alone = keyrings(installation)
    async with installation.database():
        before = await sealed()
        with failing(8), pytest.raises(OperationalError):
            await rewrap(both)
        done = sum(both.is_newest(blob) for *_, blob in await sealed())
        assert 0 < done < len(before)
        assert texts_of(both, await sealed()) == texts_of(both, before), "a server serves with both keys meanwhile"
        assert await rewrap(both) == len(before) - done
        assert texts_of(alone, await sealed()) == texts_of(both, before)


async def test_a_secret_that_is_stored_meanwhile_is_not_overwritten(installation: Installation, world: World) -> None:
    both, alone = keyrings(installation)
    account_id = parse_sid(Kind.ACCOUNT, world["own"])
    async with installation.database():
        row = await Account.get(id=account_id)
        place: dict[str, Any] = {"table": "accounts", "column": "webhook_secret", "row": row.id}
        await Account.filter(id=row.id).update(webhook_secret=both.seal("wh_secret_new", **place))
        # It was read before, and is written now.
        assert (
            await reencrypt._rewrap_one(Account, "webhook_secret", both, bytes(row.webhook_secret), {"id": row.id}) == 0
        )
        now = await Account.get(id=account_id)
        assert alone.open(bytes(now.webhook_secret), **place) == "wh_secret_new"


async def test_what_no_key_opens_is_said_and_the_rest_stays(installation: Installation, world: World) -> None:
    _, alone = keyrings(installation)
    async with installation.database():
        with pytest.raises(CannotOpen):
            await rewrap(alone)
        assert len(await opened(installation.opened.keyring)) == 6


async def test_every_column_of_bytes_is_a_hash_or_sealed(installation: Installation, admin: Person) -> None:
    async with installation.database():
        for model in Tortoise.apps["models"].values():
            for name, column in model._meta.fields_map.items():
                if isinstance(column, fields.BinaryField):
                    is_hash = name.endswith("_hash") or name in ("subject", "fingerprint")  # of failed logins, of keys
                    assert is_hash or name in getattr(model, "sealed", ()), f"{model.__name__}.{name}"
