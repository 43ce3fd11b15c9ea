"""The database freezes, dies, or is replaced."""

import asyncio
import sys
from pathlib import Path

import pytest

from app.accounts.model import Account
from app.calls.model import Call, RecordingState
from app.commands import migrate
from app.foundation.database import orm
from app.foundation.identifiers import Kind, sid_of
from tests.chaos.conftest import DATABASE, Ground
from tests.chaos.faults import frozen, stopped
from tests.chaos.ledger import HANDSHAKE_REFUSED, until, waiting
from tests.recording.real_server import ROOT
from tests.recording.upload_setup import s3_client
from tests.support.installation import settings_of

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
STALL_SECONDS = 20
REFUSED = {1013, HANDSHAKE_REFUSED}


@pytest.mark.critical
async def test_calls_shorter_than_a_stall_of_the_database_are_kept_or_refused(ground: Ground) -> None:
    before = [await ground.call(f"before-{account}", account=account) for account in ("own", "sibling")]
    assert before == [1000, 1000]
    async with ground.ledger.writing(ground.server):
        running = asyncio.create_task(ground.call("running", seconds=5))
        await until(lambda: _is_recorded(ground, "running"), 10)
        with frozen(*ground.postgres.pids):
            stall = asyncio.create_task(asyncio.sleep(STALL_SECONDS))
            calls = [ground.call(f"during-{number}", account=("own", "sibling")[number % 2]) for number in range(12)]
            codes = await asyncio.gather(*calls)
            await asyncio.gather(running, stall)
    assert set(codes) <= {1000, *REFUSED}
    assert codes.count(1000) > 0, "none was kept: the test shows little"
    assert running.result() == 1000
    await ground.verify()


async def _is_recorded(ground: Ground, name: str) -> bool:
    return name in await ground.server.rows()


async def recordings_that_wait(ground: Ground) -> list[str]:
    """Recordings closed with 1000 while the storage is down."""
    names = [f"{account}-{number}" for account in ("own", "sibling") for number in range(3)]
    assert await asyncio.gather(*(ground.call(name, account=name.partition("-")[0]) for name in names)) == [1000] * 6
    return names


@pytest.mark.critical
async def test_a_restored_older_dump_erases_no_audio_and_deletes_no_object(ground: Ground) -> None:
    assert await ground.call("in-the-dump") == 1000
    await ground.verify()
    ground.server.kill()
    ground.postgres.dump(DATABASE, "older")
    await ground.server.start()
    assert await ground.call("stored-since") == 1000
    await ground.server.until("STORED", 30, 2)
    with stopped(ground.s3):
        names = await recordings_that_wait(ground)
        ground.postgres.exchange(DATABASE, "older", away="newer")
        await until(lambda: _has_rows(ground, names), 60)
    # Recordings stored since the dump have no row; `verify` finds their objects by the rows of the newer database.
    since = ground.ledger.kept.pop("stored-since")
    await ground.verify()
    ground.postgres.exchange(DATABASE, "newer", away="older")
    rows = await ground.server.rows()
    stored = await asyncio.to_thread(_object, ground, rows["stored-since"])
    assert stored[44:] == since


async def _has_rows(ground: Ground, names: list[str]) -> bool:
    rows = await ground.server.rows()
    return set(names) <= rows.keys() and len(waiting(ground.server)) == len(names)


def _object(ground: Ground, row: Call) -> bytes:
    found: bytes = s3_client(ground.s3).get_object(Bucket="calls", Key=row.recording_key)["Body"].read()
    return found


async def test_an_empty_database_sets_recordings_aside_and_a_command_restores_them(ground: Ground) -> None:
    server = ground.server
    empty = settings_of(server.world, server.settings.data_dir, ground.postgres.create("empty"))
    await migrate.migrate(empty)
    with stopped(ground.s3):
        names = await recordings_that_wait(ground)
        ground.postgres.exchange(DATABASE, "empty", away="full")
        await until(lambda: _is_aside(ground, len(names)), 60, lambda: server.log[-3000:])
    async with orm.opened(server.settings):
        assert (await Account.all().count(), await Call.all().count()) == (0, 0)
    ground.postgres.exchange(DATABASE, "full", away="empty")
    listed = (await command(ground, "spool")).splitlines()
    assert len(listed) == len(names)
    for line in listed:
        assert "this database does not know the account" in line
        await command(ground, "spool", "--adopt", line.partition(":")[0])
    assert await command(ground, "spool") == "Nothing is set aside.\n"
    await ground.verify()


async def _is_aside(ground: Ground, count: int) -> bool:
    return len(list(ground.server.spool.glob(".aside-*"))) == count and not waiting(ground.server)


async def command(ground: Ground, *arguments: str) -> str:
    """The output of an operator's command while the server runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", *arguments),
        cwd=ROOT,
        env=ground.server._environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    return printed.decode()


async def test_a_killed_database_that_starts_again_has_everything_acknowledged(ground: Ground) -> None:
    async with ground.ledger.writing(ground.server):
        assert await ground.call("before") == 1000
        running = [asyncio.create_task(ground.call(f"running-{number}", seconds=6)) for number in range(4)]
        await until(lambda: _is_recorded(ground, "running-0"), 10)
        written = len(ground.ledger.writes)
        ground.postgres.kill()
        assert await ground.call("during") in {1000, *REFUSED}
        ground.postgres.start()
        await until(lambda: _has_written(ground, written), 60)
        assert await ground.call("after") == 1000
        codes = await asyncio.gather(*running)
    assert codes == [1000] * 4
    await ground.verify()


async def _has_written(ground: Ground, since: int) -> bool:
    return len(ground.ledger.writes) > since + 5


async def test_a_deleted_recording_stays_deleted_after_an_older_dump_is_restored(ground: Ground) -> None:
    """The deletion of the object is still pending, and the dump does not contain the deletion."""
    with stopped(ground.s3):
        assert await ground.call("deleted") == 1000
        await until(lambda: _has_tried(ground), 30)
        ground.server.kill()
        ground.postgres.dump(DATABASE, "older")
        await ground.server.start()
        row = (await ground.server.rows())["deleted"]
        deleted = await ground.server.person("provider").change(
            "deleteRecording", "call { recording { state } }", id=sid_of(Kind.CALL, row.id)
        )
        assert deleted["call"]["recording"]["state"] == "DELETED"
        audio = ground.server.spool / row.id.hex / "audio"
        await until(lambda: _is_empty(audio), 60)
        ground.postgres.exchange(DATABASE, "older", away="newer")
    await until(lambda: _is_deleted(ground), 120, lambda: ground.server.log[-3000:])
    assert s3_client(ground.s3).list_objects_v2(Bucket="calls").get("Contents", []) == []


async def _has_tried(ground: Ground) -> bool:
    rows = await ground.server.rows()
    return rows["deleted"].recording_attempts > 0


async def _is_empty(audio: Path) -> bool:
    return audio.stat().st_size == 0


async def _is_deleted(ground: Ground) -> bool:
    rows = await ground.server.rows()
    return rows["deleted"].recording_state is RecordingState.DELETED and not waiting(ground.server)
