"""Connections to PostgreSQL, lent in the order of asking. A backend of Tortoise: its asyncpg client over a pool of our own.

asyncpg's pool resets the session at each return, which is a round trip, and serves newcomers before those that wait for a
connection that is being handed on. Without its reset and behind a semaphore, which keeps the order, it still takes 111 µs of
CPU for one statement where this pool takes 73 (`python -m tests.bench.transport`): 5 % of a request for one account.

Nothing of ours leaves anything in a session: no SET outside of a transaction, no LISTEN, no temporary table, no cursor,
no advisory lock (that of `migrate.py` has a connection of its own: `database.single_connection`). Keep it so.
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

# Firewalls forget connections that are silent for longer.
IDLE_SECONDS = 300.0
RESET_SECONDS = 5.0
# Not more often is all that is idle dropped: probes would keep readers of a read-only database without connections.
DROP_SECONDS = 5.0
# What the driver raises of a connection that is of no use any more. OSError: a timeout too.
_BROKEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


_is_given_up: ContextVar[bool] = ContextVar("is_given_up", default=False)


@contextmanager
def given_up() -> Iterator[None]:
    """No connection is acquired in the block: whoever tries is refused at once, as by a database that is away."""
    token = _is_given_up.set(True)
    try:
        yield
    finally:
        _is_given_up.reset(token)


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
        self._waiting = 0
        self._dropped_at = -math.inf
        self._is_closing = False

    @classmethod
    async def opened(cls, maximum: int, **options: Any) -> "Pool":
        """A pool with its first connection, so that wrong options show at the start."""
        pool = cls(maximum, **options)
        await pool.release(await pool.acquire())
        return pool

    async def acquire(self) -> asyncpg.Connection:
        """A connection, to be given to `release`. Waits for a turn no longer than for a new connection."""
        if _is_given_up.get():
            raise DBConnectionError("the database was away a moment ago")
        # A timeout costs more than to take a turn that is free.
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
        self._lent.add(connection)
        return connection

    async def release(self, connection: asyncpg.Connection, *, is_settled: bool = True) -> None:
        """Takes a connection back.

        What a borrower that failed has left (`is_settled` is False), an open transaction or a statement that is still
        being cancelled, is ended in the background before the connection is lent again. Raises asyncpg.InterfaceError for
        one that is not lent.
        """
        if connection not in self._lent and not connection.is_closed():
            raise asyncpg.InterfaceError("the connection is not lent")
        if connection.is_closed() or (is_settled and not connection.is_in_transaction()):
            self._take_back(connection)
            return
        task = self._loop.create_task(self._reset(connection))
        self._resets.add(task)
        task.add_done_callback(self._resets.discard)

    def usage(self) -> tuple[int, int]:
        """How many connections are in use, and how many clients wait for one."""
        return len(self._lent), self._waiting

    async def close(self) -> None:
        """Waits for what is lent. Whoever still asks is refused with asyncpg.InterfaceError."""
        self._is_closing = True
        for _ in range(self._maximum):
            await self._turns.acquire()
        try:
            await asyncio.gather(*(connection.close() for _, connection in self._idle))
        finally:
            self._turns.release()

    def drop_idle(self) -> None:
        """Drops what is not lent, so that new connections are made; within DROP_SECONDS only the one that was used last."""
        if not self._idle:
            return
        self._idle.pop()[1].terminate()
        if self._loop.time() - self._dropped_at >= DROP_SECONDS:
            self._dropped_at = self._loop.time()
            while self._idle:
                self._idle.popleft()[1].terminate()

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

    async def _connect(self) -> asyncpg.Connection:
        connection: asyncpg.Connection = await asyncpg.connect(**self._options)
        # Whatever its borrower does: a turn is lost for no longer than its connection lives.
        connection.add_termination_listener(lambda _closed: self._take_back(connection))
        return connection

    def _take_back(self, connection: asyncpg.Connection) -> None:
        if connection not in self._lent:  # it closed, and this is the second to say so
            return
        self._lent.remove(connection)
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
    """Tortoise's client for PostgreSQL; it asks its pool for no more than `acquire`, `release`, `close`, `terminate`."""

    _pool: Pool | None  # type: ignore[assignment]  # Tortoise knows asyncpg's alone

    async def create_pool(self, **options: Any) -> Any:
        for unused in ("min_size", "loop"):
            options.pop(unused)
        return await Pool.opened(options.pop("max_size"), **options)

    async def accepts_writes(self) -> bool:
        """Whether the server does, in one round trip; no, of a standby or where the database or role is set to read only.

        What is idle is dropped then: those sessions stay read-only when the database or another server accepts writes again.
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
        return _Borrowed(self, self._pool_init_lock)

    def _in_transaction(self) -> TransactionContextPooled:
        return _Transaction(TransactionWrapper(self), self._pool_init_lock)


class _Borrowed(PoolConnectionWrapper[asyncpg.Connection]):
    connection: asyncpg.Connection

    async def __aenter__(self) -> asyncpg.Connection:
        await self.ensure_connection()
        # Kept, since the client may be closed, or have another, when this one is given back.
        self._pool: Pool = self.client._pool
        self.connection = await self._pool.acquire()
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_away = _is_away(error, self.connection)
        if _is_read_only(error):
            self.connection.terminate()
        await self._pool.release(self.connection, is_settled=error is None)
        if is_away:
            raise DBConnectionError("the connection closed") from error


class _Transaction(TransactionContextPooled):
    """A transaction on a connection that goes back to its pool however it begins and ends.

    Tortoise's own keeps the connection for ever, and leaves the task on it, when BEGIN fails or is given up. Where BEGIN,
    COMMIT or ROLLBACK were not seen to their ends nobody knows what the session is in, so it is closed, which undoes all.
    """

    async def __aenter__(self) -> TransactionalDBClient:
        connections = get_connections()  # refuses whoever has none before anything is taken
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
            # What went wrong first is told, and a cancellation stays one.
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
        """Never waits, so that it cannot be given up."""
        connection = self.client._connection
        if not is_settled:
            connection.terminate()
        await self._pool.release(connection)
        get_connections().reset(self.token)


def _is_away(error: BaseException | None, connection: asyncpg.Connection) -> bool:
    """Whether an error that the driver says is its own is only that the connection was lost between two statements.

    It has no class for that. Its real faults (a state it does not know, a codec) leave the connection open, and stay
    what they are.
    """
    return isinstance(error, asyncpg.InternalClientError) and connection.is_closed()


def _is_read_only(error: BaseException | None) -> bool:
    """Whether a write was refused by a session that accepts none: it stays so, and another one may be with the new primary."""
    while error is not None and not isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        error = error.__cause__
    return error is not None


# What Tortoise looks for in the module that is a connection's `engine`.
client_class = PooledClient
