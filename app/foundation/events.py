"""Live events: changes of calls, published to listeners in all workers.

An event names a call, its account and the kind of change, but no data: a listener reads the call with its own permissions.
Workers exchange events over Valkey (`event_bus.py`), if configured. If events are lost, every listener ends, so
that its client lists the calls again.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

from app.foundation.event_bus import Change, LiveEvent, LiveExchange

__all__ = ["Change", "EventsLost", "Listener", "LiveEvent", "LiveEvents", "TooSlow"]

# Maximum number of calls queued for one listener, which then ends as too slow. A gateway reports 1,000 calls at once.
MAXIMUM_WAITING = 2_000


class EventsLost(Exception):
    """Events between workers were lost, possibly some of this listener's."""


class TooSlow(EventsLost):
    """The listener has more waiting calls than MAXIMUM_WAITING."""


class Listener:
    """Queues the changes of one account's calls, from its creation on."""

    def __init__(self, changes: Collection[Change]) -> None:
        """`changes` are the kinds of change to receive."""
        self._changes = changes
        # None wakes a listener that has ended.
        self._waiting: asyncio.Queue[LiveEvent | None] = asyncio.Queue()
        # The calls of the queued events.
        self._known: set[UUID] = set()
        self._end: EventsLost | None = None

    def put(self, event: LiveEvent) -> None:
        # Queue a call only once: it is read when it leaves the queue, with all changes up to then.
        if event.change not in self._changes or event.call_id in self._known:
            return
        if len(self._known) >= MAXIMUM_WAITING:
            self._end = TooSlow()
            return
        self._known.add(event.call_id)
        self._waiting.put_nowait(event)

    def end(self) -> None:
        """Ends the listener: events may have been lost."""
        self._end = self._end or EventsLost()
        self._waiting.put_nowait(None)

    async def next(self) -> LiveEvent:
        """Waits for the next event. Raises EventsLost; TooSlow when this listener itself was too slow."""
        event = None if self._end else await self._waiting.get()
        if event is None:
            raise self._end or EventsLost
        self._known.discard(event.call_id)
        return event


class LiveEvents:
    """Publishes events and delivers them to listeners. One per process."""

    def __init__(self, cache_url: str = "") -> None:
        """`cache_url` is CACHE_URL; without it, events reach only listeners in this process."""
        self._listeners: dict[UUID, set[Listener]] = defaultdict(set)
        self._exchange = (
            LiveExchange(cache_url, self._has_listener, self._deliver, self._end_all) if cache_url else None
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Exchanges events with other workers during the block."""
        if self._exchange is None:
            yield
            return
        async with self._exchange.running():
            yield

    def publish(self, *events: LiveEvent) -> None:
        """Never waits and never fails. An event without a listener is dropped."""
        for event in events:
            self._deliver(event)
        if self._exchange is not None:
            self._exchange.send(events)

    async def flush(self, at_most_seconds: float) -> None:
        """Waits until all events are sent to other workers, or for `at_most_seconds`: for a process that ends."""
        if self._exchange is not None:
            await self._exchange.flush(at_most_seconds)

    @contextmanager
    def subscribe(self, account_id: UUID, changes: Collection[Change] = tuple(Change)) -> Iterator[Listener]:
        """A listener to these changes of an account's calls, until the end of the block."""
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

    def _has_listener(self, account_id: UUID) -> bool:
        return account_id in self._listeners

    def _deliver(self, event: LiveEvent) -> None:
        for listener in self._listeners.get(event.account_id, ()):
            listener.put(event)
