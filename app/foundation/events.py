"""What happens to calls, told at once to whoever listens, in this worker and the others.

An event says which call of which account has changed and in what way, and nothing of what it is now: whoever hears it reads
the call within their own reach. Between workers events go over Valkey (`event_bus.py`) where there is one; when some were
lost on the way, every listener ends, so that its client lists again.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

from app.foundation.event_bus import Change, LiveEvent, LiveExchange

__all__ = ["Change", "EventsLost", "Listener", "LiveEvent", "LiveEvents", "TooSlow"]

# Calls that may wait for one listener; with more, it is told that it is too slow. A gateway reports 1,000 calls at once.
MAXIMUM_WAITING = 2_000


class EventsLost(Exception):
    """Events between workers were lost, perhaps of this listener."""


class TooSlow(EventsLost):
    """More calls wait for a listener than are kept for it."""


class Listener:
    """Hears of changes to the calls of one account, from the moment it was made."""

    def __init__(self, changes: Collection[Change]) -> None:
        """`changes` are those that it hears of."""
        self._changes = changes
        # None wakes a listener that has ended.
        self._waiting: asyncio.Queue[LiveEvent | None] = asyncio.Queue()
        # The calls of those events.
        self._known: set[UUID] = set()
        self._end: EventsLost | None = None

    def tell(self, event: LiveEvent) -> None:
        # A call that waits already is read when it is its turn, with all that has changed until then.
        if event.change not in self._changes or event.call_id in self._known:
            return
        if len(self._known) >= MAXIMUM_WAITING:
            self._end = TooSlow()
            return
        self._known.add(event.call_id)
        self._waiting.put_nowait(event)

    def end(self) -> None:
        """Events may have been lost."""
        self._end = self._end or EventsLost()
        self._waiting.put_nowait(None)

    async def next(self) -> LiveEvent:
        """Waits for it. Raises EventsLost, and TooSlow when it was its own fault."""
        event = None if self._end else await self._waiting.get()
        if event is None:
            raise self._end or EventsLost
        self._known.discard(event.call_id)
        return event


class LiveEvents:
    """Tells and hears. One per process."""

    def __init__(self, cache_url: str = "") -> None:
        """`cache_url` is CACHE_URL; without one, only those hear who listen in this process."""
        self._listeners: dict[UUID, set[Listener]] = defaultdict(set)
        self._exchange = LiveExchange(cache_url, self._is_heard, self._tell, self._end_all) if cache_url else None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hears other workers, and tells them, inside the block."""
        if self._exchange is None:
            yield
            return
        async with self._exchange.running():
            yield

    def publish(self, *events: LiveEvent) -> None:
        """Never waits and never fails: what nobody hears is lost."""
        for event in events:
            self._tell(event)
        if self._exchange is not None:
            self._exchange.send(events)

    async def told(self, at_most_seconds: float) -> None:
        """Waits until other workers were told, but no longer than that: for a process that ends then."""
        if self._exchange is not None:
            await self._exchange.told(at_most_seconds)

    @contextmanager
    def listening(self, account_id: UUID, changes: Collection[Change] = tuple(Change)) -> Iterator[Listener]:
        """A listener to such changes of the calls of an account, until the end of the block."""
        listener = Listener(changes)
        self._listeners[account_id].add(listener)
        try:
            yield listener
        finally:
            self._listeners[account_id].discard(listener)
            if not self._listeners[account_id]:
                del self._listeners[account_id]

    def _end_all(self) -> None:
        for listener in [one for listeners in self._listeners.values() for one in listeners]:
            listener.end()

    def _is_heard(self, account_id: UUID) -> bool:
        return account_id in self._listeners

    def _tell(self, event: LiveEvent) -> None:
        for listener in self._listeners.get(event.account_id, ()):
            listener.tell(event)
