"""The server's processes die: all of them, or one worker."""

import asyncio
import os
import signal

import httpx
import psutil
import pytest

from tests.chaos.conftest import Ground
from tests.chaos.ledger import CONNECTION_LOST, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


async def test_a_killed_server_has_everything_acknowledged_when_it_starts_again(ground: Ground) -> None:
    async with ground.ledger.writing(ground.server):
        assert await asyncio.gather(*(ground.call(f"before-{number}") for number in range(4))) == [1000] * 4
        running = [asyncio.create_task(ground.call(f"running-{number}", seconds=60)) for number in range(6)]
        await until(lambda: _are_recorded(ground, 10), 20)
        ground.server.kill()
    assert await asyncio.gather(*running) == [CONNECTION_LOST] * 6
    await ground.server.start()
    rows = await ground.server.until("STORED", 60, 10)
    for number in range(6):
        assert (rows[f"running-{number}"].recording_duration_ms or 0) > 0
    await ground.verify()


async def _are_recorded(ground: Ground, count: int) -> bool:
    rows = await ground.server.rows()
    files = [ground.server.spool / row.id.hex / "audio" for row in rows.values()]
    # At least half a second of each running call is on disk.
    sizes = [file.stat().st_size for file in files if file.exists()]
    return len(rows) == count and all(size > 20_000 for size in sizes)


@pytest.mark.environment(WORKERS="2")
async def test_a_killed_worker_loses_only_its_own_calls(ground: Ground) -> None:
    async with ground.ledger.writing(ground.server):
        running = [asyncio.create_task(ground.call(f"running-{number}", seconds=8)) for number in range(12)]
        await until(lambda: _are_recorded(ground, 12), 20)
        os.kill(ground.server.workers[0], signal.SIGKILL)
        codes = await asyncio.gather(*running)
        assert await ground.call("after") == 1000
    assert set(codes) <= {1000, CONNECTION_LOST}
    await until(lambda: _has_workers(ground, 2), 60)
    await ground.verify()


@pytest.mark.critical
@pytest.mark.environment(WORKERS="2")
async def test_a_worker_that_dies_while_the_database_is_down_does_not_end_the_instance(ground: Ground) -> None:
    """Its successor waits until it can start, and the other worker continues."""
    assert await asyncio.gather(*(ground.call(f"before-{number}") for number in range(6))) == [1000] * 6
    running = [asyncio.create_task(ground.call(f"running-{number}", seconds=15)) for number in range(12)]
    await until(lambda: _are_recorded(ground, 18), 20)
    ground.postgres.kill()
    # The worker with fewer calls: the kernel may have given one worker all of them.
    first = min(ground.server.workers, key=lambda worker: len(psutil.Process(worker).net_connections("tcp")))
    os.kill(first, signal.SIGKILL)
    await until(lambda: _has_successor(ground, first), 60)
    for _ in range(5):
        assert await _is_alive(ground)
    codes = await asyncio.gather(*running)
    assert set(codes) <= {1000, CONNECTION_LOST}
    assert 1000 in codes, "all calls were those of the killed worker: the test shows little"
    ground.postgres.start()
    await until(lambda: _is_ready(ground), 60, lambda: ground.server.log[-3000:])
    async with ground.ledger.writing(ground.server):
        assert await ground.call("after") == 1000
    await ground.verify()


async def _has_workers(ground: Ground, count: int) -> bool:
    return len(ground.server.workers) == count


async def _has_successor(ground: Ground, dead: int) -> bool:
    return len(ground.server.workers) == 2 and dead not in ground.server.workers


async def _is_alive(ground: Ground) -> bool:
    """Asks over a new connection, which any worker may accept."""
    async with httpx.AsyncClient(base_url=str(ground.server.client.base_url), trust_env=False, timeout=30) as client:
        return (await client.get("/healthz")).status_code == 200


async def _is_ready(ground: Ground) -> bool:
    try:
        return (await ground.server.client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False
