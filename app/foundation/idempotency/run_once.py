"""Idempotent creates: a repeat with the same idempotency key returns the object that the first request created."""

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
from app.foundation.idempotency.model import IdempotencyRecord
from app.foundation.identifiers import new_id
from app.foundation.user_errors import UserErrorCode, UserErrorRule, UserErrors

RETENTION = timedelta(hours=24)
MAXIMUM_KEY = 255

# The description of the input field.
IDEMPOTENCY_KEY = (
    "A key that the client chooses, such as a UUID: repeating the request with it within 24 hours returns the first object. "
    "A repeat with another input is refused."
)

M = TypeVar("M", bound=Model)


class IdempotencyRule(UserErrorRule):
    IDEMPOTENCY_KEY_FORM = (
        UserErrorCode.INVALID,
        "An idempotency key has 1 to {maximum} printable characters, such as a UUID.",
    )
    IDEMPOTENCY_KEY_REUSED = (
        UserErrorCode.CONFLICT,
        "This idempotency key was used with another input; use a new key.",
    )
    IDEMPOTENCY_KEY_OBJECT_GONE = (
        UserErrorCode.CONFLICT,
        "The object created under this idempotency key was deleted or is not visible to you; use a new key.",
    )
    IDEMPOTENCY_KEY_QUOTA = (
        UserErrorCode.LIMIT_REACHED,
        "This caller has used {maximum:,} idempotency keys within 24 hours, as many as this server allows. "
        "Try again later, or leave the key out.",
    )


async def run_once(
    context: Context,
    key: str | None,
    given: object,
    make: Callable[[], Awaitable[M]],
    visible: QuerySet[M],
) -> tuple[M, bool]:
    """Calls `make` and returns its object and True, or the object of an earlier request with this key and False.

    Runs in one transaction: a concurrent repeat waits for the first request, and a failure leaves no record. Raises UserErrors:
    CONFLICT when the key was used with another input or its object is deleted or not in `visible`; INVALID for a malformed key.
    """
    if key is None:
        return await make(), True
    _check(key)
    caller, now = context.viewer, datetime.now(UTC)
    whose: dict[str, Any] = {"actor_id": caller.user_id or caller.key_id, "operation": context.operation, "key": key}
    hashed = context.keyring.keyed_hash("idempotency", orjson.dumps(given, default=_plain, option=orjson.OPT_SORT_KEYS))
    async with in_transaction():
        await IdempotencyRecord.filter(**whose, created_at__lt=now - RETENTION).delete()
        record = IdempotencyRecord(id=new_id(), **whose, input_hash=hashed, created_at=now)
        # A concurrent repeat waits here until the first transaction ends.
        await IdempotencyRecord.bulk_create([record], ignore_conflicts=True)
        stored = await IdempotencyRecord.get(**whose)
        if stored.id == record.id:
            await _check_quota(context, record)
            made = await make()
            await IdempotencyRecord.filter(id=record.id).update(made_id=made.pk)
            return made, True
    if stored.input_hash != hashed:
        raise UserErrors.one(IdempotencyRule.IDEMPOTENCY_KEY_REUSED, "idempotencyKey")
    found = await visible.get_or_none(id=stored.made_id)
    if found is None:
        raise UserErrors.one(IdempotencyRule.IDEMPOTENCY_KEY_OBJECT_GONE, "idempotencyKey")
    return found, False


async def _check_quota(context: Context, new: IdempotencyRecord) -> None:
    """Raises UserErrors LIMIT_REACHED. Concurrent requests do not count each other: a few more records are possible."""
    maximum = context.resources.settings.idempotency_keys_per_caller
    others = IdempotencyRecord.filter(actor_id=new.actor_id, created_at__gte=new.created_at - RETENTION).exclude(
        id=new.id
    )
    await quotas.check(others, maximum, IdempotencyRule.IDEMPOTENCY_KEY_QUOTA, "idempotencyKey")


async def delete_expired() -> int:
    """Deletes records older than 24 hours and returns their number."""
    return await IdempotencyRecord.filter(created_at__lt=datetime.now(UTC) - RETENTION).delete()


def _plain(value: object) -> object:
    return value.value if isinstance(value, Some) else str(value)


def _check(key: str) -> None:
    if not key or len(key) > MAXIMUM_KEY or not key.isprintable():
        raise UserErrors.one(IdempotencyRule.IDEMPOTENCY_KEY_FORM, "idempotencyKey", maximum=MAXIMUM_KEY)
