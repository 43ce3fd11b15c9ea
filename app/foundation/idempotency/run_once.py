"""Making a thing once, however often the client asks for it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson
from strawberry import Some
from tortoise.models import Model
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from app.foundation import quotas
from app.foundation.context import Context
from app.foundation.errors import UserErrorCode, UserErrors
from app.foundation.idempotency.model import IdempotencyRecord
from app.foundation.identifiers import new_id

KEPT = timedelta(hours=24)
MAXIMUM_KEY = 255

# What inputs say of the field.
ONCE = (
    "A text of your own, such as a UUID: a repeat with it within 24 hours answers what was made first and makes nothing. "
    "A repeat with another input is refused."
)

M = TypeVar("M", bound=Model)


async def once(
    context: Context,
    key: str | None,
    given: object,
    make: Callable[[], Awaitable[M]],
    reachable: QuerySet[M],
) -> tuple[M, bool]:
    """What `make` makes, and True; or what it made under the same key before, if it is still among `reachable`, and False.

    All in one transaction: a repeat while the first one runs waits for it, and what fails leaves no record. Raises UserErrors:
    CONFLICT when the key was used with another input, or when what it made is no more; INVALID for what is no key.
    """
    if key is None:
        return await make(), True
    _check(key)
    caller, now = context.viewer, datetime.now(UTC)
    whose: dict[str, Any] = {"actor_id": caller.user_id or caller.key_id, "operation": context.operation, "key": key}
    hashed = context.keyring.keyed_hash("idempotency", orjson.dumps(given, default=_plain, option=orjson.OPT_SORT_KEYS))
    async with in_transaction():
        await IdempotencyRecord.filter(**whose, created_at__lt=now - KEPT).delete()
        record = IdempotencyRecord(id=new_id(), **whose, input_hash=hashed, created_at=now)
        # Whoever comes second waits here until the first one's transaction has ended.
        await IdempotencyRecord.bulk_create([record], ignore_conflicts=True)
        stored = await IdempotencyRecord.get(**whose)
        if stored.id == record.id:
            await _check_quota(context, record)
            made = await make()
            await IdempotencyRecord.filter(id=record.id).update(made_id=made.pk)
            return made, True
    if stored.input_hash != hashed:
        raise _conflict("This idempotency key was used with another input; take a new one.")
    found = await reachable.get_or_none(id=stored.made_id)
    if found is None:
        raise _conflict("What was made under this idempotency key is no more; take a new one.")
    return found, False


async def _check_quota(context: Context, new: IdempotencyRecord) -> None:
    """Raises UserErrors LIMIT_REACHED. Keys that are used at the same moment do not see each other: a few more may be kept."""
    maximum = context.opened.settings.idempotency_keys_per_caller
    others = IdempotencyRecord.filter(actor_id=new.actor_id, created_at__gte=new.created_at - KEPT).exclude(id=new.id)
    fact = f"This caller has used {maximum:,} idempotency keys within 24 hours"
    await quotas.check(others, maximum, fact, "Try again later, or leave the key out.", "idempotencyKey")


async def forget() -> int:
    """Deletes the records that no repeat can meet any more; answers how many there were."""
    return await IdempotencyRecord.filter(created_at__lt=datetime.now(UTC) - KEPT).delete()


def _plain(value: object) -> object:
    return value.value if isinstance(value, Some) else str(value)


def _check(key: str) -> None:
    if not key or len(key) > MAXIMUM_KEY or not key.isprintable():
        message = f"An idempotency key has 1 to {MAXIMUM_KEY} printable characters; a UUID is a good one."
        raise UserErrors.one(UserErrorCode.INVALID, message, "idempotencyKey")


def _conflict(message: str) -> UserErrors:
    return UserErrors.one(UserErrorCode.CONFLICT, message, "idempotencyKey")
