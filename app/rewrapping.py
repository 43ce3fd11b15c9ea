"""Sealing every stored secret again with the newest key, so that older ones can leave ENCRYPTION_KEYS; and which have left.

Safe to run while servers serve, to stop, and to run again: a secret that the newest key has sealed is left alone.
"""

from contextlib import suppress
from typing import Any
from uuid import UUID

from tortoise import Tortoise
from tortoise.models import Model

from app.encryption import CannotOpen, Keyring

_BATCH = 500
_LOOKED_AT = 500


async def rewrap(keyring: Keyring) -> int:
    """Answers how many secrets were sealed again. Raises CannotOpen for one whose key the keyring does not have."""
    count = 0
    for model in Tortoise.apps["models"].values():
        for column in getattr(model, "sealed", ()):
            count += await _rewrap_column(model, column, keyring)
    return count


async def missing_keys(keyring: Keyring) -> list[str]:
    """Ids of keys that have sealed what is stored, and that the keyring lacks; sorted.

    Looks at the first and the last 500 rows of each table, which costs the same however large it is. So it does not find
    a key that has sealed rows between them alone, nor one of another value under the same id, nor what is damaged.
    """
    found: set[str] = set()
    for model in Tortoise.apps["models"].values():
        columns = getattr(model, "sealed", ())
        for order in ("id", "-id") if columns else ():
            rows = await model.all().order_by(order).limit(_LOOKED_AT).values_list(*columns)
            found |= {key_id for row in rows for blob in row if (key_id := _missing_key(keyring, blob)) is not None}
    return sorted(found)


def _missing_key(keyring: Keyring, blob: Any) -> str | None:
    with suppress(CannotOpen):  # damaged: no key would help
        return keyring.missing_key(bytes(blob)) if blob is not None else None
    return None


async def _rewrap_column(model: type[Model], column: str, keyring: Keyring) -> int:
    count, after = 0, UUID(int=0)
    while True:
        page = model.filter(id__gt=after, **{f"{column}__not_isnull": True}).order_by("id").limit(_BATCH)
        rows: list[tuple[UUID, bytes]] = await page.values_list("id", column)
        for row_id, sealed in rows:
            count += await _rewrap_one(model, column, keyring, row_id, bytes(sealed))
        if len(rows) < _BATCH:
            return count
        after = rows[-1][0]


async def _rewrap_one(model: type[Model], column: str, keyring: Keyring, row_id: UUID, sealed: bytes) -> int:
    if keyring.is_newest(sealed):
        return 0
    place: dict[str, Any] = {"table": model._meta.db_table, "column": column, "row": row_id}
    again = keyring.seal(keyring.open(sealed, **place), **place)
    # Unless somebody has stored another one meanwhile, which is of the newest key already.
    return await model.filter(id=row_id, **{column: sealed}).update(**{column: again})
