"""Counts of cached prompts, kept for some seconds, and counted together: one walk at a time, whoever asks."""

import asyncio
import time
from collections.abc import Sequence

from app.foundation.errors import ServiceUnavailable
from app.tts_cache.cache import PromptCache

KEPT_SECONDS = 10.0
# Old counts are looked for and let go when there are so many.
MAXIMUM_KEPT = 10_000


class PromptCounts:
    """What is asked while a walk is under way is counted by the next one, all of it together."""

    def __init__(self, cache: PromptCache) -> None:
        self._cache = cache
        self._kept: dict[str, tuple[float, int]] = {}
        self._waiting: dict[str, asyncio.Future[int]] = {}
        self._walking: asyncio.Task[None] | None = None
        # Accounts that were cleared during the walk: what it found of them is old.
        self._cleared: set[str] = set()

    async def of(self, account_ids: Sequence[str]) -> list[int]:
        """The counts in this order, at most KEPT_SECONDS old. Raises ServiceUnavailable."""
        found = [self._known(account_id) for account_id in account_ids]
        if None not in found:
            return [count for count in found if count is not None]
        loop = asyncio.get_running_loop()
        for account_id in account_ids:
            if account_id not in self._waiting:
                self._waiting[account_id] = loop.create_future()
        asked = [self._waiting[account_id] for account_id in account_ids]
        if self._walking is None:
            self._walking = loop.create_task(self._walk())
        # Others may wait for the same: who gives up gives up for itself.
        await asyncio.wait(asked)
        return [future.result() for future in asked]

    def forget(self, account_id: str) -> None:
        """The account's entries have changed by our doing."""
        self._kept.pop(account_id, None)
        self._cleared.add(account_id)

    async def close(self) -> None:
        """Ends a walk; those who wait for it are told that there is no answer."""
        if self._walking is not None:
            self._walking.cancel()
            await asyncio.wait([self._walking])

    def _known(self, account_id: str) -> int | None:
        until, count = self._kept.get(account_id, (0.0, 0))
        return count if time.monotonic() < until else None

    async def _walk(self) -> None:
        """Counts until nobody waits."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, {}
                await self._answer(batch)
        finally:
            self._walking = None
            _tell(self._waiting, _stopped())
            self._waiting = {}

    async def _answer(self, batch: dict[str, asyncio.Future[int]]) -> None:
        # Some were counted by the walk that they waited for.
        counts = {account_id: known for account_id in batch if (known := self._known(account_id)) is not None}
        missing = [account_id for account_id in batch if account_id not in counts]
        try:
            if missing:
                self._cleared.clear()
                counted = await self._cache.count(missing)
                self._keep(counted)
                counts |= counted
        except asyncio.CancelledError:
            _tell(batch, _stopped())
            raise
        except Exception as error:  # noqa: BLE001  told to each who waits
            _tell(batch, error)
            return
        for account_id, future in batch.items():
            future.set_result(counts[account_id])

    def _keep(self, counted: dict[str, int]) -> None:
        now = time.monotonic()
        if len(self._kept) >= MAXIMUM_KEPT:
            self._kept = {account_id: kept for account_id, kept in self._kept.items() if kept[0] > now}
        for account_id in counted.keys() - self._cleared:
            self._kept[account_id] = (now + KEPT_SECONDS, counted[account_id])


def _stopped() -> ServiceUnavailable:
    return ServiceUnavailable("The server is being stopped.")


def _tell(waiting: dict[str, asyncio.Future[int]], error: Exception) -> None:
    for future in waiting.values():
        future.set_exception(error)
        future.exception()  # who asked may be gone; that is no error of its own
