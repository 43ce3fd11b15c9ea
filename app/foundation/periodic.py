"""Work that comes back every few seconds while the server runs, and that no failure ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

_log = structlog.get_logger("periodic")


@asynccontextmanager
async def repeated(
    work: Callable[[], Awaitable[object]], every_seconds: float, failure: str, *, at_the_end: bool = False
) -> AsyncIterator[None]:
    """Does the work at once and then every so many seconds, until the context is left; then once more if wanted.

    What it raises is logged as `failure`, by its type, and the work comes back as if it had been done.
    """
    task = asyncio.create_task(_repeat(work, every_seconds, failure))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if at_the_end:
            await _try(work, failure)


async def _repeat(work: Callable[[], Awaitable[object]], every_seconds: float, failure: str) -> None:
    while True:
        await _try(work, failure)
        await asyncio.sleep(every_seconds)


async def _try(work: Callable[[], Awaitable[object]], failure: str) -> None:
    try:
        await work()
    except Exception as error:  # noqa: BLE001  most often the database is away; the next time must come
        _log.warning(failure, error=type(error).__qualname__)
