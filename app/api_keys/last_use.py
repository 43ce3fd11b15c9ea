"""When each key was last used: noted in memory, written together every few seconds, off the request path."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from tortoise.expressions import Q

from app.api_keys.model import ApiKey

WRITE_EVERY_SECONDS = 20.0
_log = structlog.get_logger("api_keys")


class LastUse:
    """Truthful to the minute. One per process."""

    def __init__(self) -> None:
        self._current: dict[UUID, datetime] = {}
        self._previous: dict[UUID, datetime] = {}

    def note(self, key_id: UUID, *, by_previous: bool) -> None:
        now = datetime.now(UTC)
        self._current[key_id] = now
        if by_previous:
            self._previous[key_id] = now

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Writes in the background for as long as the context lasts, and once more at its end."""
        task = asyncio.create_task(self._write_for_ever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._write_unless_away()

    async def write(self) -> None:
        """Writes what was noted since the last time, a minute's uses in one statement."""
        noted = {
            "last_used_at": self._take("_current"),
            "previous_secret_last_used_at": self._take("_previous"),
        }
        for column, uses in noted.items():
            by_time: dict[datetime, list[UUID]] = {}
            for key_id, used_at in uses.items():
                by_time.setdefault(used_at.replace(second=0, microsecond=0), []).append(key_id)
            for used_at, key_ids in by_time.items():
                # Another worker may have written a later time.
                never: dict[str, Any] = {f"{column}__isnull": True}
                before: dict[str, Any] = {f"{column}__lt": used_at}
                earlier = Q(**never) | Q(**before)
                await ApiKey.filter(earlier, id__in=key_ids).update(**{column: used_at})

    def _take(self, name: str) -> dict[UUID, datetime]:
        taken: dict[UUID, datetime] = getattr(self, name)
        setattr(self, name, {})
        return taken

    async def _write_for_ever(self) -> None:
        while True:
            await asyncio.sleep(WRITE_EVERY_SECONDS)
            await self._write_unless_away()

    async def _write_unless_away(self) -> None:
        try:
            await self.write()
        except Exception as error:  # noqa: BLE001  times of use are lost; the next ones must still be written
            _log.warning("last uses not written", error=type(error).__qualname__)
