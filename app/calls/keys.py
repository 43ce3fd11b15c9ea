"""Call ids: maps a gateway's own id of a call to ours, which makes reports idempotent.

All call ids are created here. An id carries the start time of the call as first reported: calls are listed and
partitioned by month in the order of their ids.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from tortoise import connections
from tortoise.expressions import Q

from app.calls.model import CallAccount, CallKey
from app.foundation.identifiers import first_at

MAXIMUM_GATEWAY_CALL_ID = 128
GATEWAY_CALL_ID = re.compile(rf"[A-Za-z0-9._@-]{{1,{MAXIMUM_GATEWAY_CALL_ID}}}", re.ASCII)


def id_at(time: datetime) -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7) of this time."""
    return UUID(int=first_at(time).int | 0x7 << 76 | 0b10 << 62 | secrets.randbits(62) | secrets.randbits(12) << 64)


async def advance_newest_month(account_id: UUID, call_id: UUID, newest_month: UUID | None) -> None:
    """Advances the account's newest month to that of the call; writes only if `newest_month` is older.

    Takes part in a surrounding transaction.
    """
    time = datetime.fromtimestamp((call_id.int >> 80) / 1000, UTC)
    month = first_at(datetime(time.year, time.month, 1, tzinfo=UTC))
    if newest_month is None or newest_month < month:
        is_older = Q(newest_month__isnull=True) | Q(newest_month__lt=month)
        await CallAccount.filter(is_older, id=account_id).update(newest_month=month)


async def get_or_create_call_ids(account_id: UUID, wanted: Mapping[str, datetime]) -> dict[str, UUID]:
    """Our ids of calls by the gateway's; missing ones are created with the given start times.

    Takes part in a surrounding transaction. Concurrent callers get the same id for a new call. Raises IntegrityError
    when the account does not exist.
    """
    client = connections.get("default")
    query = CallKey.filter(account_id=account_id, gateway_call_id__in=list(wanted))
    found = dict(await query.values_list("gateway_call_id", "id"))
    missing = sorted(wanted.keys() - found.keys())  # sorted, so that two batches do not deadlock
    if missing:
        rows = [CallKey(id=id_at(wanted[one]), account_id=account_id, gateway_call_id=one) for one in missing]
        await CallKey.bulk_create(rows, ignore_conflicts=True, using_db=client)
        found |= dict(await query.values_list("gateway_call_id", "id"))
    return found


async def claim_call_id(account_id: UUID, gateway_call_id: str, call_id: UUID) -> UUID:
    """Restores the id of a call that the database lost; returns another id if the call has got one since.

    Takes part in a surrounding transaction. Raises IntegrityError when the account does not exist.
    """
    row = CallKey(id=call_id, account_id=account_id, gateway_call_id=gateway_call_id)
    await CallKey.bulk_create([row], ignore_conflicts=True, using_db=connections.get("default"))
    query = CallKey.filter(account_id=account_id, gateway_call_id=gateway_call_id)
    found: UUID = await query.get().values_list("id", flat=True)  # type: ignore[assignment]
    return found
