"""The pool of PostgreSQL connections: its order, broken connections, and transactions that fail or are cancelled."""

import asyncio
import contextvars
import random
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.connection import get_connections
from tortoise.context import TortoiseContext
from tortoise.exceptions import DBConnectionError
from tortoise.transactions import in_transaction

from app.foundation import errors
from app.foundation.database import pool as postgres_pool
from app.foundation.database.pool import Pool, PooledClient
from tests.support.installation import Installation
from tests.support.servers.postgres import Postgres
from tests.support.waiting import until


@pytest.fixture
async def pool(postgres: Postgres) -> AsyncIterator[Pool]:
    """One connection."""
    url = postgres.create("lent")
    opened = await Pool.opened(1, dsn=url)
    yield opened
    opened.terminate()
    postgres.drop(url)


async def session(connection: asyncpg.Connection) -> int:
    """The server's session of a connection."""
    found: int = await connection.fetchval("SELECT pg_backend_pid()")
    return found


async def session_of(pool: Pool) -> int:
    connection = await pool.acquire()
    try:
        return await session(connection)
    finally:
        await pool.release(connection)


async def until_noticed(pool: Pool) -> None:
    """Waits until the driver has noticed that all idle connections were cut."""
    await until(lambda: all(connection.is_closed() for _, connection in pool._idle))


async def soon(*tasks: asyncio.Task[None]) -> None:
    """Waits for tasks, with a limit."""
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def test_connections_are_acquired_in_the_order_of_the_requests(pool: Pool) -> None:
    served = []

    async def borrow(name: int) -> None:
        connection = await pool.acquire()
        served.append(name)
        await asyncio.sleep(0)
        await pool.release(connection)

    held = await pool.acquire()
    waiting = [asyncio.create_task(borrow(number)) for number in range(5)]
    await asyncio.sleep(0)
    await pool.release(held)
    await borrow(5)  # comes just when the connection is free
    await soon(*waiting)
    assert served == [0, 1, 2, 3, 4, 5]


async def test_a_cancelled_waiter_leaves_its_turn_to_the_next(pool: Pool) -> None:
    held = await pool.acquire()
    impatient = asyncio.create_task(pool.acquire())
    patient = asyncio.create_task(session_of(pool))
    await asyncio.sleep(0)
    impatient.cancel()
    expected = await session(held)
    await pool.release(held)
    assert await asyncio.wait_for(patient, 10) == expected


async def test_idle_connections_are_dropped_all_at_once_and_soon_afterwards_only_the_newest(postgres: Postgres) -> None:
    url = postgres.create("dropped")
    pool = await Pool.opened(3, dsn=url)

    async def lend(count: int) -> set[int]:
        """The sessions of this many concurrent clients."""
        borrowed = [await pool.acquire() for _ in range(count)]
        found = {await session(connection) for connection in borrowed}
        for connection in borrowed:
            await pool.release(connection)
        return found

    first = await lend(3)
    pool.drop_idle()
    pool.drop_idle()  # there is none
    second = await lend(3)
    assert not first & second
    pool.drop_idle()
    assert len(await lend(3) & second) == 2
    pool.terminate()
    postgres.drop(url)


async def test_a_waiter_cancelled_at_its_turn_leaves_it_to_the_next(pool: Pool) -> None:
    held = await pool.acquire()
    impatient = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    await pool.release(held)
    impatient.cancel()
    await asyncio.wait_for(session_of(pool), 10)


async def test_a_session_is_used_again(pool: Pool) -> None:
    assert await session_of(pool) == await session_of(pool)


async def test_a_closed_connection_is_not_acquired_again(pool: Pool) -> None:
    before = await session_of(pool)
    connection = await pool.acquire()
    connection.terminate()
    await pool.release(connection)
    assert await session_of(pool) != before


async def test_a_connection_that_closed_while_idle_is_not_acquired_again(pool: Pool, postgres: Postgres) -> None:
    before = await session_of(pool)
    postgres.run(f"SELECT pg_terminate_backend({before})")
    await until_noticed(pool)
    assert await session_of(pool) != before


async def test_an_open_transaction_is_rolled_back_before_the_next_client(pool: Pool) -> None:
    connection = await pool.acquire()
    await connection.execute("BEGIN")
    await connection.execute("CREATE TABLE left_behind ()")
    await pool.release(connection)
    connection = await asyncio.wait_for(pool.acquire(), 10)
    assert not connection.is_in_transaction()
    assert await connection.fetchval("SELECT to_regclass('left_behind')") is None
    await pool.release(connection)


