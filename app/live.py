"""What happens to calls, told at once to whoever listens, in this worker and the others.

An event says which call of which account has changed and in what way, and nothing of what it is now: whoever hears it reads
the call within their own reach.
"""

import asyncio
import enum
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

# Events that may wait for one listener; with more, it is told that it is too slow.
MAXIMUM_WAITING = 1_000


class Change(enum.StrEnum):
    """What has changed."""

    CALL = "call"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """A call that has changed."""

    account_id: UUID
    call_id: UUID
    change: Change


class TooSlow(Exception):
    """More events wait for a listener than are kept for it."""


class Listener:
    """Hears the events of one account, from the moment it was made."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[LiveEvent] = asyncio.Queue(MAXIMUM_WAITING)
        self._is_too_slow = False

    def tell(self, event: LiveEvent) -> None:
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self._is_too_slow = True

    async def events(self) -> AsyncIterator[LiveEvent]:
        """Without end. Raises TooSlow."""
        while not self._is_too_slow:
            yield await self._waiting.get()
        raise TooSlow


class LiveEvents:
    """Tells and hears. One per process."""

    def __init__(self) -> None:
        self._listeners: dict[UUID, set[Listener]] = defaultdict(set)

    def publish(self, *events: LiveEvent) -> None:
        """Never waits and never fails: what nobody hears is lost."""
        for event in events:
            for listener in self._listeners.get(event.account_id, ()):
                listener.tell(event)

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
