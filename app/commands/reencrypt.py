"""`python -m app reencrypt-secrets`: encrypts every stored secret with the newest key, so that older keys can be removed.

It may run while servers serve, and be stopped and run again: secrets of the newest key stay as they are. `check_keys` finds
keys that are missing or wrong before a server starts.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from uuid import UUID

from tortoise import Tortoise
from tortoise.models import Model

from app.commands.operator_context import Commands, named_database, settings_with
from app.foundation.access import TenantScoped
from app.foundation.database import orm, schema_version
from app.foundation.encryption import CannotOpen, Keyring, SecretLocation, encryption_key_name, key_id_of
from app.foundation.key_checks import service as key_checks
from app.foundation.settings import Settings
from app.server.transport.serve import CannotStart

_BATCH = 500
_SAMPLE_ROWS = 500


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "reencrypt-secrets", help="encrypt all stored secrets with the first of ENCRYPTION_KEYS"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    chosen = settings_with(options)
    with named_database(chosen):
        count = asyncio.run(_check_and_reencrypt(chosen))
    print(f"{count} secrets re-encrypted with the newest key; older keys can be removed from ENCRYPTION_KEYS")


async def _check_and_reencrypt(chosen: Settings) -> int:
    async with orm.opened(chosen) as db:
        await schema_version.check(db)
        keyring = chosen.keyring()
        await check_keys(keyring)
        return await reencrypt(keyring)


async def check_keys(keyring: Keyring) -> None:
    """Raises CannotStart when a key is missing or has another value than before. Remembers new keys."""
    missing = await missing_keys(keyring)
    if missing:
        raise CannotStart(
            f"ENCRYPTION_KEYS lacks keys of secrets in the database: {', '.join(map(repr, missing))}. "
            "Add them behind the others; if one is lost, see: python -m app discard-secrets --help"
        )
    # Ignore keys verified before: all secrets sampled for them may be damaged.
    right = await key_checks.right_keys(keyring)
    suspects = [encryption_key_name(key_id) for key_id in await wrong_keys(keyring)]
    _refuse([*await key_checks.wrong_keys(keyring), *(name for name in suspects if name not in right)])
    await key_checks.remember(keyring)
    # Another server may have started at the same time with another value.
    _refuse(await key_checks.wrong_keys(keyring))


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise CannotStart(
            f"These keys have other values than the database was used with: {', '.join(dict.fromkeys(wrong))}. "
            "Restore their values; if one is lost, see: python -m app discard-secrets --help"
        )


async def reencrypt(keyring: Keyring) -> int:
    """Returns how many secrets changed. Raises CannotOpen for a secret whose key the keyring lacks."""
    count = 0
    for model in Tortoise.apps["models"].values():
        for column in model.sealed if issubclass(model, TenantScoped) else ():
            count += await _reencrypt_column(model, column, keyring)
    return count


async def missing_keys(keyring: Keyring) -> list[str]:
    """Returns the sorted ids of keys that encrypted stored secrets and that the keyring lacks.

    Reads the first and the last 500 rows of each table, which costs the same for any size. It misses keys whose secrets are
    all in rows between them, and damaged secrets.
    """
    found: set[str] = set()
    async for _, blob in _samples():
        with suppress(CannotOpen):  # damaged: no key would help
            found |= {missing} if (missing := keyring.missing_key(blob)) is not None else set()
    return sorted(found)


async def wrong_keys(keyring: Keyring) -> list[str]:
    """Returns the sorted ids of keys in the keyring that decrypt none of their own secrets. Reads the rows of `missing_keys`."""
    opened: dict[str, bool] = {}
    async for location, blob in _samples():
        with suppress(CannotOpen):
            if keyring.missing_key(blob) is None:
                key_id = key_id_of(blob)
                opened[key_id] = opened.get(key_id, False) or keyring.can_open(blob, **location)
    return sorted(key_id for key_id, opens in opened.items() if not opens)


async def _samples() -> AsyncIterator[tuple[SecretLocation, bytes]]:
    """Secrets with their locations, from the first and the last rows of each table."""
    for model in Tortoise.apps["models"].values():
        columns = model.sealed if issubclass(model, TenantScoped) else ()
        for order in ("id", "-id") if columns else ():
            rows = await model.all().order_by(order).limit(_SAMPLE_ROWS).values_list("id", *columns)
            for row_id, *blobs in rows:
                for column, blob in zip(columns, blobs, strict=True):
                    if blob is not None:
                        yield {"table": model._meta.db_table, "column": column, "row": row_id}, bytes(blob)


async def _reencrypt_column(model: type[Model], column: str, keyring: Keyring) -> int:
    count, after = 0, UUID(int=0)
    while True:
        page = model.filter(id__gt=after, **{f"{column}__not_isnull": True}).order_by("id").limit(_BATCH)
        # A table that may be distributed by account has the account in its key.
        key = ("id", "account_id") if "account_id" in model._meta.fields_map else ("id",)
        rows = await page.values(*key, column)
        for row in rows:
            count += await _reencrypt_row(model, column, keyring, bytes(row.pop(column)), row)
        if len(rows) < _BATCH:
            return count
        after = rows[-1]["id"]


async def _reencrypt_row(
    model: type[Model], column: str, keyring: Keyring, encrypted: bytes, key: Mapping[str, UUID]
) -> int:
    if keyring.is_current(encrypted):
        return 0
    location: SecretLocation = {"table": model._meta.db_table, "column": column, "row": key["id"]}
    again = keyring.seal(keyring.open(encrypted, **location), **location)
    # A secret that a server has replaced since our read has the newest key already: leave it.
    return await model.filter(**key, **{column: encrypted}).update(**{column: again})