async def test_a_cancelled_statement_has_ended_before_the_next_client(pool: Pool) -> None:
    connection = await pool.acquire()
    with pytest.raises(TimeoutError):
        await connection.execute("SELECT pg_sleep(60)", timeout=0.1)
    begun = time.monotonic()
    await pool.release(connection, is_settled=False)
    connection = await asyncio.wait_for(pool.acquire(), 10)
    assert await connection.fetchval("SELECT 1") == 1
    assert time.monotonic() - begun < 5
    await pool.release(connection)


async def test_a_connection_that_cannot_be_reset_is_replaced(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await session_of(pool)
    monkeypatch.setattr(postgres_pool, "RESET_SECONDS", 0)
    await pool.release(await pool.acquire(), is_settled=False)
    assert await asyncio.wait_for(session_of(pool), 10) != before


async def test_a_connection_idle_for_long_is_dropped(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await session_of(pool)
    monkeypatch.setattr(postgres_pool, "IDLE_SECONDS", 0)
    assert await session_of(pool) != before


async def test_a_failed_connect_takes_no_turn() -> None:
    pool = Pool(1, host="127.0.0.1", port=9, user="unused", timeout=2)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.wait_for(pool.acquire(), 5)


async def test_close_waits_for_acquired_connections_and_refuses_new_requests(pool: Pool) -> None:
    held = await pool.acquire()
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0)
    late = asyncio.create_task(pool.acquire())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not closing.done()
    await pool.release(held)
    await soon(closing)
    with pytest.raises(asyncpg.InterfaceError):
        await asyncio.wait_for(late, 10)
    assert held.is_closed()


async def test_an_unreleased_connection_is_replaced_when_it_closes(pool: Pool, postgres: Postgres) -> None:
    lost = await pool.acquire()
    postgres.run(f"SELECT pg_terminate_backend({await session(lost)})")
    assert await asyncio.wait_for(session_of(pool), 10) > 0
    # A late release frees no second turn.
    await pool.release(lost)
    held = await pool.acquire()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await pool.acquire()
    await pool.release(held)


async def test_a_connection_that_is_not_acquired_cannot_be_released(pool: Pool) -> None:
    connection = await pool.acquire()
    await pool.release(connection)
    with pytest.raises(asyncpg.InterfaceError):
        await pool.release(connection)
    await asyncio.wait_for(session_of(pool), 10)


SIZE = 3


@pytest.fixture
async def client(postgres: Postgres) -> AsyncIterator[PooledClient]:
    """Tortoise's client with three connections, as the client of the context."""
    url = postgres.create("borrowed")
    connection = expand_db_url(url)
    connection["engine"] = postgres_pool.__name__
    connection["credentials"].update(minsize=1, maxsize=SIZE, command_timeout=5)
    apps = {"models": {"models": ["aerich.models"], "default_connection": "default"}}
    async with TortoiseContext() as context:
        await context.init(config={"connections": {"default": connection}, "apps": apps})
        opened = context.db()
        assert isinstance(opened, PooledClient)
        await opened.execute_query("CREATE TABLE written (number int)")
        yield opened
    postgres.drop(url)


async def all_turns_are_there(client: PooledClient) -> None:
    """All connections can be acquired at once, and none has an open transaction."""
    pool = client._pool
    assert pool is not None
    async with asyncio.timeout(10):
        connections = [await pool.acquire() for _ in range(SIZE)]
    for connection in connections:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("SELECT 1") == 1
        await pool.release(connection)


async def test_a_cancelled_begin_keeps_no_connection(client: PooledClient) -> None:
    async def write() -> None:
        async with in_transaction():
            await get_connections().get("default").execute_query("INSERT INTO written VALUES (1)")

    for steps in range(12):
        task = asyncio.create_task(write())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await all_turns_are_there(client)


async def test_a_begin_that_fails_keeps_no_connection_and_leaves_the_task_outside_of_it(
    client: PooledClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: object) -> None:
        raise asyncpg.TooManyConnectionsError

    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.transaction.Transaction, "start", refuse)
        for _ in range(SIZE + 1):
            with pytest.raises(asyncpg.TooManyConnectionsError):
                async with asyncio.timeout(5), in_transaction():
                    pass
    assert get_connections().get("default") is client
    await all_turns_are_there(client)


async def test_a_transaction_outside_tortoises_context_acquires_no_connection(client: PooledClient) -> None:
    async def begin() -> None:
        async with client._in_transaction():
            pass

    for _ in range(SIZE + 1):
        with pytest.raises(RuntimeError, match="No TortoiseContext"):
            await asyncio.create_task(begin(), context=contextvars.Context())
    await all_turns_are_there(client)


