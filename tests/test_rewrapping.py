"""All secrets are sealed again with the newest key, and open then without the older ones."""

from typing import Any

import pytest
from tortoise import Tortoise, fields

from app.accounts.model import Account
from app.encryption import CannotOpen, Keyring
from app.recording.model import RecordingConfig
from app.rewrapping import rewrap
from tests.installation import Installation, Person, World


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


async def test_what_no_key_opens_is_said_and_the_rest_stays(installation: Installation, world: World) -> None:
    _, alone = keyrings(installation)
    async with installation.database():
        with pytest.raises(CannotOpen):
            await rewrap(alone)
        assert len(await opened(installation.opened.keyring)) == 6


async def test_every_column_of_bytes_is_a_hash_or_sealed(installation: Installation, admin: Person) -> None:
    async with installation.database():
        for model in Tortoise.apps["models"].values():  # type: ignore[union-attr]
            for name, column in model._meta.fields_map.items():
                if isinstance(column, fields.BinaryField):
                    is_hash = name.endswith("_hash") or name in ("subject", "fingerprint")  # of failed logins, of keys
                    assert is_hash or name in getattr(model, "sealed", ()), f"{model.__name__}.{name}"
