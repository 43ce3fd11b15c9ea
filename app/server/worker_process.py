"""What a worker process does in addition: it ends with its supervisor, and waits for a usable database.

When a worker replaces one that died, the database may be unavailable, or migrated by a newer version. The new worker then waits
while the others serve: if it ended, it would be restarted again and again, with seconds of CPU each time.
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
    """Terminates this process when its supervisor ends, for any reason; does nothing without a supervisor.

    Orphans would keep the port, and serve with the old version and settings.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return

    def wait() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="supervisor", daemon=True).start()


async def wait_for_database(db: BaseDBAsyncClient) -> None:
    """Waits until the database answers and has this version's schema; logs what it waits for."""
    pause = FIRST_PAUSE_SECONDS
    with _default_signal_handlers() as handlers:
        while (reason := await _obstacle(db)) is not None:
            _end_if_signalled(handlers)
            _log.error("a worker waits for the database before it serves", reason=reason, next_try_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def _obstacle(db: BaseDBAsyncClient) -> str | None:
    try:
        await schema_version.check(db)
    except (schema_version.SchemaBehind, schema_version.SchemaAhead) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  any error: the other workers serve
        refusal = refusal_of(error)
        return (
            f"The database refuses: {refusal}"
            if refusal
            else f"The database does not answer ({type(error).__qualname__})."
        )
    return None


@contextmanager
def _default_signal_handlers() -> Iterator[list[object]]:
    """In the block, SIGTERM and SIGINT end the process; uvicorn's handlers only record them before the application has started.

    Yields uvicorn's handlers.
    """
    handlers = {which: signal.signal(which, signal.SIG_DFL) for which in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield list(handlers.values())
    finally:
        for which, handler in handlers.items():
            signal.signal(which, handler)


def _end_if_signalled(handlers: list[object]) -> None:
    """Ends the process if uvicorn recorded a signal while the application was imported."""
    for handler in handlers:
        server = getattr(handler, "__self__", None)
        if isinstance(server, uvicorn.Server) and server.should_exit:
            signal.raise_signal(signal.SIGTERM)
