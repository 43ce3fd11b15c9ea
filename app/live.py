"""What happens to calls, told at once to whoever listens, in this worker and the others.

An event says which call of which account has changed and in what way, and nothing of what it is now: whoever hears it reads
the call within their own reach. Between workers events go over Valkey (`live_exchange.py`) where there is one.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

from app.live_exchange import Change, LiveEvent, LiveExchange

__all__ = ["Change", "Listener", "LiveEvent", "LiveEvents", "TooSlow"]

# Events that may wait for one listener; with more, it is told that it is too slow. A gateway reports 1,000 calls at once.
MAXIMUM_WAITING = 2_000


class TooSlow(Exception):
    """More events wait for a listener than are kept for it."""


class Listener:
    """Hears the events of one account, from the moment it was made."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[LiveEvent] = asyncio.Queue()
        self._known: set[LiveEvent] = set()
        self._is_too_slow = False

    def tell(self, event: LiveEvent) -> None:
        if event in self._known:  # it waits already, and the call is read when it is its turn
            return
        if len(self._known) >= MAXIMUM_WAITING:
            self._is_too_slow = True
            return
        self._known.add(event)
        self._waiting.put_nowait(event)

    async def next(self) -> LiveEvent:
        """Waits for it. Raises TooSlow."""
        if self._is_too_slow:
            raise TooSlow
        event = await self._waiting.get()
        self._known.discard(event)
        return event

    async def events(self) -> AsyncIterator[LiveEvent]:
        """Without end. Raises TooSlow."""
        while True:
            yield await self.next()


class LiveEvents:
    """Tells and hears. One per process."""

    def __init__(self, cache_url: str = "") -> None:
        """`cache_url` is CACHE_URL; without one, only those hear who listen in this process."""
        self._listeners: dict[UUID, set[Listener]] = defaultdict(set)
        self._exchange = LiveExchange(cache_url, self._is_heard, self._tell) if cache_url else None

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
    def listening(self, account_id: UUID) -> Iterator[Listener]:
        """A listener to the events of an account, until the end of the block."""
        listener = Listener()
        self._listeners[account_id].add(listener)
        try:
            yield listener
        finally:
            self._listeners[account_id].discard(listener)
            if not self._listeners[account_id]:
                del self._listeners[account_id]

    def _is_heard(self, account_id: UUID) -> bool:
        return account_id in self._listeners

    def _tell(self, event: LiveEvent) -> None:
        for listener in self._listeners.get(event.account_id, ()):
            listener.tell(event)
