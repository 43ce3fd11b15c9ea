"""A PostgreSQL server from its wheel."""

import asyncio
import os
import shutil
import tempfile
import threading
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import asyncpg
import psutil

from app.foundation.database import embedded

_MEMORY_BYTES = 4_000_000_000


class Postgres:
    """Without durability: no test needs the data after a crash."""

    options: tuple[str, ...] = (
        *("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"),
        # Checking a password costs as much CPU as the statements of a short test.
        "scram_iterations=1",
        # Without autovacuum no plan depends on its timing; tests of plans run ANALYZE.
        "autovacuum=off",
    )

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="accounts-postgres-", dir=_memory()))
        # Under root the server runs as a user of its own, which must be able to enter this folder.
        self._folder.chmod(0o711)
        self._numbers = count(1)
        self._connection: asyncpg.Connection | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def __enter__(self) -> Self:
        self.start()
        password = urlsplit(self.url("postgres")).password
        self.run(f"ALTER ROLE postgres PASSWORD '{password}'")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Starts again after `stop`, with the same data at the same address."""
        self._server = embedded.start(self._folder, options=self.options)

    def stop(self) -> None:
        """Ends all connections and the server. Idempotent."""
        self._server.stop()

    @property
    def pid(self) -> int:
        """The id of its main process."""
        return self._server.pid

    def kill(self) -> None:
        """Kills the server and its sessions like `kill -9`; `start` starts it again with the same data."""
        first = psutil.Process(self.pid)
        processes = [first, *first.children()]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=10)
        self.stop()

    def run(self, sql: str) -> None:
        """Runs a statement. Works in any thread and inside an event loop."""
        asyncio.run_coroutine_threadsafe(self._run(sql), self._loop).result()

    async def _run(self, sql: str) -> None:
        await (await self._connected()).execute(sql)

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self.url("postgres"))
        return self._connection

    def transactions(self) -> int:
        """The number of the next writing transaction. While it is unchanged, nothing was written to any database."""
        return asyncio.run_coroutine_threadsafe(self._transactions(), self._loop).result()

    async def _transactions(self) -> int:
        number = await (await self._connected()).fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
        return int(number)

    def create(self, name: str) -> str:
        """Creates an empty database and returns its URL."""
        self.run(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def copy(self, template: str) -> str:
        name = f"{template}_{next(self._numbers)}"
        # For a small database without fsync, copying files takes a third of the time of logging their pages.
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return self.url(name)

    def drop(self, url: str) -> None:
        self.run(f'DROP DATABASE "{urlsplit(url).path[1:]}" WITH (FORCE)')

    def url(self, name: str) -> str:
        return self._server.url(name)


def _memory() -> str | None:
    """A folder in memory, which halves the time of database copies; None without enough room."""
    folder = Path("/dev/shm")
    return str(folder) if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > _MEMORY_BYTES else None
