"""Messages between workers, over Valkey's channels: what one of them sends, all others hear.

A message is `<worker> <text>`. One connection hears and one tells. Where Valkey is away, no caller waits for it: what is to be
told waits, to a limit, and what other workers sent in that time is lost: subclasses are notified when that begins, and when it is
over.
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

from app.foundation.valkey import VALKEY_AWAY, valkey_client

# Longest wait for a connection, and for each answer.
ANSWER_SECONDS = 2.0
# When so long nothing was heard, the server is asked whether it is there, and may be silent once more as long.
SILENCE_SECONDS = 5.0
# Between two attempts, after one that failed: doubled each time.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
# Events that wait to be told; then the oldest are lost.
MAXIMUM_WAITING = 10_000
_AT_ONCE = 500
# Instead of an event, from a worker that had more to tell than it keeps.
_LOST = "lost"
_LONGEST_MESSAGE = 100

_log = structlog.get_logger("exchange")

T = TypeVar("T")


class Exchange(ABC, Generic[T]):
    """One worker's part in the exchange of one kind of event. Subclasses say how an event is written and read."""

    def __init__(self, url: str, channels: str) -> None:
        """`channels` is the pattern of those that it hears."""
        self._url = url
        self._channels = channels
        self._worker = secrets.token_hex(8)
        self._waiting: deque[T] = deque(maxlen=MAXIMUM_WAITING)
        self._has_news = asyncio.Event()
        self._has_told_all = asyncio.Event()
        self._has_told_all.set()
        self._has_dropped = False
        self._misses = False

    @abstractmethod
    def _written(self, event: T) -> tuple[str, str]:
        """The channel and the text of an event."""

    @abstractmethod
    def _take(self, channel: str, text: str) -> None:
        """Hands on what another worker sent. Raises ValueError for what is no event, which is passed over."""

    def _missed(self) -> None:
        """Events of other workers were lost, or may be from now on. Called once when it begins, and once when it is over."""

    def send(self, events: Iterable[T]) -> None:
        """Tells the other workers, soon. Never waits and never fails."""
        for event in events:
            self._has_dropped = self._has_dropped or len(self._waiting) == MAXIMUM_WAITING
            self._waiting.append(event)
        self._has_told_all.clear()
        self._has_news.set()

    async def told(self, at_most_seconds: float) -> None:
        """Waits until what was sent is told, but no longer than that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_seconds):
                await self._has_told_all.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tells and hears inside the block, whatever becomes of the server meanwhile."""
        tasks = [asyncio.create_task(_again_and_again(work)) for work in (self._tell_others, self._hear_others)]
        try:
            yield
        finally:
            running = set(tasks)
            while running:
                # More than once: the client loses a cancellation that comes together with a timeout of its own.
                for task in running:
                    task.cancel()
                _, running = await asyncio.wait(running, timeout=1)

    async def _tell_others(self) -> None:
        async with valkey_client(self._url, answer_seconds=ANSWER_SECONDS) as valkey:
            while True:
                await self._has_news.wait()
                some = [self._waiting.popleft() for _ in range(min(len(self._waiting), _AT_ONCE))]
                if not some:
                    self._has_news.clear()
                    self._has_told_all.set()
                    continue
                pipe = valkey.pipeline(transaction=False)
                has_dropped, self._has_dropped = self._has_dropped, False
                if has_dropped:
                    pipe.publish(self._channels.rstrip("*"), f"{self._worker} {_LOST}")
                for event in some:
                    channel, text = self._written(event)
                    pipe.publish(channel, f"{self._worker} {text}")
                try:
                    await pipe.execute()
                except VALKEY_AWAY:
                    # To hear of it twice does no harm. What came meanwhile stays, being newer.
                    room = MAXIMUM_WAITING - len(self._waiting)
                    self._has_dropped = self._has_dropped or has_dropped or len(some) > room
                    self._waiting.extendleft(reversed(some[max(len(some) - room, 0) :]))
                    raise

    async def _hear_others(self) -> None:
        try:
            await self._hear_until_away()
        except VALKEY_AWAY:
            if not self._misses:
                self._misses = True
                self._missed()
            raise

    async def _hear_until_away(self) -> None:
        async with valkey_client(self._url, answer_seconds=ANSWER_SECONDS) as valkey, valkey.pubsub() as channels:
            await channels.psubscribe(self._channels)
            is_asked = False
            while True:
                heard = await channels.get_message(timeout=SILENCE_SECONDS)
                if heard is not None:
                    is_asked = False
                    self._hear(heard)
                elif is_asked:
                    raise TimeoutError
                else:
                    await channels.ping()
                    is_asked = True

    def _hear(self, heard: Mapping[str, Any]) -> None:
        """Any client that may publish on the channel may have written it, so it is not trusted."""
        if heard["type"] == "psubscribe" and self._misses:
            self._misses = False
            self._missed()
        if heard["type"] != "pmessage" or len(heard["data"]) > _LONGEST_MESSAGE:
            return
        with suppress(ValueError):
            worker, text = heard["data"].decode().split(" ", 1)
            if worker == self._worker:
                return
            if text == _LOST:
                self._missed()
            else:
                self._take(heard["channel"].decode(), text)


async def _again_and_again(work: Callable[[], Awaitable[None]]) -> None:
    pause = FIRST_PAUSE_SECONDS
    while True:
        began = time.monotonic()
        try:
            await work()
        except VALKEY_AWAY as error:
            # Only the kind of error: its message can hold the address, and the address a password.
            _log.warning("events do not reach other workers", error=type(error).__qualname__)
        if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
