"""Many calls, created by PostgreSQL itself, to count and measure the cost of listing them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.calls import partitions

DAYS = 180
_CALLS = """
WITH made AS (
    SELECT n, TIMESTAMPTZ '{end}' - n * INTERVAL '{days} days' / {count} AS began
    FROM generate_series(1::bigint, {count}) n
), shown AS (
    SELECT n, began, (lpad(to_hex((extract(epoch FROM began) * 1000)::bigint), 12, '0') || '7' ||
        substr(md5('{account}' || n), 1, 3) || '8' || substr(md5('{account}' || n), 4, 15))::uuid AS id FROM made
), keyed AS (
    INSERT INTO call_keys (id, account_id, gateway_call_id) SELECT id, '{account}', 'call' || n FROM shown
)
INSERT INTO calls (id, account_id, application_id, gateway_call_id, direction, from_number, to_number, started_at,
    answered_at, ended_at, sip_status, trunk, recording_state, recording_attempts, updated_at)
SELECT id, '{account}', {application}, 'call' || n, CASE n % 2 WHEN 0 THEN 'INBOUND' ELSE 'OUTBOUND' END,
    '+4930' || lpad((n * 7919 % 1000000)::text, 6, '0'), '+4989' || lpad((n * 104729 % 1000000)::text, 6, '0'), began,
    began + INTERVAL '5 s', began + INTERVAL '90 s', 200, 'trunk', 'NONE', 0, began
FROM shown
"""


async def add_calls(db: Any, account: UUID, count: int, *, application: UUID | None = None) -> None:
    """This many calls of an account over half a year; a tenth of them with the application."""
    await db.execute_query(
        _CALLS.format(
            account=account,
            count=count,
            days=DAYS,
            end=_end().isoformat(),
            application=f"CASE WHEN n % 10 = 0 THEN '{application}'::uuid END" if application else "NULL",
        )
    )
    await db.execute_query(NOTED)


_SPREAD = """
WITH owners AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM accounts),
made AS (
    SELECT n, n % (SELECT COUNT(*) FROM accounts) AS number,
        TIMESTAMPTZ '{end}' - n * INTERVAL '{days} days' / {count} AS began
    FROM generate_series(1::bigint, {count}) n
), shown AS (
    SELECT n, owners.id AS owner, began, (lpad(to_hex((extract(epoch FROM began) * 1000)::bigint), 12, '0') || '7' ||
        substr(md5('spread' || n), 1, 3) || '8' || substr(md5('spread' || n), 4, 15))::uuid AS id
    FROM made JOIN owners USING (number)
), keyed AS (
    INSERT INTO call_keys (id, account_id, gateway_call_id) SELECT id, owner, 'spread' || n FROM shown
)
INSERT INTO calls (id, account_id, gateway_call_id, direction, from_number, to_number, started_at,
    answered_at, ended_at, sip_status, trunk, recording_state, recording_attempts, updated_at)
SELECT id, owner, 'spread' || n, CASE n % 2 WHEN 0 THEN 'INBOUND' ELSE 'OUTBOUND' END,
    '+4930' || lpad((n * 7919 % 1000000)::text, 6, '0'), '+4989' || lpad((n * 104729 % 1000000)::text, 6, '0'), began,
    began + INTERVAL '5 s', began + INTERVAL '90 s', 200, 'trunk', 'NONE', 0, began
FROM shown
"""


# The month of each account's newest call, as set by reports.
NOTED = """
UPDATE call_accounts SET newest_month = (
    lpad(to_hex((extract(epoch FROM date_trunc('month', newest.time, 'UTC')) * 1000)::bigint), 12, '0') || repeat('0', 20)
)::uuid
FROM (SELECT account_id, MAX(uuid_extract_timestamp(id)) AS time FROM calls GROUP BY account_id) newest WHERE account_id = id
"""


async def spread_calls(db: Any, count: int) -> None:
    """This many calls of all accounts in turn, over half a year."""
    await db.execute_query(_SPREAD.format(count=count, days=DAYS, end=_end().isoformat()))
    await db.execute_query(NOTED)


def _end() -> datetime:
    """The middle of this month: even a young month's partition has enough calls to be read by index."""
    return datetime.now(UTC).replace(day=15)


async def make_past_months() -> None:
    """Updates the statistics, like a maintained database."""
    now = datetime.now(UTC)
    for days in range(DAYS + 31, 0, -28):
        await partitions.create_partitions(now - timedelta(days=days))
