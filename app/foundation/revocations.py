"""What was revoked: so that a worker does not trust what it looked up before.

Authentication keeps for some seconds what it looked up of a credential. That rests on a key or session, a user, an account and a
provider; once one of them was revoked, a result of an earlier look-up is not used, and one of a look-up that was running then
neither. Revocations are counted instead of timed: a look-up remembers the count at which it began.

Other workers hear of it over Valkey (`pubsub.py`) where there is one, and else when what they remember expires.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from app.foundation.pubsub import Exchange

# What the contract says of it.
WHEN_REFUSED = "at once by the worker that answers, and within 5 seconds by all others"
# Ids that are remembered; of those before, every earlier result counts as revoked.
MAXIMUM_REMEMBERED = 10_000
CHANNEL = "revocations"
EVERYTHING = UUID(int=0)


class Revocations:
    """One per process."""

    def __init__(self, cache_url: str = "") -> None:
        """`cache_url` is CACHE_URL; without one, other workers hear of nothing."""
        self.count = 0
        self._exchange = _RevocationExchange(cache_url, self._note) if cache_url else None
        self._everything_at = 0
        # At which count each was revoked last.
        self._revoked_at: OrderedDict[UUID, int] = OrderedDict()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hears other workers, and tells them, inside the block."""
        if self._exchange is None:
            yield
            return
        async with self._exchange.running():
            yield

    def announce(self, revoked: UUID | None) -> None:
        """That what rests on this key, session, user, account or provider may be closed, or on anything (EVERYTHING).

        To be called once the change is committed: a look-up before the commit finds what was. None is nothing. Never waits and
        never fails.
        """
        if revoked is None:
            return
        self._note(revoked)
        if self._exchange is not None:
            self._exchange.send([revoked])

    def hit(self, rests_on: Iterable[UUID], since: int) -> bool:
        """Whether any of these was revoked after the count was `since`."""
        if since == self.count:
            return False
        return since < self._everything_at or any(self._revoked_at.get(one, 0) > since for one in rests_on)

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

    def _written(self, event: UUID) -> tuple[str, str]:
        return CHANNEL, event.hex

    def _take(self, channel: str, text: str) -> None:
        self._note(UUID(text))
