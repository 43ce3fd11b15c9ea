"""python -m tests.bench.transport: the cost of a GraphQL request outside its operation, in µs of CPU.

Requests go through uvicorn's protocol in this process, on uvloop, over an in-memory transport: no kernel, no client. The
operation is replaced by a constant response; the rest is measured: middleware, headers, body, key, response, log line, counters.
For comparison, an ASGI application returns the same bytes at once.

Also the cost of acquiring a PostgreSQL connection for one statement, and the longest wait among many clients.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from app.execution.operations import Operations
from app.foundation.database.pool import Pool
from app.server.asgi import create_app
from app.server.transport.http import BoundedProtocol
from tests.bench.client import request
from tests.support.installation import seed, settings_of
from tests.support.servers.postgres import Postgres

ROUNDS, REQUESTS = 9, 3_000
CONNECTIONS, CLIENTS, TIMES = 10, 64, 40
QUERY = b'{"query": "query Who { viewer { scope role } }", "operationName": "Who", "variables": {}%s}'


class Wire(asyncio.Transport):
    """An in-memory transport; reports when a response, which has a known number of writes, is complete."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self._pieces = pieces
        self.answered: asyncio.Future[None] | None = None
        self.written: list[bytes] = []

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"sockname": ("127.0.0.1", 8000), "peername": ("127.0.0.1", 40_000)}.get(name, default)

    def write(self, data: Any) -> None:
        self.written.append(data)
        if len(self.written) == self._pieces and self.answered is not None:
            self.answered.set_result(None)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...


class Driver:
    """One kept-alive connection to an application."""

    def __init__(self, app: Any, protocol: type[HttpToolsProtocol], raw: bytes) -> None:
        config = uvicorn.Config(
            app, http=protocol, lifespan="off", log_config=None, access_log=False, limit_concurrency=1_000
        )
        config.load()
        self.wire, self.raw = Wire(1 if protocol is BoundedProtocol else 2), raw
        self.protocol = protocol(config=config, server_state=ServerState(), app_state={})
        self.protocol.connection_made(self.wire)

    async def microseconds(self) -> float:
        """The mean CPU of a request."""
        loop, wire = asyncio.get_running_loop(), self.wire
        begun = time.thread_time()
        for _ in range(REQUESTS):
            wire.answered, wire.written = loop.create_future(), []
            self.protocol.data_received(self.raw)
            await wire.answered
        return (time.thread_time() - begun) / REQUESTS * 1e6


async def at_once(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """The application for comparison."""
    headers = [(b"content-length", b"52"), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x" * 52})


async def measure(url: str) -> tuple[float, float]:
    """Medians over rounds: our server, and the constant response."""
    with tempfile.TemporaryDirectory(prefix="accounts-transport-") as name:
        folder = Path(name)
        world = await seed(folder, url)
        app = create_app(settings_of(world, folder, url))
        app.state.server.is_worker = True
        async with app.router.lifespan_context(app):
            raw = request(8000, world.tokens["admin"], QUERY % (b" " * 300), headers="Accept: */*\r\nX-Padding: 1\r\n")
            ours, other = Driver(app, BoundedProtocol, raw), Driver(at_once, HttpToolsProtocol, raw)
            await answer_constantly(ours)
            rounds = [(await ours.microseconds(), await other.microseconds()) for _ in range(ROUNDS)]
            assert ours.wire.written[0].startswith(b"HTTP/1.1 200"), ours.wire.written
    return statistics.median(each[0] for each in rounds), statistics.median(each[1] for each in rounds)


async def answer_constantly(driver: Driver) -> None:
    """Runs the operation once, and returns the same response from then on."""
    real, kept = Operations.run, dict[str, Any]()

    async def run(*arguments: Any, **options: Any) -> Any:
        if not kept:
            kept["answer"] = await real(*arguments, **options)
        return kept["answer"]

    Operations.run = run  # type: ignore[method-assign]
    await driver.microseconds()


async def measure_pools(url: str) -> dict[str, tuple[float, float]]:
    """By pool: µs of CPU for one statement, and the longest wait of many concurrent clients in ms."""
    pools: dict[str, Any] = {
        "asyncpg's pool": await asyncpg.create_pool(url, min_size=1, max_size=CONNECTIONS),
        "asyncpg's pool without a reset, behind a semaphore": _Queued(
            await asyncpg.create_pool(url, min_size=1, max_size=CONNECTIONS, reset=_no_reset)
        ),
        "our pool": await Pool.opened(CONNECTIONS, dsn=url),
    }
    rounds = [{name: await _acquire(pool) for name, pool in pools.items()} for _ in range(ROUNDS)]
    waits = {name: await _longest_wait(pool) for name, pool in pools.items()}
    for pool in pools.values():
        await pool.close()
    return {name: (statistics.median(each[name] for each in rounds), waits[name]) for name in pools}


class _Queued:
    """asyncpg's pool behind a fair semaphore: the minimal equivalent of `Pool`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._turns = asyncio.Semaphore(CONNECTIONS)

    async def acquire(self) -> asyncpg.pool.PoolConnectionProxy:
        await self._turns.acquire()
        try:
            return await self._pool.acquire()
        except BaseException:
            self._turns.release()
            raise

    async def release(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        try:
            await self._pool.release(connection)
        finally:
            self._turns.release()

    async def close(self) -> None:
        await self._pool.close()


async def _no_reset(_: asyncpg.Connection) -> None:
    """No reset: the application leaves no state in a session."""


async def _acquire(pool: Any) -> float:
    begun = time.thread_time()
    for _ in range(1_000):
        connection = await pool.acquire()
        await connection.fetch("SELECT $1::int", 1)
        await pool.release(connection)
    return (time.thread_time() - begun) / 1_000 * 1e6


async def _longest_wait(pool: Any) -> float:
    waits: list[float] = []

    async def borrow() -> None:
        for _ in range(TIMES):
            begun = time.perf_counter()
            connection = await pool.acquire()
            waits.append(time.perf_counter() - begun)
            await connection.fetch("SELECT $1::int", 1)
            await pool.release(connection)

    await asyncio.gather(*(borrow() for _ in range(CLIENTS)))
    return max(waits) * 1e3


def main() -> None:
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the log's lines
    with Postgres() as postgres:
        ours, other = uvloop.run(measure(postgres.create("requests")))
        pools = uvloop.run(measure_pools(postgres.create("pools")))
    with os.fdopen(out, "w") as terminal:
        terminal.write(f"a request without its operation: {ours:.1f} µs; a constant response: {other:.1f} µs; ")
        terminal.write(f"difference: {ours - other:.1f} µs\n")
        for name, (cpu, wait) in pools.items():
            terminal.write(f"{name}: {cpu:.1f} µs for one statement; {CLIENTS} clients wait {wait:.0f} ms at most\n")


if __name__ == "__main__":
    main()
