"""Monthly partitions of calls: created ahead, and dropped as a whole when they are too old.

A partition is created as a separate table and then attached, which does not block readers and writers of other
months. Rows in the default partition that belong to the month are moved in the same transaction.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import asyncpg
import structlog
from tortoise import BaseDBAsyncClient, connections
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from app.calls.model import Call, CallKey
from app.foundation.identifiers import first_at
from app.storage.model import StoredCredential

MONTHS_AHEAD = 3
# Rows per statement, so that no statement holds locks for long.
_BATCH_ROWS = 1_000
# A beginning recording refers to its credential at once, so older credentials without a reference are unused.
_UNUSED_CREDENTIAL_AGE = timedelta(days=1)
# How long a statement waits for the table's users, who queue behind it, and how often it is tried.
_LOCK_SECONDS, _ATTEMPTS = 2, 5
T = TypeVar("T")
_log = structlog.get_logger("calls")


async def create_partitions(now: datetime | None = None) -> int:
    """Creates the missing partitions of this month and the next three; returns how many were created."""
    client = connections.get("default")
    existing, month, created = await _months(client), _month_of(now or datetime.now(UTC)), 0
    for _ in range(MONTHS_AHEAD + 1):
        if _partition_name(month) not in existing:
            created += await _with_table_lock(_create, month)
        month = _next(month)
    return created


async def delete_expired(days: int, key_days: int) -> dict[str, int]:
    """Deletes old calls in whole months, old call keys, and credentials that only they used.

    Returns the numbers by name. Recordings in buckets stay.
    """
    client = connections.get("default")
    now, months = datetime.now(UTC), 0
    kept_since = _month_of(now - timedelta(days=days))
    for name, month in (await _months(client)).items():
        if month < kept_since:
            months += await _with_table_lock(_drop, name)
    calls = await _delete_before(Call, kept_since)
    keys = await _delete_before(CallKey, max(kept_since, now - timedelta(days=key_days)))
    credentials = await _delete_unused_credentials()
    return {"months of calls": months, "calls": calls, "ids of calls": keys, "keys of recordings": credentials}


async def hold_months() -> None:
    """Prevents new partitions until the surrounding transaction ends.

    Must be the first statement of a transaction that uses calls and then writes to stored credentials or accounts of
    calls: `_create` locks these tables in the opposite order (deadlock).
    """
    await connections.get("default").execute_query("LOCK TABLE stored_credentials, call_accounts IN ROW EXCLUSIVE MODE")


async def _delete_before(model: type[Call] | type[CallKey], time: datetime) -> int:
    deleted = 0
    old = model.filter(id__lt=first_at(time)).order_by("id").limit(_BATCH_ROWS)
    while rows := await old.values_list("account_id", "id"):
        accounts, ids = zip(*rows, strict=True)
        deleted += await model.filter(account_id__in=set(accounts), id__in=ids).delete()
    return deleted


async def _delete_unused_credentials() -> int:
    """Deletes credentials that no recording uses. The foreign key protects one that a recording starts to use now."""
    deleted = 0
    old = StoredCredential.filter(created_at__lt=datetime.now(UTC) - _UNUSED_CREDENTIAL_AGE)
    for row_id, account_id in await old.values_list("id", "account_id"):
        if not await Call.filter(account_id=account_id, recording_credential_id=row_id).exists():
            try:
                deleted += await StoredCredential.filter(account_id=account_id, id=row_id).delete()
            except IntegrityError:
                _log.debug("a stored credential is in use again")
    return deleted


async def _months(client: BaseDBAsyncClient) -> dict[str, datetime]:
    """Start of month by partition name."""
    rows = await client.execute_query_dict(
        "SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'calls'::regclass AND c.relname ~ '^calls_\\d{4}_\\d{2}$' ORDER BY c.relname"
    )
    return {row["name"]: datetime.strptime(row["name"], "calls_%Y_%m").replace(tzinfo=UTC) for row in rows}


async def _create(client: BaseDBAsyncClient, month: datetime) -> bool:
    """False: another process has created it."""
    if _partition_name(month) in await _months(client):
        return False
    name, first, end = _partition_name(month), first_at(month), first_at(_next(month))
    # All names and values come from a datetime.
    within = f"id >= '{first}' AND id < '{end}'"
    await client.execute_query(f"CREATE TABLE {name} (LIKE calls INCLUDING ALL)")
    # A constraint in advance: without it, attaching scans the whole default partition.
    await client.execute_query(f"ALTER TABLE {name} ADD CONSTRAINT {name}_month CHECK ({within})")
    # Lock in the order of a beginning recording (deadlock): a new partition references these tables, and inserts may
    # have locked them.
    await client.execute_query("LOCK TABLE stored_credentials, call_accounts IN SHARE ROW EXCLUSIVE MODE")
    # Writers to the default partition wait, then write to the new one.
    await client.execute_query("LOCK TABLE calls_default IN ACCESS EXCLUSIVE MODE")
    moved = (
        f"WITH moved AS (DELETE FROM calls_default WHERE {within} RETURNING *) INSERT INTO {name} SELECT * FROM moved"  # noqa: S608
    )
    await client.execute_query(moved)
    await client.execute_query(f"ALTER TABLE calls ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{end}')")
    await client.execute_query(f"ALTER TABLE {name} DROP CONSTRAINT {name}_month")
    return True


async def _drop(client: BaseDBAsyncClient, name: str) -> bool:
    """False: another process has dropped it."""
    if name not in await _months(client):
        return False
    await client.execute_query(f"DROP TABLE {name}")
    return True


async def _with_table_lock(change: Callable[[BaseDBAsyncClient, T], Awaitable[bool]], of: T) -> bool:
    """Runs `change` in a transaction with a lock timeout, so that others do not queue behind it for long.

    One process at a time, on all machines. Does not block reads and writes of calls.
    """
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            async with in_transaction() as client:
                await client.execute_query(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
                await client.execute_query("LOCK TABLE ONLY calls IN SHARE UPDATE EXCLUSIVE MODE")
                return await change(client, of)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if not attempts_left:
                raise
    raise AssertionError  # the last attempt returns or raises


def _partition_name(month: datetime) -> str:
    return f"calls_{month:%Y_%m}"


def _month_of(time: datetime) -> datetime:
    return datetime(time.year, time.month, 1, tzinfo=UTC)


def _next(month: datetime) -> datetime:
    return _month_of(month + timedelta(days=31))
