"""Periodic work while the server runs. A failed run does not end it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

_log = structlog.get_logger("periodic")


@asynccontextmanager
async def repeated(
    work: Callable[[], Awaitable[object]], every_seconds: float, failure: str, *, at_the_end: bool = False
) -> AsyncIterator[None]:
    """Runs `work` at once and then every `every_seconds`, until the context ends; with `at_the_end`, then once more.

    An exception is logged as the event `failure`, with its type, and the next run is due as usual.
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
    except Exception as error:  # noqa: BLE001  often the database is away; the next run must come
        _log.warning(failure, error=type(error).__qualname__)
