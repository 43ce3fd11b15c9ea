"""Comparing the keys in the environment with those that the database has seen."""

from app.foundation.encryption import Keyring
from app.foundation.key_checks.model import KeyCheck


async def wrong_keys(keyring: Keyring) -> list[str]:
    """The names of keys whose values are not those of before."""
    known = {check.name: bytes(check.check_hash) for check in await KeyCheck.all()}
    return [name for name, value in keyring.check_hashes().items() if known.get(name, value) != value]


async def right_keys(keyring: Keyring) -> set[str]:
    """The names of keys whose values are those of before."""
    known = {check.name: bytes(check.check_hash) for check in await KeyCheck.all()}
    return {name for name, value in keyring.check_hashes().items() if known.get(name) == value}


async def remember(keyring: Keyring) -> None:
    """Keeps the digests of keys that are new; several servers may start at once."""
    names = {check.name for check in await KeyCheck.all()}
    new = [KeyCheck(name=name, check_hash=value) for name, value in keyring.check_hashes().items() if name not in names]
    if new:
        await KeyCheck.bulk_create(new, ignore_conflicts=True)


async def forget(name: str) -> None:
    """The next start accepts whatever value the key has."""
    await KeyCheck.filter(name=name).delete()
