"""Connections to PostgreSQL: who gets the next one, and what is never lent again."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app import postgres_pool
from app.postgres_pool import Pool
from tests.installation import Installation
from tests.servers.postgres import Postgres


@pytest.fixture
async def pool(postgres: Postgres) -> AsyncIterator[Pool]:
    """One connection."""
    url = postgres.create("lent")
    opened = await Pool.opened(1, dsn=url)
    yield opened
    opened.terminate()
    postgres.drop(url)


async def session(connection: asyncpg.Connection) -> int:
    """Which session of the server a connection is."""
    found: int = await connection.fetchval("SELECT pg_backend_pid()")
    return found


async def session_of(pool: Pool) -> int:
    connection = await pool.acquire()
    try:
        return await session(connection)
    finally:
        await pool.release(connection)


async def soon(*tasks: asyncio.Task[None]) -> None:
    """Lets others run, and gives up after a while."""
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def test_whoever_waits_longest_is_next_and_nobody_overtakes(pool: Pool) -> None:
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


async def test_who_gives_up_waiting_leaves_the_place_to_the_next(pool: Pool) -> None:
    held = await pool.acquire()
    impatient = asyncio.create_task(pool.acquire())
    patient = asyncio.create_task(session_of(pool))
    await asyncio.sleep(0)
    impatient.cancel()
    expected = await session(held)
    await pool.release(held)
    assert await asyncio.wait_for(patient, 10) == expected


async def test_who_gives_up_when_it_is_their_turn_leaves_it_to_the_next(pool: Pool) -> None:
    held = await pool.acquire()
    impatient = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    await pool.release(held)
    impatient.cancel()
    await asyncio.wait_for(session_of(pool), 10)


async def test_a_session_is_used_again(pool: Pool) -> None:
    assert await session_of(pool) == await session_of(pool)


async def test_a_connection_that_died_is_not_lent_again(pool: Pool) -> None:
    before = await session_of(pool)
    connection = await pool.acquire()
    connection.terminate()
    await pool.release(connection)
    assert await session_of(pool) != before


async def test_a_connection_that_died_while_it_was_idle_is_not_lent_again(pool: Pool, postgres: Postgres) -> None:
    before = await session_of(pool)
    postgres.run(f"SELECT pg_terminate_backend({before})")
    await asyncio.sleep(0.2)
    assert await session_of(pool) != before


async def test_a_transaction_that_was_left_open_is_undone_before_the_next_borrower(pool: Pool) -> None:
    connection = await pool.acquire()
    await connection.execute("BEGIN")
    await connection.execute("CREATE TABLE left_behind ()")
    await pool.release(connection)
    connection = await asyncio.wait_for(pool.acquire(), 10)
    assert not connection.is_in_transaction()
    assert await connection.fetchval("SELECT to_regclass('left_behind')") is None
    await pool.release(connection)


async def test_a_statement_that_was_given_up_is_ended_before_the_next_borrower(pool: Pool) -> None:
    connection = await pool.acquire()
    with pytest.raises(TimeoutError):
        await connection.execute("SELECT pg_sleep(60)", timeout=0.1)
    begun = time.monotonic()
    await pool.release(connection, is_settled=False)
    connection = await asyncio.wait_for(pool.acquire(), 10)
    assert await connection.fetchval("SELECT 1") == 1
    assert time.monotonic() - begun < 5
    await pool.release(connection)


async def test_a_connection_that_cannot_be_set_right_is_replaced(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await session_of(pool)
    monkeypatch.setattr(postgres_pool, "RESET_SECONDS", 0)
    await pool.release(await pool.acquire(), is_settled=False)
    assert await asyncio.wait_for(session_of(pool), 10) != before


async def test_what_was_idle_for_long_is_dropped(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await session_of(pool)
    monkeypatch.setattr(postgres_pool, "IDLE_SECONDS", 0)
    assert await session_of(pool) != before


async def test_a_server_that_cannot_be_reached_takes_no_place() -> None:
    pool = Pool(1, host="127.0.0.1", port=9, user="nobody", timeout=2)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.wait_for(pool.acquire(), 5)


async def test_the_end_waits_for_what_is_lent_and_refuses_whoever_still_asks(pool: Pool) -> None:
    held = await pool.acquire()
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0)
    late = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0.05)
    assert not closing.done()
    await pool.release(held)
    await soon(closing)
    with pytest.raises(asyncpg.InterfaceError):
        await asyncio.wait_for(late, 10)
    assert held.is_closed()


async def test_the_server_uses_it(backend: str, installation: Installation) -> None:
    if backend == "sqlite":
        pytest.skip("SQLite has one connection")
    assert type(installation.app.state.server.running.database.db()) is postgres_pool.PooledClient
