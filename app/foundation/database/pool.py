"""A first-come, first-served pool of PostgreSQL connections, and the Tortoise backend that uses it.

asyncpg's pool resets the session at each release, which is a round trip, and can serve a new client before a waiting one. Without
its reset and behind a semaphore, which keeps the order, it still takes 111 µs of CPU for one statement where this pool takes 73
(`python -m tests.bench.transport`): 5 % of a request for one account.

Since sessions are not reset, never leave state in one: no SET outside a transaction, LISTEN, temporary table, cursor or advisory
lock (`migrate` takes its lock on a connection of its own: `orm.single_connection`).
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import PoolConnectionWrapper, TransactionalDBClient, TransactionContextPooled
from tortoise.connection import get_connections
from tortoise.exceptions import DBConnectionError

# Firewalls drop connections that are silent for longer.
IDLE_SECONDS = 300.0
RESET_SECONDS = 5.0
# The shortest time between two drops of all idle connections. Otherwise probes of a read-only database would leave its readers
# without connections.
DROP_SECONDS = 5.0
# Raised by the driver for a broken connection. OSError includes timeouts.
_BROKEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


_fails_fast: ContextVar[bool] = ContextVar("fails_fast", default=False)


@contextmanager
def fail_fast() -> Iterator[None]:
    """In the block, `acquire` fails at once, as if the database were away."""
    token = _fails_fast.set(True)
    try:
        yield
    finally:
        _fails_fast.reset(token)


class Pool:
    """At most `maximum` connections, opened on demand; the one used last is acquired first."""

    def __init__(self, maximum: int, **options: Any) -> None:
        """`options` are those of `asyncpg.connect`."""
        self._maximum = maximum
        self._options = options
        self._loop = asyncio.get_running_loop()
        # asyncio's semaphore is fair: the longest waiter is next.
        self._turns = asyncio.Semaphore(maximum)
        # With the times of their release; the longest idle is on the left.
        self._idle: deque[tuple[float, asyncpg.Connection]] = deque()
        self._acquired: set[asyncpg.Connection] = set()
        self._resets: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._dropped_at = -math.inf
        self._is_closing = False

    @classmethod
    async def opened(cls, maximum: int, **options: Any) -> "Pool":
        """A pool with its first connection open, so that wrong options fail at the start."""
        pool = cls(maximum, **options)
        await pool.release(await pool.acquire())
        return pool

    async def acquire(self) -> asyncpg.Connection:
        """A connection, to be passed to `release`. The option `timeout` limits the wait for a turn, and for a new connection."""
        if _fails_fast.get():
            raise DBConnectionError("the database was away a moment ago")
        # Setting a timeout costs more than taking a free turn.
        self._waiting += 1
        try:
            async with asyncio.timeout(self._options.get("timeout")) if self._turns.locked() else nullcontext():
                await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            connection = self._ready() or await self._connect()
        except BaseException:
            self._turns.release()
            raise
        self._acquired.add(connection)
        return connection

    async def release(self, connection: asyncpg.Connection, *, is_settled: bool = True) -> None:
        """Returns a connection to the pool.

        After a failed client (`is_settled` is False) a transaction may be open, or a statement may still be in cancellation: a
        background task resets the connection before its next use. Raises asyncpg.InterfaceError for one that is not acquired.
        """
        if connection not in self._acquired and not connection.is_closed():
            raise asyncpg.InterfaceError("the connection is not acquired")
        if connection.is_closed() or (is_settled and not connection.is_in_transaction()):
            self._take_back(connection)
            return
        task = self._loop.create_task(self._reset(connection))
        self._resets.add(task)
        task.add_done_callback(self._resets.discard)

    def usage(self) -> tuple[int, int]:
        """How many connections are in use, and how many clients wait for one."""
        return len(self._acquired), self._waiting

    async def close(self) -> None:
        """Waits for all acquired connections. `acquire` raises asyncpg.InterfaceError from now on."""
        self._is_closing = True
        for _ in range(self._maximum):
            await self._turns.acquire()
        try:
            await asyncio.gather(*(connection.close() for _, connection in self._idle))
        finally:
            self._turns.release()

    def drop_idle(self) -> None:
        """Drops idle connections, so that new ones are opened: all of them, or within DROP_SECONDS only the one used last."""
        if not self._idle:
            return
        self._idle.pop()[1].terminate()
        if self._loop.time() - self._dropped_at >= DROP_SECONDS:
            self._dropped_at = self._loop.time()
            while self._idle:
                self._idle.popleft()[1].terminate()

    def terminate(self) -> None:
        """Drops all connections, acquired ones too."""
        for connection in (*self._acquired, *(connection for _, connection in self._idle)):
            connection.terminate()

    def _ready(self) -> asyncpg.Connection | None:
        """An open idle connection, or None."""
        if self._is_closing:
            raise asyncpg.InterfaceError("the pool is closing")
        self._drop_stale()
        while self._idle:
            _, connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _connect(self) -> asyncpg.Connection:
        connection: asyncpg.Connection = await asyncpg.connect(**self._options)
        # Whatever its client does, the turn is free again when the connection closes.
        connection.add_termination_listener(lambda _closed: self._take_back(connection))
        return connection

    def _take_back(self, connection: asyncpg.Connection) -> None:
        if connection not in self._acquired:  # both its close and its release call this
            return
        self._acquired.remove(connection)
        if not connection.is_closed():
            self._idle.append((self._loop.time(), connection))
        self._drop_stale()
        self._turns.release()

    async def _reset(self, connection: asyncpg.Connection) -> None:
        is_settled = False
        try:
            with suppress(*_BROKEN):
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
    """Tortoise's client for PostgreSQL. Tortoise calls only `acquire`, `release`, `close` and `terminate` of its pool."""

    _pool: Pool | None  # type: ignore[assignment]  # Tortoise's type is asyncpg's pool

    async def create_pool(self, **options: Any) -> Any:
        for unused in ("min_size", "loop"):
            options.pop(unused)
        return await Pool.opened(options.pop("max_size"), **options)

    async def accepts_writes(self) -> bool:
        """Whether the server accepts writes, in one round trip. False on a standby, or for a read-only database or role.

        Then drops idle connections: their sessions would stay read-only when the database accepts writes again.
        """
        _, rows = await self.execute_query("SHOW transaction_read_only")
        accepts = bool(rows[0]["transaction_read_only"] == "off")
        if not accepts and self._pool is not None:
            self._pool.drop_idle()
        return accepts

    def usage(self) -> tuple[int, int]:
        """How many connections are in use, and how many clients wait for one."""
        return self._pool.usage() if self._pool is not None else (0, 0)

    def acquire_connection(self) -> PoolConnectionWrapper[asyncpg.Connection]:
        return _Acquired(self, self._pool_init_lock)

    def _in_transaction(self) -> TransactionContextPooled:
        return _Transaction(TransactionWrapper(self), self._pool_init_lock)


