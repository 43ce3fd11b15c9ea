"""Connections to PostgreSQL, lent in the order of asking. A backend of Tortoise: its asyncpg client over a pool of our own.

asyncpg's pool makes a round trip at each return, to undo what a borrower may have left in its session, and a task and two
timers beside it: more CPU than a short statement. And whoever comes while a connection is being handed on takes it from
those that wait for one, so that under load some wait without an end.

Nothing of ours leaves anything in a session: no SET outside of a transaction, no LISTEN, no temporary table, no cursor,
no advisory lock (that of `migrating.py` has a connection of its own: `database.single_connection`). Keep it so.
"""

import asyncio
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.base.client import PoolConnectionWrapper

# Firewalls forget connections that are silent for longer.
IDLE_SECONDS = 300.0
RESET_SECONDS = 5.0


class Pool:
    """At most `maximum` connections, made as they are needed; the one that was used last is lent first."""

    def __init__(self, maximum: int, **options: Any) -> None:
        """`options` are those of `asyncpg.connect`."""
        self._maximum = maximum
        self._options = options
        self._loop = asyncio.get_running_loop()
        # asyncio promises that whoever waits longest is next, and that nobody overtakes.
        self._turns = asyncio.Semaphore(maximum)
        # With the times at which they came back; the longest idle is on the left.
        self._idle: deque[tuple[float, asyncpg.Connection]] = deque()
        self._lent: set[asyncpg.Connection] = set()
        self._resets: set[asyncio.Task[None]] = set()
        self._is_closing = False

    @classmethod
    async def opened(cls, maximum: int, **options: Any) -> "Pool":
        """A pool with its first connection, so that wrong options show at the start."""
        pool = cls(maximum, **options)
        await pool.release(await pool.acquire())
        return pool

    async def acquire(self) -> asyncpg.Connection:
        """A connection, to be given to `release`. Waits for a turn without an end: whoever asks limits the whole."""
        await self._turns.acquire()
        try:
            connection = self._ready() or await asyncpg.connect(**self._options)
        except BaseException:
            self._turns.release()
            raise
        self._lent.add(connection)
        return connection

    async def release(self, connection: asyncpg.Connection, *, is_settled: bool = True) -> None:
        """Takes a connection back.

        What a borrower that failed has left (`is_settled` is False), an open transaction or a statement that is still
        being cancelled, is ended in the background before the connection is lent again.
        """
        if connection.is_closed() or (is_settled and not connection.is_in_transaction()):
            self._take_back(connection)
            return
        task = self._loop.create_task(self._reset(connection))
        self._resets.add(task)
        task.add_done_callback(self._resets.discard)

    async def close(self) -> None:
        """Waits for what is lent. Whoever still asks is refused with asyncpg.InterfaceError."""
        self._is_closing = True
        for _ in range(self._maximum):
            await self._turns.acquire()
        await asyncio.gather(*(connection.close() for _, connection in self._idle))
        self._turns.release()

    def terminate(self) -> None:
        """Drops all connections, those that are lent too."""
        for connection in (*self._lent, *(connection for _, connection in self._idle)):
            connection.terminate()

    def _ready(self) -> asyncpg.Connection | None:
        """A connection that is there and lives."""
        if self._is_closing:
            raise asyncpg.InterfaceError("the pool is closing")
        self._drop_stale()
        while self._idle:
            _, connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _take_back(self, connection: asyncpg.Connection) -> None:
        self._lent.remove(connection)
        if not connection.is_closed():
            self._idle.append((self._loop.time(), connection))
        self._drop_stale()
        self._turns.release()

    async def _reset(self, connection: asyncpg.Connection) -> None:
        is_settled = False
        try:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # OSError: a timeout too
                await connection.reset(timeout=RESET_SECONDS)
                is_settled = True
        finally:
            if not is_settled:
                connection.terminate()
            self._take_back(connection)

    def _drop_stale(self) -> None:
        while self._idle and self._loop.time() - self._idle[0][0] > IDLE_SECONDS:
            self._idle.popleft()[1].terminate()


class PooledClient(AsyncpgDBClient):
    """Tortoise's client for PostgreSQL; it asks its pool for no more than `acquire`, `release`, `close`, `terminate`."""

    async def create_pool(self, **options: Any) -> Any:
        for unused in ("min_size", "loop"):
            options.pop(unused)
        return await Pool.opened(options.pop("max_size"), **options)

    def acquire_connection(self) -> PoolConnectionWrapper[asyncpg.Connection]:
        return _Borrowed(self, self._pool_init_lock)


class _Borrowed(PoolConnectionWrapper[asyncpg.Connection]):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client._pool.release(self.connection, is_settled=error is None)


# What Tortoise looks for in the module that is a connection's `engine`.
client_class = PooledClient
