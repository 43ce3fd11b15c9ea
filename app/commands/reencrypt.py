"""Sealing every stored secret again with the newest key, so that older ones can leave ENCRYPTION_KEYS; and which have left.

Safe to run while servers serve, to stop, and to run again: a secret that the newest key has sealed is left alone.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from uuid import UUID

from tortoise import Tortoise
from tortoise.models import Model

from app.foundation.access import TenantScoped
from app.foundation.encryption import CannotOpen, Keyring, SecretLocation, key_id_of

_BATCH = 500
_LOOKED_AT = 500


async def rewrap(keyring: Keyring) -> int:
    """Answers how many secrets were sealed again. Raises CannotOpen for one whose key the keyring does not have."""
    count = 0
    for model in Tortoise.apps["models"].values():
        for column in model.sealed if issubclass(model, TenantScoped) else ():
            count += await _rewrap_column(model, column, keyring)
    return count


async def missing_keys(keyring: Keyring) -> list[str]:
    """Ids of keys that have sealed what is stored, and that the keyring lacks; sorted.

    Looks at the first and the last 500 rows of each table, which costs the same however large it is. So it does not find
    a key that has sealed rows between them alone, nor what is damaged.
    """
    found: set[str] = set()
    async for _, blob in _samples():
        with suppress(CannotOpen):  # damaged: no key would help
            found |= {missing} if (missing := keyring.missing_key(blob)) is not None else set()
    return sorted(found)


async def wrong_keys(keyring: Keyring) -> list[str]:
    """Ids of keys that the keyring has and that open nothing of what they have sealed; sorted. Looks at the same rows."""
    opened: dict[str, bool] = {}
    async for place, blob in _samples():
        with suppress(CannotOpen):
            if keyring.missing_key(blob) is None:
                key_id = key_id_of(blob)
                opened[key_id] = opened.get(key_id, False) or keyring.opens(blob, **place)
    return sorted(key_id for key_id, opens in opened.items() if not opens)


async def _samples() -> AsyncIterator[tuple[SecretLocation, bytes]]:
    """Secrets with their places, of the first and the last rows of each table."""
    for model in Tortoise.apps["models"].values():
        columns = model.sealed if issubclass(model, TenantScoped) else ()
        for order in ("id", "-id") if columns else ():
            rows = await model.all().order_by(order).limit(_LOOKED_AT).values_list("id", *columns)
            for row_id, *blobs in rows:
                for column, blob in zip(columns, blobs, strict=True):
                    if blob is not None:
                        yield {"table": model._meta.db_table, "column": column, "row": row_id}, bytes(blob)


async def _rewrap_column(model: type[Model], column: str, keyring: Keyring) -> int:
    count, after = 0, UUID(int=0)
    while True:
        page = model.filter(id__gt=after, **{f"{column}__not_isnull": True}).order_by("id").limit(_BATCH)
        # A table that may be distributed by account has the account in its key.
        key = ("id", "account_id") if "account_id" in model._meta.fields_map else ("id",)
        rows = await page.values(*key, column)
        for row in rows:
            count += await _rewrap_one(model, column, keyring, bytes(row.pop(column)), row)
        if len(rows) < _BATCH:
            return count
        after = rows[-1]["id"]


async def _rewrap_one(model: type[Model], column: str, keyring: Keyring, sealed: bytes, key: Mapping[str, UUID]) -> int:
    if keyring.is_newest(sealed):
        return 0
    place: SecretLocation = {"table": model._meta.db_table, "column": column, "row": key["id"]}
    again = keyring.seal(keyring.open(sealed, **place), **place)
    # Unless somebody has stored another one meanwhile, which is of the newest key already.
    return await model.filter(**key, **{column: sealed}).update(**{column: again})
