"""The storage is away or frozen, the cache is frozen, the disk of the spool is full."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.calls.model import RecordingState
from tests.chaos.conftest import Ground
from tests.chaos.faults import frozen, stopped
from tests.chaos.ledger import until, waiting
from tests.support.servers.valkey import PromptServer

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
DISK_MEGABYTES = 4


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path], None]]:
    """Mounts a disk of a few megabytes on a folder, if this user may."""
    mounted: list[Path] = []

    def mount(folder: Path) -> None:
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(folder)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            pytest.skip("only root may mount a small disk")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_recordings_made_while_the_storage_is_down_are_stored_when_it_is_back(ground: Ground) -> None:
    async with ground.ledger.writing(ground.server):
        with stopped(ground.s3):
            assert await asyncio.gather(*(ground.call(f"during-{number}") for number in range(6))) == [1000] * 6
            await until(lambda: _has_tried(ground, 6), 30)
        assert await ground.call("after") == 1000
    await ground.verify()


async def _has_tried(ground: Ground, count: int) -> bool:
    rows = await ground.server.rows()
    return sum(row.recording_attempts > 0 for row in rows.values()) == count


async def test_recordings_made_while_the_storage_is_frozen_are_stored_when_it_continues(ground: Ground) -> None:
    assert ground.s3.pid is not None
    async with ground.ledger.writing(ground.server):
        with frozen(ground.s3.pid):
            assert await asyncio.gather(*(ground.call(f"during-{number}") for number in range(12))) == [1000] * 12
            assert len(waiting(ground.server)) == 12
        assert await ground.call("after") == 1000
    await ground.verify()


@pytest.mark.usefixtures("valkey")
async def test_calls_and_writes_continue_while_the_cache_is_frozen(ground: Ground, valkey: PromptServer) -> None:
    assert valkey.pid is not None
    assert await ground.call("before") == 1000
    async with ground.ledger.writing(ground.server):
        with frozen(valkey.pid):
            written = len(ground.ledger.writes)
            assert await asyncio.gather(*(ground.call(f"during-{number}") for number in range(6))) == [1000] * 6
            await until(lambda: _has_written(ground, written + 10), 60)
    await ground.verify()


async def _has_written(ground: Ground, count: int) -> bool:
    return len(ground.ledger.writes) >= count


@pytest.mark.usefixtures("small_disk")
async def test_a_full_disk_keeps_recordings_closed_with_1000_and_refuses_the_rest(
    ground: Ground,
) -> None:
    with stopped(ground.s3):
        for number in range(20):
            calls = [ground.call(f"{number}-{each}", account=("own", "sibling")[each % 2]) for each in range(8)]
            codes = set(await asyncio.gather(*calls))
            if codes & {1011, 1013}:
                break
        assert codes <= {1000, 1011, 1013}
        assert codes & {1011, 1013}, "the disk never was full"
    await ground.verify()
    states = {row.recording_state for row in (await ground.server.rows()).values()}
    # FAILED: recordings without any audio on the disk.
    assert states <= {RecordingState.STORED, RecordingState.NONE, RecordingState.FAILED}
