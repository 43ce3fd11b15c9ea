"""Counts of cached prompts, shared among requests: cached for a few seconds, and one scan at a time."""

import asyncio
import time
from collections.abc import Sequence

from app.foundation.errors import ServiceUnavailable
from app.tts_cache.cache import PromptCache

TTL_SECONDS = 10.0
# Expired counts are removed once there are this many.
MAXIMUM_ENTRIES = 10_000


class PromptCounts:
    """Requests that arrive during a scan are answered together by the next one."""

    def __init__(self, cache: PromptCache) -> None:
        self._cache = cache
        self._counts: dict[str, tuple[float, int]] = {}
        self._waiting: dict[str, asyncio.Future[int]] = {}
        self._scanning: asyncio.Task[None] | None = None
        # Accounts cleared during the scan, whose counts are out of date.
        self._cleared: set[str] = set()

    async def of(self, account_ids: Sequence[str]) -> list[int]:
        """The counts, in the order of the ids, at most TTL_SECONDS old. Raises ServiceUnavailable."""
        found = [self._cached(account_id) for account_id in account_ids]
        if None not in found:
            return [count for count in found if count is not None]
        loop = asyncio.get_running_loop()
        for account_id in account_ids:
            if account_id not in self._waiting:
                self._waiting[account_id] = loop.create_future()
        futures = [self._waiting[account_id] for account_id in account_ids]
        if self._scanning is None:
            self._scanning = loop.create_task(self._scan())
        # Wait without cancelling: other requests may await the same futures.
        await asyncio.wait(futures)
        return [future.result() for future in futures]

    def invalidate(self, account_id: str) -> None:
        self._counts.pop(account_id, None)
        self._cleared.add(account_id)

    async def close(self) -> None:
        """Cancels the scan. Waiting requests get ServiceUnavailable."""
        if self._scanning is not None:
            self._scanning.cancel()
            await asyncio.wait([self._scanning])

    def _cached(self, account_id: str) -> int | None:
        until, count = self._counts.get(account_id, (0.0, 0))
        return count if time.monotonic() < until else None

    async def _scan(self) -> None:
        """Scans until no request waits."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, {}
                await self._answer(batch)
        finally:
            self._scanning = None
            _fail(self._waiting, _stopped())
            self._waiting = {}

    async def _answer(self, batch: dict[str, asyncio.Future[int]]) -> None:
        # The scan that they waited for may have counted some of them.
        counts = {account_id: known for account_id in batch if (known := self._cached(account_id)) is not None}
        missing = [account_id for account_id in batch if account_id not in counts]
        try:
            if missing:
                self._cleared.clear()
                counted = await self._cache.count(missing)
                self._store(counted)
                counts |= counted
        except asyncio.CancelledError:
            _fail(batch, _stopped())
            raise
        except Exception as error:  # noqa: BLE001  passed on to every waiting request
            _fail(batch, error)
            return
        for account_id, future in batch.items():
            future.set_result(counts[account_id])

    def _store(self, counted: dict[str, int]) -> None:
        now = time.monotonic()
        if len(self._counts) >= MAXIMUM_ENTRIES:
            self._counts = {account_id: entry for account_id, entry in self._counts.items() if entry[0] > now}
        for account_id in counted.keys() - self._cleared:
            self._counts[account_id] = (now + TTL_SECONDS, counted[account_id])


def _stopped() -> ServiceUnavailable:
    return ServiceUnavailable("The server is shutting down.")


def _fail(waiting: dict[str, asyncio.Future[int]], error: Exception) -> None:
    for future in waiting.values():
        future.set_exception(error)
        future.exception()  # mark as retrieved: the request may have been cancelled
