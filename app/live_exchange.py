"""Events between workers, over Valkey's channels: what one of them publishes, all others hear.

The channel is `live:<account id>`; a message is `<worker> <call id> <change>`, with the ids as the graph shows them. One
connection hears and one tells. Where Valkey is away, nobody waits for it: what is to be told waits, to a limit, and what
others told meanwhile is lost.
"""

import asyncio
import enum
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from app.identifiers import Kind, read, show
from app.valkey_connection import VALKEY_AWAY, valkey_client

# Longest wait for a connection, and for each answer.
ANSWER_SECONDS = 2.0
# When so long nothing was heard, the server is asked whether it is there, and may be silent once more as long.
SILENCE_SECONDS = 5.0
# Between two attempts, after one that failed: doubled each time.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
# Events that wait to be told; then the oldest are lost.
MAXIMUM_WAITING = 10_000
_AT_ONCE = 500
_CHANNEL, _LONGEST_MESSAGE = "live:", 100

_log = structlog.get_logger("live")


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


class LiveExchange:
    """One worker's part in it."""

    def __init__(self, url: str, is_heard: Callable[[UUID], bool], hear: Callable[[LiveEvent], None]) -> None:
        """`hear` gets what other workers tell of accounts that anybody here listens to."""
        self._url = url
        self._is_heard = is_heard
        self._hear = hear
        self._worker = secrets.token_hex(8)
        self._waiting: deque[LiveEvent] = deque(maxlen=MAXIMUM_WAITING)
        self._has_news = asyncio.Event()
        self._has_told_all = asyncio.Event()
        self._has_told_all.set()

    def send(self, events: Iterable[LiveEvent]) -> None:
        """Tells the other workers, soon. Never waits and never fails."""
        self._waiting.extend(events)
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
                for event in some:
                    pipe.publish(_channel(event), self._message(event))
                try:
                    await pipe.execute()
                except VALKEY_AWAY:
                    # To hear of it twice does no harm. What came meanwhile stays, being newer.
                    room = MAXIMUM_WAITING - len(self._waiting)
                    self._waiting.extendleft(reversed(some[max(len(some) - room, 0) :]))
                    raise

    async def _hear_others(self) -> None:
        async with valkey_client(self._url, answer_seconds=ANSWER_SECONDS) as valkey, valkey.pubsub() as channels:
            await channels.psubscribe(f"{_CHANNEL}*")
            is_asked = False
            while True:
                heard = await channels.get_message(timeout=SILENCE_SECONDS)
                if heard is not None:
                    is_asked = False
                    self._take(heard)
                elif is_asked:
                    raise TimeoutError
                else:
                    await channels.ping()
                    is_asked = True

    def _take(self, heard: dict[str, Any]) -> None:
        """Hands on what other workers tell; anybody who may publish there may have written it, so it is not believed."""
        if heard["type"] != "pmessage" or len(heard["data"]) > _LONGEST_MESSAGE:
            return
        try:
            account_id = read(Kind.ACCOUNT, heard["channel"].decode().removeprefix(_CHANNEL))
            worker, call, change = heard["data"].decode().split(" ")
            call_id, changed = read(Kind.CALL, call), Change(change)
        except ValueError:
            return
        if worker != self._worker and account_id is not None and call_id is not None and self._is_heard(account_id):
            self._hear(LiveEvent(account_id, call_id, changed))

    def _message(self, event: LiveEvent) -> str:
        return f"{self._worker} {show(Kind.CALL, event.call_id)} {event.change}"


def _channel(event: LiveEvent) -> str:
    return f"{_CHANNEL}{show(Kind.ACCOUNT, event.account_id)}"


async def _again_and_again(work: Callable[[], Awaitable[None]]) -> None:
    pause = FIRST_PAUSE_SECONDS
    while True:
        began = time.monotonic()
        try:
            await work()
        except VALKEY_AWAY as error:
            # Only the kind of error: its message can hold the address, and the address a password.
            _log.warning("live events do not reach other workers", error=type(error).__qualname__)
        if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
