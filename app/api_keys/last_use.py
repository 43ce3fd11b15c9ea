"""Records when keys and sessions were last used: in memory, and every few seconds in the database, off the request path."""

import time
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from uuid import UUID

from tortoise import connections
from tortoise.expressions import Q

from app.api_keys.model import ApiKey
from app.foundation.periodic import repeated
from app.users.model import Session

WRITE_EVERY_SECONDS = 20.0
# Another worker may have written a later time.
_WRITE_KEYS = """
    UPDATE api_keys SET last_used_at = $1, last_used_address = used.address
    FROM UNNEST($2::uuid[], $3::text[]) AS used(id, address)
    WHERE api_keys.id = used.id AND (
        last_used_at IS NULL OR last_used_at < $1
        OR (last_used_at = $1 AND last_used_address IS DISTINCT FROM used.address))"""


class LastUse:
    """Precise to the minute. One instance per process."""

    def __init__(self) -> None:
        # Unix time: created for each request, and faster than a datetime.
        self._current: dict[UUID, float] = {}
        # The client's address at the last use of each key.
        self._addresses: dict[UUID, str] = {}
        self._previous: dict[UUID, float] = {}
        self._sessions: dict[UUID, float] = {}

    def record(self, key_id: UUID, address: str, *, by_previous: bool) -> None:
        """`address` is the client's; empty for a Unix socket."""
        now = time.time()
        self._current[key_id] = now
        self._addresses[key_id] = address
        if by_previous:
            self._previous[key_id] = now

    def record_session(self, session_id: UUID) -> None:
        self._sessions[session_id] = time.time()

    def flush_regularly(self) -> AbstractAsyncContextManager[None]:
        """Flushes in the background while the context is open, and once when it closes. A failed batch is lost."""
        return repeated(self.flush, WRITE_EVERY_SECONDS, "last use times not written", at_the_end=True)

    async def flush(self) -> None:
        """Writes all recorded uses, with one statement per minute of use."""
        addresses, self._addresses = self._addresses, {}
        for minute, key_ids in self._by_minute("_current"):
            used = [addresses[key_id][:64] or None for key_id in key_ids]
            await connections.get("default").execute_query(_WRITE_KEYS, [minute, key_ids, used])
        for key_id, used_at in self._take("_previous").items():
            minute = _minute(used_at)
            earlier = Q(previous_secret_last_used_at__isnull=True) | Q(previous_secret_last_used_at__lt=minute)
            # After a later rotation another secret is the previous one.
            unrotated = ApiKey.filter(id=key_id, rotated_at__lt=datetime.fromtimestamp(used_at, UTC))
            await unrotated.filter(earlier).update(previous_secret_last_used_at=minute)

        for minute, session_ids in self._by_minute("_sessions"):
            await Session.filter(id__in=session_ids, last_used_at__lt=minute).update(last_used_at=minute)

    def _by_minute(self, name: str) -> list[tuple[datetime, list[UUID]]]:
        by_time: dict[datetime, list[UUID]] = {}
        for row_id, used_at in self._take(name).items():
            by_time.setdefault(_minute(used_at), []).append(row_id)
        return list(by_time.items())

    def _take(self, name: str) -> dict[UUID, float]:
        taken: dict[UUID, float] = getattr(self, name)
        setattr(self, name, {})
        return taken


def _minute(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds // 60 * 60, UTC)
