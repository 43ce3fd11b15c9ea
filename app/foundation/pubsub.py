"""Publish/subscribe between workers over Valkey channels.

A message is `<worker> <text>`. One connection publishes, one subscribes. While Valkey is down, no caller waits for it: outgoing
events queue up to a limit, incoming ones are lost, and subclasses are notified when such a gap begins and when it ends.
"""

import asyncio
import secrets
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, TypeVar

import structlog

from app.foundation.valkey import valkey_away, valkey_client

# Timeout for connecting, and for each response.
ANSWER_SECONDS = 2.0
# Ping Valkey after this long without a message; after as long again, treat the connection as lost.
SILENCE_SECONDS = 5.0
# Delay between attempts to reconnect; doubles each time.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
# Outgoing events in the queue; beyond that the oldest are lost.
MAXIMUM_WAITING = 10_000
_AT_ONCE = 500
# Sent instead of an event by a worker whose queue overflowed.
_LOST = "lost"
_LONGEST_MESSAGE = 100

_log = structlog.get_logger("exchange")

T = TypeVar("T")


class Exchange(ABC, Generic[T]):
    """Exchanges one kind of event with other workers. Subclasses encode and handle events."""

    def __init__(self, url: str, channels: str) -> None:
        """`channels` is the pattern of the channels to subscribe to."""
        self._url = url
        self._channels = channels
        self._worker = secrets.token_hex(8)
        self._waiting: deque[T] = deque(maxlen=MAXIMUM_WAITING)
        self._has_news = asyncio.Event()
        self._is_flushed = asyncio.Event()
        self._is_flushed.set()
        self._has_dropped = False
        self._has_gap = False

    @abstractmethod
    def _encode(self, event: T) -> tuple[str, str]:
        """The channel and the text of an event."""

    @abstractmethod
    def _receive(self, channel: str, text: str) -> None:
        """Handles another worker's event. Raises ValueError for a malformed event, which the caller ignores."""

    def _on_gap(self) -> None:
        """Events of other workers were lost or may be lost from now on. Called when a gap begins, and when it ends."""

    def send(self, events: Iterable[T]) -> None:
        """Queues events for the other workers. Never waits and never fails."""
        for event in events:
            self._has_dropped = self._has_dropped or len(self._waiting) == MAXIMUM_WAITING
            self._waiting.append(event)
        self._is_flushed.clear()
        self._has_news.set()

    async def flush(self, at_most_seconds: float) -> None:
        """Waits until all queued events are sent, or for `at_most_seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_seconds):
                await self._is_flushed.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sends and receives during the block, across outages of the server."""
        tasks = [asyncio.create_task(_retry_forever(work)) for work in (self._publish, self._subscribe)]
        try:
            yield
        finally:
            running = set(tasks)
            while running:
                # Cancel repeatedly: the Valkey client swallows a cancellation that coincides with one of its timeouts.
                for task in running:
                    task.cancel()
                _, running = await asyncio.wait(running, timeout=1)

    async def _publish(self) -> None:
        async with valkey_client(self._url, answer_seconds=ANSWER_SECONDS) as valkey:
            while True:
                await self._has_news.wait()
                some = [self._waiting.popleft() for _ in range(min(len(self._waiting), _AT_ONCE))]
                if not some:
                    self._has_news.clear()
                    self._is_flushed.set()
                    continue
                pipe = valkey.pipeline(transaction=False)
                has_dropped, self._has_dropped = self._has_dropped, False
                if has_dropped:
                    pipe.publish(self._channels.rstrip("*"), f"{self._worker} {_LOST}")
                for event in some:
                    channel, text = self._encode(event)
                    pipe.publish(channel, f"{self._worker} {text}")
                try:
                    await pipe.execute()
                except valkey_away():
                    # Send them again: duplicates are harmless. If the queue is full, drop the oldest.
                    room = MAXIMUM_WAITING - len(self._waiting)
                    self._has_dropped = self._has_dropped or has_dropped or len(some) > room
                    self._waiting.extendleft(reversed(some[max(len(some) - room, 0) :]))
                    raise

    async def _subscribe(self) -> None:
        try:
            await self._read_channels()
        except valkey_away():
            if not self._has_gap:
                self._has_gap = True
                self._on_gap()
            raise

    async def _read_channels(self) -> None:
        async with valkey_client(self._url, answer_seconds=ANSWER_SECONDS) as valkey, valkey.pubsub() as channels:
            await channels.psubscribe(self._channels)
            is_pinged = False
            while True:
                message = await channels.get_message(timeout=SILENCE_SECONDS)
                if message is not None:
                    is_pinged = False
                    self._handle(message)
                elif is_pinged:
                    raise TimeoutError
                else:
                    await channels.ping()
                    is_pinged = True

    def _handle(self, message: Mapping[str, Any]) -> None:
        """Messages are not trusted: any client of the Valkey server may have published them."""
        if message["type"] == "psubscribe" and self._has_gap:
            self._has_gap = False
            self._on_gap()
        if message["type"] != "pmessage" or len(message["data"]) > _LONGEST_MESSAGE:
            return
        with suppress(ValueError):
            worker, text = message["data"].decode().split(" ", 1)
            if worker == self._worker:
                return
            if text == _LOST:
                self._on_gap()
            else:
                self._receive(message["channel"].decode(), text)


async def _retry_forever(work: Callable[[], Awaitable[None]]) -> None:
    pause = FIRST_PAUSE_SECONDS
    while True:
        began = time.monotonic()
        try:
            await work()
        except valkey_away() as error:
            # Log only the class: the message can contain the URL with its password.
            _log.warning("events do not reach other workers", error=type(error).__qualname__)
        if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
