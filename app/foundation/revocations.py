"""Revocations, which invalidate cached credential lookups in all workers.

Authentication caches lookups for some seconds. A lookup depends on a key or session, a user, an account and a provider. When one
of them is revoked, lookups that began before are no longer used, including one in progress. Revocations are counted, not timed:
a lookup remembers the count at its start.

Other workers are notified over Valkey (`pubsub.py`), if configured; otherwise their cached lookups expire.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from app.foundation.pubsub import Exchange

# Words for descriptions in the schema.
WHEN_REFUSED = "at once by the worker that answers, and within 5 seconds by all others"
# The number of ids that are remembered. Lookups older than the oldest of them count as revoked.
MAXIMUM_REMEMBERED = 10_000
CHANNEL = "revocations"
EVERYTHING = UUID(int=0)


class Revocations:
    """One per process."""

    def __init__(self, cache_url: str = "") -> None:
        """`cache_url` is CACHE_URL; without it, other workers are not notified."""
        self.count = 0
        self._exchange = _RevocationExchange(cache_url, self._note) if cache_url else None
        self._everything_at = 0
        # By id: the count of its last revocation.
        self._revoked_at: OrderedDict[UUID, int] = OrderedDict()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Exchanges revocations with other workers during the block."""
        if self._exchange is None:
            yield
            return
        async with self._exchange.running():
            yield

    def announce(self, revoked: UUID | None) -> None:
        """Invalidates lookups that depend on this key, session, user, account or provider, or all of them (EVERYTHING).

        Call it after the commit: a lookup before the commit reads the old state. Ignores None. Never waits and never fails.
        """
        if revoked is None:
            return
        self._note(revoked)
        if self._exchange is not None:
            self._exchange.send([revoked])

    def any_revoked(self, ids: Iterable[UUID], since: int) -> bool:
        """Whether any of these ids was revoked after the count was `since`."""
        if since == self.count:
            return False
        return since < self._everything_at or any(self._revoked_at.get(one, 0) > since for one in ids)

    def _note(self, revoked: UUID) -> None:
        self.count += 1
        if revoked == EVERYTHING:
            self._everything_at = self.count
            return
        self._revoked_at[revoked] = self.count
        self._revoked_at.move_to_end(revoked)
        if len(self._revoked_at) > MAXIMUM_REMEMBERED:
            _, self._everything_at = self._revoked_at.popitem(last=False)


class _RevocationExchange(Exchange[UUID]):
    def __init__(self, url: str, note: Callable[[UUID], None]) -> None:
        super().__init__(url, CHANNEL)
        self._note = note

    def _encode(self, event: UUID) -> tuple[str, str]:
        return CHANNEL, event.hex

    def _receive(self, channel: str, text: str) -> None:
        self._note(UUID(text))
