"""Compares the keys of the environment with the check hashes in the database."""

from app.foundation.encryption import Keyring
from app.foundation.key_checks.model import KeyCheck


async def wrong_keys(keyring: Keyring) -> list[str]:
    """The names of keys whose values differ from the stored check hashes."""
    known = {check.name: bytes(check.check_hash) for check in await KeyCheck.all()}
    return [name for name, value in keyring.check_hashes().items() if known.get(name, value) != value]


async def right_keys(keyring: Keyring) -> set[str]:
    """The names of keys whose values match the stored check hashes."""
    known = {check.name: bytes(check.check_hash) for check in await KeyCheck.all()}
    return {name for name, value in keyring.check_hashes().items() if known.get(name) == value}


async def remember(keyring: Keyring) -> None:
    """Stores the check hashes of new keys. Several servers may do so at once."""
    names = {check.name for check in await KeyCheck.all()}
    new = [KeyCheck(name=name, check_hash=value) for name, value in keyring.check_hashes().items() if name not in names]
    if new:
        await KeyCheck.bulk_create(new, ignore_conflicts=True)


async def forget(name: str) -> None:
    """Deletes a check hash: the next start accepts any value of the key."""
    await KeyCheck.filter(name=name).delete()
