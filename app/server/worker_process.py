"""What a worker process does that an application in a test does not: it ends with its supervisor, and waits for the database.

A worker that replaces one that died may meet a database that is away, or whose schema a newer version has migrated. It waits
then, and the others serve: a worker that ended would be started again and again, at seconds of CPU each.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from tortoise import BaseDBAsyncClient

from app.foundation.database import schema_version
from app.foundation.database.errors import refusal_of

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0

_log = structlog.get_logger("worker")


def end_with_supervisor() -> None:
    """Asks this process to end when the supervisor has ended, however that happens; does nothing without a supervisor.

    Orphans would keep the port, and serve a version and settings that the next supervisor does not know.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return

    def wait() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="supervisor", daemon=True).start()


async def until_usable(db: BaseDBAsyncClient) -> None:
    """Waits until the database answers and has this version's schema; logs what it waits for."""
    pause = FIRST_PAUSE_SECONDS
    with _ends_when_asked() as handlers:
        while (reason := await _obstacle(db)) is not None:
            _end_if_asked_before(handlers)
            _log.error("a worker waits for the database before it serves", reason=reason, next_try_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def _obstacle(db: BaseDBAsyncClient) -> str | None:
    try:
        await schema_version.check(db)
    except (schema_version.SchemaBehind, schema_version.SchemaAhead) as wrong:
        return str(wrong)
    except Exception as error:  # noqa: BLE001  whatever it is: the workers that serve do not need this one
        refusal = refusal_of(error)
        return (
            f"The database refuses: {refusal}"
            if refusal
            else f"The database does not answer ({type(error).__qualname__})."
        )
    return None


@contextmanager
def _ends_when_asked() -> Iterator[list[object]]:
    """SIGTERM and SIGINT end the process at once: uvicorn's handlers only note them until the application has started.

    Gives the handlers of before.
    """
    handlers = {which: signal.signal(which, signal.SIG_DFL) for which in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield list(handlers.values())
    finally:
        for which, handler in handlers.items():
            signal.signal(which, handler)


def _end_if_asked_before(handlers: list[object]) -> None:
    """Ends the process when uvicorn has noted a signal since its start, while the application was imported."""
    for handler in handlers:
        server = getattr(handler, "__self__", None)
        if isinstance(server, uvicorn.Server) and server.should_exit:
            signal.raise_signal(signal.SIGTERM)