class _Acquired(PoolConnectionWrapper[asyncpg.Connection]):
    connection: asyncpg.Connection

    async def __aenter__(self) -> asyncpg.Connection:
        if self.client._pool is None:
            await self.ensure_connection()
        # The client may be closed, or have another pool, when the connection is released.
        self._pool: Pool = self.client._pool
        self.connection = await self._pool.acquire()
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self._pool.release(self.connection)
            return
        is_away = _is_away(error, self.connection)
        if _is_read_only(error):
            self.connection.terminate()
        await self._pool.release(self.connection, is_settled=False)
        if is_away:
            raise DBConnectionError("the connection closed") from error


class _Transaction(TransactionContextPooled):
    """A transaction whose connection returns to the pool however the transaction begins and ends.

    Tortoise's own keeps the connection for ever, and the task on it, when BEGIN fails or is cancelled. When BEGIN, COMMIT or
    ROLLBACK did not complete, the state of the session is unknown: the connection is closed, which undoes everything.
    """

    async def __aenter__(self) -> TransactionalDBClient:
        connections = get_connections()  # raises without a context, before anything is acquired
        await self.ensure_connection()
        self._pool: Pool = self.client._parent._pool
        self.client._connection = await self._pool.acquire()
        self.token = connections.set(self.connection_name, self.client)
        try:
            await self.client.begin()
        except BaseException as error:
            is_away = _is_away(error, self.client._connection)
            await self._leave(is_settled=False)
            if is_away:
                raise DBConnectionError("the connection closed") from error
            raise
        return self.client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lost, is_settled = None, False
        try:
            if not self.client._finalized:
                await (self.client.commit() if error is None else self.client.rollback())
            is_settled = not _is_read_only(error)
        except _BROKEN as broken:
            # The first error is raised, and a cancellation stays one.
            first = error or broken
            if _is_away(first, self.client._connection):
                lost = first
            elif error is None:
                raise
        finally:
            await self._leave(is_settled=is_settled)
        if lost is not None:
            raise DBConnectionError("the connection closed") from lost

    async def _leave(self, *, is_settled: bool) -> None:
        """Never waits, so that it cannot be cancelled."""
        connection = self.client._connection
        if not is_settled:
            connection.terminate()
        await self._pool.release(connection)
        get_connections().reset(self.token)


def _is_away(error: BaseException | None, connection: asyncpg.Connection) -> bool:
    """Whether an internal error of the driver means that the connection was lost between two statements.

    The driver has no class for that. Its real internal errors (an unknown state, a codec) leave the connection open.
    """
    return isinstance(error, asyncpg.InternalClientError) and connection.is_closed()


def _is_read_only(error: BaseException | None) -> bool:
    """Whether a read-only session refused a write. It stays read-only; a new one may reach the new primary."""
    while error is not None and not isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        error = error.__cause__
    return error is not None


# Tortoise looks for this name in the module that is a connection's `engine`.
client_class = PooledClient