async def cut(postgres: Postgres, error: Exception | None) -> None:
    """A transaction whose session is ended before it is."""
    async with asyncio.timeout(5), in_transaction() as transaction:
        _, rows = await transaction.execute_query("SELECT pg_backend_pid() AS pid")
        postgres.run(f"SELECT pg_terminate_backend({rows[0]['pid']})")
        await until(transaction._connection.is_closed)
        if error is not None:
            raise error


async def test_a_failed_commit_keeps_no_connection(client: PooledClient, postgres: Postgres) -> None:
    for _ in range(SIZE + 1):
        with pytest.raises((DBConnectionError, asyncpg.InterfaceError)):
            await cut(postgres, None)
    assert get_connections().get("default") is client
    await all_turns_are_there(client)


async def test_a_failed_rollback_keeps_no_connection_and_raises_the_first_error(
    client: PooledClient, postgres: Postgres
) -> None:
    for error in (ZeroDivisionError(), TimeoutError(), ZeroDivisionError(), TimeoutError()):
        with pytest.raises(type(error)) as caught:
            await cut(postgres, error)
        assert caught.value is error
    assert get_connections().get("default") is client
    await all_turns_are_there(client)


async def test_a_cancelled_commit_keeps_no_connection(client: PooledClient) -> None:
    async def write() -> None:
        async with in_transaction() as transaction:
            await transaction.execute_query("INSERT INTO written VALUES (1)")
            committing.set()

    for steps in range(6):
        committing = asyncio.Event()
        task = asyncio.create_task(write())
        await committing.wait()
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await all_turns_are_there(client)


async def test_after_any_cut_or_cancellation_all_connections_are_available(
    client: PooledClient, postgres: Postgres
) -> None:
    chance = random.Random(7)
    unexpected: list[BaseException] = []
    using: set[asyncpg.Connection] = set()

    async def write() -> None:
        async with in_transaction() as transaction:
            await transaction.execute_query("INSERT INTO written VALUES (1)")
            await transaction.execute_query("SELECT pg_sleep(0.002)")

    async def read() -> None:
        async with client.acquire_connection() as connection:
            assert connection not in using
            using.add(connection)
            try:
                await connection.execute("SELECT pg_sleep(0.002)")
            finally:
                using.remove(connection)

    async def insist(until: float) -> None:
        while time.monotonic() < until:
            try:
                async with asyncio.timeout(chance.choice([0.001, 0.003, 0.01, 5])):
                    await chance.choice([write, read])()
            except Exception as error:  # noqa: BLE001  all of them are looked at
                if errors.for_client(error) is None:
                    unexpected.append(error)

    begun = time.monotonic()
    people = [asyncio.create_task(insist(begun + 4)) for _ in range(12)]
    other = await asyncpg.connect(postgres.url("postgres"))
    while time.monotonic() < begun + 4:
        await asyncio.sleep(0.05)  # real time is the subject: faults at any moment of real statements
        await other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'borrowed'")
    await asyncio.wait_for(asyncio.gather(*people), 20)
    assert unexpected == []
    assert client._pool is not None
    await asyncio.wait_for(asyncio.gather(*client._pool._resets), 10)  # of what was given up last
    assert client._pool._acquired == set()
    await other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'borrowed'")
    await other.close()
    await until_noticed(client._pool)
    await all_turns_are_there(client)


@pytest.mark.parametrize("in_a_transaction", [True, False])
async def test_a_connection_may_be_released_after_its_client_was_closed(
    client: PooledClient, in_a_transaction: bool
) -> None:
    async with in_transaction() if in_a_transaction else client.acquire_connection():
        pool = client._pool
        assert pool is not None
        held = set(pool._acquired)
        closing = asyncio.create_task(client.close())
        await asyncio.sleep(0)
        client._pool = None
    client._pool = pool
    await asyncio.wait_for(closing, 5)
    assert [connection.is_closed() for connection in held] == [True]


@pytest.mark.parametrize("in_a_transaction", [True, False])
async def test_an_internal_driver_error_on_a_closed_connection_means_that_the_database_is_away(
    client: PooledClient, in_a_transaction: bool
) -> None:
    async def fail(*, closed: bool) -> None:
        found: Any
        async with in_transaction() if in_a_transaction else client.acquire_connection() as found:
            if closed:
                (found._connection if in_a_transaction else found).terminate()
            raise asyncpg.InternalClientError("not connected")

    with pytest.raises(DBConnectionError):
        await fail(closed=True)
    # On an open connection it is a real error of the driver or its use.
    with pytest.raises(asyncpg.InternalClientError):
        await fail(closed=False)
    await all_turns_are_there(client)


async def test_the_server_uses_this_pool(installation: Installation) -> None:
    assert type(installation.app.state.server.state.database.db()) is postgres_pool.PooledClient
